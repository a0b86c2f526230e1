package proof

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

// EntryNodes says which hashes of the log prove entries at positions, which ascend,
// to be in the tree of size, and that tree to begin with the one of size old: as
// the indexes that [tlog.StoredHashIndex] gives, in the order [CheckEntries] wants
// them. Hashes that several entries need are there once.
func EntryNodes(positions []events.Index, old, size events.Size) []int64 {
	var out []int64
	w := treeWalk{
		old:  uint64(old),
		leaf: func(events.Index) Hash { return Hash{} },
		node: func(level int, n uint64) Hash {
			out = append(out, tlog.StoredHashIndex(level, int64(n)))
			return Hash{}
		},
	}
	if size > 0 {
		w.hash(0, uint64(size), positions)
	}
	return out
}

// CheckEntries returns nil if nodes prove that the log c describes has leaves at
// positions, which ascend, and that the one old describes is its beginning. Both
// must already be trusted; a position must lie in the smaller.
func CheckEntries(positions []events.Index, leaves, nodes []Hash, old, c Checkpoint) error {
	if err := walkEntries(positions, leaves, nodes, old, c, nil); err != nil {
		return fmt.Errorf("checking entries: %w", err)
	}
	return nil
}

// walkEntries is CheckEntries, which tells of every inner node that it computes.
func walkEntries(positions []events.Index, leaves, nodes []Hash, old, c Checkpoint, inner innerNode) error {
	for _, tree := range []Checkpoint{old, c} {
		if err := checkTree(tree, nil); err != nil {
			return err
		}
	}
	if old.Size == 0 || old.Size > c.Size || len(positions) != len(leaves) {
		return fmt.Errorf("size %d is no beginning of size %d", old.Size, c.Size)
	}
	for i, p := range positions {
		if i > 0 && p <= positions[i-1] || uint64(p) >= uint64(old.Size) {
			return fmt.Errorf("position %d is out of order, or outside a log of size %d", p, old.Size)
		}
	}
	left, short := nodes, false
	w := treeWalk{
		old:   uint64(old.Size),
		inner: inner,
		leaf: func(events.Index) (h Hash) {
			h, leaves = leaves[0], leaves[1:]
			return h
		},
		node: func(int, uint64) (h Hash) {
			if short = short || len(left) == 0; !short {
				h, left = left[0], left[1:]
			}
			return h
		},
	}
	root, before := w.hash(0, uint64(c.Size), positions)
	switch {
	case short || len(left) > 0:
		return errors.New("there are not as many hashes as are needed")
	case root != c.Root:
		return fmt.Errorf("the hashes do not lead to the root at size %d", c.Size)
	case before != old.Root:
		return fmt.Errorf("the hashes do not lead to the root at size %d", old.Size)
	}
	return nil
}

// treeWalk computes the root of a tree from some of its leaves, and that of its
// first old entries. It asks for leaves and for the hashes beside them from left to
// right.
type treeWalk struct {
	old  uint64
	leaf func(events.Index) Hash
	node func(level int, n uint64) Hash // of a full subtree
	// inner is told what was computed, unless it is nil.
	inner innerNode
}

// innerNode is told of the node over the entries from lo until hi.
type innerNode func(lo, hi uint64, left, right, now Hash)

// join is the node over two.
func (w *treeWalk) join(lo, hi uint64, left, right Hash) Hash {
	now := tlog.NodeHash(left, right)
	if w.inner != nil {
		w.inner(lo, hi, left, right, now)
	}
	return now
}

// hash is that of the entries from lo until hi, with leaves at marks; then is that
// of those among them that the smaller tree has, if it has any.
func (w *treeWalk) hash(lo, hi uint64, marks []events.Index) (now, then Hash) {
	n := hi - lo
	full, cut := n&(n-1) == 0, lo < w.old && w.old < hi
	switch {
	case full && !cut && len(marks) == 0:
		h := w.node(bits.TrailingZeros64(n), lo/n)
		return h, h
	case n == 1:
		h := w.leaf(marks[0])
		return h, h
	}
	middle := lo + 1<<(bits.Len64(n-1)-1)
	at, _ := slices.BinarySearch(marks, events.Index(middle))
	left, thenLeft := w.hash(lo, middle, marks[:at])
	right, thenRight := w.hash(middle, hi, marks[at:])
	now = w.join(lo, hi, left, right)
	switch {
	case w.old <= middle:
		return now, thenLeft
	case w.old >= hi:
		return now, now
	}
	return now, w.join(lo, w.old, left, thenRight)
}
