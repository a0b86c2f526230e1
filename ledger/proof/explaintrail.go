package proof

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
)

// Explain is the arithmetic of [Presentation.Verify] with v and of [Policy.Check].
func (p Presentation) Explain(v note.Verifier, policy Policy) []Step {
	x := &explanation{}
	x.proof("entry", p.Proof, v, policy)
	_, err := p.Verify(v)
	if e, parsed := events.ParseEntry(p.Proof.Extra); parsed == nil {
		x.tag(e, p.EventKey)
		x.disclosures(e, p.Disclosures)
	}
	if err == nil {
		_, _, err = policy.Check(p.Proof.Note, v)
	}
	return x.against(err)
}

// tag explains which tag of an entry an event key makes.
func (x *explanation) tag(e *events.Entry, key [32]byte) {
	made := TagOf(key).String()
	lines := []string{fmt.Sprintf("HMAC-SHA256(%x, \"tag\")[:16] = %s", key, made)}
	var err error = fmt.Errorf("none of the entry's tags is %s", made)
	for _, tag := range e.Texts("subjects.tags") {
		lines = append(lines, "the entry has "+tag)
		if tag == made {
			err = nil
		}
	}
	x.check(err, "The event key makes a tag of the entry", "The event key makes none of the entry's tags", lines...)
}

// disclosures explains that an entry commits to what is disclosed.
func (x *explanation) disclosures(e *events.Entry, list []events.Disclosure) {
	for i, d := range list {
		x.check(committed(e, list[i:i+1]), "The entry commits to "+d.Name, "The entry does not commit to "+d.Name,
			fmt.Sprintf("SHA-256(%q) = %s", d.Encode(), d.Digest()))
	}
}

// Explain is the arithmetic of [IndexProof.Verify] with v and of [Policy.Check].
func (p IndexProof) Explain(v note.Verifier, policy Policy) []Step {
	x := &explanation{}
	x.index(p, v, policy)
	_, err := p.Verify(v)
	if err == nil {
		_, _, err = policy.Check(p.Note, v)
	}
	return x.against(err)
}

func (x *explanation) index(p IndexProof, v note.Verifier, policy Policy) {
	leaf, err := p.LeafProof()
	if err != nil {
		x.check(err, "", "There is no leaf of the index")
		return
	}
	var said []string
	for line := range strings.Lines(p.Leaf.Text()) {
		said = append(said, "leaf: "+strings.TrimSuffix(line, "\n"))
	}
	x.add(fmt.Sprintf("The leaf of the index states its roots over the first %d entries", p.Leaf.Size), said...)
	x.proof("leaf of the index", leaf, v, policy)
	x.tree("tags", p.Tags, p.Leaf.Tags)
	x.tree("enrolments", p.Labels, p.Leaf.Labels)
}

// tree explains the root of a prefix tree, of which all nodes that are shown stand
// below their parents.
func (x *explanation) tree(name string, n *Node, stated Hash) {
	if n == nil {
		return
	}
	var err error
	if n.Hash() != stated {
		err = fmt.Errorf("the leaf states %x", stated[:])
	}
	lines := append([]string{"leaf = SHA-256(value ‖ SHA-256(u32 256 ‖ label)), inner = SHA-256(SHA-256(left ‖ right) ‖ SHA-256(u32 bits ‖ path))"}, treeLines(nil, n, "")...)
	x.check(err, "The tree over "+name+" has the root that the leaf states", "The tree over "+name+" does not have the root that the leaf states", lines...)
}

func leafLine(entry []byte) string {
	leaf := LeafHash(entry)
	return fmt.Sprintf("leaf = SHA-256(0x00 ‖ entry) = %x", leaf[:])
}

func treeLines(lines []string, n *Node, indent string) []string {
	switch {
	case n == nil:
		return append(lines, fmt.Sprintf("%snothing = %x", indent, emptyHash[:]))
	case n.shown == asHash:
		return append(lines, fmt.Sprintf("%sclosed = %x", indent, n.hash[:]))
	case n.shown == asLeaf:
		return append(lines, fmt.Sprintf("%sleaf, label %x, value %x = %x", indent, n.prefix.Path[:], n.value[:], n.hash[:]))
	case n.shown == asStub:
		return append(lines, fmt.Sprintf("%sinner, bits %s, SHA-256(left ‖ right) %x = %x", indent, n.prefix, n.value[:], n.hash[:]))
	}
	lines = append(lines, fmt.Sprintf("%sinner, bits %s = %x", indent, n.prefix, n.hash[:]))
	return treeLines(treeLines(lines, n.child[0], indent+"  "), n.child[1], indent+"  ")
}

