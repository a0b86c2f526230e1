package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const testOrigin = "ledger.example.org/test"

// derived is everything that must never change between two opens.
func derived(t *testing.T, k *Keyring) string {
	t.Helper()
	actor, err := k.Pseudonym("example", "actor", "badge 7")
	if err != nil {
		t.Fatal(err)
	}
	month, err := k.MonthKey("example", time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	p := prepare(t, k, Identifier{"email", "ada@example.org"})[0]
	return fmt.Sprintf("%s %s %s %s %x %x %x %x %x %s %x %x %x %x %x", k.Origin(), k.LogKey(), k.ReceiptKey(), k.IndexKey(),
		k.VRFKey(), k.FoldKey(), k.EventName("a", "b"), k.Content([]byte("{}")), k.Content([]byte("{}"), p),
		actor, month, p.Handle(), p.Label(), p.Commitment(), p.Tag(1))
}

func TestReopen(t *testing.T) {
	k, dir := newKeyring(t)
	before := derived(t, k)
	many := prepare(t, k, persons("p", 50)...)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	k = open(t, dir)
	if after := derived(t, k); after != before {
		t.Errorf("after reopening:\n%s\nbefore:\n%s", after, before)
	}
	for i, id := range persons("p", 50) {
		p := lookup(t, k, id)
		if !same(p, many[i]) {
			t.Fatalf("person %d is not found as she was", i)
		}
		if byHandle(t, k, p.Handle()) != p {
			t.Fatalf("person %d is not found by her handle", i)
		}
	}
}

func TestTwoKeyringsDiffer(t *testing.T) {
	a, _ := newKeyring(t)
	b, _ := newKeyring(t)
	inA, inB := strings.Fields(derived(t, a)), strings.Fields(derived(t, b))
	for i := range inA {
		if (inA[i] == inB[i]) != (i == 0) {
			t.Errorf("field %d: %s and %s", i, inA[i], inB[i])
		}
	}
}

func TestOrigin(t *testing.T) {
	k, dir := newKeyring(t)
	if k.Origin() != testOrigin {
		t.Errorf("origin is %q", k.Origin())
	}
	k.crash(t)
	if _, err := Open(Config{Dir: dir, Origin: "other.example.org"}); err == nil || !strings.Contains(err.Error(), testOrigin) {
		t.Errorf("another origin: %v", err)
	}
	open(t, dir)

	drawn := open(t, tempDir(t))
	if hex, ok := strings.CutPrefix(drawn.Origin(), "localhost/"); !ok || len(hex) != 8 {
		t.Errorf("default origin is %q", drawn.Origin())
	}
	for _, origin := range []string{"two words", "a+b", "stra\u00dfe", strings.Repeat("x", maxOrigin+1)} {
		if _, err := Open(Config{Dir: tempDir(t), Origin: origin}); err == nil {
			t.Errorf("origin %q is taken", origin)
		}
	}
}

func TestSigners(t *testing.T) {
	k, _ := newKeyring(t)
	for _, s := range []struct {
		signer note.Signer
		vkey   string
		name   string
	}{
		{k.LogSigner(), k.LogKey(), testOrigin},
		{k.ReceiptSigner(), k.ReceiptKey(), testOrigin + "/receipt"},
		{k.IndexSigner(), k.IndexKey(), testOrigin + "/index"},
	} {
		v, err := note.NewVerifier(s.vkey)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: "hello\n"}, s.signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(signed, note.VerifierList(v)); err != nil || v.Name() != s.name {
			t.Errorf("%s: named %q: %v", s.name, v.Name(), err)
		}
	}
}

func TestLocked(t *testing.T) {
	k, dir := newKeyring(t)
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second open: %v", err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	_, prepared := k.Prepare(persons("p", 1), nil)
	_, _, found := k.Lookup(persons("p", 1)[0])
	_, month := k.MonthKey("example", time.Now())
	_, counted := k.Count()
	_, named := k.EraseNamed(nil)
	for i, err := range []error{prepared, found, month, counted, named, k.Erase(Handle{}), k.DestroyMonth("a", "2026-01"), k.RotateMaster(), k.SetReplayed(1), k.Said()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("call %d when closed: %v", i, err)
		}
	}
}

