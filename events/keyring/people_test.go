package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	vrf "filippo.io/mostly-harmless/vrf-r255"
)

func TestPrepare(t *testing.T) {
	k, _ := newKeyring(t)
	ada, grace := Identifier{"plate", "abc 123"}, Identifier{"email", "grace@example.org"}
	if lookup(t, k, ada) != nil {
		t.Fatal("a lookup minted somebody")
	}
	people := prepare(t, k, ada, grace, Identifier{"plate", "ABC-123"})
	if people[0] != people[2] || people[0] == people[1] {
		t.Error("two spellings of one plate are two persons, or two persons are one")
	}
	if lookup(t, k, Identifier{"plate", "a.b.c123"}) != people[0] {
		t.Error("a third spelling is not found")
	}
	if p := prepare(t, k, grace)[0]; p != people[1] {
		t.Error("preparing again gives another person")
	}
	if people[0].Generation() != 1 || people[0].Of() != (Handle{}) {
		t.Error("a new person is not the first generation of her own trail")
	}
	if p := prepare(t, k, Identifier{"example", "abc123"})[0]; p == people[0] {
		t.Error("the scheme does not matter")
	}
}

func TestPrepareRefuses(t *testing.T) {
	k, _ := newKeyring(t)
	size := k.waiting.size
	good := Identifier{"example", "ada"}
	if _, err := k.Prepare([]Identifier{good, {"passport", "X1"}}, nil); !errors.Is(err, ErrScheme) || !strings.Contains(err.Error(), "person 1") {
		t.Errorf("an unknown scheme: %v", err)
	}
	if _, err := k.Prepare([]Identifier{{"phone", "ask-marker"}, good}, nil); !errors.Is(err, ErrIdentifier) || strings.Contains(err.Error(), "marker") {
		t.Errorf("a malformed value: %v", err)
	}
	if lookup(t, k, good) != nil || k.waiting.size != size {
		t.Error("a refused call minted somebody")
	}
}

// TestOneSyncForAThousand counts syncs: preparing a thousand new persons costs
// one, known ones none.
func TestOneSyncForAThousand(t *testing.T) {
	k, _ := newKeyring(t)
	syncs := 0
	k.files.step = func(s step) error {
		if s.op == "sync" {
			syncs++
		}
		return nil
	}
	for _, want := range []int{1, 0} {
		syncs = 0
		prepare(t, k, persons("p", 1000)...)
		if syncs != want {
			t.Errorf("%d syncs, want %d", syncs, want)
		}
	}
}

// TestPendingIsMoved: the file of those who wait does not grow for ever, and the
// call that moves them keeps its own.
func TestPendingIsMoved(t *testing.T) {
	k, dir := newKeyring(t)
	k.mayWait = 10
	var people []*Person
	for i := range 12 {
		people = append(people, prepare(t, k, persons(fmt.Sprint("p", i), 4)...)...)
		if n := len(k.pending.byHandle); n > 12 {
			t.Fatalf("%d wait", n)
		}
	}
	if n := len(k.pending.byHandle); n != 12 || k.waiting.size > 12*recordLen+400 {
		t.Errorf("%d wait in %d bytes", n, k.waiting.size)
	}
	k.crash(t)
	k = open(t, dir)
	for i, p := range people {
		if !same(byHandle(t, k, p.handle), p) {
			t.Errorf("person %d is lost", i)
		}
	}
}

