package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// step does one thing that changes the disk. Tests put themselves here to stop
// before or after it, as a crash would.
type step func(name string, do func() error) error

func (s step) run(name string, do func() error) error {
	if s == nil {
		return do()
	}
	return s(name, do)
}

// writer extends the files of a public directory. What it wrote since the last
// sync may or may not survive a crash; load cuts it off again.
type writer struct {
	dir     string
	tree    tree
	bundle  int64 // bytes of the unfinished bundle
	step    step
	touched map[string]bool // files and directories changed since the last sync
}

func newWriter(dir string, s step) *writer {
	return &writer{dir: dir, step: s, touched: make(map[string]bool)}
}

// addition is what a batch of entries adds to the files.
type addition struct {
	first   events.Size
	entries [][]byte
	hashes  [][]proof.Hash // by level
}

// add extends the tree in memory. The caller decides whether to write.
func (w *writer) add(entries [][]byte) addition {
	a := addition{first: w.tree.size, entries: entries}
	for _, e := range entries {
		w.tree.add(proof.LeafHash(e), func(level int, h proof.Hash) {
			if level == len(a.hashes) {
				a.hashes = append(a.hashes, nil)
			}
			a.hashes[level] = append(a.hashes[level], h)
		})
	}
	return a
}

// write puts an addition into the files, bundles first. An error leaves them
// longer than any checkpoint, and the writer unusable.
func (w *writer) write(a addition) error {
	n := uint64(a.first)
	for rest := a.entries; len(rest) > 0; {
		k := min(len(rest), proof.TileWidth-int(n%proof.TileWidth))
		if err := w.writeBundle(n, rest[:k]); err != nil {
			return err
		}
		rest, n = rest[k:], n+uint64(k)
	}
	for level, rest := range a.hashes {
		n := hashesAt(a.first, level)
		for len(rest) > 0 {
			k := min(len(rest), proof.TileWidth-int(n%proof.TileWidth))
			at := int64(n%proof.TileWidth) * tlog.HashSize
			if err := w.extend(proof.Tile{Level: level, N: n / proof.TileWidth}, at, joinHashes(rest[:k])); err != nil {
				return err
			}
			rest, n = rest[k:], n+uint64(k)
		}
	}
	return nil
}

// writeBundle appends entries, the first of which has position n, to a bundle
// that has room for all of them.
func (w *writer) writeBundle(n uint64, entries [][]byte) error {
	if n%proof.TileWidth == 0 {
		w.bundle = 0
	}
	var b []byte
	for i, e := range entries {
		var err error
		if b, err = proof.AppendBundle(b, e); err != nil {
			return fmt.Errorf("writing entry %d: %w", n+uint64(i), err)
		}
	}
	if err := w.extend(proof.Tile{Level: proof.EntriesLevel, N: n / proof.TileWidth}, w.bundle, b); err != nil {
		return err
	}
	w.bundle += int64(len(b))
	return nil
}

// extend makes data the content of a tile's file from offset at. A longer file
// is what a crash left; a shorter one has lost what was durable.
func (w *writer) extend(t proof.Tile, at int64, data []byte) error {
	name := fileOf(t)
	path := filepath.Join(w.dir, name)
	err := w.step.run("write "+name, func() error {
		f, err := w.open(path)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		switch {
		case err != nil:
		case info.Size() < at:
			err = fmt.Errorf("it has %d bytes, %d were written", info.Size(), at)
		case info.Size() > at:
			err = f.Truncate(at)
		}
		if err == nil {
			_, err = f.WriteAt(data, at)
		}
		return errors.Join(err, f.Close())
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// open opens or creates a file below dir and notes what is to be synced.
func (w *writer) open(path string) (*os.File, error) {
	w.touched[path] = true
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	for d := filepath.Dir(path); len(d) >= len(w.dir); d = filepath.Dir(d) {
		w.touched[d] = true
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
}

// syncers is how many files are synced at once: the disk can serve them with
// fewer flushes than one after the other.
const syncers = 16

// sync makes everything written so far durable.
func (w *writer) sync() error {
	err := w.step.run("sync tiles", func() error {
		paths := make(chan string)
		errs := make([]error, syncers)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() {
				for path := range paths {
					errs[i] = errors.Join(errs[i], syncPath(path))
				}
			})
		}
		for path := range w.touched {
			paths <- path
		}
		close(paths)
		group.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("syncing the public log: %w", err)
	}
	clear(w.touched)
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// replace puts a checkpoint in the place of the one before. A crash leaves the
// old or the new one, whole; the temporary file is overwritten next time.
func (w *writer) replace(msg []byte) error {
	path := filepath.Join(w.dir, checkpointPath)
	temporary := path + ".new"
	err := w.step.run("write checkpoint", func() error {
		f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(msg)
		return errors.Join(err, f.Sync(), f.Close())
	})
	if err == nil {
		err = w.step.run("rename checkpoint", func() error { return os.Rename(temporary, path) })
	}
	if err == nil {
		err = w.step.run("sync checkpoint", func() error { return syncPath(w.dir) })
	}
	if err != nil {
		return fmt.Errorf("publishing the checkpoint: %w", err)
	}
	return nil
}
