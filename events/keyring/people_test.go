package keyring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"github.com/google/go-cmp/cmp"
)

func TestPrepare(t *testing.T) {
	k, _ := newKeyring(t)
	ada, grace := Identifier{"plate", "abc 123"}, Identifier{"email", "grace@example.org"}
	if _, ok := k.Lookup(ada); ok {
		t.Fatal("a lookup minted somebody")
	}
	people := prepare(t, k, ada, grace, Identifier{"plate", "ABC-123"})
	if people[0] != people[2] || people[0] == people[1] {
		t.Error("two spellings of one plate are two persons, or two persons are one")
	}
	if p, ok := k.Lookup(Identifier{"plate", "a.b.c123"}); !ok || p != people[0] {
		t.Error("a third spelling is not found")
	}
	if p := prepare(t, k, grace)[0]; p != people[1] {
		t.Error("preparing again gives another person")
	}
	if people[0].Generation() != 1 || !people[0].Pending() {
		t.Error("a new person is not a pending first generation")
	}
	if p := prepare(t, k, Identifier{"example", "abc123"})[0]; p == people[0] {
		t.Error("the scheme does not matter")
	}
}

func TestPrepareRefuses(t *testing.T) {
	k, _ := newKeyring(t)
	size := k.persons.size
	good := Identifier{"example", "ada"}
	if _, err := k.Prepare([]Identifier{good, {"passport", "X1"}}); !errors.Is(err, ErrScheme) || !strings.Contains(err.Error(), "person 1") {
		t.Errorf("an unknown scheme: %v", err)
	}
	if _, err := k.Prepare([]Identifier{{"phone", "ask-marker"}, good}); !errors.Is(err, ErrIdentifier) || strings.Contains(err.Error(), "marker") {
		t.Errorf("a malformed value: %v", err)
	}
	if _, ok := k.Lookup(good); ok || k.persons.size != size {
		t.Error("a refused call minted somebody")
	}
}

func TestOneSyncForAThousand(t *testing.T) {
	k, _ := newKeyring(t)
	prepare(t, k, persons("p", 1000)...)
	if k.persons.syncs != 1 {
		t.Errorf("%d fsyncs", k.persons.syncs)
	}
	prepare(t, k, persons("p", 1000)...)
	if k.persons.syncs != 1 {
		t.Errorf("finding known persons wrote: %d fsyncs", k.persons.syncs)
	}
}

func TestPendingIsReused(t *testing.T) {
	k, dir := newKeyring(t)
	first := prepare(t, k, persons("p", 3)...)
	if err := k.Enrolled([]Handle{first[1].Handle()}); err != nil {
		t.Fatal(err)
	}
	if first[1].Pending() || !first[0].Pending() {
		t.Error("the wrong one is noted as enrolled")
	}
	k.crash(t)

	k = open(t, dir)
	again := prepare(t, k, persons("p", 3)...)
	for i := range again {
		if !same(again[i], first[i]) || !again[i].Pending() {
			t.Errorf("person %d is not as she was before the crash", i)
		}
	}
}

func TestMarksSurvive(t *testing.T) {
	for _, how := range []string{"close", "next frame"} {
		k, dir := newKeyring(t)
		first := prepare(t, k, persons("p", 3)...)
		for range 2 { // the second time is a repeat
			if err := k.Enrolled([]Handle{first[1].Handle(), first[2].Handle(), first[1].Handle()}); err != nil {
				t.Fatal(err)
			}
		}
		if how == "close" {
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			prepare(t, k, Identifier{"example", "another"})
			k.crash(t)
		}
		k = open(t, dir)
		var pending []bool
		for _, p := range prepare(t, k, persons("p", 3)...) {
			pending = append(pending, p.Pending())
		}
		if diff := cmp.Diff([]bool{true, false, false}, pending); diff != "" {
			t.Errorf("%s: pending (-want +got):\n%s", how, diff)
		}
		if err := k.Enrolled([]Handle{first[0].Handle(), {1}}); err == nil {
			t.Error("an unknown handle is enrolled")
		}
		if p, _ := k.ByHandle(first[0].Handle()); !p.Pending() {
			t.Error("a refused call noted somebody")
		}
	}
}

