package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Leaves says that a log is not of events: its history holds its entries as they
// are, and no first entry announces the key.
type Leaves struct {
	// Key verifies what the Signer signs.
	Key note.Verifier
	// Check returns nil if entry may stand at position i.
	Check func(i events.Index, entry []byte) error
	// TakeBack, unless nil, appends entries to a history that ends before what was
	// signed. They are in the public directory, and lead to the journalled root.
	TakeBack func(ctx context.Context, entries [][]byte) error
}

// takeBack gives the history what it lost of what was signed.
func (a *Anchor) takeBack(ctx context.Context, signed published) error {
	if a.cfg.Leaves == nil || a.cfg.Leaves.TakeBack == nil || a.cfg.History.Last().Size() >= signed.Size {
		return nil
	}
	var t tree
	public := &Public{dir: a.cfg.Dir}
	err := public.eachBundle(ctx, 0, signed.Size, func(_ events.Size, entries [][]byte) error {
		for _, e := range entries {
			t.add(proof.LeafHash(e), func(int, proof.Hash) {})
		}
		return nil
	})
	if err == nil && t.root() != signed.Root {
		err = fmt.Errorf("they have root %v, signed is %v", t.root(), signed.Root)
	}
	if err != nil {
		return fmt.Errorf("taking back entries from the public log, since the history ends at %d and %d are signed: %w", a.cfg.History.Last(), signed.Size, err)
	}
	return public.eachBundle(ctx, 0, signed.Size, func(first events.Size, entries [][]byte) error {
		if last := a.cfg.History.Last().Size(); last > first {
			entries = entries[min(int(last-first), len(entries)):]
		}
		if len(entries) == 0 {
			return nil
		}
		return a.cfg.Leaves.TakeBack(ctx, entries)
	})
}

// eachBundle gives do the entries from first on up to size, which need not be
// published, a bundle at a time.
func (p *Public) eachBundle(ctx context.Context, first, size events.Size, do func(first events.Size, entries [][]byte) error) error {
	for first < size {
		n, skip := uint64(first)/proof.TileWidth, uint64(first)%proof.TileWidth
		entries, err := p.entries(ctx, n, int(min(proof.TileWidth, uint64(size)-n*proof.TileWidth)), size)
		if err == nil {
			entries = entries[skip:]
			err = do(first, entries)
		}
		if err != nil {
			return err
		}
		first += events.Size(len(entries))
	}
	return nil
}
