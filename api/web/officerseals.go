package web

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// standingSeal is a seal that stands, as officers see it.
type standingSeal struct {
	v1.SealState
	Name, Review, Last, For, Ground string
	Placed                          string
}

// ground is one ground under its group.
type ground struct{ Term, Group string }

// sealList are the seals that stand, and forms to place, extend and lift.
func (o *officers) sealList(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	s, err := o.office.Sealed(r, who)
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	body := struct {
		Bar          bar
		Organization named
		AsOf         string
		Seals        []standingSeal
		Orders       bool // who asks may place and lift
		Grounds      []ground
		Request      string // of what the form orders
		Noted        noted
	}{
		Bar: o.bar(l, who, s.Organization), Organization: l.organization(s.Organization), AsOf: day(s.AsOf),
		Orders: who.Role == events.Officer, Request: rand.Text(), Noted: noted{"This reading", s.Reading},
	}
	for _, x := range s.Seals {
		body.Seals = append(body.Seals, newStandingSeal(x))
	}
	for _, term := range events.CodeJustification.Terms() {
		body.Grounds = append(body.Grounds, ground{term, groundWords[events.SealGroup(term)]})
	}
	if l.err != nil {
		o.fail(w, r, l.err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-seals", frame{Title: "Seals for officers", Section: "officer", Body: body})
}

func newStandingSeal(x v1.SealState) standingSeal {
	out := standingSeal{
		SealState: x, Name: x.Seal.String(), Review: day(x.ReviewBy), Last: day(x.LastDay), Ground: groundWords[x.Group],
		Placed: day(x.PlacedOn), For: strings.Join(x.Systems, ", "),
	}
	switch {
	case x.OneCase && out.For != "":
		out.For += ", and a case"
	case x.OneCase:
		out.For = "a case"
	case out.For == "":
		out.For = "all that is recorded"
	}
	if x.Awaits {
		out.Last = strings.TrimPrefix(out.Last+", or an event", ", or ")
	}
	return out
}

// sealForm reads a form about a seal.
func sealForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-form", Detail: "the form cannot be read"}
	}
	return nil
}

// field is what a field of a form says.
func field(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }

func (o *officers) placeSeal(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	err := sealForm(r)
	var said v1.SealSaid
	if err == nil {
		said, err = o.office.PlaceSeal(r.Context(), who, field(r, "approver"), v1.SealOrder{
			Person: events.Person{Scheme: field(r, "scheme"), Value: field(r, "value")}, Ground: field(r, "ground"), ReviewBy: field(r, "reviewBy"),
			Until: field(r, "until"), Systems: strings.Fields(r.PostForm.Get("systems")), Case: field(r, "caseRef"), Oral: field(r, "oral") == "yes",
			Source: field(r, "releaseSource"), ID: field(r, "releaseId"), Request: field(r, "request"),
		})
	}
	o.sealDone(w, r, who, "The seal stands", said.Position, err)
}

func (o *officers) extendSeal(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	err := sealForm(r)
	var said v1.SealSaid
	if err == nil {
		seal, _ := events.ParseEventName(field(r, "seal"))
		dates := v1.SealDates{ReviewBy: field(r, "reviewBy"), Until: field(r, "until"), Request: field(r, "request")}
		said, err = o.office.ExtendSeal(r.Context(), who, field(r, "approver"), seal, dates)
	}
	o.sealDone(w, r, who, "The seal stands as you ordered", said.Position, err)
}

func (o *officers) liftSeal(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	err := sealForm(r)
	var lifted v1.SealLifted
	if err == nil {
		seal, _ := events.ParseEventName(field(r, "seal"))
		lifted, err = o.office.LiftSeal(r.Context(), who, seal)
	}
	o.sealDone(w, r, who, "The seal is lifted, and the person is given the key to what it hid", lifted.Position, err)
}

// sealDone says what became of an order.
func (o *officers) sealDone(w http.ResponseWriter, r *http.Request, who v1.Officer, what string, at events.Index, err error) {
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	b := o.bar(l, who, who.Organization)
	if l.err != nil {
		o.fail(w, r, l.err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-seal", frame{Title: what, Section: "officer", Body: struct {
		Bar   bar
		What  string
		Entry events.Index
	}{b, what, at}})
}
