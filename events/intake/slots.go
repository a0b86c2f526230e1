package intake

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

// Tags finds where tags stand in what is published. What it does not find it
// leaves out.
type Tags interface {
	Positions(ctx context.Context, tags []events.Tag) (map[events.Tag]events.Index, error)
}

// Claim asks for what an entry has sealed for one person.
type Claim struct {
	Tag    events.Tag
	Ticket [16]byte // of the event's key: events.Ticket
}

// Slot is what an entry has sealed for one person. Nobody but her can open it.
type Slot struct {
	Position events.Index
	Box      []byte
	// HeadAt is where the head of a part stands, and Heads are its boxes for the
	// persons concerned, of which the key in Box opens one.
	HeadAt *events.Index
	Heads  [][]byte
}

// Slots gives each request its slot, and nil where the tag is unknown, the ticket is
// not of its event, or the keys are destroyed here: who asks is not told which. It
// records nothing, since a ticket is shown by the person herself, or by somebody
// whom she gave the key of the event.
func (d *Desk) Slots(ctx context.Context, tags Tags, list []Claim) ([]*Slot, error) {
	asked := make([]events.Tag, len(list))
	for i, r := range list {
		asked[i] = r.Tag
	}
	found, err := tags.Positions(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("looking for tags: %w", err)
	}
	out := make([]*Slot, len(list))
	for i, r := range list {
		at, ok := found[r.Tag]
		if !ok {
			continue
		}
		if out[i], err = d.slot(ctx, at, r); err != nil {
			return nil, fmt.Errorf("reading a slot of entry %d: %w", at, err)
		}
	}
	return out, nil
}

func (d *Desk) slot(ctx context.Context, at events.Index, r Claim) (*Slot, error) {
	box, fold, err := d.message(ctx, at)
	if err != nil {
		return nil, err
	}
	nth := slices.Index(box.entry.Texts("subjects.tags"), r.Tag.String())
	if nth < 0 || nth >= len(fold.Persons) {
		return nil, nil
	}
	person := fold.Persons[nth]
	trail, err := d.Keys.ByHandle(person.Handle)
	if err != nil || trail == nil || trail.At(person.Generation) == nil {
		return nil, err
	}
	ticket := events.Ticket(trail.At(person.Generation).EventKey(person.Counter))
	if subtle.ConstantTimeCompare(ticket[:], r.Ticket[:]) != 1 {
		return nil, nil
	}
	out := &Slot{Position: at}
	hers := box.sealed(events.BoxPerson)
	if nth >= len(hers) {
		return nil, nil
	}
	out.Box = hers[nth]
	return out, d.slotHead(ctx, box.entry.Text("subjects.partOf"), out)
}

// slotHead adds what the head of a part says to the persons concerned.
func (d *Desk) slotHead(ctx context.Context, of string, out *Slot) error {
	if of == "" {
		return nil
	}
	head, _, at, err := d.headOf(ctx, of)
	if err != nil {
		return err
	}
	out.HeadAt, out.Heads = &at, head.sealed(events.BoxPerson)
	return nil
}

// sealed are the boxes of one kind, closed.
func (r *reader) sealed(kind events.BoxKind) (out [][]byte) {
	for _, box := range r.msg.Boxes {
		if box.Kind == kind {
			out = append(out, box.Data)
		}
	}
	return out
}
