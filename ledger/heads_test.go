package ledger

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// kept are the checkpoints somebody holds.
type kept []Head

func (k kept) Heads(context.Context) ([]Head, error) { return k, nil }

// silent cannot be asked.
type silent struct{ error }

func (s silent) Heads(context.Context) ([]Head, error) { return nil, s.error }

// headOf is what a log of these entries would have published.
func headOf(t *testing.T, entries [][]byte) Head {
	t.Helper()
	w := newWriter(t.TempDir(), nil)
	w.add(entries)
	c := proof.Checkpoint{Origin: testOrigin, Size: w.tree.size, Root: w.tree.root()}
	return Head{From: "mirror.example", Note: must[[]byte](t)(proof.SignCheckpoint(c, logKey(t).Signer))}
}

// TestHeads: whoever has seen more, or something else, stops the start before
// anything is signed, published or changed.
func TestHeads(t *testing.T) {
	entries := testEntries(t, 600)
	other := append([][]byte{}, entries...)
	other[7] = saidEntry(t, "dataset.registered", `{"dataset":"example/other","title":"Other"}`, nameOf(7))
	foreign := must[[]byte](t)(proof.SignCheckpoint(proof.Checkpoint{Origin: "other.example", Size: 9}, newKey(t, "other.example", "log").Signer))
	for name, test := range map[string]struct {
		heads Heads
		want  string
		fork  bool
	}{
		"nobody":            {kept{}, "", false},
		"same":              {kept{headOf(t, entries[:520])}, "", false},
		"all before":        {kept{headOf(t, nil), headOf(t, entries[:1]), headOf(t, entries[:256]), headOf(t, entries[:300]), headOf(t, entries[:519])}, "", false},
		"larger":            {kept{headOf(t, entries[:1]), headOf(t, entries[:521])}, "mirror.example holds a signed checkpoint of size 521, our journal ends at 520 and the history at 540: this directory was set back", true},
		"larger, other":     {kept{headOf(t, other)}, "of size 600, our journal ends at 520", true},
		"other at our size": {kept{headOf(t, other[:520])}, "of size 520 with root", true},
		"other before":      {kept{headOf(t, other[:300])}, "two histories were signed with this key", true},
		"another's":         {kept{{From: "the file", Note: foreign}}, "reading the checkpoint that the file holds", false},
		"no answer":         {silent{errors.New("nobody answers")}, "asking who else has seen this log: nobody answers", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := testConfig(t, dir, newHistory(entries[:520]...), &memLog{})
			if err := anchorTo(t, cfg, 520); err != nil {
				t.Fatal(err)
			}
			cfg.History, cfg.Heads = newHistory(entries[:540]...), test.heads
			before := files(t, dir)
			err := anchorTo(t, cfg, 540)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantError(t, err, test.want)
			var fork *ForkError
			if errors.As(err, &fork) != test.fork {
				t.Fatalf("a fork: %v", !test.fork)
			}
			if !maps.Equal(before, files(t, dir)) {
				t.Fatal("a refused directory was changed")
			}
			if test.fork {
				convicts(t, fork)
			}
		})
	}
}

// convicts checks the evidence: both notes are signed, and with equal sizes
// they are a fork to anyone.
func convicts(t *testing.T, fork *ForkError) {
	t.Helper()
	for _, msg := range [][]byte{fork.TheirNote, fork.OurNote} {
		if _, err := proof.OpenCheckpoint(msg, logKey(t).Verifier); err != nil {
			t.Fatal(err)
		}
	}
	found, err := proof.CompareCheckpoints(fork.OurNote, fork.TheirNote, logKey(t).Verifier)
	if err != nil || (found != nil) != (fork.Ours.Size == fork.Theirs.Size) {
		t.Fatal(found, err)
	}
	e := fork.Evidence()
	if (e == nil) != fork.Ahead() {
		t.Fatalf("%+v", e)
	}
	if e == nil {
		return
	}
	if _, err := must[proof.Evidence](t)(proof.ParseEvidence(e.Format())).Verify(logKey(t).Verifier); err != nil {
		t.Fatal(err)
	}
}

// TestHeadsOfNothing: a ledger that lost everything it signed does not begin
// again beside what others hold.
func TestHeadsOfNothing(t *testing.T) {
	entries := testEntries(t, 9)
	for _, test := range []struct {
		have int
		want string
	}{{0, "the history is empty"}, {1, "our journal ends at 0 and the history at 1"}, {9, "our journal ends at 0"}} {
		cfg := testConfig(t, t.TempDir(), newHistory(entries[:test.have]...), &memLog{})
		cfg.Heads = kept{headOf(t, entries[:5])}
		wantError(t, anchorTo(t, cfg, 9), test.want)
		if c, err := os.ReadFile(filepath.Join(cfg.Dir, checkpointPath)); err == nil {
			t.Fatalf("published %q", c)
		}
	}
}

// TestHeadsUnfinished: what a crash left signed and unpublished is not
// published before the others are asked.
func TestHeadsUnfinished(t *testing.T) {
	entries := testEntries(t, 300)
	dir := t.TempDir()
	cfg := testConfig(t, dir, newHistory(entries...), &memLog{})
	cfg.step = func(name string, do func() error) error {
		if name == "write checkpoint" {
			return errKilled
		}
		return do()
	}
	if err := anchorTo(t, cfg, 300); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	cfg.step, cfg.Heads = nil, kept{headOf(t, append(entries, entries[1]))}
	wantError(t, anchorTo(t, cfg, 300), "size 301")
	if _, err := os.Stat(filepath.Join(cfg.Dir, checkpointPath)); err == nil {
		t.Fatal("it is published")
	}
	cfg.Heads = kept{headOf(t, entries)}
	if err := anchorTo(t, cfg, 300); err != nil {
		t.Fatal(err)
	}
}

// TestHeadsOverDamage: a tile damaged far from the right edge is not taken for
// a fork.
func TestHeadsOverDamage(t *testing.T) {
	entries := testEntries(t, 600)
	dir := t.TempDir()
	cfg := testConfig(t, dir, newHistory(entries...), &memLog{})
	if err := anchorTo(t, cfg, 600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cfg.Dir, "tile/0/000")
	b := must[[]byte](t)(os.ReadFile(path))
	b[40] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Heads = kept{headOf(t, entries[:100])}
	_, err := Open(t.Context(), cfg)
	var damage *DamageError
	if !errors.As(err, &damage) {
		t.Fatal(err)
	}
	cfg.Heads = kept{headOf(t, entries[:512])}
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err) // that root does not hang on the damaged hash's tile
	}
	a.Close()
}
