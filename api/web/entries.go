package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

const linesPerPage = 40

// maxChoices bounds the organizations a form offers.
const maxChoices = 300

func (p *Pages) entries(w http.ResponseWriter, r *http.Request) {
	q, err := v1.Query(r, "kind", "organization", "system", "dataset", "day", "after")
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f, err := v1.Filter(q)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f.Limit = linesPerPage
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	found, next, err := reader.Entries(f)
	var lines []line
	if err == nil {
		lines, err = l.lines(found)
	}
	var organizations []choice
	if err == nil {
		organizations, err = l.organizationChoices(f.Organization)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	more := ""
	if next != nil {
		more = pageHref("/entries", q, next)
	}
	p.show(w, r, http.StatusOK, "entries", frame{Title: "Entries", Section: "entries", Body: struct {
		Filter               projections.Filter
		Kinds, Organizations []choice
		Filtered, Later      bool
		Lines                []line
		Next                 string
		First, JSON          string
	}{
		f, kindChoices(f.Kind), organizations, filtered(f), f.After != nil, lines,
		more, pageHref("/entries", q, nil), pageHref("/v1/entries", q, f.After),
	}})
}

func filtered(f projections.Filter) bool {
	return f.Kind+f.Organization+f.System+f.Dataset+f.Day != ""
}

// pageHref is path with the filter of q and another place to go on from.
func pageHref(path string, q url.Values, after *events.Index) string {
	out := url.Values{}
	for name, v := range q {
		if name != "after" && v[0] != "" {
			out[name] = v
		}
	}
	if after != nil {
		out.Set("after", strconv.FormatUint(uint64(*after), 10))
	}
	if len(out) == 0 {
		return path
	}
	return path + "?" + out.Encode()
}

// organizationChoices are the registered organizations, and the one chosen
// although it is not among them.
func (l *lookup) organizationChoices(chosen string) ([]choice, error) {
	items, _, err := l.reader.Items("organization", "", "", maxChoices)
	if err != nil {
		return nil, err
	}
	var out []choice
	here := chosen == ""
	for _, i := range items {
		n := nameOf(i)
		label := n.Short()
		if n.Example {
			label += " (invented example)"
		}
		out = append(out, choice{i.ID, label, i.ID == chosen})
		here = here || i.ID == chosen
	}
	if !here {
		out = append(out, choice{chosen, chosen, true})
	}
	return out, nil
}

// member is one public field of an entry, in words and as written.
type member struct {
	Label  string
	Values []value
}

func (p *Pages) entry(w http.ResponseWriter, r *http.Request) {
	found, err := p.shown.Entry(r.PathValue("entry"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	e, err := events.ParseEntry(found.Entry)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	body := entryBody{
		Position: found.Position, Title: title(e.Kind.Name), Example: isExample(e), Sentence: l.sentence(e),
		Members: l.members(e.Fields(), e.Kind, ""), Sealed: sealed(e), Key: p.key,
		Event: e.Name().String(), EntryHash: events.HashEntry(found.Entry).String(), LeafHash: proof.LeafHash(found.Entry).String(),
		Proof: v1.ProofName(found.Position),
	}
	if e.Kind.IsData() {
		body.Questions = l.entryQuestions(e)
		body.Sentence = append(dated(e, body.Sentence), part{Text: reasons(body.Questions)})
	}
	if e.Kind.Object != "" {
		if n := l.find(e.Kind.Object, e.Text(e.Kind.Object)); n.Known() {
			body.Object = n
		}
	}
	if l.err != nil {
		p.fail(w, r, l.err)
		return
	}
	p.show(w, r, http.StatusOK, "entry", frame{Title: "Entry " + number(uint64(found.Position)), Section: "entries", Body: body})
}

// entryBody is the page of one entry.
type entryBody struct {
	Position  events.Index
	Title     string
	Example   bool
	Sentence  phrase
	Questions []question
	Object    named
	Members   []member
	Sealed    string
	Key       string
	Event     string
	EntryHash string
	LeafHash  string
	Proof     string
}

// reasons ends the sentence with why, which residents ask first.
func reasons(qs []question) string {
	why := qs[len(qs)-1]
	out := ""
	for _, f := range why.Answers {
		if f.Label != "Purpose" && f.Label != "Legal basis" {
			continue
		}
		var said []string
		for _, v := range f.Values {
			said = append(said, v.Text)
		}
		if said == nil {
			said = []string{"not filled in"}
		}
		out += " " + f.Label + ": " + strings.Join(said, ", ") + "."
	}
	return out
}

// sealed says in words what stands behind the entry that is not public.
func sealed(e *events.Entry) string {
	digests := len(e.Texts("_sd"))
	switch {
	case digests == 0:
		return ""
	case e.Kind.IsData():
		return "Behind this entry stand " + small(digests) + " sealed details. They are for what the public is not shown: the exact time, " +
			"who acted and in which role, the reason given, the case, the search itself, and exact counts. " +
			"An entry of this kind always has that many, filled in or not, so their number reveals nothing."
	}
	return "Behind this entry stand " + small(digests) + " sealed details: room for the sender’s own number and sequence of the event, and for references " +
		"the register does not know. An entry of this kind always has that many, filled in or not, so their number reveals nothing."
}

// skipped are the members that the page shows in another place.
func skipped(path string) bool { return path == "$" || path == "_sd" || path == "event" }

// members are the public fields below prefix, one a row.
func (l *lookup) members(o events.Object, k *events.Kind, prefix string) (out []member) {
	for _, m := range o {
		path := prefix + m.Name
		switch {
		case skipped(path) || path == "pairs":
		case m.Value.Object() != nil:
			out = append(out, l.members(m.Value.Object(), k, path+".")...)
		default:
			out = append(out, member{term(strings.ReplaceAll(path, ".", "-")), l.values(m.Value, k, path)})
		}
	}
	return out
}

func (l *lookup) values(v events.Value, k *events.Kind, path string) []value {
	if items := v.Items(); items != nil {
		var out []value
		for _, item := range items {
			out = append(out, l.values(item, k, path)...)
		}
		return out
	}
	raw := v.Text()
	if raw == "" {
		return []value{{Text: string(v.Append(nil))}}
	}
	f := fieldShown(k, path)
	switch {
	case path == "organization" && f.Register == "":
		return []value{l.organization(raw).value()}
	case path == k.Object:
		return []value{l.find(k.Object, raw).value()}
	case f.Register != "":
		return []value{l.find(f.Register, raw).value()}
	}
	return []value{inWords(f, path, raw)}
}

// fieldShown is the field that an entry of kind k has at path.
func fieldShown(k *events.Kind, path string) events.Field {
	for _, f := range k.Fields {
		if f.Shown == path {
			return f
		}
	}
	f, _ := k.Field(path)
	if f.Shown != "" {
		return events.Field{} // the entry's own member of that name
	}
	return f
}

// inWords is a value that is no reference, with the code as written where
// words stand for it.
func inWords(f events.Field, path, raw string) value {
	text := raw
	switch {
	case f.Type == events.Coded:
		text = term(raw)
	case f.Type == events.Count:
		text = bucketWords(raw)
	case f.Type == events.Period:
		text = period(raw)
	case path == "recordedAt" || path == "occurredAt":
		text = moment(raw)
	case f.Type == events.Date || f.Type == events.Instant:
		text = day(raw)
	}
	if text == raw || strings.EqualFold(text, raw) {
		return value{Text: raw}
	}
	return value{Text: text, Code: raw}
}
