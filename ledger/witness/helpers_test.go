package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const testOrigin = "ledger.example/log"

type testKey struct {
	note.Signer
	note.Verifier
	vkey string
}

// newKey makes a log's key from public words: the same in every run.
func newKey(t testing.TB, name, words string) testKey {
	t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + words))
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v := must[note.Verifier](t)(note.NewVerifier(vkey))
	s := must[note.Signer](t)(note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))))
	return testKey{s, v, vkey}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newSigner makes a witness's key.
func newSigner(t testing.TB, name string, kind byte) *proof.CosignerSigner {
	t.Helper()
	secret := must[string](t)(proof.GenerateCosigner(name, kind))
	return must[*proof.CosignerSigner](t)(proof.ParseCosignerSigner(secret))
}

// history is a log of leaves that a test makes up, and signs.
type history struct {
	key    testKey
	hashes []tlog.Hash
	size   int64
}

func newHistory(t testing.TB, key testKey, leaves int, other ...int) *history {
	t.Helper()
	h := &history{key: key}
	for i := range leaves {
		leaf := fmt.Sprint("leaf ", i)
		for _, o := range other {
			if o == i {
				leaf += " of another history"
			}
		}
		h.hashes = append(h.hashes, must[[]tlog.Hash](t)(tlog.StoredHashes(h.size, []byte(leaf), h))...)
		h.size++
	}
	return h
}

func (h *history) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h.hashes[x]
	}
	return out, nil
}

func (h *history) at(t testing.TB, size events.Size) proof.Checkpoint {
	t.Helper()
	c := proof.Checkpoint{Origin: h.key.Signer.Name(), Size: size, Root: proof.EmptyRoot()}
	if size > 0 {
		c.Root = must[tlog.Hash](t)(tlog.TreeHash(int64(size), h))
	}
	return c
}

func (h *history) note(t testing.TB, size events.Size) []byte {
	t.Helper()
	return must[[]byte](t)(proof.SignCheckpoint(h.at(t, size), h.key.Signer))
}

func (h *history) path(t testing.TB, old, size events.Size) []proof.Hash {
	t.Helper()
	if old == 0 || old >= size {
		return nil
	}
	return must[tlog.TreeProof](t)(tlog.ProveTree(int64(size), int64(old), h))
}

func (h *history) request(t testing.TB, old, size events.Size) []byte {
	t.Helper()
	return Request{old, h.path(t, old, size), h.note(t, size)}.Format()
}

var testNow = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

func testConfig(t testing.TB, dir string, logs ...note.Verifier) Config {
	t.Helper()
	return Config{
		Dir: dir, Logs: logs, Now: func() time.Time { return testNow },
		Signers: []*proof.CosignerSigner{newSigner(t, "library.example/witness", proof.CosignerEd25519)},
	}
}

func openWitness(t testing.TB, cfg Config) *Witness {
	t.Helper()
	w := must[*Witness](t)(Open(cfg))
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func serve(t testing.TB, w *Witness) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(w.Handler())
	t.Cleanup(s.Close)
	return s
}

// policyOf is as the specification has it: witnesses, and how many of them.
func policyOf(t testing.TB, need string, witnesses ...string) proof.Policy {
	t.Helper()
	var b strings.Builder
	names := make([]string, len(witnesses))
	for i, w := range witnesses {
		names[i] = fmt.Sprint("w", i+1)
		fmt.Fprintf(&b, "witness %s %s\n", names[i], w)
	}
	fmt.Fprintf(&b, "group all-of-them %s %s\nquorum all-of-them\n", need, strings.Join(names, " "))
	return must[proof.Policy](t)(proof.ParsePolicy([]byte(b.String())))
}

func wantError(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Fatalf("error %v, want one that says %q", err, part)
	}
}

func statusOf(t testing.TB, err error) int {
	t.Helper()
	if err == nil {
		return 200
	}
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return refused.Status
}
