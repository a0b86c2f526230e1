package intake

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// Shredder destroys keys.
type Shredder interface {
	Erase(h events.Handle) error
	DestroyMonth(organization, month string) error
}

// Shred destroys whatever the key.shredded entries after a sequence order, and
// returns the last sequence it has seen. It is called before the doors open, with
// the sequence up to which the keys at hand are known to have been shredded: those
// that were put back from an earlier copy have it all done again.
func (b *Book) Shred(after events.Seq, keys Shredder) (events.Seq, error) {
	err := b.scan([]byte("k"), func(key, value []byte) error {
		seq := events.Seq(binary.BigEndian.Uint64(key[1:]))
		if seq <= after {
			return nil
		}
		if err := destroy(keys, value); err != nil {
			return fmt.Errorf("destroying what message %d orders: %w", seq, err)
		}
		return nil
	})
	return b.cursor, err
}

func destroy(keys Shredder, what []byte) error {
	if handle, ok := bytes.CutPrefix(what, []byte("p")); ok && len(handle) == len(events.Handle{}) {
		return keys.Erase(events.Handle(handle))
	}
	month, organization, _ := bytes.Cut(what[1:], []byte(" "))
	return keys.DestroyMonth(string(organization), string(month))
}

// shreddedAt is the message that ordered the keys of h, or of whose hidden trail it
// is, to be destroyed.
func (b *Book) shreddedAt(h events.Handle) (at events.Seq, found bool, _ error) {
	of, err := b.get(append([]byte("o"), h[:]...))
	if err != nil {
		return 0, false, err
	}
	if len(of) == len(h) {
		h = events.Handle(of)
	}
	err = b.scan([]byte("k"), func(key, value []byte) error {
		if bytes.Equal(value, append([]byte("p"), h[:]...)) {
			at, found = events.Seq(binary.BigEndian.Uint64(key[1:])), true
		}
		return nil
	})
	return at, found, err
}

// isShredded says that the keys of h, or of whose hidden trail it is, were
// destroyed.
func (b *Book) isShredded(h events.Handle) (bool, error) {
	of, err := b.get(append([]byte("o"), h[:]...))
	if err != nil {
		return false, err
	}
	if len(of) == len(h) {
		h = events.Handle(of)
	}
	v, err := b.get(append([]byte("dp"), h[:]...))
	return v != nil, err
}

// shred destroys what a batch orders to be.
func (w *Writer) shred(notes []noted) error {
	for _, n := range notes {
		if n.entry.Kind.Name != "key.shredded" {
			continue
		}
		if err := destroy(shredder{w.cfg.People, w.cfg.Keys}, n.shredded()); err != nil {
			return fmt.Errorf("destroying keys: %w", err)
		}
	}
	return nil
}

type shredder struct {
	People
	Keys
}
