package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Published is a public log at one signed checkpoint. What it returns was shown to
// lead to that checkpoint's root. It is for one goroutine.
type Published struct {
	Checkpoint proof.Checkpoint
	Note       []byte         // the signed checkpoint, verbatim
	Cosigned   proof.Cosigned // who of the policy cosigned it

	source ledger.Source
	read   map[string][]byte
	bundle uint64   // the one in held
	held   [][]byte // proved
}

// maxRead is how many files a Published remembers: 8 MiB of tiles.
const maxRead = 1024

// OpenPublished reads the checkpoint that v signed. When its cosignatures do not meet
// the policy the error is a *proof.QuorumError.
func OpenPublished(ctx context.Context, source ledger.Source, v note.Verifier, policy proof.Policy) (*Published, error) {
	msg, err := source.Read(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	c, by, err := policy.Check(msg, v)
	if err != nil {
		return nil, err
	}
	return &Published{Checkpoint: c, Note: msg, Cosigned: by, source: source, read: map[string][]byte{}}, nil
}

// Entry is the entry at position i.
func (p *Published) Entry(ctx context.Context, i events.Index) ([]byte, error) {
	if uint64(i) >= uint64(p.Checkpoint.Size) {
		return nil, fmt.Errorf("reading entry %d: the log has %d: %w", i, p.Checkpoint.Size, fs.ErrNotExist)
	}
	n := uint64(i) / proof.TileWidth
	if p.held == nil || p.bundle != n {
		held, err := p.entries(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("reading entry %d: %w", i, err)
		}
		p.bundle, p.held = n, held
	}
	return p.held[uint64(i)%proof.TileWidth], nil
}

// entries reads bundle n and proves each entry in it.
func (p *Published) entries(ctx context.Context, n uint64) ([][]byte, error) {
	first := n * proof.TileWidth
	width := int(min(proof.TileWidth, uint64(p.Checkpoint.Size)-first))
	b, count, err := p.file(ctx, proof.Tile{Level: proof.EntriesLevel, N: n, Width: width})
	if err != nil {
		return nil, err
	}
	list, err := proof.ReadBundle(b, count)
	if err != nil {
		return nil, err
	}
	places := make([]int64, width)
	for i := range places {
		places[i] = tlog.StoredHashIndex(0, int64(first)+int64(i))
	}
	hashes, err := p.hashes(ctx).ReadHashes(places)
	if err != nil {
		return nil, err
	}
	for i, h := range hashes {
		if proof.LeafHash(list[i]) != h {
			return nil, fmt.Errorf("the entry at %d is not the one in the log's tree", first+uint64(i))
		}
	}
	return list[:width], nil
}

// Prove is a proof of the entry at position i, which verifies alone.
func (p *Published) Prove(ctx context.Context, i events.Index) (proof.Proof, error) {
	entry, err := p.Entry(ctx, i)
	if err != nil {
		return proof.Proof{}, err
	}
	path, err := tlog.ProveRecord(int64(p.Checkpoint.Size), int64(i), p.hashes(ctx))
	if err != nil {
		return proof.Proof{}, fmt.Errorf("proving entry %d: %w", i, err)
	}
	return proof.Proof{Extra: entry, Index: i, Path: path, Note: p.Note}, nil
}

func (p *Published) hashes(ctx context.Context) tlog.HashReader {
	return proof.SignedHashes(p.Checkpoint, func(t proof.Tile) ([]byte, error) {
		b, width, err := p.file(ctx, t)
		if err == nil && len(b) != width*tlog.HashSize {
			err = fmt.Errorf("%s has %d bytes", t.Path(), len(b))
		}
		if err != nil {
			return nil, err
		}
		return b[:t.Width*tlog.HashSize], nil
	})
}

// file reads a tile or bundle. A log may drop a partial one for the full one that it
// became; width is that of what was read.
func (p *Published) file(ctx context.Context, t proof.Tile) (b []byte, width int, err error) {
	if b, ok := p.read[t.Path()]; ok {
		return b, t.Width, nil
	}
	b, err = p.source.Read(ctx, t.Path())
	if errors.Is(err, fs.ErrNotExist) && t.Width < proof.TileWidth {
		t.Width = proof.TileWidth
		b, err = p.source.Read(ctx, t.Path())
	}
	if err != nil {
		return nil, 0, err
	}
	if len(p.read) >= maxRead {
		clear(p.read)
	}
	if t.Level != proof.EntriesLevel {
		p.read[t.Path()] = b
	}
	return b, t.Width, nil
}

// Opened is what entry 0 says of the ledger, of which it is proved to be the first
// entry. It must name the key v.
func (p *Published) Opened(ctx context.Context, vkey string) (*events.Entry, error) {
	b, err := p.Entry(ctx, 0)
	if err != nil {
		return nil, err
	}
	e, err := events.ParseEntry(b)
	switch {
	case err != nil:
	case e.Kind.Name != "ledger.opened" || e.Text("origin") != p.Checkpoint.Origin || e.Text("keys.log") != vkey:
		err = errors.New("it is not the opening of the ledger with this key")
	}
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w", err)
	}
	return e, nil
}
