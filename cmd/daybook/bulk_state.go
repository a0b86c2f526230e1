package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/daybook-ledger/daybook/events"
)

// bulkState remembers in a file what is answered: a line that tells the bulk event
// from others, then the number of an answered part a line. The zero bulkState
// remembers nothing.
type bulkState struct {
	file   *os.File
	parts  map[int]bool
	before int // how many were there when it was opened
}

func openBulkState(dir, sum string) (s bulkState, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, fmt.Errorf("opening the state: %w", err)
	}
	if s.file, err = os.OpenFile(dir+"/bulk", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return s, fmt.Errorf("opening the state: %w", err)
	}
	if err := s.read("daybook/bulk@1 " + sum + "\n"); err != nil {
		s.close()
		return s, fmt.Errorf("opening the state: %w", err)
	}
	return s, nil
}

// read reads what a run before has written; a line that a crash cut off is
// written over.
func (s *bulkState) read(first string) error {
	text, err := io.ReadAll(s.file)
	if err != nil {
		return err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(whole) == 0 {
		_, err := s.file.WriteAt([]byte(first), 0)
		return errors.Join(err, s.file.Truncate(int64(len(first))), s.seek(len(first)))
	}
	if !bytes.HasPrefix(whole, []byte(first)) {
		return exitWith(exitUsage, "it is of another file of persons or another head; give each bulk event a directory of its own")
	}
	s.parts = map[int]bool{}
	for line := range bytes.Lines(whole[len(first):]) {
		var n int
		if _, err := fmt.Sscanf(string(line), "%d\n", &n); err != nil {
			return errors.New("a line of it is damaged; without --dir everything is sent again, which doubles nothing")
		}
		s.parts[n] = true
	}
	s.before = len(s.parts)
	return errors.Join(s.file.Truncate(int64(len(whole))), s.seek(len(whole)))
}

func (s *bulkState) seek(n int) error {
	_, err := s.file.Seek(int64(n), io.SeekStart)
	return err
}

func (s *bulkState) has(part int) bool { return s.parts[part] }

// add notes parts as answered, durable when it returns.
func (s *bulkState) add(parts []int) error {
	if s.file == nil || len(parts) == 0 {
		return nil
	}
	var text []byte
	for _, n := range parts {
		text = fmt.Appendf(text, "%d\n", n)
	}
	_, err := s.file.Write(text)
	if err := errors.Join(err, s.file.Sync()); err != nil {
		return fmt.Errorf("keeping what is answered: %w", err)
	}
	return nil
}

func (s *bulkState) close() {
	if s.file != nil {
		_ = s.file.Close() // everything in it is synced
	}
}

// bulkList is what one reading of a file of them tells.
type bulkList struct {
	count int
	sum   []byte // SHA-256 of the file
}

// parts is how many parts there are of so many persons.
func (p bulkList) parts() int { return (p.count + events.MaxPart - 1) / events.MaxPart }

// countPersons reads and checks the whole file.
func countPersons(path string) (bulkList, error) {
	f, err := os.Open(path)
	if err != nil {
		return bulkList{}, fmt.Errorf("reading persons: %w", err)
	}
	defer f.Close()
	out, sum := bulkList{}, sha256.New()
	err = eachPart(f, sum, func(_ int, list []events.Person) error {
		out.count += len(list)
		return nil
	})
	out.sum = sum.Sum(nil)
	switch {
	case err != nil:
		return out, fmt.Errorf("reading persons from %s: %w", path, err)
	case out.count == 0:
		return out, fmt.Errorf("reading persons from %s: it names nobody", path)
	case out.count == 1:
		return out, fmt.Errorf("reading persons from %s: it names one person; send the event with subjects of mode single", path)
	}
	return out, nil
}
