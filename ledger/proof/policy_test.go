package proof

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestQuorumTime: what is known is the latest moment at which enough of them, together,
// had signed by then or later.
func TestQuorumTime(t *testing.T) {
	d := testEntries(7)
	text := testCheckpoint(d).Text()
	a, b, c := testLibrary(t), testNewspaper(t), testUniversity(t)
	msg := []byte(signRaw(t, text, logKey(t)))
	for _, test := range []struct {
		need    string
		seconds [3]int // negative: does not sign
		at      int    // negative: no quorum
	}{
		{"any", [3]int{5, 9, 7}, 9},
		{"2", [3]int{5, 9, 7}, 7},
		{"all", [3]int{5, 9, 7}, 5},
		{"2", [3]int{5, -1, 7}, 5},
		{"2", [3]int{-1, -1, 7}, -1},
		{"all", [3]int{5, 9, -1}, -1},
		{"any", [3]int{-1, -1, -1}, -1},
	} {
		p := must(ParsePolicy([]byte(edit(t, testPolicy(t), "group two 2", "group two "+test.need))))
		signed, n := msg, 0
		for i, s := range []*CosignerSigner{a, b, c} {
			if test.seconds[i] >= 0 {
				signed, n = must(AddCosignatures(signed, s.line(t, text, test.seconds[i]))), n+1
			}
		}
		_, got, err := p.Check(signed, logKey(t).Verifier)
		var few *QuorumError
		if test.at < 0 {
			if !errors.As(err, &few) || len(few.Have) != n {
				t.Errorf("%+v: %v, want a quorum error with %d", test, err, n)
			}
			continue
		}
		if want := cosignedAt.Add(time.Duration(test.at) * time.Second); err != nil || !got.At.Equal(want) || len(got.By) != n {
			t.Errorf("%+v: %+v, %v", test, got, err)
		}
	}
}

// TestPolicyKeepsToItsLogs: a policy that lists logs accepts no other, and one without
// any takes the key it is asked with.
func TestPolicyKeepsToItsLogs(t *testing.T) {
	d := testEntries(7)
	other := newTestKey(t, testOrigin, "another log of that name")
	msg := []byte(signRaw(t, testCheckpoint(d).Text(), other))
	_, _, err := must(ParsePolicy([]byte("log "+logKey(t).vkey+"\nquorum none\n"))).Check(msg, other.Verifier)
	wantError(t, err, "does not accept the log")
	if c, _, err := (Policy{}).Check(msg, other.Verifier); err != nil || c.Size != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	if got := NoPolicy().Text() + (Policy{}).Text(); got != "quorum none\nquorum none\n" {
		t.Errorf("%q", got)
	}
}

// TestNobodyNeeded: where nobody has to cosign, who did says nothing of when the policy
// was met.
func TestNobodyNeeded(t *testing.T) {
	d := testEntries(7)
	text, library := testCheckpoint(d).Text(), testLibrary(t)
	msg := must(AddCosignatures([]byte(signRaw(t, text, logKey(t))), library.line(t, text, 0)))
	p := must(ParsePolicy([]byte("witness library " + library.Cosigner.String() + "\nquorum none\n")))
	if _, by, err := p.Check(msg, logKey(t).Verifier); err != nil || len(by.By) != 1 || !by.At.IsZero() {
		t.Errorf("%+v, %v", by, err)
	}
}

// TestAnswersOfWitnesses keeps the lines of known keys alone, and no line that its key
// did not make for that checkpoint.
func TestAnswersOfWitnesses(t *testing.T) {
	text, other := testCheckpoint(testEntries(7)).Text(), testCheckpoint(testEntries(6)).Text()
	library, pq, stranger := testLibrary(t), testUniversity(t), testWitness(t, "stranger.example", CosignerEd25519)
	answer := library.line(t, text, 0) + stranger.line(t, text, 0) + pq.line(t, text, 3)
	got, err := Cosignatures([]byte(answer), text, pq.Cosigner, library.Cosigner)
	if err != nil || strings.Join(got, "") != library.line(t, text, 0)+pq.line(t, text, 3) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Cosignatures([]byte(stranger.line(t, text, 0)), text, library.Cosigner); err != nil || len(got) != 0 {
		t.Errorf("a stranger's: %q, %v", got, err)
	}
	for _, answer := range []string{
		"", "\n", "no line\n", library.line(t, other, 0), pq.line(t, other, 0), strings.TrimSuffix(library.line(t, text, 0), "\n"),
		library.line(t, text, 0) + library.line(t, text, 1), library.line(t, text, 0) + "\n" + pq.line(t, text, 0),
	} {
		if got, err := Cosignatures([]byte(answer), text, library.Cosigner, pq.Cosigner); err == nil {
			t.Errorf("%q is taken as %q", answer, got)
		}
	}
	msg := []byte(signRaw(t, text, logKey(t)))
	once := must(AddCosignatures(msg, library.line(t, text, 0), pq.line(t, text, 0)))
	twice := must(AddCosignatures(once, library.line(t, text, 9)))
	if string(twice) != string(msg)+pq.line(t, text, 0)+library.line(t, text, 9) {
		t.Errorf("a newer cosignature does not take the place of the older: %q", twice)
	}
	if replayed := must(AddCosignatures(twice, library.line(t, text, 0))); string(replayed) != string(twice) {
		t.Errorf("an older cosignature takes the place of the newer: %q", replayed)
	}
}

