package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// auditorFlags are what an auditor of all gives with each question.
type auditorFlags struct{ token, organization, key string }

func (f *auditorFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.token, "token", "", "the token of an auditor who is bound to no organization")
	c.Flags().StringVar(&f.organization, "org", "", "the organization that the reading is recorded for")
	c.Flags().StringVar(&f.key, "key", "", "the log's verifier key")
}

// open is the auditor, the log's key, and the checkpoint that is audited.
func (f *auditorFlags) open(ctx context.Context, url string) (a client.Auditor, v note.Verifier, c proof.Checkpoint, err error) {
	if v, err = verifier(f.key); err != nil {
		return a, v, c, err
	}
	if f.token == "" || f.organization == "" {
		return a, v, c, exitWith(exitUsage, "give --token, of an auditor of all, and --org, which the reading is recorded for")
	}
	source, err := client.New(url, nil)
	if err != nil {
		return a, v, c, exitWith(exitUnchecked, "%w", err)
	}
	a = client.Auditor{Client: source, Token: f.token, Organization: f.organization}
	c, err = checkpointOf(ctx, source, v)
	return a, v, c, err
}

func checkpointOf(ctx context.Context, source ledger.Source, v note.Verifier) (c proof.Checkpoint, err error) {
	msg, err := source.Read(ctx, "checkpoint")
	if err != nil {
		return c, exitWith(exitUnchecked, "%w", err)
	}
	if c, err = proof.OpenCheckpoint(msg, v); err != nil {
		return c, exitWith(exitInvalid, "NOT VALID: %w", err)
	}
	if c.Size == 0 {
		return c, exitWith(exitIncomplete, "%w", ledger.ErrNothingChecked)
	}
	return c, nil
}

func closureCommand() *cobra.Command {
	var f auditorFlags
	c := &cobra.Command{
		Use:   "closure URL --token AUDITOR --org ORGANIZATION --key VKEY",
		Short: "For auditors of all: check that every tag belongs to exactly one known trail or registered seal",
		Long: "Ask the ledger in confidence whose every tag is, without names, and hold that against the\n" +
			"whole public log. The ledger puts it on record first that it was asked.",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			auditor, v, head, err := f.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			closure, err := takeClosure(c.Context(), auditor, head)
			if err != nil {
				return err
			}
			report, err := ledger.Audit(c.Context(), auditor, v, ledger.AuditOptions{Each: closure.See, Begins: []proof.Checkpoint{head}})
			if err != nil {
				return auditError(err)
			}
			return printClosed(c.OutOrStdout(), closure.Finish(), report)
		},
	}
	f.add(c)
	return c
}

// takeClosure asks for the closure over the entries of a checkpoint.
func takeClosure(ctx context.Context, a client.Auditor, head proof.Checkpoint) (*proof.Closure, error) {
	answer, err := a.Closure(ctx, head.Size)
	if err != nil {
		return nil, exitWith(exitUnchecked, "%w", err)
	}
	defer answer.Close()
	closure := proof.NewClosure(head.Size)
	end, err := proof.ReadClosure(answer, func(h proof.ClosureHead) error {
		if h.Origin != head.Origin || h.Size != head.Size {
			return fmt.Errorf("it is of %d entries of %s", h.Size, h.Origin)
		}
		return nil
	}, func(l proof.ClosureLine) error {
		closure.Take(l)
		return nil
	})
	switch {
	case errors.Is(err, proof.ErrCutOff):
		return nil, exitWith(exitIncomplete, "%w", err)
	case err != nil:
		return nil, exitWith(exitInvalid, "NOT CLOSED: %w", err)
	case end.Stopped != "":
		return nil, exitWith(exitInvalid, "NOT CLOSED: the ledger itself says: %.200q", end.Stopped)
	}
	return closure, nil
}

func printClosed(out io.Writer, c proof.Closed, r *ledger.Report) error {
	if n := uint64(len(c.Faults)) + c.More; n > 0 {
		fmt.Fprintf(out, "NOT CLOSED: %s over %d entries\n\n", count(n, "fault", "faults"), c.Size)
		for _, f := range c.Faults {
			fmt.Fprintf(out, "  entry %d: %s\n", f.At, f.Says)
		}
		if c.More > 0 {
			fmt.Fprintf(out, "  and %d more\n", c.More)
		}
		return exitWith(exitInvalid, "what is published and what the ledger says of it in confidence do not agree")
	}
	fmt.Fprintf(out, "CLOSED: each of %s belongs to exactly one of %s, over %d entries\n\n",
		count(c.Tags, "tag", "tags"), count(c.Trails, "trail", "trails"), c.Size)
	for _, line := range []struct {
		name  string
		n     uint64
		about string
	}{
		{"open", c.Trails - c.Hidden, "of persons"},
		{"hidden", c.Hidden, "each by a seal of its own that is registered"},
		{"standing", c.Hidden - c.Lifted, "seals among these, the others are lifted"},
		{"ended", c.Ended, "whose keys were destroyed"},
		{"rotated", c.Turned, "generations, each followed by the next"},
		{"unused", c.Unused, "enrolled, and nothing is recorded yet"},
	} {
		fmt.Fprintf(out, "  %-9s %6d  %s\n", line.name, line.n, line.about)
	}
	fmt.Fprintf(out, "\nChecked: the log of %d entries is whole, and signed by the key you gave; every tag in the first\n"+
		"%d is the next of one trail; every trail is enrolled before its first tag, by an enrolment that is\n"+
		"no other trail's; hidden trails and seals are as many, one for one; a trail whose keys were destroyed\n"+
		"ends there. Not checked: that the ledger told you the right trail of each tag, which a spot check\n"+
		"does for a sample; that a person has one trail alone; that everything was recorded.\n", r.Size, c.Size)
	return nil
}

// count is n with the word for as many.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
