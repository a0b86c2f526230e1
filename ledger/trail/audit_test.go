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
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func TestAuditOfTruth(t *testing.T) {
	each := []int{} // as many leaves as there can be
	for i := range 600 {
		if enrols(i) || concerns(i) {
			each = append(each, i+1)
		}
	}
	for name, sizes := range map[string][]int{"some": {2, 40, 256, 300, 590}, "last": {600}, "each": each, "none": nil} {
		t.Run(name, func(t *testing.T) {
			w := townOf(t, 600, sizes...)
			dir := w.write(t)
			covered := 0
			if len(sizes) > 0 {
				covered = sizes[len(sizes)-1]
			}
			for _, parallel := range []int{0, 1, 7} {
				r, err := auditDir(t, dir, AuditOptions{Parallel: parallel})
				if err != nil {
					t.Fatalf("%d at once: %v", parallel, err)
				}
				if r.Tags != 360 || r.Labels != 60 || r.Ledger.Size != 600 || r.Leaves != events.Size(len(sizes)) ||
					r.Last.Size != events.Size(covered) || r.Behind != behind(covered, 600) || r.Ledger.Tags != 360 || r.Note == nil {
					t.Errorf("%d at once: %+v of %+v", parallel, r, r.Ledger)
				}
			}
		})
	}
}

func TestAuditFindsLies(t *testing.T) {
	for name, lie := range map[string]struct {
		tell        func(*town)
		place, says string
		kind        string // of evidence; "" for none
	}{
		"tag left out": {
			func(w *town) { w.leaves[2] = w.leaf(t, 256, leftOut(103, ofTags)) },
			"index/tile/entries/000 entry 2", "the tags of 256 entries", proof.EvidenceIndexTag,
		},
		"first tag left out": {
			func(w *town) { w.leaves[0] = w.leaf(t, 3, leftOut(2, ofTags)) },
			"index/tile/entries/000 entry 0", "the tags of 3 entries", proof.EvidenceIndexTag,
		},
		"tag elsewhere": {
			func(w *town) { w.leaves[2] = w.leaf(t, 256, elsewhere(103, 104, ofTags)) },
			"index/tile/entries/000 entry 2", "the tags of 256 entries", proof.EvidenceIndexTag,
		},
		"tag invented": {func(w *town) {
			w.leaves[2] = w.leaf(t, 256, func(a *addition) { a.tags = append(a.tags, numbered(5, 1)...) })
		}, "index/tile/entries/000 entry 2", "the tags of 256 entries", ""},
		"old tag left out": {
			func(w *town) { w.leaves[2] = w.leaf(t, 256, leftOut(5, ofTags)) },
			"index/tile/entries/000 entry 2", "the tags of 256 entries", "",
		},
		"label left out": {
			func(w *town) { w.leaves[4] = w.leaf(t, 590, leftOut(431, ofLabels)) },
			"index/tile/entries/000 entry 4", "the enrolments in 590 entries", proof.EvidenceIndexLabel,
		},
		"label elsewhere": {
			func(w *town) { w.leaves[4] = w.leaf(t, 590, elsewhere(431, 432, ofLabels)) },
			"index/tile/entries/000 entry 4", "the enrolments in 590 entries", proof.EvidenceIndexLabel,
		},
		"only label left out": {
			func(w *town) { w.leaves[0] = w.leaf(t, 3, leftOut(1, ofLabels)) },
			"index/tile/entries/000 entry 0", "the enrolments in 3 entries", proof.EvidenceIndexLabel,
		},
		"another ledger": {
			func(w *town) { w.leaves[4] = w.leaf(t, 600, nil); w.leaves[4].Root[5] ^= 1 },
			"index/tile/entries/000 entry 4", "the ledger of 600 entries has the root", proof.EvidenceIndexRoot,
		},
		"another ledger once": {
			func(w *town) { w.leaves[1].Root[5] ^= 1 },
			"index/tile/entries/000 entry 1", "the ledger of 40 entries has the root", "",
		},
		"back": {
			func(w *town) { w.leaves[3] = w.leaves[1] },
			"index/tile/entries/000 entry 3", "it covers 40 entries, and the leaf before 256", proof.EvidenceIndexBack,
		},
		"still": {
			func(w *town) { w.leaves[3] = w.leaves[2] },
			"index/tile/entries/000 entry 3", "it covers 256 entries, and the leaf before 256", proof.EvidenceIndexBack,
		},
		"nothing": {
			func(w *town) { w.leaves[0].Size = 0 },
			"index/tile/entries/000 entry 0", "it covers 0 entries", "",
		},
		"nothing new": {
			func(w *town) { w.leaves = append(w.leaves[:2], w.leaf(t, 48, nil), w.leaf(t, 51, nil)) },
			"index/tile/entries/000 entry 3", "it covers no tag and no enrolment", "",
		},
		"ahead": {
			func(w *town) { w.leaves[4].Size = 601 },
			"index/tile/entries/000 entry 4", "it covers 601 entries, and 600 are published", "",
		},
		"tag twice": {
			func(w *town) { w.entries[500] = tagged(t, 500, tagOf(22)) },
			"tile/entries/001 entry 500", "a tag of entry 500 stands in entry 22", proof.EvidenceDuplicateTag,
		},
		"tag twice behind the index": {
			func(w *town) { w.entries[599] = tagged(t, 599, tagOf(22)) },
			"tile/entries/002 entry 599", "a tag of entry 599 stands in entry 22", proof.EvidenceDuplicateTag,
		},
		"label twice": {
			func(w *town) { w.entries[500] = enrolled(t, 500, 21) },
			"tile/entries/001 entry 500", "the label of a person of entry 500 stands in entry 21", proof.EvidenceDuplicateLabel,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := townOf(t, 600, 3, 40, 256, 300, 590)
			lie.tell(w)
			dir := w.write(t)
			_, err := auditDir(t, dir, AuditOptions{})
			var v *Violation
			if !errors.As(err, &v) || v.Place != lie.place || !strings.Contains(v.Error(), lie.says) {
				t.Fatal(err)
			}
			testEvidence(t, v.Evidence, lie.kind)
		})
	}
}

