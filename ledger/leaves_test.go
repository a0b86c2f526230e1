package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// leafHistory is a history of entries that are no events.
func leafHistory(entries ...[]byte) *memHistory {
	h := newHistory()
	h.data = append(h.data, entries...)
	return h
}

func testLeaves(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "leaf %d\n", i)
	}
	return out
}

// leafConfig is a log of leaves under its own key, whose lost history is given back.
func leafConfig(t testing.TB, dir string, h *memHistory, l Log) Config {
	key := newKey(t, proof.IndexKeyName(testOrigin), "index")
	cfg := testConfig(t, dir, h, l)
	cfg.Signer, cfg.Receipts = key.Signer, nil
	cfg.Leaves = &Leaves{
		Key: key.Verifier,
		Check: func(i events.Index, entry []byte) error {
			if want := fmt.Sprintf("leaf %d\n", i); string(entry) != want {
				return fmt.Errorf("%q is not %q", entry, want)
			}
			return nil
		},
		TakeBack: func(_ context.Context, entries [][]byte) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, e := range entries {
				h.data = append(h.data, bytes.Clone(e))
			}
			return nil
		},
	}
	return cfg
}

func checkLeaves(t *testing.T, cfg Config, h *memHistory) error {
	t.Helper()
	_, err := Check(t.Context(), CheckConfig{
		Dir: cfg.Dir, Journal: filepath.Join(filepath.Dir(cfg.Dir), "journal"), Leaves: cfg.Leaves, Log: cfg.Log,
		History: h.Replay(t.Context(), 1, h.Last()),
	})
	return err
}

// TestLeavesSurviveFaults kills the log of leaves at every thing it does to the
// disk: what is signed stays, and the files come out the same.
func TestLeavesSurviveFaults(t *testing.T) {
	leaves := testLeaves(258)
	var want map[string]string
	for n := 0; ; n++ {
		for _, done := range []bool{false, true} {
			f := &fault{n: n, done: done}
			dir, l := t.TempDir(), &memLog{}
			for _, size := range []int{1, 2, 255, 258} {
				cfg := leafConfig(t, dir, leafHistory(leaves[:size]...), l)
				cfg.step = f.step
				err := anchorTo(t, cfg, events.Size(size))
				if cfg.step = nil; errors.Is(err, errKilled) {
					err = anchorTo(t, cfg, events.Size(size))
				}
				if err != nil {
					t.Fatalf("at %q: %v", f.name, err)
				}
			}
			cfg := leafConfig(t, dir, leafHistory(leaves...), l)
			got := files(t, cfg.Dir)
			if want == nil {
				want = got
			}
			if !maps.Equal(got, want) {
				t.Fatalf("at %q: the files differ", f.name)
			}
			if err := checkLeaves(t, cfg, leafHistory(leaves...)); err != nil {
				t.Fatalf("at %q: %v", f.name, err)
			}
			if n > 0 && f.seen < n {
				return
			}
		}
	}
}

// TestLeavesAreTakenBack opens a log whose history lost what was signed.
func TestLeavesAreTakenBack(t *testing.T) {
	leaves := testLeaves(300)
	for _, left := range []int{0, 1, 256, 299} {
		dir, l := t.TempDir(), &memLog{}
		if err := anchorTo(t, leafConfig(t, dir, leafHistory(leaves...), l), 300); err != nil {
			t.Fatal(err)
		}
		h := leafHistory(leaves[:left]...)
		cfg := leafConfig(t, dir, h, l)
		cfg.Leaves.TakeBack = nil
		wantError(t, anchorTo(t, cfg, 300), "the history ends at")
		if err := anchorTo(t, leafConfig(t, dir, h, l), 300); err != nil {
			t.Fatalf("%d left: %v", left, err)
		}
		if h.Last() != 300 || !bytes.Equal(h.data[299], leaves[299]) || !bytes.Equal(h.data[left], leaves[left]) {
			t.Fatalf("%d left: the history has %d messages again", left, h.Last())
		}
		damaged := filepath.Join(dir, "public/tile/entries/000")
		b := must[[]byte](t)(os.ReadFile(damaged))
		b[4] ^= 1
		if err := os.WriteFile(damaged, b, 0o644); err != nil {
			t.Fatal(err)
		}
		wantError(t, anchorTo(t, leafConfig(t, dir, leafHistory(leaves[:left]...), l), 300), "taking back entries")
	}
}

func TestLeavesThatMayNotStand(t *testing.T) {
	leaves := testLeaves(4)
	leaves[2] = []byte("other\n")
	wantError(t, anchorTo(t, leafConfig(t, t.TempDir(), leafHistory(leaves...), &memLog{}), 4), "is not")
	h := leafHistory(testLeaves(4)...)
	cfg := leafConfig(t, t.TempDir(), h, &memLog{})
	if err := anchorTo(t, cfg, 4); err != nil {
		t.Fatal(err)
	}
	h.data[1] = []byte("leaf 7\n")
	var d *Difference
	if err := checkLeaves(t, cfg, h); !errors.As(err, &d) || d.Part != PartHistory {
		t.Errorf("a check over another leaf: %v", err)
	}
	src := must[*Public](t)(OpenPublic(cfg.Dir))
	if r, err := Audit(t.Context(), src, cfg.Leaves.Key, AuditOptions{Leaves: cfg.Leaves}); err != nil || r.Size != 4 {
		t.Errorf("an audit: %v", err)
	}
	strict := &Leaves{Key: cfg.Leaves.Key, Check: func(events.Index, []byte) error { return errors.New("never") }}
	var bad *AuditError
	if _, err := Audit(t.Context(), src, cfg.Leaves.Key, AuditOptions{Leaves: strict}); !errors.As(err, &bad) {
		t.Errorf("an audit of leaves that may not stand: %v", err)
	}
}

// TestIndexIsServedBelow reads the index through the log it belongs to.
func TestIndexIsServedBelow(t *testing.T) {
	dir := t.TempDir()
	if err := anchorTo(t, testConfig(t, dir, newHistory(testEntries(t, 3)...), &memLog{}), 3); err != nil {
		t.Fatal(err)
	}
	outer := must[*Public](t)(OpenPublic(filepath.Join(dir, "public")))
	if _, err := outer.Read(t.Context(), "index/checkpoint"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without an index: %v", err)
	}
	cfg := leafConfig(t, filepath.Join(dir, "other"), leafHistory(testLeaves(3)...), &memLog{})
	cfg.Dir = filepath.Join(dir, "public", IndexPath)
	if err := anchorTo(t, cfg, 3); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"checkpoint", "tile/0/000.p/3", "tile/entries/000.p/2"} {
		b, err := outer.Read(t.Context(), "index/"+path)
		inner := must[*Public](t)(OpenPublic(cfg.Dir))
		if want := must[[]byte](t)(inner.Read(t.Context(), path)); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"index/tile/0/000.p/4", "index/index/checkpoint", "index/../checkpoint"} {
		if _, err := outer.Read(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
