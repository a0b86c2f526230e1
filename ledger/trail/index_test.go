package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func TestIndexAnswers(t *testing.T) {
	w := newWorld(t, 300)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	if err := w.indexed(w.covered()); err != nil {
		t.Fatal(err)
	}
	testAnswers(t, &w.index.answers, 300)
	w.grow(700)
	if err := w.indexed(w.covered()); err != nil {
		t.Fatal(err)
	}
	testAnswers(t, &w.index.answers, 700)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.index.Prove(t.Context(), Question{Tags: []events.Tag{{1}}}); !errors.Is(err, ledger.ErrNotPublished) {
		t.Errorf("asked after Close: %v", err)
	}
	if err := w.index.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// testAnswers asks for all tags and labels of n entries and for as many that are not
// there, and believes nothing that the checkpoint does not say.
func testAnswers(t *testing.T, x *answers, n int) {
	t.Helper()
	var q Question
	for i := range n {
		q.Tags, q.Labels = append(q.Tags, tagOf(i)), append(q.Labels, outputOf(i))
	}
	a, err := x.Prove(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	p := must[proof.IndexProof](t)(proof.ParseIndexProof(a.Proof.Format()))
	if _, err := p.Verify(indexKey(t).Verifier); err != nil {
		t.Fatal(err)
	}
	found := must[map[events.Tag]events.Index](t)(x.Positions(t.Context(), q.Tags))
	for i := range n {
		if at, ok := found[tagOf(i)]; ok != concerns(i) || at != events.Index(i) && ok {
			t.Fatalf("entry %d: its tag is found at %d, %v", i, at, ok)
		}
		entry := entryOf(t, i)
		want := proof.IndexValue(events.Index(i), proof.LeafHash(entry))
		for _, look := range []struct {
			root   *proof.Node
			label  proof.Hash
			wanted bool
		}{{p.Tags, proof.TagLabel(tagOf(i)), concerns(i)}, {p.Labels, proof.PersonLabel(outputOf(i)), enrols(i)}} {
			value, present, known := look.root.Find(look.label)
			if !known || present != look.wanted || present && value != want {
				t.Fatalf("entry %d: known %v, present %v, wanted %v", i, known, present, look.wanted)
			}
			if at, ok := a.Positions[look.label]; ok != look.wanted || ok && at != events.Index(i) {
				t.Fatalf("entry %d: position %d, %v", i, at, ok)
			}
		}
	}
}

func TestRangesOfEitherTree(t *testing.T) {
	w := newWorld(t, 300)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.indexed(w.covered()); err != nil {
		t.Fatal(err)
	}
	all := proof.Prefix{}
	tags := must[Answer](t)(w.index.Prove(t.Context(), Question{Ranges: []proof.Prefix{all}}))
	labels := must[Answer](t)(w.index.Prove(t.Context(), Question{LabelRanges: []proof.Prefix{all}}))
	both := must[Answer](t)(w.index.Prove(t.Context(), Question{Ranges: []proof.Prefix{all}, LabelRanges: []proof.Prefix{all}}))
	if tags.Proof.Labels != nil || labels.Proof.Tags != nil || !both.Proof.Tags.Whole(all) || !both.Proof.Labels.Whole(all) {
		t.Error("a range is of the other tree")
	}
	if n, m := len(tags.Proof.Tags.Items()), len(labels.Proof.Labels.Items()); n == 0 || m == 0 || len(both.Positions) != n+m {
		t.Errorf("%d tags, %d enrolments, %d positions", n, m, len(both.Positions))
	}
}

func TestQuestionsThatAreNone(t *testing.T) {
	w := newWorld(t, 5)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.indexed(w.covered()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []proof.Prefix{{Bits: -1}, {Bits: 257}, {Bits: 3, Path: proof.Hash{1}}} {
		if _, err := w.index.Prove(t.Context(), Question{Ranges: []proof.Prefix{p}}); err == nil {
			t.Errorf("a range of %d bits was answered", p.Bits)
		}
	}
	var much *TooMuchError
	if _, err := w.index.Prove(t.Context(), Question{Tags: make([]events.Tag, MaxAsked+1)}); !errors.As(err, &much) {
		t.Errorf("too many tags: %v", err)
	}
	if a, err := w.index.Prove(t.Context(), Question{}); err != nil || a.Proof.Tags != nil || a.Proof.Labels != nil {
		t.Errorf("nothing was asked: %v", err)
	}
}

// TestNoLeafWithoutNews records what concerns nobody: the index stays as it is.
func TestNoLeafWithoutNews(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.anchor.WaitFor(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.index.Prove(t.Context(), Question{}); !errors.Is(err, ledger.ErrNotPublished) {
		t.Errorf("asked before the first leaf: %v", err)
	}
	w.grow(8)
	if err := w.indexed(w.covered()); err != nil {
		t.Fatal(err)
	}
	c, _ := w.index.Checkpoint()
	w.grow(11) // 8, 9 and 10 concern nobody
	if err := w.anchor.WaitFor(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	w.grow(13)
	if err := w.indexed(w.covered()); err != nil {
		t.Fatal(err)
	}
	if now, _ := w.index.Checkpoint(); now.Size > c.Size+2 {
		t.Errorf("%d leaves, and then %d", c.Size, now.Size)
	}
}

// TestWhatCanBeLost deletes what the design says can be made again.
func TestWhatCanBeLost(t *testing.T) {
	for name, lose := range map[string][]string{
		"trees": {"index/trees"}, "log": {"index/log"}, "all of index": {"index"},
		"tiles": {"public/index/tile"}, "checkpoint": {"public/index/checkpoint"}, "public": {"public/index"},
		"leaves": {"journal.leaves"}, "leaves and index": {"journal.leaves", "index"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 300)
			if err := w.run(nil); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, w)
			for _, path := range lose {
				if err := os.RemoveAll(filepath.Join(w.dir, path)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.open(nil); err != nil {
				t.Fatal(err)
			}
			defer w.close()
			if err := w.indexed(w.covered()); err != nil {
				t.Fatal(err)
			}
			testAnswers(t, &w.index.answers, 300)
			if after := snapshot(t, w); before != after {
				t.Error("leaves, journal or what is public differ")
			}
		})
	}
}

// snapshot is everything of an index that nobody may see two versions of.
func snapshot(t *testing.T, w *world) string {
	t.Helper()
	var out bytes.Buffer
	for _, name := range []string{"journal.leaves", "journal.index", "public/index/checkpoint", "public/index/tile/entries/000", "public/index/tile/0/000"} {
		b, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d %x\n", name, len(b), b)
	}
	return out.String()
}

// TestWhatStopsIt changes what cannot be made again, and nothing is signed.
func TestWhatStopsIt(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, w *world){
		"another last leaf": func(t *testing.T, w *world) {
			l := must[*LeafFile](t)(OpenLeaves(filepath.Join(w.dir, "journal.leaves")))
			leaf := must[proof.IndexLeaf](t)(proof.ParseIndexLeaf(string(must[[]byte](t)(l.Read(t.Context(), l.Last())))))
			leaf.Tags[0] ^= 1
			if err := errors.Join(l.Close(), truncate(w, -1)); err != nil {
				t.Fatal(err)
			}
			l = must[*LeafFile](t)(OpenLeaves(filepath.Join(w.dir, "journal.leaves")))
			_, err := l.Append(t.Context(), [][]byte{[]byte(leaf.Text())})
			if err := errors.Join(err, l.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"a leaf more, of no such tree": func(t *testing.T, w *world) {
			l := must[*LeafFile](t)(OpenLeaves(filepath.Join(w.dir, "journal.leaves")))
			leaf := must[proof.IndexLeaf](t)(proof.ParseIndexLeaf(string(must[[]byte](t)(l.Read(t.Context(), l.Last())))))
			leaf.Tags[0] ^= 1
			_, err := l.Append(t.Context(), [][]byte{[]byte(leaf.Text())})
			if err := errors.Join(err, l.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"a journal set back": func(t *testing.T, w *world) {
			if err := os.Truncate(filepath.Join(w.dir, "journal.index"), 0); err != nil {
				t.Fatal(err)
			}
		},
		"an entry of another size": func(t *testing.T, w *world) {
			path := filepath.Join(w.dir, "public/tile/entries/000")
			b := must[[]byte](t)(os.ReadFile(path))
			b[bytes.Index(b, []byte("example/reader"))] = 'f'
			if err := errors.Join(os.WriteFile(path, b, 0o644), os.RemoveAll(filepath.Join(w.dir, "index"))); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 300)
			if err := w.run(nil); err != nil {
				t.Fatal(err)
			}
			before := must[[]byte](t)(os.ReadFile(filepath.Join(w.dir, "public/index/checkpoint")))
			spoil(t, w)
			if err := w.run(nil); err == nil {
				t.Fatal("it went on")
			}
			after := must[[]byte](t)(os.ReadFile(filepath.Join(w.dir, "public/index/checkpoint")))
			if !bytes.Equal(before, after) && name != "a leaf more, of no such tree" {
				t.Error("something was published")
			}
		})
	}
}

// truncate takes lines from the end of the journal of leaves.
func truncate(w *world, lines int64) error {
	path := filepath.Join(w.dir, "journal.leaves")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()+lines*lineWidth)
}

// TestDuplicateTagStopsIt records a tag twice.
func TestDuplicateTagStopsIt(t *testing.T) {
	w := newWorld(t, 300)
	w.book.add(tagged(t, 300, tagOf(17)))
	var dup *DuplicateError
	if err := w.run(nil); !errors.As(err, &dup) || dup.First != 17 || dup.Second != 300 {
		t.Fatalf("a tag stands twice: %v", err)
	}
}

var errKilled = errors.New("killed here")

// TestFaults kills the index before and after each thing that it does, and also the
// checkpoint journal and the second log below it; then once more on its way back.
func TestFaults(t *testing.T) {
	sizes := []int{3, 14}
	names := map[string]bool{}
	for _, done := range []bool{false, true} {
		for n := 1; ; n++ {
			seen, name := 0, ""
			kill := func(do string, f func() error) error {
				if seen++; seen != n && seen != n+4 {
					return f()
				}
				name, names[do] = do, true
				if done {
					return errors.Join(f(), errKilled)
				}
				return errKilled
			}
			w := newWorld(t, 0)
			w.change = func(c *Config) { c.Log = faultyLog{c.Log, kill} }
			for _, size := range sizes {
				w.grow(size)
				err := w.run(kill)
				for tries := 0; errors.Is(err, errKilled) && tries < 3; tries++ {
					err = w.run(kill)
				}
				if err != nil {
					t.Fatalf("killed at %q: %v", name, err)
				}
			}
			if seen < n {
				break
			}
			if err := checkIndex(t, w); err != nil {
				t.Fatalf("killed at %q: %v", name, err)
			}
		}
	}
	for _, name := range []string{"add", "journal leaf", "write leaf", "sync leaf", "append"} {
		if !names[name] {
			t.Errorf("never killed at %q", name)
		}
	}
}

// faultyLog is a log whose calls can be killed.
type faultyLog struct {
	ledger.Log
	kill step
}

func (l faultyLog) Append(ctx context.Context, first events.Index, leaves [][]byte) (size events.Size, root [32]byte, err error) {
	err = l.kill("append", func() error {
		size, root, err = l.Log.Append(ctx, first, leaves)
		return err
	})
	return size, root, err
}

// checkIndex opens the index once more, and looks at every file of it.
func checkIndex(t *testing.T, w *world) error {
	t.Helper()
	if err := w.open(nil); err != nil {
		return err
	}
	defer w.close()
	if err := w.indexed(w.covered()); err != nil {
		return err
	}
	testAnswers(t, &w.index.answers, int(w.book.Last()))
	_, err := ledger.Check(t.Context(), ledger.CheckConfig{
		Dir: filepath.Join(w.dir, "public", "index"), Journal: filepath.Join(w.dir, "journal.index"),
		History: ReadLeaves(filepath.Join(w.dir, "journal.leaves")), Leaves: Leaves(indexKey(t).Verifier),
	})
	return err
}
