// Package differential holds ledger/proof against the oracles of ../oracle, file by
// file. It is the only package below testdata/interop that has code of ours in it.
//
// What must hold of every input: what we accept, each oracle that knows the format
// accepts too, and reads the same out of it. What an oracle accepts and we refuse
// belongs to a class of difference that has a name, and that code finds in the file
// without ours. Where an oracle refuses what we accept, the same is asked.
//
// Inputs are the vectors and what a fuzzer makes of them. A changed byte under a
// signature shows nothing but that signatures are verified, so each input is also
// judged after its text was signed again, with the keys of the vectors, which are
// public; and of a proof, after its checkpoint was given the root to which the
// entry and the path lead.
//
//	go test ./differential -fuzz FuzzProof
package differential

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/testdata/interop/oracle"
	"golang.org/x/mod/sumdb/note"
)

const vectorDir = "../../vectors"

// comparer judges inputs by ours and by the oracles.
type comparer struct {
	files        []oracle.File
	oracles      []oracle.Oracle
	log, receipt note.Verifier
	policy       proof.Policy // of the format "cosigned"
	logSigner    note.Signer
	receiptKey   note.Signer
	witnesses    []witness
}

func newComparer(t testing.TB) *comparer {
	t.Helper()
	keys, err := oracle.ReadKeys(vectorDir)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparer{logSigner: signerOf(t, keys.Log, "log"), receiptKey: signerOf(t, keys.Receipt, "receipt")}
	if c.files, err = oracle.ReadFiles(vectorDir); err != nil {
		t.Fatal(err)
	}
	if c.oracles, err = oracle.All(keys); err != nil {
		t.Fatal(err)
	}
	if c.log, err = proof.ParseVerifierKey(keys.Log); err != nil {
		t.Fatal(err)
	}
	if c.receipt, err = proof.ParseVerifierKey(keys.Receipt); err != nil {
		t.Fatal(err)
	}
	text := "group two 2 w0 w1 w2\nquorum two\n"
	for i, vkey := range slices.Backward(keys.Witnesses) {
		text = fmt.Sprintf("witness w%d %s\n", i, vkey) + text
		c.witnesses = append(c.witnesses, newWitness(t, vkey))
	}
	if c.policy, err = proof.ParsePolicy([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ours is what we say, in the words of the oracles.
func (c *comparer) ours(format string, file []byte) (oracle.Verdict, error) {
	var said string
	switch format {
	case "checkpoint":
		got, err := proof.OpenCheckpoint(file, c.log)
		return oracle.Verdict{Said: tells(got)}, err
	case "receipt":
		r, err := proof.OpenReceipt(file, c.receipt)
		return oracle.Verdict{Said: r.Text()}, err
	case "proof":
		p, err := proof.ParseProof(file)
		if err != nil {
			return oracle.Verdict{}, err
		}
		got, err := p.Verify(c.log)
		return oracle.Verdict{Said: fmt.Sprintf("%s; entry %d is %s", tells(got), p.Index, hex.EncodeToString(p.Extra))}, err
	case "cosigned":
		got, by, err := c.policy.Check(file, c.log)
		said = tells(got)
		for _, b := range by.By {
			i := slices.IndexFunc(c.policy.Witnesses, func(w proof.Witness) bool { return w.Name == b.Witness })
			said += fmt.Sprintf("; %s at %d", c.policy.Witnesses[i].Key.Name(), b.At.Unix())
		}
		return oracle.Verdict{Said: said}, err
	}
	p, err := proof.ParsePolicy(file)
	return oracle.Verdict{Met: func(by oracle.Signers) bool {
		var names []string
		for _, w := range p.Witnesses {
			if by[oracle.Signer{Name: w.Key.Name(), Hash: w.Key.KeyHash()}] {
				names = append(names, w.Name)
			}
		}
		return p.Met(names...)
	}}, err
}

func tells(c proof.Checkpoint) string {
	return fmt.Sprintf("%s has %d entries, root %x", c.Origin, c.Size, c.Root[:])
}

// compare judges one input.
func (c *comparer) compare(t *testing.T, format string, file []byte) {
	t.Helper()
	mine, err := c.ours(format, file)
	for _, o := range c.oracles {
		judge := o.Judges[format]
		if judge == nil {
			continue
		}
		theirs, theirErr := judge(file)
		switch {
		case err == nil && theirErr != nil:
			if !known(refused, o.Name, format, file) {
				t.Errorf("%s: %s refuses what we accept: %v\n%q", format, o.Name, theirErr, file)
			}
		case err != nil && theirErr == nil:
			if !known(accepted, o.Name, format, file) {
				t.Errorf("%s: %s accepts what we refuse: %v\n%q", format, o.Name, err, file)
			}
		case err == nil && theirs.Said != "" && theirs.Said != mine.Said:
			t.Errorf("%s: we read %q, %s reads %q\n%q", format, mine.Said, o.Name, theirs.Said, file)
		case err == nil && theirs.Met != nil:
			if who := c.differ(file, mine.Met, theirs.Met); who != "" && !known(met, o.Name, format, file) {
				t.Errorf("%s: %s and we disagree on whether %s are a quorum\n%q", format, o.Name, who, file)
			}
		}
	}
}

// differ is a set of cosigners of a policy that we accept about which two disagree.
func (c *comparer) differ(file []byte, mine, theirs func(oracle.Signers) bool) string {
	p, err := proof.ParsePolicy(file)
	if err != nil {
		return ""
	}
	for set := range 1 << min(len(p.Witnesses), 6) {
		by := oracle.Signers{}
		for i, w := range p.Witnesses {
			if set>>min(i, 6)&1 == 1 {
				by[oracle.Signer{Name: w.Key.Name(), Hash: w.Key.KeyHash()}] = true
			}
		}
		// The log signs in any case.
		for _, l := range p.Logs {
			if v, err := note.NewVerifier(l.Key); err == nil {
				by[oracle.Signer{Name: v.Name(), Hash: v.KeyHash()}] = true
			}
		}
		if mine(by) != theirs(by) {
			return fmt.Sprint(by)
		}
	}
	return ""
}

// all judges an input as it is, and with signatures that fit.
func (c *comparer) all(t *testing.T, format string, file []byte) {
	t.Helper()
	c.compare(t, format, file)
	switch format {
	case "checkpoint":
		c.compare(t, format, resigned(file, c.logSigner))
	case "receipt":
		c.compare(t, format, resigned(file, c.receiptKey))
	case "proof":
		if i := bytes.Index(file, []byte("\n\n")); i >= 0 {
			c.compare(t, format, append(bytes.Clone(file[:i+2]), resigned(file[i+2:], c.logSigner)...))
		}
		c.compare(t, format, rerooted(file, c.logSigner))
	case "cosigned":
		c.compare(t, format, c.cosigned(file))
	}
}

// cosigned is the text of a note, signed by the log and by some of the witnesses, at
// times that its own bytes draw.
func (c *comparer) cosigned(file []byte) []byte {
	i := bytes.LastIndex(file, []byte("\n\n"))
	if i < 0 {
		return file
	}
	text := file[:i+1]
	draw := rand.New(rand.NewPCG(uint64(len(file)), uint64(sum(file))))
	out := sign(text, c.logSigner)
	for _, w := range c.witnesses {
		if w.pq != nil && draw.IntN(4) > 0 || draw.IntN(4) == 0 {
			continue
		}
		seconds := draw.Uint64() >> draw.IntN(64)
		out = append(out, w.line(text, seconds)...)
	}
	return out
}

func sum(b []byte) (n int) {
	for i, c := range b {
		n += (i%251 + 1) * int(c)
	}
	return n
}

func (c *comparer) seeds(format string) (out [][]byte) {
	for _, f := range c.files {
		if f.Format == format {
			out = append(out, f.Data)
		}
	}
	return out
}

func fuzz(f *testing.F, format string) {
	c := newComparer(f)
	for _, seed := range c.seeds(format) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) { c.all(t, format, file) })
}

func FuzzCheckpoint(f *testing.F) { fuzz(f, "checkpoint") }
func FuzzReceipt(f *testing.F)    { fuzz(f, "receipt") }
func FuzzProof(f *testing.F)      { fuzz(f, "proof") }
func FuzzPolicy(f *testing.F)     { fuzz(f, "policy") }
func FuzzCosigned(f *testing.F)   { fuzz(f, "cosigned") }

// TestMutations judges 2,000 changed vectors of each format, the same every time.
func TestMutations(t *testing.T) {
	c := newComparer(t)
	for _, format := range []string{"checkpoint", "receipt", "proof", "policy", "cosigned"} {
		t.Run(format, func(t *testing.T) {
			seeds, r := c.seeds(format), rand.New(rand.NewPCG(7, uint64(len(format))))
			for n := 0; n < 2000 && !t.Failed(); n++ {
				c.all(t, format, mutate(r, seeds))
			}
		})
	}
}

// mutate changes a vector in one to four places: a byte, a line, or a part that stands
// in another.
func mutate(r *rand.Rand, seeds [][]byte) []byte {
	pick := func() []byte { return seeds[r.IntN(len(seeds))] }
	out := string(pick())
	for range 1 + r.IntN(4) {
		lines := strings.SplitAfter(out, "\n")
		i := r.IntN(len(lines))
		l := lines[i]
		at := r.IntN(len(l) + 1)
		switch r.IntN(6) {
		case 0: // another byte
			l = l[:at] + string([]byte{"0123456789+-=_/ \t\r\x7f\x00Aa—#\xff"[r.IntN(26)]}) + l[min(at+1, len(l)):]
		case 1: // one more
			l = l[:at] + string([]byte{"0123456789+-=_/ \t\r\x7f\x00Aa—#\xff"[r.IntN(26)]}) + l[at:]
		case 2: // one less
			l = l[:at] + l[min(at+1, len(l)):]
		case 3: // a line less, or twice
			l = strings.Repeat(l, 2*r.IntN(2))
		case 4: // a line of another
			others := strings.SplitAfter(string(pick()), "\n")
			l = others[r.IntN(len(others))]
		case 5: // a word of another line in place of one
			words, others := strings.Split(l, " "), strings.Split(lines[r.IntN(len(lines))], " ")
			words[r.IntN(len(words))] = others[r.IntN(len(others))]
			l = strings.Join(words, " ")
		}
		lines[i] = l
		out = strings.Join(lines, "")
	}
	return []byte(out)
}
