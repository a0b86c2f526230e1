package trail

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func audit(t *testing.T, w *world) (*Report, error) {
	t.Helper()
	src := must[*ledger.Public](t)(ledger.OpenPublic(filepath.Join(w.dir, "public")))
	left := t.TempDir()
	r, err := Audit(t.Context(), src, logKey(t).Verifier, AuditOptions{Dir: left})
	if kept := must[[]os.DirEntry](t)(os.ReadDir(left)); len(kept) > 0 {
		t.Errorf("the audit left %v", kept)
	}
	return r, err
}

func TestAuditFollowsTheIndex(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	if err := w.anchor.WaitFor(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if r, err := audit(t, w); err != nil || r.Leaves != 0 || r.Ledger.Size != 1 {
		t.Fatalf("without an index: %+v, %v", r, err)
	}
	for _, n := range []int{2, 3, 40, 300, 1000} {
		w.grow(n)
		if err := w.indexed(w.covered()); err != nil {
			t.Fatal(err)
		}
		var tags, labels uint64
		for i := range n {
			if concerns(i) {
				tags++
			} else if enrols(i) {
				labels++
			}
		}
		r, err := audit(t, w)
		if err != nil {
			t.Fatal(err)
		}
		if r.Tags != tags || r.Labels != labels || r.Behind != 0 || r.Last.Size < w.covered() || r.Leaves == 0 || r.Ledger.Tags != tags {
			t.Fatalf("%d entries with %d tags and %d labels: %+v", n, tags, labels, r)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
}

// TestAuditSaysHowFarTheIndexIs ends with entries that no leaf covers.
func TestAuditSaysHowFarTheIndexIs(t *testing.T) {
	w := newWorld(t, 30)
	w.change = func(c *Config) { c.Every = time.Hour }
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for w.index.Progress().Leaves == 0 {
		time.Sleep(time.Millisecond)
	}
	w.grow(50)
	if err := w.anchor.WaitFor(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	r, err := audit(t, w)
	if err != nil {
		t.Fatal(err)
	}
	behind := uint64(0)
	for i := int(r.Last.Size); i < 50; i++ {
		if concerns(i) || enrols(i) {
			behind++
		}
	}
	if r.Leaves != 1 || behind == 0 || r.Behind != behind {
		t.Errorf("%d behind, want %d: %+v", r.Behind, behind, r)
	}
}

// forged is an index that an operator made as it pleased, honest but for what change
// does to its leaves.
func forged(t *testing.T, entries [][]byte, sizes []int, change func([]proof.IndexLeaf) []proof.IndexLeaf) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), book: bookOf(entries...)}
	ctx := t.Context()
	anchor := must[*ledger.Anchor](t)(ledger.Open(ctx, ledger.Config{
		Dir: filepath.Join(w.dir, "public"), Signer: logKey(t).Signer, Receipts: keyOf(t, proof.ReceiptKeyName(origin)).Signer,
		PublishEvery: time.Millisecond, Log: w.log("log"), History: w.book,
	}))
	var leaves []proof.IndexLeaf
	s := memTrees(t)
	at := 0
	for _, size := range sizes {
		a := addition{}
		for ; at < size; at++ {
			if err := a.entry(events.Index(at), entries[at]); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.add(a); err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, proof.IndexLeaf{Size: s.now.size, Root: s.now.root(), Tags: s.now.tags, Labels: s.now.labels})
	}
	file := must[*LeafFile](t)(OpenLeaves(filepath.Join(w.dir, "leaves")))
	for _, l := range change(leaves) {
		must[events.Seq](t)(file.Append(ctx, [][]byte{[]byte(l.Text())}))
	}
	h := &history{Journal: file, moved: make(chan struct{})}
	index := must[*ledger.Anchor](t)(ledger.Open(ctx, ledger.Config{
		Dir: filepath.Join(w.dir, "public", "index"), Journal: filepath.Join(w.dir, "journal.index"), Signer: indexKey(t).Signer,
		PublishEvery: time.Millisecond, Log: w.log("index"), History: h, Leaves: Leaves(indexKey(t).Verifier),
	}))
	for a, size := range map[*ledger.Anchor]events.Size{anchor: events.Size(len(entries)), index: h.Last().Size()} {
		done := make(chan error)
		ctx, cancel := context.WithCancel(ctx)
		go func() { done <- a.Run(ctx) }()
		if err := a.WaitFor(ctx, size); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := errors.Join(<-done, a.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(file.Close(), w.close()); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAuditConvicts(t *testing.T) {
	entries := make([][]byte, 300)
	for i := range entries {
		entries[i] = entryOf(t, i)
	}
	sizes := []int{2, 7, 100, 299}
	flip := func(of func(*proof.IndexLeaf) *proof.Hash) func([]proof.IndexLeaf) []proof.IndexLeaf {
		return func(l []proof.IndexLeaf) []proof.IndexLeaf {
			of(&l[2])[7] ^= 4
			return l
		}
	}
	same := func(l []proof.IndexLeaf) []proof.IndexLeaf { return l }
	for name, test := range map[string]struct {
		entries [][]byte
		change  func([]proof.IndexLeaf) []proof.IndexLeaf
		kind    string
		leaf    events.Index
	}{
		"honest":                     {entries, same, "", 0},
		"another root of the ledger": {entries, flip(func(l *proof.IndexLeaf) *proof.Hash { return &l.Root }), proof.EvidenceIndexRoot, 2},
		"a tag left out":             {entries, flip(func(l *proof.IndexLeaf) *proof.Hash { return &l.Tags }), proof.EvidenceIndexTag, 2},
		"another enrolment":          {entries, flip(func(l *proof.IndexLeaf) *proof.Hash { return &l.Labels }), proof.EvidenceIndexLabel, 2},
		"a leaf twice": {entries, func(l []proof.IndexLeaf) []proof.IndexLeaf {
			return slices.Insert(l, 2, l[1])
		}, proof.EvidenceIndexBack, 2},
		"back to an older size": {entries, func(l []proof.IndexLeaf) []proof.IndexLeaf { return append(l, l[1]) }, proof.EvidenceIndexBack, 4},
		"a tag twice behind the last leaf": {
			slices.Concat(entries, [][]byte{tagged(t, 300, tagOf(17))}), same, proof.EvidenceDuplicateTag, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := forged(t, test.entries, sizes, test.change)
			r, err := audit(t, w)
			var v *Violation
			switch {
			case test.kind == "":
				if err != nil || r.Leaves != 4 {
					t.Fatalf("%+v, %v", r, err)
				}
			case !errors.As(err, &v) || v.Kind != test.kind || v.Leaf != test.leaf:
				t.Fatalf("%v, want %s of leaf %d", err, test.kind, test.leaf)
			case test.kind == proof.EvidenceDuplicateTag && !slices.Equal(v.Positions, []events.Index{17, 300}):
				t.Fatalf("positions %v", v.Positions)
			}
		})
	}
	t.Run("a leaf beyond the ledger", func(t *testing.T) {
		w := forged(t, entries, sizes, func(l []proof.IndexLeaf) []proof.IndexLeaf {
			l[3].Size = 301
			return l
		})
		if _, err := audit(t, w); !errors.Is(err, ledger.ErrIncomplete) {
			t.Fatal(err)
		}
	})
	t.Run("a damaged entry", func(t *testing.T) {
		w := forged(t, entries, sizes, same)
		path := filepath.Join(w.dir, "public/tile/entries/000")
		b := must[[]byte](t)(os.ReadFile(path))
		b[len(b)/2] ^= 1
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		var bad *ledger.AuditError
		if _, err := audit(t, w); !errors.As(err, &bad) {
			t.Fatalf("it blames the index: %v", err)
		}
	})
}
