package trail

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"os"
	"runtime"
	"sync"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// trie is a part of a tree in memory, to which items are added one by one.
type trie struct {
	nodes []trieNode // with room for all there will be: links point into it
	root  int32      // -1 while it is empty
}

type trieNode struct {
	path  proof.Hash // with the bits behind its prefix zero
	place proof.Hash // of the prefix of an inner node
	hash  proof.Hash // unless it is stale
	child [2]int32
	bits  int16
	stale bool
}

// add adds an item, unless its label is there.
func (t *trie) add(it proof.IndexItem) (fresh bool) {
	link := &t.root
	for *link >= 0 {
		n := &t.nodes[*link]
		shared := min(commonBits(&n.path, &it.Label), int(n.bits))
		if shared == 256 {
			return false
		}
		if shared < int(n.bits) {
			t.fork(link, shared, it)
			return true
		}
		n.stale = true
		link = &n.child[bitOf(&it.Label, shared)]
	}
	*link = t.leaf(it)
	return true
}

// fork puts an inner node at link, over what is there and a new leaf.
func (t *trie) fork(link *int32, at int, it proof.IndexItem) {
	p := proof.PrefixOf(it.Label, at)
	n := trieNode{path: p.Path, place: p.Hash(), bits: int16(at), stale: true}
	n.child[bitOf(&it.Label, at)] = t.leaf(it)
	n.child[1-bitOf(&it.Label, at)] = *link
	*link = int32(len(t.nodes))
	t.nodes = append(t.nodes, n)
}

func (t *trie) leaf(it proof.IndexItem) int32 {
	t.nodes = append(t.nodes, trieNode{path: it.Label, hash: it.Hash(), bits: 256})
	return int32(len(t.nodes) - 1)
}

// hash is that of a node; each is computed once for all that was added since.
func (t *trie) hash(i int32) proof.Hash {
	n := &t.nodes[i]
	if n.stale {
		n.hash, n.stale = proof.HashInner(n.place, t.hash(n.child[0]), t.hash(n.child[1])), false
	}
	return n.hash
}

func bitOf(label *proof.Hash, at int) int { return int(label[at/8]>>(7-at%8)) & 1 }

func commonBits(a, b *proof.Hash) int {
	for i := 0; i < 32; i += 8 {
		if x := binary.BigEndian.Uint64(a[i:]) ^ binary.BigEndian.Uint64(b[i:]); x != 0 {
			return 8*i + bits.LeadingZeros64(x)
		}
	}
	return 256
}

// changeSize is the bytes of a change: the leaf with which a part changed, and the
// hash of the node over the part as of that leaf.
const changeSize = 8 + 32

// grow is how a part changed, leaf by leaf. It ends at an item whose label is there
// already: no leaf that covers it can be compared.
func grow(t tree, items []byte) (changes []byte, twice *DuplicateError) {
	n := len(items) / spilledSize
	g := &trie{nodes: make([]trieNode, 0, 2*n), root: -1}
	for i := range n {
		it := readSpilled(items[i*spilledSize:])
		if !g.add(it.IndexItem) {
			return changes, &DuplicateError{t == labels, it.Label, firstOf(items, it.Label), it.at}
		}
		if i+1 < n && readSpilled(items[(i+1)*spilledSize:]).leaf == it.leaf || it.leaf == noLeaf {
			continue
		}
		h := g.hash(g.root)
		changes = append(binary.BigEndian.AppendUint64(changes, uint64(it.leaf)), h[:]...)
	}
	return changes, nil
}

func firstOf(items []byte, label proof.Hash) events.Index {
	for ; len(items) > 0; items = items[spilledSize:] {
		if it := readSpilled(items); it.Label == label {
			return it.at
		}
	}
	return 0
}

// growth is how the parts of a tree change, on the disk: section i is of part i.
type growth struct {
	file     *os.File
	end      int64
	sections [parts]*io.SectionReader
	twice    *DuplicateError // the first in the ledger
	mu       sync.Mutex
}

