package locallog

import (
	"context"
	"errors"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type logStorage struct{ *store }

// GetActiveLogIDs lists the trees whose leaves a sequencer should integrate.
func (s logStorage) GetActiveLogIDs(ctx context.Context) ([]int64, error) {
	if err := s.CheckDatabaseAccessible(ctx); err != nil {
		return nil, err
	}
	trees, err := listTrees(s.db, func(t *trillian.Tree) bool {
		return !t.Deleted && (t.TreeState == trillian.TreeState_ACTIVE || t.TreeState == trillian.TreeState_DRAINING)
	})
	ids := make([]int64, len(trees))
	for i, tree := range trees {
		ids[i] = tree.TreeId
	}
	return ids, err
}

// SnapshotForTree begins a reading transaction, which sees the tree as of the
// last completed write and never waits for one. For a tree without a root it
// returns one together with storage.ErrTreeNeedsInit, which callers compare
// with ==; it must be closed all the same.
func (s logStorage) SnapshotForTree(ctx context.Context, tree *trillian.Tree) (storage.ReadOnlyLogTreeTX, error) {
	if err := s.CheckDatabaseAccessible(ctx); err != nil {
		return nil, err
	}
	state := s.known(tree.TreeId)
	if state == nil { // asking for trees that do not exist leaves nothing in memory
		if _, err := s.tree(s.db, tree.TreeId); err != nil {
			return nil, err
		}
		state = s.state(tree.TreeId)
	}
	view, release := state.acquire()
	if view == nil {
		return nil, status.Errorf(codes.NotFound, "tree %d was deleted", tree.TreeId)
	}
	c, err := view.load(tree.TreeId)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	tx := &reader{tree: tree, r: view.snapshot, content: c, cache: s.cache, end: release}
	if tx.head == nil {
		return tx, storage.ErrTreeNeedsInit
	}
	return tx, nil
}

// ReadWriteTransaction runs f once, as the only writer of the tree. An error
// of f leaves no trace.
func (s logStorage) ReadWriteTransaction(ctx context.Context, tree *trillian.Tree, f storage.LogTXFunc) error {
	state, unlock, err := s.lock(ctx, tree.TreeId)
	if err != nil {
		return err
	}
	defer unlock()
	tx, err := s.newWriter(tree, state)
	if err != nil {
		return err
	}
	defer tx.Close()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
