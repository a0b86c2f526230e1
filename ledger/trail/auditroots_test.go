package trail

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// grown is what an audit computes of items, of which each has the leaf that covers it.
func grown(t *testing.T, list []spilled) *growth {
	t.Helper()
	dir := t.TempDir()
	s := must[*spill](t)(newSpill(filepath.Join(dir, "items")))
	for _, it := range list {
		if err := s.add(it); err != nil {
			t.Fatal(err)
		}
	}
	g := must[*growth](t)(growAll(t.Context(), tags, s, filepath.Join(dir, "growth")))
	t.Cleanup(func() {
		if err := errors.Join(s.file.Close(), g.file.Close()); err != nil {
			t.Error(err)
		}
	})
	return g
}

// inLeaves cuts items at random: some leaves cover nothing, and the last items none.
func inLeaves(items []item, per int) (list []spilled, leaves events.Index) {
	r := rand.New(rand.NewPCG(5, uint64(len(items))))
	for i, it := range items {
		for r.IntN(per) == 0 {
			leaves++
		}
		list = append(list, spilled{it, leaves})
		if i > 9*len(items)/10 {
			list[i].leaf = noLeaf
		}
	}
	return list, leaves
}

func TestRootsAreTheReference(t *testing.T) {
	for name, items := range map[string][]item{
		"none": nil, "one": numbered(0, 1), "two": numbered(0, 2), "some": numbered(0, 300),
		"many": numbered(0, 5000), "crowded": crowded(3000),
	} {
		t.Run(name, func(t *testing.T) {
			list, leaves := inLeaves(items, 2+len(items)/20)
			c := must[*crown](t)(newCrown(grown(t, list)))
			for leaf := range leaves + 1 {
				var covered []item
				for _, it := range list {
					if it.leaf <= leaf {
						covered = append(covered, it.item)
					}
				}
				if got, want := must[proof.Hash](t)(c.root(leaf)), reference(t, covered).Hash(); got != want {
					t.Fatalf("leaf %d of %d items: %v, want %v", leaf, len(covered), got, want)
				}
			}
		})
	}
}

// TestRootsKnowWhatStandsTwice: of several, the first in the ledger is told.
func TestRootsKnowWhatStandsTwice(t *testing.T) {
	items := numbered(0, 2000)
	for i, of := range []int{1000: 7, 1500: 1200} {
		if of > 0 {
			items[i].Label = items[of].Label
		}
	}
	list, _ := inLeaves(items, 100)
	if d := grown(t, list).twice; d == nil || d.First != 7 || d.Second != 1000 || d.Person || d.Label != items[7].Label {
		t.Errorf("what stands twice: %v", d)
	}
	if d := grown(t, slices.Delete(list, 1000, 1001)).twice; d == nil || d.First != 1200 || d.Second != 1500 {
		t.Errorf("what stands twice: %v", d)
	}
}

func TestSpillsComeBack(t *testing.T) {
	s := must[*spills](t)(newSpills(t.TempDir()))
	want := indexLeaf{proof.IndexLeaf{Size: 7, Root: proof.Hash{1}, Tags: proof.Hash{2}, Labels: proof.Hash{3}}, 5}
	it := spilled{numbered(9, 1)[0], 4}
	if err := errors.Join(s.addLeaf(want), s.labels.add(it)); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := errors.Join(
		s.eachLeaf(func(l indexLeaf) (bool, error) { n++; return l == want, nil }),
		s.of(labels).each(t.Context(), func(got spilled) error {
			if n++; got != it {
				t.Errorf("an item comes back as %v", got)
			}
			return nil
		}),
		s.of(tags).each(t.Context(), func(spilled) error { n++; return nil }),
	)
	if err != nil || n != 2 {
		t.Errorf("%d came back: %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.labels.each(ctx, func(spilled) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("when told to end: %v", err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
