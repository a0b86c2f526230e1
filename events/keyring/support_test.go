package keyring

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func open(t testing.TB, dir string) *Keyring {
	t.Helper()
	k, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// tempDir is t.TempDir, in memory where the machine has such a place: what
// outlives a crash is decided by a plug, and syncs take time only. Benchmarks
// use a disk.
func tempDir(t testing.TB) string {
	t.Helper()
	if _, disk := t.(*testing.B); disk {
		return t.TempDir()
	}
	root, err := os.MkdirTemp("/dev/shm", "keyring")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	dir := filepath.Join(root, "dir")
	if err := os.Mkdir(dir, dirMode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newKeyring(t testing.TB) (*Keyring, string) {
	t.Helper()
	dir := filepath.Join(tempDir(t), "keys")
	k, err := Open(Config{Dir: dir, Origin: testOrigin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k, dir
}

// crash lets go of the keyring as the end of the process would: nothing is
// moved or written any more.
func (k *Keyring) crash(t testing.TB) {
	t.Helper()
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.closed.Swap(true) {
		return
	}
	if err := k.lock.Close(); err != nil {
		t.Fatal(err)
	}
}

func persons(prefix string, n int) []Identifier {
	ids := make([]Identifier, n)
	for i := range ids {
		ids[i] = Identifier{"example", fmt.Sprintf("%s-%d", prefix, i)}
	}
	return ids
}

func prepare(t testing.TB, k *Keyring, ids ...Identifier) []*Person {
	t.Helper()
	people, err := k.Prepare(ids, nil)
	if err != nil {
		t.Fatal(err)
	}
	return people
}

// lookup returns nil for somebody who is not there.
func lookup(t testing.TB, k *Keyring, id Identifier) *Person {
	t.Helper()
	p, ok, err := k.Lookup(id)
	if err != nil || ok != (p != nil) {
		t.Fatalf("looking for %v: %v", id, err)
	}
	return p
}

func byHandle(t testing.TB, k *Keyring, h Handle) *Person {
	t.Helper()
	p, ok, err := k.ByHandle(h)
	if err != nil || ok != (p != nil) {
		t.Fatalf("looking for a handle: %v", err)
	}
	return p
}

// same reports whether a and b are the same keys under the same names.
func same(a, b *Person) bool {
	return a != nil && b != nil && sameRecord(record{person: a}, record{person: b})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	writeBytes(t, to, readBytes(t, from))
}

// copyDir copies a directory of keys and its master key.
func copyDir(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(tempDir(t), "keys")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	copyFile(t, DefaultMaster(dir), DefaultMaster(to))
	return to
}

func swap(t *testing.T, a, b string) {
	t.Helper()
	inA, inB := readBytes(t, a), readBytes(t, b)
	writeBytes(t, a, inB)
	writeBytes(t, b, inA)
}

func readBytes(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeBytes(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, fileMode); err != nil {
		t.Fatal(err)
	}
}
