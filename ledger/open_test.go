package ledger

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestOpenRefuses: states no crash leaves, each with the name of its place.
func TestOpenRefuses(t *testing.T) {
	entries := testEntries(t, 300)
	flip := func(path string, at int) func(*testing.T, string, *Config) {
		return func(t *testing.T, dir string, _ *Config) {
			b := must[[]byte](t)(os.ReadFile(filepath.Join(dir, path)))
			b[at] ^= 1
			if err := os.WriteFile(filepath.Join(dir, path), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(path string) func(*testing.T, string, *Config) {
		return func(t *testing.T, dir string, _ *Config) {
			if err := os.Remove(filepath.Join(dir, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		spoil func(*testing.T, string, *Config)
		want  string
	}{
		"tile":         {flip("public/tile/0/001", 7), "damaged at tile: the right edge at size 300 has root"},
		"upper tile":   {flip("public/tile/1/000", 7), "damaged at tile: the right edge"},
		"bundle":       {flip("public/tile/entries/001", 9), "damaged at tile/entries/001: entry 256 is not"},
		"lost tile":    {remove("public/tile/0/001"), "damaged at tile/0/001"},
		"lost bundle":  {remove("public/tile/entries/001"), "damaged at tile/entries/001"},
		"checkpoint":   {flip("public/checkpoint", 20), "checkpoint"},
		"lost journal": {remove("journal"), "the journal is another one or was set back"},
		"journal root": {flip("journal", 10), "reading the journal"},
		"journal note": {flip("journal", 150), "is not the journalled one"},
		"journal, unpublished": {func(t *testing.T, dir string, c *Config) {
			remove("public/checkpoint")(t, dir, c)
			flip("journal", 250)(t, dir, c)
		}, "reading the journal"},
		"history": {func(t *testing.T, _ string, c *Config) {
			c.History = newHistory(entries[:299]...)
		}, "the history ends at message 299"},
		"other history": {func(t *testing.T, _ string, c *Config) {
			c.History = newHistory(append(append([][]byte{}, entries[:299]...), entries[298])...)
		}, "message 300 of the history is not entry 299"},
		"key": {func(t *testing.T, _ string, c *Config) {
			c.Signer = newKey(t, testOrigin, "another").Signer
		}, "names the log key"},
		"origin": {func(t *testing.T, _ string, c *Config) {
			c.Signer = newKey(t, "other.example", "log").Signer
			c.Receipts = newKey(t, "other.example/receipt", "log").Signer
		}, "the key is of other.example"},
		"receipt key": {func(t *testing.T, _ string, c *Config) { c.Receipts = c.Signer }, "the receipt key is named"},
		"locked": {func(t *testing.T, dir string, _ *Config) {
			j, err := openJournal(filepath.Join(dir, "journal"), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { j.close() })
		}, "in use by another process"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := testConfig(t, dir, newHistory(entries...), &memLog{})
			if err := anchorTo(t, cfg, 300); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, dir, &cfg)
			before := files(t, dir)
			_, err := Open(t.Context(), cfg)
			wantError(t, err, test.want)
			after := files(t, dir)
			if name == "lost journal" {
				delete(after, "journal") // the lock file
			}
			if !maps.Equal(before, after) {
				t.Fatal("a refused directory was changed")
			}
		})
	}
}

// TestRebuild: without the directory tile, or without all of public, the
// history gives the same files again.
func TestRebuild(t *testing.T) {
	entries := testEntries(t, 300)
	dir, l := t.TempDir(), &memLog{}
	cfg := testConfig(t, dir, newHistory(entries...), l)
	if err := anchorTo(t, cfg, 300); err != nil {
		t.Fatal(err)
	}
	want := files(t, dir)
	for _, lost := range []string{"public/tile", "public"} {
		if err := os.RemoveAll(filepath.Join(dir, lost)); err != nil {
			t.Fatal(err)
		}
		if err := anchorTo(t, cfg, 300); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(files(t, dir), want) {
			t.Fatalf("without %s: other files", lost)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "public/tile")); err != nil {
		t.Fatal(err)
	}
	other := append([][]byte{}, entries...)
	other[7] = entries[8]
	cfg.History = newHistory(other...)
	_, err := Open(t.Context(), cfg)
	wantError(t, err, "it is not the history that was signed")
}

// TestRead: every width inside the published size, whatever the files hold by
// now, and nothing beyond.
func TestRead(t *testing.T) {
	entries := testEntries(t, 300)
	dir := t.TempDir()
	a, err := Open(t.Context(), testConfig(t, dir, newHistory(entries[:270]...), &memLog{}))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Public().Read(t.Context(), "checkpoint"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := runTo(t, a, 270); err != nil {
		t.Fatal(err)
	}
	if err := a.files.write(a.files.add(entries[270:])); err != nil {
		t.Fatal(err) // written and not published
	}
	still, err := OpenPublic(filepath.Join(dir, "public"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Public{a.Public(), still} {
		readable(t, p, entries)
		for _, path := range []string{
			"", "tile", "tile/0", "tile/0/000/", "/checkpoint", "checkpoint.new", "../journal", "tile/0/000.p/0",
			"tile/0/000.p/256", "tile/0/001", "tile/0/001.p/15", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1",
			"tile/entries/001", "tile/entries/001.p/15", "tile/0/002.p/1", "tile/63/000.p/1", "tile/entries/../../journal",
		} {
			if b, err := p.Read(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %d bytes, %v", path, len(b), err)
			}
		}
		if _, err := p.Entry(t.Context(), 270); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}

func readable(t *testing.T, p *Public, entries [][]byte) {
	t.Helper()
	read := func(path string) []byte { return must[[]byte](t)(p.Read(t.Context(), path)) }
	for n, widths := range []int{256, 14} {
		for w := 1; w <= widths; w++ {
			got, err := proof.ReadBundle(read(proof.EntriesPath(uint64(n), w)), w)
			if err != nil {
				t.Fatal(err)
			}
			hashes := splitHashes(read(proof.TilePath(0, uint64(n), w)))
			for i, e := range got {
				if string(e) != string(entries[n*256+i]) || hashes[i] != proof.LeafHash(e) || len(hashes) != w {
					t.Fatalf("bundle %d of %d: entry %d differs", n, w, i)
				}
			}
		}
	}
	if len(read("tile/1/000.p/1")) != 32 {
		t.Fatal("an inner tile of another length")
	}
	if c, err := proof.OpenCheckpoint(read("checkpoint"), logKey(t).Verifier); err != nil || c.Size != 270 {
		t.Fatal(c, err)
	}
	for i, e := range entries[:270] {
		if got, err := p.Entry(t.Context(), events.Index(i)); err != nil || string(got) != string(e) {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
}