// TestTornTail cuts the last append short, and writes zeros where it should be.
func TestTornTail(t *testing.T) {
	k, dir := newKeyring(t)
	kept := prepare(t, k, persons("kept", 2)...)
	good := k.persons.size
	prepare(t, k, persons("torn", 2)...)
	k.crash(t)
	path := filepath.Join(dir, "persons")
	whole := readBytes(t, path)
	check := func(data []byte) {
		t.Helper()
		writeBytes(t, path, data)
		k, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", len(data), len(whole), err)
		}
		defer k.crash(t)
		if _, ok := k.Lookup(persons("torn", 1)[0]); ok {
			t.Errorf("%d of %d bytes: half an append counts", len(data), len(whole))
		}
		if p, ok := k.Lookup(persons("kept", 2)[1]); !ok || !same(p, kept[1]) {
			t.Errorf("%d of %d bytes: an earlier append is lost", len(data), len(whole))
		}
		if got := readBytes(t, path); !bytes.Equal(got, whole[:good]) {
			t.Errorf("%d of %d bytes: the tail is not cut off", len(data), len(whole))
		}
	}
	for n := good; n < int64(len(whole)); n++ {
		end, err := readPersons(bytes.NewReader(whole), n, func(frame) error { return nil })
		if err != nil || end != good {
			t.Errorf("%d of %d bytes are good to %d: %v", n, len(whole), end, err)
		}
	}
	for _, n := range []int64{good, good + 1, good + headLen, good + headLen + 1, int64(len(whole)) - 1} {
		check(whole[:n])
	}
	for _, zeros := range []int{1, 12, 13, 512, 10000} {
		check(append(slices.Clone(whole[:good]), make([]byte, zeros)...))
	}

	// After the cut the file takes persons again.
	writeBytes(t, path, whole[:len(whole)-1])
	k = open(t, dir)
	anew := prepare(t, k, persons("torn", 2)...)
	k.crash(t)
	k = open(t, dir)
	if p, ok := k.Lookup(persons("torn", 2)[1]); !ok || !same(p, anew[1]) {
		t.Error("an append after the cut is lost")
	}
}

// TestDamage flips one bit of every byte: nothing that was on disk is ever cut
// off, and the error says where the damaged frame begins.
func TestDamage(t *testing.T) {
	k, dir := newKeyring(t)
	prepare(t, k, persons("a", 1)...)
	second := k.persons.size
	prepare(t, k, persons("b", 1)...)
	k.crash(t)
	path := filepath.Join(dir, "persons")
	whole := readBytes(t, path)
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 0x10
		want := "at offset 0:"
		if int64(i) >= second {
			want = fmt.Sprintf("at offset %d:", second)
		} else if i >= len(personsLine) {
			want = "at offset 18:"
		}
		_, err := readPersons(bytes.NewReader(flipped), int64(len(flipped)), func(frame) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("byte %d: %v, want %q", i, err, want)
		}
		if i%20 > 0 {
			continue
		}
		writeBytes(t, path, flipped)
		if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("byte %d: %v, want %q", i, err, want)
		}
		if !bytes.Equal(readBytes(t, path), flipped) {
			t.Fatalf("byte %d: the damaged file was changed", i)
		}
	}
	// A frame that is copied or moved does not count either.
	writeBytes(t, path, append(slices.Clone(whole), whole[second:]...))
	if _, err := Open(Config{Dir: dir}); err == nil {
		t.Error("a repeated frame passes")
	}
}

func TestFailedAppend(t *testing.T) {
	k, dir := newKeyring(t)
	if err := k.persons.f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Prepare(persons("p", 1)); err == nil {
		t.Fatal("an append to a closed file succeeds")
	}
	if _, ok := k.Lookup(persons("p", 1)[0]); ok {
		t.Error("somebody whose key is not on disk is found")
	}
	_ = k.Close()
	open(t, dir)
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

// FuzzPersons holds the law of the persons file: what is read and written
// again is the same bytes, and never more than what was there.
func FuzzPersons(f *testing.F) {
	p := &Person{generation: 1, root: new(secret)}
	one := (&frame{nil, []record{{person: p}}}).appendTo([]byte(personsLine), 0)
	first := (&frame{nil, []record{{person: p}}}).appendTo(nil, int64(len(personsLine)))
	marked := (&frame{[]Handle{p.handle}, nil}).appendTo(nil, int64(len(personsLine)+len(first)))
	f.Add([]byte(personsLine))
	f.Add(one)
	f.Add(slices.Concat([]byte(personsLine), first, marked))
	f.Add(slices.Concat([]byte(personsLine), first, marked[:20]))
	f.Add(slices.Concat([]byte(personsLine), make([]byte, 40)))
	f.Fuzz(func(t *testing.T, data []byte) {
		again := []byte(personsLine)
		good, err := readPersons(bytes.NewReader(data), int64(len(data)), func(fr frame) error {
			again = fr.appendTo(again, int64(len(again)))
			return nil
		})
		if err == nil && !bytes.Equal(again, data[:good]) {
			t.Errorf("%x is read as %x", data, again)
		}
	})
}

// FuzzBody reaches what the checks of a frame hide from FuzzPersons.
func FuzzBody(f *testing.F) {
	f.Add(make([]byte, 4))
	f.Add((&frame{[]Handle{{1}}, []record{{person: &Person{root: new(secret)}}}}).appendTo(nil, 0)[headLen:])
	f.Fuzz(func(t *testing.T, body []byte) {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(b, frameCheck(0, b)[:headLen-4]...)
		b = append(append(b, body...), frameCheck(0, b[:4], body)[:checkLen]...)
		fr, n, err := readFrame(bytes.NewReader(b), 0, int64(len(b)))
		if err == nil && (n != int64(len(b)) || !bytes.Equal(fr.appendTo(nil, 0), b)) {
			t.Errorf("%x is read as something else", body)
		}
	})
}

func BenchmarkPrepare1000(b *testing.B) {
	k, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	for i := 0; b.Loop(); i++ {
		if _, err := k.Prepare(persons(strings.Repeat("x", i%100)+string(rune('a'+i%26)), 1000)); err != nil {
			b.Fatal(err)
		}
	}
}
