package proof

import (
	"errors"
	"fmt"
	"slices"
)

// Items are the items shown below n, sorted by label.
func (n *Node) Items() []IndexItem {
	switch {
	case n == nil:
		return nil
	case n.shown == asLeaf:
		return []IndexItem{{n.prefix.Path, n.value}}
	case n.shown == asInner:
		return append(n.child[0].Items(), n.child[1].Items()...)
	}
	return nil
}

// Whole says that n shows everything that begins with p.
func (n *Node) Whole(p Prefix) bool {
	switch {
	case n == nil || n.shown == asLeaf:
		return true
	case n.shown == asHash:
		return false
	case !n.prefix.within(p) && !p.within(n.prefix):
		return true
	case n.shown == asStub:
		return false
	case n.prefix.within(p) || n.prefix.Bits == p.Bits:
		return n.child[0].Whole(p) && n.child[1].Whole(p)
	}
	return n.child[side(p.Path, n.prefix.Bits)].Whole(p)
}

// Show is n with no more than what is needed to look for labels, which are sorted,
// and for everything that begins with one of ranges. What n itself does not show
// stays hidden.
func (n *Node) Show(labels []Hash, ranges []Prefix) *Node {
	if n == nil || n.shown == asHash || n.shown == asStub || n.shown == asLeaf {
		return n.bare(labels, ranges)
	}
	below := slices.DeleteFunc(slices.Clone(labels), func(l Hash) bool { return !n.prefix.Has(l) })
	wanted := slices.DeleteFunc(slices.Clone(ranges), func(p Prefix) bool { return !p.within(n.prefix) && !n.prefix.within(p) })
	if n.prefix.Bits > 0 && len(below)+len(wanted) == 0 {
		return n.bare(labels, ranges)
	}
	out := *n
	for i, c := range n.child {
		mine := func(l Hash) bool { return side(l, n.prefix.Bits) == i }
		under := func(p Prefix) bool { return n.prefix.within(p) || mine(p.Path) }
		out.child[i] = c.Show(keep(below, mine), keep(wanted, under))
	}
	return &out
}

// Merge is a node that shows what n and m show, which must have the same hash.
func (n *Node) Merge(m *Node) (*Node, error) {
	switch {
	case n.Hash() != m.Hash():
		return nil, errors.New("merging prefix trees: they have different roots")
	case n == nil || m == nil || n.shown == asLeaf || n.shown != asInner && n.shown > m.shown:
		return n, nil
	case n.shown != asInner || m.shown != asInner:
		if n.shown == asInner {
			return n, nil
		}
		return m, nil
	}
	out := *n
	for i := range n.child {
		var err error
		if out.child[i], err = n.child[i].Merge(m.child[i]); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// bare is a node nothing is looked for below: its prefix is shown if that is what
// says that something is not there.
func (n *Node) bare(labels []Hash, ranges []Prefix) *Node {
	if n == nil || len(labels)+len(ranges) > 0 {
		return n.Stub()
	}
	return HashNode(n.hash)
}

func keep[T any](list []T, want func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return !want(x) })
}

// Tokens of a pruned tree, in the order root, left, right.
const (
	tokenEmpty = iota // nothing; below the root alone
	tokenHash         // hash (32)
	tokenStub         // u8 bits, the bytes they need, value (32)
	tokenLeaf         // label (32), value (32)
	tokenInner        // u8 bits, left, right
)

// maxPruned bounds a pruned tree, in bytes.
const maxPruned = 4 << 20

// AppendTree writes what the root n shows.
func AppendTree(dst []byte, n *Node) []byte {
	switch {
	case n == nil:
		return append(dst, tokenEmpty)
	case n.shown == asHash:
		return append(append(dst, tokenHash), n.hash[:]...)
	case n.shown == asStub:
		dst = append(dst, tokenStub, byte(n.prefix.Bits))
		dst = append(dst, n.prefix.Path[:(n.prefix.Bits+7)/8]...)
		return append(dst, n.value[:]...)
	case n.shown == asLeaf:
		dst = append(append(dst, tokenLeaf), n.prefix.Path[:]...)
		return append(dst, n.value[:]...)
	}
	dst = append(dst, tokenInner, byte(n.prefix.Bits))
	return AppendTree(AppendTree(dst, n.child[0]), n.child[1])
}

