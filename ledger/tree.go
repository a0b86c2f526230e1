package ledger

import (
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// tree is our own computation of the log: its size and, for each tile level,
// the hashes of the unfinished tile. That right edge is all a root needs and
// all that appending needs, so a tree of any size takes at most 64 KiB. It
// shares no code with the log it is compared with.
type tree struct {
	size events.Size
	edge [][]proof.Hash // by tile level; each shorter than a full tile
}

// add appends one leaf and reports every hash that this adds to a tile, the
// lowest level first. A finished tile's root is the next hash one level up.
func (t *tree) add(leaf proof.Hash, each func(level int, h proof.Hash)) {
	h := leaf
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, make([]proof.Hash, 0, proof.TileWidth))
		}
		t.edge[level] = append(t.edge[level], h)
		each(level, h)
		if len(t.edge[level]) < proof.TileWidth {
			break
		}
		h = subtree(t.edge[level])
		t.edge[level] = t.edge[level][:0]
	}
	t.size++
}

// root is the RFC 6962 tree hash. The edge's widths are the size's digits to
// base 256, so its hashes fall into one complete subtree for each bit that is
// set, and these are joined from the right.
func (t *tree) root() proof.Hash {
	if t.size == 0 {
		return proof.EmptyRoot()
	}
	var root proof.Hash
	empty := true
	for _, hashes := range t.edge {
		for w := len(hashes); w > 0; {
			k := w & -w
			left := subtree(hashes[w-k : w])
			if empty {
				root, empty = left, false
			} else {
				root = tlog.NodeHash(left, root)
			}
			w -= k
		}
	}
	return root
}

// subtree is the root over hashes, whose number must be a power of two.
func subtree(hashes []proof.Hash) proof.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

// hashesAt is how many hashes the tiles of a level hold in a log of size n.
func hashesAt(n events.Size, level int) uint64 { return uint64(n) >> (8 * level) }

// levels is how many tile levels there can be: sizes have 64 bits, a level
// takes eight.
const levels = 8

func joinHashes(hashes []proof.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// splitHashes is the reverse of joinHashes; bytes after the last whole hash
// are left out.
func splitHashes(b []byte) []proof.Hash {
	out := make([]proof.Hash, len(b)/tlog.HashSize)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out
}
