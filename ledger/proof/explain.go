package proof

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

// Step is one step of the arithmetic by which a file is verified. The steps of a file
// follow it from its bytes to the signatures, also where it goes wrong.
type Step struct {
	Said   string   // what was computed, a sentence without a full stop
	Detail []string // from what, and with which result: hashes in hexadecimal, a line each
	Failed bool     // here it goes wrong
}

// explanation gathers steps. Whether a step fails is asked of the function that
// verifies; what is shown beside it is computed here once more and must agree.
type explanation struct{ steps []Step }

func (x *explanation) add(said string, detail ...string) {
	x.steps = append(x.steps, Step{Said: said, Detail: detail})
}

// check adds a step that says well unless something is wrong.
func (x *explanation) check(err error, well, wrong string, detail ...string) {
	if err != nil {
		x.steps = append(x.steps, Step{wrong, append(detail, "wrong: "+err.Error()), true})
		return
	}
	x.add(well, detail...)
}

func (x *explanation) failed() bool {
	for _, s := range x.steps {
		if s.Failed {
			return true
		}
	}
	return false
}

// against holds the steps against the verdict of the verification. When the two do
// not agree the last step says so, and fails.
func (x *explanation) against(verdict error) []Step {
	switch {
	case verdict != nil && !x.failed():
		x.check(verdict, "", "It is refused for what no step above shows")
	case verdict == nil && x.failed():
		x.check(errors.New("the file was verified, and a step above fails: believe neither, and report it"), "", "The steps and the verification do not agree")
	}
	return x.steps
}

// Explain is the arithmetic of [Proof.Verify] with v and of [Policy.Check].
func (p Proof) Explain(v note.Verifier, policy Policy) []Step {
	x := &explanation{}
	x.proof("entry", p, v, policy)
	_, err := p.Verify(v)
	if err == nil {
		_, _, err = policy.Check(p.Note, v)
	}
	return x.against(err)
}

// proof explains a proof of what is called an entry, or a leaf of the index.
func (x *explanation) proof(what string, p Proof, v note.Verifier, policy Policy) {
	if len(p.Extra) == 0 {
		x.check(errors.New("there is nothing to hash"), "", "The file carries no entry")
		return
	}
	leaf := LeafHash(p.Extra)
	x.add(fmt.Sprintf("The %s, %d bytes, is hashed as a leaf", what, len(p.Extra)), fmt.Sprintf("leaf = SHA-256(0x00 ‖ %s) = %x", what, leaf[:]))
	c, err := x.noted(p.Note)
	if err != nil {
		return
	}
	lines, root, err := climb(leaf, p.Index, c.Size, p.Path)
	x.check(err, fmt.Sprintf("From position %d of %d, %d hashes lead to a root", p.Index, c.Size, len(p.Path)),
		fmt.Sprintf("From position %d of %d, %d hashes lead to no root", p.Index, c.Size, len(p.Path)), lines...)
	if err == nil {
		err = CheckInclusion(p.Extra, p.Index, p.Path, c)
		x.root(err, root, c.Root)
	}
	x.signature(p.Note, v)
	x.cosignatures(p.Note, v, policy)
}

// noted is the checkpoint in a note of which the signature is not judged.
func (x *explanation) noted(msg []byte) (c Checkpoint, err error) {
	text, err := splitNote(msg)
	if err == nil {
		c, err = parseCheckpoint(text)
	}
	if err != nil {
		x.check(err, "", "The note has no checkpoint")
	}
	return c, err
}

// root compares what was computed with what was signed.
func (x *explanation) root(err error, computed, signed Hash) {
	if err == nil && computed != signed {
		err = errors.New("the two differ")
	}
	x.check(err, "That root is the one in the checkpoint", "That root is not the one in the checkpoint",
		fmt.Sprintf("computed = %x", computed[:]), fmt.Sprintf("signed   = %x, in base64 %s", signed[:], signed))
}

// climb computes a root from a leaf, as RFC 9162 section 2.1.3.2 has it, and says how.
func climb(leaf Hash, i events.Index, size events.Size, path []Hash) (lines []string, root Hash, err error) {
	if uint64(i) >= uint64(size) {
		return nil, root, fmt.Errorf("position %d is outside a log of size %d", i, size)
	}
	at, last := uint64(i), uint64(size)-1
	root = leaf
	for n, h := range path {
		if last == 0 {
			return lines, root, fmt.Errorf("%d hashes are more than lead to the root", len(path))
		}
		left, right := root, h
		if at&1 == 1 || at == last {
			left, right = h, root
			for ; at&1 == 0; at, last = at>>1, last>>1 {
			}
		}
		root = tlog.NodeHash(left, right)
		at, last = at>>1, last>>1
		lines = append(lines, nodeLine(fmt.Sprintf("node %d", n+1), left, right, root))
	}
	if last != 0 {
		err = fmt.Errorf("%d hashes are fewer than lead to the root", len(path))
	}
	return lines, root, err
}

