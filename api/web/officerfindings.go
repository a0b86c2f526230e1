package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/projections"
)

const findingsPerPage = 100

// evidenceSayings say what a finding rests on, by its rule and code. In braces
// stands a part of the evidence; a sentence with a part that is missing is not
// said.
var evidenceSayings = map[string][]string{
	"1 reference":     {"{source} names in “{kind}” what the register does not know: {fields}."},
	"1 organization":  {"The organization is not in the register."},
	"1 late":          {"{system} was declared after it had started, on {starts}."},
	"1 not-its-own":   {"Something was said of what {owner} registered, which changed nothing: “{kind}”."},
	"2 purpose":       {"{activity} was used for “{purpose}”, which it does not declare."},
	"3 basis":         {"{activity}:", "{system}, without an activity:", "{withoutLegalBasis} uses without a legal basis.", "{withoutReason} uses with neither purpose nor reason."},
	"4 no-agreement":  {"{dataset} was shared with {recipient} without an agreement in force: {reason}."},
	"4 exigent":       {"{dataset} was shared with {recipient} in an emergency, without an agreement in force: {reason}."},
	"5 look-back":     {"Somebody looked {lookBack} back in {dataset}, which may be kept for {period}."},
	"5 overdue":       {"{dataset} is kept for {period}; deletion was due on {due}.", "The last deletion was on {deleted}."},
	"6 lowered":       {"The class of {dataset} was lowered from {classBefore} to {class}."},
	"6 below-private": {"{dataset} is in the class {class} although it holds personal data ({pii})."},
	"7 no-grant":      {"{dataset} was used by a unit and role that no grant allows it to."},
	"7 not-live":      {"{dataset} was used by a unit and role whose grant does not cover the day."},
	"7 other-purpose": {"{dataset} was used for a purpose that the grant does not name."},
	"8 run":           {"The member of staff with the pseudonym {actor} used data on day after day."},
	"8 off-hours":     {"The member of staff with the pseudonym {actor}, who works by day, used data at night."},
	"8 burst":         {"The member of staff with the pseudonym {actor} used data very often within one hour."},
	"9 gap":           {"From {source} the numbers {missing} are missing."},
	"9 parts":         {"Of “{kind}” from {source}, said in {parts} parts, numbers {missing} have not come."},
	"9 silent":        {"{source} has been silent since {since}; it declared to report every {rhythm}."},
	"10 overdue":      {"The seal {seal} was to be looked at again in {reviewIn}, and stands."},
	"11 ended":        {"{system} was to end on {ended} and was used after that."},
	"12 request":      {"A request, “{request}”, of {received} was to be decided by {due}."},
	"14 not-received": {"{dataset} was shared with {recipient}, which has not recorded it."},
	"14 not-shared":   {"{dataset} was received, and nobody recorded to have shared it."},
	"15 unnamed":      {"{activity} concerns persons ({subjectsExpected}), and they were not named."},
}

// withoutAgreement says why no agreement covers a share.
var withoutAgreement = map[string]string{
	"none-named": "none is named", "unknown": "the one named is not in the register", "ended": "the one named had ended",
	"expired": "the one named had expired", "other-dataset": "the one named is about other data",
	"other-recipient": "the recipient is no party to the one named", "others-agreement": "the one named is between others",
}

// evidenceLabels name the parts of evidence.
var evidenceLabels = map[string]string{
	"withoutLegalBasis": "Uses without a legal basis", "withoutReason": "Uses with neither purpose nor reason", "classBefore": "Class before",
	"lookBack": "Looked back", "subjectsExpected": "Persons declared", "actor": "Pseudonym", "fields": "Fields", "kind": "Kind of event",
	"missing": "Missing numbers", "counterpart": "The other side’s event", "head": "First event of it", "parts": "Parts", "pii": "Personal data",
}

// findingLine is a finding in words.
type findingLine struct {
	projections.Finding
	Rule     projections.Rule
	Says     phrase
	Evidence []fact
	Days     string
	Size     string
	Href     string
	Trail    string // all uses by the same member of staff, ""
	Rows     []useLine
	Listed   string // which of its entries the rows are
}

