package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Closing is what an auditor asks of all trails at once.
type Closing struct {
	Organization string      // that the reading is recorded for
	Size         events.Size // over the first entries
}

// auditsAll refuses who is no auditor of all: trails are of no one organization.
func (r Reader) auditsAll() error {
	if r.Grant.Role != events.Auditor || r.Grant.Organization != "" {
		return ErrMayNotRead
	}
	return nil
}

// Closure records that r is told whose every tag is, and then tells it: begin is
// given the ledger.read, and each what there is to say of an entry, in the order of
// the log. Nobody is named in it: trails have names made for this one answer. A tag
// that the keys here do not make as it is published ends it with [ErrNotClosed].
func (d *Desk) Closure(ctx context.Context, r Reader, q Closing, begin func(events.Index) error, each func(proof.ClosureLine) error) error {
	reading, err := d.recordAll(ctx, r, q, int(q.Size), "closure of the first "+strconv.FormatUint(uint64(q.Size), 10)+" entries")
	if err != nil {
		return err
	}
	if err := begin(reading); err != nil {
		return err
	}
	c := closing{desk: d, each: each}
	_, _ = rand.Read(c.secret[:])
	for m, err := range d.Writer.cfg.History.Replay(ctx, 1, events.Index(q.Size-1).Seq()) {
		if err == nil {
			err = c.take(m)
		}
		if err != nil {
			return fmt.Errorf("closing over entry %d: %w", m.Seq.Index(), err)
		}
	}
	return nil
}

// ErrNotClosed says that what is published and what the ledger holds do not agree.
var ErrNotClosed = errors.New("its tags are not those that the keys and the fold header here make")

// closing is one closure.
type closing struct {
	desk   *Desk
	secret [32]byte // names of trails come from it
	each   func(proof.ClosureLine) error
}

func (c *closing) name(h events.Handle) (out proof.TrailName) {
	sum := events.MAC(c.secret[:], h[:])
	copy(out[:], sum[:])
	return out
}

func (c *closing) take(m events.Stored) error {
	msg, err := events.ParseMessage(m.Data)
	if err != nil {
		return err
	}
	entry, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return err
	}
	tags, enrols := entry.Texts("subjects.tags"), entry.Kind.Name == "subject.enrolled"
	if len(tags) == 0 && !enrols && !proof.Marks(entry) {
		return nil
	}
	fold, err := c.desk.Fold(msg)
	if err != nil {
		return err
	}
	line := proof.ClosureLine{At: m.Seq.Index()}
	if enrols {
		line.Enrols, err = c.enrols(fold)
	} else {
		line.Tags, err = c.tags(tags, fold)
	}
	if err != nil {
		return err
	}
	line.Mark = c.mark(entry, fold)
	return c.each(line)
}

// mark is which trail the entry does something to.
func (c *closing) mark(entry *events.Entry, fold events.Fold) *proof.ClosureMark {
	switch {
	case !proof.Marks(entry):
		return nil
	case fold.Seal != nil:
		return &proof.ClosureMark{Kind: entry.Kind.Name, Trail: c.name(fold.Seal.Trail)}
	case len(fold.Persons) == 1:
		return &proof.ClosureMark{Kind: entry.Kind.Name, Trail: c.name(fold.Persons[0].Handle)}
	}
	return nil
}

// enrols are the trails that an entry enrols, in an order that says nothing. Of one
// whose keys are destroyed nobody can tell any more which of the labels it has.
func (c *closing) enrols(fold events.Fold) ([]proof.ClosureTrail, error) {
	out := make([]proof.ClosureTrail, len(fold.Persons))
	for i, p := range fold.Persons {
		out[i] = proof.ClosureTrail{Trail: c.name(p.Handle), Generation: p.Generation}
		who, err := c.keys(p)
		if err != nil {
			return nil, err
		}
		if who != nil {
			pair := who.Pair()
			out[i].Label = &pair.Label
		}
	}
	slices.SortFunc(out, func(a, b proof.ClosureTrail) int { return bytes.Compare(a.Trail[:], b.Trail[:]) })
	return out, nil
}

func (c *closing) tags(tags []string, fold events.Fold) ([]proof.ClosureTag, error) {
	if len(tags) != len(fold.Persons) {
		return nil, fmt.Errorf("%w: %d and %d", ErrNotClosed, len(tags), len(fold.Persons))
	}
	out := make([]proof.ClosureTag, len(tags))
	for i, p := range fold.Persons {
		out[i] = proof.ClosureTag{Trail: c.name(p.Handle), Counter: p.Counter}
		who, err := c.keys(p)
		if err != nil {
			return nil, err
		}
		if who != nil && who.Tag(p.Counter).String() != tags[i] {
			return nil, fmt.Errorf("%w: tag %d", ErrNotClosed, i)
		}
	}
	return out, nil
}

// keys are those that made a tag or a label, nil when they are not here any more.
func (c *closing) keys(p events.FoldPerson) (Subject, error) {
	who, err := c.desk.Keys.ByHandle(p.Handle)
	if err != nil || who == nil {
		return nil, err
	}
	return who.At(p.Generation), nil
}
