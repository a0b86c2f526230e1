package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Published is a ledger as it is published or shown.
type Published interface {
	// Checkpoint is what is published, zero before the first.
	Checkpoint() (proof.Checkpoint, []byte)
	// Public is the log for readers.
	Public() *ledger.Public
}

// Ledger is the published log that is indexed. An anchor has these methods.
type Ledger interface {
	Published
	// WaitFor returns nil once that size is published.
	WaitFor(ctx context.Context, size events.Size) error
}

// Config says what is indexed, where, and who signs.
type Config struct {
	// Dir holds the trees. It is made, and can be deleted: then they are computed
	// again from the ledger, and must lead to the last leaf.
	Dir string
	// Public is the directory of the index log, ledger.IndexPath below the ledger's.
	Public string
	// Journal is the file of signed checkpoints of the index log, as in
	// ledger.Config; Elsewhere, if set, is in its place.
	Journal   string
	Elsewhere ledger.Journal
	// Leaves is the journal of leaves, a LeafFile or one in a stream. The caller
	// closes it after the Index.
	Leaves ledger.Journal
	// Ledger is what is indexed.
	Ledger Ledger
	// Signer is the index key, named proof.IndexKeyName of the ledger's origin; Key
	// verifies it.
	Signer note.Signer
	Key    note.Verifier
	// Log computes the tree of the index log a second time.
	Log ledger.Log
	// Heads, if set, are checkpoints of the index log that others hold.
	Heads ledger.Heads
	// Cosigners, if set, are the witnesses of the index log, with RefreshEvery and
	// Withheld as in ledger.Config.
	Cosigners    ledger.Cosigners
	RefreshEvery time.Duration
	Withheld     func(size events.Size, reason error)
	// Every is the least time between two leaves. The default, a second, is what a
	// ledger promises at least: a leaf lives for ever.
	Every time.Duration
	// Cache bounds what of the trees is kept in memory, in bytes; the default is
	// 128 MiB.
	Cache int64
	// Now is the clock; the default is time.Now.
	Now func() time.Time

	step step
}

// step does one thing that a crash can come before or after. Tests put themselves
// here.
type step func(name string, do func() error) error

func (s step) run(name string, do func() error) error {
	if s == nil {
		return do()
	}
	return s(name, do)
}

// Index makes the index of a ledger and answers from it. Run makes it; all other
// methods may be called at any time and from everywhere.
type Index struct {
	answers
	cfg    Config
	trees  *trees
	leaves *history
	anchor *ledger.Anchor

	// Of Run alone:
	last    proof.IndexLeaf // zero before the first
	leafAt  time.Time       // when Run made it
	addedAt time.Time       // when Run last added entries

	now   atomic.Pointer[Progress]
	close func() error
}

// Progress is how far an index has come.
type Progress struct {
	Leaves events.Size // of the index log, published
	Size   events.Size // of the ledger, as the last of them says
	Tags   uint64      // in the trees, of which the last may not be published
	Labels uint64
	// Waiting is since when there is something new that no published leaf covers,
	// zero when there is nothing.
	Waiting time.Time
}

// Open takes up trees and index log where they are. Nothing is answered before Run
// has brought both together.
func Open(ctx context.Context, cfg Config) (*Index, error) {
	if cfg.Dir == "" || cfg.Public == "" || cfg.Leaves == nil || cfg.Ledger == nil || cfg.Signer == nil || cfg.Key == nil || cfg.Log == nil {
		return nil, errors.New("opening the index: it needs both directories, the journal of leaves, the ledger, its key and a log")
	}
	cfg.Every = cmp.Or(cfg.Every, time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	x := &Index{cfg: cfg, leaves: &history{Journal: cfg.Leaves, moved: make(chan struct{})}}
	x.now.Store(&Progress{})
	var err error
	x.anchor, err = ledger.Open(ctx, ledger.Config{
		Dir: cfg.Public, Journal: cfg.Journal, Elsewhere: cfg.Elsewhere, Signer: cfg.Signer, Log: cfg.Log,
		History: x.leaves, Heads: cfg.Heads, Now: cfg.Now,
		Cosigners: cfg.Cosigners, RefreshEvery: cfg.RefreshEvery, Withheld: cfg.Withheld,
		PublishEvery: time.Nanosecond, // there is a checkpoint for each leaf
		Leaves: &ledger.Leaves{Key: cfg.Key, Check: checkLeaf, TakeBack: func(ctx context.Context, texts [][]byte) error {
			return x.leaves.append(ctx, texts)
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("opening the index: %w", err)
	}
	if x.trees, err = openTrees(cfg.Dir, treeOptions{cache: cfg.Cache}); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the index: %w", err), x.anchor.Close())
	}
	x.close = sync.OnceValue(func() error {
		x.mu.Lock()
		defer x.mu.Unlock()
		err := x.setView(nil)
		return errors.Join(err, x.anchor.Close(), x.trees.close())
	})
	return x, nil
}

// Progress is how far the index has come.
func (x *Index) Progress() Progress { return *x.now.Load() }

// Checkpoint is the published checkpoint of the index log and its note; before the
// first a zero Checkpoint and nil.
func (x *Index) Checkpoint() (proof.Checkpoint, []byte) { return x.anchor.Checkpoint() }

// WaitFor returns nil once so many leaves are published.
func (x *Index) WaitFor(ctx context.Context, leaves events.Size) error {
	return x.anchor.WaitFor(ctx, leaves)
}

// Close closes trees and journal. Run must have returned. Closing again does nothing.
func (x *Index) Close() error {
	if err := x.close(); err != nil {
		return fmt.Errorf("closing the index: %w", err)
	}
	return nil
}
