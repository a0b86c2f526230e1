package locallog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

var _ storage.Provider = (*store)(nil)

// A store is a Trillian storage provider over one Pebble database.
type store struct {
	db  *pebble.DB
	now func() time.Time

	// leafWrite is how added leaves are committed. A store on its own fsyncs
	// them; under a Log the integration that follows does it for both.
	leafWrite *pebble.WriteOptions
	cache     *tileCache

	admin  sync.Mutex // one writer of tree records
	mu     sync.Mutex // guards trees
	trees  map[int64]*treeState
	closed atomic.Bool
}

// A treeState is what is kept in memory about a tree. end and endKnown belong
// to whoever holds the writer token.
type treeState struct {
	writer   chan struct{} // holds the token while somebody writes
	end      uint64        // one past the last stored leaf, once endKnown
	endKnown bool
	rootTime atomic.Int64 // of the latest root, nanoseconds since 1970

	mu   sync.Mutex // guards view and its refs
	view *view      // what readers see; nil when the tree is forgotten
}

// openStore opens or makes a store. cache is in bytes, 0 for the default.
func openStore(dir string, fs vfs.FS, now func() time.Time, cache int64) (*store, error) {
	opts := &pebble.Options{
		FS:                 fs,
		Logger:             quiet{},
		FormatMajorVersion: pebble.FormatNewest,
		MemTableSize:       32 << 20,
		// Leaves come in the order of their keys, so there is little for
		// compactions to put right: fewer of them, and into one level for
		// longer, take a third of the processor time away.
		L0CompactionThreshold: 8,
		LBaseMaxBytes:         512 << 20,
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("opening the log in %s: %w", dir, err)
	}
	return &store{db: db, now: now, leafWrite: pebble.Sync, cache: newTileCache(cache), trees: map[int64]*treeState{}}, nil
}

// quiet is Pebble's logger. What matters comes back as an error; a failed
// write to the write-ahead log cannot, and ends the process.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("writing the log: "+format, args...))
}

func (s *store) LogStorage() storage.LogStorage     { return logStorage{s} }
func (s *store) AdminStorage() storage.AdminStorage { return adminStorage{s} }

// Close closes the database; every transaction must have ended. It may be
// called again.
func (s *store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.trees {
		errs = append(errs, t.show(nil))
	}
	return errors.Join(append(errs, s.db.Close())...)
}

// CheckDatabaseAccessible is nil until Close.
func (s *store) CheckDatabaseAccessible(context.Context) error {
	if s.closed.Load() {
		return status.Error(codes.Unavailable, "the log is closed")
	}
	return nil
}

// tree reads a tree's record; NotFound when there is none.
func (s *store) tree(r pebble.Reader, id int64) (*trillian.Tree, error) {
	value, err := get(r, treeKey(id))
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, status.Errorf(codes.NotFound, "tree %d not found", id)
	}
	return parseTree(value)
}

func parseTree(value []byte) (*trillian.Tree, error) {
	tree := new(trillian.Tree)
	if err := proto.Unmarshal(value, tree); err != nil {
		return nil, status.Errorf(codes.DataLoss, "reading a tree's record: %v", err)
	}
	return tree, nil
}

// state is the memory of a tree, the same for everyone while it exists.
func (s *store) state(id int64) *treeState {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trees[id]
	if t == nil {
		t = &treeState{writer: make(chan struct{}, 1)}
		// Nobody has the token yet, so nothing of this tree is in flight.
		t.view = &view{snapshot: s.db.NewSnapshot(), refs: 1}
		s.trees[id] = t
	}
	return t
}

// known is the memory of a tree that was used before and not deleted since.
func (s *store) known(id int64) *treeState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trees[id]
}

// lock waits for the writer token of a tree that exists. The caller calls
// unlock once.
func (s *store) lock(ctx context.Context, id int64) (t *treeState, unlock func(), err error) {
	if err := s.CheckDatabaseAccessible(ctx); err != nil {
		return nil, nil, err
	}
	// Looked up before the state is made, so that asking for trees that do not
	// exist leaves nothing in memory, and again when the token is held, because
	// the tree may have been deleted meanwhile.
	if _, err := s.tree(s.db, id); err != nil {
		return nil, nil, err
	}
	t = s.state(id)
	select {
	case t.writer <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, status.FromContextError(ctx.Err()).Err()
	}
	if _, err := s.tree(s.db, id); err != nil {
		<-t.writer
		return nil, nil, err
	}
	return t, func() { <-t.writer }, nil
}

// forget drops what is remembered of a deleted tree.
func (s *store) forget(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trees[id]
	if t == nil {
		return nil
	}
	delete(s.trees, id)
	if err := t.show(nil); err != nil {
		return status.Errorf(codes.Internal, "forgetting tree %d: %v", id, err)
	}
	return nil
}

// get reads a copy of a value; nil when there is none.
func get(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "reading the log: %v", err)
	}
	defer closer.Close()
	return append([]byte{}, value...), nil
}
