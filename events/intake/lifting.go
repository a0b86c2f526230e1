package intake

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// LiftSeal ends a seal of by's organization and discloses to the person what it
// hid. That it is lifted already is no error: what was asked for is so.
func (d *Desk) LiftSeal(ctx context.Context, by Reader, seal events.EventName) (Lifted, error) {
	if by.Grant.Role != events.Officer || by.Grant.Organization == "" {
		return Lifted{}, &events.Problem{Status: 403, Code: "role", Detail: "only an officer of an organization lifts a seal"}
	}
	s, err := d.find(by, seal)
	var missing *events.Problem
	switch {
	case err == nil:
		return d.lift(ctx, s, "officer", by.Name)
	case !errors.As(err, &missing):
		return Lifted{}, err
	}
	before, found, err := d.said(ctx, d.ownName(liftedID(seal)))
	if err != nil {
		return Lifted{}, err
	}
	if !found || before.entry.Text("organization") != by.Grant.Organization {
		return Lifted{}, missing
	}
	after, _, err := d.said(ctx, d.ownName(disclosedID(seal)))
	return Lifted{seal, before.position, after.position}, err
}

// Lapse lifts the seals whose end has come, and discloses what those hid that were
// lifted and not disclosed, because a crash came between. It returns how much it
// did; a fault with one seal keeps no other from its end.
func (d *Desk) Lapse(ctx context.Context) (done int, err error) {
	all, err := d.Writer.cfg.Book.Seals()
	if err != nil {
		return 0, err
	}
	var faults []error
	for _, s := range all {
		how, err := d.ended(s)
		switch {
		case err != nil:
		case s.Lifted:
			_, err = d.disclose(ctx, s)
		case how == "":
			continue
		default:
			_, err = d.lift(ctx, s, how, "")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("ending the seal %s: %w", s.Name, err))
			continue
		}
		done++
	}
	return done, errors.Join(faults...)
}

// ended is what has ended s by now, "" for nothing.
func (d *Desk) ended(s Standing) (string, error) {
	if s.ReleasedBy != (events.EventName{}) {
		_, found, err := d.Writer.cfg.Book.event(s.ReleasedBy)
		if found || err != nil {
			return "release", err
		}
	}
	zone, err := d.Writer.cfg.Book.location(s.Organization)
	if err != nil {
		return "", err
	}
	return s.over(d.now().In(zone).Format(time.DateOnly), zone), nil
}

func liftedID(seal events.EventName) string    { return "seal.lifted/" + seal.String() }
func disclosedID(seal events.EventName) string { return "event.disclosed/" + seal.String() }

// ownName is the public name of what the ledger says under id.
func (d *Desk) ownName(id string) events.EventName {
	return d.Writer.cfg.Keys.EventName(LedgerSource, id)
}

// lift says that s is lifted, and then, when its trail can grow no more, discloses
// it. Whoever lifts a seal first has lifted it: a later one only sees to it that
// it is disclosed.
func (d *Desk) lift(ctx context.Context, s Standing, how, officer string) (Lifted, error) {
	who, err := d.concerns(ctx, s)
	if err != nil {
		return Lifted{}, err
	}
	data := events.Object{}.With("how", events.String(how)).With("seal", events.String(s.Name.String())).With("subjects", who.subjects())
	if officer != "" {
		data = data.With("officer", events.String(officer))
	}
	out := Lifted{Seal: s.Name}
	if out.Position, err = d.sayFirst(ctx, Own{Kind: "seal.lifted", ID: liftedID(s.Name), Organization: s.Organization, Data: data, Trails: []events.Handle{s.Trail}}); err != nil {
		return Lifted{}, err
	}
	s.Lifted = true
	out.Disclosed, err = d.disclose(ctx, s)
	return out, err
}

// disclose gives the person the key to the trail of a seal that is lifted, as an
// event of her own trail. Its name is made from the seal's, so that a repeat, here
// or after a crash, adds nothing.
func (d *Desk) disclose(ctx context.Context, s Standing) (events.Index, error) {
	hidden, err := d.Writer.hidden(s.Trail)
	if err != nil {
		return 0, err
	}
	who, err := d.concerns(ctx, s)
	if err != nil {
		return 0, err
	}
	at, _, err := d.Writer.cfg.Book.tags(s.Trail)
	if err != nil {
		return 0, err
	}
	key := hidden.Root()
	data := events.Object{}.With("events", events.Integer(int64(at.tags))).With("key", events.String(base64.RawURLEncoding.EncodeToString(key[:]))).
		With("seal", events.String(s.Name.String())).With("subjects", who.subjects())
	return d.sayFirst(ctx, Own{Kind: "event.disclosed", ID: disclosedID(s.Name), Organization: s.Organization, Data: data})
}