func TestGenerations(t *testing.T) {
	k, _ := newKeyring(t)
	ada, bob := Identifier{"example", "ada"}, Identifier{"example", "bob"}
	label := func(id Identifier, g uint32) [64]byte { return [64]byte(k.keys.vrf.Prove(LabelInput(id, g)).Hash()) }
	enrolled := map[[64]byte]bool{label(ada, 1): true, label(ada, 2): true, label(ada, 4): true}
	people, err := k.Prepare([]Identifier{ada, bob}, func(l [64]byte) (bool, error) { return enrolled[l], nil })
	if err != nil {
		t.Fatal(err)
	}
	if people[0].Generation() != 3 || people[0].Label() != label(ada, 3) || people[1].Generation() != 1 {
		t.Errorf("generations %d and %d", people[0].Generation(), people[1].Generation())
	}
	asked := 0
	all := func([64]byte) (bool, error) { asked++; return true, nil }
	if again, err := k.Prepare([]Identifier{ada}, all); err != nil || again[0] != people[0] || asked > 0 {
		t.Errorf("who is here is asked about: %v", err)
	}
	size := k.waiting.size
	if _, err := k.Prepare([]Identifier{{"example", "eve"}}, all); err == nil || asked != maxGeneration {
		t.Errorf("after %d generations: %v", asked, err)
	}
	broken := errors.New("the history is away")
	if _, err := k.Prepare([]Identifier{{"example", "eve"}}, func([64]byte) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("asking in vain: %v", err)
	}
	if k.waiting.size != size || lookup(t, k, Identifier{"example", "eve"}) != nil {
		t.Error("a refused call minted somebody")
	}
}

func TestPreparedSurvives(t *testing.T) {
	k, dir := newKeyring(t)
	first := prepare(t, k, persons("p", 3)...)
	k.crash(t)
	k = open(t, dir)
	for i, p := range prepare(t, k, persons("p", 3)...) {
		if !same(p, first[i]) {
			t.Errorf("person %d is not as she was before the crash", i)
		}
	}
}

// TestMemoryIsBounded: with room for few records everybody is still found, and
// no more than there is room for are in memory.
func TestMemoryIsBounded(t *testing.T) {
	k, err := Open(Config{Dir: tempDir(t), MaxRecords: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	ids := persons("p", 300)
	people := prepare(t, k, ids...)
	for range 2 {
		for i, id := range ids {
			if !same(lookup(t, k, id), people[i]) || !same(byHandle(t, k, people[i].handle), people[i]) {
				t.Fatalf("person %d is not found", i)
			}
			held := 0
			for _, b := range k.loaded {
				if b != nil {
					held += len(b.byLookup)
				}
			}
			if held > 10 || held != k.held {
				t.Fatalf("%d records are in memory, counted as %d", held, k.held)
			}
		}
		k.moveNow(t)
	}
	if n, err := k.Count(); n != 300 || err != nil {
		t.Errorf("%d persons: %v", n, err)
	}
}

func TestLabelVerifies(t *testing.T) {
	k, _ := newKeyring(t)
	p := prepare(t, k, Identifier{"email", " Ada@Example.org"})[0]
	input := []byte("\x05email\x00\x0fada@example.org\x00\x00\x00\x01")
	if got := LabelInput(Identifier{"email", "ada@example.org"}, 1); !bytes.Equal(got, input) {
		t.Fatalf("the label input is %q", got)
	}
	public, err := vrf.NewPublicKey(k.VRFKey())
	if err != nil {
		t.Fatal(err)
	}
	out, err := public.Verify(k.keys.vrf.Prove(input), input)
	if label := p.Label(); err != nil || !bytes.Equal(out, label[:]) {
		t.Errorf("the label is not the proven output: %v", err)
	}
}

func BenchmarkPrepare1000(b *testing.B) {
	k, err := Open(Config{Dir: tempDir(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	for i := 0; b.Loop(); i++ {
		if _, err := k.Prepare(persons(fmt.Sprint(i), 1000), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepareKnown1000(b *testing.B) {
	k, ids := known(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Prepare(ids, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup1000(b *testing.B) {
	k, ids := known(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, id := range ids {
			if _, ok, err := k.Lookup(id); !ok || err != nil {
				b.Fatal(err)
			}
		}
	}
}

// known is a keyring with a thousand persons in buckets.
func known(b *testing.B) (*Keyring, []Identifier) {
	b.Helper()
	dir := tempDir(b)
	k := open(b, dir)
	ids := persons("p", 1000)
	prepare(b, k, ids...)
	if err := k.Close(); err != nil {
		b.Fatal(err)
	}
	return open(b, dir), ids
}
