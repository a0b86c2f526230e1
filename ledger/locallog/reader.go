package locallog

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/tree"
	"github.com/google/trillian/types"
	"github.com/transparency-dev/merkle/compact"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxRange bounds the leaves read in one go, in bytes, so that no request and
// no batch of the sequencer takes memory without limit.
const maxRange = 64 << 20

// A reader is a transaction that reads one tree. head is nil for a tree that
// needs initialising.
type reader struct {
	tree  *trillian.Tree
	r     pebble.Reader
	head  *trillian.SignedLogRoot
	root  types.LogRootV1
	edge  *edge // of the writer; nil for a snapshot
	tiles map[tileID][]byte
	end   func() error
}

func (s *store) newReader(r pebble.Reader, t *trillian.Tree) (*reader, error) {
	if _, err := s.tree(r, t.TreeId); err != nil {
		return nil, err
	}
	tx := &reader{tree: t, r: r, tiles: map[tileID][]byte{}}
	value, err := get(r, headKey(t.TreeId))
	if value == nil || err != nil {
		return tx, err
	}
	if err := tx.root.UnmarshalBinary(value); err != nil {
		return nil, status.Errorf(codes.DataLoss, "reading the root of tree %d: %v", t.TreeId, err)
	}
	tx.head = &trillian.SignedLogRoot{LogRoot: value}
	return tx, nil
}

// LatestSignedLogRoot is the root the transaction began with.
func (tx *reader) LatestSignedLogRoot(context.Context) (*trillian.SignedLogRoot, error) {
	if tx.head == nil {
		return nil, storage.ErrTreeNeedsInit
	}
	return tx.head, nil
}

// GetMerkleNodes reads or recomputes nodes, each from one tile.
func (tx *reader) GetMerkleNodes(_ context.Context, ids []compact.NodeID) ([]tree.Node, error) {
	nodes := make([]tree.Node, len(ids))
	for i, id := range ids {
		tile, first, n, err := locate(id)
		if err != nil {
			return nil, err
		}
		hashes, err := tx.tile(tile)
		if err != nil {
			return nil, err
		}
		if len(hashes) < (first+n)*hashSize {
			return nil, status.Errorf(codes.NotFound, "node %d at level %d is not in the tree", id.Index, id.Level)
		}
		hash := hashUp(hashes[first*hashSize : (first+n)*hashSize])
		nodes[i] = tree.Node{ID: id, Hash: hash[:]}
	}
	return nodes, nil
}

// tile is a tile as committed; empty when there is none.
func (tx *reader) tile(id tileID) ([]byte, error) {
	if tx.edge != nil {
		if hashes, ok := tx.edge.tile(id); ok {
			return hashes, nil
		}
	}
	if hashes, ok := tx.tiles[id]; ok {
		return hashes, nil
	}
	hashes, err := get(tx.r, tileKey(tx.tree.TreeId, id))
	if err != nil {
		return nil, err
	}
	if len(hashes)%hashSize != 0 || len(hashes) > tileBytes {
		return nil, status.Errorf(codes.DataLoss, "tile %d at level %d is damaged", id.index, id.level)
	}
	tx.tiles[id] = hashes
	return hashes, nil
}

// GetLeavesByRange reads leaves from start on, at most count, and fewer when
// they are large or end before. In a PREORDERED_LOG they go on beyond the
// tree, as far as they are contiguous.
func (tx *reader) GetLeavesByRange(_ context.Context, start, count int64) ([]*trillian.LogLeaf, error) {
	if start < 0 || count <= 0 {
		return nil, status.Errorf(codes.InvalidArgument, "invalid range: start %d, count %d", start, count)
	}
	if size := tx.root.TreeSize; tx.tree.TreeType == trillian.TreeType_LOG {
		if uint64(start) >= size {
			return nil, status.Errorf(codes.OutOfRange, "leaf %d is not in the tree of size %d", start, size)
		}
		count = int64(min(uint64(count), size-uint64(start)))
	}
	return tx.leaves(uint64(start), uint64(min(count, math.MaxInt64-start)))
}

func (tx *reader) leaves(start, count uint64) ([]*trillian.LogLeaf, error) {
	id := tx.tree.TreeId
	it, err := tx.r.NewIter(&pebble.IterOptions{LowerBound: leafKey(id, start), UpperBound: leafKey(id, start+count)})
	if err != nil {
		return nil, status.Errorf(codes.Internal, "reading leaves: %v", err)
	}
	defer it.Close()
	leaves, next, left := []*trillian.LogLeaf{}, start, maxRange
	for ok := it.First(); ok && left > 0; ok = it.Next() {
		key := it.Key()
		if binary.BigEndian.Uint64(key[len(key)-8:]) != next {
			break
		}
		value := append([]byte{}, it.Value()...)
		leaf, err := parseLeaf(value, next)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
		left -= len(value)
		next++
	}
	if err := it.Error(); err != nil {
		return nil, status.Errorf(codes.Internal, "reading leaves: %v", err)
	}
	if next < min(start+count, tx.root.TreeSize) && left > 0 {
		return nil, status.Errorf(codes.DataLoss, "leaf %d of the tree of size %d is missing", next, tx.root.TreeSize)
	}
	return leaves, nil
}

// GetLeavesByHash needs an index of Merkle leaf hashes, which trees of type
// LOG have.
func (tx *reader) GetLeavesByHash(context.Context, [][]byte, bool) ([]*trillian.LogLeaf, error) {
	return nil, status.Error(codes.Unimplemented, "this storage finds leaves by index only")
}

// Commit does nothing: what was read was one snapshot.
func (tx *reader) Commit(context.Context) error { return nil }

// Close ends the transaction. It may be called again.
func (tx *reader) Close() error {
	if tx.end == nil {
		return nil
	}
	end := tx.end
	tx.end = nil
	return end()
}
