package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// logCopy is a copy of the whole public log that was audited here, with the index
// computed from its entries. Nobody learns what it is asked. It takes some hundred
// bytes of memory for each tag.
type logCopy struct {
	log, index   ledger.Source
	proof        proof.IndexProof // of the last leaf, without trees
	tags, labels *sortedTree
	at           map[proof.Hash]events.Index // by value

	mu      sync.Mutex
	names   map[[2]string]entitled
	sources map[[2]string]*client.Source
	seals   map[string]bool // that stand
	lifted  map[string]bool
}

// entitled is what an entry calls something in a register.
type entitled struct {
	at    events.Index
	title string
}

// openCopy audits the copy, and holds the last leaf of its index against what its
// entries lead to.
func openCopy(ctx context.Context, where string, card proof.Card) (*logCopy, error) {
	v, err := proof.ParseVerifierKey(card.Log)
	if err != nil {
		return nil, err
	}
	source, err := auditSource(where)
	if err != nil {
		return nil, err
	}
	c := &logCopy{
		log: source, index: below{source}, tags: &sortedTree{}, labels: &sortedTree{}, at: map[proof.Hash]events.Index{},
		names: map[[2]string]entitled{}, sources: map[[2]string]*client.Source{}, seals: map[string]bool{}, lifted: map[string]bool{},
	}
	if err := c.lastLeaf(ctx, card); err != nil {
		return nil, err
	}
	report, err := ledger.Audit(ctx, source, v, ledger.AuditOptions{Each: c.take})
	if err != nil {
		return nil, err
	}
	if c.proof.Leaf.Size > report.Size {
		return nil, fmt.Errorf("the copy's index is of %d entries, and it has %d; make it anew", c.proof.Leaf.Size, report.Size)
	}
	c.tags.sort()
	c.labels.sort()
	tags, labels := c.tags.show(nil, nil).Hash(), c.labels.show(nil, nil).Hash()
	if leaf := c.proof.Leaf; tags != leaf.Tags || labels != leaf.Labels {
		return nil, &client.Misbehaviour{Said: fmt.Sprintf("the index at %d entries is signed with other roots than the entries lead to; daybook audit --index says more", leaf.Size)}
	}
	return c, nil
}

// lastLeaf reads the index log's last leaf and the proof that it is the last.
func (c *logCopy) lastLeaf(ctx context.Context, card proof.Card) error {
	key, err := proof.ParseVerifierKey(card.Index)
	if err != nil {
		return err
	}
	msg, err := c.index.Read(ctx, "checkpoint")
	if err != nil {
		return fmt.Errorf("reading the copy's index: %w", err)
	}
	at, err := proof.OpenCheckpoint(msg, key)
	if err != nil || at.Size == 0 {
		return errors.Join(errors.New("reading the copy's index: it is empty, or not signed with the key on the card"), err)
	}
	n := uint64(at.Size) - 1
	width := int(n%proof.TileWidth) + 1
	b, err := c.index.Read(ctx, proof.EntriesPath(n/proof.TileWidth, width))
	if err != nil {
		return fmt.Errorf("reading the copy's index: %w", err)
	}
	leaves, err := proof.ReadBundle(b, width)
	if err != nil {
		return fmt.Errorf("reading the copy's index: %w", err)
	}
	c.proof.Note = msg
	if c.proof.Leaf, err = proof.ParseIndexLeaf(string(leaves[width-1])); err != nil {
		return err
	}
	c.proof.Path, err = tlog.ProveRecord(int64(at.Size), int64(n), client.Hashes(ctx, c.index, at.Size))
	return err
}

