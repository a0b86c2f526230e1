package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestTooFewCosignatures: what the log signed and too few witnesses did is incomplete, not
// valid it is by one more fault, and neither shows an entry.
func TestTooFewCosignatures(t *testing.T) {
	kept := filepath.Join("..", "..", "testdata", "histories", "2026-11", "resident")
	newspaper := regexp.MustCompile(`(?m)^— newspaper.*\n`)
	forged := func(b []byte) []byte {
		at := newspaper.FindAllIndex(b, -1)
		b[at[len(at)-1][1]-30] ^= 1
		return b
	}
	for _, name := range []string{"access.tlog-proof", "index.proof", "anna.bundle"} {
		file := filepath.Join(t.TempDir(), name)
		verify := []string{"verify", file, "--card", filepath.Join(kept, "anna.card")}
		read := func(change func([]byte) []byte) {
			t.Helper()
			b, err := os.ReadFile(filepath.Join(kept, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		first := func(b []byte) []byte {
			at := newspaper.FindIndex(b)
			return append(b[:at[0]:at[0]], b[at[1]:]...)
		}
		read(bytes.Clone)
		call{verify, 0, "^VALID: ", ""}.check(t)
		read(first)
		call{verify, exitIncomplete, "", `^daybook: INCOMPLETE: .*only library cosigned it.*missing: newspaper \(newspaper.example/w1\)\. Either .* replaced .* another history`}.check(t)
		read(forged)
		call{verify, exitInvalid, "", "^daybook: NOT VALID: "}.check(t)
		read(func(b []byte) []byte {
			b[bytes.LastIndex(b[:bytes.Index(b, []byte("— "))], []byte("=\n"))-3] ^= 1 // of the root
			return first(b)
		})
		call{verify, exitInvalid, "", "^daybook: NOT VALID: "}.check(t)
	}

	// Of a bundle with two checkpoints, one of which has too few and the other a false one.
	file := filepath.Join(t.TempDir(), "both")
	b, err := os.ReadFile(filepath.Join(kept, "anna.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	b = forged(b)
	at := newspaper.FindIndex(b)
	if err := os.WriteFile(file, append(b[:at[0]:at[0]], b[at[1]:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	call{[]string{"verify", file, "--card", filepath.Join(kept, "anna.card")}, exitInvalid, "", "^daybook: NOT VALID: "}.check(t)
}
