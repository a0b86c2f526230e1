package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
)

// The stream that holds the history, and its subject.
const (
	historyStream  = "DAYBOOK"
	historySubject = "daybook.history"
)

// stopped is a data directory whose ledger does not run.
type stopped struct {
	dir, journal string
	master       master // for what opens the keys
	journalCreds string
	copied       bool     // journal is a copy of one that lies in a stream
	seen         []string // files of checkpoints that somebody kept
	index        indexCheck
	torn         error // how the history's last file ends, if within a message
	closers      []func() error
}

// flags are those of every command on a stopped ledger.
func (s *stopped) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.journal, "journal", "", "the file of signed checkpoints, or nats://HOST:PORT for a stream; default DIR/journal")
	c.Flags().StringVar(&s.journalCreds, "journal-creds", "", "the credentials file of the journal's NATS account")
	c.Flags().StringArrayVar(&s.seen, "last-seen", nil, "a file of checkpoints that somebody kept, to compare with")
}

// open takes hold of the directory, so that no ledger starts there meanwhile.
func (s *stopped) open(ctx context.Context, args []string) error {
	s.dir = defaultDir
	if len(args) > 0 {
		s.dir = args[0]
	}
	if s.journal == "" {
		s.journal = filepath.Join(s.dir, "journal")
	}
	held, err := broker.Hold(filepath.Join(s.dir, "history"))
	if errors.Is(err, broker.ErrLocked) {
		return fmt.Errorf("%w; stop the ledger first", err)
	}
	if err != nil {
		return err
	}
	s.closers = append(s.closers, held.Close)
	if err := s.copyJournal(ctx); err != nil {
		s.close()
		return err
	}
	return nil
}

func (s *stopped) close() {
	for _, c := range s.closers {
		_ = c() // nothing was written that must stay
	}
	s.closers = nil
}

// Heads are what the files hold.
func (s *stopped) Heads(ctx context.Context) ([]ledger.Head, error) {
	return seen{files: s.seen}.Heads(ctx)
}

// history is read from the files: a server that starts on damaged ones cuts
// off what it cannot read.
func (s *stopped) history() iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for m, err := range broker.ReadFiles(filepath.Join(s.dir, "history"), historyStream, historySubject) {
			var wrong *broker.FileError
			if errors.As(err, &wrong) && wrong.Torn {
				s.torn = err
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (s *stopped) config() ledger.CheckConfig {
	return ledger.CheckConfig{Dir: filepath.Join(s.dir, "public"), Journal: s.journal, History: s.history(), Heads: s}
}

// check compares everything. The log beside the public files can be made again,
// so that its absence is no difference.
func (s *stopped) check(ctx context.Context) (*ledger.CheckReport, error) {
	cfg := s.config()
	if isDir(filepath.Join(s.dir, "log")) {
		l, err := locallog.Open(ctx, locallog.Config{Dir: filepath.Join(s.dir, "log")})
		if err != nil {
			return &ledger.CheckReport{}, &ledger.Difference{Part: ledger.PartLog, Place: filepath.Join(s.dir, "log"), Reason: err}
		}
		defer l.Close()
		cfg.Log = l
	}
	report, err := ledger.Check(ctx, cfg)
	if err == nil {
		s.index, err = s.checkIndex(ctx, false)
		report.Notes = append(report.Notes, s.index.notes...)
	}
	if s.torn != nil {
		report.Notes = append(report.Notes, fmt.Sprintf("%v; if it was not damaged there, a crash left it, it was never acknowledged, and the next start cuts it off", s.torn))
	}
	return report, err
}

func fsckCommand() *cobra.Command {
	var s stopped
	c := &cobra.Command{
		Use:   "fsck [DIR]",
		Short: "Compute a stopped ledger again from its history and name the first difference",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.open(c.Context(), args); err != nil {
				return err
			}
			defer s.close()
			report, err := s.check(c.Context())
			for _, note := range report.Notes {
				fmt.Fprintln(c.ErrOrStderr(), "note:", note)
			}
			if err != nil {
				return fsckError(err, s.dir)
			}
			printCheck(c.OutOrStdout(), report, s.index)
			return nil
		},
	}
	s.flags(c)
	return c
}

// fsckError gives what a check found its exit code.
func fsckError(err error, dir string) error {
	var d *ledger.Difference
	if !errors.As(err, &d) || errors.Is(err, os.ErrPermission) {
		return err
	}
	return exitWith(exitInvalid, "DIFFERENT: %w; daybook recover %s says what can be done", err, dir)
}

func printCheck(out io.Writer, r *ledger.CheckReport, index indexCheck) {
	fmt.Fprintf(out, "WHOLE: %d messages, and all else follows from them\n\n", r.Messages)
	fmt.Fprintf(out, "  log        %s\n  signed     %d checkpoints, the last of size %d\n  root       %v\n  published  %d\n  tiles      %d\n  trillian   %d\n",
		r.Origin, r.Lines, r.Signed, r.Root, r.Published, r.Tiles, r.LogSize)
	if index.leaves > 0 {
		fmt.Fprintf(out, "  index      %d leaves, the last of size %d\n", index.leaves, index.size)
	}
	fmt.Fprintf(out, "\nChecked: every message of the history has its checksum and is well formed; entries, tiles,\n"+
		"every signed root, the published checkpoint and the log beside them follow from the messages,\n"+
		"and so does every leaf of the completeness index, with its journals, files and signature.\n"+
		"Not checked: that boxes open, which needs the keys; views and book, which are made again.\n")
}
