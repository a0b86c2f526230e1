package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/daybook-ledger/daybook/events"
)

// Book is what the writer must know about the past.
type Book struct {
	db     *pebble.DB
	cursor events.Seq
	sealed map[events.Handle]bool // over whom a seal was placed; of the writer
}

// OpenFold opens and parses the fold box of a message.
type OpenFold func(events.Message) (events.Fold, error)

// OpenBook opens the book in dir.
func OpenBook(dir string) (*Book, error) {
	// Most lookups are of events never seen, which the filters answer as long
	// as they stay in the cache.
	opts := &pebble.Options{Logger: silent{}, CacheSize: 64 << 20, MemTableSize: 16 << 20}
	opts.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("opening the book: %w", err)
	}
	b := &Book{db: db, sealed: map[events.Handle]bool{}}
	if err := errors.Join(b.renew(), b.loadSealed()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	raw, err := b.get([]byte("c"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the book's cursor: %w", err), db.Close())
	}
	if len(raw) == 8 {
		b.cursor = events.Seq(binary.BigEndian.Uint64(raw))
	}
	return b, nil
}

// bookFormat changes whenever the same history would be noted otherwise.
const bookFormat = "daybook/book@4"

// renew empties a book of another format, which the history then fills again.
func (b *Book) renew() error {
	found, err := b.get([]byte("v"))
	if err != nil || string(found) == bookFormat {
		return err
	}
	batch := b.db.NewBatch()
	defer batch.Close()
	err = errors.Join(batch.DeleteRange([]byte{0}, []byte{0xff}, nil), batch.Set([]byte("v"), []byte(bookFormat), nil), batch.Commit(pebble.NoSync))
	if err != nil {
		return fmt.Errorf("emptying a book of another format: %w", err)
	}
	return nil
}

// silent drops Pebble's informational lines; errors come back from calls.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("the book's database cannot go on: "+format, args...))
}

// Close closes the book.
func (b *Book) Close() error {
	if b.db == nil {
		return nil
	}
	err := b.db.Close()
	b.db = nil
	return err
}

// Cursor is the last sequence folded in.
func (b *Book) Cursor() events.Seq { return b.cursor }

// CatchUp folds the history to its end.
func (b *Book) CatchUp(ctx context.Context, h History, open OpenFold) error {
	if b.cursor > h.Last() {
		return fmt.Errorf("catching up the book: it knows %d messages and the history has %d; the history was put back to an earlier state", b.cursor, h.Last())
	}
	var pending []noted
	for m, err := range h.Replay(ctx, b.cursor+1, h.Last()) {
		if err != nil {
			return fmt.Errorf("catching up the book: %w", err)
		}
		n, err := note(m, open)
		if err != nil {
			return fmt.Errorf("catching up the book at message %d: %w", m.Seq, err)
		}
		if pending = append(pending, n); len(pending) == 1000 {
			if err := b.apply(pending); err != nil {
				return err
			}
			pending = pending[:0]
		}
	}
	return b.apply(pending)
}

// noted is what the book keeps of one message.
type noted struct {
	seq   events.Seq
	entry *events.Entry
	hash  events.Digest
	fold  events.Fold
}

func note(m events.Stored, open OpenFold) (noted, error) {
	msg, err := events.ParseMessage(m.Data)
	if err != nil {
		return noted{}, err
	}
	entry, err := events.ParseEntry(msg.Entry)
	if err != nil {
		return noted{}, err
	}
	fold, err := open(msg)
	return noted{m.Seq, entry, events.HashEntry(msg.Entry), fold}, err
}

// apply folds messages in, which follow the cursor without a gap, in one batch
// with the cursor.
func (b *Book) apply(list []noted) error {
	if len(list) == 0 {
		return nil
	}
	batch := b.db.NewBatch()
	defer batch.Close()
	for i, n := range list {
		if n.seq != b.cursor+events.Seq(i)+1 {
			return fmt.Errorf("folding message %d into the book: it does not follow %d", n.seq, b.cursor+events.Seq(i))
		}
		n.write(batch)
		if n.fold.Seal != nil {
			b.sealed[n.fold.Seal.Of] = true
		}
	}
	last := list[len(list)-1].seq
	_ = batch.Set([]byte("c"), binary.BigEndian.AppendUint64(nil, uint64(last)), nil)
	if err := batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("writing the book: %w", err)
	}
	b.cursor = last
	return nil
}

