package trail

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// An audit looks at one part of a tree at a time: the items whose labels begin with
// the same byte.
const parts = 256

// spilled is an item, and the first leaf that covers it.
type spilled struct {
	item
	leaf events.Index
}

// noLeaf is the leaf of what none covers yet.
const noLeaf = ^events.Index(0)

// spilled = u64 leaf ‖ label ‖ u64 position ‖ value.
const spilledSize = 80

func (s spilled) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.leaf))
	b = append(b, s.Label[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.at))
	return append(b, s.Value[:]...)
}

func readSpilled(b []byte) (s spilled) {
	s.leaf = events.Index(binary.BigEndian.Uint64(b))
	copy(s.Label[:], b[8:])
	s.at = events.Index(binary.BigEndian.Uint64(b[40:]))
	copy(s.Value[:], b[48:])
	return s
}

// spill keeps all items of a tree on the disk by part, each part in the order of the
// ledger. It holds a block of each part in memory.
type spill struct {
	file *os.File
	end  int64
	part [parts]struct {
		blocks []int64 // where they begin
		rest   []byte
	}
}

const blockSize = 400 * spilledSize // 32,000 bytes

func newSpill(path string) (*spill, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return &spill{file: f}, err
}

func (s *spill) add(it spilled) error {
	p := &s.part[it.Label[0]]
	if p.rest == nil {
		p.rest = make([]byte, 0, blockSize)
	}
	if p.rest = it.append(p.rest); len(p.rest) < blockSize {
		return nil
	}
	if _, err := s.file.WriteAt(p.rest, s.end); err != nil {
		return err
	}
	p.blocks, p.rest = append(p.blocks, s.end), p.rest[:0]
	s.end += blockSize
	return nil
}

// read is one part: spilled items, one behind the other.
func (s *spill) read(part int) ([]byte, error) {
	p := &s.part[part]
	out := make([]byte, len(p.blocks)*blockSize+len(p.rest))
	for i, at := range p.blocks {
		if _, err := s.file.ReadAt(out[i*blockSize:(i+1)*blockSize], at); err != nil {
			return nil, err
		}
	}
	copy(out[len(p.blocks)*blockSize:], p.rest)
	return out, nil
}

// each gives all items to do, part by part, until that is an error.
func (s *spill) each(ctx context.Context, do func(spilled) error) error {
	for part := range parts {
		b, err := s.read(part)
		if err == nil {
			err = context.Cause(ctx)
		}
		for ; err == nil && len(b) > 0; b = b[spilledSize:] {
			err = do(readSpilled(b))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// spills are what an audit keeps on the disk: both trees, and the leaves that are to
// be compared with them.
type spills struct {
	tags, labels *spill
	leaves       *bufio.Writer
	leafFile     *os.File
}

func newSpills(dir string) (s *spills, err error) {
	s = &spills{}
	for _, one := range []struct {
		name string
		to   **spill
	}{{"tags", &s.tags}, {"labels", &s.labels}} {
		if *one.to, err = newSpill(filepath.Join(dir, one.name)); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if s.leafFile, err = os.OpenFile(filepath.Join(dir, "leaves"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.leaves = bufio.NewWriter(s.leafFile)
	return s, nil
}

func (s *spills) of(t tree) *spill {
	if t == labels {
		return s.labels
	}
	return s.tags
}

func (s *spills) close() (err error) {
	for _, one := range []*spill{s.tags, s.labels} {
		if one != nil && one.file != nil {
			err = errors.Join(err, one.file.Close())
		}
	}
	if s.leafFile != nil {
		err = errors.Join(err, s.leafFile.Close())
	}
	return err
}

// leaf = u64 position ‖ u64 size ‖ root ‖ tags ‖ labels.
const leafSize = 16 + 3*32

func (s *spills) addLeaf(l indexLeaf) error {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, leafSize), uint64(l.at))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Size))
	for _, h := range []proof.Hash{l.Root, l.Tags, l.Labels} {
		b = append(b, h[:]...)
	}
	_, err := s.leaves.Write(b)
	return err
}

// eachLeaf gives all leaves to do, in order, until that is false or an error.
func (s *spills) eachLeaf(do func(indexLeaf) (bool, error)) error {
	if err := s.leaves.Flush(); err != nil {
		return err
	}
	info, err := s.leafFile.Stat()
	if err != nil {
		return err
	}
	r := bufio.NewReader(io.NewSectionReader(s.leafFile, 0, info.Size()))
	b := make([]byte, leafSize)
	for n := int64(0); n < info.Size(); n += leafSize {
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("reading leaves back: %w", err)
		}
		l := indexLeaf{at: events.Index(binary.BigEndian.Uint64(b))}
		l.Size = events.Size(binary.BigEndian.Uint64(b[8:]))
		for i, h := range []*proof.Hash{&l.Root, &l.Tags, &l.Labels} {
			copy(h[:], b[16+32*i:])
		}
		if more, err := do(l); !more || err != nil {
			return err
		}
	}
	return nil
}
