package proof

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// leaf is leaf i of the evidence, which the index key signed.
func (t trial) leaf(i int) (IndexLeaf, error) {
	v, err := t.signerOf(t.Leaves[i].Note)
	if err != nil {
		return IndexLeaf{}, err
	}
	if v.Name() != t.key.Name() && v.Name() != IndexKeyName(t.key.Name()) {
		return IndexLeaf{}, fmt.Errorf("%s is not the index of %s", v.Name(), t.key.Name())
	}
	if _, err := t.Leaves[i].Verify(v); err != nil {
		return IndexLeaf{}, err
	}
	return ParseIndexLeaf(string(t.Leaves[i].Extra))
}

// index is the name of the index log, for words.
func (t trial) index() string {
	v, err := t.signerOf(t.Leaves[0].Note)
	if err != nil {
		return "the index"
	}
	return v.Name()
}

// indexRoot wants the log's key: a checkpoint of the index log has a size and a root
// too, which are no ledger's.
func (t trial) indexRoot() (string, error) {
	c, err := OpenCheckpoint(t.Notes[0], t.key)
	if err != nil {
		return "", err
	}
	leaf, err := t.leaf(0)
	if err != nil {
		return "", err
	}
	if t.index() != IndexKeyName(c.Origin) {
		return "", fmt.Errorf("the checkpoint is one of %s, and no leaf of its index is here", c.Origin)
	}
	if leaf.Size != c.Size || leaf.Root == c.Root {
		return "", errNothing
	}
	return fmt.Sprintf("%s signed one log of %d entries, and its index states the root of another", t.key.Name(), c.Size), nil
}

func (t trial) indexBack() (string, error) {
	a, err := t.leaf(0)
	if err != nil {
		return "", err
	}
	b, err := t.leaf(1)
	if err != nil {
		return "", err
	}
	if t.Leaves[0].Index >= t.Leaves[1].Index || a.Size < b.Size {
		return "", errNothing
	}
	return fmt.Sprintf("leaf %d of %s covers %d entries, and the later leaf %d only %d",
		t.Leaves[0].Index, t.index(), a.Size, t.Leaves[1].Index, b.Size), nil
}

// indexWrong judges what a tree of the index says of an entry below the ledger
// root in the same leaf, so that no other log can be meant.
func (t trial) indexWrong() (string, error) {
	leaf, err := t.leaf(0)
	if err != nil {
		return "", err
	}
	p := t.Placed
	if err := CheckInclusion(p.Entry, p.Index, p.Path, Checkpoint{Size: leaf.Size, Root: leaf.Root}); err != nil {
		return "", err
	}
	e, err := events.ParseEntry(p.Entry)
	if err != nil {
		return "", err
	}
	tree, root, of, name := t.Tags, leaf.Tags, tagLabels, "the tag"
	if t.Kind == EvidenceIndexLabel {
		tree, root, of, name = t.Labels, leaf.Labels, personLabels, "the enrolment"
	}
	if tree.Hash() != root {
		return "", errors.New("the tree does not have the root that is signed")
	}
	labels, err := of(e)
	if err != nil {
		return "", err
	}
	want := IndexValue(p.Index, LeafHash(p.Entry))
	for _, label := range labels {
		got, present, known := tree.Find(label)
		if known && (!present || got != want) {
			how := "does not have"
			if present {
				how = "puts elsewhere"
			}
			return fmt.Sprintf("%s over %d entries %s %s of entry %d", t.index(), leaf.Size, how, name, p.Index), nil
		}
	}
	return "", errNothing
}

func tagLabels(e *events.Entry) (out []Hash, _ error) {
	for _, s := range tagNames(e) {
		tag, ok := events.ParseTag(s)
		if !ok {
			return nil, fmt.Errorf("%q is not a tag", s)
		}
		out = append(out, TagLabel(tag))
	}
	return out, nil
}

func personLabels(e *events.Entry) (out []Hash, _ error) {
	for _, s := range labelNames(e) {
		b, err := decode(base64.RawURLEncoding, s)
		if err != nil || len(b) != 64 {
			return nil, errors.New("a label is not 64 bytes")
		}
		out = append(out, PersonLabel([64]byte(b)))
	}
	return out, nil
}
