package locallog

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A view is a tree as of the last completed write. Readers get this one and
// not a snapshot of the moment, because Pebble shows a batch to readers before
// it is fsynced: a root somebody has seen must survive the power failing.
type view struct {
	snapshot *pebble.Snapshot
	refs     int // readers, and one while it is the tree's

	once sync.Once // loads the content, unless a writer gave it
	content
	err error
}

// A content is what every transaction needs of a tree. It never changes.
type content struct {
	head []byte // the root as stored, nil for a tree that needs initialising
	root types.LogRootV1
	edge *edge
}

// load is what the snapshot holds, read at the first call.
func (v *view) load(tree int64) (content, error) {
	v.once.Do(func() { v.content, v.err = loadContent(v.snapshot, tree) })
	return v.content, v.err
}

func loadContent(r pebble.Reader, tree int64) (c content, err error) {
	value, err := get(r, headKey(tree))
	if value == nil || err != nil {
		return c, err
	}
	if err := c.root.UnmarshalBinary(value); err != nil {
		return c, status.Errorf(codes.DataLoss, "reading the root of tree %d: %v", tree, err)
	}
	c.head, c.edge = value, new(edge)
	for level := range c.edge {
		n := c.root.TreeSize >> (level * tileHeight) // hashes at this level
		if n%tileWidth == 0 {
			continue
		}
		last := &c.edge[level]
		last.index = n / tileWidth
		if last.tile, err = storedTile(r, tree, tileID{uint8(level), last.index}); err != nil {
			return c, err
		}
	}
	return c, nil
}

// renew lets readers see what was just committed, c the content of it. The
// caller holds the writer token.
func (s *store) renew(t *treeState, c content) error {
	next := &view{snapshot: s.db.NewSnapshot(), refs: 1, content: c}
	next.once.Do(func() {})
	if err := t.show(next); err != nil {
		return status.Errorf(codes.Internal, "releasing a snapshot: %v", err)
	}
	return nil
}

// show replaces what readers see.
func (t *treeState) show(next *view) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.view
	t.view = next
	return old.drop()
}

// acquire is what a reader sees, until release; nil when the tree is gone.
func (t *treeState) acquire() (v *view, release func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v = t.view; v == nil {
		return nil, nil
	}
	v.refs++
	return v, func() error {
		t.mu.Lock()
		defer t.mu.Unlock()
		return v.drop()
	}
}

// drop is called with the tree's mu held.
func (v *view) drop() error {
	if v == nil {
		return nil
	}
	if v.refs--; v.refs > 0 {
		return nil
	}
	return v.snapshot.Close()
}

// current is the content for the next writer, who holds the token.
func (t *treeState) current(tree int64) (content, error) {
	v, release := t.acquire()
	if v == nil {
		return content{}, status.Errorf(codes.NotFound, "tree %d was deleted", tree)
	}
	c, err := v.load(tree)
	return c, errors.Join(err, release())
}
