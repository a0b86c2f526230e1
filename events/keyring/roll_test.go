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
)

// sheet is a file of records in a keyring at rest: kept are in it whole, torn
// in its last frame, which begins at good.
type sheet struct {
	dir, path  string
	number     rollNumber
	kept, torn *Person
	keptID     Identifier
	good       int64
	whole      []byte
	vault      *vault
}

// sheets are the pending file and a bucket, of the same two persons.
func sheets(t *testing.T) []sheet {
	t.Helper()
	var out []sheet
	for _, pending := range []bool{true, false} {
		k, dir := newKeyring(t)
		s := sheet{dir: dir, number: pendingRoll, keptID: Identifier{"example", "kept"}}
		s.kept = prepare(t, k, s.keptID)[0]
		if !pending {
			s.number = bucketOf(s.kept.handle)
			k.moveNow(t)
		}
		s.path = filepath.Join(dir, s.number.name())
		s.good = int64(len(readBytes(t, s.path)))
		torn, err := k.PrepareSeal(s.kept, s.keptID, "seal", nil) // in her bucket
		if err != nil {
			t.Fatal(err)
		}
		s.torn, s.vault = torn, k.files.vault
		if !pending {
			k.moveNow(t)
		}
		k.crash(t)
		s.whole = readBytes(t, s.path)
		out = append(out, s)
	}
	return out
}

func (k *Keyring) moveNow(t *testing.T) {
	t.Helper()
	k.writing.Lock()
	defer k.writing.Unlock()
	if err := k.move(false); err != nil {
		t.Fatal(err)
	}
}

// read reads data as this file.
func (s *sheet) read(data []byte) (int64, error) {
	r, err := s.vault.readRoll(s.number, data, newRoster().add)
	if err != nil {
		return 0, err
	}
	return r.size, nil
}

// TestTornTail cuts the last append short, and writes zeros where it should be.
func TestTornTail(t *testing.T) {
	for _, s := range sheets(t) {
		for n := s.good; n < int64(len(s.whole)); n++ {
			if end, err := s.read(s.whole[:n]); err != nil || end != s.good {
				t.Errorf("%s: %d of %d bytes are good to %d: %v", s.number.name(), n, len(s.whole), end, err)
			}
		}
		for _, n := range []int64{s.good, s.good + 1, s.good + headLen, s.good + headLen + 1, int64(len(s.whole)) - 1} {
			s.checkTorn(t, s.whole[:n])
		}
		for _, zeros := range []int{1, 12, 13, 512, 10000} {
			s.checkTorn(t, append(slices.Clone(s.whole[:s.good]), make([]byte, zeros)...))
		}
	}
}

// checkTorn opens a keyring with data as the file: the torn append does not
// count, what was before does, and the file takes persons again.
func (s *sheet) checkTorn(t *testing.T, data []byte) {
	t.Helper()
	dir := copyDir(t, s.dir)
	writeBytes(t, filepath.Join(dir, s.number.name()), data)
	k := open(t, dir)
	if byHandle(t, k, s.torn.handle) != nil {
		t.Errorf("%s: %d of %d bytes: half an append counts", s.number.name(), len(data), len(s.whole))
	}
	if !same(lookup(t, k, s.keptID), s.kept) {
		t.Errorf("%s: %d of %d bytes: an earlier append is lost", s.number.name(), len(data), len(s.whole))
	}
	anew, err := k.PrepareSeal(lookup(t, k, s.keptID), s.keptID, "seal", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	if !same(byHandle(t, k, anew.handle), anew) {
		t.Error("an append after the cut is lost")
	}
}

// TestDamage flips one bit of every byte: nothing that was on disk is ever cut
// off, and the error says where the damaged frame begins.
func TestDamage(t *testing.T) {
	for _, s := range sheets(t) {
		name, header := s.number.name(), s.number.headerLen()
		for i := range s.whole {
			flipped := slices.Clone(s.whole)
			flipped[i] ^= 0x10
			want := "reading " + name + " at offset 0:"
			if int64(i) >= s.good {
				want = fmt.Sprintf("reading %s at offset %d:", name, s.good)
			} else if int64(i) >= header {
				want = fmt.Sprintf("reading %s at offset %d:", name, header)
			}
			if _, err := s.read(flipped); err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("byte %d: %v, want %q", i, err, want)
			}
			if i%40 == 0 {
				s.checkDamaged(t, flipped, want)
			}
		}
		// A frame that is copied or moved does not count either.
		s.checkDamaged(t, append(slices.Clone(s.whole), s.whole[s.good:]...), name)
	}
}

func (s *sheet) checkDamaged(t *testing.T, data []byte, want string) {
	t.Helper()
	dir := copyDir(t, s.dir)
	path := filepath.Join(dir, s.number.name())
	writeBytes(t, path, data)
	k, err := Open(Config{Dir: dir})
	if s.number != pendingRoll && err == nil {
		_, _, err = k.ByHandle(s.kept.handle)
		if _, p := k.Prepare([]Identifier{s.keptID}, nil); p == nil {
			t.Error("somebody is minted who may be in the damaged file")
		}
		if k.Erase(s.kept.handle) == nil {
			t.Error("a damaged file is rewritten")
		}
		k.crash(t)
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v, want %q", err, want)
	}
	if !bytes.Equal(readBytes(t, path), data) {
		t.Fatal("the damaged file was changed")
	}
}

