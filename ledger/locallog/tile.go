package locallog

import (
	"bytes"
	"crypto/sha256"
	"math/bits"

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

// hashUp is the root of the perfect tree over hashes, whose number is a power
// of two. The interior hash is that of RFC 6962.
func hashUp(hashes []byte) [hashSize]byte {
	if len(hashes) == hashSize {
		return [hashSize]byte(hashes)
	}
	var node [1 + 2*hashSize]byte
	node[0] = 1
	half := len(hashes) / 2
	left, right := hashUp(hashes[:half]), hashUp(hashes[half:])
	copy(node[1:], left[:])
	copy(node[1+hashSize:], right[:])
	return sha256.Sum256(node[:])
}

// An edge is the last tile of each level, as committed. Its tiles are shared
// and never written to.
type edge [tileLevels]struct {
	index  uint64
	hashes []byte
}

func (e *edge) tile(id tileID) ([]byte, bool) {
	last := &e[id.level]
	return last.hashes, last.hashes != nil && last.index == id.index
}

// extend takes a committed tile in when it is the last of its level.
func (e *edge) extend(id tileID, hashes []byte) {
	if last := &e[id.level]; id.index >= last.index {
		last.index, last.hashes = id.index, hashes
	}
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
