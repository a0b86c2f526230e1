package broker

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"

	"github.com/daybook-ledger/daybook/events"
)

// FileError says that a file of the stored history is not what the server
// writes.
type FileError struct {
	File   string // path below the directory
	Offset int64  // of the record, in bytes
	// Torn says that the last file ends within the record: a crash left it, and
	// the server cuts it off at its next start.
	Torn   bool
	Reason error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("the history is damaged in %s at byte %d: %v", e.File, e.Offset, e.Reason)
}

// Unwrap is the reason.
func (e *FileError) Unwrap() error { return e.Reason }

// ReadFiles yields the messages of a stream of one subject from the files below dir, without
// a server and without changing anything: a server that starts on damaged files
// cuts off what it cannot read. It ends with its first error, a *FileError where
// a file is wrong. Sequences are yielded as they stand there. No server may run
// on dir meanwhile.
//
// The files are <n>.blk, n = 1, 2 …, each a row of records of this form,
// little-endian, which is the server's own and as of its version 2.15:
//
//	u32 length of all, its highest bit set when there are headers
//	u64 sequence, u64 time, u16 length of the subject, subject
//	with headers: u32 length, headers
//	message, and the 8-byte HighwayHash under the key SHA-256(<stream>-<n>) of
//	sequence, time, subject, headers and message
//
// The checksum covers none of the lengths; what they separate is checked: the
// subject is the given one, and headers end with their empty line.
func ReadFiles(dir, stream, subject string) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		blocks, err := blocksOf(dir, stream)
		if err != nil {
			yield(events.Stored{}, fmt.Errorf("reading the stored history: %w", err))
			return
		}
		for m, err := range readBlocks(dir, stream, subject, blocks) {
			if !yield(m, err) {
				return
			}
		}
	}
}

// readBlocks ends with its first error. The last of blocks is the stream's last.
func readBlocks(dir, stream, subject string, blocks []int) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for i, n := range blocks {
			b := block{dir: dir, subject: subject, name: filepath.Join(blockDir(stream), strconv.Itoa(n)+".blk"), last: i == len(blocks)-1}
			key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, n))
			for m, err := range b.records(key[:]) {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// CheckFiles returns a *FileError where a server that starts on dir would cut
// off messages it cannot read: in the last two blocks, which it may read again
// after a crash, or in any when its own index of them is gone. A torn end is
// none, and neither is a stream that is not there yet.
func CheckFiles(dir, stream, subject string) error {
	blocks, err := blocksOf(dir, stream)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the stored history: %w", err)
	}
	from := max(0, len(blocks)-2)
	if _, err := os.Stat(filepath.Join(dir, blockDir(stream), "index.db")); err != nil {
		from = 0
	}
	for _, err := range readBlocks(dir, stream, subject, blocks[from:]) {
		var wrong *FileError
		if errors.As(err, &wrong) && wrong.Torn {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func blockDir(stream string) string {
	return filepath.Join("jetstream", "$G", "streams", stream, "msgs")
}

// blocksOf are the numbers of the blocks, ascending. Without any the history
// is not there, which is more than an empty one.
func blocksOf(dir, stream string) ([]int, error) {
	files, err := os.ReadDir(filepath.Join(dir, blockDir(stream)))
	if err != nil {
		return nil, err
	}
	var blocks []int
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".blk"); ok {
			n, err := strconv.Atoi(name)
			if err != nil {
				return nil, fmt.Errorf("%s is no block", f.Name())
			}
			blocks = append(blocks, n)
		}
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s holds no block: %w", blockDir(stream), fs.ErrNotExist)
	}
	slices.Sort(blocks)
	return blocks, nil
}

// block is one file of records.
type block struct {
	dir, name string
	subject   string // of every message
	last      bool
	at        int64 // where the record begins
}

const (
	recordHead  = 22
	recordCheck = 8
	headersBit  = 1 << 31
	// seqBits are those of a sequence that mark a deleted message.
	seqBits = 3 << 62
	// maxRecord is far above what a message and its subject and headers take.
	maxRecord = maxPayload + 1<<16
)

func (b *block) records(key []byte) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		f, err := os.Open(filepath.Join(b.dir, b.name))
		if err != nil {
			yield(events.Stored{}, fmt.Errorf("reading the stored history: %w", err))
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, 1<<20)
		for {
			rec, err := b.next(in)
			if errors.Is(err, io.EOF) {
				return
			}
			var m events.Stored
			if err == nil {
				m, err = b.message(rec, key)
			}
			if !yield(m, err) || err != nil {
				return
			}
			b.at += int64(len(rec))
		}
	}
}

