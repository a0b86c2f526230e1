package projections

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// batch gathers what a run of messages writes. Views read their own writes
// through lastOf, of what setLatest wrote, and get, of what put and remove wrote.
type batch struct {
	db      *pebble.DB
	b       *pebble.Batch
	it      *pebble.Iterator // of the database before the batch, made when needed
	counts  map[string]uint64
	latest  map[string][]byte // by prefix, as lastOf answers
	single  map[string][]byte // by key, as get answers
	dirty   map[string]bool   // those of single that put or remove changed
	states  map[string]state  // by key, of single parsed
	noted   map[string]*noted // by prefix, the findings as they stand
	matters map[string][]byte // by matter, where the states of its finding are
	key     []byte            // scratch, for a key that set copies at once
	text    []byte            // the same for a value
	err     error             // the first of a set, told by commit
}

func newBatch(db *pebble.DB) *batch {
	return &batch{
		db: db, b: db.NewBatch(), counts: map[string]uint64{}, latest: map[string][]byte{}, single: map[string][]byte{},
		dirty: map[string]bool{}, states: map[string]state{}, noted: map[string]*noted{}, matters: map[string][]byte{},
	}
}

func (b *batch) set(key, value []byte) {
	if err := b.b.Set(key, value, nil); err != nil && b.err == nil {
		b.err = err
	}
}

// count adds one to the number under key.
func (b *batch) count(key []byte) { b.counts[string(key)]++ }

// setLatest sets the key of prefix and position, so that lastOf finds it.
func (b *batch) setLatest(prefix []byte, position events.Index, value []byte) {
	b.latest[string(prefix)] = value
	b.key = number(append(b.key[:0], prefix...), position)
	b.set(b.key, value)
}

// lastOf is the value of the highest position under prefix, nil without any.
func (b *batch) lastOf(prefix []byte) ([]byte, error) {
	if value, ok := b.latest[string(prefix)]; ok {
		return value, nil
	}
	if b.it == nil {
		var err error
		if b.it, err = b.db.NewIter(nil); err != nil {
			return nil, fmt.Errorf("reading a view: %w", err)
		}
	}
	var value []byte
	if b.it.SeekLT(after(prefix)) && len(b.it.Key()) == len(prefix)+8 && string(b.it.Key()[:len(prefix)]) == string(prefix) {
		value = append([]byte{}, b.it.Value()...)
	}
	if err := b.it.Error(); err != nil {
		return nil, fmt.Errorf("reading a view: %w", err)
	}
	b.latest[string(prefix)] = value
	return value, nil
}

// put sets key so that get finds it. What is put often is written once a batch.
func (b *batch) put(key, value []byte) {
	if value == nil {
		value = []byte{} // there, and not removed
	}
	b.single[string(key)], b.dirty[string(key)] = value, true
}

// remove undoes put.
func (b *batch) remove(key []byte) { b.single[string(key)], b.dirty[string(key)] = nil, true }

// get is the value that put gave key, nil without any.
func (b *batch) get(key []byte) ([]byte, error) {
	if value, ok := b.single[string(key)]; ok {
		return value, nil
	}
	value, closer, err := b.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		value = nil
	case err != nil:
		return nil, fmt.Errorf("reading a view: %w", err)
	default:
		value = append([]byte{}, value...)
		if err := closer.Close(); err != nil {
			return nil, fmt.Errorf("reading a view: %w", err)
		}
	}
	b.single[string(key)] = value
	return value, nil
}

func (b *batch) commit() error {
	for key, n := range b.counts {
		before, err := counted(b.db, []byte(key))
		if err != nil {
			return err
		}
		b.set([]byte(key), strconv.AppendUint(nil, before+n, 10))
	}
	for key := range b.dirty {
		if value := b.single[key]; value != nil {
			b.set([]byte(key), value)
		} else if err := b.b.Delete([]byte(key), nil); err != nil {
			return fmt.Errorf("filling a batch: %w", err)
		}
	}
	if b.err != nil {
		return fmt.Errorf("filling a batch: %w", b.err)
	}
	if err := b.b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("writing a batch: %w", err)
	}
	return nil
}

// close lets go of what the batch holds; its errors were told by commit or
// concern reading only.
func (b *batch) close() {
	if b.it != nil {
		_ = b.it.Close()
	}
	_ = b.b.Close()
}

// counted reads a number that count wrote, 0 where there is none.
func counted(db pebble.Reader, key []byte) (uint64, error) {
	value, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading a count: %w", err)
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	return n, errors.Join(err, closer.Close())
}
