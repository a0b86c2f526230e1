package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// mountRequests adds what officers say, where they say anything.
func (o *officers) mountRequests(mux v1.Mux, only func(v1.ForOfficer) http.HandlerFunc) {
	if o.office.Clerk == nil {
		return
	}
	mux.HandleFunc("GET /officer/requests", only(o.requests))
	mux.HandleFunc("POST /officer/requests", only(o.posted(o.receive)))
	mux.HandleFunc("POST /officer/requests/decision", only(o.posted(o.decide)))
	mux.HandleFunc("POST /officer/requests/answer", only(o.posted(o.answer)))
	mux.HandleFunc("POST /officer/correction", only(o.posted(o.correct)))
}

// requestLine is one request in words.
type requestLine struct {
	projections.Request
	Asked    string
	Received string
	DueOn    string
	Stands   string
}

// taskLine is one task in words.
type taskLine struct {
	projections.Task
	To     named
	Stands string
}

func (o *officers) requests(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	found, err := o.office.Requests(r, who)
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	body := struct {
		Bar           bar
		Organization  named
		Organizations []choice
		AsOf          string
		Speaks        bool // an officer, who may decide
		Requests      []requestLine
		Open          []requestLine // that wait for a decision, for the form
		Tasks         []taskLine
		Kinds         []choice
		Decisions     []choice
		Grounds       []choice
		Noted         noted
	}{
		Bar: o.bar(l, who, found.Organization), Organization: l.organization(found.Organization), AsOf: found.AsOf.UTC().Format("2 January 2006, 15:04"),
		Speaks: who.Role == events.Officer, Kinds: terms(events.CodeRequest), Decisions: terms(events.CodeDecision), Grounds: terms(events.CodeJustification),
		Noted: noted{"This reading", found.Reading},
	}
	if who.Organization == "" {
		body.Organizations, err = l.organizationChoices(found.Organization)
	}
	for _, x := range found.Requests {
		line := requestLine{x, term(x.Request), day(x.Day), day(x.Due), stands(x)}
		body.Requests = append(body.Requests, line)
		if x.Decided == nil {
			body.Open = append(body.Open, line)
		}
	}
	for _, t := range found.Tasks {
		body.Tasks = append(body.Tasks, taskLine{t, l.organization(t.Recipient), taskStands(t)})
	}
	if err == nil {
		err = l.err
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-requests", frame{Title: "Requests", Section: "officer", Body: body})
}

func terms(c *events.Code) []choice {
	var out []choice
	for _, t := range c.Terms() {
		out = append(out, choice{t, term(t), false})
	}
	return out
}

func stands(x projections.Request) string {
	switch {
	case x.Overdue:
		return "overdue"
	case x.Decided == nil && x.Extended != nil:
		return "open, extended"
	case x.Decided == nil:
		return "open"
	case x.Answered != nil:
		return term(x.Decision) + ", answered"
	}
	return term(x.Decision)
}

func taskStands(t projections.Task) string {
	if t.Closed == nil {
		return "open"
	}
	return "told"
}

// outcome is what the page says after something was said.
type outcome struct {
	Bar   bar
	What  string
	Said  events.Index
	Event string // to be decided next, ""
	Again string // what is said of it

	Erased *v1.Erased
	Notice string
	Tell   []tellLine
}

type tellLine struct {
	v1.Recipient
	To, By named
	Data   string
}

// posted reads a form, has something said, and shows what came of it. Nothing of
// the form is repeated on the page or stands in an address.
func (o *officers) posted(say func(*http.Request, v1.Officer, func(string) string) (outcome, error)) v1.ForOfficer {
	return func(w http.ResponseWriter, r *http.Request, who v1.Officer) {
		if err := r.ParseForm(); err != nil {
			o.fail(w, r, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-form", Detail: "the form cannot be read"})
			return
		}
		out, err := say(r, who, func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) })
		if err != nil {
			o.fail(w, r, err)
			return
		}
		reader, _ := o.shown.Reader()
		l := newLookup(reader)
		out.Bar = o.bar(l, who, who.Organization)
		if out.Erased != nil {
			for _, t := range out.Erased.Tell {
				line := tellLine{t, l.organization(t.Recipient), l.organization(t.Organization), "data that cannot be named any more"}
				if t.Dataset != "" {
					line.Data = l.find("dataset", t.Dataset).Short()
				}
				out.Tell = append(out.Tell, line)
			}
		}
		if l.err != nil {
			o.fail(w, r, l.err)
			return
		}
		o.show(w, r, http.StatusOK, "officer-done", frame{Title: out.What, Section: "officer", Body: out})
	}
}

func (o *officers) receive(r *http.Request, who v1.Officer, form func(string) string) (outcome, error) {
	received, err := v1.FormTime(form("received"))
	if err != nil {
		return outcome{}, err
	}
	said, err := o.office.Receive(r.Context(), who, events.Person{Scheme: form("scheme"), Value: form("value")}, form("request"), received)
	return outcome{What: "The request is recorded", Said: said.Position, Event: said.Name.String()}, err
}

func (o *officers) decide(r *http.Request, who v1.Officer, form func(string) string) (outcome, error) {
	d := v1.Decision{Decision: form("decision"), Ground: form("ground"), Statement: form("statement")}
	got, err := o.office.Decide(r.Context(), who, form("about"), d, strings.Fields(form("joined")))
	return outcome{What: "The request is decided", Said: got.Position, Erased: got.Erased, Notice: got.Notice}, err
}

func (o *officers) answer(r *http.Request, who v1.Officer, form func(string) string) (outcome, error) {
	said, err := o.office.Answer(r.Context(), who, form("about"), form("recipient"))
	return outcome{What: "The answer is recorded", Said: said.Position}, err
}

func (o *officers) correct(r *http.Request, who v1.Officer, form func(string) string) (outcome, error) {
	if _, err := strconv.ParseUint(form("entry"), 10, 63); err != nil && len(form("entry")) != 22 {
		return outcome{}, v1.NotFound("there is no such entry")
	}
	said, err := o.office.Correct(r.Context(), who, form("entry"), form("reason"), form("statement"))
	return outcome{What: "The correction is recorded", Said: said.Position}, err
}
