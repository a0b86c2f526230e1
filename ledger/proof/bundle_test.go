package proof

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// reread is a bundle as its file has it.
func reread(t testing.TB, b Bundle) Bundle {
	t.Helper()
	file := b.Format()
	if !IsBundle(file) {
		t.Error("a bundle is not told apart")
	}
	out, err := ParseBundle(file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBundleShowsAWholeTrail(t *testing.T) {
	c, card, b := annsTown(t)
	got, err := reread(t, b).Verify(card)
	if err != nil {
		t.Fatal(err)
	}
	if got.Own != 6 || len(got.Events) != 8 || got.Gone != 0 || got.Unopened != 0 || got.Replaced != nil {
		t.Errorf("%d events, %d her own", len(got.Events), got.Own)
	}
	if len(got.Seals) != 1 || got.Seals[0].Events != 2 || got.Seals[0].Seal != c.placed.String() {
		t.Errorf("seals: %v", got.Seals)
	}
	if got.Checkpoint.Size != events.Size(len(c.entries)) || got.Leaf.Size != got.Checkpoint.Size-5 || got.Index.Size != 3 {
		t.Errorf("sizes %d, %d and %d", got.Checkpoint.Size, got.Leaf.Size, got.Index.Size)
	}
	var generations []uint32
	for i, e := range got.Events {
		generations = append(generations, e.Generation)
		if i > 0 && e.Position <= got.Events[i-1].Position {
			t.Error("the events are not in order")
		}
		if time, ok := e.Field("occurredAt"); !ok && e.Entry.Kind.Name == "data.accessed" || ok && !strings.HasPrefix(time.Text(), "2026-06-24T08:30") {
			t.Errorf("event %d at %q", i, time.Text())
		}
	}
	if !slices.Equal(generations, []uint32{1, 1, 0, 1, 0, 1, 2, 2}) {
		t.Errorf("generations %v", generations)
	}
}

// TestHiddenTrailIsTheSeals: a ledger that gives her a key made up for her shows a
// trail with nothing in it, or with other events, in the place of what a seal hid.
func TestHiddenTrailIsTheSeals(t *testing.T) {
	_, card, b := annsTownGiven(t, life{"made up", 1, 1}, 0)
	_, err := reread(t, b).Verify(card)
	wantError(t, err, "its first event is not the seal.placed")
	_, card, b = annsTownGiven(t, life{"made up", 1, 1}, 1)
	_, err = reread(t, b).Verify(card)
	wantError(t, err, "1 events were disclosed, 0 are here")

	c := newTown(t)
	one, other := life{"ann", 1, 1}, life{"made up", 1, 1}
	at := []int{0, c.enrol(one), c.use(one.tag(1))}
	c.seal(life{"ann's seal", 1, 1}.tag(1))
	at = append(at, c.use(other.tag(1)), c.disclosedTo(one.tag(2), other, 1))
	card = c.card(one)
	_, err = c.bundle(card, len(c.entries), len(c.entries), 2, map[life]uint64{other: 1}, at...).Verify(card)
	wantError(t, err, "its first event is not the seal.placed")
}

// TestOldCardSaysThatItWasReplaced: the card from before a rotation proves what was
// recorded until then, and that there is a later one.
func TestOldCardSaysThatItWasReplaced(t *testing.T) {
	c, _, _ := annsTown(t)
	old := c.card(life{"ann", 1, 1})
	b := c.bundle(old, len(c.entries), len(c.entries), 4, nil, 0, 3, 4, 5, 8, 9, 11, 12)
	got, err := reread(t, b).Verify(old)
	if err != nil {
		t.Fatal(err)
	}
	if got.Own != 4 || got.Replaced == nil || got.Replaced.Position != 12 {
		t.Errorf("%d events, replaced at %v", got.Own, got.Replaced)
	}
}

// TestGoneGenerations: of keys that are destroyed the card proves that they were
// there.
func TestGoneGenerations(t *testing.T) {
	c := newTown(t)
	one, two := life{"ann", 1, 1}, life{"ann", 2, 1}
	at := []int{0, c.enrol(one)}
	c.use(one.tag(1))
	at = append(at, c.enrol(two), c.use(two.tag(1)))
	card := c.card(life{"ann", 1, 0}, two)
	got, err := reread(t, c.bundle(card, 5, 5, 1, nil, at...)).Verify(card)
	if err != nil {
		t.Fatal(err)
	}
	if got.Own != 1 || got.Gone != 1 {
		t.Errorf("%d events, %d generations gone", got.Own, got.Gone)
	}
}

// TestEntryNodesProveEverySet compares with the tree of RFC 6962 for all sizes, and
// for sets of entries made of bits.
func TestEntryNodesProveEverySet(t *testing.T) {
	c := &town{TB: t, entries: testEntries(13)}
	for size := 1; size <= 13; size++ {
		for old := 1; old <= size; old++ {
			for set := 0; set < 1<<old; set += 1 + set/7 {
				var at []events.Index
				var leaves []Hash
				for i := range old {
					if set>>i&1 == 1 {
						at, leaves = append(at, events.Index(i)), append(leaves, LeafHash(c.entries[i]))
					}
				}
				nodes := c.nodes(at, old, size)
				if err := CheckEntries(at, leaves, nodes, c.checkpoint(old), c.checkpoint(size)); err != nil {
					t.Fatalf("%v of %d and %d: %v", at, old, size, err)
				}
				bad := c.checkpoint(old)
				bad.Root[0]++
				if CheckEntries(at, leaves, nodes, bad, c.checkpoint(size)) == nil {
					t.Fatalf("%v of %d and %d: another beginning passes", at, old, size)
				}
				if len(at) > 0 {
					leaves[set%len(at)][0]++
					if CheckEntries(at, leaves, nodes, c.checkpoint(old), c.checkpoint(size)) == nil {
						t.Fatalf("%v of %d and %d: another entry passes", at, old, size)
					}
				}
			}
		}
	}
}

// TestNoChangedByteOfABundleVerifies changes, drops and doubles bytes. Those of
// notes signed by nobody we know are not there.
func TestNoChangedByteOfABundleVerifies(t *testing.T) {
	_, card, b := annsTown(t)
	file := b.Format()
	try := func(i int, changed []byte) {
		got, err := ParseBundle(changed)
		if err == nil {
			_, err = got.Verify(card)
		}
		if err == nil {
			t.Errorf("verified with byte %d changed: %q", i, changed[max(0, i-20):min(len(changed), i+20)])
		}
	}
	for i := range file {
		switch i % 11 { // all of them take half a minute
		case 0:
			changed := bytes.Clone(file)
			changed[i] ^= 1
			try(i, changed)
		case 4:
			try(i, slices.Delete(bytes.Clone(file), i, i+1))
		case 8:
			try(i, slices.Insert(bytes.Clone(file), i, file[i]))
		}
	}
}

func FuzzParseBundle(f *testing.F) {
	_, card, _ := annsTown(f)
	for _, file := range seeds(f, "bundle") {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := ParseBundle(file)
		if err != nil {
			return
		}
		if !bytes.Equal(b.Format(), file) {
			t.Error("it is written in another form than it was read")
		}
		if got, err := b.Verify(card); err == nil && got.Own == 0 {
			t.Error("verified without an event")
		}
	})
}

func FuzzParseCard(f *testing.F) {
	for _, text := range seeds(f, "card") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCard(text)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Text(), text) {
			t.Error("it is written in another form than it was read")
		}
		again, err := ParseCardLink(c.Link())
		if err != nil || !bytes.Equal(again.Text(), text) {
			t.Errorf("its link gives another card: %v", err)
		}
	})
}

