package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// numbered are n items at places that look random.
func numbered(from, n int) []item {
	out := make([]item, n)
	for i := range out {
		at := events.Index(from + i)
		label := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(at)))
		out[i] = item{proof.IndexItem{Label: label, Value: proof.IndexValue(at, label)}, at}
	}
	return out
}

// crowded are n items most of which share long beginnings, as no hash would.
func crowded(n int) []item {
	out := numbered(0, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range out {
		keep := r.IntN(32)
		copy(out[i].Label[:keep], bytes.Repeat([]byte{0x5a}, keep))
		if i%7 == 0 && i > 0 { // differs in the last bits alone
			out[i].Label = out[i-1].Label
		}
		binary.BigEndian.PutUint32(out[i].Label[28:], uint32(i))
	}
	return out
}

// reference is the same tree, built at once.
func reference(t testing.TB, items []item) *proof.Node {
	t.Helper()
	plain := make([]proof.IndexItem, len(items))
	for i, it := range items {
		plain[i] = it.IndexItem
	}
	slices.SortFunc(plain, func(a, b proof.IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
	root, err := proof.BuildTree(plain)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func memTrees(t testing.TB) *trees {
	t.Helper()
	s, err := openTrees("trees", treeOptions{fs: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// contents are all keys and values.
func contents(t testing.TB, db *pebble.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	iter, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		out[string(iter.Key())] = string(iter.Value())
	}
	if err := iter.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTreeIsTheReference(t *testing.T) {
	for name, items := range map[string][]item{
		"none": nil, "one": numbered(0, 1), "two": numbered(0, 2), "a page less": numbered(0, paged),
		"some": numbered(0, 900), "many": numbered(0, 20_000), "crowded": crowded(3000),
	} {
		t.Run(name, func(t *testing.T) {
			root := reference(t, items)
			whole := memTrees(t)
			if err := whole.add(addition{tags: slices.Clone(items)}); err != nil {
				t.Fatal(err)
			}
			parts := memTrees(t)
			r := rand.New(rand.NewPCG(2, uint64(len(items))))
			for rest := slices.Clone(items); ; {
				n := min(len(rest), 1+r.IntN(1+len(items)/5))
				if err := parts.add(addition{tags: slices.Clone(rest[:n])}); err != nil {
					t.Fatal(err)
				}
				if rest = rest[n:]; len(rest) == 0 {
					break
				}
			}
			if whole.now.tags != root.Hash() || parts.now.tags != root.Hash() {
				t.Fatalf("roots %v and %v, want %v", whole.now.tags, parts.now.tags, root.Hash())
			}
			if !maps.Equal(contents(t, whole.db), contents(t, parts.db)) {
				t.Error("what is stored depends on how the batches were cut")
			}
			testShows(t, parts, root, items)
		})
	}
}

// testShows compares pruned trees, byte for byte, with those of the reference.
func testShows(t *testing.T, s *trees, root *proof.Node, items []item) {
	r := rand.New(rand.NewPCG(3, uint64(len(items))))
	for range 60 {
		var a asked
		for range r.IntN(5) {
			var l proof.Hash
			binary.BigEndian.PutUint64(l[:], r.Uint64())
			if len(items) > 0 && r.IntN(3) > 0 {
				l = items[r.IntN(len(items))].Label
				if r.IntN(2) == 0 {
					l[r.IntN(32)] ^= 1 << r.IntN(8) // near something, and not there
				}
			}
			if r.IntN(3) == 0 {
				a.ranges = append(a.ranges, proof.PrefixOf(l, 1+r.IntN(60)))
			} else {
				a.labels = append(a.labels, l)
			}
		}
		positions := map[proof.Hash]events.Index{}
		got, err := show(tags, s.db, a, positions)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(a.labels, func(x, y proof.Hash) int { return bytes.Compare(x[:], y[:]) })
		want := root.Show(a.labels, a.ranges)
		if !bytes.Equal(proof.AppendTree(nil, got), proof.AppendTree(nil, want)) {
			t.Fatalf("asked %v: shown is another pruned tree than the reference's", a)
		}
		for _, it := range items {
			_, has := positions[it.Label]
			if wants := slices.Contains(a.labels, it.Label) || slices.ContainsFunc(a.ranges, func(p proof.Prefix) bool { return p.Has(it.Label) }); has != wants || has && positions[it.Label] != it.at {
				t.Fatalf("position of %v: %v, want %v", it.Label, positions[it.Label], it.at)
			}
		}
	}
}

func TestNothingStandsTwice(t *testing.T) {
	s := memTrees(t)
	items := numbered(0, 1000)
	if err := s.add(addition{tags: slices.Clone(items)}); err != nil {
		t.Fatal(err)
	}
	before, root := contents(t, s.db), s.now.tags
	again := items[417]
	again.at = 5000
	twice := numbered(2000, 1)[0]
	later := twice
	later.at = 2001
	for _, test := range []struct {
		add           []item
		first, second events.Index
	}{{[]item{again}, 417, 5000}, {append(numbered(3000, 400), again), 417, 5000}, {[]item{later, twice}, 2000, 2001}} {
		var dup *DuplicateError
		if err := s.add(addition{tags: test.add}); !errors.As(err, &dup) || dup.First != test.first || dup.Second != test.second || dup.Person {
			t.Fatalf("added twice: %v", err)
		}
	}
	if s.now.tags != root || !maps.Equal(contents(t, s.db), before) {
		t.Error("a refused addition changed something")
	}
}

func TestAnswersAreBounded(t *testing.T) {
	s := memTrees(t)
	if err := s.add(addition{tags: numbered(0, MaxShown+1)}); err != nil {
		t.Fatal(err)
	}
	var much *TooMuchError
	if _, err := show(tags, s.db, asked{ranges: []proof.Prefix{{}}}, map[proof.Hash]events.Index{}); !errors.As(err, &much) {
		t.Errorf("a range over everything: %v", err)
	}
	if _, err := show(tags, s.db, asked{labels: make([]proof.Hash, MaxAsked+1)}, nil); !errors.As(err, &much) {
		t.Errorf("too many labels: %v", err)
	}
	if _, err := show(tags, s.db, asked{ranges: []proof.Prefix{{Bits: 1}}}, map[proof.Hash]events.Index{}); err != nil {
		t.Errorf("half of it: %v", err)
	}
}

// TestCrashTakesBackWholeBatches cuts the power at random and goes on from where the
// trees then are.
func TestCrashTakesBackWholeBatches(t *testing.T) {
	items := numbered(0, 6000)
	root := reference(t, items).Hash()
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(4, seed))
		disk := vfs.NewCrashableMem()
		for crashes := 0; ; crashes++ {
			s, err := openTrees("trees", treeOptions{fs: disk})
			if err != nil {
				t.Fatal(err)
			}
			at := int(s.now.size)
			if want := reference(t, items[:at]).Hash(); s.now.tags != want {
				t.Fatalf("after a crash at %d the root is another", at)
			}
			for steps := 1 + r.IntN(8); at < len(items) && (steps > 0 || crashes > 20); steps-- {
				n := min(len(items)-at, 1+r.IntN(700))
				a := addition{leaves: make([]proof.Hash, n), tags: slices.Clone(items[at : at+n])}
				if err := s.add(a); err != nil {
					t.Fatal(err)
				}
				if at += n; r.IntN(3) == 0 {
					if err := s.db.Flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if at == len(items) {
				if s.now.tags != root {
					t.Fatal("after crashes the root is another")
				}
				if err := s.close(); err != nil {
					t.Fatal(err)
				}
				break
			}
			next := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
			disk = next
		}
	}
}

func FuzzPage(f *testing.F) {
	g := new(page)
	g.set(3, proof.Hash{1}, true)
	g.set(15, proof.Hash{2}, false)
	f.Add(g.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := decodePage(b)
		if err == nil && !bytes.Equal(g.encode(), b) {
			t.Error("a page is written otherwise than it was read")
		}
	})
}
