package ledger

import (
	"context"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// feed is where the entries of one log come from, and whose log it is.
type feed struct {
	history Replayer
	leaves  *Leaves // nil for events
	origin  string
	keyHash uint32 // of the log key
}

// batches yields the entries of messages from … to, checked, some at a time.
// It ends with the first error.
func (f feed) batches(ctx context.Context, from, to events.Seq) iter.Seq2[[][]byte, error] {
	return func(yield func([][]byte, error) bool) {
		var batch [][]byte
		size, next := 0, from
		for m, err := range f.history.Replay(ctx, from, to) {
			var entry []byte
			if err == nil {
				entry, err = f.entryOf(m, next)
			}
			if err != nil {
				yield(nil, fmt.Errorf("reading message %d: %w", next, err))
				return
			}
			if len(batch) == maxBatch || len(batch) > 0 && size+len(entry) > maxBatchBytes {
				if !yield(batch, nil) {
					return
				}
				batch, size = nil, 0
			}
			batch, size, next = append(batch, entry), size+len(entry), next+1
		}
		if len(batch) > 0 && !yield(batch, nil) {
			return
		}
		if next <= to {
			yield(nil, fmt.Errorf("reading message %d: the history ends before %d", next, to))
		}
	}
}

// entryOf is the public part of message want.
func (f feed) entryOf(m events.Stored, want events.Seq) ([]byte, error) {
	if m.Seq != want {
		return nil, fmt.Errorf("the history has a gap: message %d came", m.Seq)
	}
	if f.leaves != nil {
		return m.Data, f.leaves.Check(want.Index(), m.Data)
	}
	msg, err := events.ParseMessage(m.Data)
	if err != nil {
		return nil, err
	}
	e, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return nil, err
	}
	if err := checkPlace(want.Index(), e, f.origin, f.keyHash); err != nil {
		return nil, err
	}
	return msg.Entry, nil
}

// prove proves the entry at position i in the log that now states.
func (p *Public) prove(ctx context.Context, i events.Index, now published) (proof.Proof, error) {
	if uint64(i) >= uint64(now.Size) {
		return proof.Proof{}, fmt.Errorf("proving entry %d: %w", i, ErrNotPublished)
	}
	entry, err := p.Entry(ctx, i)
	if err != nil {
		return proof.Proof{}, fmt.Errorf("proving entry %d: %w", i, err)
	}
	path, err := tlog.ProveRecord(int64(now.Size), int64(i), p.hashes(now.Size))
	if err != nil {
		return proof.Proof{}, fmt.Errorf("proving entry %d: %w", i, err)
	}
	if err := proof.CheckInclusion(entry, i, path, now.Checkpoint); err != nil {
		return proof.Proof{}, fmt.Errorf("proving entry %d: %w", i, err)
	}
	return proof.Proof{Extra: entry, Index: i, Path: path, Note: now.note}, nil
}

func (p *Public) proveAll(ctx context.Context, positions []events.Index, now published) ([]proof.Proof, error) {
	out := make([]proof.Proof, len(positions))
	for n, i := range positions {
		var err error
		if out[n], err = p.prove(ctx, i, now); err != nil {
			return nil, err
		}
	}
	return out, nil
}
