package locallog

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/tree"
	"github.com/transparency-dev/merkle/compact"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxRange bounds the leaves read in one go, in bytes, so that no request and
// no batch of the sequencer takes memory without limit.
const maxRange = 64 << 20

// A reader is a transaction that reads one tree through r.
type reader struct {
	tree *trillian.Tree
	r    pebble.Reader
	content
	cache *tileCache
	end   func() error
}

// LatestSignedLogRoot is the root the transaction began with, a copy.
func (tx *reader) LatestSignedLogRoot(context.Context) (*trillian.SignedLogRoot, error) {
	if tx.head == nil {
		return nil, storage.ErrTreeNeedsInit
	}
	return &trillian.SignedLogRoot{LogRoot: bytes.Clone(tx.head)}, nil
}

// GetMerkleNodes reads or recomputes nodes, each from one tile.
func (tx *reader) GetMerkleNodes(_ context.Context, ids []compact.NodeID) ([]tree.Node, error) {
	nodes := make([]tree.Node, len(ids))
	hashes := make([]byte, 0, len(ids)*hashSize) // copies: the tiles are shared
	for i, id := range ids {
		where, first, n, err := locate(id)
		if err != nil {
			return nil, err
		}
		t, err := tx.tile(where)
		if err != nil {
			return nil, err
		}
		hash := t.node(first, n)
		if hash == nil {
			return nil, status.Errorf(codes.NotFound, "node %d at level %d is not in the tree", id.Index, id.Level)
		}
		hashes = append(hashes, hash...)
		nodes[i] = tree.Node{ID: id, Hash: hashes[i*hashSize:][:hashSize:hashSize]}
	}
	return nodes, nil
}

// tile is a tile as committed; empty when there is none. A tile that is full
// in this transaction's tree is the same for every transaction.
func (tx *reader) tile(id tileID) (*tile, error) {
	if t := tx.edge.at(id); t != nil {
		return t, nil
	}
	if id.index >= tx.root.TreeSize>>(tileHeight*(uint(id.level)+1)) {
		return new(tile), nil // neither full nor on the edge
	}
	if t := tx.cache.get(tx.tree.TreeId, id); t != nil {
		return t, nil
	}
	t, err := storedTile(tx.r, tx.tree.TreeId, id)
	if err == nil && t.full() {
		tx.cache.put(tx.tree.TreeId, id, t)
	}
	return t, err
}

func storedTile(r pebble.Reader, tree int64, id tileID) (*tile, error) {
	hashes, err := get(r, tileKey(tree, id))
	if err != nil {
		return nil, err
	}
	if len(hashes)%hashSize != 0 || len(hashes) > tileBytes {
		return nil, status.Errorf(codes.DataLoss, "tile %d at level %d is damaged", id.index, id.level)
	}
	return &tile{hashes: hashes}, nil
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

// GetLeavesByHash finds leaves of the tree by their Merkle leaf hash, in the
// order of their indexes. It has no index of its own to ask: it goes through
// the tiles of the lowest level, 32 bytes a leaf.
func (tx *reader) GetLeavesByHash(ctx context.Context, hashes [][]byte, _ bool) ([]*trillian.LogLeaf, error) {
	wanted := make(map[[hashSize]byte]bool, len(hashes))
	for _, hash := range hashes {
		if len(hash) != hashSize {
			return nil, status.Errorf(codes.InvalidArgument, "a leaf hash has %d bytes, want %d", len(hash), hashSize)
		}
		wanted[[hashSize]byte(hash)] = true
	}
	indexes, err := tx.find(ctx, wanted)
	if err != nil {
		return nil, err
	}
	found := make([]*trillian.LogLeaf, 0, len(indexes))
	for _, index := range indexes {
		leaves, err := tx.leaves(index, 1)
		if err != nil {
			return nil, err
		}
		found = append(found, leaves...)
	}
	return found, nil
}

// find goes through the leaf hashes of the tree.
func (tx *reader) find(ctx context.Context, wanted map[[hashSize]byte]bool) ([]uint64, error) {
	id := tx.tree.TreeId
	it, err := tx.r.NewIter(&pebble.IterOptions{LowerBound: tileKey(id, tileID{}), UpperBound: tileKey(id, tileID{level: 1})})
	if err != nil {
		return nil, status.Errorf(codes.Internal, "finding leaves: %v", err)
	}
	defer it.Close()
	var indexes []uint64
	for ok := it.First(); ok && ctx.Err() == nil; ok = it.Next() {
		key, hashes := it.Key(), it.Value()
		index := binary.BigEndian.Uint64(key[len(key)-8:]) * tileWidth
		for ; len(hashes) >= hashSize; hashes, index = hashes[hashSize:], index+1 {
			if wanted[[hashSize]byte(hashes)] {
				indexes = append(indexes, index)
			}
		}
	}
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err := it.Error(); err != nil {
		return nil, status.Errorf(codes.Internal, "finding leaves: %v", err)
	}
	return indexes, nil
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
