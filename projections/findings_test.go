package projections

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

func TestFindingsAreThoseOfACarefulReader(t *testing.T) {
	seen, codes := map[int]int{}, map[string]bool{}
	for seed := range uint64(4) {
		messages := newWorld(t, 40+seed).live(700)
		all, v := observed(t, messages), foldedViews(t, messages)
		for _, size := range []int{40, 200, 700} {
			judged := withoutParts(all[:size])
			want := judge(v, judged)
			want.patterns(judged)
			want.habits(judged)
			want.gaps(all[:size])
			list, err := v.At(events.Size(size)).Findings(time.Time{}, FindingFilter{Limit: MaxLimit})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, f := range list {
				key := strings.TrimSuffix(headline(f), " ")
				w, ok := want[headline(f)]
				if got[key] || !ok || w.count != f.Count {
					t.Fatalf("seed %d at %d: %+v, want %+v %v", seed, size, f, w, ok)
				}
				got[key] = true
				seen[f.Rule]++
				codes[f.Code], codes[f.Evidence["reason"]] = true, true
				if f.Rule == RuleSequence {
					continue
				}
				slices.Sort(w.positions)
				slices.Sort(f.Positions)
				if f.Code != codeRun || len(w.positions) <= MaxPositions {
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
	for _, rule := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15} {
		if seen[rule] == 0 {
			t.Errorf("rule %d never finds anything here", rule)
		}
	}
	for _, code := range []string{
		"not-its-own", "late", "no-agreement", "exigent", "none-named", "unknown", "ended", "expired", "other-dataset", "other-recipient",
		"others-agreement", "no-grant", "not-live", "other-purpose",
	} {
		if !codes[code] {
			t.Errorf("%s is never found here", code)
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