// Explain is the arithmetic of [Bundle.Verify]. What it says of the trail stands
// behind the trees that it is looked up in.
func (b Bundle) Explain(card Card) []Step {
	x := &explanation{}
	log, logErr := ParseVerifierKey(card.Log)
	index, indexErr := ParseVerifierKey(card.Index)
	policy, policyErr := ParsePolicy([]byte(card.Policy))
	if logErr == nil && indexErr == nil && policyErr == nil {
		x.signature(b.Note, log)
		x.cosignatures(b.Note, log, policy)
		x.index(b.Index, index, policy)
		x.bundle(b, card)
	}
	_, err := b.Verify(card)
	return x.against(err)
}

func (x *explanation) bundle(b Bundle, card Card) {
	tags := map[events.Tag]int{}
	for i, h := range b.Entries {
		x.add(fmt.Sprintf("The entry at position %d, %d bytes, is hashed as a leaf", h.Position, len(h.Entry)),
			leafLine(h.Entry))
		e, err := events.ParseEntry(h.Entry)
		if err != nil {
			continue
		}
		x.disclosures(e, h.Open)
		for _, text := range e.Texts("subjects.tags") {
			tag, _ := events.ParseTag(text)
			tags[tag] = i
		}
	}
	x.roots(b)
	x.looked(b, card, tags)
}

// roots explains how the entries and nodes of a bundle lead to two roots, by the walk
// that verifies them.
func (x *explanation) roots(b Bundle) {
	c, err := x.noted(b.Note)
	if err != nil {
		return
	}
	old := Checkpoint{Origin: c.Origin, Size: b.Index.Leaf.Size, Root: b.Index.Leaf.Root}
	var lines []string
	var at []events.Index
	var leaves []Hash
	for _, h := range b.Entries {
		at, leaves = append(at, h.Position), append(leaves, LeafHash(h.Entry))
	}
	err = walkEntries(at, leaves, b.Nodes, old, c, func(lo, hi uint64, left, right, now Hash) {
		lines = append(lines, nodeLine(fmt.Sprintf("entries %d to %d", lo, hi-1), left, right, now))
	})
	lines = append(lines, fmt.Sprintf("signed, of %d entries = %x", c.Size, c.Root[:]), fmt.Sprintf("stated by the index, of %d entries = %x", old.Size, old.Root[:]))
	x.check(err, fmt.Sprintf("The leaves and %d hashes lead to the root that is signed, and to that which the index states", len(b.Nodes)),
		"The leaves and hashes do not lead to both roots", lines...)
}

// looked says what the index has of the tags of her own trail, from the first until
// the last that she looks for. What it means is judged by the verification.
func (x *explanation) looked(b Bundle, card Card, tags map[events.Tag]int) {
	var lines []string
	for i, absent := uint64(1), 0; absent < LookAhead; i++ {
		t, ok := card.At(i)
		if !ok {
			break
		}
		tag := TagOf(t.EventKey(i))
		label := TagLabel(tag)
		value, present, err := look(b.Index.Tags, label)
		said := "not there"
		switch {
		case err != nil:
			said = err.Error()
		case present:
			said = fmt.Sprintf("there, value %x", value[:])
		}
		if at, ok := tags[tag]; ok && present {
			p := b.Entries[at].Position
			v := IndexValue(p, LeafHash(b.Entries[at].Entry))
			said += fmt.Sprintf("; SHA-256(u64 %d ‖ leaf) = %x", p, v[:])
		}
		if absent++; present {
			absent = 0
		}
		lines = append(lines, fmt.Sprintf("event %d: tag %s, label SHA-256(0x01 ‖ tag) = %x: %s", i, tag, label[:], said))
	}
	x.add("The tags of the trail were looked up in the tree over tags", lines...)
}
