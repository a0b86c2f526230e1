package locallog

import (
	"bytes"
	"context"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian"
	"github.com/google/trillian/storage/tree"
	"github.com/google/trillian/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A writer is the one transaction that writes a tree at this time. It reads
// what was committed, never its own writes, and keeps these apart until
// Commit.
type writer struct {
	reader
	store     *store
	batch     *pebble.Batch
	state     *treeState
	drafts    map[tileID]*draft
	next      *types.LogRootV1 // the root to be committed
	committed content          // what the tree is after Commit
	queue     queueReader      // of a tree of type LOG
	end       uint64           // state.end after Commit, when not 0
	done      bool
}

func (s *store) newWriter(t *trillian.Tree, state *treeState) (*writer, error) {
	c, err := state.current(t.TreeId)
	if err != nil {
		return nil, err
	}
	state.rootTime.Store(int64(c.root.TimestampNanos))
	batch := s.db.NewBatch()
	return &writer{
		reader: reader{tree: t, r: s.db, content: c, cache: s.cache, end: batch.Close},
		store:  s, batch: batch, state: state, drafts: map[tileID]*draft{}, committed: c,
	}, nil
}

// DequeueLeaves are the leaves to integrate next: of a PREORDERED_LOG the
// stored ones that follow the tree, of a LOG those of the queue. To the first
// the cutoff is not applied: their order is already given, and after a clock
// stepped back it would hold leaves that seem to come from the future.
func (tx *writer) DequeueLeaves(_ context.Context, limit int, cutoff time.Time) ([]*trillian.LogLeaf, error) {
	switch {
	case limit <= 0:
		return nil, nil
	case tx.tree.TreeType == trillian.TreeType_PREORDERED_LOG:
		return tx.leaves(tx.root.TreeSize, uint64(limit))
	}
	return tx.dequeue(limit, cutoff)
}

// SetMerkleNodes keeps the nodes of every eighth level and lets go of the
// rest, which follow from them.
func (tx *writer) SetMerkleNodes(_ context.Context, nodes []tree.Node) error {
	for _, node := range nodes {
		if len(node.Hash) != hashSize {
			return status.Errorf(codes.InvalidArgument, "a node has a hash of %d bytes", len(node.Hash))
		}
		id, place, n, err := locate(node.ID)
		if err != nil {
			return err
		}
		if n != 1 {
			continue
		}
		d := tx.drafts[id]
		if d == nil {
			stored, err := tx.tile(id)
			if err != nil {
				return err
			}
			d = newDraft(stored.hashes)
			tx.drafts[id] = d
		}
		if err := d.set(place, node.Hash); err != nil {
			return err
		}
	}
	return nil
}

// StoreSignedLogRoot takes the root to commit. Roots only get younger, and
// trees only larger.
func (tx *writer) StoreSignedLogRoot(_ context.Context, head *trillian.SignedLogRoot) error {
	root := new(types.LogRootV1)
	if err := root.UnmarshalBinary(head.GetLogRoot()); err != nil {
		return status.Errorf(codes.InvalidArgument, "reading the root: %v", err)
	}
	before := tx.next
	if before == nil && tx.head != nil {
		before = &tx.root
	}
	switch {
	case root.TimestampNanos > math.MaxInt64:
		return status.Errorf(codes.InvalidArgument, "the root's time %d is beyond what can be said", root.TimestampNanos)
	case before != nil && root.TimestampNanos <= before.TimestampNanos:
		return status.Errorf(codes.FailedPrecondition, "the root's time %d is not after the last, %d", root.TimestampNanos, before.TimestampNanos)
	case before != nil && root.TreeSize < before.TreeSize:
		return status.Errorf(codes.FailedPrecondition, "the tree would shrink from %d to %d", before.TreeSize, root.TreeSize)
	}
	if err := tx.batch.Set(headKey(tx.tree.TreeId), head.LogRoot, nil); err != nil {
		return status.Errorf(codes.Internal, "storing the root: %v", err)
	}
	tx.next = root
	tx.committed.head, tx.committed.root = bytes.Clone(head.LogRoot), *root
	return nil
}

// Commit writes everything at once, fsynced, and then lets the tree's memory
// and its readers follow. A crash before the write leaves the old tree, one
// after it the new. A second Commit does nothing.
func (tx *writer) Commit(context.Context) error {
	if tx.done {
		return nil
	}
	tx.done = true
	tiles, err := tx.putTiles()
	if err != nil {
		return err
	}
	if tx.batch.Empty() {
		return nil
	}
	if err := tx.batch.Commit(pebble.Sync); err != nil {
		return status.Errorf(codes.Internal, "writing the tree: %v", err)
	}
	if tx.next != nil {
		tx.state.rootTime.Store(int64(tx.next.TimestampNanos))
	}
	if tx.end != 0 {
		tx.state.end = tx.end
	}
	tx.committed.edge = tx.edge.with(tiles)
	return tx.store.renew(tx.state, tx.committed)
}

// putTiles adds the finished tiles to the batch. They say nothing without the
// root they add up to.
func (tx *writer) putTiles() (map[tileID]*tile, error) {
	if len(tx.drafts) > 0 && tx.next == nil {
		return nil, status.Error(codes.FailedPrecondition, "nodes of the tree came without a root")
	}
	tiles := make(map[tileID]*tile, len(tx.drafts))
	for id, d := range tx.drafts {
		hashes, err := d.tile()
		if err == nil {
			err = tx.batch.Set(tileKey(tx.tree.TreeId, id), hashes, nil)
		}
		if err != nil {
			return nil, status.Errorf(codes.FailedPrecondition, "storing tile %d at level %d: %v", id.index, id.level, err)
		}
		tiles[id] = &tile{hashes: hashes}
	}
	return tiles, nil
}
