package locallog

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// queuePlace is the length of a place in the queue: when the leaf was queued,
// then which of its call's leaves it is. Places sort by time; the identity
// behind them in the key makes each leaf's key its own.
const queuePlace = 8 + 4

func appendPlace(b []byte, queued time.Time, n int) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(queued.UnixNano())^1<<63) // negative times first
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

func placeTime(place []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(place)^1<<63))
}

// QueueLeaves puts leaves into the queue of a tree of type LOG, fsynced. A
// leaf whose identity is in the tree or in the queue is not queued again; the
// answer for it is AlreadyExists and the leaf that is there.
func (s logStorage) QueueLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, at time.Time) ([]*trillian.QueuedLogLeaf, error) {
	if tree.TreeType != trillian.TreeType_LOG {
		return nil, status.Errorf(codes.FailedPrecondition, "a tree of type %v has no queue", tree.TreeType)
	}
	state, unlock, err := s.lock(ctx, tree.TreeId)
	if err != nil {
		return nil, err
	}
	defer unlock()
	add, err := s.newAddition(tree, state, at)
	if err != nil {
		return nil, err
	}
	defer add.batch.Close()
	results := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		if results[i], err = add.enqueue(leaf, i); err != nil {
			return nil, err
		}
	}
	return results, add.commit(s.store, pebble.Sync)
}

func (a *addition) enqueue(leaf *trillian.LogLeaf, n int) (*trillian.QueuedLogLeaf, error) {
	if err := checkHashes(leaf); err != nil {
		return nil, err
	}
	there, err := a.identified(leaf.LeafIdentityHash)
	if err != nil {
		return nil, err
	}
	if there != nil {
		return refusal(there, codes.AlreadyExists, "the leaf is already stored"), nil
	}
	place := appendPlace(nil, a.at, n)
	a.buf = appendLeaf(a.buf[:0], leaf, false, a.at)
	err = a.batch.Set(queueKey(a.tree, place, leaf.LeafIdentityHash), a.buf, nil)
	if err == nil {
		err = a.batch.Set(identityKey(a.tree, leaf.LeafIdentityHash), place, nil)
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "queueing a leaf: %v", err)
	}
	a.identities[string(leaf.LeafIdentityHash)] = leaf
	return &trillian.QueuedLogLeaf{Leaf: leaf}, nil // no status is OK
}

// A queueReader is what a transaction has taken from the queue. Until it says
// where the leaves go, they stay there.
type queueReader struct {
	from  []byte // the key after the last taken
	taken map[string]waiting
}

// waiting is a leaf of the queue, as stored.
type waiting struct{ key, value []byte }

// dequeue takes the leaves that follow in the queue: at most limit, fewer when
// they are large, and none queued after the cutoff.
func (tx *writer) dequeue(limit int, cutoff time.Time) ([]*trillian.LogLeaf, error) {
	q, prefix := &tx.queue, logKey(tx.tree.TreeId, partQueue)
	if q.taken == nil {
		q.from, q.taken = prefix, map[string]waiting{}
	}
	it, err := tx.r.NewIter(&pebble.IterOptions{LowerBound: q.from, UpperBound: logKey(tx.tree.TreeId, partQueue+1)})
	if err != nil {
		return nil, status.Errorf(codes.Internal, "reading the queue: %v", err)
	}
	defer it.Close()
	var leaves []*trillian.LogLeaf
	left := maxRange
	for ok := it.First(); ok && len(leaves) < limit && left > 0; ok = it.Next() {
		if placeTime(it.Key()[len(prefix):]).After(cutoff) {
			break
		}
		w := waiting{key: append([]byte{}, it.Key()...), value: append([]byte{}, it.Value()...)}
		leaf, err := parseLeaf(w.value, 0)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
		left -= len(w.value)
		q.taken[string(leaf.LeafIdentityHash)] = w
		q.from = append(w.key[:len(w.key):len(w.key)], 0)
	}
	if err := it.Error(); err != nil {
		return nil, status.Errorf(codes.Internal, "reading the queue: %v", err)
	}
	return leaves, nil
}

// UpdateSequencedLeaves moves leaves this transaction took from the queue to
// the places they name, none of which may be occupied.
func (tx *writer) UpdateSequencedLeaves(_ context.Context, leaves []*trillian.LogLeaf) error {
	if err := tx.store.findEnd(tx.tree.TreeId, tx.state); err != nil {
		return err
	}
	tx.end = max(tx.end, tx.state.end)
	for _, leaf := range leaves {
		w, ok := tx.queue.taken[string(leaf.LeafIdentityHash)]
		if !ok {
			return status.Errorf(codes.FailedPrecondition, "leaf %d was not taken from the queue", leaf.LeafIndex)
		}
		if leaf.LeafIndex < 0 || uint64(leaf.LeafIndex) < tx.end {
			return status.Errorf(codes.FailedPrecondition, "leaf %d would not follow the last, %d", leaf.LeafIndex, int64(tx.end)-1)
		}
		if err := tx.place(leaf, w); err != nil {
			return status.Errorf(codes.Internal, "storing leaf %d: %v", leaf.LeafIndex, err)
		}
		tx.end = uint64(leaf.LeafIndex) + 1
		delete(tx.queue.taken, string(leaf.LeafIdentityHash))
	}
	return nil
}

func (tx *writer) place(leaf *trillian.LogLeaf, w waiting) error {
	id, index := tx.tree.TreeId, uint64(leaf.LeafIndex)
	value := append([]byte{}, w.value...)
	binary.BigEndian.PutUint64(value[8:], uint64(leaf.IntegrateTimestamp.AsTime().UnixNano()))
	if err := tx.batch.Delete(w.key, nil); err != nil {
		return err
	}
	if err := tx.batch.Set(identityKey(id, leaf.LeafIdentityHash), binary.BigEndian.AppendUint64(nil, index), nil); err != nil {
		return err
	}
	return tx.batch.Set(leafKey(id, index), value, nil)
}
