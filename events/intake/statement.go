package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// Told are the entries of an organization about a person, as she may see them.
type Told struct {
	Lines   []Line
	Reading events.Index // where the ledger says that it was read
}

// Line is one entry about a person with what is hers of it.
type Line struct {
	Row
	Entry    *events.Entry
	EventKey [32]byte            // opens this one entry's slot, and makes its tag
	Hers     []events.Disclosure // what her slot holds
	// Head is what a part of a bulk event shares with its other parts, nil for
	// others; her slot of the part has the key to what it says to all of them.
	Head     *events.Entry
	HeadAt   events.Index
	HeadHers []events.Disclosure
}

// Statement opens for a person what an organization recorded about her: with her
// own event keys and nothing else, so that it says what she may see and cannot say
// more. What a seal hides that stands is not in it. More than MaxStatement entries
// are refused, with a *events.Problem.
func (d *Desk) Statement(ctx context.Context, by Reader, q Inquiry) (Told, error) {
	her, err := d.findHer(by, q)
	if err != nil {
		return Told{}, err
	}
	var out Told
	var positions []events.Index
	for more := her != nil; more; {
		rows, next, err := q.Rows(her.Handle(), q.After, MaxDossier)
		if err != nil {
			return Told{}, err
		}
		for _, row := range rows {
			if row.Hidden() {
				continue
			}
			line, err := d.line(ctx, row)
			if err != nil {
				return Told{}, fmt.Errorf("opening entry %d: %w", row.Position, err)
			}
			out.Lines = append(out.Lines, line)
			if positions = append(positions, row.Position); line.Head != nil {
				positions = append(positions, line.HeadAt)
			}
		}
		if len(out.Lines) > MaxStatement {
			return Told{}, &events.Problem{Status: 422, Code: "too-many", Detail: fmt.Sprintf("a statement has at most %d entries", MaxStatement)}
		}
		q.After, more = next, next != nil
	}
	if out.Reading, err = d.recordHers(ctx, by, q, "statement", her, positions); err != nil {
		return Told{}, err
	}
	return out, nil
}

// line opens her slot of an entry.
func (d *Desk) line(ctx context.Context, row Row) (Line, error) {
	hers, err := d.hers(ctx, row)
	if err == nil && hers.key == nil {
		err = errors.New("her keys are destroyed")
	}
	if err != nil {
		return Line{}, err
	}
	out := Line{Row: row, Entry: hers.box.entry, EventKey: [32]byte(hers.key)}
	if of := out.Entry.Text("subjects.partOf"); of != "" {
		return out, d.partLine(ctx, hers, of, &out)
	}
	out.Hers = hers.box.read(events.BoxPerson, hers.nth, hers.key)
	return out, hers.box.err
}

// partLine opens her slot of a part, and with the key in it the head's.
func (d *Desk) partLine(ctx context.Context, hers hers, of string, out *Line) error {
	plain, err := hers.box.plain(events.BoxPerson, hers.nth, hers.key)
	if err != nil {
		return err
	}
	var detail [32]byte
	if out.Hers, detail, err = committedPart(hers.box.entry, plain); err != nil {
		return err
	}
	box, _, i, err := d.headOf(ctx, of)
	if err != nil {
		return err
	}
	out.Head, out.HeadAt = box.entry, i
	if out.HeadHers, err = events.OpenDetail(box.msg, detail); err != nil {
		return err
	}
	return allCommitted(box.entry, out.HeadHers)
}
