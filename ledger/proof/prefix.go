package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// TagLabel is where the index keeps a tag: SHA-256(0x01 ‖ tag).
func TagLabel(t events.Tag) Hash { return sha256.Sum256(append([]byte{1}, t[:]...)) }

// PersonLabel is where the index keeps the enrolment of a VRF output:
// SHA-256(0x02 ‖ output).
func PersonLabel(output [64]byte) Hash { return sha256.Sum256(append([]byte{2}, output[:]...)) }

// IndexValue is what the index keeps for a tag or an enrolment: where it stands
// in the ledger, SHA-256(u64 position ‖ leaf hash of the entry there).
func IndexValue(i events.Index, leaf Hash) Hash {
	return sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(i)), leaf[:]...))
}

// IndexItem is one leaf of a prefix tree.
type IndexItem struct{ Label, Value Hash }

// Prefix is the beginning that all labels below a node share: the first Bits of
// Path, whose other bits are zero.
type Prefix struct {
	Bits int // 0 to 256
	Path Hash
}

// PrefixOf is the first n bits of a label.
func PrefixOf(label Hash, n int) Prefix {
	p := Prefix{Bits: n}
	copy(p.Path[:n/8], label[:n/8])
	if n%8 != 0 {
		p.Path[n/8] = label[n/8] & (0xff << (8 - n%8))
	}
	return p
}

// String is p as questions spell it: its bits, a colon, and in hexadecimal the bytes
// they need, as 12:a5f0.
func (p Prefix) String() string { return fmt.Sprintf("%d:%x", p.Bits, p.Path[:(p.Bits+7)/8]) }

// ParsePrefix reads what String writes and nothing else.
func ParsePrefix(s string) (p Prefix, err error) {
	count, path, _ := strings.Cut(s, ":")
	b, errPath := hex.DecodeString(path)
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil || errPath != nil || n > 256 || len(b) > len(p.Path) {
		return Prefix{}, fmt.Errorf("reading the beginning of a label: %.80q is not like 12:a5f0", s)
	}
	copy(p.Path[:], b)
	p.Bits = int(n)
	if PrefixOf(p.Path, p.Bits) != p || p.String() != s {
		return Prefix{}, fmt.Errorf("reading the beginning of a label: %.80q is not in the one form it has", s)
	}
	return p, nil
}

// Has says that label begins with p.
func (p Prefix) Has(label Hash) bool { return PrefixOf(label, p.Bits) == p }

// within says that p begins with outer.
func (p Prefix) within(outer Prefix) bool { return p.Bits >= outer.Bits && outer.Has(p.Path) }

// common is the longest beginning that two labels share.
func common(a, b Hash) Prefix {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return PrefixOf(a, 8*i+bits.LeadingZeros8(x))
		}
	}
	return PrefixOf(a, 256)
}

// side is the bit of label behind the prefix of a node: 0 is left.
func side(label Hash, at int) int { return int(label[at/8]>>(7-at%8)) & 1 }

// Node is a node of a prefix tree, with as much of what is below as is known or
// shown. A nil *Node is the empty place beside the root's only child.
type Node struct {
	prefix Prefix
	value  Hash
	hash   Hash
	shown  shown
	child  [2]*Node // of an open node; only those of the root may be nil
}

type shown byte

const (
	asHash  shown = iota // the hash alone: nothing is known of what is below
	asStub               // prefix and value too: nothing outside the prefix is below
	asLeaf               // an item
	asInner              // with both children
)

// Hash binds a node to its place in the tree: SHA-256(u32 bits ‖ path).
func (p Prefix) Hash() Hash {
	var b [36]byte
	binary.BigEndian.PutUint32(b[:], uint32(p.Bits))
	copy(b[4:], p.Path[:])
	return sha256.Sum256(b[:])
}

// Hash is that of the leaf that is the item.
func (it IndexItem) Hash() Hash { return hashNode(PrefixOf(it.Label, 256), it.Value) }

// HashInner is the hash of the inner node at a place, which is the hash of its prefix,
// from those of its children: what [InnerNode] computes, for whoever keeps nodes in
// another form.
func HashInner(place, left, right Hash) Hash { return hashPair(hashPair(left, right), place) }

// hashNode is the hash of a node, as akd's configuration whatsapp_v1 makes it:
// SHA-256(value ‖ SHA-256(u32 bits ‖ path)).
func hashNode(p Prefix, value Hash) Hash { return hashPair(value, p.Hash()) }

func hashPair(a, b Hash) Hash {
	var pair [64]byte
	copy(pair[:], a[:])
	copy(pair[32:], b[:])
	return sha256.Sum256(pair[:])
}