// sayFirst says own now. When it was said before, in whatever words, that stands.
func (d *Desk) sayFirst(ctx context.Context, own Own) (events.Index, error) {
	own.Time = d.now()
	out, err := d.Writer.Say(ctx, own)
	switch {
	case err != nil:
		return 0, err
	case out[0].Problem == nil:
		return out[0].Position, nil
	case out[0].Status != 409:
		return 0, out[0].Problem
	}
	before, found, err := d.said(ctx, d.ownName(own.ID))
	if err == nil && !found {
		err = out[0].Problem
	}
	return before.position, err
}

// sayOnce says under id what compose makes of the time; repeated means that it was
// said before. Said again it has its first time, so that the writer tells a repeat
// from another order under the same request; again is true then.
func (d *Desk) sayOnce(ctx context.Context, id string, compose func(at time.Time, again bool) (Own, error)) (out Outcome, repeated bool, err error) {
	for try := 0; ; try++ {
		at := d.now()
		before, again, err := d.said(ctx, d.ownName(id))
		if err != nil {
			return Outcome{}, false, err
		}
		if again {
			at = before.fold.OccurredAt
		}
		own, err := compose(at, again)
		if err != nil {
			return Outcome{}, false, err
		}
		own.ID, own.Time = id, at
		list, err := d.Writer.Say(ctx, own)
		if err != nil {
			return Outcome{}, false, problemOf(err)
		}
		switch p := list[0].Problem; {
		case p == nil:
			return list[0], list[0].Status == 200, nil
		case p.Code == "conflict" && again:
			return Outcome{}, false, &events.Problem{Status: 409, Code: "conflict", Detail: "the same request was made before and ordered something else"}
		case p.Code != "conflict" || try > 0:
			return Outcome{}, false, p
		}
		// Somebody has said it a moment ago.
	}
}

// problemOf is what is wrong with the fields of an order, as its sender wrote them.
func problemOf(err error) error {
	var p *events.Problem
	if !errors.As(err, &p) {
		return err
	}
	own := *p
	own.Pointer = strings.TrimPrefix(own.Pointer, "/data")
	own.Pointer = strings.Replace(own.Pointer, "/subjects/persons/0", "/person", 1)
	return &own
}

// told is an entry that the ledger has said.
type told struct {
	position events.Index
	msg      events.Message
	entry    *events.Entry
	fold     events.Fold
}

// said finds the message of an event by its name.
func (d *Desk) said(ctx context.Context, name events.EventName) (out told, found bool, err error) {
	at, found, err := d.Writer.cfg.Book.event(name)
	if err != nil || !found {
		return told{}, false, err
	}
	out.position = at.seq.Index()
	data, err := d.Archive.Read(ctx, at.seq)
	if err == nil {
		out.msg, err = events.ParseMessage(data)
	}
	if err == nil {
		out.entry, err = events.ParseEntry(out.msg.Entry)
	}
	if err == nil {
		out.fold, err = d.Fold(out.msg)
	}
	if err != nil {
		return told{}, false, fmt.Errorf("reading entry %d: %w", out.position, err)
	}
	return out, true, nil
}

// concerns is whom a seal is over. Her name is nowhere but in boxes: it is taken
// from her own slot of the entry that placed the seal, which opens as long as she
// has keys, and whatever became of the month's.
func (d *Desk) concerns(ctx context.Context, s Standing) (concerned, error) {
	m, found, err := d.said(ctx, s.Name)
	if err != nil || !found || len(m.fold.Persons) != 1 {
		return concerned{}, errors.Join(err, errors.New("reading whom a seal is over: its entry is not in the history"))
	}
	hidden, err := d.Writer.hidden(s.Trail)
	if err != nil {
		return concerned{}, err
	}
	key, err := eventKey(hidden, m.fold.Persons[0])
	if err != nil {
		return concerned{}, err
	}
	box := reader{msg: m.msg, entry: m.entry}
	for _, x := range box.read(events.BoxPerson, 0, key[:]) {
		if x.Name == "subject" {
			return concerned{persons: []events.Person{personOf(x.Value.Object())}}, nil
		}
	}
	return concerned{}, errors.Join(box.err, errors.New("reading whom a seal is over: the entry does not say it"))
}
