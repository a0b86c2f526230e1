package locallog

import (
	"context"
	"time"

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

// SnapshotForTree begins a reading transaction. For a tree without a root it
// returns one together with storage.ErrTreeNeedsInit, which callers compare
// with ==; it must be closed all the same.
func (s logStorage) SnapshotForTree(ctx context.Context, tree *trillian.Tree) (storage.ReadOnlyLogTreeTX, error) {
	if err := s.CheckDatabaseAccessible(ctx); err != nil {
		return nil, err
	}
	snapshot := s.db.NewSnapshot()
	tx, err := s.newReader(snapshot, tree)
	if err != nil {
		snapshot.Close()
		return nil, err
	}
	tx.end = snapshot.Close
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

// QueueLeaves belongs to trees of type LOG.
func (s logStorage) QueueLeaves(context.Context, *trillian.Tree, []*trillian.LogLeaf, time.Time) ([]*trillian.QueuedLogLeaf, error) {
	return nil, errQueue()
}

// errQueue answers whatever needs the queue of a tree of type LOG.
func errQueue() error {
	return status.Error(codes.Unimplemented, "this storage integrates trees of type PREORDERED_LOG only")
}
