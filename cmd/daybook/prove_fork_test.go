package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestProveConvictsWithoutWitnesses: a proof from another history than the one that is
// remembered convicts the ledger, though its witnesses did not sign that one.
func TestProveConvictsWithoutWitnesses(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	w, policy := newWitness(t, "witness.example/w")
	o := newOperator(t, w)
	file := filepath.Join(t.TempDir(), "policy")
	writeText(t, file, policy)
	call{[]string{"context", "add", "town", o.url, "--key", o.vkey, "--policy", file}, 0, "name +town", ""}.check(t)
	o.change(func() {
		other := &operatedLog{t: t, signer: o.ledger.signer}
		other.add(o.enrolled(7, 7))
		o.proof = proof.Proof{Extra: other.entries[0], Note: other.checkpoint(1)}.Format()
	})
	out := filepath.Join(t.TempDir(), "of-0")
	prove := []string{"prove", "0", "--context", "town", "-o", out}
	call{prove, exitInvalid, "", `NOT VALID: .*signed two different logs of 1 entr`}.check(t)
	o.change(func() { o.proof = proof.Proof{Extra: o.ledger.entries[0], Note: o.ledger.checkpoint(1)}.Format() })
	call{prove, exitIncomplete, "", `INCOMPLETE: no witness`}.check(t)
	if _, err := os.Lstat(out); err == nil {
		t.Error("it is kept as a proof")
	}
}
