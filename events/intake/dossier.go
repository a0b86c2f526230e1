package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

// MaxDossier is the most entries that one page of a dossier has.
const MaxDossier = 100

// MaxStatement is the most entries that a statement has. It is whole or refused.
const MaxStatement = 10_000

// Row is one entry that concerns a person, as the views know it.
type Row struct {
	Position     events.Index
	Organization string
	Kind         string
	Trail        events.Handle    // that took it: hers, or the hidden one of a seal
	Counter      uint64           // which of the trail's tags it has
	Generation   uint32           // of the root key that made the tag
	Relation     string           // hers to the matter
	Seal         events.EventName // whose hidden trail it is, zero for none
	Disclosed    bool             // and what it hid was given to her
}

// Hidden says that she is not to learn of it yet.
func (r Row) Hidden() bool { return r.Seal != (events.EventName{}) && !r.Disclosed }

// Inquiry is what is asked about one person.
type Inquiry struct {
	Organization string        // whose entries
	Person       events.Person // scheme and value
	// Rows are a page of the organization's entries that concern a person, behind a
	// position, at most so many, in order; next is nil when nothing follows.
	Rows  func(her events.Handle, after *events.Index, limit int) (page []Row, next *events.Index, err error)
	After *events.Index
	Limit int // default and at most MaxDossier
}

// Dossier is one page of what an organization recorded about a person.
type Dossier struct {
	Matters  []Matter
	Next     *events.Index  // the After of the next page, nil on the last
	Readings []events.Index // the ledger.read
}

// Matter is one entry of a dossier with what was sealed in it. Of an entry about
// several persons it has what is hers alone: to open what they share is to read
// about the others too, which [Desk.Open] records for each.
type Matter struct {
	Row
	Entry   *events.Entry
	Details []events.Disclosure
	Sealed  string // why there are none, "" when there are
	Others  int    // how many persons it concerns beside her
	// Head is what a part of a bulk event shares with its other parts, nil for others.
	Head        *events.Entry
	HeadAt      events.Index
	HeadDetails []events.Disclosure
}

// Dossier opens what an organization recorded about a person, and lists what a seal
// of that organization hides from her without opening it: a reading in the hidden
// trail, next to the one in hers whenever somebody looks her up, would tell her that
// there is such a trail. An officer opens those one by one, [Desk.Open]. Of somebody
// unknown here, or of whom nothing is opened, the reading names nobody, and the
// answers are alike.
func (d *Desk) Dossier(ctx context.Context, by Reader, q Inquiry) (Dossier, error) {
	her, err := d.findHer(by, q)
	if err != nil {
		return Dossier{}, err
	}
	var out Dossier
	var positions []events.Index
	if her != nil {
		limit := q.Limit
		if limit <= 0 || limit > MaxDossier {
			limit = MaxDossier
		}
		var rows []Row
		if rows, out.Next, err = q.Rows(her.Handle(), q.After, limit); err != nil {
			return Dossier{}, err
		}
		for _, row := range rows {
			m, err := d.matter(ctx, row)
			if err != nil {
				return Dossier{}, fmt.Errorf("opening entry %d: %w", row.Position, err)
			}
			out.Matters = append(out.Matters, m)
			positions = append(positions, m.read()...)
		}
	}
	reading, err := d.recordHers(ctx, by, q, "person", her, positions)
	if err != nil {
		return Dossier{}, err
	}
	out.Readings = []events.Index{reading}
	return out, nil
}

// findHer is nil for somebody of whom nothing is known here.
func (d *Desk) findHer(by Reader, q Inquiry) (Subject, error) {
	if !by.Grant.MayRead(q.Organization) {
		return nil, ErrMayNotRead
	}
	return d.Writer.cfg.People.Find(q.Person)
}

// read are the positions of what m opens.
func (m *Matter) read() []events.Index {
	switch {
	case m.Hidden():
		return nil
	case m.Head != nil:
		return []events.Index{m.Position, m.HeadAt}
	}
	return []events.Index{m.Position}
}

