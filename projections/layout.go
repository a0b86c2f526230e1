package projections

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// layout names the format of everything outside the views' own prefixes.
const layout = "daybook/views@1"

const (
	layoutKey  = "!layout"
	viewPrefix = "!view/"
)

// record is what the database remembers of one view.
type record struct {
	prefix  string
	version int64
	cursor  events.Seq
}

func (r record) append(dst []byte) []byte {
	return events.Object{
		{Name: "cursor", Value: events.Integer(int64(r.cursor))},
		{Name: "prefix", Value: events.String(r.prefix)},
		{Name: "version", Value: events.Integer(r.version)},
	}.Append(dst)
}

func parseRecord(b []byte) (record, error) {
	v, err := events.ParseValue(b)
	if err != nil {
		return record{}, fmt.Errorf("reading a view's record: %w", err)
	}
	prefix, _ := v.Object().Get("prefix")
	version, _ := v.Object().Get("version")
	cursor, _ := v.Object().Get("cursor")
	r := record{prefix.Text(), version.Int(), events.Seq(cursor.Int())}
	if string(r.append(nil)) != string(b) || len(r.prefix) != 1 {
		return record{}, fmt.Errorf("reading a view's record: it is malformed")
	}
	return r, nil
}

// prepare empties what the code at hand cannot read and returns where each view
// stands.
func prepare(db *pebble.DB, views []view) ([]events.Seq, error) {
	records, err := readRecords(db)
	if err != nil {
		return nil, err
	}
	b := db.NewBatch()
	defer b.Close()
	if records == nil {
		err = errors.Join(b.DeleteRange([]byte{0}, []byte{0xff}, nil), b.Set([]byte(layoutKey), []byte(layout), nil))
	}
	cursors := make([]events.Seq, len(views))
	for i, w := range views {
		if r, ok := records[w.name]; ok && r.prefix == w.prefix && r.version == w.version {
			cursors[i] = r.cursor
			delete(records, w.name)
		}
	}
	// What is left was written by another version, or by a view that is no more.
	for name, r := range records {
		err = errors.Join(err, b.DeleteRange([]byte(r.prefix), after(r.prefix), nil), b.Delete([]byte(viewPrefix+name), nil))
	}
	if err := errors.Join(err, b.Commit(pebble.NoSync)); err != nil {
		return nil, fmt.Errorf("preparing the views: %w", err)
	}
	return cursors, nil
}

// readRecords is nil when the layout is not ours, a new directory included. A
// record that cannot be read counts as such: then all of it is folded again.
func readRecords(db *pebble.DB) (map[string]record, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte("!"), UpperBound: after("!")})
	if err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	known, records := false, map[string]record{}
	for it.First(); it.Valid(); it.Next() {
		name, isView := strings.CutPrefix(string(it.Key()), viewPrefix)
		r, err := parseRecord(it.Value())
		switch {
		case string(it.Key()) == layoutKey:
			known = string(it.Value()) == layout
		case !isView || err != nil:
			return nil, it.Close()
		default:
			records[name] = r
		}
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	if !known {
		return nil, nil
	}
	return records, nil
}

// after is the first key behind all that begin with prefix, whose last byte is
// not 0xff.
func after[T string | []byte](prefix T) []byte {
	out := []byte(prefix)
	out = append(make([]byte, 0, len(out)), out...)
	out[len(out)-1]++
	return out
}

// number is a position, or a name's position, as keys and values hold it.
func number(dst []byte, i events.Index) []byte { return binary.BigEndian.AppendUint64(dst, uint64(i)) }

// positionAfter reads the position that ends key behind prefix.
func positionAfter(key []byte, prefix int) (events.Index, bool) {
	if len(key) != prefix+8 {
		return 0, false
	}
	return events.Index(binary.BigEndian.Uint64(key[prefix:])), true
}

// part is the key of a value that a zero byte ends, as values of any length need
// to sort by themselves alone.
func part(prefix string, values ...string) []byte {
	n := len(prefix) + 8
	for _, v := range values {
		n += len(v) + 1
	}
	out := append(make([]byte, 0, n), prefix...)
	for _, v := range values {
		out = append(append(out, v...), 0)
	}
	return out
}
