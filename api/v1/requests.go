package v1

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Clerk says for officers what becomes of requests, and what was wrong. A refusal
// is a *events.Problem or ErrMayNotRead.
type Clerk interface {
	// Receive records that the person asked for something at a time.
	Receive(ctx context.Context, by Officer, person events.Person, request string, received time.Time) (Spoken, error)
	// Decide records a decision. When it erases her, her keys are destroyed by the
	// time it returns.
	Decide(ctx context.Context, by Officer, d Decision) (Decided, error)
	// Answer records that a request was answered, to recipient or, with "", to her.
	Answer(ctx context.Context, by Officer, request events.EventName, recipient string) (Spoken, error)
	// Correct records that the entry at i is wrong, and what is right.
	Correct(ctx context.Context, by Officer, i events.Index, reason, statement string) (Spoken, error)
}

// Spoken is where the ledger keeps what an officer said.
type Spoken struct {
	Name     events.EventName
	Position events.Index
}

// Decision is what an officer decides about a request.
type Decision struct {
	Request                     events.EventName // of the request.received
	Decision, Ground, Statement string
	Joined                      []Officer // of other organizations, who agree to an erasure
}

// Decided is what came of a decision.
type Decided struct {
	Spoken
	Notice string // the id, of the source daybook, that a recipient names when it was told
	Erased *Erased
}

// Erased is what an erasure destroyed, and who has to be told.
type Erased struct {
	Deleted, Shredded Spoken
	BackupsUntil      string
	Entries           int
	Tell              []Recipient
}

// Recipient is whom data of an erased person was shared with.
type Recipient struct {
	Organization string // that shared
	Recipient    string // "?" where nobody can say
	Dataset      string // "" where nobody can say
	Position     events.Index
}

// Requests are what persons asked of an organization, and whom it has to tell.
type Requests struct {
	Organization string
	AsOf         time.Time
	Requests     []projections.Request
	Tasks        []projections.Task
	Reading      events.Index
}

// Requests answers with the requests of the organization that r is about.
func (o *Office) Requests(r *http.Request, who Officer) (Requests, error) {
	q, err := Query(r, "organization")
	if err != nil {
		return Requests{}, err
	}
	out := Requests{AsOf: o.Shown.Time()}
	if out.Organization, err = o.organization(q, who); err != nil {
		return out, err
	}
	reader, _ := o.Shown.Reader()
	if out.Requests, err = reader.Requests(out.AsOf, out.Organization); err == nil {
		out.Tasks, err = reader.Tasks(out.Organization)
	}
	switch {
	case err != nil:
		return out, notKept(err)
	case len(out.Requests)+len(out.Tasks) > MaxExport:
		return out, tooMany()
	}
	var positions []events.Index
	for _, x := range out.Requests {
		positions = append(positions, x.Position)
	}
	for _, x := range out.Tasks {
		positions = append(positions, x.First)
	}
	slices.Sort(positions)
	out.Reading, err = o.record(r.Context(), who, out.Organization, "requests", q, slices.Compact(positions))
	return out, err
}

// Receive records a request of a person, received now when the time is zero.
func (o *Office) Receive(ctx context.Context, who Officer, person events.Person, request string, received time.Time) (Spoken, error) {
	if received.IsZero() {
		received = o.Shown.Time()
	}
	said, err := o.Clerk.Receive(ctx, who, person, request, received)
	return said, speakerProblem(err)
}

// Decide records a decision about the request that ref names, by its position or
// its event. Tokens are those of officers of other organizations who agree.
func (o *Office) Decide(ctx context.Context, who Officer, ref string, d Decision, tokens []string) (Decided, error) {
	var err error
	if d.Request, err = o.request(ref); err != nil {
		return Decided{}, err
	}
	for _, token := range tokens {
		joined, ok, err := o.Tokens.Find(strings.TrimSpace(token))
		if err != nil {
			return Decided{}, err
		}
		if !ok || joined.Role != events.Officer {
			return Decided{}, &events.Problem{Status: http.StatusForbidden, Code: "approver", Detail: "a token of somebody who is to agree is not an officer's"}
		}
		d.Joined = append(d.Joined, joined)
	}
	out, err := o.Clerk.Decide(ctx, who, d)
	return out, speakerProblem(err)
}

// Answer records that the request that ref names was answered.
func (o *Office) Answer(ctx context.Context, who Officer, ref, recipient string) (Spoken, error) {
	name, err := o.request(ref)
	if err != nil {
		return Spoken{}, err
	}
	if err := o.mayAnswer(who, name, recipient); err != nil {
		return Spoken{}, speakerProblem(err)
	}
	said, err := o.Clerk.Answer(ctx, who, name, recipient)
	return said, speakerProblem(err)
}

// mayAnswer refuses what another organization says of a request, unless it has to
// tell that recipient because it shared with it. The organization's own request, and
// one too young to be shown, are the clerk's to judge.
func (o *Office) mayAnswer(who Officer, request events.EventName, recipient string) error {
	found, err := o.Shown.Entry(request.String())
	if err != nil {
		return nil
	}
	e, err := events.ParseEntry(found.Entry)
	if err != nil || e.Text("organization") == who.Organization {
		return err
	}
	reader, _ := o.Shown.Reader()
	tasks, err := reader.Tasks(who.Organization)
	if err != nil {
		return notKept(err)
	}
	if !slices.ContainsFunc(tasks, func(t projections.Task) bool { return t.Request == request && t.Recipient == recipient }) {
		return ErrMayNotRead
	}
	return nil
}

// Correct records that the entry that ref names is wrong.
func (o *Office) Correct(ctx context.Context, who Officer, ref, reason, statement string) (Spoken, error) {
	found, err := o.Shown.Entry(ref)
	if err != nil {
		return Spoken{}, err
	}
	said, err := o.Clerk.Correct(ctx, who, found.Position, reason, statement)
	return said, speakerProblem(err)
}

// request is the event that ref is the name of, or whose entry stands at that
// position. A name is taken as it is: the entry may be too young to be shown.
func (o *Office) request(ref string) (events.EventName, error) {
	if name, ok := events.ParseEventName(ref); ok {
		return name, nil
	}
	found, err := o.Shown.Entry(ref)
	if err != nil {
		return events.EventName{}, NotFound("there is no such request")
	}
	e, err := events.ParseEntry(found.Entry)
	return e.Name(), err
}

// speakerProblem turns what a clerk says into a refusal.
func speakerProblem(err error) error {
	if errors.Is(err, ErrMayNotRead) {
		return &events.Problem{Status: http.StatusForbidden, Code: "not-yours", Detail: "only an officer of the organization that this is about may do that"}
	}
	return officerProblem(err)
}

// orderTime reads a time, zero when there is none.
func orderTime(text, pointer string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, ok := events.ParseInstant(text)
	if !ok {
		return t, &events.Problem{Status: 422, Code: "malformed", Pointer: pointer, Detail: "must be an RFC 3339 time as 2026-06-24T08:30:00Z"}
	}
	return t, nil
}

// FormTime reads a time as forms send it, in UTC; zero when there is none.
func FormTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return orderTime(text, "/received")
}
