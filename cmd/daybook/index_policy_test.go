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
	call{add, exitIncomplete, "", "INCOMPLETE: no witness of the policy cosigned it"}.check(t)
	o.change(func() { o.lie = nil })
	call{add, 0, "index +1 leaf", ""}.check(t)
	call{[]string{"context", "check", "town"}, 0, "^CONSISTENT", ""}.check(t)
}

// TestVerifyIndexUnderLogs: a policy that accepts a ledger accepts its index.
func TestVerifyIndexUnderLogs(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	w, policy := newWitness(t, "witness.example/w")
	o := newOperator(t, w)
	o.grow(0, 9)
	dir := t.TempDir()
	ours, others, index := filepath.Join(dir, "policy"), filepath.Join(dir, "others"), filepath.Join(dir, "index")
	_, another := o.of.key("another.example/log")
	writeText(t, ours, "log "+o.vkey+"\n"+policy)
	writeText(t, others, "log "+another+"\n"+policy)
	writeText(t, index, string(o.signed(o.index, 1)))
	call{[]string{"context", "add", "town", o.url, "--key", o.vkey, "--policy", ours}, 0, "name +town", ""}.check(t)
	for explain, out := range map[string]string{"--explain=false": "", "--explain": "The arithmetic"} {
		verify := []string{"verify", index, explain, "--context", "town", "--policy"}
		call{append(verify[:6:6], ours), exitIncomplete, "^SIGNED: ", "only a signature was checked"}.check(t)
		call{append(verify[:6:6], others), exitInvalid, out, "does not accept the log"}.check(t)
	}
}
