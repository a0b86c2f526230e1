package intake

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// SealOrder is what an officer orders: that from now on uses of data about a
// person are hidden from that person.
type SealOrder struct {
	Person   events.Person
	Ground   string   // a term of events.CodeJustification
	ReviewBy string   // the day by which the seal is looked at again, within a year
	Until    string   // the last day on which it stands, or ""
	Systems  []string // whose uses it is for, and
	Case     string   // in which case; with neither it is for all that the organization does
	Oral     bool     // nobody wrote it down: it ends after thirty days, unless it is extended
	Source   string   // with ID: the event that ends the seal, whenever it is recorded
	ID       string
	Request  string // the same again places nothing more; "" is never the same
}

// SealDates replace those of a seal.
type SealDates struct {
	ReviewBy, Until string // as in SealOrder
	Request         string
}

// SealState is a seal as officers see it. Whom it is about, why and in which case
// is among the details of the entry that placed it.
type SealState struct {
	Seal     events.EventName // the public name of the seal.placed
	Position events.Index     // of that entry
	Group    string           // of the ground
	PlacedOn string           // days are those of the organization's time zone
	ReviewBy string
	Overdue  bool   // ReviewBy has passed
	LastDay  string // on which it stands, "" when only an event ends it
	Oral     bool   // and not extended in writing
	Systems  []string
	OneCase  bool // it is for a case
	Awaits   bool // an event ends it
}

// Placed is what became of an order about a seal.
type Placed struct {
	Seal     events.EventName
	Position events.Index // of the entry that says it
	Repeated bool         // it was there before
	ReviewIn string       // the quarter that the public sees
}

// Lifted is where the ledger says that a seal ended.
type Lifted struct {
	Seal     events.EventName
	Position events.Index // of the seal.lifted
	// Disclosed is the event.disclosed on the person's own trail, which gives the
	// key to what was hidden.
	Disclosed events.Index
}

// PlaceSeal places a seal in the name of two officers of one organization. A
// refusal is a *events.Problem, whose pointer is into the order as the API takes
// it. What is in the person's trail already stays there.
func (d *Desk) PlaceSeal(ctx context.Context, by, approver Reader, o SealOrder) (Placed, error) {
	if p := checkApproval(by, approver); p != nil {
		return Placed{}, p
	}
	o.Person.Relation = "principal"
	if _, err := d.Writer.cfg.People.Find(o.Person); err != nil {
		return Placed{}, naming(err)
	}
	id := "seal/" + d.secretID("seal.placed", by, o.Request)
	out, repeated, err := d.sayOnce(ctx, id, func(at time.Time, again bool) (Own, error) {
		own, err := d.order(by, approver, o, at, again)
		if err != nil || again {
			return own, err
		}
		// Hiding needs the keys of whose trail it is, whether or not she has an event yet.
		if _, err := d.Writer.cfg.People.Prepare([]events.Person{o.Person}, d.Writer.cfg.Book.label); err != nil {
			return own, fmt.Errorf("preparing keys: %w", err)
		}
		hidden, err := d.Writer.cfg.People.Hide(o.Person, id)
		if err != nil {
			return own, fmt.Errorf("opening a hidden trail: %w", err)
		}
		own.Trails = []events.Handle{hidden.Handle()}
		return own, nil
	})
	if err != nil {
		return Placed{}, err
	}
	return Placed{out.Name, out.Position, repeated, events.QuarterOf(o.ReviewBy)}, nil
}

// ExtendSeal gives a seal that stands other dates, in the name of two officers.
// That is done in writing: an oral seal that was extended does not lapse any more.
func (d *Desk) ExtendSeal(ctx context.Context, by, approver Reader, seal events.EventName, dates SealDates) (Placed, error) {
	if p := checkApproval(by, approver); p != nil {
		return Placed{}, p
	}
	s, err := d.find(by, seal)
	if err != nil {
		return Placed{}, err
	}
	who, err := d.concerns(ctx, s)
	if err != nil {
		return Placed{}, err
	}
	id := "seal.extended/" + seal.String() + "/" + d.secretID("seal.extended "+seal.String(), by, dates.Request)
	out, repeated, err := d.sayOnce(ctx, id, func(at time.Time, _ bool) (Own, error) {
		data, err := d.dates(s.Organization, dates.ReviewBy, dates.Until, at)
		if err != nil {
			return Own{}, err
		}
		if dates.Until == "" && s.ReleasedBy == (events.EventName{}) {
			return Own{}, noEnd()
		}
		data = signed(data, by, approver).With("seal", events.String(seal.String())).With("subjects", who.subjects())
		return Own{Kind: "seal.extended", Data: data, Organization: s.Organization, Trails: []events.Handle{s.Trail}}, nil
	})
	if err != nil {
		return Placed{}, err
	}
	return Placed{seal, out.Position, repeated, events.QuarterOf(dates.ReviewBy)}, nil
}

