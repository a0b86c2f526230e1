package locallog

import (
	"crypto/sha256"
	"encoding/binary"
)

const hashSize = sha256.Size

// The first byte of a key, and for a log the byte after the tree's number.
const (
	keyTree = 'T'
	keyLog  = 'L'

	partHead     = 'h'
	partLeaf     = 'l'
	partIdentity = 'i'
	partTile     = 't'
	partQueue    = 'q'
)

func treeKey(tree int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyTree}, uint64(tree))
}

// logKey begins every key of one part of one log. The spare capacity holds
// the longest key, so that appending to it does not allocate again.
func logKey(tree int64, part byte) []byte {
	key := make([]byte, 0, 1+8+1+queuePlace+hashSize)
	key = append(key, keyLog)
	key = binary.BigEndian.AppendUint64(key, uint64(tree))
	return append(key, part)
}

func headKey(tree int64) []byte { return logKey(tree, partHead) }

func leafKey(tree int64, index uint64) []byte {
	return binary.BigEndian.AppendUint64(logKey(tree, partLeaf), index)
}

func identityKey(tree int64, identity []byte) []byte {
	return append(logKey(tree, partIdentity), identity...)
}

func tileKey(tree int64, id tileID) []byte {
	return binary.BigEndian.AppendUint64(append(logKey(tree, partTile), id.level), id.index)
}

// queueKey is where a leaf waits, under its place and its identity.
func queueKey(tree int64, place, identity []byte) []byte {
	return append(append(logKey(tree, partQueue), place...), identity...)
}

// logBounds encloses every key of a log but its tree record. Tree numbers are
// positive, so the next number exists.
func logBounds(tree int64) (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint64([]byte{keyLog}, uint64(tree))
	upper = binary.BigEndian.AppendUint64([]byte{keyLog}, uint64(tree)+1)
	return lower, upper
}

// positionIdentity is the identity hash of the leaf at index: unique because
// the index is.
func positionIdentity(index uint64) [hashSize]byte {
	const domain = "daybook/leaf-identity@1\n"
	var buf [len(domain) + 8]byte
	copy(buf[:], domain)
	binary.BigEndian.PutUint64(buf[len(domain):], index)
	return sha256.Sum256(buf[:])
}
