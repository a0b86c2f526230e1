package locallog

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// AddSequencedLeaves stores leaves at the places they name, each on its own:
// the answer says which are stored (no status), which were already (AlreadyExists, the
// identical leaf), and which cannot be (FailedPrecondition, another leaf has
// the index or the identity; OutOfRange, no such index). Leaves may come in
// any order and leave gaps; integration stops at the first gap.
func (s logStorage) AddSequencedLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, at time.Time) ([]*trillian.QueuedLogLeaf, error) {
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
	if !ascending(leaves) {
		add.indexes = map[int64]*trillian.LogLeaf{}
	}
	results := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		if results[i], err = add.leaf(leaf); err != nil {
			return nil, err
		}
	}
	return results, add.commit(s.store, s.leafWrite)
}

// ascending reports whether no leaf can meet another of the same batch at its
// index.
func ascending(leaves []*trillian.LogLeaf) bool {
	for i := 1; i < len(leaves); i++ {
		if leaves[i].LeafIndex <= leaves[i-1].LeafIndex {
			return false
		}
	}
	return true
}

// An addition is the one batch of a call that adds leaves.
type addition struct {
	db         *pebble.DB
	batch      *pebble.Batch
	content    content // of the tree, which adding does not change
	tree       int64
	positional bool // identities of places need no record
	state      *treeState
	at         time.Time
	end        uint64
	indexes    map[int64]*trillian.LogLeaf // added by this batch, unless it is ascending
	identities map[string]*trillian.LogLeaf
	buf        []byte
}

func (s *store) newAddition(tree *trillian.Tree, state *treeState, at time.Time) (*addition, error) {
	c, err := state.current(tree.TreeId)
	if err != nil {
		return nil, err
	}
	if c.head == nil {
		return nil, storage.ErrTreeNeedsInit
	}
	if err := s.findEnd(tree.TreeId, state); err != nil {
		return nil, err
	}
	return &addition{
		db: s.db, batch: s.newBatch(), content: c, tree: tree.TreeId, state: state, at: at, end: state.end,
		positional: tree.TreeType == trillian.TreeType_PREORDERED_LOG,
		identities: map[string]*trillian.LogLeaf{},
	}, nil
}

// newBatch is a batch whose buffer is kept for the next one of this size.
func (s *store) newBatch() *pebble.Batch {
	return s.db.NewBatch(pebble.WithMaxRetainedSizeBytes(2 * maxChunk))
}

// findEnd learns once where the stored leaves end, so that a new leaf beyond
// the end, the common case, needs no lookup.
func (s *store) findEnd(tree int64, state *treeState) error {
	if state.endKnown {
		return nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: logKey(tree, partLeaf),
		UpperBound: logKey(tree, partLeaf+1),
	})
	if err != nil {
		return status.Errorf(codes.Internal, "finding the last leaf: %v", err)
	}
	defer it.Close()
	if it.Last() {
		key := it.Key()
		state.end = binary.BigEndian.Uint64(key[len(key)-8:]) + 1
	}
	if err := it.Error(); err != nil {
		return status.Errorf(codes.Internal, "finding the last leaf: %v", err)
	}
	state.endKnown = true
	return nil
}

func (a *addition) leaf(leaf *trillian.LogLeaf) (*trillian.QueuedLogLeaf, error) {
	if leaf.LeafIndex < 0 {
		return refusal(leaf, codes.OutOfRange, "a leaf index must not be negative"), nil
	}
	if err := checkHashes(leaf); err != nil {
		return nil, err
	}
	there, err := a.occupant(leaf.LeafIndex)
	if err != nil {
		return nil, err
	}
	if there != nil {
		if sameLeaf(there, leaf) {
			return refusal(there, codes.AlreadyExists, "the leaf is already stored"), nil
		}
		return refusal(there, codes.FailedPrecondition, "another leaf has this LeafIndex"), nil
	}
	if a.positional && hasPositionIdentity(leaf) {
		return a.store(leaf, true)
	}
	if there, err = a.identified(leaf.LeafIdentityHash); err != nil {
		return nil, err
	}
	if there != nil {
		return refusal(there, codes.FailedPrecondition, "another leaf has this LeafIdentityHash"), nil
	}
	return a.storeIdentified(leaf)
}

