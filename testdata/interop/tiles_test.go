package interop

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/transparency-dev/tessera/api"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads tiles as a client of Go's checksum database does, which knows
// nothing of this log but its tree.
type tiles struct {
	t testing.TB
	d *daybook
	// saved counts the tiles that proved to be right.
	saved int
}

func (r *tiles) Height() int { return 8 }

func (r *tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, tile := range list {
		out[i] = r.read(tile)
	}
	return out, nil
}

// read fetches a tile. The path of tlog has the height in it, that of tlog-tiles
// has not.
func (r *tiles) read(tile tlog.Tile) []byte {
	path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	return r.d.get(r.t, "/"+strings.Replace(path, "tile/8/", "tile/", 1))
}

func (r *tiles) SaveTiles(list []tlog.Tile, _ [][]byte) { r.saved += len(list) }

// tree is what the checkpoint says.
func (d *daybook) tree(t testing.TB) tlog.Tree {
	t.Helper()
	n, err := note.Open(d.get(t, "/checkpoint"), note.VerifierList(d.verifier(t)))
	if err != nil {
		t.Fatal(err)
	}
	var tree tlog.Tree
	lines := strings.Split(n.Text, "\n")
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if _, scanErr := fmt.Sscan(lines[1], &tree.N); scanErr != nil || err != nil || len(root) != tlog.HashSize || lines[0] != d.verifier(t).Name() {
		t.Fatalf("the checkpoint is %q", n.Text)
	}
	tree.Hash = tlog.Hash(root)
	return tree
}

// testTileReader proves records and older trees with authenticated tiles.
func (d *daybook) testTileReader(t *testing.T) {
	tree := d.tree(t)
	r := &tiles{t: t, d: d}
	hashes := tlog.TileHashReader(tree, r)
	rng := rand.New(rand.NewPCG(uint64(tree.N), 1))
	for range 40 {
		i := rng.Int64N(tree.N)
		entry := d.record(t, r, tree, i)
		path, err := tlog.ProveRecord(tree.N, i, hashes)
		if err == nil {
			err = tlog.CheckRecord(path, tree.N, tree.Hash, i, tlog.RecordHash(entry))
		}
		if err != nil {
			t.Errorf("record %d of %d: %v", i, tree.N, err)
		}
		older, err := tlog.TreeHash(i+1, hashes)
		if err != nil {
			t.Fatalf("the tree of %d: %v", i+1, err)
		}
		steps, err := tlog.ProveTree(tree.N, i+1, hashes)
		if err == nil {
			err = tlog.CheckTree(steps, tree.N, tree.Hash, i+1, older)
		}
		if err != nil {
			t.Errorf("the tree of %d in that of %d: %v", i+1, tree.N, err)
		}
	}
	if r.saved == 0 {
		t.Error("no tile was authenticated")
	}
	wrong := tree
	wrong.Hash[0] ^= 1
	if _, err := tlog.ProveRecord(tree.N, 0, tlog.TileHashReader(wrong, r)); err == nil {
		t.Error("tiles pass for those of another tree")
	}
	resp, err := http.Get(fmt.Sprintf("%s/tile/0/%03d.p/1", d.url, tree.N/256+2))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("a tile beyond the end: %s", resp.Status)
	}
}

// record is entry i, out of its bundle.
func (d *daybook) record(t testing.TB, r *tiles, tree tlog.Tree, i int64) []byte {
	t.Helper()
	tile := tlog.Tile{H: 8, L: -1, N: i / 256, W: int(min(256, tree.N-i/256*256))}
	var b api.EntryBundle
	if err := b.UnmarshalText(r.read(tile)); err != nil || len(b.Entries) != tile.W {
		t.Fatalf("bundle %d has %d entries: %v", tile.N, len(b.Entries), err)
	}
	return b.Entries[i%256]
}
