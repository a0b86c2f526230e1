package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// inStream says that a journal is not a file.
func inStream(journal string) bool { return strings.Contains(journal, "://") }

// journalName is a journal as errors may name it, without a password.
func journalName(journal string) string {
	if u, err := url.Parse(journal); err == nil && inStream(journal) {
		return u.Redacted()
	}
	return journal
}

// journalOf says what one of the journals holds. Each has a file of its own, named
// after the first, or a stream and a subject.
type journalOf struct{ suffix, stream, subject string }

var (
	signedLog   = journalOf{}
	signedIndex = journalOf{".index", "DAYBOOK-INDEX-JOURNAL", "daybook.index.journal"}
	indexLeaves = journalOf{".leaves", "DAYBOOK-INDEX-LEAVES", "daybook.index.leaves"}
)

// journalFile is where a journal lies that is in no stream.
func (cfg config) journalFile(j journalOf) string {
	return cmp.Or(cfg.journal, filepath.Join(cfg.dir, "journal")) + j.suffix
}

// openJournal opens a journal that lies in a stream, and returns nil for one
// that is a file, which the ledger opens itself.
func (s *system) openJournal(ctx context.Context, cfg config, of journalOf) (ledger.Journal, error) {
	if !inStream(cfg.journal) {
		return nil, nil
	}
	j, err := stream.OpenJournal(ctx, stream.JournalConfig{URL: cfg.journal, Credentials: cfg.journalCreds, Name: of.stream, Subject: of.subject})
	if err != nil {
		return nil, fmt.Errorf("%w; without its journal a ledger signs nothing", err)
	}
	s.closers = append(s.closers, j.Close)
	return j, nil
}

// copyJournal puts the lines of the journals in streams into files for as long as s
// is open.
func (s *stopped) copyJournal(ctx context.Context) (err error) {
	if !inStream(s.journal) {
		return nil
	}
	dir, err := os.MkdirTemp("", "daybook-journal-")
	if err != nil {
		return fmt.Errorf("copying the journal: %w", err)
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
	from := stream.JournalConfig{URL: s.journal, Credentials: s.journalCreds}
	s.journal, s.copied = filepath.Join(dir, "journal"), true
	for _, of := range []journalOf{signedLog, signedIndex} {
		lines, err := os.Create(s.journal + of.suffix)
		if err != nil {
			return fmt.Errorf("copying the journal: %w", err)
		}
		err = copyStream(ctx, from, of, func(line []byte) error {
			_, err := lines.Write(line)
			return err
		})
		if err = errors.Join(err, lines.Close()); err != nil {
			return err
		}
	}
	leaves, err := trail.OpenLeaves(s.journal + indexLeaves.suffix)
	if err != nil {
		return err
	}
	err = copyStream(ctx, from, indexLeaves, func(text []byte) error {
		_, err := leaves.Append(ctx, [][]byte{text})
		return err
	})
	return errors.Join(err, leaves.Close())
}

// copyStream gives every message of a journal to do.
func copyStream(ctx context.Context, from stream.JournalConfig, of journalOf, do func([]byte) error) error {
	from.Name, from.Subject = of.stream, of.subject
	j, err := stream.OpenJournal(ctx, from)
	if err != nil {
		return err
	}
	defer j.Close()
	for m, err := range j.Replay(ctx, 1, j.Last()) {
		if err == nil {
			err = do(m.Data)
		}
		if err != nil {
			return fmt.Errorf("copying the journal: %w", err)
		}
	}
	return nil
}
