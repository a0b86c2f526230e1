package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

// explain is the explanation of a vector, and what its verification says; ok is false
// for one that is not even read.
func explain(t *testing.T, format string, data []byte) (steps []Step, verdict error, ok bool) {
	verdict = judge(t, format, data)
	switch format {
	case "checkpoint":
		return ExplainCheckpoint(data, logKey(t).Verifier, NoPolicy()), verdict, true
	case "cosigned":
		policy, err := ParsePolicy([]byte(testPolicy(t)))
		return ExplainCheckpoint(data, logKey(t).Verifier, policy), verdict, err == nil
	case "receipt":
		return ExplainReceipt(data, receiptKey(t).Verifier), verdict, true
	case "proof":
		p, err := ParseProof(data)
		return p.Explain(logKey(t).Verifier, NoPolicy()), verdict, err == nil
	case "index-proof":
		p, err := ParseIndexProof(data)
		return p.Explain(indexKey(t).Verifier, NoPolicy()), verdict, err == nil
	case "bundle":
		b, err := ParseBundle(data)
		_, card, _ := annsTown(t)
		return b.Explain(card), verdict, err == nil
	}
	return nil, verdict, false
}

// TestExplanationsAgree holds every vector's explanation against its verdict.
func TestExplanationsAgree(t *testing.T) {
	explained := 0
	for _, v := range allVectors(t) {
		steps, verdict, ok := explain(t, v.format, []byte(v.data))
		if !ok {
			continue
		}
		explained++
		agrees(t, v.path(), steps, verdict)
	}
	key := logKey(t).Verifier
	for _, v := range presentationVectors(t) {
		if p, err := ParsePresentation([]byte(v.File)); err == nil {
			_, verdict := p.Verify(key)
			agrees(t, v.Name, p.Explain(key, NoPolicy()), verdict)
			explained++
		}
	}
	for _, v := range evidenceVectors(t) {
		if e, err := ParseEvidence([]byte(v.File)); err == nil {
			_, verdict := e.Verify(key)
			agrees(t, v.Name, e.Explain(key), verdict)
			explained++
		}
	}
	if explained < 100 {
		t.Errorf("only %d vectors were explained", explained)
	}
}

// agrees fails unless a step fails where the verdict is bad, and none where it is good.
func agrees(t *testing.T, name string, steps []Step, verdict error) {
	t.Helper()
	failed := 0
	for _, s := range steps {
		if s.Said == "" || strings.HasSuffix(s.Said, ".") {
			t.Errorf("%s: a step says %q", name, s.Said)
		}
		if s.Failed {
			failed++
		}
		for _, line := range s.Detail {
			adds(t, name, line)
		}
	}
	if len(steps) == 0 || (failed > 0) != (verdict != nil) || strings.Contains(steps[len(steps)-1].Said, "do not agree") {
		t.Errorf("%s: verified as %v, %d of %d steps fail: %+v", name, verdict, failed, len(steps), steps)
	}
}

// nodes are the lines that anybody can compute again.
var nodes = regexp.MustCompile(`= SHA-256\(0x01 ‖ ([0-9a-f]{64}) ‖ ([0-9a-f]{64})\) = ([0-9a-f]{64})$`)

// adds computes a line again.
func adds(t *testing.T, name, line string) {
	m := nodes.FindStringSubmatch(line)
	if m == nil {
		if strings.Contains(line, "0x01 ‖ ") && !strings.Contains(line, "0x01 ‖ tag") {
			t.Errorf("%s: cannot be computed again: %s", name, line)
		}
		return
	}
	b, _ := hex.DecodeString("01" + m[1] + m[2])
	if fmt.Sprintf("%x", sha256.Sum256(b)) != m[3] {
		t.Errorf("%s: is not so: %s", name, line)
	}
}

