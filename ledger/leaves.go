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
	err := a.eachBundle(ctx, signed.Size, func(_ events.Size, entries [][]byte) error {
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
	return a.eachBundle(ctx, signed.Size, func(first events.Size, entries [][]byte) error {
		if last := a.cfg.History.Last().Size(); last > first {
			entries = entries[min(int(last-first), len(entries)):]
		}
		if len(entries) == 0 {
			return nil
		}
		return a.cfg.Leaves.TakeBack(ctx, entries)
	})
}

func (a *Anchor) eachBundle(ctx context.Context, size events.Size, do func(first events.Size, entries [][]byte) error) error {
	p := &Public{dir: a.cfg.Dir}
	for first := events.Size(0); first < size; first += proof.TileWidth {
		entries, err := p.entries(ctx, uint64(first)/proof.TileWidth, int(min(proof.TileWidth, size-first)), size)
		if err == nil {
			err = do(first, entries)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