// recordHers records the reading of entries of a person's own trail, or one that
// names nobody.
func (d *Desk) recordHers(ctx context.Context, by Reader, q Inquiry, filter string, her Subject, positions []events.Index) (events.Index, error) {
	var of concerned
	if len(positions) > 0 {
		q.Person.Relation = "principal"
		of = concerned{[]events.Person{q.Person}, []events.Handle{her.Handle()}}
	}
	slices.Sort(positions)
	return d.record(ctx, by, q.Organization, filter, slices.Compact(positions), of)
}

// matter opens for officers the entry of a row.
func (d *Desk) matter(ctx context.Context, row Row) (Matter, error) {
	hers, err := d.hers(ctx, row)
	if err != nil {
		return Matter{}, err
	}
	m := Matter{Row: row, Entry: hers.box.entry, Others: max(len(hers.fold.Persons)-1, 0)}
	if row.Hidden() {
		m.Sealed = "a seal hides it from her; open the entry by itself"
		return m, nil
	}
	month, err := d.Keys.FindMonth(row.Organization, hers.fold.RecordedAt)
	if err != nil {
		m.Sealed = "the key of its month is not kept any more"
		return m, nil
	}
	if hers.key == nil {
		m.Sealed = "her keys are destroyed"
		return m, nil
	}
	box := &hers.box
	switch of := m.Entry.Text("subjects.partOf"); {
	case of != "":
		m.Details = box.read(events.BoxOfficers, 0, month)
		if err := d.head(ctx, of, &m); err != nil {
			return m, err
		}
	case m.Others > 0:
		m.Details = box.read(events.BoxPerson, hers.nth, hers.key)
	default:
		m.Details = box.read(events.BoxOfficers, 0, month, hers.key)
	}
	if m.Others == 0 || m.Head != nil {
		m.Details = append(m.Details, box.read(events.BoxIdentifier, hers.nth, month, hers.key)...)
	}
	return m, box.err
}

// head opens for officers the head of a bulk event, which names nobody.
func (d *Desk) head(ctx context.Context, name string, m *Matter) error {
	box, fold, i, err := d.headOf(ctx, name)
	if err != nil {
		return err
	}
	m.Head, m.HeadAt = box.entry, i
	month, err := d.Keys.FindMonth(m.Organization, fold.RecordedAt)
	if err != nil {
		return nil // the month of the part is kept and this is not: it stays closed
	}
	m.HeadDetails = box.read(events.BoxOfficers, 0, month)
	return box.err
}

// headOf reads the message of the head of a bulk event.
func (d *Desk) headOf(ctx context.Context, text string) (reader, events.Fold, events.Index, error) {
	name, _ := events.ParseEventName(text)
	at, found, err := d.Writer.cfg.Book.event(name)
	if err == nil && !found {
		err = errors.New("the head of a bulk event is not in the history")
	}
	if err != nil {
		return reader{}, events.Fold{}, 0, err
	}
	box, fold, err := d.message(ctx, at.seq.Index())
	return box, fold, at.seq.Index(), err
}

// hers is a message of the history and the place of one person in it.
type hers struct {
	box  reader
	fold events.Fold
	nth  int    // which of the persons she is
	key  []byte // of the event in her trail; nil when it is destroyed
}

func (d *Desk) hers(ctx context.Context, row Row) (out hers, err error) {
	if out.box, out.fold, err = d.message(ctx, row.Position); err != nil {
		return out, err
	}
	out.nth = slices.IndexFunc(out.fold.Persons, func(p events.FoldPerson) bool { return p.Handle == row.Trail && p.Counter == row.Counter })
	if out.nth < 0 || out.box.entry.Text("organization") != row.Organization {
		return out, errors.New("the views and the history differ about whom it concerns")
	}
	trail, err := d.Keys.ByHandle(row.Trail)
	if err != nil || trail == nil {
		return out, err
	}
	key, err := eventKey(trail, out.fold.Persons[out.nth])
	out.key = key[:]
	return out, err
}

// message reads what the history has at i.
func (d *Desk) message(ctx context.Context, i events.Index) (out reader, fold events.Fold, err error) {
	if out.msg, out.entry, err = d.read(ctx, i); err != nil {
		return out, fold, err
	}
	fold, err = d.Fold(out.msg)
	return out, fold, err
}
