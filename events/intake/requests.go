package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Said is where the ledger keeps what an officer said.
type Said struct {
	Name     events.EventName
	Position events.Index
}

// Decision is what an officer decides about a request.
type Decision struct {
	Request   events.EventName // of the request.received
	Decision  string           // of events.CodeDecision
	Ground    string           // of events.CodeJustification; refused and partly need one
	Statement string           // to the person, sealed
	// Joined are officers of other organizations, who agree to an erasure that ends
	// what theirs recorded.
	Joined []Reader
}

// Decided is what came of a decision.
type Decided struct {
	Said
	Notice string  // the id, of the source daybook, that a recipient names as the counterpart of its answer
	Erased *Erased // of an erasure that was granted
}

// Receive says that a person asked for something, one of events.CodeRequest, at a
// time, from which the clock counts.
func (d *Desk) Receive(ctx context.Context, by Reader, person events.Person, request string, received time.Time) (Said, error) {
	if err := by.maySpeak(by.Grant.Organization); err != nil {
		return Said{}, err
	}
	if received.After(d.now()) {
		return Said{}, &events.Problem{Status: 422, Code: "malformed", Pointer: "/received", Detail: "a request is received before it is recorded"}
	}
	person.Relation = "principal"
	said, err := d.say(ctx, Own{
		Kind: "request.received", ID: "request/" + rand.Text(), Organization: by.Grant.Organization, Time: received, Data: events.Object{
			{Name: "officer", Value: events.String(by.Name)},
			{Name: "request", Value: events.String(request)},
			{Name: "subjects", Value: concerned{persons: []events.Person{person}}.subjects()},
		},
	})
	if err != nil {
		return Said{}, err
	}
	return said[0], nil
}

// Decide says what becomes of a request. Saying the same again answers as before.
// The erasure of a person that is granted destroys her keys before it is answered.
func (d *Desk) Decide(ctx context.Context, by Reader, decision Decision) (Decided, error) {
	r, err := d.request(ctx, by, decision.Request)
	if err != nil {
		return Decided{}, err
	}
	if err := decision.check(); err != nil {
		return Decided{}, err
	}
	id := r.id("decision")
	if decision.Decision == "extended" {
		id = r.id("extension")
	}
	switch before, err := d.saidBefore(ctx, decision, r.id("decision"), id); {
	case err != nil:
		return Decided{}, err
	case before != nil:
		erased, err := d.erasedBefore(ctx, r)
		return Decided{*before, r.id("decision"), erased}, err
	}
	own, err := r.own("request.decided", id, by, d.now(), events.Object{{Name: "decision", Value: events.String(decision.Decision)}})
	if err != nil {
		return Decided{}, err
	}
	for name, text := range map[string]string{"ground": decision.Ground, "statement": decision.Statement} {
		if text != "" {
			own.Data = own.Data.With(name, events.String(text))
		}
	}
	if decision.Decision == "granted" && r.entry.Text("request") == "erasure" && !r.gone {
		return d.erase(ctx, by, r, own, decision.Joined)
	}
	said, err := d.say(ctx, own)
	if err != nil {
		return Decided{}, err
	}
	return Decided{said[0], r.id("decision"), nil}, nil
}

// check refuses what the fields of a decision do not allow together.
func (d Decision) check() error {
	needs := d.Decision == "refused" || d.Decision == "partly"
	switch {
	case !events.CodeDecision.Has(d.Decision):
		return &events.Problem{Status: 422, Code: "malformed", Pointer: "/decision", Detail: "must be granted, partly, refused or extended"}
	case needs && d.Ground == "":
		return &events.Problem{Status: 422, Code: "missing-field", Pointer: "/ground", Detail: "what is not granted in full needs a ground"}
	case !needs && d.Ground != "":
		return &events.Problem{Status: 422, Code: "malformed", Pointer: "/ground", Detail: "only what is not granted in full has a ground"}
	}
	return nil
}

