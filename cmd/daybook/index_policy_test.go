package main

import (
	"path/filepath"
	"testing"
)

// TestContextAsksForTheIndex: who remembers a ledger under a policy is given no index that
// its witnesses have not cosigned.
func TestContextAsksForTheIndex(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	w, policy := newWitness(t, "witness.example/w")
	o := newOperator(t, w)
	o.grow(0, 9)
	file := filepath.Join(t.TempDir(), "policy")
	writeText(t, file, policy)
	add := []string{"context", "add", "town", o.url, "--key", o.vkey, "--policy", file}
	o.change(func() {
		o.lie = func(path string, b []byte) []byte {
			if path == "index/checkpoint" {
				return o.index.checkpoint(o.leaves)
			}
			return b
		}
	})
	call{add, exitIncomplete, "", "does not meet the policy: .*no witness of the policy cosigned it"}.check(t)
	o.change(func() { o.lie = nil })
	call{add, 0, "index +1 leaf", ""}.check(t)
	call{[]string{"context", "check", "town"}, 0, "^CONSISTENT", ""}.check(t)
}
