package trail

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// prover makes evidence out of the files that an audit reads, under the checkpoints
// that it saw.
type prover struct {
	src   ledger.Source
	index *indexLog
	key   note.Verifier
	note  []byte // the checkpoint of the ledger
}

// hashReader reads the hashes of the log at c, none of which is believed before it
// leads to the root.
func hashReader(ctx context.Context, src ledger.Source, c proof.Checkpoint) tlog.HashReader {
	return proof.SignedHashes(c, func(t proof.Tile) ([]byte, error) { return src.Read(ctx, t.Path()) })
}

// prove is the proof that the log at c, which msg signs, has an entry at i.
func prove(ctx context.Context, src ledger.Source, c proof.Checkpoint, msg []byte, i events.Index) (proof.Proof, error) {
	if uint64(i) >= uint64(c.Size) {
		return proof.Proof{}, fmt.Errorf("entry %d is not in the log of %d", i, c.Size)
	}
	n := uint64(i) / proof.TileWidth
	width := int(min(proof.TileWidth, uint64(c.Size)-n*proof.TileWidth))
	b, err := src.Read(ctx, proof.EntriesPath(n, width))
	if err != nil {
		return proof.Proof{}, err
	}
	entries, err := proof.ReadBundle(b, width)
	if err != nil {
		return proof.Proof{}, err
	}
	path, err := tlog.ProveRecord(int64(c.Size), int64(i), hashReader(ctx, src, c))
	return proof.Proof{Extra: entries[uint64(i)%proof.TileWidth], Index: i, Path: path, Note: msg}, err
}

func (p *prover) entry(ctx context.Context, i events.Index) (proof.Proof, error) {
	c, err := proof.OpenCheckpoint(p.note, p.key)
	if err != nil {
		return proof.Proof{}, err
	}
	return prove(ctx, p.src, c, p.note, i)
}

func (p *prover) leaf(ctx context.Context, i events.Index) (proof.Proof, error) {
	c, err := proof.OpenCheckpoint(p.index.signed, p.index.key)
	if err != nil {
		return proof.Proof{}, err
	}
	return prove(ctx, p.index, c, p.index.signed, i)
}

// ofIndex is evidence about leaves, with the entry that names the index key.
func (p *prover) ofIndex(ctx context.Context, kind string, leaves ...indexLeaf) (*proof.Evidence, error) {
	opened, err := p.entry(ctx, 0)
	if err != nil {
		return nil, err
	}
	e := &proof.Evidence{Kind: kind, Opened: &opened}
	for _, l := range leaves {
		one, err := p.leaf(ctx, l.at)
		if err != nil {
			return nil, err
		}
		e.Leaves = append(e.Leaves, one)
	}
	return e, nil
}

// evidence is both entries.
func (e *DuplicateError) evidence(ctx context.Context, p *prover) (*proof.Evidence, error) {
	out := &proof.Evidence{Kind: proof.EvidenceDuplicateTag}
	if e.Person {
		out.Kind = proof.EvidenceDuplicateLabel
	}
	for _, i := range []events.Index{e.First, e.Second} {
		one, err := p.entry(ctx, i)
		if err != nil {
			return nil, err
		}
		out.Proofs = append(out.Proofs, one)
	}
	return out, nil
}

// back is evidence that a leaf covers no more than the one before.
func (p *prover) back(ctx context.Context, before, leaf indexLeaf) (*proof.Evidence, error) {
	return p.ofIndex(ctx, proof.EvidenceIndexBack, before, leaf)
}

// root is evidence that a leaf has another root than the checkpoint of its size. There
// is none when the leaf is of a size whose checkpoint is not published any more.
func (p *prover) root(ctx context.Context, leaf indexLeaf) (*proof.Evidence, error) {
	c, err := proof.OpenCheckpoint(p.note, p.key)
	if err != nil || c.Size != leaf.Size {
		return nil, err
	}
	e, err := p.ofIndex(ctx, proof.EvidenceIndexRoot, leaf)
	if err == nil {
		e.Notes = [][]byte{p.note}
	}
	return e, err
}

// wrong is evidence that a tree of the index, as root shows it, is wrong about entry i.
func (p *prover) wrong(ctx context.Context, kind string, leaf indexLeaf, root *proof.Node, i events.Index) (*proof.Evidence, error) {
	e, err := p.ofIndex(ctx, kind, leaf)
	if err != nil {
		return nil, err
	}
	one, err := p.entry(ctx, i)
	if err != nil {
		return nil, err
	}
	c, err := proof.OpenCheckpoint(p.note, p.key)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(int64(leaf.Size), int64(i), hashReader(ctx, p.src, c))
	e.Placed = &proof.Placed{Entry: one.Extra, Index: i, Path: path}
	if e.Tags = root; kind == proof.EvidenceIndexLabel {
		e.Tags, e.Labels = nil, root
	}
	return e, err
}

