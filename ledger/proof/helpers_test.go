package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"golang.org/x/mod/sumdb/note"
)

const testOrigin = "vectors.example/log"

// testKey is a key pair made from public words, so that signatures are the
// same in every run.
type testKey struct {
	note.Signer
	note.Verifier
	vkey string
}

func newTestKey(t testing.TB, name, words string) testKey {
	t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + words))
	public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParseVerifierKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	private := base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(), private))
	if err != nil {
		t.Fatal(err)
	}
	return testKey{s, v, vkey}
}

func logKey(t testing.TB) testKey     { return newTestKey(t, testOrigin, "log") }
func receiptKey(t testing.TB) testKey { return newTestKey(t, testOrigin+"/receipt", "receipt") }

// signRaw signs any text, also one that is no checkpoint or receipt.
func signRaw(t testing.TB, text string, keys ...testKey) string {
	t.Helper()
	var signers []note.Signer
	for _, k := range keys {
		signers = append(signers, k.Signer)
	}
	msg, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg)
}

// testEntries are n entries, all different.
func testEntries(n int) [][]byte {
	entries := make([][]byte, n)
	for i := range entries {
		entries[i] = fmt.Appendf(nil, `{"$":"daybook/entry@1","kind":"example","n":%d}`, i)
	}
	return entries
}

// The three functions below are RFC 6962 section 2.1 word for word, apart
// from the code under test.

func node(left, right Hash) Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func treeRoot(d [][]byte) Hash {
	switch len(d) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, d[0]...))
	}
	k := split(len(d))
	return node(treeRoot(d[:k]), treeRoot(d[k:]))
}

func inclusionPath(m int, d [][]byte) []Hash {
	if len(d) == 1 {
		return nil
	}
	k := split(len(d))
	if m < k {
		return append(inclusionPath(m, d[:k]), treeRoot(d[k:]))
	}
	return append(inclusionPath(m-k, d[k:]), treeRoot(d[:k]))
}

func consistencyPath(m int, d [][]byte, whole bool) []Hash {
	if m == len(d) {
		if whole {
			return nil
		}
		return []Hash{treeRoot(d)}
	}
	k := split(len(d))
	if m <= k {
		return append(consistencyPath(m, d[:k], whole), treeRoot(d[k:]))
	}
	return append(consistencyPath(m-k, d[k:], false), treeRoot(d[:k]))
}

func testCheckpoint(d [][]byte) Checkpoint {
	return Checkpoint{Origin: testOrigin, Size: events.Size(len(d)), Root: treeRoot(d)}
}

func testProof(t testing.TB, i int, d [][]byte) Proof {
	t.Helper()
	msg, err := SignCheckpoint(testCheckpoint(d), logKey(t).Signer)
	if err != nil {
		t.Fatal(err)
	}
	return Proof{Extra: d[i], Index: events.Index(i), Path: inclusionPath(i, d), Note: msg}
}

// wantError fails unless err names the reason.
func wantError(t testing.TB, err error, reason string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want the error %q", reason)
	}
	if !strings.Contains(err.Error(), reason) {
		t.Fatalf("error %q does not say %q", err, reason)
	}
}
