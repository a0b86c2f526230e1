package client

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// files are those of a log at one checkpoint. What they give is not verified.
type files struct {
	source ledger.Source
	note   []byte
	at     proof.Checkpoint
	read   map[proof.Tile][]byte
}

// openFiles reads the checkpoint of a log, signed by v.
func openFiles(ctx context.Context, source ledger.Source, v note.Verifier) (*files, error) {
	msg, err := source.Read(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	c, err := proof.OpenCheckpoint(msg, v)
	if err != nil {
		return nil, &Misbehaviour{Said: "the checkpoint is not signed by the key on the card", Reason: err}
	}
	return &files{source, msg, c, map[proof.Tile][]byte{}}, nil
}

// tile is tile or bundle n of a level, each fetched once.
func (f *files) tile(ctx context.Context, level int, n uint64) ([]byte, int, error) {
	in := uint64(f.at.Size)
	if level > 0 {
		in >>= 8 * level
	}
	if n*proof.TileWidth >= in {
		return nil, 0, fmt.Errorf("tile %d of level %d is outside a log of size %d", n, level, f.at.Size)
	}
	t := proof.Tile{Level: level, N: n, Width: int(min(proof.TileWidth, in-n*proof.TileWidth))}
	if b, ok := f.read[t]; ok {
		return b, t.Width, nil
	}
	b, err := f.source.Read(ctx, t.Path())
	if err != nil {
		return nil, 0, err
	}
	f.read[t] = b
	return b, t.Width, nil
}

// entry is the entry at position i.
func (f *files) entry(ctx context.Context, i events.Index) ([]byte, error) {
	b, width, err := f.tile(ctx, proof.EntriesLevel, uint64(i)/proof.TileWidth)
	if err != nil {
		return nil, err
	}
	list, err := proof.ReadBundle(b, width)
	if err != nil {
		return nil, err
	}
	return list[uint64(i)%proof.TileWidth], nil
}

// Hashes reads stored hashes of a log of that size out of its tiles, unverified.
func Hashes(ctx context.Context, source ledger.Source, size events.Size) tlog.HashReader {
	f := &files{source: source, at: proof.Checkpoint{Size: size}, read: map[proof.Tile][]byte{}}
	return f.hashes(ctx)
}

// hashes reads stored hashes out of the tiles.
func (f *files) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			t := tlog.TileForIndex(8, x)
			b, width, err := f.tile(ctx, t.L, uint64(t.N))
			if err != nil {
				return nil, err
			}
			if t.W > width || len(b) != width*tlog.HashSize {
				return nil, errors.New("a tile has another length than it should")
			}
			if out[i], err = tlog.HashFromTile(t, b, x); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

// extends checks that the log f is of begins with the one of an earlier note.
func (f *files) extends(ctx context.Context, before []byte, v note.Verifier) error {
	old, err := proof.OpenCheckpoint(before, v)
	if err != nil {
		return fmt.Errorf("reading the checkpoint kept before: %w", err)
	}
	if fork, err := proof.CompareCheckpoints(before, f.note, v); err != nil || fork != nil {
		if err != nil {
			return err
		}
		e := fork.Evidence()
		return &Misbehaviour{Said: fmt.Sprintf("%s was signed with two roots at size %d", old.Origin, old.Size), Evidence: &e, Notes: [][]byte{before, f.note}}
	}
	if f.at.Size < old.Size {
		return &Misbehaviour{
			Said:  fmt.Sprintf("%s had %d entries, as you saw before, and is shown with %d", old.Origin, old.Size, f.at.Size),
			Notes: [][]byte{before, f.note},
		}
	}
	e, err := ledger.Compare(ctx, before, f.note, v, f)
	if err != nil || e == nil {
		return err
	}
	return &Misbehaviour{
		Said:     fmt.Sprintf("%s does not go on from the state at size %d that you saw before", old.Origin, old.Size),
		Evidence: e, Notes: [][]byte{before, f.note},
	}
}

// Read gives the tiles of the log to whoever compares it with an earlier state.
func (f *files) Read(ctx context.Context, path string) ([]byte, error) {
	t, err := proof.ParseTilePath(path)
	if err != nil {
		return nil, err
	}
	b, _, err := f.tile(ctx, t.Level, t.N)
	return b, err
}
