package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// contents are all bytes below dir, as they stand and as the master key opens
// them.
func contents(t *testing.T, dir string, v *vault) [][]byte {
	t.Helper()
	var out [][]byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.ToSlash(rel), aside)
		out = append(out, data)
		if plain, err := v.open(name, data); err == nil {
			out = append(out, plain)
		} else if number, isRoll := parseRoll(name); isRoll {
			var records []byte
			_, _ = v.readRoll(number, data, func(r record) error { records = r.appendTo(records); return nil })
			out = append(out, records)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// traces are the secrets by which somebody could still be found in contents.
type traces map[string][]byte

func tracesOf(k *Keyring, p *Person, id Identifier) traces {
	root, label, lookup := p.Root(), p.Label(), k.lookupOf(id)
	return traces{"root key": root[:], "label": label[:], "lookup": lookup[:]}
}

// in counts the windows of 16 bytes of the traces that stand in any of data.
func (tr traces) in(data [][]byte) (found []string) {
	for what, secret := range tr {
		for i := 0; i+16 <= len(secret); i++ {
			for _, d := range data {
				if bytes.Contains(d, secret[i:i+16]) {
					found = append(found, what)
				}
			}
		}
	}
	return found
}

func prepareSeal(t testing.TB, k *Keyring, of *Person, id Identifier, seal string) *Person {
	t.Helper()
	p, err := k.PrepareSeal(of, id, seal, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func erase(t testing.TB, k *Keyring, h Handle) {
	t.Helper()
	if err := k.Erase(h); err != nil {
		t.Fatal(err)
	}
}

// TestEraseLeavesNothing looks with the master key into everything below the
// directory, whether she was pending or in her bucket.
func TestEraseLeavesNothing(t *testing.T) {
	for _, pending := range []bool{true, false} {
		k, dir := newKeyring(t)
		ids := persons("p", 40)
		people := prepare(t, k, ids...)
		hers := people[7]
		hidden := prepareSeal(t, k, hers, ids[7], "seal 1")
		hiddenID, err := sealed(ids[7], "seal 1")
		if err != nil {
			t.Fatal(err)
		}
		other := prepareSeal(t, k, people[8], ids[8], "seal 1")
		if !pending {
			k.moveNow(t)
		}
		v := k.files.vault
		mine, hisOnes := tracesOf(k, hers, ids[7]), tracesOf(k, hidden, hiddenID)
		if n := len(mine.in(contents(t, dir, v))); n != 17+17+49 {
			t.Fatalf("the test finds %d windows of her keys before", n)
		}
		held := hers.Root()
		erase(t, k, hers.handle)
		erase(t, k, hers.handle)
		if hers.Root() == held || hers.Root() == ([32]byte{}) {
			t.Error("somebody who holds her still has her root key, or one that everybody knows")
		}
		check := func(when string) {
			t.Helper()
			if found := append(mine.in(contents(t, dir, v)), hisOnes.in(contents(t, dir, v))...); len(found) > 0 {
				t.Errorf("%s: found %v", when, found)
			}
			if lookup(t, k, ids[7]) != nil || byHandle(t, k, hers.handle) != nil || byHandle(t, k, hidden.handle) != nil {
				t.Errorf("%s: she is still found", when)
			}
			for i, id := range ids {
				if i != 7 && !same(lookup(t, k, id), people[i]) {
					t.Errorf("%s: person %d is gone with her", when, i)
				}
			}
			if !same(byHandle(t, k, other.handle), other) {
				t.Errorf("%s: another's hidden trail is gone with her", when)
			}
			if n, err := k.Count(); n != 40 || err != nil {
				t.Errorf("%s: %d persons: %v", when, n, err)
			}
		}
		check("while open")
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		k = open(t, dir)
		check("after reopening")
		again, err := k.Prepare([]Identifier{ids[7]}, func(l [64]byte) (bool, error) { return l == hers.label, nil })
		if err != nil || again[0].Generation() != 2 || again[0].handle == hers.handle {
			t.Errorf("she comes back as generation %d: %v", again[0].Generation(), err)
		}
	}
}

// TestEraseZeroesTheOldKey keeps hold of the files that are replaced: their key
// is zeroed, so that their blocks open with no master key, and the new ones have
// another.
func TestEraseZeroesTheOldKey(t *testing.T) {
	k, dir := newKeyring(t)
	id := Identifier{"example", "ada"}
	p := prepare(t, k, id)[0]
	for _, number := range []rollNumber{pendingRoll, bucketOf(p.handle)} {
		path, held := filepath.Join(dir, number.name()), filepath.Join(tempDir(t), "held")
		if err := os.Link(path, held); err != nil {
			t.Fatal(err)
		}
		old := readBytes(t, held)
		if number == pendingRoll {
			k.moveNow(t)
		} else {
			erase(t, k, p.handle)
		}
		from, to := number.wipe()
		if now := readBytes(t, held); !allZero(now[from:to]) || allZero(old[from:to]) {
			t.Errorf("%s: the key of the file that was replaced is still in it", number.name())
		}
		if anew := readBytes(t, path); bytes.Equal(anew[from:to], old[from:to]) {
			t.Errorf("%s: the new file has the old key", number.name())
		}
	}
}

func TestEraseHiddenAlone(t *testing.T) {
	k, _ := newKeyring(t)
	id := Identifier{"example", "ada"}
	p := prepare(t, k, id)[0]
	a, b := prepareSeal(t, k, p, id, "a"), prepareSeal(t, k, p, id, "b")
	erase(t, k, a.handle)
	if byHandle(t, k, a.handle) != nil || !same(byHandle(t, k, b.handle), b) || lookup(t, k, id) != p {
		t.Error("more or less than one hidden trail is gone")
	}
}

func TestEraseNamed(t *testing.T) {
	k, _ := newKeyring(t)
	ids := persons("p", 20)
	people := prepare(t, k, ids...)
	hidden := prepareSeal(t, k, people[3], ids[3], "seal")
	names := map[[16]byte]bool{ShredName(people[3].handle): true, ShredName(people[9].handle): true, {1}: true}
	for _, want := range []int{2, 0} {
		if n, err := k.EraseNamed(names); n != want || err != nil {
			t.Errorf("%d are erased, want %d: %v", n, want, err)
		}
	}
	for i, id := range ids {
		if gone := lookup(t, k, id) == nil; gone != (i == 3 || i == 9) {
			t.Errorf("person %d: gone %v", i, gone)
		}
	}
	if byHandle(t, k, hidden.handle) != nil {
		t.Error("a hidden trail outlives its person")
	}
}

func TestShredName(t *testing.T) {
	const want = "77f1e57156a70b1dce66019789b1b971"
	if got := ShredName(Handle{1, 2, 3}); hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestPrepareSeal(t *testing.T) {
	k, dir := newKeyring(t)
	id := Identifier{"email", "Ada@example.org"}
	p := prepare(t, k, id, Identifier{"example", "bob"})
	a := prepareSeal(t, k, p[0], id, "seal-1")
	if a.Of() != p[0].handle || bucketOf(a.handle) != bucketOf(p[0].handle) || a.Root() == p[0].Root() || a.Label() == p[0].Label() || a.Generation() != 1 {
		t.Error("the hidden trail is not hers, or not another one")
	}
	if prepareSeal(t, k, p[0], Identifier{"email", " ada@example.org"}, "seal-1") != a || byHandle(t, k, a.handle) != a {
		t.Error("the same seal opens another trail")
	}
	b := prepareSeal(t, k, p[0], id, "seal-2")
	if b == a || b.label == a.label {
		t.Error("another seal opens the same trail")
	}
	check := func() {
		t.Helper()
		got, err := k.Hidden(p[0].handle)
		if err != nil || len(got) != 2 || !(same(got[0], a) && same(got[1], b) || same(got[0], b) && same(got[1], a)) {
			t.Errorf("her hidden trails are %v: %v", got, err)
		}
	}
	check()
	if none, err := k.Hidden(p[1].handle); len(none) != 0 || err != nil {
		t.Errorf("somebody without seals has %d hidden trails: %v", len(none), err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	check()
	if lookup(t, k, Identifier{"seal", "seal-1"}) != nil {
		t.Error("a hidden trail is found as a person")
	}
	taken := func(l [64]byte) (bool, error) { return l == a.label, nil }
	erase(t, k, a.handle)
	if c, err := k.PrepareSeal(p[0], id, "seal-1", taken); err != nil || c.Generation() != 2 {
		t.Errorf("a trail that was lost: %v", err)
	}
}

func TestPrepareSealRefuses(t *testing.T) {
	k, _ := newKeyring(t)
	id, other, gone := Identifier{"example", "ada"}, Identifier{"example", "bob"}, Identifier{"example", "gone"}
	p := prepare(t, k, id, other, gone)
	for name, call := range map[string]func() (*Person, error){
		"another's identifier": func() (*Person, error) { return k.PrepareSeal(p[0], other, "s", nil) },
		"nobody's identifier":  func() (*Person, error) { return k.PrepareSeal(p[0], Identifier{"example", "eve"}, "s", nil) },
		"no scheme":            func() (*Person, error) { return k.PrepareSeal(p[0], Identifier{"passport", "x"}, "s", nil) },
		"no seal":              func() (*Person, error) { return k.PrepareSeal(p[0], id, "", nil) },
		"a long seal":          func() (*Person, error) { return k.PrepareSeal(p[0], id, strings.Repeat("s", 256), nil) },
		"erased":               func() (*Person, error) { erase(t, k, p[2].handle); return k.PrepareSeal(p[2], gone, "s", nil) },
	} {
		if got, err := call(); err == nil || got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestSealInput pins what the label of a hidden trail is computed over.
func TestSealInput(t *testing.T) {
	id, err := sealed(Identifier{"email", "ada@example.org"}, "s-1")
	if err != nil {
		t.Fatal(err)
	}
	want := "\x04seal\x00\x1b\x03s-1\x05email\x00\x0fada@example.org\x00\x00\x00\x02"
	if got := LabelInput(id, 2); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReplayed(t *testing.T) {
	k, dir := newKeyring(t)
	for _, set := range [][2]uint64{{0, 0}, {7, 7}, {3, 7}, {9, 9}} {
		if err := k.SetReplayed(events.Seq(set[0])); err != nil {
			t.Fatal(err)
		}
		if got, err := k.Replayed(); uint64(got) != set[1] || err != nil {
			t.Errorf("after %d it is %d: %v", set[0], got, err)
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	if got, err := k.Replayed(); got != 9 || err != nil {
		t.Errorf("after reopening it is %d: %v", got, err)
	}
	data := readBytes(t, filepath.Join(dir, "replayed"))
	data[len(data)-1] ^= 1
	writeBytes(t, filepath.Join(dir, "replayed"), data)
	if _, err := k.Replayed(); err == nil {
		t.Error("a damaged cursor passes")
	}
}

func TestPlainKeysAreRefused(t *testing.T) {
	dir := tempDir(t)
	writeBytes(t, filepath.Join(dir, "persons"), []byte("daybook/persons@1\n"))
	writeBytes(t, filepath.Join(dir, "ledger"), make([]byte, 40))
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, errPlain) {
		t.Errorf("keys of an earlier version: %v", err)
	}
}
