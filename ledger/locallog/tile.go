package locallog

import (
	"bytes"
	"crypto/sha256"
	"math/bits"
	"sync"

	"github.com/transparency-dev/merkle/compact"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tileBytes  = tileWidth * hashSize
	tileLevels = 64 / tileHeight
)

// A tileID names a tile: its level, in steps of eight levels of the tree, and
// its place in that level.
type tileID struct {
	level uint8
	index uint64
}

// locate says which tile holds what a node of the tree is made of, and which
// of its hashes: n of them from first on, n = 1 for a node that is stored.
func locate(id compact.NodeID) (tile tileID, first, n int, err error) {
	if id.Level > 63 || id.Index > ^uint64(0)>>id.Level {
		return tileID{}, 0, 0, status.Errorf(codes.InvalidArgument, "no tree has node %d at level %d", id.Index, id.Level)
	}
	rest := id.Level % tileHeight
	position := id.Index << rest
	tile = tileID{level: uint8(id.Level / tileHeight), index: position / tileWidth}
	return tile, int(position % tileWidth), 1 << rest, nil
}

// A tile is a tile as committed. Nothing writes to it, so transactions share
// it.
type tile struct {
	hashes []byte // those stored: at most tileWidth
	once   sync.Once
	inner  []byte // the nodes between its level and the next, row after row
}

// full reports whether the tile will never grow.
func (t *tile) full() bool { return len(t.hashes) == tileBytes }

// node is the root of the perfect tree over n of the stored hashes, from first
// on, n a power of two; nil when the tile does not reach that far. The first
// node that is not stored computes all of them, at the price of one path.
func (t *tile) node(first, n int) []byte {
	if len(t.hashes) < (first+n)*hashSize {
		return nil
	}
	if n == 1 {
		return t.hashes[first*hashSize:][:hashSize]
	}
	t.once.Do(func() { t.inner = innerNodes(t.hashes) })
	row := tileWidth - 2*tileWidth/n // the widths of the rows below: 128, 64 …
	return t.inner[(row+first/n)*hashSize:][:hashSize]
}

// innerNodes are the nodes above hashes that have all their leaves, in rows of
// 128, 64 … 2, with the places of the others left empty.
func innerNodes(hashes []byte) []byte {
	nodes := make([]byte, (tileWidth-2)*hashSize)
	row := nodes
	for width := tileWidth / 2; width > 1; width /= 2 {
		n := len(hashes) / (2 * hashSize)
		for i := range n {
			hash := interior(hashes[2*i*hashSize:][:2*hashSize])
			copy(row[i*hashSize:], hash[:])
		}
		hashes, row = row[:n*hashSize], row[width*hashSize:]
	}
	return nodes
}

// interior is the hash of a node with two children (RFC 6962).
func interior(children []byte) [hashSize]byte {
	var node [1 + 2*hashSize]byte
	node[0] = 1
	copy(node[1:], children)
	return sha256.Sum256(node[:])
}

// An edge is the last tile of each level at one root, as far as they are
// known. It is replaced, never changed.
type edge [tileLevels]struct {
	index uint64
	tile  *tile
}

// at is a tile of the edge, nil when it is not there. There may be no edge.
func (e *edge) at(id tileID) *tile {
	if e == nil || e[id.level].index != id.index {
		return nil
	}
	return e[id.level].tile
}

// with is the edge after these tiles were committed.
func (e *edge) with(tiles map[tileID]*tile) *edge {
	next := new(edge)
	if e != nil {
		*next = *e
	}
	for id, t := range tiles {
		if last := &next[id.level]; last.tile == nil || id.index >= last.index {
			last.index, last.tile = id.index, t
		}
	}
	return next
}

// A draft is a tile that grows in a transaction. Nodes arrive in any order.
type draft struct {
	hashes [tileBytes]byte
	have   [tileWidth / 64]uint64
}

func newDraft(stored []byte) *draft {
	d := new(draft)
	for i := range copy(d.hashes[:], stored) / hashSize {
		d.have[i/64] |= 1 << (i % 64)
	}
	return d
}

// set puts a hash in its place. A hash already there never changes, since the
// nodes kept are roots of full subtrees.
func (d *draft) set(i int, hash []byte) error {
	place := d.hashes[i*hashSize:][:hashSize]
	if d.have[i/64]&(1<<(i%64)) != 0 && !bytes.Equal(place, hash) {
		return status.Errorf(codes.FailedPrecondition, "a node of the tree would change")
	}
	copy(place, hash)
	d.have[i/64] |= 1 << (i % 64)
	return nil
}

// tile is the finished tile; a hash missing before the last is refused.
func (d *draft) tile() ([]byte, error) {
	total, prefix, run := 0, 0, true
	for _, word := range d.have {
		total += bits.OnesCount64(word)
		if run {
			n := bits.TrailingZeros64(^word)
			prefix += n
			run = n == 64
		}
	}
	if total != prefix {
		return nil, status.Errorf(codes.FailedPrecondition, "a node of the tree is missing before another")
	}
	return d.hashes[:prefix*hashSize], nil
}
