package emit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// segmentBytes is when the next segment begins; a group may go beyond.
const segmentBytes = 4 << 20

const segmentPrefix = "outbox-"

// segment is one file of the outbox: count events from number first on. Its
// size counts whole, durable lines.
type segment struct {
	path  string
	first uint64
	count uint64
	size  int64
}

// end is the number behind the last event.
func (s segment) end() uint64 { return s.first + s.count }

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s%020d", segmentPrefix, first))
}

// findSegments lists the outbox of dir, in order. Only the last may have a tail
// that was never durable; it is cut off. No event is missing between them but
// those up to number through, which are answered.
func findSegments(dir string, through uint64) ([]segment, error) {
	names, err := filepath.Glob(filepath.Join(dir, segmentPrefix+"*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []segment
	for i, path := range names {
		first, err := strconv.ParseUint(strings.TrimPrefix(filepath.Base(path), segmentPrefix), 10, 64)
		if err != nil || segmentPath(dir, first) != path || first == 0 {
			return nil, fmt.Errorf("%s is no segment", path)
		}
		s, err := readSegment(path, first, i == len(names)-1)
		if err != nil {
			return nil, err
		}
		if n := len(out); n > 0 && out[n-1].end() != first && (out[n-1].end() > first || first > through+1) {
			return nil, fmt.Errorf("%s should begin at %d", path, out[n-1].end())
		}
		out = append(out, s)
	}
	return out, nil
}

func readSegment(path string, first uint64, last bool) (segment, error) {
	s := segment{path: path, first: first}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	for in := readLines(f, 0, info.Size()); ; s.count, s.size = s.count+1, in.at {
		_, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return s, nil
		case errors.Is(err, errDamaged) && last:
			return s, errors.Join(f.Truncate(s.size), f.Sync())
		case err != nil:
			return s, fmt.Errorf("%s at byte %d: %w", path, s.size, err)
		}
	}
}

// offset is where event number n of s begins.
func (s segment) offset(n uint64) (int64, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	in := readLines(f, 0, s.size)
	for i := s.first; i < n; i++ {
		if _, err := in.next(); err != nil {
			return 0, fmt.Errorf("%s at byte %d: %w", s.path, in.at, err)
		}
	}
	return in.at, nil
}

// read is the events of s from the offset at on that fit into one request, at
// most limit, and the offset behind them.
func (s segment) read(at int64, limit int) (batch [][]byte, end int64, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, at, err
	}
	defer f.Close()
	in, size := readLines(f, at, s.size), 2
	for end = at; len(batch) < limit && end < s.size; end = in.at {
		payload, err := in.next()
		if err != nil {
			return nil, at, fmt.Errorf("%s at byte %d: %w", s.path, end, err)
		}
		if size += len(payload) + 1; size-1 > MaxBytes && len(batch) > 0 {
			break
		}
		batch = append(batch, slices.Clone(payload))
	}
	return batch, end, nil
}