// emptyValue and emptyHash stand for a tree without items, and for the place
// beside the only child of a root.
var (
	emptyValue = Hash(sha256.Sum256([]byte{0}))
	emptyPlace = Prefix{Path: Hash(bytes.Repeat([]byte{1}, 32))}
	emptyHash  = hashNode(emptyPlace, hashNode(emptyPlace, emptyValue))
)

// HashNode is a node of which only the hash is known.
func HashNode(h Hash) *Node { return &Node{hash: h} }

// StubNode is an inner node whose children are not known: its value is the
// SHA-256 of their two hashes.
func StubNode(p Prefix, value Hash) *Node {
	return &Node{prefix: p, value: value, hash: hashNode(p, value), shown: asStub}
}

// LeafNode is an item.
func LeafNode(it IndexItem) *Node {
	p := PrefixOf(it.Label, 256)
	return &Node{prefix: p, value: it.Value, hash: hashNode(p, it.Value), shown: asLeaf}
}

// InnerNode is a node with its two children; only a root, whose prefix is empty,
// may have nil in place of one or both.
func InnerNode(p Prefix, left, right *Node) *Node {
	n := &Node{prefix: p, shown: asInner, child: [2]*Node{left, right}}
	if left == nil && right == nil {
		n.value = emptyValue
	} else {
		n.value = hashPair(left.Hash(), right.Hash())
	}
	n.hash = hashNode(p, n.value)
	return n
}

// Hash is what the parent of n commits to; of a root, what the index states.
func (n *Node) Hash() Hash {
	if n == nil {
		return emptyHash
	}
	return n.hash
}

// Value is an item's value, and of an inner node the hash of its children's hashes.
func (n *Node) Value() Hash { return n.value }

// Prefix is what all labels below n begin with; it is not known of a [HashNode].
func (n *Node) Prefix() Prefix { return n.prefix }

// Children are what an inner node that shows them has, left and right.
func (n *Node) Children() (left, right *Node, ok bool) {
	return n.child[0], n.child[1], n.shown == asInner
}

// Stub is n without its children.
func (n *Node) Stub() *Node {
	if n == nil || n.shown != asInner {
		return n
	}
	return StubNode(n.prefix, n.value)
}

// BuildTree is the root of the prefix tree over items, which are sorted by label,
// each label once.
func BuildTree(items []IndexItem) (*Node, error) {
	for i := range items[min(1, len(items)):] {
		if bytes.Compare(items[i].Label[:], items[i+1].Label[:]) >= 0 {
			return nil, errors.New("building a prefix tree: the items are not sorted by label, each once")
		}
	}
	at := divide(items, 0)
	return InnerNode(Prefix{}, BuildNode(items[:at]), BuildNode(items[at:])), nil
}

// BuildNode is the node over items, sorted by label, each label once; nil for
// none. It is the root's child, or lower: see [BuildTree].
func BuildNode(items []IndexItem) *Node {
	switch len(items) {
	case 0:
		return nil
	case 1:
		return LeafNode(items[0])
	}
	p := common(items[0].Label, items[len(items)-1].Label)
	at := divide(items, p.Bits)
	return InnerNode(p, BuildNode(items[:at]), BuildNode(items[at:]))
}

// BuildHash is the hash of what [BuildNode] builds over at least one item.
func BuildHash(items []IndexItem) Hash {
	if len(items) == 1 {
		return hashNode(PrefixOf(items[0].Label, 256), items[0].Value)
	}
	p := common(items[0].Label, items[len(items)-1].Label)
	at := divide(items, p.Bits)
	return hashNode(p, hashPair(BuildHash(items[:at]), BuildHash(items[at:])))
}

// divide is how many of the sorted items have a zero at that bit.
func divide(items []IndexItem, bit int) int {
	at, _ := slices.BinarySearchFunc(items, 1, func(it IndexItem, want int) int { return side(it.Label, bit) - want })
	return at
}

// Find looks for a label below the root n. Known is false where n does not show
// enough; otherwise the label is there with its value, or is not there at all.
func (n *Node) Find(label Hash) (value Hash, present, known bool) {
	for n != nil {
		switch {
		case n.shown == asHash:
			return Hash{}, false, false
		case !n.prefix.Has(label):
			return Hash{}, false, true
		case n.shown == asLeaf:
			return n.value, true, true
		case n.shown == asStub:
			return Hash{}, false, false
		}
		n = n.child[side(label, n.prefix.Bits)]
	}
	return Hash{}, false, true
}
