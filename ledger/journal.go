package ledger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// ErrLocked means that another process has a journal or directory open.
var ErrLocked = errors.New("it is in use by another process")

// Journal is a journal that is no file: an append-only row of messages, one
// for each line, kept where no restore of this directory reaches. A stream of
// another account has these methods.
type Journal interface {
	// Last is the number of messages, as it was at opening and as Append moved it.
	Last() events.Seq
	// Read returns message seq, counted from 1.
	Read(ctx context.Context, seq events.Seq) ([]byte, error)
	// Append stores messages behind Last, durably, and returns the sequence of
	// the first. It stores nothing if somebody else has appended since.
	Append(ctx context.Context, messages [][]byte) (events.Seq, error)
}

// journal is the memory of what was signed: one line for each checkpoint,
// written and synced before anyone can see it. Only its end is read.
type journal struct {
	file      *os.File
	elsewhere Journal // in the place of the file
	end       int64   // where the next line goes
	last      published
	step      step
}

// openElsewhere reads the last line of a journal that is no file.
func openElsewhere(ctx context.Context, at Journal, s step) (*journal, error) {
	j := &journal{elsewhere: at, step: s}
	seq := at.Last()
	if seq == 0 {
		return j, nil
	}
	line, err := at.Read(ctx, seq)
	if err == nil {
		j.last, err = parseLine(line)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the journal: message %d: %w", seq, err)
	}
	return j, nil
}

// journalTail is how much of the end is read: more than the longest line,
// which is that of the largest note, and the torn one after it.
const journalTail = 4 * maxNote

// openJournal opens or creates the journal for this process alone. It cuts off
// a torn last line and makes the line before it durable again: a process that
// died between writing and syncing left it to chance.
func openJournal(path string, s step) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	f, err := LockFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal %s: %w", path, err)
	}
	j := &journal{file: f, step: s}
	if err := j.recover(); err != nil {
		f.Close()
		return nil, fmt.Errorf("reading the journal %s: %w", path, err)
	}
	if err := syncPath(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, fmt.Errorf("opening the journal %s: %w", path, err)
	}
	return j, nil
}

func (j *journal) recover() error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	start := max(0, info.Size()-journalTail)
	tail := make([]byte, info.Size()-start)
	if _, err := j.file.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	line, whole := lastLine(tail)
	if start > 0 && len(line) == whole {
		return fmt.Errorf("no line ends and another begins in the last %d bytes", len(tail))
	}
	if whole > 0 {
		if j.last, err = parseLine(line); err != nil {
			return fmt.Errorf("last line: %w", err)
		}
	}
	j.end = start + int64(whole)
	if err := j.file.Truncate(j.end); err != nil {
		return err
	}
	// Written once more, the line is flushed even if the disk refused it the
	// first time and the system forgot about it.
	if _, err := j.file.WriteAt(line, j.end-int64(len(line))); err != nil {
		return err
	}
	return j.file.Sync()
}

// lastLine is the last whole line of tail, with its newline, and where it ends.
// A line with a zero byte is torn as well: a file can have grown before its
// content arrived.
func lastLine(tail []byte) (line []byte, end int) {
	for {
		end = bytes.LastIndexByte(tail, '\n') + 1
		line = tail[bytes.LastIndexByte(tail[:max(0, end-1)], '\n')+1 : end]
		if bytes.IndexByte(line, 0) < 0 {
			return line, end
		}
		tail = tail[:end-len(line)]
	}
}

// line is a checkpoint as the journal holds it.
func (p published) line() string {
	b := strconv.AppendUint(nil, uint64(p.Size), 10)
	b = append(b, ' ')
	b = base64.StdEncoding.AppendEncode(b, p.Root[:])
	b = append(b, ' ')
	b = base64.StdEncoding.AppendEncode(b, p.note)
	return string(append(b, '\n'))
}

// parseLine reads what line writes, for a note that states the same.
func parseLine(line []byte) (published, error) {
	fields := strings.Split(strings.TrimSuffix(string(line), "\n"), " ")
	if len(fields) != 3 {
		return published{}, errors.New("it is not a size, a root and a note")
	}
	msg, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return published{}, errors.New("the note is not base64")
	}
	c, err := stated(msg)
	if err != nil {
		return published{}, err
	}
	p := published{c, msg}
	if p.line() != string(line) {
		return published{}, errors.New("size and root are not those of the note, or it is not in the one form")
	}
	return p, nil
}

// append makes p the last checkpoint if the last one has size after, and only
// if p is larger; the same p again changes nothing. Without this no checkpoint
// leaves the process.
func (j *journal) append(ctx context.Context, after events.Size, p published) error {
	last := j.last
	switch {
	case p.Size == last.Size && p.Root == last.Root && bytes.Equal(p.note, last.note):
		return nil
	case after != last.Size:
		return fmt.Errorf("journalling size %d after %d: the journal is at %d", p.Size, after, last.Size)
	case p.Size <= last.Size:
		return fmt.Errorf("journalling size %d: the journal is at %d already", p.Size, last.Size)
	case p.Origin != last.Origin && last.Size > 0:
		return fmt.Errorf("journalling size %d: the journal belongs to %s, not to %s", p.Size, last.Origin, p.Origin)
	}
	if err := j.store(ctx, p.line()); err != nil {
		return fmt.Errorf("journalling size %d: %w", p.Size, err)
	}
	j.last = p
	return nil
}

// store makes a line durable. After an error nobody knows whether it is.
func (j *journal) store(ctx context.Context, line string) error {
	if j.elsewhere != nil {
		return j.step.run("publish journal", func() error {
			_, err := j.elsewhere.Append(ctx, [][]byte{[]byte(line)})
			return err
		})
	}
	err := j.step.run("write journal", func() error {
		_, err := j.file.WriteAt([]byte(line), j.end)
		return err
	})
	if err == nil {
		err = j.step.run("sync journal", j.file.Sync)
	}
	if err == nil {
		j.end += int64(len(line))
	}
	return err
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
