package emit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The most bytes a file of the public log may have.
const (
	maxCheckpoint = 64 << 10
	maxBundle     = proof.TileWidth * (2 + proof.MaxEntry)
)

// maxTiles bounds what is remembered of a log: 8 MiB.
const maxTiles = 1024

// public reads a public log at one signed size. It believes no byte that does
// not lead to that root.
type public struct {
	base   string
	client *http.Client
	note   []byte
	at     proof.Checkpoint
	tiles  map[tlog.Tile][]byte // proved
	bundle uint64               // the one in entries
	held   [][]byte             // proved
}

func openPublic(ctx context.Context, url string, client *http.Client, log note.Verifier) (*public, error) {
	if client == nil {
		client = http.DefaultClient
	}
	p := &public{base: strings.TrimRight(url, "/") + "/", client: client, tiles: map[tlog.Tile][]byte{}}
	var err error
	if p.note, err = p.get(ctx, "checkpoint", maxCheckpoint); err != nil {
		return nil, err
	}
	if p.at, err = proof.OpenCheckpoint(p.note, log); err != nil {
		return nil, err
	}
	if p.at.Size == 0 {
		return nil, errors.New("the log is empty")
	}
	return p, nil
}

// receiptKey is the one that the first entry announces.
func (p *public) receiptKey(ctx context.Context) (note.Verifier, error) {
	b, err := p.entry(ctx, 0)
	if err != nil {
		return nil, err
	}
	first, err := events.ParseEntry(b)
	if err != nil {
		return nil, err
	}
	key, err := proof.ParseVerifierKey(first.Text("keys.receipt"))
	if err == nil && key.Name() != proof.ReceiptKeyName(p.at.Origin) {
		err = fmt.Errorf("%s is no receipt key of this log", key.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("reading the first entry: %w", err)
	}
	return key, nil
}

// entry is the entry at i, which is below the size.
func (p *public) entry(ctx context.Context, i events.Index) ([]byte, error) {
	n := uint64(i) / proof.TileWidth
	if p.held == nil || p.bundle != n {
		held, err := p.readBundle(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("reading entries from %d on: %w", n*proof.TileWidth, err)
		}
		p.bundle, p.held = n, held
	}
	return p.held[uint64(i)%proof.TileWidth], nil
}

// readBundle reads bundle n and proves each of its entries.
func (p *public) readBundle(ctx context.Context, n uint64) ([][]byte, error) {
	first := n * proof.TileWidth
	width := int(min(proof.TileWidth, uint64(p.at.Size)-first))
	b, count, err := p.read(ctx, proof.Tile{Level: proof.EntriesLevel, N: n, Width: width}, maxBundle)
	if err != nil {
		return nil, err
	}
	entries, err := proof.ReadBundle(b, count)
	if err != nil {
		return nil, err
	}
	entries = entries[:width]
	places := make([]int64, width)
	for i := range places {
		places[i] = tlog.StoredHashIndex(0, int64(first)+int64(i))
	}
	hashes, err := p.hashes(ctx).ReadHashes(places)
	if err != nil {
		return nil, err
	}
	for i, entry := range entries {
		if proof.LeafHash(entry) != hashes[i] {
			return nil, fmt.Errorf("entry %d is not the one in the log's tree", first+uint64(i))
		}
	}
	return entries, nil
}

// prove is a proof file for the entry at i.
func (p *public) prove(ctx context.Context, i events.Index, entry []byte) (proof.Proof, error) {
	path, err := tlog.ProveRecord(int64(p.at.Size), int64(i), p.hashes(ctx))
	if err != nil {
		return proof.Proof{}, fmt.Errorf("proving entry %d: %w", i, err)
	}
	return proof.Proof{Extra: entry, Index: i, Path: path, Note: p.note}, nil
}

func (p *public) hashes(ctx context.Context) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(p.at.Size), Hash: p.at.Root}, tileReader{ctx, p})
}

// tileReader is what x/mod proves hashes with. It lives for one call, and so
// may hold its context.
type tileReader struct {
	ctx context.Context
	*public
}

func (r tileReader) Height() int { return 8 }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		if out[i] = r.tiles[t]; out[i] != nil {
			continue
		}
		b, width, err := r.read(r.ctx, proof.Tile{Level: t.L, N: uint64(t.N), Width: t.W}, proof.TileWidth*tlog.HashSize)
		if err == nil && len(b) != width*tlog.HashSize {
			err = fmt.Errorf("tile %d of level %d has %d bytes", t.N, t.L, len(b))
		}
		if err != nil {
			return nil, err
		}
		out[i] = b[:t.W*tlog.HashSize]
	}
	return out, nil
}

func (r tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		if len(r.tiles) >= maxTiles {
			clear(r.tiles)
		}
		r.tiles[t] = data[i]
	}
}

// read reads a tile or bundle. A log may drop a partial one for the full one it
// became; width is that of what was read.
func (p *public) read(ctx context.Context, t proof.Tile, limit int) (b []byte, width int, err error) {
	b, err = p.get(ctx, t.Path(), limit)
	if errors.Is(err, fs.ErrNotExist) && t.Width < proof.TileWidth {
		t.Width = proof.TileWidth
		b, err = p.get(ctx, t.Path(), limit)
	}
	return b, t.Width, err
}

func (p *public) get(ctx context.Context, path string, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("reading %s: %w", path, fs.ErrNotExist)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("reading %s: the ledger answers %d", path, resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return b, nil
}