// order is what says that o is placed at a time; again skips what only holds the
// first time.
func (d *Desk) order(by, approver Reader, o SealOrder, at time.Time, again bool) (Own, error) {
	organization := by.Grant.Organization
	data, err := d.dates(organization, o.ReviewBy, o.Until, at)
	if err != nil {
		return Own{}, err
	}
	group := events.SealGroup(o.Ground)
	if group == "" {
		return Own{}, wrong("/ground", "malformed", "must be a term of the code list "+events.CodeJustification.Name())
	}
	data = signed(data, by, approver).With("ground", events.String(o.Ground)).With("group", events.String(group))
	if len(o.Systems) > 0 {
		data = data.With("systems", events.Strings(slices.Compact(slices.Sorted(slices.Values(o.Systems)))))
	}
	if o.Case != "" {
		data = data.With("caseRef", events.String(o.Case))
	}
	if o.Oral {
		data = data.With("oral", events.Boolean(true))
	}
	switch {
	case o.Source != "" || o.ID != "":
		release, err := d.release(o, again)
		if err != nil {
			return Own{}, err
		}
		data = data.With("releasedBy", events.String(release.String()))
	case o.Until == "" && !o.Oral:
		return Own{}, noEnd()
	}
	data = data.With("subjects", concerned{persons: []events.Person{o.Person}}.subjects())
	return Own{Kind: "seal.placed", Data: data, Organization: organization}, nil
}

// release is the public name of the event that o waits for.
func (d *Desk) release(o SealOrder, again bool) (events.EventName, error) {
	if !events.IsReference(o.Source) || o.ID == "" || len(o.ID) > 1024 {
		return events.EventName{}, wrong("/releasedBy", "malformed", "must be the source of an event, a reference, and the id that it will have")
	}
	name := d.Writer.cfg.Keys.EventName(o.Source, o.ID)
	_, found, err := d.Writer.cfg.Book.event(name)
	if err == nil && found && !again {
		err = wrong("/releasedBy", "released", "the ledger has this event already; nothing would be hidden")
	}
	return name, err
}

// dates are the dates of a seal as its events have them.
func (d *Desk) dates(organization, reviewBy, until string, at time.Time) (events.Object, error) {
	zone, err := d.Writer.cfg.Book.location(organization)
	if err != nil {
		return nil, err
	}
	today := at.In(zone)
	review, err := time.Parse(time.DateOnly, reviewBy)
	if day := today.Format(time.DateOnly); err != nil || reviewBy < day || review.Format(time.DateOnly) > today.AddDate(1, 0, 0).Format(time.DateOnly) {
		return nil, wrong("/reviewBy", "malformed", "must be a day as 2026-06-24, not in the past and at most a year ahead")
	} else if _, err := time.Parse(time.DateOnly, until); until != "" && (err != nil || until < day) {
		return nil, wrong("/until", "malformed", "must be a day as 2026-06-24, and not in the past")
	}
	data := events.Object{}.With("reviewBy", events.String(reviewBy)).With("reviewIn", events.String(events.QuarterOf(reviewBy)))
	if until != "" {
		data = data.With("until", events.String(until))
	}
	return data, nil
}

// signed adds who decided; officers alone see that.
func signed(data events.Object, by, approver Reader) events.Object {
	return data.With("officer", events.String(by.Name)).With("approver", events.String(approver.Name))
}

func noEnd() *events.Problem {
	return wrong("/until", "missing-field", "a seal needs an end: the last day on which it stands, or the event that ends it")
}

func wrong(pointer, code, detail string) *events.Problem {
	return &events.Problem{Status: 422, Code: code, Pointer: pointer, Detail: detail}
}

