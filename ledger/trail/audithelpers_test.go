package trail

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
)

// publish writes a log of any entries at all, and signs it.
func publish(t testing.TB, dir string, key note.Signer, entries [][]byte) {
	t.Helper()
	var e edge
	hashes := make([]proof.Hash, len(entries))
	for i, b := range entries {
		hashes[i] = proof.LeafHash(b)
		e.add(hashes[i])
	}
	for n := 0; n*proof.TileWidth < len(entries); n++ {
		var bundle []byte
		for _, b := range entries[n*proof.TileWidth : min(len(entries), (n+1)*proof.TileWidth)] {
			bundle = must[[]byte](t)(proof.AppendBundle(bundle, b))
		}
		put(t, filepath.Join(dir, proof.EntriesPath(uint64(n), proof.TileWidth)), bundle)
	}
	for level := 0; len(hashes) > 0; level++ {
		var above []proof.Hash
		for n := 0; n*proof.TileWidth < len(hashes); n++ {
			var tile []byte
			var below edge
			for _, h := range hashes[n*proof.TileWidth : min(len(hashes), (n+1)*proof.TileWidth)] {
				tile = append(tile, h[:]...)
				below.add(h)
			}
			put(t, filepath.Join(dir, proof.TilePath(level, uint64(n), proof.TileWidth)), tile)
			if below.size == proof.TileWidth {
				above = append(above, below.root())
			}
		}
		hashes = above
	}
	c := proof.Checkpoint{Origin: key.Name(), Size: e.size, Root: e.root()}
	put(t, filepath.Join(dir, "checkpoint"), must[[]byte](t)(proof.SignCheckpoint(c, key)))
}

func put(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// town is a ledger with its index, as a test makes them.
type town struct {
	entries [][]byte
	leaves  []proof.IndexLeaf
	key     note.Signer // of the index
}

// townOf is a ledger of n entries whose index has leaves of these sizes.
func townOf(t testing.TB, n int, sizes ...int) *town {
	w := &town{key: indexKey(t).Signer}
	for i := range n {
		w.entries = append(w.entries, entryOf(t, i))
	}
	for _, size := range sizes {
		w.leaves = append(w.leaves, w.leaf(t, size, nil))
	}
	return w
}

// leaf is the leaf of a size, of trees that change has been at.
func (w *town) leaf(t testing.TB, size int, change func(*addition)) proof.IndexLeaf {
	t.Helper()
	var a addition
	var e edge
	for i, b := range w.entries[:size] {
		f := must[ledger.Facts](t)(ledger.FactsOf(must[*events.Entry](t)(events.ParseEntry(b))))
		a.facts(events.Index(i), proof.LeafHash(b), f)
		e.add(proof.LeafHash(b))
	}
	if change != nil {
		change(&a)
	}
	return proof.IndexLeaf{
		Size: events.Size(size), Root: e.root(),
		Tags: reference(t, a.tags).Hash(), Labels: reference(t, a.labels).Hash(),
	}
}

// write publishes both logs below a new directory.
func (w *town) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	publish(t, dir, logKey(t).Signer, w.entries)
	var texts [][]byte
	for _, l := range w.leaves {
		texts = append(texts, []byte(l.Text()))
	}
	publish(t, filepath.Join(dir, ledger.IndexPath), w.key, texts)
	return dir
}

// behind is how many tags and labels the entries have from one to before another.
func behind(from, to int) (n uint64) {
	for i := from; i < to; i++ {
		if enrols(i) || concerns(i) {
			n++
		}
	}
	return n
}

func auditDir(t testing.TB, dir string, opts AuditOptions) (*Report, error) {
	t.Helper()
	opts.Dir = t.TempDir()
	report, err := Audit(t.Context(), must[*ledger.Public](t)(ledger.OpenPublic(dir)), logKey(t).Verifier, opts)
	if left := must[[]os.DirEntry](t)(os.ReadDir(opts.Dir)); len(left) > 0 {
		t.Error("the audit leaves its trees behind")
	}
	return report, err
}

// leftOut and elsewhere are lies about what the index has of one entry.
func leftOut(at events.Index, of func(*addition) *[]item) func(*addition) {
	return func(a *addition) {
		list := of(a)
		*list = slices.DeleteFunc(*list, func(it item) bool { return it.at == at })
	}
}

func elsewhere(at, to events.Index, of func(*addition) *[]item) func(*addition) {
	return func(a *addition) {
		for i, it := range *of(a) {
			if it.at == at {
				(*of(a))[i].Value = proof.IndexValue(to, a.leaves[to])
			}
		}
	}
}

func ofTags(a *addition) *[]item   { return &a.tags }
func ofLabels(a *addition) *[]item { return &a.labels }

func enrolled(t testing.TB, i, as int) []byte {
	return must[*events.Entry](t)(events.Enrolled(nameOf(i), recorded, []events.Pair{{Label: outputOf(as)}})).Append(nil)
}

// testEvidence reads evidence from its file, as a stranger does.
func testEvidence(t *testing.T, e *proof.Evidence, kind string) {
	t.Helper()
	if e == nil {
		if kind != "" {
			t.Fatalf("no evidence of the kind %s", kind)
		}
		return
	}
	read, err := proof.ParseEvidence(e.Format())
	if err != nil {
		t.Fatal(err)
	}
	if c, err := read.Verify(logKey(t).Verifier); err != nil || c.Kind != kind {
		t.Fatalf("evidence of %q, want %q: %v", c.Kind, kind, err)
	}
}