func TestModes(t *testing.T) {
	k, dir := newKeyring(t)
	derived(t, k)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(fileMode)
		if d.IsDir() {
			want = dirMode
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnfinishedCreation leaves every prefix of what creation writes and
// expects a working keyring; without the mark of creation the same prefix is a
// keyring that lost keys, and must not be given new ones.
func TestUnfinishedCreation(t *testing.T) {
	files := []string{"ledger", "vrf", "log", "receipt", "index", "pending"}
	k, whole := newKeyring(t)
	logKey := k.LogKey()
	k.crash(t)
	for n := range files {
		for _, marked := range []bool{true, false} {
			dir := tempDir(t)
			copyFile(t, DefaultMaster(whole), DefaultMaster(dir))
			for _, name := range files[:n] {
				copyFile(t, filepath.Join(whole, name), filepath.Join(dir, name))
			}
			if marked {
				writeBytes(t, filepath.Join(dir, "creating"), nil)
			}
			if n > 0 && !marked {
				if _, err := Open(Config{Dir: dir}); err == nil || !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("with only %v: %v", files[:n], err)
				}
				continue
			}
			k, err := Open(Config{Dir: dir, Origin: "again.example.org"})
			if err != nil {
				t.Fatal(err)
			}
			if k.LogKey() == logKey || k.Origin() != "again.example.org" {
				t.Errorf("creation went on with keys of an earlier attempt")
			}
			if _, err := os.Stat(filepath.Join(dir, "creating")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the mark of creation is still there: %v", err)
			}
			k.crash(t)
		}
	}
}

func TestDamagedKeyFiles(t *testing.T) {
	k, whole := newKeyring(t)
	k.crash(t)
	for _, name := range []string{"ledger", "vrf", "log", "receipt", "index"} {
		data := readBytes(t, filepath.Join(whole, name))
		for i := 0; i < len(data); i += 5 {
			flipped := slices.Clone(data)
			flipped[i] ^= 1
			writeBytes(t, filepath.Join(whole, name), flipped)
			if _, err := Open(Config{Dir: whole}); err == nil {
				t.Fatalf("%s: a flipped bit in byte %d passes", name, i)
			} else if !strings.Contains(err.Error(), name) {
				t.Fatalf("%s: byte %d: the error does not name the file: %v", name, i, err)
			}
		}
		writeBytes(t, filepath.Join(whole, name), data)
	}
	swap(t, filepath.Join(whole, "ledger"), filepath.Join(whole, "vrf"))
	if _, err := Open(Config{Dir: whole}); err == nil {
		t.Error("two swapped key files pass")
	}
	swap(t, filepath.Join(whole, "ledger"), filepath.Join(whole, "vrf"))
	swap(t, filepath.Join(whole, "log"), filepath.Join(whole, "receipt"))
	if _, err := Open(Config{Dir: whole}); err == nil {
		t.Error("two swapped signer keys pass")
	}
	swap(t, filepath.Join(whole, "log"), filepath.Join(whole, "receipt"))
	k = open(t, whole)
	for _, m := range []string{"2026-01", "2026-02"} {
		if _, err := k.MonthKey("city", day(m)); err != nil {
			t.Fatal(err)
		}
	}
	k.crash(t)
	months := filepath.Join(whole, monthsOf("city"))
	swap(t, filepath.Join(months, "2026-01"), filepath.Join(months, "2026-02"))
	k = open(t, whole)
	if _, err := k.MonthKey("city", day("2026-01")); err == nil {
		t.Error("the key of another month passes")
	}
}

func TestConcurrentUse(t *testing.T) {
	k, _ := newKeyring(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			people, err := k.Prepare(persons("p", i+1), nil)
			if err == nil && i%5 == 4 {
				err = k.Erase(people[i].Handle())
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	for r := range 3 {
		wg.Go(func() {
			for i := range 200 {
				p, ok, err := k.Lookup(persons("p", 20)[i%20])
				if err != nil {
					t.Error(err)
				}
				if ok {
					_ = p.Tag(uint64(i))
					if _, ok, err := k.ByHandle(p.Handle()); err != nil || !ok && i%20%5 != 4 {
						t.Error("a person without her handle", err)
					}
				}
				if _, err := k.MonthKey("example", time.Unix(int64(i+r)*1e6, 0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestBrokenRandomSource(t *testing.T) {
	for _, b := range []byte{0x00, 0xff} {
		if _, err := Open(Config{Dir: tempDir(t), Rand: constant(b)}); err == nil {
			t.Errorf("keys are made of %#x alone", b)
		}
	}
	if _, err := Open(Config{Dir: tempDir(t), Rand: strings.NewReader("too short")}); err == nil {
		t.Error("keys are made of too little randomness")
	}
	k, _ := newKeyring(t)
	k.random = constant(7)
	same := make([]Identifier, 0, 2)
	for i, first := 0, rollNumber(-1); len(same) < 2; i++ { // two of one bucket
		id := Identifier{"example", fmt.Sprint(i)}
		lookup := k.lookupOf(id)
		if n := bucketOf(Handle(lookup[:16])); first < 0 || n == first {
			first, same = n, append(same, id)
		}
	}
	if _, err := k.Prepare(same, nil); err == nil {
		t.Error("two persons share a handle")
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// seeded is a random source that gives the same keys in every run.
func seeded() io.Reader { return mathrand.NewChaCha8([32]byte{1, 2, 3}) }
