package web

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// personPage is what is asked about one person, and the answer.
type personPage struct {
	Bar           bar
	Organizations []choice // to choose from; empty when the token has one
	Organization  string   // chosen, for the forms that go on
	Scheme, Value string
	Asked         bool
	Matters       []matter
	Caption       string
	After         string // of the next page, "" on the last
	Readings      []noted
}

// matter is one entry about a person in words.
type matter struct {
	Position    events.Index
	Title       string
	Example     bool
	Sentence    phrase
	Relation    string
	UnderSeal   bool
	Others      int
	Details     []detail
	Sealed      string
	Head        *events.Index
	HeadDetails []detail
}

// personForm is the page before anything is asked.
func (o *officers) personForm(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	if _, err := v1.Query(r); err != nil {
		o.fail(w, r, err)
		return
	}
	o.showPerson(w, r, who, personPage{})
}

// person answers what is asked about a person. It is a POST, as asking has an
// effect and an identifier has no place in an address.
func (o *officers) person(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	q, err := o.asked(w, r, who)
	if err != nil {
		o.fail(w, r, err)
		return
	}
	d, err := o.office.Dossier(r, who, q)
	if err != nil {
		o.fail(w, r, err)
		return
	}
	page := personPage{Organization: d.Organization, Scheme: q.Person.Scheme, Value: q.Person.Value, Asked: true, Caption: count(len(d.Matters), "entry") + ", oldest first"}
	if q.After != nil {
		page.Caption += ", continued"
	}
	if d.Next != nil {
		page.After = position(*d.Next)
	}
	for _, at := range d.Readings {
		page.Readings = append(page.Readings, noted{"That you asked", at})
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	for _, m := range d.Matters {
		page.Matters = append(page.Matters, l.matter(m))
	}
	if l.err != nil {
		o.fail(w, r, l.err)
		return
	}
	o.showPerson(w, r, who, page)
}

// statement answers with the statement for a person, to be saved.
func (o *officers) statement(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	q, err := o.asked(w, r, who)
	var s *v1.Statement
	if err == nil {
		s, err = o.office.Statement(r, who, q)
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	o.office.SendStatement(w, r, s, r.PostForm.Get("as"))
}

// asked is what a form asks.
func (o *officers) asked(w http.ResponseWriter, r *http.Request, who v1.Officer) (v1.Inquiry, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	if err := r.ParseForm(); err != nil {
		return v1.Inquiry{}, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-form", Detail: "the form cannot be read"}
	}
	f := r.PostForm
	q, err := o.office.About(who, f.Get("organization"), f.Get("scheme"), f.Get("value"))
	if err == nil {
		q.After, err = formPosition(f)
	}
	return q, err
}

func formPosition(f url.Values) (*events.Index, error) {
	if f.Get("after") == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(f.Get("after"), 10, 53)
	if err != nil {
		return nil, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-form", Detail: "the page to go on from cannot be read"}
	}
	i := events.Index(n)
	return &i, nil
}

func (o *officers) showPerson(w http.ResponseWriter, r *http.Request, who v1.Officer, page personPage) {
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	if who.Organization == "" {
		var err error
		if page.Organizations, err = l.organizationChoices(page.Organization); err != nil {
			o.fail(w, r, err)
			return
		}
	}
	page.Bar = o.bar(l, who, page.Organization)
	if l.err != nil {
		o.fail(w, r, l.err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-person", frame{Title: "One person", Section: "officer", Body: page})
}

func (l *lookup) matter(m v1.Matter) matter {
	sentence := l.sentence(m.Entry)
	if m.Entry.Kind.Coarse && !m.Entry.Kind.Seals {
		sentence = dated(m.Entry, sentence)
	}
	out := matter{
		Position: m.Position, Title: title(m.Kind), Example: isExample(m.Entry), Sentence: sentence, Relation: term(m.Relation),
		UnderSeal: m.Hidden(), Others: m.Others, Details: detailRows(m.Details), Sealed: m.Sealed, HeadDetails: detailRows(m.HeadDetails),
	}
	if m.Head != nil {
		out.Head = &m.HeadAt
	}
	return out
}
