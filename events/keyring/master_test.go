package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// identityFile makes an age identity.
func identityFile(t *testing.T, name string, id fmt.Stringer) string {
	t.Helper()
	path := filepath.Join(tempDir(t), name)
	writeBytes(t, path, []byte("# an invented key\n"+id.String()+"\n"))
	return path
}

// TestMasters holds every way to keep the master keys against what a keyring
// expects of them.
func TestMasters(t *testing.T) {
	plain, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	for name, m := range map[string]Master{
		"file":   FileMaster(filepath.Join(dir, "file")),
		"age":    AgeMaster(filepath.Join(dir, "age"), identityFile(t, "x", plain)),
		"hybrid": AgeMaster(filepath.Join(dir, "hybrid"), identityFile(t, "h", hybrid)),
	} {
		if _, err := m.Load(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: loading nothing: %v", name, err)
		}
		a, b := [32]byte{1}, [32]byte{2}
		for _, keys := range [][][32]byte{{a}, {b, a}, {b}} {
			if err := m.Store(keys); err != nil {
				t.Fatal(err)
			}
			if got, err := m.Load(); err != nil || fmt.Sprint(got) != fmt.Sprint(keys) {
				t.Errorf("%s: stored %d keys, loaded %d: %v", name, len(keys), len(got), err)
			}
		}
		data := readBytes(t, filepath.Join(dir, name))
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != fileMode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		if isPlain := string(data) == "daybook/master@1\nAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"; isPlain != (name == "file") {
			t.Errorf("%s holds %q", name, data)
		}
	}
	if _, err := AgeMaster(filepath.Join(dir, "age"), filepath.Join(dir, "nothing")).Load(); err == nil {
		t.Error("an age file opens without its identity")
	}
	if _, err := AgeMaster(filepath.Join(dir, "age"), identityFile(t, "h", hybrid)).Load(); err == nil {
		t.Error("an age file opens with another identity")
	}
}

func TestMasterTextIsStrict(t *testing.T) {
	const key = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if _, err := parseMaster([]byte(masterLine + key + "\n")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", masterLine, masterLine + "\n", masterLine + key, key + "\n", masterLine + key + "\n\n", masterLine + key + "\n" + key + "\n",
		masterLine + key + "=\n", masterLine + key[:42] + "B\n", masterLine + key[:42] + "\n", masterLine + " " + key + "\n", masterLine + key + "\r\n",
	} {
		if _, err := parseMaster([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestStoreZeroesTheOldKey keeps hold of the file that is replaced.
func TestStoreZeroesTheOldKey(t *testing.T) {
	dir := tempDir(t)
	m := FileMaster(filepath.Join(dir, "m"))
	if err := m.Store([][32]byte{{1}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "m"), filepath.Join(dir, "held")); err != nil {
		t.Fatal(err)
	}
	if err := m.Store([][32]byte{{2}}); err != nil {
		t.Fatal(err)
	}
	if !allZero(readBytes(t, filepath.Join(dir, "held"))) {
		t.Error("the old master key is still on disk")
	}
}

func TestEnvMaster(t *testing.T) {
	const name = "DAYBOOK_TEST_MASTER"
	const old, anew = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	dir := tempDir(t)
	cfg := Config{Dir: dir, Master: EnvMaster(name)}
	t.Setenv(name, "")
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a new keyring without the variable: %v", err)
	}
	t.Setenv(name, old)
	k, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := prepare(t, k, Identifier{"example", "ada"})[0]
	if err := k.RotateMaster(); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "comma") || strings.Contains(err.Error(), old) {
		t.Errorf("rotating what cannot be written: %v", err)
	}
	prepare(t, k, Identifier{"example", "still works"})
	k.crash(t)

	t.Setenv(name, anew+","+old)
	if k, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	if err := k.RotateMaster(); err != nil {
		t.Errorf("rotating what Open has rotated: %v", err)
	}
	k.crash(t)
	t.Setenv(name, anew)
	if k, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	if _, found, err := k.Rotated(); !found || err != nil {
		t.Errorf("the rotation is forgotten: %v", err)
	}
	if !same(lookup(t, k, Identifier{"example", "ada"}), p) {
		t.Error("a person is lost")
	}
	k.crash(t)
	t.Setenv(name, old)
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "put that one back") {
		t.Errorf("the old key alone: %v", err)
	}
}

func TestMasterIsMissing(t *testing.T) {
	k, dir := newKeyring(t)
	prepare(t, k, Identifier{"example", "ada"})
	k.crash(t)
	held := readBytes(t, DefaultMaster(dir))
	if err := os.Remove(DefaultMaster(dir)); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "put it back") {
		t.Errorf("without a master key: %v", err)
	}
	writeBytes(t, DefaultMaster(dir), formatMaster([][32]byte{{9}}))
	if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "put that one back") {
		t.Errorf("with another master key: %v", err)
	}
	if snapshot(t, dir) != before {
		t.Error("a keyring without its master key was changed")
	}
	writeBytes(t, DefaultMaster(dir), held)
	open(t, dir)
}

func TestMasterInside(t *testing.T) {
	dir := tempDir(t)
	if err := os.Symlink(dir, dir+"-link"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "master"), filepath.Join(dir+"-link", "m")} {
		if _, err := Open(Config{Dir: dir, Master: FileMaster(path)}); err == nil || !strings.Contains(err.Error(), "inside") {
			t.Errorf("%s: %v", path, err)
		}
	}
	k, err := Open(Config{Dir: dir, Master: FileMaster(dir + "s")})
	if err != nil {
		t.Fatal(err)
	}
	k.crash(t)
}

// snapshot is what a directory holds, as text.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintf(&b, "%s %x\n", path, readBytes(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRotateMaster(t *testing.T) {
	k, dir := newKeyring(t)
	before := derived(t, k)
	people := prepare(t, k, persons("p", 30)...)
	if _, found, err := k.Rotated(); found || err != nil {
		t.Errorf("rotated before: %v", err)
	}
	old := readBytes(t, DefaultMaster(dir))
	k.now = func() time.Time { return time.Unix(1_790_000_000, 5) }
	if err := k.RotateMaster(); err != nil {
		t.Fatal(err)
	}
	if at, found, err := k.Rotated(); !found || err != nil || !at.Equal(time.Unix(1_790_000_000, 0)) {
		t.Errorf("rotated at %v, %v: %v", at, found, err)
	}
	people = append(people, prepare(t, k, persons("q", 3)...)...)
	check := func() {
		t.Helper()
		if after := derived(t, k); after != before {
			t.Errorf("after rotating:\n%s\nbefore:\n%s", after, before)
		}
		for i, p := range people {
			if !same(byHandle(t, k, p.handle), p) {
				t.Errorf("person %d is lost", i)
			}
		}
	}
	check()
	(&memory{}).checkSettled(t, k)
	k.crash(t)
	k = open(t, dir)
	check()
	if err := errors.Join(k.Said(), k.Said()); err != nil {
		t.Fatal(err)
	}
	if _, found, err := k.Rotated(); found || err != nil {
		t.Errorf("what was said is to be said again: %v", err)
	}
	k.crash(t)
	writeBytes(t, DefaultMaster(dir), old)
	if _, err := Open(Config{Dir: dir}); err == nil {
		t.Error("the old master key opens what was rotated")
	}
}
