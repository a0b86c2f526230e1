package proof

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// SignedHashes reads stored hashes of the log that c describes, as
// [tlog.StoredHashIndex] numbers them, out of its tiles. It gives no hash that does
// not lead to the root. Read returns the bytes of a tile; c must already be trusted.
func SignedHashes(c Checkpoint, read func(Tile) ([]byte, error)) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(c.Size), Hash: c.Root}, tileReader(read))
}

type tileReader func(Tile) ([]byte, error)

func (tileReader) Height() int                     { return 8 }
func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func (read tileReader) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, t := range list {
		b, err := read(Tile{Level: t.L, N: uint64(t.N), Width: t.W})
		if err != nil {
			return nil, err
		}
		if len(b) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d of level %d has %d bytes", t.N, t.L, len(b))
		}
		out[i] = b[:t.W*tlog.HashSize]
	}
	return out, nil
}
