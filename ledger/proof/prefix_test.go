package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// itemsOf are n items at random-looking places, sorted.
func itemsOf(n int) []IndexItem {
	out := make([]IndexItem, n)
	for i := range out {
		h := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		out[i] = IndexItem{Label: h, Value: sha256.Sum256(h[:])}
	}
	slices.SortFunc(out, func(a, b IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
	return out
}

func build(t *testing.T, items []IndexItem) *Node {
	t.Helper()
	root, err := BuildTree(items)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestPrunedTreeAnswersWhatItWasAsked(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 17, 300} {
		items := itemsOf(n + 5)
		absent, there := items[:5], items[5:]
		root := build(t, there)
		var labels []Hash
		for _, it := range items[:min(len(items), 40)] {
			labels = append(labels, it.Label)
		}
		if n > 0 && BuildHash(there) != BuildNode(there).Hash() {
			t.Errorf("%d items: the hash alone is another", n)
		}
		pruned, err := ParseTree(AppendTree(nil, root.Show(labels, nil)))
		if err != nil {
			t.Fatalf("%d items: %v", n, err)
		}
		if pruned.Hash() != root.Hash() {
			t.Errorf("%d items: the pruned tree has another root", n)
		}
		for _, it := range items[:min(len(items), 40)] {
			value, present, known := pruned.Find(it.Label)
			want := !slices.Contains(absent, it)
			if !known || present != want || want && value != it.Value {
				t.Errorf("%d items: %x is known %v, present %v, want %v", n, it.Label[:4], known, present, want)
			}
		}
	}
}

// TestAbsenceBesideTheOnlyChild looks where nothing is, below a root of which all
// labels are on the other side.
func TestAbsenceBesideTheOnlyChild(t *testing.T) {
	for _, n := range []int{1, 2, 9} {
		var left []IndexItem
		for _, it := range itemsOf(80) {
			if side(it.Label, 0) == 0 && len(left) < n {
				left = append(left, it)
			}
		}
		root := build(t, left)
		absent := Hash{0x80}
		pruned, err := ParseTree(AppendTree(nil, root.Show([]Hash{absent}, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if _, present, known := pruned.Find(absent); present || !known || pruned.Hash() != root.Hash() {
			t.Errorf("%d items: present %v, known %v", n, present, known)
		}
	}
	if _, err := ParseTree(AppendTree(nil, InnerNode(Prefix{}, HashNode(Hash{1}), HashNode(Hash{2})))); err == nil {
		t.Error("a root that shows nothing is read")
	}
}

func TestPrunedTreeShowsARange(t *testing.T) {
	items := itemsOf(500)
	root := build(t, items)
	for _, n := range []int{1, 4, 9, 30} {
		p := PrefixOf(items[123].Label, n)
		pruned, err := ParseTree(AppendTree(nil, root.Show(nil, []Prefix{p})))
		if err != nil {
			t.Fatal(err)
		}
		if pruned.Hash() != root.Hash() || !pruned.Whole(p) {
			t.Fatalf("%d bits: not whole", n)
		}
		var want, got []IndexItem
		for _, it := range items {
			if p.Has(it.Label) {
				want = append(want, it)
			}
		}
		for _, it := range pruned.Items() {
			if p.Has(it.Label) {
				got = append(got, it)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d bits: %d items, want %d", n, len(got), len(want))
		}
		if pruned.Whole(PrefixOf(items[400].Label, 9)) && n > 1 {
			t.Errorf("%d bits: it shows what was not asked for", n)
		}
	}
}

func TestMergeShowsWhatEitherShows(t *testing.T) {
	items := itemsOf(200)
	root := build(t, items)
	var shown *Node
	for i, it := range items[:60] {
		ranges := []Prefix{PrefixOf(items[3*i].Label, 7)}
		more := root.Show([]Hash{it.Label}, ranges)
		if shown == nil {
			shown = more
		}
		merged, err := shown.Merge(more)
		back, errBack := more.Merge(shown)
		if err != nil || errBack != nil {
			t.Fatal(err, errBack)
		}
		if !bytes.Equal(AppendTree(nil, merged), AppendTree(nil, back)) {
			t.Fatal("the order changes what is shown")
		}
		shown = merged
		for _, before := range items[:i+1] {
			if _, present, known := shown.Find(before.Label); !present || !known {
				t.Fatal("what one shows is lost")
			}
		}
		if !shown.Whole(ranges[0]) || shown.Hash() != root.Hash() {
			t.Fatal("a range that one shows is lost")
		}
	}
	if _, err := shown.Merge(build(t, items[1:])); err == nil {
		t.Error("trees of different roots are one")
	}
}

func TestPrefixHasOneSpelling(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 12, 255, 256} {
		p := PrefixOf(Hash(bytes.Repeat([]byte{0xa5}, 32)), n)
		if got, err := ParsePrefix(p.String()); err != nil || got != p {
			t.Errorf("%s is read as %s: %v", p, got, err)
		}
	}
	for _, s := range []string{"", "12", "12:", "12:a5f", "12:a5ff", "12:A5f0", "012:a5f0", "257:" + strings.Repeat("00", 32), "-1:", "1:00ff", "8:zz", " 8:00"} {
		if p, err := ParsePrefix(s); err == nil {
			t.Errorf("%q is read as %s", s, p)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	items := itemsOf(40)
	root, _ := BuildTree(items)
	f.Add(AppendTree(nil, root.Show([]Hash{items[3].Label, {1}}, []Prefix{PrefixOf(items[9].Label, 3)})))
	empty, _ := BuildTree(nil)
	f.Add(AppendTree(nil, empty))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseTree(b)
		if err != nil {
			return
		}
		if !bytes.Equal(AppendTree(nil, n), b) {
			t.Error("it is written in another form than it was read")
		}
		for _, it := range n.Items() {
			if v, present, known := n.Find(it.Label); !present || !known || v != it.Value {
				t.Error("an item that is shown is not found")
			}
		}
	})
}
