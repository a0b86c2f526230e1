package web

import (
	"errors"
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
		Filter           projections.Filter
		Kinds            []choices
		Organizations    []choice
		Filtered, Later  bool
		Lines            []line
		Next             string
		First, JSON, CSV string
	}{
		f, kindChoices(f.Kind), organizations, filtered(f), f.After != nil, lines,
		more, pageHref("/entries", q, nil), pageHref("/v1/entries", q, f.After), pageHref("/v1/entries.csv", q, f.After),
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
	if e.Kind.Coarse {
		body.Sentence = dated(e, body.Sentence)
	}
	if e.Kind.IsData() {
		body.Questions = l.entryQuestions(e)
		body.Sentence = append(body.Sentence, part{Text: reasons(body.Questions)})
	}
	if n := l.about(e); n.Known() {
		body.Object = n
	}
	l.corrections(e, &body)
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
	Corrects  *events.Index  // the entry that this one corrects
	Corrected []events.Index // those that correct this one
	Members   []member
	Sealed    string
	Key       string
	Event     string
	EntryHash string
	LeafHash  string
	Proof     string
}

// corrections leads from an entry to what it corrects, and to what corrects it.
func (l *lookup) corrections(e *events.Entry, body *entryBody) {
	var err error
	body.Corrected, err = l.reader.Corrections(e.Name())
	l.err = errors.Join(l.err, err)
	name, ok := events.ParseEventName(e.Text("corrects"))
	if !ok {
		return
	}
	wrong, err := l.reader.Find(name)
	if err == nil {
		body.Corrects = &wrong
	} else if !isNotFound(err) {
		l.err = errors.Join(l.err, err)
	}
}

// about is the object of a register that e says something of.
func (l *lookup) about(e *events.Entry) named {
	switch {
	case e.Kind.Object != "":
		return l.find(e.Kind.Object, e.Text(e.Kind.Object))
	case e.Kind.Effect == events.Notes:
		return l.find(events.AnyRegister, e.Text("subject"))
	}
	return named{}
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