func nodeLine(name string, left, right, now Hash) string {
	return fmt.Sprintf("%s = SHA-256(0x01 ‖ %x ‖ %x) = %x", name, left[:], right[:], now[:])
}

// signature explains the signature of v on the checkpoint in a note.
func (x *explanation) signature(msg []byte, v note.Verifier) {
	c, err := OpenCheckpoint(msg, v)
	x.check(err, fmt.Sprintf("The key of %s signed that it has %d entries and this root", v.Name(), c.Size),
		fmt.Sprintf("No signature of %s is on the checkpoint", v.Name()), signedLines(msg, v)...)
}

// signedLines are a key, the text it signed and the signature, as far as there are any.
func signedLines(msg []byte, v note.Verifier) []string {
	out := []string{fmt.Sprintf("key %s, hash %08x", v.Name(), v.KeyHash())}
	text, err := splitNote(msg)
	if err != nil {
		return out
	}
	for line := range strings.Lines(text) {
		out = append(out, "message: "+strings.TrimSuffix(line, "\n"))
	}
	if sig := signatureBy(msg, text, keyID{v.Name(), v.KeyHash()}); sig != nil {
		out = append(out, fmt.Sprintf("signature = %x", sig))
	}
	return out
}

// signatureBy is what a note has of one key, nil for nothing.
func signatureBy(msg []byte, text string, by keyID) []byte {
	for line := range strings.Lines(string(msg[len(text)+1:])) {
		if k, sig, err := parseSignature(strings.TrimSuffix(line, "\n")); err == nil && k == by {
			return sig
		}
	}
	return nil
}

// cosignatures explains who of a policy cosigned; of one that needs nobody, nothing.
func (x *explanation) cosignatures(msg []byte, v note.Verifier, policy Policy) {
	text, err := splitNote(msg)
	if err != nil || len(policy.Witnesses)+len(policy.Logs) == 0 {
		return
	}
	if _, err := OpenCheckpoint(msg, v); err != nil {
		return // the step before says so
	}
	_, _, err = policy.Check(msg, v)
	x.check(err, "Enough witnesses of the policy cosigned it", "The cosignatures do not meet the policy", cosignatureLines(policy, msg, text)...)
}

// cosignatureLines are who of a policy cosigned, and whom it needs.
func cosignatureLines(policy Policy, msg []byte, text string) (lines []string) {
	for _, w := range policy.Witnesses {
		lines = append(lines, cosignatureLine(w, msg, text))
	}
	for _, g := range policy.Groups {
		lines = append(lines, fmt.Sprintf("group %s needs %d of %s", g.Name, g.Need, strings.Join(g.Members, ", ")))
	}
	return append(lines, "quorum "+policy.Quorum)
}

func cosignatureLine(w Witness, msg []byte, text string) string {
	sig := signatureBy(msg, text, keyID{w.Key.name, w.Key.hash})
	if sig == nil {
		return fmt.Sprintf("witness %s (key %s, hash %08x): none", w.Name, w.Key.name, w.Key.hash)
	}
	at, err := w.Key.signedAt(text, sig)
	if err != nil {
		return fmt.Sprintf("witness %s (key %s, hash %08x): not valid, %x", w.Name, w.Key.name, w.Key.hash, sig)
	}
	return fmt.Sprintf("witness %s (key %s, hash %08x): on %s, %x", w.Name, w.Key.name, w.Key.hash, at.Format(receiptTime), sig)
}

// ExplainCheckpoint is the arithmetic of [Policy.Check].
func ExplainCheckpoint(msg []byte, v note.Verifier, policy Policy) []Step {
	x := &explanation{}
	x.signature(msg, v)
	x.cosignatures(msg, v, policy)
	_, _, err := policy.Check(msg, v)
	return x.against(err)
}

// ExplainReceipt is the arithmetic of [OpenReceipt].
func ExplainReceipt(msg []byte, v note.Verifier) []Step {
	x := &explanation{}
	_, err := OpenReceipt(msg, v)
	x.check(err, "The receipt key "+v.Name()+" signed these promises", "No receipt of "+v.Name()+" is in the note", signedLines(msg, v)...)
	return x.against(err)
}