// naming is the refusal of an identifier that nobody can have.
func naming(err error) error {
	if errors.Is(err, ErrIdentifier) {
		return wrong("/person/value", "malformed", err.Error())
	}
	return err
}

// checkApproval wants two tokens of officers of one organization. That two people
// hold them is for whoever hands out tokens.
func checkApproval(by, approver Reader) *events.Problem {
	refuse := func(status int, code, detail string) *events.Problem {
		return &events.Problem{Status: status, Code: code, Detail: detail}
	}
	switch {
	case by.Grant.Role != events.Officer || by.Grant.Organization == "":
		return refuse(403, "role", "only an officer of an organization seals")
	case approver.Name == "":
		return refuse(422, "approver", "a second officer of the same organization must approve it")
	case approver.Name == by.Name:
		return refuse(422, "same-approver", "nobody approves what they order themselves; it takes the token of another officer")
	case approver.Grant.Role != events.Officer || approver.Grant.Organization != by.Grant.Organization:
		return refuse(403, "approver", "the second token is not that of another officer of the same organization")
	}
	return nil
}

// secretID is the same for the same request of the same token, and nobody can
// guess it: no source can name an event with a line end in its id.
func (d *Desk) secretID(what string, by Reader, request string) string {
	if request == "" {
		return rand.Text()
	}
	return d.Writer.cfg.Keys.EventName(LedgerSource, strings.Join([]string{what, by.Grant.Organization, by.Name, request}, "\n")).String()
}

// find is a seal of by's organization that stands.
func (d *Desk) find(by Reader, seal events.EventName) (Standing, error) {
	all, err := d.Writer.cfg.Book.Seals()
	if err != nil {
		return Standing{}, err
	}
	i := slices.IndexFunc(all, func(s Standing) bool { return s.Name == seal && s.Organization == by.Grant.Organization })
	if i < 0 || all[i].Lifted {
		return Standing{}, &events.Problem{Status: 404, Code: "not-found", Detail: "no such seal of your organization stands"}
	}
	return all[i], nil
}

// Seals are the seals of an organization that stand, overdue ones first and then
// by the day of their review; asOf is the local day that they are judged on. That
// r reads them is recorded first.
func (d *Desk) Seals(ctx context.Context, r Reader, organization string) (out []SealState, asOf string, reading events.Index, err error) {
	if !r.Grant.MayRead(organization) {
		return nil, "", 0, ErrMayNotRead
	}
	all, err := d.Writer.cfg.Book.Seals()
	if err != nil {
		return nil, "", 0, err
	}
	zone, err := d.Writer.cfg.Book.location(organization)
	if err != nil {
		return nil, "", 0, err
	}
	asOf = d.now().In(zone).Format(time.DateOnly)
	for _, s := range all {
		if s.Organization != organization || s.Lifted {
			continue
		}
		state, err := d.state(ctx, s, zone, asOf)
		if err != nil {
			return nil, "", 0, err
		}
		out = append(out, state)
	}
	slices.SortStableFunc(out, func(a, b SealState) int { return cmp.Compare(a.ReviewBy, b.ReviewBy) })
	positions := make([]events.Index, len(out))
	for i, s := range out {
		positions[i] = s.Position
	}
	slices.Sort(positions)
	reading, err = d.record(ctx, r, organization, "seals", positions, concerned{})
	if err != nil {
		return nil, "", 0, err
	}
	return out, asOf, reading, nil
}

func (d *Desk) state(ctx context.Context, s Standing, zone *time.Location, today string) (SealState, error) {
	m, found, err := d.said(ctx, s.Name)
	if err != nil || !found {
		return SealState{}, errors.Join(err, errors.New("reading a seal: its entry is not in the history"))
	}
	last := s.Until
	if lapse := s.lapses(zone); lapse != "" && (last == "" || lapse < last) {
		last = lapse
	}
	return SealState{
		Seal: s.Name, Position: m.position, Group: m.entry.Text("group"), PlacedOn: s.PlacedAt.In(zone).Format(time.DateOnly),
		ReviewBy: s.ReviewBy, Overdue: s.ReviewBy < today, LastDay: last, Oral: s.Oral && !s.Extended,
		Systems: s.Systems, OneCase: s.Case != "", Awaits: s.ReleasedBy != (events.EventName{}),
	}, nil
}
