package projections

import (
	"encoding/binary"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// Found is one entry with its place in the log.
type Found struct {
	Position events.Index
	Entry    []byte // as the log has it
}

const (
	entryPrefix = "ep"
	namePrefix  = "en"
	indexPrefix = "ei"
)

// indexed are the letters of the indexes and the values an entry has in them. A
// register entry that names a system or dataset as its object is found there like
// one that uses it. Unknown references have no index.
func indexed(e *events.Entry) [5]struct {
	letter byte
	value  string
} {
	return [5]struct {
		letter byte
		value  string
	}{
		{'k', e.Kind.Name},
		{'o', e.Text("organization")},
		{'s', e.Text("system")},
		{'d', e.Text("dataset")},
		{'t', dayOf(e)},
	}
}

// dayOf is the day of occurredAt as the entry gives it, "" for the kinds that have
// none: ledger.opened and subject.enrolled, and those of seals, which give a
// quarter.
func dayOf(e *events.Entry) string {
	if e.Kind.Seals {
		return ""
	}
	return day(e.Text("occurredAt"))
}

func day(at string) string { return at[:min(len(at), len("2006-01-02"))] }

func foldEntry(b *batch, m *message) error {
	b.key = number(append(b.key[:0], entryPrefix...), m.position)
	b.set(b.key, m.raw)
	name := m.entry.Name()
	b.key = append(append(b.key[:0], namePrefix...), name[:]...)
	var at [8]byte
	b.set(b.key, number(at[:0], m.position))
	for _, x := range indexed(m.entry) {
		if x.value == "" || x.value == events.Unknown {
			continue
		}
		b.key = append(append(b.key[:0], indexPrefix...), x.letter)
		b.key = number(append(append(b.key, x.value...), 0), m.position)
		b.set(b.key, nil)
	}
	return nil
}

// Entry is the entry at position i, or ErrNotFound.
func (r Reader) Entry(i events.Index) ([]byte, error) {
	if i >= events.Index(r.size) {
		return nil, ErrNotFound
	}
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	return r.get(number([]byte(entryPrefix), i))
}

// Find is the position of the event called name, or ErrNotFound.
func (r Reader) Find(name events.EventName) (events.Index, error) {
	done, err := r.v.use()
	if err != nil {
		return 0, err
	}
	defer done()
	value, err := r.get(append([]byte(namePrefix), name[:]...))
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("reading the position of %s: it has %d bytes", name, len(value))
	}
	i := events.Index(binary.BigEndian.Uint64(value))
	if i >= events.Index(r.size) {
		return 0, ErrNotFound
	}
	return i, nil
}

// Recent are the last n entries, newest first; n as the limit of a Filter.
func (r Reader) Recent(n int) ([]Found, error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	it, err := r.under([]byte(entryPrefix), true)
	if err != nil {
		return nil, err
	}
	var out []Found
	for it.Last(); it.Valid() && len(out) < limited(n); it.Prev() {
		if i, ok := positionAfter(it.Key(), len(entryPrefix)); ok {
			out = append(out, Found{i, append([]byte{}, it.Value()...)})
		}
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("reading the last entries: %w", err)
	}
	return out, nil
}
