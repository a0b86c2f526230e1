package trail

import (
	"bytes"
	"context"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// The most that is added at once. What is added together costs less, and takes
// memory.
const (
	maxEntries = 8192
	maxItems   = 32 << 10
)

// addTo makes the trees those of the first size entries of a public log, by additions
// that add takes.
func (t *trees) addTo(ctx context.Context, public *ledger.Public, size events.Size, add func(addition) error) error {
	for t.now.size < size {
		a, err := readEntries(ctx, public, t.now.size, size)
		if err != nil {
			return fmt.Errorf("reading entries from %d: %w", t.now.size, err)
		}
		if err := add(a); err != nil {
			return err
		}
	}
	return nil
}

// end is the size of the ledger with the addition.
func (a *addition) end(t *trees) events.Size { return t.now.size + events.Size(len(a.leaves)) }

// readEntries is what entries from first on add, up to size and not too many.
func readEntries(ctx context.Context, public *ledger.Public, first, size events.Size) (a addition, err error) {
	for first < size && len(a.leaves) < maxEntries && len(a.tags)+len(a.labels) < maxItems {
		n, skip := uint64(first)/proof.TileWidth, uint64(first)%proof.TileWidth
		width := int(min(proof.TileWidth, uint64(size)-n*proof.TileWidth))
		b, err := public.Read(ctx, proof.EntriesPath(n, width))
		if err != nil {
			return a, err
		}
		entries, err := proof.ReadBundle(b, width)
		if err != nil {
			return a, err
		}
		for _, e := range entries[skip:] {
			if err := a.entry(events.Index(first), e); err != nil {
				return a, fmt.Errorf("entry %d: %w", first, err)
			}
			first++
		}
	}
	return a, nil
}

// Members that hold tags and labels. Within a text a quotation mark is written with a
// backslash before it, so an entry without these bytes has neither.
var tagsMember, pairsMember = []byte(`"tags":[`), []byte(`"pairs":[`)

// entry takes up entry i, which the anchor has parsed before it came into the log.
func (a *addition) entry(i events.Index, b []byte) error {
	var f ledger.Facts
	if bytes.Contains(b, tagsMember) || bytes.Contains(b, pairsMember) {
		e, err := events.ParseEntry(b)
		if err != nil {
			return err
		}
		if f, err = ledger.FactsOf(e); err != nil {
			return err
		}
	}
	a.facts(i, proof.LeafHash(b), f)
	return nil
}

// facts takes up what an entry holds.
func (a *addition) facts(i events.Index, leaf proof.Hash, f ledger.Facts) {
	a.leaves = append(a.leaves, leaf)
	value := proof.IndexValue(i, leaf)
	for _, t := range f.Tags {
		a.tags = append(a.tags, item{proof.IndexItem{Label: proof.TagLabel(t), Value: value}, i})
	}
	for _, l := range f.Labels {
		a.labels = append(a.labels, item{proof.IndexItem{Label: proof.PersonLabel(l), Value: value}, i})
	}
}
