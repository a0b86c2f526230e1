package trail

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/witness"
)

// TestCosigned: a ledger and its index under one witness. Answers have its cosignature,
// and a newer one when it is renewed; while it is away nothing is answered that it has
// not cosigned; and a ledger that lost what it showed gets its index back.
func TestCosigned(t *testing.T) {
	secret := must[string](t)(proof.GenerateCosigner("library.example/witness", proof.CosignerEd25519))
	signer := must[*proof.CosignerSigner](t)(proof.ParseCosignerSigner(secret))
	var later atomic.Int64 // seconds
	who := must[*witness.Witness](t)(witness.Open(witness.Config{
		Dir: t.TempDir(), Signers: []*proof.CosignerSigner{signer}, Logs: []note.Verifier{logKey(t).Verifier, indexKey(t).Verifier},
		Now: func() time.Time { return recorded.Add(time.Duration(later.Load()) * time.Second) },
	}))
	defer who.Close()
	var away atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(rw, "away", http.StatusServiceUnavailable)
			return
		}
		who.Handler().ServeHTTP(rw, r)
	}))
	defer server.Close()
	policy := must[proof.Policy](t)(proof.ParsePolicy([]byte("witness library " + signer.Cosigner.String() + " " + server.URL + "\nquorum library\n")))
	circle := func(v note.Verifier) *witness.Circle {
		return must[*witness.Circle](t)(witness.NewCircle(witness.CircleConfig{Policy: policy, Key: v, Backoff: 30 * time.Millisecond}))
	}
	w := newWorld(t, 30)
	w.ledger = func(c *ledger.Config) { c.Cosigners = circle(logKey(t).Verifier) }
	w.change = func(c *Config) {
		c.Cosigners, c.RefreshEvery = circle(indexKey(t).Verifier), 30*time.Millisecond
	}
	cosignedAt := func() (events.Size, time.Time) {
		t.Helper()
		a := must[Answer](t)(w.index.Prove(t.Context(), Question{Tags: []events.Tag{tagOf(3)}}))
		_, by, err := policy.Check(a.Proof.Note, indexKey(t).Verifier)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Proof.Verify(indexKey(t).Verifier); err != nil {
			t.Fatal(err)
		}
		return a.Proof.Leaf.Size, by.At
	}
	if err := errors.Join(w.open(nil), w.indexed(w.covered())); err != nil {
		t.Fatal(err)
	}
	_, first := cosignedAt()
	later.Store(60)
	for i := 0; ; i++ {
		if _, at := cosignedAt(); at.After(first) {
			break
		}
		if time.Sleep(5 * time.Millisecond); i > 2000 {
			t.Fatal("the answer's cosignature was not renewed")
		}
	}
	away.Store(true)
	before, _ := cosignedAt()
	w.grow(60)
	time.Sleep(50 * time.Millisecond)
	if after, _ := cosignedAt(); after != before {
		t.Fatalf("an answer of %d entries without its witness", after)
	}
	if err := errors.Join(w.close(), os.Remove(filepath.Join(w.dir, "public", "checkpoint"))); err != nil {
		t.Fatal(err)
	}
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if c, _ := w.anchor.Checkpoint(); c.Size > 0 {
		t.Fatalf("%d entries are shown without the witness", c.Size)
	}
	away.Store(false)
	if err := errors.Join(w.indexed(w.covered()), w.close()); err != nil {
		t.Fatal(err)
	}
}
