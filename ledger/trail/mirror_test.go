package trail

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// leader is what a reader follows: a public directory, or nothing.
type leader struct{ dir string }

func (l *leader) Read(ctx context.Context, path string) ([]byte, error) {
	if l.dir == "" {
		return nil, errors.New("nobody answers")
	}
	p, err := ledger.OpenPublic(l.dir)
	if err != nil {
		return nil, err
	}
	return p.Read(ctx, path)
}

// reader is a mirror of a ledger and of its index in one directory.
type reader struct {
	t      *testing.T
	dir    string
	leader leader
	ledger *ledger.Mirror
	index  *Mirror
}

func newReader(t *testing.T, b *book) *reader {
	r := &reader{t: t, dir: t.TempDir()}
	r.open(b)
	t.Cleanup(r.close)
	return r
}

func (r *reader) open(b *book) {
	r.t.Helper()
	r.ledger = must[*ledger.Mirror](r.t)(ledger.OpenMirror(ledger.MirrorConfig{Dir: filepath.Join(r.dir, "public"), Key: logKey(r.t).Verifier, History: b}))
	r.index = must[*Mirror](r.t)(OpenMirror(r.t.Context(), MirrorConfig{
		Dir: filepath.Join(r.dir, "index"), Public: filepath.Join(r.dir, "public", "index"), Ledger: r.ledger, From: &r.leader,
	}))
}

func (r *reader) close() {
	if err := errors.Join(r.index.Close(), r.ledger.Close()); err != nil {
		r.t.Error(err)
	}
}

// follow takes up what a public directory shows of the ledger and of the index.
func (r *reader) follow(public string) error {
	r.t.Helper()
	r.leader.dir = public
	if err := r.ledger.Extend(r.t.Context(), must[[]byte](r.t)(r.leader.Read(r.t.Context(), "checkpoint"))); err != nil {
		r.t.Fatal(err)
	}
	return r.index.Extend(r.t.Context())
}

// shows says that the reader shows an index that a stranger's audit accepts, with so
// many leaves, and answers from the last of them.
func (r *reader) shows(leaves events.Size) *Report {
	r.t.Helper()
	report, err := Audit(r.t.Context(), r.ledger.Public(), logKey(r.t).Verifier, AuditOptions{Dir: r.t.TempDir()})
	if err != nil || report.Leaves != leaves {
		r.t.Fatalf("it shows %+v, %v, want %d leaves", report, err, leaves)
	}
	a, err := r.index.Prove(r.t.Context(), Question{Tags: []events.Tag{tagOf(2), tagOf(8)}})
	if leaves == 0 {
		if !errors.Is(err, ledger.ErrNotPublished) {
			r.t.Fatalf("it answers before the first leaf: %v", err)
		}
		return report
	}
	if err != nil || a.Proof.Leaf != report.Last {
		r.t.Fatalf("it answers from %+v, %v, and shows %+v", a.Proof.Leaf, err, report.Last)
	}
	return report
}

// same says that both show the same files of the index.
func (r *reader) same(public string) {
	r.t.Helper()
	theirs := must[*ledger.Public](r.t)(ledger.OpenPublic(public))
	msg := must[[]byte](r.t)(theirs.Read(r.t.Context(), "index/checkpoint"))
	c := must[proof.Checkpoint](r.t)(proof.OpenCheckpoint(msg, indexKey(r.t).Verifier))
	width := int(c.Size % proof.TileWidth)
	for _, path := range []string{"checkpoint", proof.EntriesPath(uint64(c.Size/proof.TileWidth), width), (proof.Tile{N: uint64(c.Size / proof.TileWidth), Width: width}).Path()} {
		ours, err := r.ledger.Public().Read(r.t.Context(), "index/"+path)
		if want := must[[]byte](r.t)(theirs.Read(r.t.Context(), "index/"+path)); err != nil || !bytes.Equal(ours, want) {
			r.t.Errorf("%s differs: %v", path, err)
		}
	}
}

