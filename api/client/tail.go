package client

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Tail are the entries behind the last that the index covers. It goes on only when
// there is something for it, so there can be many; and a ledger that shows an old
// state of it could hide there what is new. So they are looked through.
type Tail struct {
	Entries events.Size    // how many there are
	Read    bool           // and were looked through; otherwise there are more than maxTail
	Hers    []events.Index // those of them that have a tag of hers, or enrol her next generation
}

// maxTail is how many entries are looked through, a score of megabytes.
const maxTail = 64 * proof.TileWidth

// lookBehind reads the tail, each entry of which must be the one that is signed.
func (c *collection) lookBehind(ctx context.Context) (Tail, error) {
	from, to := c.view.proof.Leaf.Size, c.log.at.Size
	t := Tail{Entries: to - from}
	if t.Entries > maxTail {
		return t, nil
	}
	t.Read = true
	if t.Entries == 0 {
		return t, nil
	}
	indexes := make([]int64, 0, t.Entries)
	for i := from; i < to; i++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(i)))
	}
	signed, err := proof.SignedHashes(c.log.at, func(t proof.Tile) ([]byte, error) {
		b, _, err := c.log.tile(ctx, t.Level, t.N)
		return b, err
	}).ReadHashes(indexes)
	if err != nil {
		return t, fmt.Errorf("reading what the index does not cover: %w", err)
	}
	tags, label := c.next()
	for i, want := range signed {
		at := events.Index(from) + events.Index(i)
		entry, err := c.log.entry(ctx, at)
		if err != nil {
			return t, fmt.Errorf("entry %d: %w", at, err)
		}
		if proof.LeafHash(entry) != want {
			return t, &Misbehaviour{Said: fmt.Sprintf("entry %d is not the one that is signed", at)}
		}
		if hers, err := concerns(entry, tags, label); err != nil {
			return t, fmt.Errorf("entry %d: %w", at, err)
		} else if hers {
			t.Hers = append(t.Hers, at)
		}
	}
	return t, nil
}

// next are the tags that an event of hers can have which the index does not cover,
// and the label of her next generation.
func (c *collection) next() (tags map[string]bool, label string) {
	tags = map[string]bool{}
	for _, tag := range c.wanted() {
		if !c.view.has(tag) {
			tags[tag.String()] = true
		}
	}
	if output, err := c.Card.Next.Label(); err == nil {
		label = events.Pair{Label: output}.LabelText()
	}
	return tags, label
}

// concerns says whether an entry has one of tags, or enrols label.
func concerns(entry []byte, tags map[string]bool, label string) (bool, error) {
	e, err := events.ParseEntry(entry)
	if err != nil {
		return false, err
	}
	for _, tag := range e.Texts("subjects.tags") {
		if tags[tag] {
			return true, nil
		}
	}
	pairs, _ := e.Value("pairs")
	for _, p := range pairs.Items() {
		if l, _ := p.Object().Get("label"); l.Text() == label {
			return true, nil
		}
	}
	return false, nil
}
