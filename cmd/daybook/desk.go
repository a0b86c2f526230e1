package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/projections"
)

// readers shows the tokens to the API, which asks only who may read.
type readers struct{ tokens *intake.Tokens }

func (r readers) Find(token string) (v1.Officer, bool, error) {
	g, ok, err := r.tokens.Find(token)
	if err != nil || !ok {
		return v1.Officer{}, false, err
	}
	return v1.Officer{Role: g.Role, Organization: g.Organization, Name: intake.TokenName(token)}, true, nil
}

// desk shows the desk to the API.
type desk struct{ *intake.Desk }

func (s *system) desk() desk {
	return desk{&intake.Desk{
		Writer: s.writer, Archive: s.history, Keys: s.keys, Fold: intake.FoldOpener(s.keys.FoldKey()), Now: s.now,
		Mentions: mentions{s}, Ending: s.keys, Cards: s.keys,
	}}
}

func reader(o v1.Officer) intake.Reader {
	return intake.Reader{Grant: intake.Grant{Role: o.Role, Organization: o.Organization}, Name: o.Name}
}

func (d desk) Record(ctx context.Context, o v1.Officer, organization, filter string, positions []events.Index) (events.Index, error) {
	i, err := d.Desk.Record(ctx, reader(o), organization, filter, positions)
	return i, deskError(err)
}

func (d desk) Open(ctx context.Context, o v1.Officer, i events.Index) (v1.Opened, error) {
	opened, err := d.Desk.Open(ctx, reader(o), i)
	return v1.Opened(opened), deskError(err)
}

func (d desk) Dossier(ctx context.Context, o v1.Officer, q v1.Inquiry) (v1.Dossier, error) {
	in, err := d.Desk.Dossier(ctx, reader(o), inquiry(q))
	out := v1.Dossier{Next: in.Next, Readings: in.Readings}
	for _, m := range in.Matters {
		out.Matters = append(out.Matters, v1.Matter{
			Mention: projections.Mention(m.Row), Entry: m.Entry, Details: m.Details, Sealed: m.Sealed, Others: m.Others,
			Head: m.Head, HeadAt: m.HeadAt, HeadDetails: m.HeadDetails,
		})
	}
	return out, deskError(err)
}

func (d desk) Statement(ctx context.Context, o v1.Officer, q v1.Inquiry) (v1.Told, error) {
	in, err := d.Desk.Statement(ctx, reader(o), inquiry(q))
	out := v1.Told{Reading: in.Reading}
	for _, l := range in.Lines {
		out.Lines = append(out.Lines, v1.ToldLine{
			Mention: projections.Mention(l.Row), Entry: l.Entry, EventKey: l.EventKey, Hers: l.Hers, Head: l.Head, HeadAt: l.HeadAt, HeadHers: l.HeadHers,
		})
	}
	return out, deskError(err)
}

// inquiry gives the desk the rows of the view that q is asked of.
func inquiry(q v1.Inquiry) intake.Inquiry {
	rows := func(her events.Handle, after *events.Index, limit int) ([]intake.Row, *events.Index, error) {
		list, next, err := q.Reader.Person(her, q.Organization, after, limit)
		out := make([]intake.Row, len(list))
		for i, m := range list {
			out[i] = intake.Row(m)
		}
		return out, next, err
	}
	return intake.Inquiry{Organization: q.Organization, Person: q.Person, Rows: rows, After: q.After, Limit: q.Limit}
}

// deskError is err as the API tells refusals apart.
func deskError(err error) error {
	switch {
	case errors.Is(err, intake.ErrIdentifier):
		return &events.Problem{Status: 422, Code: "malformed", Pointer: "/person/value", Detail: "the identifier does not fit its scheme, or nobody knows the scheme"}
	case errors.Is(err, intake.ErrMayNotRead):
		return fmt.Errorf("%w: %w", v1.ErrMayNotRead, err)
	case errors.Is(err, intake.ErrNotRecorded):
		return fmt.Errorf("%w: %w", v1.ErrNotRecorded, err)
	}
	return err
}

// clerk shows the desk to the API for what officers say.
type clerk struct{ *intake.Desk }

func (c clerk) Receive(ctx context.Context, o v1.Officer, person events.Person, request string, received time.Time) (v1.Spoken, error) {
	said, err := c.Desk.Receive(ctx, reader(o), person, request, received)
	return v1.Spoken(said), deskError(err)
}

func (c clerk) Decide(ctx context.Context, o v1.Officer, d v1.Decision) (v1.Decided, error) {
	decision := intake.Decision{Request: d.Request, Decision: d.Decision, Ground: d.Ground, Statement: d.Statement}
	for _, j := range d.Joined {
		decision.Joined = append(decision.Joined, reader(j))
	}
	got, err := c.Desk.Decide(ctx, reader(o), decision)
	out := v1.Decided{Spoken: v1.Spoken(got.Said), Notice: got.Notice}
	if e := got.Erased; e != nil {
		out.Erased = &v1.Erased{Deleted: v1.Spoken(e.Deleted), Shredded: v1.Spoken(e.Shredded), BackupsUntil: e.BackupsUntil, Entries: e.Entries}
		for _, t := range e.Tell {
			out.Erased.Tell = append(out.Erased.Tell, v1.Recipient(t))
		}
	}
	return out, deskError(err)
}

func (c clerk) Answer(ctx context.Context, o v1.Officer, request events.EventName, recipient string) (v1.Spoken, error) {
	said, err := c.Desk.Answer(ctx, reader(o), request, recipient)
	return v1.Spoken(said), deskError(err)
}

func (c clerk) Correct(ctx context.Context, o v1.Officer, i events.Index, reason, statement string) (v1.Spoken, error) {
	said, err := c.Desk.Correct(ctx, reader(o), i, reason, statement)
	return v1.Spoken(said), deskError(err)
}

// mentions finds what concerns a person in the views, once they have all that the
// history has.
type mentions struct{ *system }

func (m mentions) Mentions(ctx context.Context, her events.Handle) ([]intake.Mention, error) {
	if err := m.views.WaitFor(ctx, m.history.Last()); err != nil {
		return nil, err
	}
	var out []intake.Mention
	for after := (*events.Index)(nil); ; {
		list, next, err := m.views.Now().Person(her, "", after, projections.MaxLimit)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			out = append(out, intake.Mention{Position: x.Position, Organization: x.Organization, Kind: x.Kind})
		}
		if after = next; next == nil {
			return out, nil
		}
	}
}