func FuzzParseIndexProof(f *testing.F) {
	for _, file := range seeds(f, "index-proof") {
		f.Add([]byte(file))
	}
	v := indexKey(f).Verifier
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParseIndexProof(file)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Format(), file) {
			t.Error("it is written in another form than it was read")
		}
		if c, err := p.Verify(v); err == nil && c.Size == 0 {
			t.Error("verified in an empty index")
		}
	})
}

// TestBundleHoldsTheTrailItself: whatever the index says, a trail is enrolled with the
// key that makes its tags, before its first event, and its events stand in order.
func TestBundleHoldsTheTrailItself(t *testing.T) {
	one := life{"ann", 1, 1}
	for _, test := range []struct {
		want string
		make func(c *town)
	}{
		{"is enrolled with another key than the card's", func(c *town) {
			c.enrolAs(one, life{"made up", 1, 1})
			c.use(one.tag(1))
			c.use(one.tag(2))
		}},
		{"event 2 stands before event 1", func(c *town) { c.enrol(one); c.use(one.tag(2)); c.use(one.tag(1)) }},
		{"has an event before it is enrolled", func(c *town) { c.use(one.tag(1)); c.enrol(one); c.use(one.tag(2)) }},
	} {
		c := newTown(t)
		test.make(c)
		card := c.card(one)
		_, err := reread(t, c.bundle(card, 4, 4, 2, nil, 0, 1, 2, 3)).Verify(card)
		wantError(t, err, test.want)
	}
}

// TestProvenAt: what is known of both logs is known since the older of two times.
func TestProvenAt(t *testing.T) {
	older, newer := Cosigned{At: cosignedAt}, Cosigned{At: cosignedAt.Add(1)}
	for _, p := range []Proven{{Cosigned: older, IndexCosigned: newer}, {Cosigned: newer, IndexCosigned: older}} {
		if !p.At().Equal(cosignedAt) {
			t.Errorf("%v and %v are known at %v", p.Cosigned.At, p.IndexCosigned.At, p.At())
		}
	}
}
