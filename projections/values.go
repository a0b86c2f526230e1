package projections

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// texts makes an object of names, in order, and their texts; what is "" is left
// out.
func texts(pairs ...string) events.Object {
	o := make(events.Object, 0, len(pairs)/2+4)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			o = append(o, events.Member{Name: pairs[i], Value: events.String(pairs[i+1])})
		}
	}
	return o
}

// stored reads an object that a view wrote.
func stored(b []byte) (values, error) {
	v, err := events.ParseValue(b)
	if err != nil {
		return values{}, fmt.Errorf("reading a view's value: %w", err)
	}
	return values{v.Object()}, nil
}

// values is an object read back; what it lacks is "", 0 or false.
type values struct{ events.Object }

func (v values) text(name string) string { t, _ := v.Get(name); return t.Text() }
func (v values) number(name string) int64 {
	n, _ := v.Get(name)
	return n.Int()
}

func (v values) flag(name string) bool { f, _ := v.Get(name); return f.Bool() }

// index indexes a position under a letter and value, as walk reads it.
func (b *batch) index(prefix string, letter byte, value string, position events.Index) {
	b.key = append(append(b.key[:0], prefix...), letter)
	b.set(number(append(append(b.key, value...), 0), position), nil)
}

// latest calls visit for whatever has depth values behind prefix, each ended by a
// zero byte, with those and with what setLatest gave it last before the reader's
// size. visit may keep neither.
func (r Reader) latest(prefix []byte, depth int, visit func(key []byte, value []byte) error) (err error) {
	it, err := r.v.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("reading the views: %w", err)
	}
	defer func() {
		if closeErr := it.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("reading the views: %w", closeErr)
		}
	}()
	for it.First(); it.Valid(); {
		end := len(prefix)
		for range depth {
			n := bytes.IndexByte(it.Key()[end:], 0)
			if n < 0 {
				return fmt.Errorf("reading the views: the key %q is malformed", it.Key())
			}
			end += n + 1
		}
		of := append([]byte{}, it.Key()[:end]...)
		if it.SeekLT(number(append([]byte{}, of...), events.Index(r.size))) && bytes.HasPrefix(it.Key(), of) {
			if err := visit(of[len(prefix):], it.Value()); err != nil {
				return err
			}
		}
		of[end-1] = 1 // behind every position of this part
		it.SeekGE(of)
	}
	return nil
}

func (v values) list(name string) []string { l, _ := v.Get(name); return l.Texts() }

// say is v with a text, or without it when it is "".
func (v values) say(name, text string) events.Object {
	if text != "" {
		return v.With(name, events.String(text))
	}
	return slices.DeleteFunc(slices.Clone(v.Object), func(m events.Member) bool { return m.Name == name })
}