// take is given every entry, by several goroutines.
func (c *logCopy) take(i events.Index, e *events.Entry) {
	value := proof.IndexValue(i, proof.LeafHash(e.Append(nil)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(i, e)
	if uint64(i) >= uint64(c.proof.Leaf.Size) {
		return
	}
	for _, text := range e.Texts("subjects.tags") {
		tag, _ := events.ParseTag(text)
		c.tags.items = append(c.tags.items, proof.IndexItem{Label: proof.TagLabel(tag), Value: value})
		c.at[value] = i
	}
	pairs, _ := e.Value("pairs")
	for _, p := range pairs.Items() {
		text, _ := p.Object().Get("label")
		if label, err := base64.RawURLEncoding.DecodeString(text.Text()); err == nil && len(label) == 64 {
			c.labels.items = append(c.labels.items, proof.IndexItem{Label: proof.PersonLabel([64]byte(label)), Value: value})
			c.at[value] = i
		}
	}
}

// note remembers what is around a trail: names, sources and seals.
func (c *logCopy) note(i events.Index, e *events.Entry) {
	register, verb, _ := strings.Cut(e.Kind.Name, ".")
	if id := e.Text(register); id != "" && (verb == "registered" || verb == "changed" || verb == "published") {
		if key := [2]string{register, id}; c.names[key].title == "" || c.names[key].at < i {
			c.names[key] = entitled{i, cmp.Or(titleOf(e.Fields()), c.names[key].title)}
		}
	}
	switch e.Kind.Name {
	case "seal.placed":
		c.seals[e.Text("event")] = true
	case "seal.lifted":
		c.lifted[e.Text("seal")] = true
	case "emitter.onboarded":
		s := c.source(e.Text("organization"), e.Text("emitter"))
		if day := e.Text("recordedAt"); s.Since == "" || day < s.Since {
			s.Since = day
		}
	}
	if e.Kind.IsData() && e.Text("subjects.partOf") == "" {
		s := c.source(e.Text("organization"), e.Text("source"))
		s.Events++
		if e.Text("subjects.mode") == "unknown" {
			s.Unnamed++
		}
	}
}

func (c *logCopy) source(organization, name string) *client.Source {
	key := [2]string{organization, name}
	if c.sources[key] == nil {
		c.sources[key] = &client.Source{Organization: organization, Source: name}
	}
	return c.sources[key]
}

// Prove answers as an index does.
func (c *logCopy) Prove(_ context.Context, q client.Question) (client.Answer, error) {
	out := client.Answer{Proof: c.proof, Positions: map[proof.Hash]events.Index{}}
	var labels []proof.Hash
	for _, t := range q.Tags {
		labels = append(labels, proof.TagLabel(t))
	}
	slices.SortFunc(labels, func(a, b proof.Hash) int { return bytes.Compare(a[:], b[:]) })
	out.Proof.Tags, out.Proof.Labels = c.tags.show(labels, q.Ranges), c.labels.show(nil, q.LabelRanges)
	for _, tree := range []*proof.Node{out.Proof.Tags, out.Proof.Labels} {
		for _, it := range tree.Items() {
			out.Positions[it.Label] = c.at[it.Value]
		}
	}
	return out, nil
}

func (c *logCopy) tell(_ context.Context, s *shownTrail) {
	s.titles = func(register, id string) string { return c.names[[2]string{register, id}].title }
	maps.DeleteFunc(c.seals, func(seal string, _ bool) bool { return c.lifted[seal] })
	s.sealed(len(c.seals), "counted here, from the entries")
	var all []client.Source
	for _, key := range slices.SortedFunc(maps.Keys(c.sources), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		all = append(all, *c.sources[key])
	}
	s.unnamed(all, "counted here, from the entries")
}

// sortedTree is a prefix tree as its items in order, of which the nodes are computed
// when they are asked for. Hashes over many items are kept.
type sortedTree struct {
	items []proof.IndexItem
	kept  map[[2]int]*proof.Node
}

// fewItems are hashed again each time.
const fewItems = 512

func (t *sortedTree) sort() {
	slices.SortFunc(t.items, func(a, b proof.IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
	t.kept = map[[2]int]*proof.Node{}
}

// show is the root with what is asked for below it.
func (t *sortedTree) show(labels []proof.Hash, ranges []proof.Prefix) *proof.Node {
	at := t.divide(0, len(t.items), 0)
	var zero, one proof.Prefix
	zero.Bits, one.Bits, one.Path[0] = 1, 1, 0x80
	root := proof.InnerNode(proof.Prefix{}, t.node(0, at, labels, ranges, zero), t.node(at, len(t.items), labels, ranges, one))
	return root.Show(labels, ranges)
}

// node is the node over items lo to hi, all of which begin with under, open where
// something is asked for.
func (t *sortedTree) node(lo, hi int, labels []proof.Hash, ranges []proof.Prefix, under proof.Prefix) *proof.Node {
	if hi-lo <= fewItems {
		return proof.BuildNode(t.items[lo:hi])
	}
	labels = slices.DeleteFunc(slices.Clone(labels), func(l proof.Hash) bool { return !under.Has(l) })
	ranges = slices.DeleteFunc(slices.Clone(ranges), func(p proof.Prefix) bool { return !under.Has(p.Path) && !p.Has(under.Path) })
	closed := len(labels)+len(ranges) == 0
	if n := t.kept[[2]int{lo, hi}]; closed && n != nil {
		return n
	}
	p := shared(t.items[lo].Label, t.items[hi-1].Label)
	at := t.divide(lo, hi, p.Bits)
	n := proof.InnerNode(p, t.node(lo, at, labels, ranges, proof.PrefixOf(t.items[lo].Label, p.Bits+1)),
		t.node(at, hi, labels, ranges, proof.PrefixOf(t.items[hi-1].Label, p.Bits+1)))
	if closed {
		n = n.Stub()
		t.kept[[2]int{lo, hi}] = n
	}
	return n
}

// divide is the first of the items lo to hi that has a one at that bit.
func (t *sortedTree) divide(lo, hi, bit int) int {
	at, _ := slices.BinarySearchFunc(t.items[lo:hi], 1, func(it proof.IndexItem, want int) int {
		return int(it.Label[bit/8]>>(7-bit%8))&1 - want
	})
	return lo + at
}

// shared is the longest beginning of both.
func shared(a, b proof.Hash) proof.Prefix {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return proof.PrefixOf(a, 8*i+bits.LeadingZeros8(x))
		}
	}
	return proof.PrefixOf(a, len(a)*8)
}
