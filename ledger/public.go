package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpointPath is where the signed checkpoint lies, below the prefix of the
// log and in the directory.
const checkpointPath = "checkpoint"

// IndexPath is where, below the log, the log of its completeness index lies, in
// the same layout.
const IndexPath = "index"

// The most bytes we read of a file: a full bundle of the largest entries, and
// a note.
const (
	maxFile = proof.TileWidth * (2 + proof.MaxEntry)
	maxNote = 64 << 10
)

// Public is the public log as its readers see it: a directory in the layout of
// c2sp.org/tlog-tiles, limited to what the checkpoint in it covers. It is safe
// for concurrent use.
type Public struct {
	dir    string
	live   bool // an Anchor writes here and sets now; otherwise the file decides
	copied bool // a Copy does
	now    atomic.Pointer[published]
}

// published is a checkpoint and the note that states it.
type published struct {
	proof.Checkpoint
	note []byte
}

// OpenPublic reads a directory that some Anchor wrote, or a copy of one. The
// size is what its checkpoint file says at the time of each Read; the signature
// is not judged here, see [Audit].
func OpenPublic(dir string) (*Public, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err != nil {
		return nil, fmt.Errorf("opening the public log in %s: %w", dir, err)
	}
	return &Public{dir: dir}, nil
}

// Read returns what lies at path, "checkpoint" or a path of c2sp.org/tlog-tiles
// without a leading slash. Partial tiles and bundles of every width inside the
// published size exist, and nothing beyond it does: the error is then
// fs.ErrNotExist. The bytes are as they lie on the disk, unchecked; those of a
// damaged directory can be fewer than asked for.
func (p *Public) Read(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, context.Cause(ctx))
	}
	if below, ok := strings.CutPrefix(path, IndexPath+"/"); ok && p.dir != "" {
		index := Public{dir: filepath.Join(p.dir, IndexPath)}
		return index.Read(ctx, below)
	}
	if path == checkpointPath {
		return p.readCheckpoint()
	}
	t, err := proof.ParseTilePath(path)
	if err != nil {
		return nil, notExist(path)
	}
	size, err := p.size()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return p.readTile(t, size)
}

func notExist(path string) error {
	return &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
}

func (p *Public) readCheckpoint() ([]byte, error) {
	if !p.live {
		return readFile(filepath.Join(p.dir, checkpointPath), maxNote)
	}
	if now := p.now.Load(); now != nil {
		return bytes.Clone(now.note), nil
	}
	return nil, notExist(checkpointPath)
}

// checkpoint is what whoever writes here shows, and its note; zero and nil before the
// first.
func (p *Public) checkpoint() (proof.Checkpoint, []byte) {
	now := p.now.Load()
	if now == nil {
		return proof.Checkpoint{}, nil
	}
	return now.Checkpoint, bytes.Clone(now.note)
}

// size is the published size, 0 before the first checkpoint.
func (p *Public) size() (events.Size, error) {
	if p.live {
		if now := p.now.Load(); now != nil {
			return now.Size, nil
		}
		return 0, nil
	}
	msg, err := p.readCheckpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	c, err := stated(msg)
	return c.Size, err
}

// stated is what the text of a signed note says, whoever signed it.
func stated(msg []byte) (proof.Checkpoint, error) {
	end := bytes.LastIndex(msg, []byte("\n\n"))
	if end < 0 {
		return proof.Checkpoint{}, errors.New("reading a checkpoint: it has no signature")
	}
	return proof.ParseCheckpoint(string(msg[:end+1]))
}

// readTile reads t as it is in a log of the given size. A partial tile or
// bundle is a prefix of the file that grows, whatever it holds by now.
func (p *Public) readTile(t proof.Tile, size events.Size) ([]byte, error) {
	level := max(t.Level, 0) // a bundle has as many entries as level 0 has hashes
	if t.N*proof.TileWidth+uint64(t.Width) > hashesAt(size, level) {
		return nil, notExist(t.Path())
	}
	limit := maxFile
	if t.Level != proof.EntriesLevel {
		limit = proof.TileWidth * tlog.HashSize
		if t.Width < proof.TileWidth {
			limit = t.Width * tlog.HashSize
		}
	}
	b, err := p.readUpTo(t, size, limit)
	if err != nil || t.Width == proof.TileWidth || t.Level != proof.EntriesLevel {
		return b, err
	}
	return bundlePrefix(b, t.Width), nil
}

// readUpTo reads the file that t is in: the one that grows, or in a Copy the one of the
// width that the log of that size leads to. That one goes when it is full.
func (p *Public) readUpTo(t proof.Tile, size events.Size, limit int) ([]byte, error) {
	if last := unfinished(size, t.Level); last.N == t.N && (p.copied || !p.live) {
		b, err := readFile(filepath.Join(p.dir, filepath.FromSlash(last.Path())), limit)
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return readFile(filepath.Join(p.dir, fileOf(t)), limit)
}

// fileOf is the file of a tile or bundle of any width, relative to the
// directory: its path when full.
func fileOf(t proof.Tile) string {
	t.Width = proof.TileWidth
	return filepath.FromSlash(t.Path())
}

// bundlePrefix is the first count entries of the bundle b, or all of b if its
// lengths do not lead there.
func bundlePrefix(b []byte, count int) []byte {
	end := 0
	for range count {
		if len(b)-end < 2 {
			return b
		}
		end += 2 + int(binary.BigEndian.Uint16(b[end:]))
	}
	return b[:min(end, len(b))]
}

// readFile reads at most limit bytes, so that no file can exhaust the memory.
func readFile(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, max(0, min(info.Size(), int64(limit))))
	n, err := io.ReadFull(f, b)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil // the file became shorter meanwhile
	}
	return b[:n], err
}

// Entry returns the bytes of the entry at position i, or fs.ErrNotExist if it
// is not published. The bytes are unchecked, as those of Read.
func (p *Public) Entry(ctx context.Context, i events.Index) ([]byte, error) {
	size, err := p.size()
	if err == nil && uint64(i) >= uint64(size) {
		err = notExist(fmt.Sprintf("entry %d", i))
	}
	if err != nil {
		return nil, err
	}
	entries, err := p.entries(ctx, uint64(i)/proof.TileWidth, int(uint64(i)%proof.TileWidth)+1, size)
	if err != nil {
		return nil, err
	}
	return entries[len(entries)-1], nil
}

// entries are the first count entries of bundle n.
func (p *Public) entries(ctx context.Context, n uint64, count int, size events.Size) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	t := proof.Tile{Level: proof.EntriesLevel, N: n, Width: count}
	b, err := p.readTile(t, size)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", fileOf(t), err)
	}
	entries, err := proof.ReadBundle(b, count)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", fileOf(t), err)
	}
	return entries, nil
}

// hashes reads stored hashes for golang.org/x/mod/sumdb/tlog out of the tiles
// of a log of the given size, each tile once.
func (p *Public) hashes(size events.Size) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		seen := make(map[proof.Tile][]byte)
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			want := tlog.TileForIndex(8, x)
			t := proof.Tile{Level: want.L, N: uint64(want.N)}
			t.Width = int(min(proof.TileWidth, hashesAt(size, t.Level)-t.N*proof.TileWidth))
			data, ok := seen[t]
			var err error
			if !ok {
				if data, err = p.readTile(t, size); err != nil {
					return nil, fmt.Errorf("reading %s: %w", fileOf(t), err)
				}
				seen[t] = data
			}
			if out[i], err = tlog.HashFromTile(want, data, x); err != nil {
				return nil, fmt.Errorf("reading %s: %w", fileOf(t), err)
			}
		}
		return out, nil
	})
}