// growAll computes the growth of a tree, several parts at once, into a new file.
func growAll(ctx context.Context, t tree, s *spill, path string) (*growth, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	g := &growth{file: file}
	numbers := make(chan int, parts)
	for i := range parts {
		numbers <- i
	}
	close(numbers)
	failed := make([]error, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for w := range failed {
		group.Go(func() {
			for i := range numbers {
				if failed[w] = cmp.Or(context.Cause(ctx), g.part(t, s, i)); failed[w] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return g, nil
}

func (g *growth) part(t tree, s *spill, i int) error {
	items, err := s.read(i)
	if err != nil {
		return err
	}
	changes, twice := grow(t, items)
	g.mu.Lock()
	defer g.mu.Unlock()
	if twice != nil && (g.twice == nil || twice.Second < g.twice.Second) {
		g.twice = twice
	}
	g.sections[i] = io.NewSectionReader(g.file, g.end, int64(len(changes)))
	_, err = g.file.WriteAt(changes, g.end)
	g.end += int64(len(changes))
	return err
}

// crown is the top of a tree: the nodes whose prefixes have up to eight bits, by
// number: node 1 is the root, and those below node n are 2n and 2n+1.
type crown struct {
	next  [parts]change
	nodes [2 * parts]crownNode
}

type crownNode struct {
	place, hash proof.Hash
	has, stale  bool
}

// change is what a part reads next.
type change struct {
	from *bufio.Reader
	leaf events.Index
	hash proof.Hash
	more bool
}

func newCrown(g *growth) (*crown, error) {
	c := &crown{}
	for n := 2; n < parts; n++ {
		depth := bits.Len(uint(n)) - 1
		var path proof.Hash
		path[0] = byte(n << (8 - depth))
		c.nodes[n].place = proof.Prefix{Bits: depth, Path: path}.Hash()
	}
	c.nodes[1].stale = true
	for i := range c.next {
		c.next[i].from = bufio.NewReaderSize(g.sections[i], 100*changeSize)
		if err := c.next[i].read(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *change) read() error {
	var b [changeSize]byte
	_, err := io.ReadFull(c.from, b[:])
	if c.more = err == nil; errors.Is(err, io.EOF) {
		return nil
	}
	c.leaf = events.Index(binary.BigEndian.Uint64(b[:]))
	copy(c.hash[:], b[8:])
	return err
}

// root is the tree's as of a leaf. Leaves are asked for in order.
func (c *crown) root(leaf events.Index) (proof.Hash, error) {
	for i := range c.next {
		for part := &c.next[i]; part.more && part.leaf <= leaf; {
			n := parts + i
			c.nodes[n].hash, c.nodes[n].has = part.hash, true
			for n /= 2; n > 0; n /= 2 {
				c.nodes[n].stale = true
			}
			if err := part.read(); err != nil {
				return proof.Hash{}, err
			}
		}
	}
	for n := parts - 1; n > 0; n-- {
		if c.nodes[n].stale {
			c.join(n)
		}
	}
	return c.nodes[1].hash, nil
}

// join computes node n. One with a single child is that child, except the root.
func (c *crown) join(n int) {
	at, left, right := &c.nodes[n], &c.nodes[2*n], &c.nodes[2*n+1]
	at.stale, at.has = false, left.has || right.has
	switch {
	case n == 1:
		at.hash = proof.InnerNode(proof.Prefix{}, left.node(), right.node()).Hash()
	case left.has && right.has:
		at.hash = proof.HashInner(at.place, left.hash, right.hash)
	case left.has:
		at.hash = left.hash
	case right.has:
		at.hash = right.hash
	}
}

func (n *crownNode) node() *proof.Node {
	if !n.has {
		return nil
	}
	return proof.HashNode(n.hash)
}