// TestMovedFrame moves a frame and makes its head fit the new place, which
// needs no key: the box does not open there.
func TestMovedFrame(t *testing.T) {
	s := sheets(t)[1]
	header := s.number.headerLen()
	frame := slices.Clone(s.whole[s.good:])
	copy(frame[4:headLen], headCheck(header, frame[:4]))
	if _, err := s.read(append(slices.Clone(s.whole[:header]), frame...)); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a frame at another offset: %v", err)
	}
}

// TestRecordsAreChecked seals records that mint does not make.
func TestRecordsAreChecked(t *testing.T) {
	v := must(newVault([][32]byte{{1}}, seeded()))(t)
	at := func(first, last byte) Handle { return Handle{0x12, first, 15: last} }
	good := func() *Person { return &Person{handle: at(0x30, 1), generation: 1, root: new(secret)} }
	for name, change := range map[string]func(p *Person, lookup *[32]byte){
		"":                          func(*Person, *[32]byte) {},
		"another bucket":            func(p *Person, lookup *[32]byte) { p.handle, lookup[1] = at(0x40, 1), 0x40 },
		"a lookup elsewhere":        func(_ *Person, lookup *[32]byte) { lookup[1] = 0x40 },
		"generation 0":              func(p *Person, _ *[32]byte) { p.generation = 0 },
		"a generation too far":      func(p *Person, _ *[32]byte) { p.generation = maxGeneration + 1 },
		"hidden from another":       func(p *Person, _ *[32]byte) { p.of = at(0x40, 2) },
		"hidden from herself":       func(p *Person, _ *[32]byte) { p.of = p.handle },
		"hidden, a lookup anywhere": func(p *Person, lookup *[32]byte) { p.of, lookup[1] = at(0x30, 2), 0x40 },
	} {
		p, lookup := good(), [32]byte{0x12, 0x34}
		change(p, &lookup)
		_, data, err := v.writeRoll(0x123, []record{{lookup, p}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.readRoll(0x123, data, newRoster().add)
		if allowed := name == "" || name == "hidden, a lookup anywhere"; (err == nil) != allowed {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSwappedBuckets(t *testing.T) {
	k, dir := newKeyring(t)
	people := prepare(t, k, persons("p", 2)...)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	a, b := bucketOf(people[0].handle), bucketOf(people[1].handle)
	swap(t, filepath.Join(dir, a.name()), filepath.Join(dir, b.name()))
	k = open(t, dir)
	// The key tells, so that no empty bucket can be put in the place of another.
	if _, _, err := k.ByHandle(people[0].handle); err == nil || !strings.Contains(err.Error(), "that of another file") {
		t.Errorf("the file of another bucket: %v", err)
	}
}

func TestFailedAppend(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		k, dir := newKeyring(t)
		kept := prepare(t, k, Identifier{"example", "kept"})[0]
		full := errors.New("the disk is full")
		k.files.step = func(s step) error {
			if s.op == op {
				return full
			}
			return nil
		}
		for range 2 {
			if _, err := k.Prepare(persons("p", 1), nil); !errors.Is(err, full) {
				t.Fatalf("an append that fails: %v", err)
			}
			k.files.step = nil // the disk is well again, but what it holds nobody knows
		}
		if lookup(t, k, persons("p", 1)[0]) != nil {
			t.Error("somebody whose key is not on disk is found")
		}
		if prepare(t, k, Identifier{"example", "kept"})[0] != kept {
			t.Error("who is known is not found after a failure")
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		k = open(t, dir)
		if !same(lookup(t, k, Identifier{"example", "kept"}), kept) {
			t.Error("a record before the failure is lost")
		}
		prepare(t, k, persons("p", 1)...)
	}
}

// FuzzRoll holds the law of the files of records: what is read and written again
// is the same records, and never more than what was there.
func FuzzRoll(f *testing.F) {
	v, err := newVault([][32]byte{{1}}, seeded())
	if err != nil {
		f.Fatal(err)
	}
	rec := record{[32]byte{0x12, 0x34}, &Person{handle: Handle{0x12, 0x3f}, generation: 1, root: new(secret)}}
	r, empty, err := v.writeRoll(0x123, nil)
	if err != nil {
		f.Fatal(err)
	}
	frame := func(body []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)+28))
		b = append(b, headCheck(r.size, b)...)
		box, err := r.cipher.Seal(seeded(), r.frameData(r.size), body)
		if err != nil {
			f.Fatal(err)
		}
		return append(b, box...)
	}
	f.Add([]byte{}, []byte{})
	f.Add(rec.appendTo(nil), []byte{})
	f.Add(rec.appendTo(rec.appendTo(nil)), make([]byte, 30))
	f.Add([]byte("short"), []byte("tail"))
	f.Fuzz(func(t *testing.T, body, tail []byte) {
		data := append(append(slices.Clone(empty), frame(body)...), tail...)
		var again []byte
		got, err := v.readRoll(0x123, data, func(rec record) error {
			again = rec.appendTo(again)
			return nil
		})
		if err == nil && (!bytes.HasPrefix(body, again) || got.size > int64(len(data)) || got.size > int64(len(empty)) && len(again) != len(body)) {
			t.Errorf("%x is read as %x", body, again)
		}
		_, _ = v.readRoll(0x123, body, newRoster().add)
	})
}