// TestMirrorOfTheIndex follows an index that grows, and loses what can be lost.
func TestMirrorOfTheIndex(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.anchor.WaitFor(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(w.dir, "public")
	r := &reader{t: t, dir: t.TempDir()}
	r.open(w.book)
	defer func() { r.close() }()
	if err := r.index.Extend(t.Context()); err != nil {
		t.Fatalf("before the ledger here has anything: %v", err)
	}
	if err := r.follow(public); err != nil {
		t.Fatalf("before there is an index: %v", err)
	}
	r.shows(0)
	for n, lose := range []string{"", "", "nothing", "index", "public/index", "public/index/checkpoint", "public", "."} {
		w.grow(40 + 130*n)
		if err := w.indexed(w.covered()); err != nil {
			t.Fatal(err)
		}
		if lose != "" {
			r.close()
			if err := os.RemoveAll(filepath.Join(r.dir, lose)); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(r.dir, 0o755); err != nil {
				t.Fatal(err)
			}
			r.open(w.book)
		}
		if err := r.follow(public); err != nil {
			t.Fatalf("after losing %q: %v", lose, err)
		}
		r.same(public)
		r.shows(must[*Report](t)(auditDir(t, public, AuditOptions{})).Leaves)
		testAnswers(t, &r.index.answers, 40+130*n)
	}
	if err := r.index.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.index.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// TestMirrorRefusesALyingIndex gives a reader that shows two honest leaves what an
// operator signs after them.
func TestMirrorRefusesALyingIndex(t *testing.T) {
	honest := townOf(t, 300, 2, 7)
	for name, test := range map[string]struct {
		third, fourth func(w *town) proof.IndexLeaf
		place         string
	}{
		"another root of the ledger": {func(w *town) proof.IndexLeaf {
			l := w.leaf(t, 100, nil)
			l.Root[7] ^= 4
			return l
		}, nil, "index/tile/entries/000 entry 2"},
		"a tag left out":        {func(w *town) proof.IndexLeaf { return w.leaf(t, 100, leftOut(44, ofTags)) }, nil, "index/tile/entries/000 entry 2"},
		"another enrolment":     {func(w *town) proof.IndexLeaf { return w.leaf(t, 100, elsewhere(41, 42, ofLabels)) }, nil, "index/tile/entries/000 entry 2"},
		"an older tag left out": {nil, func(w *town) proof.IndexLeaf { return w.leaf(t, 299, leftOut(4, ofTags)) }, "index/tile/entries/000 entry 3"},
		"back to an older size": {nil, func(w *town) proof.IndexLeaf { return w.leaf(t, 50, nil) }, "index/tile/entries/000 entry 3"},
		"a size twice":          {nil, func(w *town) proof.IndexLeaf { return w.leaf(t, 100, nil) }, "index/tile/entries/000 entry 3"},
		"nothing new": {
			func(w *town) proof.IndexLeaf { return w.leaf(t, 98, nil) }, func(w *town) proof.IndexLeaf { return w.leaf(t, 101, nil) },
			"index/tile/entries/000 entry 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, bookOf(honest.entries...))
			first := honest.write(t)
			if err := r.follow(first); err != nil {
				t.Fatal(err)
			}
			w := townOf(t, 300, 2, 7, 100, 299)
			if test.third != nil {
				w.leaves[2] = test.third(w)
			}
			if test.fourth != nil {
				w.leaves[3] = test.fourth(w)
			}
			for range 2 { // and for good
				var v *Violation
				if err := r.follow(w.write(t)); !errors.As(err, &v) || v.Place != test.place {
					t.Fatalf("%v, want it at %s", err, test.place)
				}
				r.shows(2)
				r.same(first)
			}
			var v *Violation
			if err := r.follow(townOf(t, 300, 2, 7, 100, 299).write(t)); !errors.As(err, &v) {
				t.Errorf("it goes on after a lie: %v", err)
			}
		})
	}
}

// TestMirrorKeepsWhatWasSigned shows it two indexes, both of which say what is true.
func TestMirrorKeepsWhatWasSigned(t *testing.T) {
	entries := townOf(t, 300).entries
	first := townOf(t, 300, 2, 7).write(t)
	r := newReader(t, bookOf(entries...))
	if err := r.follow(first); err != nil {
		t.Fatal(err)
	}
	var split *ledger.SplitError
	if err := r.follow(townOf(t, 300, 2, 8).write(t)); !errors.As(err, &split) {
		t.Fatalf("two roots of one size: %v", err)
	}
	if f, err := proof.CompareCheckpoints(split.Fork.A, split.Fork.B, indexKey(t).Verifier); f == nil || err != nil {
		t.Errorf("the notes prove nothing: %v", err)
	}
	r.shows(2)
	r.close()
	r.open(bookOf(entries...))
	other := townOf(t, 300, 2, 8, 100).write(t)
	err := r.follow(other)
	var mismatch *ledger.MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("a larger one that does not continue it: %v", err)
	}
	for _, w := range []string{first, other} {
		if msg := must[[]byte](t)(os.ReadFile(filepath.Join(w, "index/checkpoint"))); !strings.Contains(err.Error(), string(msg)) {
			t.Errorf("a note is missing in %v", err)
		}
	}
	r.same(first)
	r.close()
	r.open(bookOf(entries...))
	longer := townOf(t, 300, 2, 7, 100).write(t)
	for _, w := range []string{longer, first, longer} { // an older one changes nothing
		if err := r.follow(w); err != nil {
			t.Fatal(err)
		}
		r.shows(3)
		r.same(longer)
	}
}