// TestAuditFindsDamage changes the files of an index that says the truth.
func TestAuditFindsDamage(t *testing.T) {
	all := []int{}
	for i := range 500 {
		if concerns(i) {
			all = append(all, i+1)
		}
	}
	w := townOf(t, 500, all...) // more than one bundle
	dir := w.write(t)
	for name, damage := range map[string]struct{ file, place string }{
		"leaf":       {"index/tile/entries/000", "index/tile/entries/000 entry 3"},
		"tile":       {"index/tile/0/000", "index/tile/0/000"},
		"inner tile": {"index/tile/1/000", "index/tile/1/000"},
		"checkpoint": {"index/checkpoint", "index/checkpoint"},
		"entry":      {"tile/entries/000", "tile/entries/000 entry 1"},
	} {
		path := filepath.Join(dir, damage.file)
		whole := must[[]byte](t)(os.ReadFile(path))
		t.Run(name, func(t *testing.T) {
			defer put(t, path, whole)
			b := bytes.Clone(whole)
			b[min(len(b)-1, 3*len(w.leaves[3].Text())+90)] ^= 1
			put(t, path, b)
			var found *ledger.AuditError
			if _, err := auditDir(t, dir, AuditOptions{}); !errors.As(err, &found) || found.Place != damage.place {
				t.Errorf("a flipped bit: %v", err)
			}
			put(t, path, whole[:len(whole)-1])
			if _, err := auditDir(t, dir, AuditOptions{}); !errors.As(err, &found) || !strings.HasPrefix(found.Place, damage.file) {
				t.Errorf("torn: %v", err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			r, err := auditDir(t, dir, AuditOptions{})
			if name == "checkpoint" { // then no index is published
				if err != nil || r.Note != nil || r.Leaves != 0 || r.Behind != r.Tags+r.Labels {
					t.Errorf("lost: %+v, %v", r, err)
				}
			} else if !errors.Is(err, ledger.ErrIncomplete) {
				t.Errorf("lost: %v", err)
			}
		})
	}
	if _, err := auditDir(t, dir, AuditOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestAuditOfAnotherKey(t *testing.T) {
	w := townOf(t, 30, 3, 20)
	w.key = keyOf(t, proof.IndexKeyName("other.example/log")).Signer
	var found *ledger.AuditError
	if _, err := auditDir(t, w.write(t), AuditOptions{}); !errors.As(err, &found) || found.Place != "index/checkpoint" {
		t.Errorf("signed by the key of another index: %v", err)
	}
	dir := townOf(t, 30, 3, 20).write(t)
	publish(t, filepath.Join(dir, ledger.IndexPath), indexKey(t).Signer, [][]byte{[]byte("no leaf")})
	if _, err := auditDir(t, dir, AuditOptions{}); !errors.As(err, &found) || found.Place != "index/tile/entries/000 entry 0" {
		t.Errorf("a log of other things: %v", err)
	}
}

// TestAuditDespiteLoss: what is proved is not excused by files that are missing.
func TestAuditDespiteLoss(t *testing.T) {
	w := townOf(t, 600, 3, 40)
	w.leaves[1] = w.leaf(t, 40, leftOut(22, ofTags))
	dir := w.write(t)
	lost := filepath.Join(dir, "tile/entries/002")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	var v *Violation
	if _, err := auditDir(t, dir, AuditOptions{}); !errors.As(err, &v) || v.Evidence == nil {
		t.Errorf("with a bundle missing: %v", err)
	}
	w.leaves[1].Root[0] ^= 1 // which nothing proves alone
	dir = w.write(t)
	if err := os.Remove(filepath.Join(dir, "tile/entries/002")); err != nil {
		t.Fatal(err)
	}
	if _, err := auditDir(t, dir, AuditOptions{}); !errors.Is(err, ledger.ErrIncomplete) {
		t.Errorf("with a bundle missing, and no evidence: %v", err)
	}
}

// counting is a source that counts what it is asked for.
type counting struct {
	ledger.Source
	asked chan string
}

func (c counting) Read(ctx context.Context, path string) ([]byte, error) {
	c.asked <- path
	return c.Source.Read(ctx, path)
}

func TestAuditFetchesOnce(t *testing.T) {
	dir := townOf(t, 600, 3, 40, 590).write(t)
	c := counting{must[*ledger.Public](t)(ledger.OpenPublic(dir)), make(chan string, 1000)}
	if _, err := Audit(t.Context(), c, logKey(t).Verifier, AuditOptions{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	close(c.asked)
	seen := map[string]bool{}
	for path := range c.asked {
		if seen[path] {
			t.Errorf("%s was fetched twice", path)
		}
		seen[path] = true
	}
	if len(seen) != 2+3+3+1+1+1 { // both checkpoints, the ledger's files, the index's
		t.Errorf("fetched: %v", seen)
	}
}

func TestAuditEnds(t *testing.T) {
	dir := townOf(t, 600, 3, 40, 590).write(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := must[*ledger.Public](t)(ledger.OpenPublic(dir))
	if _, err := Audit(ctx, src, logKey(t).Verifier, AuditOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("when told to end: %v", err)
	}
	if _, err := Audit(t.Context(), src, logKey(t).Verifier, AuditOptions{Dir: filepath.Join(dir, "nowhere")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a place to work: %v", err)
	}
}

func TestAuditFollowsTheIndex(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.open(nil); err != nil {
		t.Fatal(err)
	}
	if err := w.anchor.WaitFor(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if r, err := auditDir(t, filepath.Join(w.dir, "public"), AuditOptions{}); err != nil || r.Leaves != 0 || r.Ledger.Size != 1 {
		t.Fatalf("without an index: %+v, %v", r, err)
	}
	for _, n := range []int{2, 3, 40, 300, 1000} {
		w.grow(n)
		if err := w.indexed(w.covered()); err != nil {
			t.Fatal(err)
		}
		want := behind(0, n)
		r, err := auditDir(t, filepath.Join(w.dir, "public"), AuditOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Tags+r.Labels != want || r.Behind != 0 || r.Last.Size < w.covered() || r.Leaves == 0 || r.Ledger.Tags != r.Tags {
			t.Fatalf("%d entries with %d tags and labels: %+v", n, want, r)
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
	r, err := auditDir(t, filepath.Join(w.dir, "public"), AuditOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := behind(int(r.Last.Size), 50)
	if r.Leaves != 1 || want == 0 || r.Behind != want {
		t.Errorf("%d behind, want %d: %+v", r.Behind, want, r)
	}
}