// saidBefore finds the same decision, said before; another that ended the request
// is a conflict.
func (d *Desk) saidBefore(ctx context.Context, decision Decision, final, id string) (*Said, error) {
	for _, id := range []string{final, id} {
		name := d.Writer.cfg.Keys.EventName(LedgerSource, id)
		old, found, err := d.Writer.cfg.Book.event(name)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		_, e, err := d.read(ctx, old.seq.Index())
		if err != nil {
			return nil, err
		}
		if e.Text("decision") != decision.Decision || e.Text("ground") != decision.Ground {
			return nil, &events.Problem{Status: 409, Code: "decided", Detail: "the request was decided before: " + e.Text("decision")}
		}
		return &Said{name, old.seq.Index()}, nil
	}
	return nil, nil
}

// Answer says that a request was answered: to the person or, where recipient is
// given, to somebody whom her data was shared with: of what they shared of somebody
// erased, officers of other organizations say so too. Saying it again adds nothing.
func (d *Desk) Answer(ctx context.Context, by Reader, request events.EventName, recipient string) (Said, error) {
	r, err := d.request(ctx, by, request)
	if errors.Is(err, ErrMayNotRead) && r.gone && recipient != "" {
		err = by.maySpeak(by.Grant.Organization)
	}
	if err != nil {
		return Said{}, err
	}
	if recipient != "" && !events.IsReference(recipient) {
		return Said{}, &events.Problem{Status: 422, Code: "malformed", Pointer: "/recipient", Detail: "must be the reference of an organization"}
	}
	id := r.id("answered/" + by.Grant.Organization + "/" + recipient)
	name := d.Writer.cfg.Keys.EventName(LedgerSource, id)
	if old, found, err := d.Writer.cfg.Book.event(name); found || err != nil {
		return Said{name, old.seq.Index()}, err
	}
	own, err := r.own("request.answered", id, by, d.now(), nil)
	if err != nil {
		return Said{}, err
	}
	if recipient != "" {
		own.Data = own.Data.With("recipient", events.String(recipient))
	}
	said, err := d.say(ctx, own)
	if err != nil {
		return Said{}, err
	}
	return said[0], nil
}

// asked is a request as it was received.
type asked struct {
	name   events.EventName
	entry  *events.Entry
	handle events.Handle
	gone   bool // her keys are destroyed
	named  bool // the person is known here, by the box of the request.received
	person events.Person
}

// id is what an event about the request is called, so that saying it again adds
// nothing.
func (r asked) id(what string) string { return "request/" + r.name.String() + "/" + what }

// own begins what is said about the request: of the person who asked, or of
// nobody once her keys are gone.
func (r asked) own(kind, id string, by Reader, at time.Time, data events.Object) (Own, error) {
	var of concerned
	switch {
	case r.named:
		of = concerned{[]events.Person{r.person}, []events.Handle{r.handle}}
	case !r.gone:
		return Own{}, &events.Problem{Status: 409, Code: "not-kept", Detail: "whose request it is is not kept any more; receive it again"}
	}
	data = data.With("about", events.String(r.name.String())).With("officer", events.String(by.Name)).With("subjects", of.subjects())
	return Own{Kind: kind, ID: id, Organization: by.Grant.Organization, Time: at, Data: data, Trails: of.trails}, nil
}

// request finds a request, and the person by what her request.received holds: an
// officer names her once. With ErrMayNotRead, for an officer of another
// organization, it returns what it found.
func (d *Desk) request(ctx context.Context, by Reader, name events.EventName) (asked, error) {
	nothing := &events.Problem{Status: 404, Code: "not-found", Detail: "there is no such request"}
	known, found, err := d.Writer.cfg.Book.event(name)
	if err != nil {
		return asked{}, err
	}
	if !found || len(known.handles) != 1 {
		return asked{}, nothing
	}
	msg, e, err := d.read(ctx, known.seq.Index())
	if err != nil {
		return asked{}, err
	}
	if e.Kind.Name != "request.received" {
		return asked{}, nothing
	}
	r := asked{name: name, entry: e, handle: known.handles[0]}
	persons, unnamed, err := d.identify(msg, e)
	if err != nil {
		return asked{}, fmt.Errorf("reading request %s: %w", name, err)
	}
	if r.named = len(persons.persons) == 1; r.named {
		r.person = persons.persons[0]
	}
	r.gone = !r.named && unnamed == 0
	return r, by.maySpeak(e.Text("organization"))
}

