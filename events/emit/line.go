package emit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// maxLine is far above any line: an event of the largest request and a problem.
const maxLine = MaxBytes + 64<<10

// sumLength is the checksum of a line and the space behind it.
const sumLength = 9

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errDamaged is a line that nobody wrote like this.
var errDamaged = errors.New("a line is damaged")

// appendLine appends the line of payload, which has no newline.
func appendLine(dst, payload []byte) []byte {
	dst = fmt.Appendf(dst, "%08x ", crc32.Checksum(payload, castagnoli))
	return append(append(dst, payload...), '\n')
}

// parseLine is the payload of a line, without its newline.
func parseLine(line []byte) ([]byte, error) {
	if len(line) <= sumLength {
		return nil, errDamaged
	}
	payload := line[sumLength:]
	if sum := fmt.Appendf(nil, "%08x ", crc32.Checksum(payload, castagnoli)); !bytes.Equal(line[:sumLength], sum) {
		return nil, errDamaged
	}
	return payload, nil
}

// lines reads a file of lines; at is where the next one begins.
type lines struct {
	in *bufio.Reader
	at int64
}

// readLines reads f between two offsets.
func readLines(f *os.File, from, to int64) *lines {
	room := int(min(maxLine, to-from+1))
	return &lines{bufio.NewReaderSize(io.NewSectionReader(f, from, to-from), room), from}
}

// next is the payload of the next line, valid until the one after. A line that
// is damaged is skipped with errDamaged; one that does not end is damaged too.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	l.at += int64(len(line))
	switch {
	case err == nil:
		return parseLine(line[:len(line)-1])
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
		return nil, errDamaged
	}
	return nil, err
}

// file is a file that lines are appended to. What lies behind size was never
// durable as a whole.
type file struct {
	*os.File
	size int64
	step stepFunc
}

// stepFunc does one thing to the disk; tests fail it there.
type stepFunc func(name string, do func() error) error

// append writes text and makes it durable, or takes it back. An error that
// wraps errBroken left the file in a state that only opening it again clears up.
func (f *file) append(name string, text []byte) error {
	err := f.step("write "+name, func() error {
		_, err := f.WriteAt(text, f.size)
		return err
	})
	if err != nil {
		if undo := f.cut(f.size); undo != nil {
			return fmt.Errorf("%w: %w", errBroken, errors.Join(err, undo))
		}
		return err
	}
	// After a failed sync nobody knows what the disk has.
	if err := f.step("sync "+name, f.Sync); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	f.size += int64(len(text))
	return nil
}

// cut ends the file at size.
func (f *file) cut(size int64) error {
	err := f.step("cut", func() error { return errors.Join(f.Truncate(size), f.Sync()) })
	if err != nil {
		return err
	}
	f.size = size
	return nil
}

// openFile opens path for appending and reading; its size is not known yet.
func openFile(path string, flags int, step stepFunc) (*file, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &file{f, info.Size(), step}, nil
}
