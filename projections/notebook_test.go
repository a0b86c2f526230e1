package projections

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
		if e.Kind.By == events.RoleLedger {
			continue
		}
		n.unknown(m)
		n.statements(m, before)
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
		if used && e.Kind.Name == "data.shared" {
			n.agreement(m, before)
		}
		if used && (e.Kind.Name == "data.accessed" || m.fold.Actor != "") {
			n.grants(m, before)
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

type lookup func(register, id string) (Item, values)

func (n notebook) statements(m message, before lookup) {
	e := m.entry
	org := e.Text("organization")
	register, id := e.Kind.Object, e.Text(e.Kind.Object)
	var foreign, own []string
	for _, at := range events.Registers() {
		if e.Kind.Name == "assessment.recorded" {
			register, id = at, e.Text("subject")
		}
		item, _ := before(at, id)
		switch {
		case at != register || id == "?" || id == "":
		case item.ID == "":
		case item.Organization == org:
			own = append(own, at)
		default:
			foreign = append(foreign, at)
		}
	}
	for _, at := range foreign {
		if own == nil {
			n.note(m, 1, "not-its-own", at, id, fmt.Sprint(m.position))
		}
	}
	if starts := e.Text("starts"); e.Kind.Name == "system.registered" && own == nil && foreign == nil && starts != "" && starts < m.fold.Day {
		n.note(m, 1, "late", "system", id, fmt.Sprint(m.position))
	}
}

func (n notebook) agreement(m message, before lookup) {
	e := m.entry
	item, a := before("agreement", e.Text("agreement"))
	org, recipient := e.Text("organization"), e.Text("recipient")
	why := ""
	for _, x := range []struct {
		reason string
		is     bool
	}{
		{"others-agreement", org != item.Organization && !slices.Contains(a.list("parties"), org)},
		{"other-recipient", recipient == "?" || !slices.Contains(a.list("parties"), recipient)},
		{"other-dataset", !slices.Contains(a.list("datasets"), m.fold.Dataset)},
		{"expired", m.fold.Day > a.text("expires")},
		{"ended", item.Ended != "" && m.fold.Day > item.Ended},
		{"unknown", item.ID == ""},
		{"none-named", e.Text("agreement") == ""},
	} {
		if x.is {
			why = x.reason
		}
	}
	code := "no-agreement"
	if e.Text("disclosureClass") == "exigent" {
		code = "exigent"
	}
	if why != "" {
		n.note(m, 4, code, e.Text("agreement"), m.fold.Dataset, why, recipient)
	}
}

func (n notebook) grants(m message, before lookup) {
	issued, best := false, 0
	for _, id := range []string{"t/1", "t/2", "t/3", "t/4"} {
		item, g := before("grant", id)
		if item.ID == "" || item.Organization != m.entry.Text("organization") {
			continue
		}
		issued = true
		if g.text("unit") != m.fold.Unit || g.text("role") != m.fold.Role || !slices.Contains(g.list("datasets"), m.fold.Dataset) {
			continue
		}
		level := 3
		if p := m.entry.Text("purpose"); p != "" && !slices.Contains(g.list("purposes"), p) {
			level = 2
		}
		if on := m.fold.Day; on < g.text("from") || on > g.text("until") || item.Ended != "" && on > item.Ended {
			level = 1
		}
		best = max(best, level)
	}
	if issued && best < 3 {
		n.note(m, 7, []string{"no-grant", "not-live", "other-purpose"}[best], m.fold.Dataset, m.fold.Role, m.fold.Unit)
	}
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
	if err != nil || after.Latest.Position != m.position {
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
		who := m.entry.Text("organization") + " 8 run " + m.fold.Actor
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

// habits notes every use at night by who works by day.
func (n notebook) habits(all []message) {
	days := map[string]bool{}
	counts := map[string]int{}
	for _, m := range all {
		if m.fold.Actor == "" {
			continue
		}
		night := m.fold.Hour >= 22 || m.fold.Hour < 6
		who := fmt.Sprint(m.entry.Text("organization"), m.fold.Actor, night)
		if !days[who+m.fold.Day] {
			counts[who]++
		}
		days[who+m.fold.Day] = true
		light := fmt.Sprint(m.entry.Text("organization"), m.fold.Actor, false)
		if night && counts[light] >= 10 && counts[light] >= 5*counts[who] {
			n.note(m, 8, "off-hours", m.fold.Actor)
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

// headline is what the notebook calls a finding.
func headline(f Finding) string {
	var of []string
	for _, name := range map[int][]string{
		1: {"fields", "kind"}, 2: {"activity", "purpose"}, 5: {"dataset", "lookBack", "period"}, 6: {"dataset"},
		4: {"agreement", "dataset", "reason", "recipient"}, 7: {"dataset", "role", "unit"}, 8: {"actor"}, 9: {"source"}, 11: {"system", "ended"}, 15: {"activity"},
	}[f.Rule] {
		if v := f.Evidence[name]; v != "" {
			of = append(of, strings.ReplaceAll(v, " ", "+"))
		}
	}
	switch {
	case f.Code == "not-its-own" || f.Code == "late":
		for _, register := range events.Registers() {
			if id := f.Evidence[register]; id != "" {
				of = []string{register, id, fmt.Sprint(f.First)}
			}
		}
	case f.Rule == 4 && of[0] != f.Evidence["agreement"]:
		of = append([]string{""}, of...)
	case f.Rule == 7:
		of = []string{f.Evidence["dataset"], f.Evidence["role"], f.Evidence["unit"]}
	case f.Rule == 3 && f.Evidence["activity"] != "":
		of = []string{"by", f.Evidence["activity"]}
	case f.Rule == 3:
		of = []string{"in", f.Evidence["system"]}
	case f.Code == "look-back":
		of = append(of, f.Evidence["activity"], f.Evidence["system"])
	case f.Code == codeRun:
		of = append(of, f.FirstDay)
	case f.Rule == 6, f.Rule == 1 && f.Code == "reference" && !strings.HasPrefix(f.Evidence["kind"], "data."):
		of = append(of, fmt.Sprint(f.First))
	}
	return fmt.Sprintf("%s %d %s %s", f.Organization, f.Rule, f.Code, strings.Join(of, " "))
}
