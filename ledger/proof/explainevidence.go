package proof

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
)

// Explain is the arithmetic of [Evidence.Verify].
func (e Evidence) Explain(v note.Verifier) []Step {
	x := &explanation{}
	shown, err := e.Verify(v)
	x.evidence(trial{e, v})
	if err == nil {
		x.add("These cannot stand beside each other: " + shown.Says)
	}
	return x.against(err)
}

// evidence explains what a file holds, each under the key that it is to be signed by.
func (x *explanation) evidence(t trial) {
	if t.Opened != nil {
		x.proof("entry 0", *t.Opened, t.key, NoPolicy())
	}
	for _, msg := range t.Notes {
		x.note(t, msg)
	}
	for _, p := range t.Proofs {
		x.proof("entry", p, t.key, NoPolicy())
	}
	for _, p := range t.Leaves {
		x.leaf(t, p)
	}
	switch t.Kind {
	case EvidenceInconsistent:
		x.beginning(t)
	case EvidenceReceipt:
		x.promise(t)
	case EvidenceReceiptLate:
		x.witnesses(t)
	}
	if len(t.Leaves) > 0 {
		x.stated(t.Evidence)
	}
}

// note explains a note in evidence: a checkpoint, or else a receipt.
func (x *explanation) note(t trial, msg []byte) {
	k, err := t.signerOf(msg)
	if err == nil {
		x.signature(msg, k)
		return
	}
	if k, receipt := t.signer(ReceiptKeyName(t.key.Name())); receipt == nil {
		x.steps = append(x.steps, ExplainReceipt(msg, k)...)
		return
	}
	x.check(err, "", "The key of a note is not known")
}

func (x *explanation) leaf(t trial, p Proof) {
	k, err := t.signerOf(p.Note)
	if err != nil {
		x.check(err, "", "The key of a leaf of the index is not known")
		return
	}
	x.proof("leaf of the index", p, k, NoPolicy())
}

// beginning explains that the larger log has another root at the smaller size.
func (x *explanation) beginning(t trial) {
	old, err := x.noted(t.Notes[0])
	if err != nil {
		return
	}
	end, err := x.noted(t.Notes[1])
	if err != nil {
		return
	}
	err = CheckConsistency(Checkpoint{old.Origin, old.Size, t.Beginning}, end, t.Path)
	lines := []string{fmt.Sprintf("root that the larger log has at size %d = %x", old.Size, t.Beginning[:])}
	for n, h := range t.Path {
		lines = append(lines, fmt.Sprintf("path %d = %x", n+1, h[:]))
	}
	x.check(err, fmt.Sprintf("The log of %d entries begins with another log of %d, as this path shows", end.Size, old.Size),
		"The path does not show how the larger log begins", append(lines,
			fmt.Sprintf("signed at size %d = %x", old.Size, old.Root[:]), fmt.Sprintf("signed at size %d = %x", end.Size, end.Root[:]))...)
}

// promise explains which entry a receipt promises, and which is there.
func (x *explanation) promise(t trial) {
	r, err := t.promised()
	if err != nil {
		return // the step of the note says so
	}
	there := t.Proofs[0]
	for _, line := range r.Lines {
		if line.Index == there.Index {
			hash := events.HashEntry(there.Extra)
			x.add(fmt.Sprintf("The entry at position %d is hashed, and held against the promise", line.Index),
				fmt.Sprintf("promised = %x", line.EntryHash), fmt.Sprintf("SHA-256(entry) = %x", hash[:]))
		}
	}
}

// witnesses explains who knew nothing larger than the checkpoint that is too small.
func (x *explanation) witnesses(t trial) {
	policy, err := t.recordedPolicy()
	if err != nil {
		return // what is no such entry fails in the verdict
	}
	text, err := splitNote(t.Notes[1])
	if err != nil {
		return // the step of the note says so
	}
	x.add("The witnesses of the policy in that entry knew nothing larger, and without them there is no quorum",
		cosignatureLines(policy, t.Notes[1], text)...)
}

// stated explains what evidence has below the roots that its last leaf states.
func (x *explanation) stated(e Evidence) {
	leaf, err := ParseIndexLeaf(string(e.Leaves[len(e.Leaves)-1].Extra))
	if err != nil {
		return
	}
	x.tree("tags", e.Tags, leaf.Tags)
	x.tree("enrolments", e.Labels, leaf.Labels)
	if e.Placed == nil {
		return
	}
	hash := LeafHash(e.Placed.Entry)
	lines, root, err := climb(hash, e.Placed.Index, leaf.Size, e.Placed.Path)
	if err == nil && root != leaf.Root {
		err = fmt.Errorf("the leaf states %x", leaf.Root[:])
	}
	x.check(err, fmt.Sprintf("The entry at position %d is below the ledger root that the leaf states", e.Placed.Index),
		"The entry is not below the ledger root that the leaf states", append([]string{leafLine(e.Placed.Entry)}, lines...)...)
}
