package projections

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// matter is a finding as a careful reader of the whole history would note it.
type matter struct {
	count       uint64
	positions   []events.Index
	first, last string
}

// notebook is every matter by organization, rule, code and what it is about.
type notebook map[string]matter

func (n notebook) note(m message, rule int, code string, about ...string) {
	key := fmt.Sprintf("%s %d %s %s", m.entry.Text("organization"), rule, code, strings.Join(about, " "))
	on := dayOf(m.entry)
	x, ok := n[key]
	if !ok {
		x.first, x.last = on, on
	}
	n[key] = matter{x.count + 1, append(x.positions, m.position), min(x.first, on), max(x.last, on)}
}

// judge applies the folded rules one entry at a time, asking the register view
// what was known before. Rules 8 and 9 need all entries, see patterns and gaps.
func judge(v *Views, all []message) notebook {
	n := notebook{}
	for _, m := range all {
		before := func(register, id string) (Item, values) {
			item, _ := v.At(m.position.Seq().Size()-1).Item(register, id)
			return item, values{item.Fields}
		}
		e := m.entry
		if e.Text("organization") == "" {
			continue
		}
		n.unknown(m)
		if e.Kind.Object == "dataset" && e.Kind.Name != "retention.set" {
			n.class(v, m)
		}
		if !e.Kind.IsData() {
			continue
		}
		_, activity := before("activity", e.Text("activity"))
		system, systemSays := before("system", e.Text("system"))
		if p := e.Text("purpose"); p != "" && len(activity.list("purposes")) > 0 && !slices.Contains(activity.list("purposes"), p) {
			n.note(m, 2, "purpose", e.Text("activity"), p)
		}
		used := e.Kind.Name != "data.deleted" && e.Text("outcome") != "denied" && e.Text("subjects.mode") != "none"
		basis := e.Text("legalBasis") + activity.text("legalBasis") + activity.text("authority")
		reason := e.Text("purpose") + strings.Join(activity.list("purposes"), "")
		if used && (basis == "" || reason == "" && !m.fold.HasReason) {
			about := []string{"by", e.Text("activity")}
			if e.Text("activity") == "" {
				about = []string{"in", e.Text("system")}
			}
			n.note(m, 3, "basis", about...)
		}
		_, dataset := before("dataset", m.fold.Dataset)
		period := dataset.text("retention")
		if r, ok := dataset.Get("retention"); ok {
			period = values{r.Object()}.text("period")
		}
		days := map[string]int{"PT1H": 0, "PT36H": 1, "P2D": 2, "P30D": 30, "P1M": 31, "P1Y": 365}
		if back := e.Text("lookBack"); back != "" && period != "" && days[back] > days[period] {
			n.note(m, 5, "look-back", m.fold.Dataset, back, period, e.Text("activity"), e.Text("system"))
		}
		ended := "9999"
		for _, on := range []string{system.Ended, systemSays.text("ends")} {
			if on != "" {
				ended = min(ended, on)
			}
		}
		if m.fold.Day > ended {
			n.note(m, 11, "ended", e.Text("system"), ended)
		}
		if used && e.Text("subjects.mode") == "unknown" && activity.text("subjectsExpected") == "bulk" {
			n.note(m, 15, "unnamed", e.Text("activity"))
		}
	}
	return n
}

