package locallog

import (
	"context"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type adminStorage struct{ *store }

func (s adminStorage) Snapshot(ctx context.Context) (storage.ReadOnlyAdminTX, error) {
	if err := s.CheckDatabaseAccessible(ctx); err != nil {
		return nil, err
	}
	snapshot := s.db.NewSnapshot()
	return &adminReader{store: s.store, r: snapshot, end: snapshot.Close}, nil
}

// ReadWriteTransaction runs f once, alone among the writers of tree records.
func (s adminStorage) ReadWriteTransaction(ctx context.Context, f storage.AdminTXFunc) error {
	if err := s.CheckDatabaseAccessible(ctx); err != nil {
		return err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	batch := s.db.NewIndexedBatch()
	tx := &adminWriter{adminReader: adminReader{store: s.store, r: batch, end: batch.Close}, batch: batch}
	defer tx.Close()
	defer tx.unlockTrees()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// An adminReader reads tree records from a snapshot, or from a batch over the
// database.
type adminReader struct {
	store *store
	r     pebble.Reader
	end   func() error
}

func (tx *adminReader) GetTree(_ context.Context, id int64) (*trillian.Tree, error) {
	return tx.store.tree(tx.r, id)
}

func (tx *adminReader) ListTrees(_ context.Context, includeDeleted bool) ([]*trillian.Tree, error) {
	return listTrees(tx.r, func(t *trillian.Tree) bool { return includeDeleted || !t.Deleted })
}

func listTrees(r pebble.Reader, want func(*trillian.Tree) bool) ([]*trillian.Tree, error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{keyTree}, UpperBound: []byte{keyTree + 1}})
	if err != nil {
		return nil, status.Errorf(codes.Internal, "listing the trees: %v", err)
	}
	defer it.Close()
	var trees []*trillian.Tree
	for ok := it.First(); ok; ok = it.Next() {
		tree, err := parseTree(it.Value())
		if err != nil {
			return nil, err
		}
		if want(tree) {
			trees = append(trees, tree)
		}
	}
	if err := it.Error(); err != nil {
		return nil, status.Errorf(codes.Internal, "listing the trees: %v", err)
	}
	return trees, nil
}

// Commit does nothing: what was read was one snapshot.
func (tx *adminReader) Commit() error { return nil }

func (tx *adminReader) Close() error {
	if tx.end == nil {
		return nil
	}
	end := tx.end
	tx.end = nil
	return end()
}

// An adminWriter gathers changes of tree records in one batch.
type adminWriter struct {
	adminReader
	batch   *pebble.Batch
	deleted []int64
	unlock  []func()
}

func (tx *adminWriter) CreateTree(ctx context.Context, tree *trillian.Tree) (*trillian.Tree, error) {
	if err := storage.ValidateTreeForCreation(ctx, tree); err != nil {
		return nil, err
	}
	id, err := storage.NewTreeID()
	if err != nil {
		return nil, status.Errorf(codes.Internal, "choosing a tree's number: %v", err)
	}
	created := proto.Clone(tree).(*trillian.Tree)
	created.TreeId = id
	created.CreateTime = timestamppb.New(tx.store.now())
	created.UpdateTime = proto.Clone(created.CreateTime).(*timestamppb.Timestamp)
	return created, tx.put(created)
}

func (tx *adminWriter) UpdateTree(ctx context.Context, id int64, update func(*trillian.Tree)) (*trillian.Tree, error) {
	stored, err := tx.GetTree(ctx, id)
	if err != nil {
		return nil, err
	}
	changed := proto.Clone(stored).(*trillian.Tree)
	update(changed)
	if err := storage.ValidateTreeForUpdate(ctx, stored, changed); err != nil {
		return nil, err
	}
	changed.UpdateTime = timestamppb.New(later(tx.store.now(), stored.UpdateTime.AsTime()))
	return changed, tx.put(changed)
}

func (tx *adminWriter) SoftDeleteTree(ctx context.Context, id int64) (*trillian.Tree, error) {
	tree, err := tx.treeIfDeleted(ctx, id, false)
	if err != nil {
		return nil, err
	}
	tree.Deleted = true
	tree.DeleteTime = timestamppb.New(later(tx.store.now(), tree.CreateTime.AsTime()))
	return tree, tx.put(tree)
}

func (tx *adminWriter) UndeleteTree(ctx context.Context, id int64) (*trillian.Tree, error) {
	tree, err := tx.treeIfDeleted(ctx, id, true)
	if err != nil {
		return nil, err
	}
	tree.Deleted, tree.DeleteTime = false, nil
	return tree, tx.put(tree)
}

// HardDeleteTree removes the tree and all its leaves, tiles and roots. The
// tree's writer is kept out until the transaction ends.
func (tx *adminWriter) HardDeleteTree(ctx context.Context, id int64) error {
	if _, err := tx.treeIfDeleted(ctx, id, true); err != nil {
		return err
	}
	if _, unlock, err := tx.store.lock(ctx, id); err == nil {
		tx.unlock = append(tx.unlock, unlock)
	} else if status.Code(err) != codes.NotFound { // created in this transaction
		return err
	}
	lower, upper := logBounds(id)
	if err := tx.batch.DeleteRange(lower, upper, nil); err != nil {
		return status.Errorf(codes.Internal, "deleting tree %d: %v", id, err)
	}
	if err := tx.batch.Delete(treeKey(id), nil); err != nil {
		return status.Errorf(codes.Internal, "deleting tree %d: %v", id, err)
	}
	tx.deleted = append(tx.deleted, id)
	return nil
}

// Commit writes every change at once, fsynced.
func (tx *adminWriter) Commit() error {
	if err := tx.batch.Commit(pebble.Sync); err != nil {
		return status.Errorf(codes.Internal, "writing tree records: %v", err)
	}
	var errs []error
	for _, id := range tx.deleted {
		errs = append(errs, tx.store.forget(id))
	}
	return errors.Join(errs...)
}

func (tx *adminWriter) unlockTrees() {
	for _, unlock := range tx.unlock {
		unlock()
	}
}

func (tx *adminWriter) treeIfDeleted(ctx context.Context, id int64, deleted bool) (*trillian.Tree, error) {
	tree, err := tx.GetTree(ctx, id)
	if err != nil {
		return nil, err
	}
	if tree.Deleted != deleted {
		return nil, status.Errorf(codes.FailedPrecondition, "tree %d: soft-deleted is %t, want %t", id, tree.Deleted, deleted)
	}
	return tree, nil
}

func (tx *adminWriter) put(tree *trillian.Tree) error {
	value, err := proto.Marshal(tree)
	if err == nil {
		err = tx.batch.Set(treeKey(tree.TreeId), value, nil)
	}
	if err != nil {
		return status.Errorf(codes.Internal, "writing the record of tree %d: %v", tree.TreeId, err)
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
