package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// DamageError says that the files of the public directory are not those the
// journal's last checkpoint speaks about. Nothing was changed.
type DamageError struct {
	Place  string // path of the file, or "tile" when it is in no one file
	Reason error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the public log is damaged at %s: %v; remove the directory \"tile\" to have it rebuilt from the history", e.Place, e.Reason)
}

func (e *DamageError) Unwrap() error { return e.Reason }

// load takes up a directory at checkpoint c: it reads the right edge, checks it
// against the root and the unfinished bundle. Once all else agrees, trim follows.
func (w *writer) load(c proof.Checkpoint) error {
	w.tree = tree{size: c.Size}
	for level := 0; hashesAt(c.Size, level) > 0 && level < levels; level++ {
		hashes, err := w.loadTile(level, hashesAt(c.Size, level))
		if err != nil {
			return err
		}
		w.tree.edge = append(w.tree.edge, hashes)
	}
	if root := w.tree.root(); root != c.Root {
		return &DamageError{Place: "tile", Reason: fmt.Errorf("the right edge at size %d has root %v, the journal %v", c.Size, root, c.Root)}
	}
	return w.loadBundle()
}

// loadTile reads the unfinished tile of a level that holds count hashes.
func (w *writer) loadTile(level int, count uint64) ([]proof.Hash, error) {
	width := int(count % proof.TileWidth)
	if width == 0 {
		return make([]proof.Hash, 0, proof.TileWidth), nil
	}
	name := fileOf(proof.Tile{Level: level, N: count / proof.TileWidth})
	b, err := readFile(filepath.Join(w.dir, name), width*tlog.HashSize)
	if err == nil && len(b) < width*tlog.HashSize {
		err = fmt.Errorf("it has %d bytes instead of %d", len(b), width*tlog.HashSize)
	}
	if err != nil {
		return nil, &DamageError{Place: name, Reason: err}
	}
	return append(make([]proof.Hash, 0, proof.TileWidth), splitHashes(b)...), nil
}

// loadBundle finds where the next entry goes, and that the entries before it
// are those of the tile.
func (w *writer) loadBundle() error {
	n := uint64(w.tree.size)
	width := int(n % proof.TileWidth)
	if width == 0 {
		w.bundle = 0
		return nil
	}
	name := fileOf(proof.Tile{Level: proof.EntriesLevel, N: n / proof.TileWidth})
	b, err := readFile(filepath.Join(w.dir, name), maxFile)
	if err != nil {
		return &DamageError{Place: name, Reason: err}
	}
	b = bundlePrefix(b, width)
	entries, err := proof.ReadBundle(b, width)
	if err != nil {
		return &DamageError{Place: name, Reason: err}
	}
	for i, e := range entries {
		if proof.LeafHash(e) != w.tree.edge[0][i] {
			return &DamageError{Place: name, Reason: fmt.Errorf("entry %d is not the one its tile commits to", n-uint64(width-i))}
		}
	}
	w.bundle = int64(len(b))
	return nil
}

// trim removes what a crash left beyond the tree, which no checkpoint covers. Where the disk kept a later
// file and lost one before it, the later one stays: no reader is led there, and
// extend cuts it when its turn comes.
func (w *writer) trim() error {
	for level := proof.EntriesLevel; level < levels; level++ {
		count := hashesAt(w.tree.size, max(level, 0))
		length := int64(count%proof.TileWidth) * tlog.HashSize
		if level == proof.EntriesLevel {
			length = w.bundle
		}
		t := proof.Tile{Level: level, N: count / proof.TileWidth}
		err := w.cut(t, length)
		for err == nil {
			t.N++
			err = w.cut(t, 0)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cutting off what no checkpoint covers: %w", err)
		}
	}
	return nil
}

// cut shortens a tile's file to length, and removes it when that is 0.
func (w *writer) cut(t proof.Tile, length int64) error {
	path := filepath.Join(w.dir, fileOf(t))
	info, err := os.Stat(path)
	if err != nil || length > 0 && info.Size() == length {
		return err
	}
	return w.step.run("cut "+fileOf(t), func() error {
		w.touched[filepath.Dir(path)] = true
		if length == 0 {
			delete(w.touched, path)
			return os.Remove(path)
		}
		w.touched[path] = true
		return os.Truncate(path, length)
	})
}
