package trail

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// A tree is one of the two, by the byte its items' keys begin with.
type tree byte

const (
	tags   tree = 't'
	labels tree = 'l'
)

// paged is how many items a subtree may have before it gets a page: fewer are
// read and hashed again each time, which costs less than keeping their nodes.
const paged = 32

// place is a subtree by the first digits of its labels, of four bits each.
type place struct {
	depth int
	path  proof.Hash // digits behind depth are zero
}

func (p place) child(digit int) place {
	at := p.path
	at[p.depth/2] |= byte(digit) << (4 * (1 - p.depth%2))
	return place{p.depth + 1, at}
}

func (p place) prefix() proof.Prefix { return proof.Prefix{Bits: 4 * p.depth, Path: p.path} }

// digit is where a label goes from p.
func (p place) digit(label proof.Hash) int {
	return int(label[p.depth/2]>>(4*(1-p.depth%2))) & 15
}

// key is that of the page of p: depth before path, so that the upper pages, which
// every batch changes, lie together.
func (p place) key(t tree) []byte {
	k := append(make([]byte, 0, 34), byte(t)&^0x20, byte(p.depth))
	return append(k, p.path[:(p.depth+1)/2]...)
}

// bounds are the keys of the items in p: from the first to before the second.
func (p place) bounds(t tree) (from, to []byte) {
	from = append([]byte{byte(t)}, p.path[:]...)
	end := p.path
	for d := p.depth - 1; d >= 0; d-- {
		shift := 4 * (1 - d%2)
		if end[d/2]>>shift&15 < 15 {
			end[d/2] += 1 << shift
			return from, append([]byte{byte(t)}, end[:]...)
		}
		end[d/2] &^= 15 << shift
	}
	return from, []byte{byte(t) + 1}
}

// page is what is kept of a subtree of more than paged items: the hashes of the
// nodes over the items with each next digit.
type page struct {
	has   uint16 // digits that have items
	pages uint16 // digits that have a page of their own
	hash  [16]proof.Hash
}

func (g *page) set(digit int, h proof.Hash, paged bool) {
	g.has |= 1 << digit
	if paged {
		g.pages |= 1 << digit
	}
	g.hash[digit] = h
}

// page = u16 has ‖ u16 pages ‖ 32 bytes for each digit in has, ascending.
func (g *page) encode() []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 4+32*16), g.has)
	b = binary.BigEndian.AppendUint16(b, g.pages)
	for d := range g.hash {
		if g.has>>d&1 == 1 {
			b = append(b, g.hash[d][:]...)
		}
	}
	return b
}

func decodePage(b []byte) (*page, error) {
	g := new(page)
	if len(b) >= 4 {
		g.has, g.pages = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		b = b[4:]
	}
	if g.has == 0 || g.pages&^g.has != 0 || len(b) != 32*bits.OnesCount16(g.has) {
		return nil, errors.New("a page of the tree is malformed")
	}
	for d := range g.hash {
		if g.has>>d&1 == 1 {
			b = b[copy(g.hash[d][:], b):]
		}
	}
	return g, nil
}

// node is the node over a page whose digits are these nodes, or the tree's root.
func (p place) node(digits [16]*proof.Node) *proof.Node {
	level := digits[:]
	for bit := 3; bit >= 0; bit-- {
		for i := range level[:1<<bit] {
			at := p.child(i << (4 - bit)).path
			level[i] = join(proof.Prefix{Bits: 4*p.depth + bit, Path: at}, level[2*i], level[2*i+1])
		}
	}
	return level[0]
}

func join(p proof.Prefix, left, right *proof.Node) *proof.Node {
	switch {
	case p.Bits == 0:
		return proof.InnerNode(proof.Prefix{}, left, right)
	case left == nil:
		return right
	case right == nil:
		return left
	}
	return proof.InnerNode(p, left, right)
}

// hash is that of the node over the page at p.
func (g *page) hashAt(p place) proof.Hash {
	var digits [16]*proof.Node
	for d := range digits {
		if g.has>>d&1 == 1 {
			digits[d] = proof.HashNode(g.hash[d])
		}
	}
	return p.node(digits).Hash()
}

// alone is the one digit with items nearest to a digit without any, if the node
// that says so is over that digit alone: then only what is below it shows that a
// label is not there.
func (g *page) alone(digit int) (int, bool) {
	for width := 2; width <= 16; width *= 2 {
		mask := uint16(1<<width-1) << (digit / width * width)
		if near := g.has & mask; near != 0 {
			return bits.TrailingZeros16(near), bits.OnesCount16(near) == 1
		}
	}
	return 0, false
}
