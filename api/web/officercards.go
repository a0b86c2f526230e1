package web

import (
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// cardForm is where officers give away cards. It shows nothing that the public is
// not shown.
func (o *officers) cardForm(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	if _, err := v1.Query(r); err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	b := o.bar(l, who, "")
	if l.err != nil {
		o.fail(w, r, l.err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-cards", frame{Title: "Trail cards", Section: "officer", Body: struct {
		Bar     bar
		Gives   bool
		Address string
	}{b, who.Role == events.Officer, o.office.Address(r)}})
}

// card answers with a card to be handed over: a letter to print, or a file. It is kept nowhere, so
// that a second one is another card given away.
func (o *officers) card(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	if err := sealForm(r); err != nil {
		o.fail(w, r, err)
		return
	}
	if field(r, "identified") != "yes" {
		o.fail(w, r, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "missing-field", Detail: "say that you have identified the person"})
		return
	}
	issued, err := o.office.Card(r.Context(), who, v1.CardOrder{
		Person:  events.Person{Scheme: field(r, "scheme"), Value: field(r, "value")},
		Replace: field(r, "what") == "replace", URL: field(r, "url"),
	})
	name, contentType, body := "trail.card", "text/plain; charset=utf-8", []byte(nil)
	switch {
	case err != nil:
	case strings.HasPrefix(field(r, "as"), "letter"):
		// Shown, not saved: on a disk it would be a copy.
		name, contentType = "", "text/html; charset=utf-8"
		body, err = Letter(issued.Card)
		w.Header().Set("Content-Security-Policy", letterPolicy(body))
	default:
		body = issued.Card.Text()
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	v1.SendPrivate(w, contentType, name, body)
}