// TestExplainedRootIsTheSignedOne climbs from every leaf of every small tree, and
// from no other leaf, position, size or path.
func TestExplainedRootIsTheSignedOne(t *testing.T) {
	for n := 1; n <= 21; n++ {
		d := testEntries(n)
		want := treeRoot(d)
		for i := range n {
			p := testProof(t, i, d)
			steps := p.Explain(logKey(t).Verifier, NoPolicy())
			agrees(t, fmt.Sprintf("%d of %d", i, n), steps, nil)
			last := func(s Step) string { return s.Detail[len(s.Detail)-1] }
			if got := steps[2]; got.Said != "That root is the one in the checkpoint" || last(got) != fmt.Sprintf("signed   = %x, in base64 %s", want[:], want) {
				t.Fatalf("%d of %d: %+v", i, n, got)
			}
			if len(p.Path) > 0 && !strings.HasSuffix(last(steps[1]), fmt.Sprintf("%x", want[:])) {
				t.Fatalf("%d of %d ends with %s", i, n, last(steps[1]))
			}
			for size := 1; size <= n+2; size++ {
				for at := range size {
					_, root, err := climb(LeafHash(d[i]), events.Index(at), events.Size(size), p.Path)
					ours := err == nil && root == want
					theirs := tlog.CheckRecord(p.Path, int64(size), want, int64(at), LeafHash(d[i])) == nil
					if ours != theirs {
						t.Fatalf("position %d of size %d, of leaf %d of %d: %t, x/mod says %t", at, size, i, n, ours, theirs)
					}
				}
			}
		}
	}
}

// TestExplainShowsWhereItGoesWrong changes one thing at a time.
func TestExplainShowsWhereItGoesWrong(t *testing.T) {
	d := testEntries(7)
	key := logKey(t).Verifier
	for want, change := range map[string]func(*Proof){
		"The file carries no entry":                       func(p *Proof) { p.Extra = nil },
		"That root is not the one in the checkpoint":      func(p *Proof) { p.Path[1][0] ^= 1 },
		"From position 4 of 7, 2 hashes lead to no root":  func(p *Proof) { p.Path = p.Path[:2] },
		"From position 9 of 7, 3 hashes lead to no root":  func(p *Proof) { p.Index = 9 },
		"No signature of vectors.example/log is on the c": func(p *Proof) { p.Note = []byte(signRaw(t, testCheckpoint(d).Text(), receiptKey(t))) },
		"The note has no checkpoint":                      func(p *Proof) { p.Note = []byte("x") },
	} {
		p := testProof(t, 4, d)
		change(&p)
		_, err := p.Verify(key)
		steps := p.Explain(key, NoPolicy())
		agrees(t, want, steps, err)
		var said []string
		for _, s := range steps {
			if s.Failed {
				said = append(said, s.Said)
			}
		}
		if len(said) != 1 || !strings.HasPrefix(said[0], want) {
			t.Errorf("%q is explained as %q", want, said)
		}
	}
}

// TestExplainedCosignatures says of each witness whether it cosigned, and when.
func TestExplainedCosignatures(t *testing.T) {
	d := testEntries(5)
	p := testProof(t, 2, d)
	policy := Policy{Quorum: "both"}
	for _, kind := range []byte{CosignerEd25519, CosignerMLDSA44} {
		secret, err := GenerateCosigner(fmt.Sprintf("w%d.example", kind), kind)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseCosignerSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		policy.Witnesses = append(policy.Witnesses, Witness{Name: fmt.Sprintf("w%d", kind), Key: s.Cosigner})
		if kind == CosignerMLDSA44 {
			break
		}
		line, err := s.Cosign(testCheckpoint(d).Text(), time.Unix(1782289800, 0))
		if err != nil {
			t.Fatal(err)
		}
		if p.Note, err = AddCosignatures(p.Note, line); err != nil {
			t.Fatal(err)
		}
	}
	policy.Groups = []Group{{Name: "both", Need: 2, Members: []string{"w4", "w6"}}}
	last := func() Step { s := p.Explain(logKey(t).Verifier, policy); return s[len(s)-1] }
	text := strings.Join(last().Detail, "\n")
	if !last().Failed || !strings.Contains(text, "witness w4 (key w4.example") || !strings.Contains(text, "on 2026-06-24T08:30:00.000Z") || !strings.Contains(text, "w6.example") || !strings.Contains(text, ": none\n") {
		t.Errorf("one of two is explained as %+v", last())
	}
	policy.Groups[0].Need = 1
	if last().Failed {
		t.Errorf("one of one is explained as %+v", last())
	}
}

func FuzzExplainProof(f *testing.F) {
	d := testEntries(6)
	for i := range d {
		f.Add(testProof(f, i, d).Format())
	}
	v := logKey(f).Verifier
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParseProof(file)
		if err != nil {
			return
		}
		_, verdict := p.Verify(v)
		agrees(t, string(file), p.Explain(v, NoPolicy()), verdict)
	})
}
