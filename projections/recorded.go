package projections

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

const recordedPrefix = "cd"

// foldRecorded keeps, for each UTC day, the last register or ledger entry
// recorded on it. Coarse entries, as those about use, give a local day only, so
// they place nothing.
func foldRecorded(b *batch, m *message) error {
	if m.entry.Kind.Coarse {
		return nil
	}
	b.key = append(append(b.key[:0], recordedPrefix...), day(m.entry.Text("recordedAt"))...)
	var at [8]byte
	b.set(b.key, number(at[:0], m.position))
	return nil
}

// AsOf is a reader of what the registers held at the end of a day, as
// 2026-06-24: of the entries up to the last register or ledger entry recorded on
// that UTC day or before. What counts is when the ledger recorded something, not
// the day it speaks of. It never has more than r.
func (r Reader) AsOf(day string) (Reader, error) {
	done, err := r.v.use()
	if err != nil {
		return r, err
	}
	defer done()
	it, err := r.v.db.NewIter(&pebble.IterOptions{LowerBound: []byte(recordedPrefix), UpperBound: after(recordedPrefix)})
	if err != nil {
		return r, fmt.Errorf("reading when entries were recorded: %w", err)
	}
	size := events.Size(0)
	if it.SeekLT(append([]byte(recordedPrefix+day), 0)) && len(it.Value()) == 8 {
		size = events.Index(binary.BigEndian.Uint64(it.Value())).Seq().Size()
	}
	if err := it.Close(); err != nil {
		return r, fmt.Errorf("reading when entries were recorded: %w", err)
	}
	r.size = min(r.size, size)
	return r, nil
}