// guesses is how many items new in a leaf, and how many wrong places for them, are
// tried to find out which of them a wrong root leaves out or puts elsewhere.
const guesses = 1 << 15

// prove is evidence against a leaf. Of a tree that nobody shows there is only the
// root: it convicts where one item less, or one at another place, leads to it.
func (a *audit) prove(ctx context.Context, p *prover, kind string, leaf indexLeaf) (_ *proof.Evidence, err error) {
	of, other, want := tags, labels, leaf.Tags
	switch kind {
	case proof.EvidenceIndexRoot:
		return p.root(ctx, leaf)
	case proof.EvidenceIndexLabel:
		of, other, want = labels, tags, leaf.Labels
	}
	s, err := openTrees(filepath.Join(a.dir, "trees"), treeOptions{passing: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var fresh [2][]item
	for i, t := range []tree{of, other} {
		err := a.spills.of(t).each(ctx, func(it spilled) error {
			if it.leaf == leaf.at && len(fresh[i]) < guesses {
				fresh[i] = append(fresh[i], it.item)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if err := a.rebuild(ctx, s, of, leaf.at); err != nil {
		return nil, err
	}
	root, i, err := guess(s, of, fresh[0], slices.Concat(fresh[:]...), want)
	if err != nil || root == nil {
		return nil, err
	}
	return p.wrong(ctx, kind, leaf, root, i)
}

// rebuild makes s a tree as of a leaf, to be shown.
func (a *audit) rebuild(ctx context.Context, s *trees, of tree, leaf events.Index) error {
	var list []item
	flush := func() error {
		more := addition{tags: list}
		if of == labels {
			more = addition{labels: list}
		}
		list = nil
		return s.add(more)
	}
	err := a.spills.of(of).each(ctx, func(it spilled) error {
		if it.leaf > leaf {
			return nil
		}
		if list = append(list, it.item); len(list) < maxItems {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return err
}

// guess is a tree like s that has the root want and is wrong about one of items, that of
// entry i, pruned to show that; nil if none was found. It may have the place of another.
func guess(s *trees, of tree, items, others []item, want proof.Hash) (*proof.Node, events.Index, error) {
	showing := func(labels ...proof.Hash) (*proof.Node, error) {
		return show(of, s.db, asked{labels: labels}, map[proof.Hash]events.Index{})
	}
	tries := guesses
	for _, it := range items {
		ours, err := showing(it.Label)
		if err != nil {
			return nil, 0, err
		}
		if replace(ours, it.Label, nil).Hash() == want {
			ours, err = showing(it.Label, beside(ours, it.Label))
			if err != nil {
				return nil, 0, err
			}
			return replace(ours, it.Label, nil), it.at, nil
		}
		for n := 0; n < len(others) && tries > 0; n, tries = n+1, tries-1 {
			elsewhere := proof.LeafNode(proof.IndexItem{Label: it.Label, Value: others[n].Value})
			if theirs := replace(ours, it.Label, elsewhere); theirs.Hash() == want {
				return theirs, it.at, nil
			}
		}
	}
	return nil, 0, nil
}

// replace is the tree n, which shows the item of a label, with another node in its
// place, or with none.
func replace(n *proof.Node, label proof.Hash, by *proof.Node) *proof.Node {
	left, right, inner := n.Children()
	if !inner {
		return by
	}
	at := n.Prefix().Bits
	if label[at/8]>>(7-at%8)&1 == 0 {
		if left = replace(left, label, by); left == nil && at > 0 {
			return right
		}
	} else if right = replace(right, label, by); right == nil && at > 0 {
		return left
	}
	return proof.InnerNode(n.Prefix(), left, right)
}

// beside is a label that leads to the node beside an item of the tree n.
func beside(n *proof.Node, label proof.Hash) proof.Hash {
	out := label
	for {
		left, right, inner := n.Children()
		if !inner {
			return out
		}
		at := n.Prefix().Bits
		out = label
		out[at/8] ^= 1 << (7 - at%8)
		if n = left; label[at/8]>>(7-at%8)&1 == 1 {
			n = right
		}
	}
}