func (n notebook) unknown(m message) {
	var fields []string
	for _, name := range m.entry.Texts("unresolved") {
		if name, _, _ = strings.Cut(name, "/"); name == "organization" {
			n.note(m, 1, "organization")
		} else {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	if fields = slices.Compact(fields); fields == nil {
		return
	}
	about := []string{strings.Join(fields, "+"), m.entry.Kind.Name}
	if !m.entry.Kind.IsData() {
		about = append(about, fmt.Sprint(m.position))
	}
	n.note(m, 1, "reference", about...)
}

func (n notebook) class(v *Views, m message) {
	id := m.entry.Text("dataset")
	before, _ := v.At(m.position.Seq().Size()-1).Item("dataset", id)
	after, err := v.At(m.position.Seq().Size()).Item("dataset", id)
	if err != nil {
		return
	}
	classes := events.CodeClassification.Terms()
	was, is := values{before.Fields}.text("classification"), values{after.Fields}.text("classification")
	if is != "" && slices.Index(classes, is) < slices.Index(classes, was) {
		n.note(m, 6, "lowered", id, fmt.Sprint(m.position))
	}
	if p := (values{after.Fields}).text("pii"); p == "direct" && (is == "Public" || is == "Sensitive") && m.entry.Text("classification") != "" {
		n.note(m, 6, "below-private", id, fmt.Sprint(m.position))
	}
}

// patterns notes every maximal run of an actor's days.
func (n notebook) patterns(all []message) {
	days := map[string]map[string]events.Index{}
	for _, m := range all {
		if m.fold.Actor == "" {
			continue
		}
		who := m.entry.Text("organization") + " 8 consecutive-days " + m.fold.Actor
		if days[who] == nil {
			days[who] = map[string]events.Index{}
		}
		if _, ok := days[who][m.fold.Day]; !ok {
			days[who][m.fold.Day] = m.position
		}
	}
	for who, of := range days {
		run := matter{}
		for _, day := range append(slices.Sorted(maps.Keys(of)), "9999-12-31") {
			if run.last != "" && addDays(run.last, 1) != day {
				if run.count >= LongRun {
					n[who+" "+run.first] = run
				}
				run = matter{}
			}
			if run.count == 0 {
				run.first = day
			}
			run = matter{run.count + 1, append(run.positions, of[day]), run.first, day}
		}
	}
}

// gaps notes what every source left out.
func (n notebook) gaps(all []message) {
	given := map[string]map[int64]bool{}
	for _, m := range all {
		if m.fold.Sequence < 0 {
			continue
		}
		from := m.entry.Text("organization") + " 9 gap " + m.entry.Text("source")
		if given[from] == nil {
			given[from] = map[int64]bool{}
		}
		given[from][m.fold.Sequence] = true
	}
	for from, of := range given {
		numbers := slices.Sorted(maps.Keys(of))
		if missing := numbers[len(numbers)-1] - numbers[0] + 1 - int64(len(numbers)); missing > 0 {
			n[from] = matter{count: uint64(missing)}
		}
	}
}

// about is what the notebook calls a finding.
func about(f Finding) string {
	var of []string
	for _, name := range map[int][]string{
		1: {"fields", "kind"}, 2: {"activity", "purpose"}, 5: {"dataset", "lookBack", "period"}, 6: {"dataset"},
		8: {"actor"}, 9: {"source"}, 11: {"system", "ended"}, 15: {"activity"},
	}[f.Rule] {
		if v := f.Evidence[name]; v != "" {
			of = append(of, strings.ReplaceAll(v, " ", "+"))
		}
	}
	switch {
	case f.Rule == 3 && f.Evidence["activity"] != "":
		of = []string{"by", f.Evidence["activity"]}
	case f.Rule == 3:
		of = []string{"in", f.Evidence["system"]}
	case f.Code == "look-back":
		of = append(of, f.Evidence["activity"], f.Evidence["system"])
	case f.Rule == 8:
		of = append(of, f.FirstDay)
	case f.Rule == 6, f.Rule == 1 && f.Code == "reference" && !strings.HasPrefix(f.Evidence["kind"], "data."):
		of = append(of, fmt.Sprint(f.First))
	}
	return fmt.Sprintf("%s %d %s %s", f.Organization, f.Rule, f.Code, strings.Join(of, " "))
}

func TestFindingsAreThoseOfACarefulReader(t *testing.T) {
	seen := map[int]int{}
	for seed := range uint64(3) {
		messages := newWorld(t, 40+seed).live(450)
		all, v := observed(t, messages), foldedViews(t, messages)
		for _, size := range []int{40, 200, 450} {
			want := judge(v, all[:size])
			want.patterns(all[:size])
			want.gaps(all[:size])
			list, err := v.At(events.Size(size)).Findings(time.Time{}, FindingFilter{Limit: MaxLimit})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, f := range list {
				key := strings.TrimSuffix(about(f), " ")
				w, ok := want[about(f)]
				if got[key] || !ok || w.count != f.Count {
					t.Fatalf("seed %d at %d: %+v, want %+v %v", seed, size, f, w, ok)
				}
				got[key] = true
				seen[f.Rule]++
				if f.Rule == RuleSequence {
					continue
				}
				slices.Sort(w.positions)
				slices.Sort(f.Positions)
				if f.Rule != RulePattern || len(w.positions) <= MaxPositions {
					if !slices.Equal(f.Positions, w.positions[:min(MaxPositions, len(w.positions))]) {
						t.Errorf("seed %d at %d: %s is at %v, want %v", seed, size, key, f.Positions, w.positions)
					}
				}
				if f.First != w.positions[0] || f.Last != w.positions[len(w.positions)-1] || f.FirstDay != w.first || f.LastDay != w.last {
					t.Errorf("seed %d at %d: %s is %+v, want %+v", seed, size, key, f, w)
				}
			}
			for key := range want {
				if !got[strings.TrimSuffix(key, " ")] {
					t.Errorf("seed %d at %d: not found: %s %+v", seed, size, key, want[key])
				}
			}
		}
	}
	for _, rule := range []int{1, 2, 3, 5, 6, 8, 9, 11, 15} {
		if seen[rule] == 0 {
			t.Errorf("rule %d never finds anything here", rule)
		}
	}
}

func TestRunsOfDaysInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 1))
	days := []string{"2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09", "2026-03-20"}
	for range 30 {
		rng.Shuffle(len(days), func(i, j int) { days[i], days[j] = days[j], days[i] })
		w := newWorld(t, 41)
		for _, on := range append(slices.Clone(days), "2026-03-04") {
			w.say("data.accessed", "chicago", on+"T08:30:00Z", "{'system':'s','operation':'Query','outcome':'success','subjects':{'mode':'none'},'actor':{'id':'ann'}}")
		}
		v := foldedViews(t, w.out)
		for size, want := range map[events.Size][]string{12: {"2026-02-26 2026-03-03 6", "2026-03-05 2026-03-09 5"}, 13: {"2026-02-26 2026-03-09 12"}} {
			list, err := v.At(size).Findings(start, FindingFilter{Rule: RulePattern})
			var got []string
			for _, f := range list {
				got = append(got, fmt.Sprint(f.FirstDay, " ", f.LastDay, " ", f.Count))
			}
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("at %d of %v: %v, %v", size, days, got, err)
			}
		}
	}
}

