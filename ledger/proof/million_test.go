package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

// bigBundle is the bundle of somebody with n events in a ledger of size entries,
// each with a tag. The entries of others are hashes and nothing else.
func bigBundle(t testing.TB, n, size int) (Bundle, Card) {
	c := newTown(t)
	ann := life{"ann", 1, 1}
	c.enrol(ann)
	for i := range n {
		c.use(ann.tag(uint64(i) + 1))
	}
	card := c.card(ann)
	at := map[int][]byte{0: c.entries[0], 1: c.entries[1]}
	b := Bundle{Entries: []Held{{0, c.entries[0], nil}, {1, c.entries[1], nil}}}
	positions := []events.Index{0, 1}
	for i := range n {
		where := (i+1)*(size/(n+1)) + i%7
		at[where] = c.entries[i+2]
		b.Entries = append(b.Entries, Held{events.Index(where), c.entries[i+2], c.open[i+2]})
		positions = append(positions, events.Index(where))
	}
	log := &storedTree{}
	var tags []IndexItem
	for i := range size {
		leaf := Hash(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))))
		label := Hash(sha256.Sum256(leaf[:]))
		if entry, ok := at[i]; ok {
			leaf = LeafHash(entry)
			if i > 1 {
				e, _ := events.ParseEntry(entry)
				tag, _ := events.ParseTag(e.Texts("subjects.tags")[0])
				label = TagLabel(tag)
			}
		}
		log.add(t, leaf)
		tags = append(tags, IndexItem{label, IndexValue(events.Index(i), leaf)})
	}
	slices.SortFunc(tags, func(a, b IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
	wanted, labels := asked(card, uint64(n), nil)
	b.Index = c.prove(2, nil, labels)
	half := divide(tags, 0)
	wanted = sorted(wanted)
	cut, _ := slices.BinarySearchFunc(wanted, 1, func(h Hash, want int) int { return side(h, 0) - want })
	b.Index.Tags = InnerNode(Prefix{}, shownOf(tags[:half], wanted[:cut]), shownOf(tags[half:], wanted[cut:]))
	root := log.root(t)
	b.Index.Leaf.Size, b.Index.Leaf.Root, b.Index.Leaf.Tags = events.Size(size), root, b.Index.Tags.Hash()
	b.Index = c.signed(b.Index)
	var err error
	if b.Nodes, err = log.ReadHashes(EntryNodes(positions, events.Size(size), events.Size(size))); err != nil {
		t.Fatal(err)
	}
	if b.Note, err = SignCheckpoint(Checkpoint{testOrigin, events.Size(size), root}, logKey(t).Signer); err != nil {
		t.Fatal(err)
	}
	b.Note = witnessed(t, b.Note)
	return b, card
}

// shownOf is BuildNode(items).Show(labels, nil), without keeping the tree.
func shownOf(items []IndexItem, labels []Hash) *Node {
	if len(items) < 1000 || len(labels) == 0 {
		return BuildNode(items).Show(labels, nil)
	}
	p := common(items[0].Label, items[len(items)-1].Label)
	at := divide(items, p.Bits)
	cut, _ := slices.BinarySearchFunc(labels, 1, func(h Hash, want int) int { return side(h, p.Bits) - want })
	return InnerNode(p, shownOf(items[:at], labels[:cut]), shownOf(items[at:], labels[cut:]))
}

// storedTree is the log of RFC 6962 with all its hashes.
type storedTree struct {
	size   int64
	hashes []Hash
}

func (s *storedTree) ReadHashes(at []int64) (out []tlog.Hash, _ error) {
	for _, i := range at {
		out = append(out, s.hashes[i])
	}
	return out, nil
}

func (s *storedTree) add(t testing.TB, leaf Hash) {
	list, err := tlog.StoredHashesForRecordHash(s.size, leaf, s)
	if err != nil {
		t.Fatal(err)
	}
	s.hashes = append(s.hashes, list...)
	s.size++
}

func (s *storedTree) root(t testing.TB) Hash {
	root, err := tlog.TreeHash(s.size, s)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestBundleIsSmall: a long trail in a large ledger fits a letter with an
// attachment.
func TestBundleIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a tree of a million tags")
	}
	b, card := bigBundle(t, 200, 1_000_000)
	got, err := reread(t, b).Verify(card)
	if err != nil {
		t.Fatal(err)
	}
	n, entry := len(b.Format()), len(b.Entries[100].Entry)
	if got.Own != 200 || n > 600_000 || entry < 1000 {
		t.Errorf("%d events of %d bytes: %d bytes", got.Own, entry, n)
	}
	t.Logf("%d bytes, with entries of %d", n, entry)
}

// BenchmarkVerifyBundle reads and verifies what 200 events in a million are proved
// with.
func BenchmarkVerifyBundle(b *testing.B) {
	bundle, card := bigBundle(b, 200, 1_000_000)
	file := bundle.Format()
	b.ReportMetric(float64(len(file)), "bytes")
	for b.Loop() {
		got, err := ParseBundle(file)
		if err == nil {
			_, err = got.Verify(card)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
