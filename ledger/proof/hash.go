package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxSize is the largest log this package speaks about: positions are JSON
// integers, which are exact below 2^53.
const MaxSize events.Size = 1 << 53

// MaxEntry is the most bytes an entry can have, set by the 16-bit length in
// an entry bundle.
const MaxEntry = 1<<16 - 1

// maxPath bounds the hashes of any proof: no tree of a 63-bit size is deeper.
const maxPath = 63

// Hash is a SHA-256 hash of RFC 6962: of a leaf, an inner node or a tree.
type Hash = tlog.Hash

// LeafHash is the RFC 6962 hash of an entry as a leaf of the log,
// SHA-256(0x00 ‖ entry).
func LeafHash(entry []byte) Hash { return tlog.RecordHash(entry) }

// EmptyRoot is the root hash of a log of size 0, the SHA-256 of nothing.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// CheckInclusion returns nil if path proves that entry stands at position i of
// the log that c describes. The path runs from the leaf's sibling to the
// root's child. c must already be trusted.
func CheckInclusion(entry []byte, i events.Index, path []Hash, c Checkpoint) error {
	if err := checkTree(c, path); err != nil {
		return fmt.Errorf("checking inclusion: %w", err)
	}
	if uint64(i) >= uint64(c.Size) {
		return fmt.Errorf("checking inclusion: position %d is outside a log of size %d", i, c.Size)
	}
	if err := tlog.CheckRecord(path, int64(c.Size), c.Root, int64(i), LeafHash(entry)); err != nil {
		return fmt.Errorf("checking inclusion: position %d of size %d: the path does not lead to the root", i, c.Size)
	}
	return nil
}

// CheckConsistency returns nil if path proves that the log new describes
// begins with all entries of the log old describes. Both must already be
// trusted. Equal sizes need equal roots; these and an old size of 0 need an
// empty path.
func CheckConsistency(old, new Checkpoint, path []Hash) error {
	if old.Origin != new.Origin {
		return fmt.Errorf("checking consistency: origins %q and %q differ", old.Origin, new.Origin)
	}
	for _, c := range []Checkpoint{old, new} {
		if err := checkTree(c, path); err != nil {
			return fmt.Errorf("checking consistency: %w", err)
		}
	}
	switch {
	case old.Size > new.Size:
		return fmt.Errorf("checking consistency: size %d is not an extension of size %d", new.Size, old.Size)
	case old.Size == new.Size && old.Root != new.Root:
		return fmt.Errorf("checking consistency: two roots at size %d", old.Size)
	case old.Size == new.Size || old.Size == 0:
		if len(path) != 0 {
			return errors.New("checking consistency: the path must be empty")
		}
		return nil
	}
	if err := tlog.CheckTree(path, int64(new.Size), new.Root, int64(old.Size), old.Root); err != nil {
		return fmt.Errorf("checking consistency: sizes %d and %d: the path does not lead to both roots", old.Size, new.Size)
	}
	return nil
}

// ConsistencyBeginning is the root that a log with root end has at the smaller size
// old, as path shows: whoever has another one in a signed checkpoint has two that are
// not consistent. It is not known when old is a power of two, as such a path leaves it
// out, nor when the path does not lead to end.
func ConsistencyBeginning(path []Hash, old events.Size, end Checkpoint) (root Hash, known bool) {
	if checkTree(end, path) != nil || old == 0 || old >= end.Size || old&(old-1) == 0 || len(path) == 0 {
		return root, false
	}
	// As RFC 9162 section 2.1.4.2 verifies one: fn and sn are the last nodes of both
	// trees, on the level the path has come to.
	fn, sn := uint64(old)-1, uint64(end.Size)-1
	for ; fn&1 == 1; fn, sn = fn>>1, sn>>1 {
	}
	first, last := path[0], path[0]
	for _, h := range path[1:] {
		switch {
		case sn == 0:
			return root, false
		case fn&1 == 1 || fn == sn:
			first, last = tlog.NodeHash(h, first), tlog.NodeHash(h, last)
			for ; fn&1 == 0 && fn != 0; fn, sn = fn>>1, sn>>1 {
			}
		default:
			last = tlog.NodeHash(last, h)
		}
		fn, sn = fn>>1, sn>>1
	}
	return first, sn == 0 && last == end.Root
}

// checkTree bounds what reaches the tree arithmetic, which works on int64 and
// does not end for sizes near 2^63.
func checkTree(c Checkpoint, path []Hash) error {
	if c.Size > MaxSize {
		return fmt.Errorf("size %d is above %d", c.Size, MaxSize)
	}
	if c.Size == 0 && c.Root != EmptyRoot() {
		return errors.New("size 0 with a root that is not that of the empty tree")
	}
	if len(path) > maxPath {
		return fmt.Errorf("path has %d hashes, more than %d", len(path), maxPath)
	}
	return nil
}