// TestMirrorGoesOn takes away and gives back what it needs.
func TestMirrorGoesOn(t *testing.T) {
	entries := townOf(t, 300).entries
	w := townOf(t, 300, 2, 7, 100, 299).write(t)
	half := townOf(t, 150, 2, 7).write(t)
	r := newReader(t, bookOf(entries...))
	if err := r.follow(half); err != nil {
		t.Fatal(err)
	}
	r.leader.dir = ""
	if err := r.index.Extend(t.Context()); err == nil {
		t.Error("nobody answered, and that was no error")
	}
	r.shows(2)
	r.leader.dir = w
	for range 2 { // the ledger here has 150 entries, and the third leaf is checked
		if err := r.index.Extend(t.Context()); !errors.Is(err, ledger.ErrNotPublished) {
			t.Fatalf("a leaf beyond the ledger here: %v", err)
		}
		r.shows(2)
	}
	r.close() // killed while the trees are further than what is shown
	r.open(bookOf(entries...))
	if err := r.index.Extend(t.Context()); !errors.Is(err, ledger.ErrNotPublished) {
		t.Fatalf("a leaf beyond the ledger here: %v", err)
	}
	r.same(half)
	if size := r.index.trees.now.size; size != 100 {
		t.Fatalf("the trees are at %d", size)
	}
	if l, ok, err := r.index.trees.noted(100); !ok || err != nil || l != r.index.trees.now.leaf() {
		t.Errorf("what was checked and not shown is not noted: %+v, %v", l, err)
	}
	if err := r.follow(w); err != nil {
		t.Fatal(err)
	}
	r.shows(4)
	r.same(w)
	if _, ok, err := r.index.trees.noted(100); ok || err != nil {
		t.Errorf("what was shown is still noted: %v", err)
	}
	r.close()
	r.open(bookOf(entries...)) // it answers again, without anybody
	r.leader.dir = ""
	if err := r.index.Extend(t.Context()); err == nil {
		t.Error("nobody answered, and that was no error")
	}
	r.shows(4)
}

// TestMirrorOfAnotherKey signs the index by a key that entry 0 does not name.
func TestMirrorOfAnotherKey(t *testing.T) {
	entries := townOf(t, 300).entries
	w := townOf(t, 300, 2, 7).write(t)
	path := filepath.Join(w, "index/checkpoint")
	right := must[[]byte](t)(os.ReadFile(path))
	c := must[proof.Checkpoint](t)(proof.OpenCheckpoint(right, indexKey(t).Verifier))
	thief := must[note.Signer](t)(stranger(t, proof.IndexKeyName(origin)))
	if err := os.WriteFile(path, must[[]byte](t)(proof.SignCheckpoint(c, thief)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newReader(t, bookOf(entries...))
	if err := r.follow(w); err == nil {
		t.Error("it followed another key")
	}
	if _, err := r.ledger.Public().Read(t.Context(), "index/checkpoint"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it shows something: %v", err)
	}
	if err := os.WriteFile(path, right, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.follow(w); err != nil {
		t.Error(err)
	}
	r.shows(2)
}

// stranger is a key with a name that is another's.
func stranger(t *testing.T, name string) (note.Signer, error) {
	skey, _, err := note.GenerateKey(zeros{}, name)
	if err != nil {
		return nil, err
	}
	return note.NewSigner(skey)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestMirrorBlamesItsDisk damages an entry of the reader: the index is not accused.
func TestMirrorBlamesItsDisk(t *testing.T) {
	entries := townOf(t, 300).entries
	r := newReader(t, bookOf(entries...))
	if err := r.follow(townOf(t, 300, 2, 7).write(t)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, "public/tile/entries/000")
	b := must[[]byte](t)(os.ReadFile(path))
	at := bytes.Index(b, entries[90])
	b[at+bytes.Index(entries[90], []byte("a "))] = 'c'
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	var v *Violation
	err := r.follow(townOf(t, 300, 2, 7, 100).write(t))
	if err == nil || errors.As(err, &v) || !strings.Contains(err.Error(), "as they lie here") {
		t.Fatalf("it blames the index: %v", err)
	}
}
