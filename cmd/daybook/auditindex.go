package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// auditIndex is an audit of the log and of its index. What convicts the ledger is
// written to a file, unless that is "".
func auditIndex(ctx context.Context, out io.Writer, source ledger.Source, v note.Verifier, file, whose string) error {
	if file != "" {
		if _, err := os.Lstat(file); err == nil {
			return exitWith(exitUsage, "%s is there already, and evidence is not written over anything", file)
		}
	}
	r, err := trail.Audit(ctx, source, v, trail.AuditOptions{})
	if wrong := new(trail.Violation); errors.As(err, &wrong) && !errors.Is(err, ledger.ErrIncomplete) {
		return convict(wrong, file)
	}
	if err != nil {
		return auditError(err)
	}
	printReport(out, r.Ledger, whose)
	if r.Note == nil {
		return exitWith(exitIncomplete, "the index is not published there: nothing of it was checked, and %d tags and enrolments should be in it", r.Behind)
	}
	printIndexReport(out, r)
	return nil
}

// convict says what is wrong, and how to show it to others.
func convict(wrong *trail.Violation, file string) error {
	if wrong.Evidence == nil {
		return exitWith(exitInvalid, "NOT VALID: %w; signed statements alone do not show it: who is to believe it has to audit as well", wrong)
	}
	if file == "" {
		return exitWith(exitInvalid, "NOT VALID: %w; with --evidence FILE you get a file that shows it to anyone", wrong)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		_, err = f.Write(wrong.Evidence.Format())
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: %w; writing the evidence: %w", wrong, err)
	}
	return exitWith(exitInvalid, "NOT VALID: %w; %s shows it to anyone, with daybook verify and the log's key", wrong, file)
}

func printIndexReport(out io.Writer, r *trail.Report) {
	fmt.Fprintf(out, "\n  index    %s\n  leaves   %d, the last of size %d\n  root     %v\n",
		proof.IndexKeyName(r.Ledger.Origin), r.Leaves, r.Last.Size, r.Root)
	if r.Leaves > 0 {
		fmt.Fprintf(out, "  tags     %v\n  persons  %v\n", r.Last.Tags, r.Last.Labels)
	}
	fmt.Fprintf(out, "  not covered yet: %d entries, with %d tags and enrolments\n", r.Ledger.Size-r.Last.Size, r.Behind)
	fmt.Fprintf(out, "\nChecked: both trees were computed again from the entries, and every leaf of the index has the\n"+
		"ledger's root at its size and both trees' roots there, and covers more than the one before; the\n"+
		"index is signed by the key that entry 0 names. Not checked: which tags are whose, which their\n"+
		"keys alone can tell, and that others were shown the same index.\n")
}