func (b *block) wrong(torn bool, format string, args ...any) error {
	return &FileError{File: b.name, Offset: b.at, Torn: torn && b.last, Reason: fmt.Errorf(format, args...)}
}

// next is the next record's bytes, io.EOF behind the last.
func (b *block) next(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(recordHead)
	switch {
	case len(head) == 0 && errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.Is(err, io.EOF):
		return nil, b.wrong(true, "it ends within the head of a record")
	case err != nil:
		return nil, fmt.Errorf("reading the stored history: %s: %w", b.name, err)
	}
	n := binary.LittleEndian.Uint32(head) &^ headersBit
	if n == 0 && zeros(in) {
		return nil, b.wrong(true, "nothing but zeros follows: the file grew before its content arrived")
	}
	if n < recordHead+recordCheck || n > maxRecord {
		return nil, b.wrong(false, "a record of %d bytes", n)
	}
	rec := make([]byte, n)
	switch _, err = io.ReadFull(in, rec); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, b.wrong(true, "it ends within a record of %d bytes", n)
	case err != nil:
		return nil, fmt.Errorf("reading the stored history: %s: %w", b.name, err)
	}
	return rec, nil
}

// zeros says that the rest of in is.
func zeros(in *bufio.Reader) bool {
	for {
		c, err := in.ReadByte()
		if err != nil || c != 0 {
			return errors.Is(err, io.EOF)
		}
	}
}

// message checks a record and takes the message out of it.
func (b *block) message(rec, key []byte) (events.Stored, error) {
	body, check := rec[recordHead:len(rec)-recordCheck], rec[len(rec)-recordCheck:]
	subject := int(binary.LittleEndian.Uint16(rec[20:]))
	headers := binary.LittleEndian.Uint32(rec)&headersBit != 0
	if subject > len(body) || headers && subject+4 > len(body) {
		return events.Stored{}, b.wrong(false, "a subject of %d bytes in a record of %d", subject, len(rec))
	}
	hash, err := highwayhash.NewDigest64(key)
	if err != nil {
		return events.Stored{}, err
	}
	hash.Write(rec[4:20])
	hash.Write(body[:subject])
	data := body[subject:]
	skip := 0
	if headers {
		skip = int(min(binary.LittleEndian.Uint32(data), maxRecord))
		data = data[4:]
	}
	hash.Write(data)
	seq := binary.LittleEndian.Uint64(rec[4:])
	switch {
	case !bytes.Equal(hash.Sum(nil), check):
		return events.Stored{}, b.wrong(false, "the checksum of message %d does not fit", seq&^seqBits)
	case string(body[:subject]) != b.subject:
		return events.Stored{}, b.wrong(false, "the subject of message %d is %.80q instead of %q", seq&^seqBits, body[:subject], b.subject)
	case headers && (skip < 4 || bytes.Index(data, []byte("\r\n\r\n")) != skip-4):
		return events.Stored{}, b.wrong(false, "the headers of message %d do not end at %d bytes", seq&^seqBits, skip)
	case seq == 0 || seq&seqBits != 0:
		return events.Stored{}, b.wrong(false, "message %d was deleted", seq&^seqBits)
	}
	return events.Stored{Seq: events.Seq(seq), Data: data[skip:]}, nil
}

// Hold keeps every server away from dir until what it returns is closed. The
// error is ErrLocked while one runs there.
func Hold(dir string) (io.Closer, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("locking the history's directory: %w", err)
	}
	f, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("locking the history's directory %s: %w", dir, err)
	}
	return f, nil
}