// ParseTree reads what [AppendTree] writes of a root that shows at least one label
// or stub, or a place below it where nothing is. It checks that everything is in its place,
// so that [Node.Find] on a tree whose root hash is trusted can be believed.
func ParseTree(b []byte) (*Node, error) {
	if len(b) > maxPruned {
		return nil, fmt.Errorf("reading a prefix tree: %d bytes, more than %d", len(b), maxPruned)
	}
	if len(b) < 2 || b[0] != tokenInner || b[1] != 0 {
		return nil, errors.New("reading a prefix tree: it does not begin with a root")
	}
	r := treeReader{b: b}
	root, _, err := r.node(0)
	if err == nil && len(r.b) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(r.b))
	}
	if err != nil {
		return nil, fmt.Errorf("reading a prefix tree: %w", err)
	}
	return root, nil
}

// treeReader reads tokens. What it has read it cuts off.
type treeReader struct{ b []byte }

func (r *treeReader) take(n int) ([]byte, error) {
	if len(r.b) < n {
		return nil, errors.New("it ends too early")
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out, nil
}

func (r *treeReader) hash() (h Hash, err error) {
	b, err := r.take(32)
	copy(h[:], b)
	return h, err
}

// node reads one node that has at least the given number of bits, and a label that
// lies below it, or nil when none is shown. An inner node's prefix is not written:
// it is the beginning of what is shown below.
func (r *treeReader) node(least int) (*Node, *Hash, error) {
	token, err := r.take(1)
	if err != nil {
		return nil, nil, err
	}
	switch token[0] {
	case tokenEmpty:
		if least != 1 {
			return nil, nil, errors.New("an empty place that is not below the root")
		}
		return nil, nil, nil
	case tokenHash:
		h, err := r.hash()
		return HashNode(h), nil, err
	case tokenStub:
		return r.stub(least)
	case tokenLeaf:
		label, err := r.hash()
		if err != nil {
			return nil, nil, err
		}
		value, err := r.hash()
		return LeafNode(IndexItem{label, value}), &label, err
	case tokenInner:
		return r.inner(least)
	}
	return nil, nil, fmt.Errorf("token %d is none", token[0])
}

func (r *treeReader) stub(least int) (*Node, *Hash, error) {
	n, err := r.take(1)
	if err != nil {
		return nil, nil, err
	}
	p := Prefix{Bits: int(n[0])}
	path, err := r.take((p.Bits + 7) / 8)
	if err != nil {
		return nil, nil, err
	}
	copy(p.Path[:], path)
	if p.Bits < max(least, 1) || PrefixOf(p.Path, p.Bits) != p {
		return nil, nil, errors.New("a prefix is not below its parent's, or has spare bits")
	}
	value, err := r.hash()
	return StubNode(p, value), &p.Path, err
}

func (r *treeReader) inner(least int) (*Node, *Hash, error) {
	n, err := r.take(1)
	if err != nil {
		return nil, nil, err
	}
	at := int(n[0])
	if at < least {
		return nil, nil, errors.New("a prefix is not below its parent's")
	}
	left, underLeft, err := r.node(at + 1)
	if err != nil {
		return nil, nil, err
	}
	right, underRight, err := r.node(at + 1)
	if err != nil {
		return nil, nil, err
	}
	if at > 0 && (left == nil || right == nil) {
		return nil, nil, errors.New("an empty place that is not below the root")
	}
	below := underLeft
	if below == nil {
		below = underRight
	}
	if below == nil {
		if at > 0 || left != nil && right != nil {
			return nil, nil, errors.New("a node is open and nothing is shown below it")
		}
		return InnerNode(Prefix{}, left, right), nil, nil
	}
	p := PrefixOf(*below, at)
	for i, l := range []*Hash{underLeft, underRight} {
		if l != nil && (!p.Has(*l) || side(*l, at) != i) {
			return nil, nil, errors.New("a label is on the wrong side")
		}
	}
	return InnerNode(p, left, right), below, nil
}