// identify opens who is named in a message, of those whose keys are here. Unnamed
// are those whose names are not kept any more.
func (d *Desk) identify(msg events.Message, entry *events.Entry) (of concerned, unnamed int, _ error) {
	fold, err := d.Fold(msg)
	if err != nil {
		return of, 0, err
	}
	month, notKept := d.Keys.FindMonth(entry.Text("organization"), fold.RecordedAt)
	box := reader{msg: msg, entry: entry}
	for i, p := range fold.Persons {
		who, err := d.Keys.ByHandle(p.Handle)
		switch {
		case err != nil:
			return of, 0, err
		case who == nil:
			continue
		case notKept != nil:
			unnamed++
			continue
		}
		key, err := eventKey(who, p)
		if err != nil {
			return of, 0, err
		}
		for _, x := range box.read(events.BoxIdentifier, i, month, key[:]) {
			of.persons, of.trails = append(of.persons, personOf(x.Value.Object())), append(of.trails, p.Handle)
		}
	}
	return of, unnamed, box.err
}

// read is a message of the history and its entry.
func (d *Desk) read(ctx context.Context, i events.Index) (events.Message, *events.Entry, error) {
	data, err := d.Archive.Read(ctx, i.Seq())
	if err != nil {
		return events.Message{}, nil, fmt.Errorf("reading entry %d: %w", i, err)
	}
	msg, err := events.ParseMessage(data)
	if err != nil {
		return events.Message{}, nil, fmt.Errorf("reading entry %d: %w", i, err)
	}
	entry, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return events.Message{}, nil, fmt.Errorf("reading entry %d: %w", i, err)
	}
	return msg, entry, nil
}

// maySpeak refuses who is no officer of the organization.
func (r Reader) maySpeak(organization string) error {
	if r.Grant.Role != events.Officer || organization == "" || r.Grant.Organization != organization {
		return ErrMayNotRead
	}
	return nil
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

// say says list and returns where each part of it is. The first that is refused is
// the error; its pointer is that of what the officer gave.
func (d *Desk) say(ctx context.Context, list ...Own) ([]Said, error) {
	return d.sayTogether(ctx, nil, list...)
}

func (d *Desk) sayTogether(ctx context.Context, allow func(*plan) (*events.Problem, error), list ...Own) ([]Said, error) {
	outcomes, err := d.Writer.sayTogether(ctx, allow, list...)
	var p *events.Problem
	switch {
	case errors.As(err, &p):
		return nil, given(p)
	case errors.Is(err, ErrStopped), errors.Is(err, ErrQueueFull):
		return nil, unavailable("the ledger takes nothing at the moment")
	case err != nil:
		return nil, err
	}
	out := make([]Said, len(outcomes))
	for i, o := range outcomes {
		if o.Problem != nil {
			return nil, given(o.Problem)
		}
		out[i] = Said{o.Name, o.Position}
	}
	return out, nil
}

// given is a problem about what an officer gave, without the event made of it.
func given(p *events.Problem) *events.Problem {
	out := *p
	out.Pointer = strings.TrimPrefix(out.Pointer, "/data")
	if strings.HasPrefix(out.Pointer, "/subjects/persons/") {
		_, rest, _ := strings.Cut(strings.TrimPrefix(out.Pointer, "/subjects/persons/"), "/")
		out.Pointer = strings.TrimSuffix("/person/"+rest, "/")
	}
	return &out
}
