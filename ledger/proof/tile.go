package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// TileWidth is the number of hashes in a full tile and of entries in a full
// entry bundle.
const TileWidth = 256

// EntriesLevel is the [Tile] level that stands for entry bundles.
const EntriesLevel = -1

// Tile names one file of the public log: a tile of hashes, or a bundle of
// entries (c2sp.org/tlog-tiles).
type Tile struct {
	Level int    // 0 to 63, or EntriesLevel
	N     uint64 // which one of the level, from 0
	Width int    // hashes or entries in it: 1 to TileWidth, less when partial
}

// Path is the tile's path below the log's prefix, without a leading slash. It
// does not check t: [ParseTilePath] refuses the path of a tile no log has.
func (t Tile) Path() string {
	level := "entries"
	if t.Level != EntriesLevel {
		level = strconv.Itoa(t.Level)
	}
	number := fmt.Sprintf("%03d", t.N%1000)
	for n := t.N / 1000; n > 0; n /= 1000 {
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	path := "tile/" + level + "/" + number
	if t.Width != TileWidth {
		path += ".p/" + strconv.Itoa(t.Width)
	}
	return path
}

// TilePath is the path of tile n of a level, such as "tile/0/x001/234" when
// full and "tile/0/x001/234.p/5" when it has only 5 hashes.
func TilePath(level int, n uint64, width int) string {
	return Tile{Level: level, N: n, Width: width}.Path()
}

// EntriesPath is the path of entry bundle n, such as "tile/entries/000" when
// full and "tile/entries/000.p/5" when it has only 5 entries.
func EntriesPath(n uint64, width int) string {
	return Tile{Level: EntriesLevel, N: n, Width: width}.Path()
}

// ParseTilePath reads a path below the log's prefix. It accepts only what
// [Tile.Path] writes for a tile that a log of at most [MaxSize] entries can
// have, so N times TileWidth does not overflow.
func ParseTilePath(path string) (Tile, error) {
	t, err := parseTilePath(path)
	if err == nil && t.Path() != path {
		err = errors.New("not in its canonical form")
	}
	if err != nil {
		return Tile{}, fmt.Errorf("reading the tile path %.80q: %w", path, err)
	}
	return t, nil
}

func parseTilePath(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return Tile{}, errors.New("not below tile/")
	}
	t := Tile{Level: EntriesLevel, Width: TileWidth}
	if level != "entries" {
		n, err := strconv.ParseUint(level, 10, 8)
		if err != nil || n > 63 {
			return Tile{}, errors.New("the level is not a number from 0 to 63")
		}
		t.Level = int(n)
	}
	number, width, partial := strings.Cut(rest, ".p/")
	if partial {
		w, err := strconv.ParseUint(width, 10, 8)
		if err != nil || w == 0 {
			return Tile{}, errors.New("the width is not a number from 1 to 255")
		}
		t.Width = int(w)
	}
	n, err := parseTileNumber(number)
	if err != nil {
		return Tile{}, err
	}
	t.N = n
	return t, nil
}

// parseTileNumber reads three digits per path element. No tile lies beyond
// MaxSize hashes, which bounds the number long before it could overflow.
func parseTileNumber(s string) (n uint64, err error) {
	for element := range strings.SplitSeq(s, "/") {
		d, err := strconv.ParseUint(strings.TrimPrefix(element, "x"), 10, 16)
		if err != nil || d > 999 {
			return 0, errors.New("the tile number is not in elements of three digits")
		}
		if n = n*1000 + d; n >= uint64(MaxSize)/TileWidth {
			return 0, errors.New("no log has a tile of this number")
		}
	}
	return n, nil
}

// AppendBundle appends an entry to the entry bundle dst: its length as a
// big-endian 16-bit number, then its bytes. An entry that is empty or longer
// than [MaxEntry] is an error.
func AppendBundle(dst, entry []byte) ([]byte, error) {
	if len(entry) == 0 || len(entry) > MaxEntry {
		return dst, fmt.Errorf("bundling an entry: %d bytes instead of 1 to %d", len(entry), MaxEntry)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(entry)))
	return append(dst, entry...), nil
}

// ReadBundle reads an entry bundle that must hold exactly count entries, 1 to
// [TileWidth], and nothing after them. The entries are parts of b.
func ReadBundle(b []byte, count int) ([][]byte, error) {
	if count < 1 || count > TileWidth {
		return nil, fmt.Errorf("reading a bundle: %d entries instead of 1 to %d", count, TileWidth)
	}
	entries := make([][]byte, 0, count)
	for i := range count {
		if len(b) < 2 {
			return nil, fmt.Errorf("reading a bundle: it ends before entry %d of %d", i+1, count)
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		if end == 2 {
			return nil, fmt.Errorf("reading a bundle: entry %d is empty", i+1)
		}
		if end > len(b) {
			return nil, fmt.Errorf("reading a bundle: it ends within entry %d of %d", i+1, count)
		}
		entries = append(entries, b[2:end:end])
		b = b[end:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("reading a bundle: %d bytes after entry %d", len(b), count)
	}
	return entries, nil
}