func checkHashes(leaf *trillian.LogLeaf) error {
	if len(leaf.LeafIdentityHash) != hashSize || len(leaf.MerkleLeafHash) != hashSize {
		return status.Errorf(codes.FailedPrecondition, "the hashes of leaf %d must have %d bytes", leaf.LeafIndex, hashSize)
	}
	return nil
}

func refusal(leaf *trillian.LogLeaf, code codes.Code, why string) *trillian.QueuedLogLeaf {
	return &trillian.QueuedLogLeaf{Leaf: leaf, Status: status.New(code, why).Proto()}
}

// occupant is the leaf at an index, in this batch or stored; nil when free.
func (a *addition) occupant(index int64) (*trillian.LogLeaf, error) {
	if uint64(index) >= a.end {
		return nil, nil
	}
	if leaf := a.indexes[index]; leaf != nil || uint64(index) >= a.state.end {
		return leaf, nil
	}
	value, err := get(a.db, leafKey(a.tree, uint64(index)))
	if value == nil || err != nil {
		return nil, err
	}
	return parseLeaf(value, uint64(index))
}

// identified is the leaf with an identity that is not its position's, in the
// tree or in the queue.
func (a *addition) identified(identity []byte) (*trillian.LogLeaf, error) {
	if leaf := a.identities[string(identity)]; leaf != nil {
		return leaf, nil
	}
	value, err := get(a.db, identityKey(a.tree, identity))
	if value == nil || err != nil {
		return nil, err
	}
	var index uint64
	key := queueKey(a.tree, value, identity)
	switch len(value) {
	case 8:
		index = binary.BigEndian.Uint64(value)
		key = leafKey(a.tree, index)
	case queuePlace:
	default:
		return nil, status.Errorf(codes.DataLoss, "the stored identity %x is damaged", identity)
	}
	if value, err = get(a.db, key); err != nil {
		return nil, err
	}
	return parseLeaf(value, index)
}

func (a *addition) storeIdentified(leaf *trillian.LogLeaf) (*trillian.QueuedLogLeaf, error) {
	index := binary.BigEndian.AppendUint64(nil, uint64(leaf.LeafIndex))
	if err := a.batch.Set(identityKey(a.tree, leaf.LeafIdentityHash), index, nil); err != nil {
		return nil, status.Errorf(codes.Internal, "storing leaf %d: %v", leaf.LeafIndex, err)
	}
	a.identities[string(leaf.LeafIdentityHash)] = leaf
	return a.store(leaf, false)
}

func (a *addition) store(leaf *trillian.LogLeaf, positional bool) (*trillian.QueuedLogLeaf, error) {
	index := uint64(leaf.LeafIndex)
	a.buf = appendLeaf(a.buf[:0], leaf, positional, a.at)
	if err := a.batch.Set(leafKey(a.tree, index), a.buf, nil); err != nil {
		return nil, status.Errorf(codes.Internal, "storing leaf %d: %v", index, err)
	}
	if a.indexes != nil {
		a.indexes[leaf.LeafIndex] = leaf
	}
	a.end = max(a.end, index+1)
	return &trillian.QueuedLogLeaf{Leaf: leaf}, nil // no status is OK
}

// commit writes what was added and lets readers see it.
func (a *addition) commit(s *store, opts *pebble.WriteOptions) error {
	if a.batch.Empty() {
		return nil
	}
	if err := a.batch.Commit(opts); err != nil {
		return status.Errorf(codes.Internal, "storing leaves: %v", err)
	}
	a.state.end = a.end
	return s.renew(a.state, a.content)
}