func TestNumbersFollowAHundredGaps(t *testing.T) {
	s := numbers{from: 0, to: 0}
	for n := int64(2); n <= 2*(maxGaps+5); n += 2 {
		s.take(n)
	}
	if len(s.gaps) != maxGaps || s.lost != 5 || s.missing() != maxGaps+5 {
		t.Errorf("%d gaps, %d lost, %d missing", len(s.gaps), s.lost, s.missing())
	}
	if s.take(1) || s.take(2) || !s.take(11) || s.missing() != maxGaps+4 {
		t.Errorf("%d missing after some came late", s.missing())
	}
	if again, err := parseNumbers(s.append(nil)); err != nil || fmt.Sprint(again) != fmt.Sprint(s) {
		t.Errorf("%v is read back as %v, %v", s, again, err)
	}
	for _, text := range []string{"", "1 2", "1 2 3 4", "1 2 x", "1 2 3 4 5 99999999999999999999"} {
		if _, err := parseNumbers([]byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// TestReceiptsHaveAWeek: rule 14 is silent while there is still time, and as of
// any earlier day.
func TestReceiptsHaveAWeek(t *testing.T) {
	w := newWorld(t, 42)
	w.say("data.shared", "chicago", "2026-06-01T00:00:00Z", "{'dataset':'d','recipient':'nobody','subjects':{'mode':'none'}}")
	w.shared = nil // what is received now was shared by nobody
	w.say("data.received", "county", "2026-06-02T00:00:00Z", "{'dataset':'d','counterpart':{'organization':'a','source':'a','id':'2'},'subjects':{'mode':'none'}}")
	w.received = events.EventName{}
	w.say("data.shared", "chicago", "2026-06-03T00:00:00Z", "{'dataset':'d','recipient':'nobody','subjects':{'mode':'none'}}")
	v := foldedViews(t, w.out)
	for on, want := range map[string]string{
		"2026-06-08": "", "2026-06-09": "chicago not-received 0", "2026-06-10": "chicago not-received 0 county not-shared 1",
		"2026-06-11": "chicago not-received 0 chicago not-received 2 county not-shared 1",
	} {
		asOf, _ := dayOn(on)
		list, err := v.Now().Findings(asOf, FindingFilter{Rule: RuleReceipt})
		slices.SortFunc(list, func(a, b Finding) int {
			return strings.Compare(fmt.Sprint(a.Organization, a.First), fmt.Sprint(b.Organization, b.First))
		})
		var got []string
		for _, f := range list {
			got = append(got, f.Organization, f.Code, fmt.Sprint(f.First))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("on %s: %v, %v", on, got, err)
		}
	}
}

func TestFindingsPageAndFilter(t *testing.T) {
	v := foldedViews(t, newWorld(t, 43).live(400))
	asOf := start.AddDate(0, 2, 0)
	all, err := v.Now().Findings(asOf, FindingFilter{Limit: MaxLimit})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d findings, %v", len(all), err)
	}
	var paged []Finding
	counted := map[string]map[int]int{}
	for after := ""; ; {
		page, err := v.Now().Findings(asOf, FindingFilter{Limit: 7, After: after})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		paged, after = append(paged, page...), page[len(page)-1].ID
	}
	if fmt.Sprint(paged) != fmt.Sprint(all) {
		t.Error("the pages are not the whole")
	}
	ids := map[string]bool{}
	for _, f := range all {
		if counted[f.Organization] == nil {
			counted[f.Organization] = map[int]int{}
		}
		counted[f.Organization][f.Rule]++
		if ids[f.ID] || len(f.ID) != 22 {
			t.Errorf("the ID %q is not one finding's", f.ID)
		}
		ids[f.ID] = true
		one, err := v.Now().Findings(asOf, FindingFilter{Organization: f.Organization, Rule: f.Rule, ID: f.ID})
		if err != nil || len(one) != 1 || fmt.Sprint(one[0]) != fmt.Sprint(f) {
			t.Errorf("%+v is found as %+v, %v", f, one, err)
		}
		if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Number == f.Rule }) {
			t.Errorf("rule %d is not in the table", f.Rule)
		}
	}
	counts, err := v.Now().FindingCounts(asOf)
	if err != nil || fmt.Sprint(counts) != fmt.Sprint(counted) {
		t.Errorf("%v, want %v, %v", counts, counted, err)
	}
	for _, f := range []FindingFilter{{Organization: "none"}, {Organization: "a\x00b"}, {Rule: 99}, {ID: "x"}, {After: "x"}} {
		if list, err := v.Now().Findings(asOf, f); err != nil || list != nil {
			t.Errorf("%+v: %v, %v", f, list, err)
		}
	}
}
