package ledger

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// fetchAll extends the files to what p covers.
func (c *Copy) fetchAll(ctx context.Context, p published, tiles Source) error {
	first, end := uint64(c.files.tree.size)/proof.TileWidth, (uint64(p.Size)+proof.TileWidth-1)/proof.TileWidth
	if c.files.tree.size >= p.Size {
		return nil
	}
	fetch := func(ctx context.Context, n uint64) ([][]byte, error) { return c.bundle(ctx, p, tiles, n) }
	for entries, err := range inOrder(ctx, first, end, c.cfg.Parallel, fetch) {
		if err != nil {
			return err
		}
		for _, e := range entries[uint64(c.files.tree.size)%proof.TileWidth:] {
			if err := c.files.add(e); err != nil {
				return c.stop(err)
			}
		}
		if c.cfg.Progress != nil {
			c.cfg.Progress(c.files.tree.size, p.Size)
		}
	}
	return nil
}

// bundle is bundle n as p commits to it. What an earlier run has fetched is on the disk.
func (c *Copy) bundle(ctx context.Context, p published, tiles Source, n uint64) ([][]byte, error) {
	t := proof.Tile{Level: proof.EntriesLevel, N: n, Width: int(min(proof.TileWidth, uint64(p.Size)-n*proof.TileWidth))}
	if _, err := os.Lstat(filepath.Join(c.cfg.Dir, fileOf(t))); err == nil {
		if entries, err := c.signed(ctx, p, onDisk{c.cfg.Dir, tiles}, t); err == nil {
			return entries, nil
		}
	}
	return c.signed(ctx, p, tiles, t)
}

// signed reads a bundle, each entry of which must be the one that p commits to.
func (c *Copy) signed(ctx context.Context, p published, source Source, t proof.Tile) ([][]byte, error) {
	first := events.Index(t.N * proof.TileWidth)
	indexes := make([]int64, t.Width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(first)+int64(i))
	}
	hashes, reason := signedHashes(ctx, p.Checkpoint, source)
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return nil, reason(err)
	}
	b, err := readPartial(ctx, source, t)
	if err != nil {
		return nil, cmp.Or(context.Cause(ctx), fmt.Errorf("%w: fetching %s: %w", ErrIncomplete, t.Path(), err))
	}
	entries, err := proof.ReadBundle(b, t.Width)
	if err != nil {
		return nil, &AuditError{Place: placeOf(t), Reason: err}
	}
	for i, e := range entries {
		at := first + events.Index(i)
		if proof.LeafHash(e) != leaves[i] {
			return nil, &AuditError{Place: entryPlace(at), Reason: errEntry}
		}
		if err := c.check(at, e); err != nil {
			return nil, &AuditError{Place: entryPlace(at), Reason: err}
		}
	}
	return entries, nil
}

// check says of entry 0 that it opens this log. What else an entry of a ledger says is
// not a copy's to judge: newer kinds are copied as all others.
func (c *Copy) check(i events.Index, entry []byte) error {
	if c.cfg.Leaves != nil {
		return c.cfg.Leaves.Check(i, entry)
	}
	if i > 0 {
		return nil
	}
	e, err := events.ParseEntry(entry)
	if err != nil {
		return err
	}
	return checkPlace(0, e, c.cfg.Key.Name(), c.cfg.Key.KeyHash())
}

// recent is a source that remembers some of the tiles that many bundles need: those of
// the upper levels, and of the right edge.
type recent struct {
	Source
	mu   sync.Mutex
	kept map[string][]byte
}

// maxRecent is how many, of 8 KiB each.
const maxRecent = 256

func (r *recent) Read(ctx context.Context, path string) ([]byte, error) {
	t, err := proof.ParseTilePath(path)
	if err != nil || t.Level == proof.EntriesLevel || t.Level == 0 && t.Width == proof.TileWidth {
		return r.Source.Read(ctx, path)
	}
	r.mu.Lock()
	b, ok := r.kept[path]
	r.mu.Unlock()
	if ok {
		return b, nil
	}
	if b, err = r.Source.Read(ctx, path); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) == maxRecent {
		clear(r.kept)
	}
	r.kept[path] = b
	return b, nil
}