func (o *officers) list(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	f, err := o.office.Findings(r, who, findingsPerPage)
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	q := r.URL.Query()
	body := struct {
		Bar           bar
		Organization  named
		Organizations []choice
		AsOf          string
		Rules         []choice
		Findings      []findingLine
		Later         bool
		Next, First   string
		CSV, JSON     string
		Noted         noted
	}{
		Bar: o.bar(l, who, f.Organization), Organization: l.organization(f.Organization), AsOf: day(f.AsOf), Rules: ruleChoices(q.Get("rule")),
		Later: q.Get("after") != "", First: o.href("/officer/findings", who, f.Organization, with(q, "after", "")),
		CSV:  o.href("/officer/findings.csv", who, f.Organization, with(q, "after", "")),
		JSON: o.href("/officer/findings.json", who, f.Organization, with(q, "after", "")), Noted: noted{"This reading", f.Reading},
	}
	if f.Next != "" {
		body.Next = o.href("/officer/findings", who, f.Organization, with(q, "after", f.Next))
	}
	if who.Organization == "" {
		body.Organizations, err = l.organizationChoices(f.Organization)
	}
	for _, x := range f.Findings {
		body.Findings = append(body.Findings, o.findingLine(l, who, x))
	}
	if err == nil {
		err = l.err
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-findings", frame{Title: "Findings for officers", Section: "officer", Body: body})
}

func ruleChoices(chosen string) []choice {
	var out []choice
	for _, rule := range projections.Rules() {
		n := strconv.Itoa(rule.Number)
		out = append(out, choice{n, n + ": " + rule.Name, n == chosen})
	}
	return out
}

func (o *officers) finding(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	f, err := o.office.Finding(r, who, r.PathValue("finding"))
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	x := o.findingLine(l, who, f.Findings[0])
	var entries []projections.Found
	for _, p := range x.Positions {
		var entry []byte
		if entry, err = reader.Entry(p); err != nil {
			break
		}
		entries = append(entries, projections.Found{Position: p, Entry: entry})
	}
	var lines []line
	if err == nil {
		lines, err = l.lines(entries)
	}
	for _, line := range lines {
		x.Rows = append(x.Rows, useLine{line: line})
	}
	b := o.bar(l, who, f.Organization)
	if err == nil {
		err = l.err
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-finding", frame{Title: "Finding: " + x.Rule.Name, Section: "officer", Body: struct {
		Bar     bar
		Finding findingLine
		AsOf    string
		List    string
		Noted   noted
	}{b, x, day(f.AsOf), b.Findings, noted{"This reading", f.Reading}}})
}

func (o *officers) findingLine(l *lookup, who v1.Officer, f projections.Finding) findingLine {
	x := findingLine{Finding: f, Says: l.evidence(f), Evidence: l.evidenceFacts(f), Days: daysOf(f), Size: size(f), Listed: listed(f)}
	for _, rule := range projections.Rules() {
		if rule.Number == f.Rule {
			x.Rule = rule
		}
	}
	x.Href = o.href("/officer/findings/"+url.PathEscape(f.ID), who, f.Organization, nil)
	if actor := f.Evidence["actor"]; actor != "" {
		x.Trail = o.href("/officer/trail", who, f.Organization, url.Values{"actor": {actor}})
	}
	return x
}

func listed(f projections.Finding) string {
	switch {
	case f.Code == "run":
		return "The first entry of each day"
	case uint64(len(f.Positions)) < f.Count:
		return "The first " + count(len(f.Positions), "entry")
	}
	return "All entries"
}

func daysOf(f projections.Finding) string {
	if f.FirstDay == f.LastDay {
		return day(f.FirstDay)
	}
	return day(f.FirstDay) + " to " + day(f.LastDay)
}

// size says what a finding counts.
func size(f projections.Finding) string {
	switch f.Code {
	case "run":
		return count(int(f.Count), "day")
	case "gap":
		return count(int(f.Count), "missing number")
	}
	return count(int(f.Count), "entry")
}

// evidence says in sentences what f rests on.
func (l *lookup) evidence(f projections.Finding) phrase {
	var out phrase
	for _, saying := range evidenceSayings[strconv.Itoa(f.Rule)+" "+f.Code] {
		said, ok := l.fill(saying, f.Evidence)
		if !ok {
			continue
		}
		if out != nil {
			out.say(" ")
		}
		out = append(out, said...)
	}
	if out == nil {
		for _, rule := range projections.Rules() {
			if rule.Number == f.Rule {
				out.say(capital(rule.Name) + ".")
			}
		}
	}
	return out
}

// fill puts the evidence into the braces of a saying; false when some is missing.
func (l *lookup) fill(saying string, evidence map[string]string) (phrase, bool) {
	var out phrase
	for {
		before, rest, ok := strings.Cut(saying, "{")
		if before != "" {
			out.say(before)
		}
		if !ok {
			return out, true
		}
		name, after, _ := strings.Cut(rest, "}")
		v := evidence[name]
		if v == "" {
			return nil, false
		}
		x := l.evidenceValue(name, v)
		out = append(out, part{Text: x.Text, Href: x.Href})
		saying = after
	}
}

// evidenceFacts are the evidence as written.
func (l *lookup) evidenceFacts(f projections.Finding) []fact {
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(f.Evidence)) {
		if v := f.Evidence[name]; v != "" {
			label := evidenceLabels[name]
			if label == "" {
				label = capital(term(name))
			}
			out = append(out, fact{Label: label, Values: []value{l.evidenceValue(name, v)}})
		}
	}
	return out
}

func (l *lookup) evidenceValue(name, v string) value {
	switch name {
	case "activity", "system", "dataset", "agreement", "grant":
		return l.find(name, v).value()
	case "recipient", "organization", "owner":
		return l.organization(v).value()
	case "kind":
		return value{Text: title(v), Code: v}
	case "lookBack", "period", "rhythm":
		return value{Text: period(v), Code: v}
	case "reason":
		return value{Text: cmp.Or(withoutAgreement[v], term(v)), Code: v}
	case "due", "deleted", "ended", "since", "starts":
		return value{Text: day(v), Code: v}
	case "purpose", "subjectsExpected", "pii":
		return value{Text: term(v), Code: v}
	case "counterpart", "head":
		return l.eventValue(v)
	}
	return value{Text: v}
}