func TestWitnessKeysAreWritten(t *testing.T) {
	for _, kind := range []byte{CosignerEd25519, CosignerMLDSA44} {
		secret := must(GenerateCosigner("library.example", kind))
		s, err := ParseCosignerSigner(secret)
		if err != nil || s.secret() != secret || s.Type() != kind {
			t.Fatalf("%v, %v", s, err)
		}
		key, err := ParseCosignerKey(s.Cosigner.String())
		if err != nil || key.KeyHash() != s.KeyHash() || key.Name() != "library.example" {
			t.Errorf("%v, %v", key, err)
		}
		if strings.Contains(s.String(), secret[len(secret)-20:]) {
			t.Error("the secret is printed")
		}
		for _, bad := range []string{"", secret + " ", secret[:len(secret)-1], strings.Replace(secret, "library", "archive", 1), s.Cosigner.String(), strings.Replace(secret, "+"+secret[len("PRIVATE+KEY+library.example+"):][:8], "+00000000", 1)} {
			if _, err := ParseCosignerSigner(bad); err == nil {
				t.Errorf("%q is read", bad)
			}
		}
		if _, err := s.Cosign("not a checkpoint\n", cosignedAt); err == nil {
			t.Error("it cosigns what is no checkpoint")
		}
		if _, err := s.Cosign(testCheckpoint(testEntries(1)).Text(), time.Unix(0, 0)); err == nil {
			t.Error("it cosigns at no time")
		}
	}
	if _, err := GenerateCosigner("a name", CosignerEd25519); err == nil {
		t.Error("a name with a space")
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, text := range seeds(f, "policy") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err != nil {
			return
		}
		again, err := ParsePolicy([]byte(p.Text()))
		if err != nil || again.Text() != p.Text() {
			t.Errorf("its one form %q: %v", p.Text(), err)
		}
		var all []string
		for _, w := range p.Witnesses {
			all = append(all, w.Name)
		}
		if !p.Met(all...) {
			t.Error("not even all witnesses are a quorum")
		}
	})
}

func FuzzCosigned(f *testing.F) {
	for _, msg := range seeds(f, "cosigned") {
		f.Add([]byte(msg))
	}
	p := must(ParsePolicy([]byte(testPolicy(f))))
	text := testCheckpoint(testEntries(7)).Text()
	v := logKey(f).Verifier
	f.Fuzz(func(t *testing.T, msg []byte) {
		c, got, err := p.Check(msg, v)
		if err == nil && (c.Text() != text || len(got.By) < 2 || got.At.IsZero()) {
			t.Errorf("%+v by %+v", c, got)
		}
	})
}

// TestPolicyLogsAreToldApart: two keys whose base64 ends alike behind a plus are two.
func TestPolicyLogsAreToldApart(t *testing.T) {
	const one, other = "log.example+3f600293+AZxHPC2qUsOzNJPRpDuAndhYRGLUMVT8l+4C4EDdV4D+", "log.example+4fca0247+AUjVPMUHXTGpALKJtWXPt5IhLO2CpF/6k7VDT97QDfR+"
	p, err := ParsePolicy([]byte("log " + one + "\nlog " + other + "\nquorum none\n"))
	if err != nil || len(p.Logs) != 2 {
		t.Errorf("%d logs, %v", len(p.Logs), err)
	}
	if _, err := ParsePolicy([]byte("log " + one + "\nlog " + one + "\nquorum none\n")); err == nil {
		t.Error("one key stands twice")
	}
}
