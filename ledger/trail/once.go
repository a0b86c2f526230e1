package trail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Once remembers where each event name, tag and label of a ledger stands, which may
// stand in it once, for whoever follows it entry by entry. What it remembers is on the
// disk, some 30 bytes for each; its directory can be deleted at any time, and it is then
// told all entries again. Add is called by one goroutine.
type Once struct {
	db    *pebble.DB
	size  events.Size
	close func() error
}

// TwiceError says that two entries of a ledger have what may stand in one.
type TwiceError struct {
	Kind          string // of the evidence that both entries are
	First, Second events.Index
}

func (e *TwiceError) Error() string {
	what := map[string]string{
		proof.EvidenceDuplicateEvent: "the event name", proof.EvidenceDuplicateTag: "a tag", proof.EvidenceDuplicateLabel: "the label of a person",
	}[e.Kind]
	if e.First == e.Second {
		return fmt.Sprintf("%s stands twice in entry %d", what, e.Second)
	}
	return fmt.Sprintf("%s of entry %d stands in entry %d before", what, e.Second, e.First)
}

// Of each thing the key is its letter and itself, and the value the u64 position of its
// entry; under onceSize is how many entries were told.
const (
	onceName  = 'n'
	onceTag   = 't'
	onceLabel = 'l'
)

var onceSize = []byte("size")

// OpenOnce takes up what was remembered in a directory, or begins there.
func OpenOnce(dir string) (*Once, error) {
	opts := &pebble.Options{Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest, MemTableSize: 16 << 20}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("opening what may stand once, in %s: %w", dir, err)
	}
	o := &Once{db: db, close: sync.OnceValue(db.Close)}
	size, _, err := o.get(db, onceSize)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening what may stand once, in %s: %w", dir, err), o.close())
	}
	o.size = events.Size(size)
	return o, nil
}

func (o *Once) get(r pebble.Reader, key []byte) (n uint64, ok bool, err error) {
	b, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if len(b) != 8 {
		return 0, false, errors.Join(fmt.Errorf("a value has %d bytes instead of 8", len(b)), closer.Close())
	}
	return binary.BigEndian.Uint64(b), true, closer.Close()
}

// Size is how many entries it was told. A crash may take back the last of them.
func (o *Once) Size() events.Size { return o.size }

// Add tells it the entries from position Size on, all of them or, with an error, none. A
// *TwiceError says what stands twice.
func (o *Once) Add(entries []*events.Entry) error {
	batch := o.db.NewIndexedBatch()
	defer batch.Close()
	for n, e := range entries {
		if err := o.add(batch, events.Index(o.size)+events.Index(n), e); err != nil {
			return err
		}
	}
	size := o.size + events.Size(len(entries))
	err := batch.Set(onceSize, binary.BigEndian.AppendUint64(nil, uint64(size)), nil)
	if err == nil {
		err = batch.Commit(pebble.NoSync)
	}
	if err != nil {
		return fmt.Errorf("remembering entries from %d: %w", o.size, err)
	}
	o.size = size
	return nil
}

func (o *Once) add(batch *pebble.Batch, at events.Index, e *events.Entry) error {
	f, err := ledger.FactsOf(e)
	if err != nil {
		return &ledger.AuditError{Place: entryPlace(at), Reason: err}
	}
	name := e.Name()
	if err := o.mark(batch, proof.EvidenceDuplicateEvent, append([]byte{onceName}, name[:]...), at); err != nil {
		return err
	}
	for _, t := range f.Tags {
		if err := o.mark(batch, proof.EvidenceDuplicateTag, append([]byte{onceTag}, t[:]...), at); err != nil {
			return err
		}
	}
	for _, l := range f.Labels {
		if err := o.mark(batch, proof.EvidenceDuplicateLabel, append([]byte{onceLabel}, l[:]...), at); err != nil {
			return err
		}
	}
	return nil
}

func (o *Once) mark(batch *pebble.Batch, kind string, key []byte, at events.Index) error {
	first, ok, err := o.get(batch, key)
	if err == nil && ok {
		return &TwiceError{Kind: kind, First: events.Index(first), Second: at}
	}
	if err == nil {
		err = batch.Set(key, binary.BigEndian.AppendUint64(nil, uint64(at)), nil)
	}
	if err != nil {
		return fmt.Errorf("remembering entry %d: %w", at, err)
	}
	return nil
}

// Close closes the directory. Closing again does nothing.
func (o *Once) Close() error {
	if err := o.close(); err != nil {
		return fmt.Errorf("closing what may stand once: %w", err)
	}
	return nil
}
