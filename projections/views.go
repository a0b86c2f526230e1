package projections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// ErrClosed answers every question put to closed views.
var ErrClosed = errors.New("the views are closed")

// ErrNotKept answers who asks the officers' views where they are not kept.
var ErrNotKept = errors.New("the officers' views are not kept here: the fold key is needed")

// Config says where the views are.
type Config struct {
	Dir string // made when absent; used by one process at a time
	FS  vfs.FS // nil: the operating system's

	// Open opens the fold header of a message, for the officers' views. nil:
	// they are not kept, those found in Dir are deleted, and whoever asks them
	// gets ErrNotKept.
	Open func(events.Message) (events.Fold, error)
}

// Views are all views of one history.
type Views struct {
	db     *pebble.DB
	views  []view
	opener opener

	folding sync.Mutex   // held while messages are folded
	open    sync.RWMutex // held for reading while the database is in use
	closed  bool

	mu      sync.Mutex
	cursors []events.Seq  // of views, by index
	moved   chan struct{} // closed when the lowest cursor moves, or on Close
}

// view is one fold. Raise version whenever fold would write other keys or
// values for the same messages.
type view struct {
	name    string
	version int64
	prefix  string // of all its keys, one letter
	fold    func(*batch, *message) error
}

// allViews are the views that the public entry alone decides.
func allViews() []view {
	return []view{
		{"entries", 1, "e", foldEntry},
		{"register", 2, "r", foldRegister},
		{"totals", 2, "t", foldTotals},
		{"sharing", 3, "s", foldSharing},
		{"retention", 3, "d", foldRetention},
		{"recorded", 2, "c", foldRecorded},
		{"coverage", 2, "v", foldCoverage},
		{"seals", 1, "l", foldSeals},
		{"corrections", 1, "k", foldCorrections},
		{"bulk", 1, "b", foldBulk},
	}
}

// officersViews read the opened fold header beside the entry.
func officersViews() []view {
	return []view{
		{"trail", 2, "a", foldTrail},
		{"findings", 3, "f", foldFindings},
		{"persons", 2, "p", foldPersons},
		{"requests", 1, "q", foldRequests},
	}
}

// Open opens the views in cfg.Dir, or makes them empty. It folds nothing.
func Open(cfg Config) (*Views, error) {
	views := allViews()
	if cfg.Open != nil {
		views = append(views, officersViews()...)
	}
	return openViews(cfg, views)
}

func openViews(cfg Config, views []view) (*Views, error) {
	db, err := pebble.Open(cfg.Dir, options(cfg.FS))
	if err != nil {
		return nil, fmt.Errorf("opening the views: %w", err)
	}
	v := &Views{db: db, views: views, opener: cfg.Open, moved: make(chan struct{})}
	if v.cursors, err = prepare(db, views); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the views: %w", err), db.Close())
	}
	return v, nil
}

// options fit a database that is rebuilt, never recovered: no write-ahead log,
// and tables large enough that a rebuild writes most keys twice only. What a
// crash loses, at most two memory tables, is folded again within a second or two.
func options(fs vfs.FS) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		DisableWAL:                  true,
		Logger:                      silent{},
		CacheSize:                   64 << 20,
		MemTableSize:                32 << 20,
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       48,
		LBaseMaxBytes:               256 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
	}
	if fs == nil {
		o.FS = vfs.Default
	}
	return o
}

// silent leaves out what the database tells about its housekeeping. A fatal
// error, a disk that takes no more writes, ends the process as it must.
type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { log.Fatalf("the views' database: "+format, args...) }

// use keeps the database open until done is called.
func (v *Views) use() (done func(), err error) {
	v.open.RLock()
	if v.closed {
		v.open.RUnlock()
		return nil, ErrClosed
	}
	return v.open.RUnlock, nil
}

// Cursor is the sequence up to which every view is folded.
func (v *Views) Cursor() events.Seq {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lowest()
}

func (v *Views) lowest() events.Seq {
	low := events.Seq(math.MaxUint64)
	for _, c := range v.cursors {
		low = min(low, c)
	}
	return low
}

// advance sets every cursor that is lower to seq and wakes who waits.
func (v *Views) advance(seq events.Seq) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, c := range v.cursors {
		v.cursors[i] = max(c, seq)
	}
	v.wake()
}

// wake must be called with mu held.
func (v *Views) wake() {
	close(v.moved)
	v.moved = make(chan struct{})
}

// WaitFor returns once every view is folded up to seq.
func (v *Views) WaitFor(ctx context.Context, seq events.Seq) error {
	for {
		v.mu.Lock()
		reached, moved := v.lowest() >= seq, v.moved
		v.mu.Unlock()
		if reached {
			return nil
		}
		done, err := v.use()
		if err != nil {
			return fmt.Errorf("waiting for the views: %w", err)
		}
		done()
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the views to reach %d: %w", seq, ctx.Err())
		}
	}
}

// Dump writes every key and value as a line of quoted text, sorted by key. Two
// databases with equal dumps answer everything alike.
func (v *Views) Dump(w io.Writer) error {
	done, err := v.use()
	if err != nil {
		return fmt.Errorf("dumping the views: %w", err)
	}
	defer done()
	it, err := v.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("dumping the views: %w", err)
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		_, err = fmt.Fprintf(w, "%q %q\n", it.Key(), it.Value())
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return fmt.Errorf("dumping the views: %w", err)
	}
	return nil
}

// Close writes out what is folded and closes the database, after the answers and
// the batch under way. It may be called again.
func (v *Views) Close() error {
	v.open.Lock()
	defer v.open.Unlock()
	if v.closed {
		return nil
	}
	v.closed = true
	v.mu.Lock()
	v.wake()
	v.mu.Unlock()
	// Without a write-ahead log, closing alone would lose the memory table.
	if err := errors.Join(v.db.Flush(), v.db.Close()); err != nil {
		return fmt.Errorf("closing the views: %w", err)
	}
	return nil
}
