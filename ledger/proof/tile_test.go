package proof

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTilePaths(t *testing.T) {
	for path, want := range map[string]Tile{
		"tile/0/000":                          {0, 0, 256},
		"tile/0/x001/234":                     {0, 1234, 256},
		"tile/0/x001/234.p/5":                 {0, 1234, 5},
		"tile/63/x001/x234/067.p/255":         {63, 1234067, 255},
		"tile/1/x001/000":                     {1, 1000, 256},
		"tile/entries/000":                    {EntriesLevel, 0, 256},
		"tile/entries/x999/999.p/1":           {EntriesLevel, 999999, 1},
		"tile/0/x035/x184/x372/x088/831.p/12": {0, 35184372088831, 12},
	} {
		got, err := ParseTilePath(path)
		if err != nil || got != want {
			t.Errorf("ParseTilePath(%q) = %+v, %v; want %+v", path, got, err, want)
		}
		if got := want.Path(); got != path {
			t.Errorf("%+v has the path %q, want %q", want, got, path)
		}
	}
	if got := TilePath(0, 1234, 5); got != "tile/0/x001/234.p/5" {
		t.Error(got)
	}
	if got := EntriesPath(0, 256); got != "tile/entries/000" {
		t.Error(got)
	}
}

func TestTilePathRefusals(t *testing.T) {
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "tile/0//000",
		"tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000", "tile/0/x000/000", "tile/0/000/001", "tile/0/X001/000",
		"tile/0/xx01/000", "tile/0/x001/x000", "tile/0/x1/000", "tile/0/-01", "tile/0/+01", "tile/0/0x1", "tile/0/..",
		"tile/00/000", "tile/64/000", "tile/-1/000", "tile/data/000", "tile/ENTRIES/000", "tile/8/0/000",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/05", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/1/2",
		"tile/0/000.p/1.p/1", "tile/0/000.p/+1", "tile/0/000 ", "tile/0/000\n", "tile/0/０００",
		"tile/0/x035/x184/x372/x088/832", "tile/0/x018/x446/x744/x073/x709/x551/616",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
	} {
		if got, err := ParseTilePath(path); err == nil {
			t.Errorf("%q is read as %+v", path, got)
		}
	}
}

func TestBundleRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		entries := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, TileWidth).Draw(rt, "entries")
		var b []byte
		for _, e := range entries {
			var err error
			if b, err = AppendBundle(b, e); err != nil {
				rt.Fatal(err)
			}
		}
		got, err := ReadBundle(b, len(entries))
		if err != nil || !slices.EqualFunc(got, entries, bytes.Equal) {
			rt.Fatalf("read %q, %v; want %q", got, err, entries)
		}
		for _, n := range []int{len(entries) - 1, len(entries) + 1} {
			if _, err := ReadBundle(b, n); err == nil {
				rt.Fatalf("%d entries are read as %d", len(entries), n)
			}
		}
		if _, err := ReadBundle(b[:len(b)-1], len(entries)); err == nil {
			rt.Fatal("a cut bundle is read")
		}
	})
}

func TestBundleRefusals(t *testing.T) {
	full, err := AppendBundle([]byte("before"), make([]byte, MaxEntry))
	if err != nil || !bytes.HasPrefix(full, []byte("before\xff\xff")) || len(full) != 6+2+MaxEntry {
		t.Errorf("AppendBundle of the largest entry: %d bytes, %v", len(full), err)
	}
	for _, size := range []int{0, MaxEntry + 1} {
		b, err := AppendBundle([]byte("kept"), make([]byte, size))
		wantError(t, err, "instead of 1 to 65535")
		if string(b) != "kept" {
			t.Errorf("after the error dst is %q", b)
		}
	}
	for _, tc := range []struct {
		b      string
		count  int
		reason string
	}{
		{"\x00\x01a", 0, "0 entries"},
		{"\x00\x01a", -1, "-1 entries"},
		{"\x00\x01a", 257, "257 entries"},
		{"", 1, "before entry 1"},
		{"\x00", 1, "before entry 1"},
		{"\x00\x00", 1, "is empty"},
		{"\x00\x02a", 1, "within entry 1"},
		{"\x00\x01ab", 1, "1 bytes after entry 1"},
	} {
		_, err := ReadBundle([]byte(tc.b), tc.count)
		wantError(t, err, tc.reason)
	}
	// An entry cannot grow into its neighbour.
	entries, err := ReadBundle([]byte("\x00\x01a\x00\x01b"), 2)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(entries[0], "xxx"...)
	if string(entries[1]) != "b" {
		t.Errorf("the second entry is now %q", entries[1])
	}
}