// write adds n to the batch; a batch in memory takes every key.
func (n noted) write(batch *pebble.Batch) {
	name := n.entry.Name()
	value := binary.BigEndian.AppendUint64(nil, uint64(n.seq))
	value = append(append(value, n.hash[:]...), n.fold.Content[:]...)
	if n.entry.Kind.Name != "subject.enrolled" {
		value = append(value, n.handles()...)
	}
	_ = batch.Set(append([]byte("e"), name[:]...), value, nil)
	for _, p := range n.fold.Persons {
		_ = batch.Set(append([]byte("p"), p.Handle[:]...), reachOf(p).append(nil), nil)
	}
	n.writeTrails(batch)
	n.writeBulk(batch)
	if register, id := n.entry.Begins(); id != "" {
		_ = batch.Set(referenceKey(register, id), nil, nil)
	}
	if organization, zone := moves(n.entry); zone != "" {
		_ = batch.Set(append([]byte("z"), organization...), []byte(zone), nil)
	}
}

func (n noted) handles() []byte {
	out := make([]byte, 0, len(n.fold.Persons)*len(events.Handle{}))
	for _, p := range n.fold.Persons {
		out = append(out, p.Handle[:]...)
	}
	return out
}

// moves tells the time zone an entry gives its organization, or "". A zone
// counts only while the organization is known.
func moves(e *events.Entry) (organization, zone string) {
	if e.Kind.Object != "organization" {
		return "", ""
	}
	return e.Text("organization"), e.Text("timeZone")
}

func referenceKey(register, id string) []byte {
	return append(append(append([]byte("r"), register...), 0), id...)
}

func (b *Book) get(key []byte) ([]byte, error) {
	v, closer, err := b.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the book: %w", err)
	}
	out := append([]byte{}, v...)
	return out, closer.Close()
}

// known is an event accepted before.
type known struct {
	seq     events.Seq
	hash    events.Digest
	content events.Digest
	handles []events.Handle // whom it concerns
}

func (b *Book) event(name events.EventName) (known, bool, error) {
	const least = 8 + 32 + 32
	v, err := b.get(append([]byte("e"), name[:]...))
	if err != nil || len(v) < least {
		return known{}, false, err
	}
	k := known{seq: events.Seq(binary.BigEndian.Uint64(v)), hash: events.Digest(v[8:40]), content: events.Digest(v[40:least])}
	for rest := v[least:]; len(rest) >= len(events.Handle{}); rest = rest[len(events.Handle{}):] {
		k.handles = append(k.handles, events.Handle(rest))
	}
	return k, true, nil
}

// tags is how far a trail has come; false means that it is not enrolled.
func (b *Book) tags(h events.Handle) (reach, bool, error) {
	v, err := b.get(append([]byte("p"), h[:]...))
	if err != nil || len(v) != reachLen {
		return reach{}, false, err
	}
	return reach{binary.BigEndian.Uint64(v), binary.BigEndian.Uint32(v[8:])}, true, nil
}

// reference says whether a register knows id.
func (b *Book) reference(register, id string) (bool, error) {
	v, err := b.get(referenceKey(register, id))
	return v != nil, err
}

// location is the time zone that an organization's days are counted in: UTC while
// it is unregistered.
func (b *Book) location(organization string) (*time.Location, error) {
	known, err := b.reference("organization", organization)
	if err != nil || !known {
		return time.UTC, err
	}
	zone, err := b.zone(organization)
	if err != nil {
		return nil, err
	}
	return time.LoadLocation(zone)
}

// zone is the time zone last given to an organization, or "".
func (b *Book) zone(organization string) (string, error) {
	v, err := b.get(append([]byte("z"), organization...))
	return string(v), err
}
