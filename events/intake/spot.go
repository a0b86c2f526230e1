package intake

import (
	"context"
	"fmt"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
)

// Leaf is one entry opened to an auditor, with what makes its tags.
type Leaf struct {
	Opened
	Tags []LeafTag // in the order of the entry
}

// LeafTag is how a tag is made: by a key, or by one that was destroyed at an entry.
type LeafTag struct {
	Generation uint32
	Counter    uint64
	Key        *[32]byte     // of the event in the trail, nil when it is destroyed
	Shredded   *events.Index // the key.shredded, nil when there is the key
}

// Announce records that r is going to have a sample of the first entries opened.
func (d *Desk) Announce(ctx context.Context, r Reader, q Closing, sample int) (events.Index, error) {
	return d.recordAll(ctx, r, q, sample, fmt.Sprintf("sample of %d of the first %d entries", sample, q.Size))
}

// Leaf records that r opens the entry at i, in the trails of all whom it concerns,
// and then opens it as [Desk.Open] does, with the keys that make its tags. An event
// key leads to no other event.
func (d *Desk) Leaf(ctx context.Context, r Reader, i events.Index) (Leaf, error) {
	if err := r.auditsAll(); err != nil {
		return Leaf{}, err
	}
	msg, entry, err := d.read(ctx, i)
	if err != nil {
		return Leaf{}, err
	}
	if entry.Text("organization") == "" {
		return Leaf{}, &events.Problem{Status: 422, Code: "nothing-sealed", Detail: "the entry is of no organization, and nothing is sealed in it"}
	}
	tags, err := d.leafTags(msg)
	if err != nil {
		return Leaf{}, fmt.Errorf("opening entry %d: %w", i, err)
	}
	opened, err := d.Open(ctx, r, i)
	return Leaf{opened, tags}, err
}

func (d *Desk) leafTags(msg events.Message) ([]LeafTag, error) {
	fold, err := d.Fold(msg)
	if err != nil {
		return nil, err
	}
	out := make([]LeafTag, len(fold.Persons))
	for i, p := range fold.Persons {
		out[i] = LeafTag{Generation: p.Generation, Counter: p.Counter}
		who, err := d.Keys.ByHandle(p.Handle)
		if err != nil {
			return nil, err
		}
		if who != nil {
			key, err := eventKey(who, p)
			if err != nil {
				return nil, err
			}
			out[i].Key = &key
			continue
		}
		seq, found, err := d.Writer.cfg.Book.shreddedAt(p.Handle)
		if err != nil {
			return nil, err
		}
		if found {
			at := seq.Index()
			out[i].Shredded = &at
		}
	}
	return out, nil
}

// recordAll records a reading that is about all trails, and names nobody.
func (d *Desk) recordAll(ctx context.Context, r Reader, q Closing, count int, filter string) (events.Index, error) {
	if err := r.auditsAll(); err != nil {
		return 0, err
	}
	if q.Size == 0 || q.Size > d.Writer.cfg.History.Last().Size() {
		return 0, &events.Problem{
			Status: 422, Code: "malformed", Pointer: "/size",
			Detail: "the ledger has " + strconv.FormatUint(uint64(d.Writer.cfg.History.Last().Size()), 10) + " entries, and that many can be asked about",
		}
	}
	own := d.reading(r, q.Organization, filter, nil, concerned{})
	own.Data = own.Data.With("count", events.Integer(int64(count)))
	outcomes, err := d.Writer.Say(ctx, own)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrNotRecorded, err)
	case outcomes[0].Problem != nil:
		return 0, fmt.Errorf("%w: %s", ErrNotRecorded, outcomes[0].Problem.Detail)
	}
	return outcomes[0].Position, nil
}
