package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// maxTouched is after how many files and directories a copy syncs them, so that what it
// remembers of them stays small.
const maxTouched = 2048

// copyFiles writes the files of a log under their own paths: each whole, under the name
// that is for its width, and never changed again. What a crash leaves beyond the
// checkpoint are such files as well, or the temporary forms of some.
type copyFiles struct {
	*writer
	entries [][]byte // of the unfinished bundle
}

// take takes up the directory at checkpoint c, and refuses with a *DamageError one that
// does not lead to its root.
func (f *copyFiles) take(ctx context.Context, c proof.Checkpoint) error {
	public := &Public{dir: f.dir}
	f.tree, f.entries = tree{size: c.Size}, nil
	for level := 0; hashesAt(c.Size, level) > 0 && level < levels; level++ {
		t := unfinished(c.Size, level)
		hashes := make([]proof.Hash, 0, proof.TileWidth)
		if t.Width > 0 {
			b, err := public.readTile(t, c.Size)
			if err != nil {
				return &DamageError{Place: t.Path(), Reason: err}
			}
			hashes = append(hashes, splitHashes(b)...)
		}
		f.tree.edge = append(f.tree.edge, hashes)
	}
	if root := f.tree.root(); root != c.Root {
		return &DamageError{Place: "tile", Reason: fmt.Errorf("the right edge at size %d has root %v, its checkpoint %v", c.Size, root, c.Root)}
	}
	t := unfinished(c.Size, proof.EntriesLevel)
	if t.Width == 0 {
		return nil
	}
	entries, err := public.entries(ctx, t.N, t.Width, c.Size)
	for i := range entries {
		if proof.LeafHash(entries[i]) != f.tree.edge[0][i] {
			err = errEntry
		}
	}
	if err != nil {
		return &DamageError{Place: t.Path(), Reason: err}
	}
	f.entries = entries
	return nil
}

// unfinished is the last tile of a level, or the last bundle, in a log of that size.
// Its width is 0 when all are full.
func unfinished(size events.Size, level int) proof.Tile {
	n := hashesAt(size, max(level, 0))
	return proof.Tile{Level: level, N: n / proof.TileWidth, Width: int(n % proof.TileWidth)}
}

// add extends the log by an entry, and writes what is full with it.
func (f *copyFiles) add(entry []byte) (err error) {
	f.entries = append(f.entries, entry)
	if len(f.entries) == proof.TileWidth {
		err = f.putBundle(proof.Tile{Level: proof.EntriesLevel, N: uint64(f.tree.size) / proof.TileWidth, Width: proof.TileWidth})
		f.entries = nil
	}
	f.tree.add(proof.LeafHash(entry), func(level int, _ proof.Hash) {
		if tile := f.tree.edge[level]; err == nil && len(tile) == proof.TileWidth {
			n := hashesAt(f.tree.size+1, level)/proof.TileWidth - 1
			err = f.put(proof.Tile{Level: level, N: n, Width: proof.TileWidth}, joinHashes(tile))
		}
	})
	if err == nil && len(f.touched) >= maxTouched {
		err = f.sync()
	}
	return err
}

// putUnfinished writes the partial tiles and the partial bundle of the log as it is.
func (f *copyFiles) putUnfinished() error {
	for level, hashes := range f.tree.edge {
		if len(hashes) == 0 {
			continue
		}
		if err := f.put(unfinished(f.tree.size, level), joinHashes(hashes)); err != nil {
			return err
		}
	}
	if len(f.entries) == 0 {
		return nil
	}
	return f.putBundle(unfinished(f.tree.size, proof.EntriesLevel))
}

func (f *copyFiles) putBundle(t proof.Tile) error {
	var b []byte
	for _, e := range f.entries {
		var err error
		if b, err = proof.AppendBundle(b, e); err != nil {
			return fmt.Errorf("writing %s: %w", t.Path(), err)
		}
	}
	return f.put(t, b)
}

// put makes data the file of a tile. One that was written before a crash is not written
// again, though it may still have to be synced.
func (f *copyFiles) put(t proof.Tile, data []byte) error {
	path := filepath.Join(f.dir, filepath.FromSlash(t.Path()))
	f.touched[path] = true
	for d := filepath.Dir(path); ; d = filepath.Dir(d) {
		if f.touched[d] = true; d == f.dir {
			break
		}
	}
	if b, err := readFile(path, len(data)+1); err == nil && bytes.Equal(b, data) {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = f.step.run("write "+t.Path(), func() error { return os.WriteFile(path+".new", data, 0o644) })
	}
	if err == nil {
		err = f.step.run("rename "+t.Path(), func() error { return os.Rename(path+".new", path) })
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", t.Path(), err)
	}
	return nil
}

// drop removes the partial forms of what was unfinished at one size and is full at the
// next. Full, it has them all in it.
func (f *copyFiles) drop(from, to events.Size) error {
	for level := proof.EntriesLevel; level < levels; level++ {
		t := unfinished(from, level)
		if t.Width == 0 || unfinished(to, level).N == t.N {
			continue
		}
		dir := filepath.Dir(filepath.Join(f.dir, filepath.FromSlash(t.Path())))
		if err := f.step.run("drop "+placeOf(t), func() error { return os.RemoveAll(dir) }); err != nil {
			return fmt.Errorf("removing partial forms of %s: %w", placeOf(t), err)
		}
	}
	return nil
}

// keep replaces a note in a file. A crash leaves the old or the new one, whole.
func keep(path string, msg []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(msg)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// onDisk shows the full tiles and bundles that a copy has, whether its checkpoint covers
// them or not, and asks for all else elsewhere. Only what is led to a signed root may be
// taken from it.
type onDisk struct {
	dir    string
	others Source
}

func (d onDisk) Read(ctx context.Context, path string) ([]byte, error) {
	t, err := proof.ParseTilePath(path)
	if err != nil || t.Width != proof.TileWidth {
		return d.others.Read(ctx, path)
	}
	b, err := readFile(filepath.Join(d.dir, filepath.FromSlash(path)), maxFile)
	if errors.Is(err, fs.ErrNotExist) || t.Level != proof.EntriesLevel && len(b) != proof.TileWidth*tlog.HashSize {
		return d.others.Read(ctx, path)
	}
	return b, err
}
