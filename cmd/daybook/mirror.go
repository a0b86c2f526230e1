package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

const mirrorHelp = `Keep a copy of a ledger's public log and of its index. Each entry is the one that the signed root
commits to, before it is written; the checkpoint is replaced last. The directory can be shown by any
web server, which need not know what it is, and read by any client of c2sp.org/tlog-tiles, by daybook
audit, and by another mirror. It can be stopped and killed at any time, and goes on where it was. Keep
DIR.seen with it: that says what was seen before, and that DIR is a copy.

Whoever signs a second history is found out here: what shows it is written beside the directory, and
the copy stays as it was. A ledger's operator names mirrors with daybook serve --mirror, and is then
stopped from going on with an older state than they have.

Exit codes: 0 stopped, or copied; 1 this machine failed; 2 misused; 3 the ledger is convicted, or what
it shows is not signed with the key, which may be another ledger's. With --once also 4 when the ledger,
or the file of --policy, cannot be read, and 5 when there is nothing newer that can be taken, as when
the ledger is set back or too few witnesses of the policy signed; without, it tries again.`

// mirroring keeps a directory that any web server can show.
type mirroring struct {
	*copying
	dir, evidence string
	talk          io.Writer
	told          string // the trouble that was told last
	size, leaves  proof.Checkpoint
}

func mirrorCommand() *cobra.Command {
	var key, policy, evidence string
	var once bool
	var every time.Duration
	c := &cobra.Command{
		Use:   "mirror URL DIR --key VKEY [--policy FILE]",
		Short: "Copy a ledger's public log and index, verified, into a directory that any web server can show",
		Long:  mirrorHelp,
		Args:  arguments(2, "URL", "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if every <= 0 {
				return exitWith(exitUsage, "--every must be longer than nothing")
			}
			from, err := copyFrom(args[0], key, policy)
			if err != nil {
				return err
			}
			m := &mirroring{dir: args[1], evidence: evidence, talk: c.ErrOrStderr()}
			if m.evidence, err = m.besideDir(); err != nil {
				return err
			}
			if err := foreign(m.dir); err != nil {
				return err
			}
			if m.copying, err = openCopying(c.Context(), from, m.dir, m.talk); err != nil {
				return err
			}
			if once {
				err = m.once(c.Context(), c.OutOrStdout())
			} else {
				err = m.run(c.Context(), every)
			}
			return errors.Join(err, m.close())
		},
	}
	c.Flags().StringVar(&key, "key", "", "the log's verifier key")
	c.Flags().StringVar(&policy, "policy", "", "a policy file: take only checkpoints that its quorum of witnesses has cosigned")
	c.Flags().BoolVar(&once, "once", false, "copy what is published now, and end")
	c.Flags().DurationVar(&every, "every", 10*time.Second, "how long to wait before looking for more")
	c.Flags().StringVar(&evidence, "evidence", "", "write what convicts the ledger to this file; default DIR.evidence, beside the directory")
	return c
}

// besideDir is where evidence goes: a file that was given, or one beside the directory,
// which is "." perhaps.
func (m *mirroring) besideDir() (string, error) {
	if m.evidence != "" {
		return m.evidence, nil
	}
	dir, err := filepath.Abs(m.dir)
	if err != nil {
		return "", fmt.Errorf("looking for the directory: %w", err)
	}
	return dir + ".evidence", nil
}

// foreign refuses a directory that has something in it and was never a copy: what is
// there would be shown with it, or is what a ledger itself publishes. Beside a copy is
// what it was given last, before the first file is in it.
func foreign(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("looking for the directory: %w", err)
	}
	if _, err := os.Lstat(abs + ".seen"); err == nil {
		return nil
	}
	if there, _ := os.ReadDir(abs); len(there) > 0 { // what is no directory is refused when it is opened
		return exitWith(exitUsage, "%s has things in it, and is no copy, beside which would be %s: give a new or an empty directory", dir, filepath.Base(abs)+".seen")
	}
	return nil
}

// copyFrom is whom to copy, and what is trusted.
func copyFrom(where, key, policy string) (c copying, err error) {
	if c.key, err = verifier(key); err != nil {
		return c, err
	}
	if c.policy, err = readPolicy(policy); err != nil {
		return c, err
	}
	if c.from, err = copySource(where); err != nil {
		return c, exitWith(exitUnchecked, "%w", err)
	}
	return c, nil
}

// once copies what is published, and prints what is there then.
func (m *mirroring) once(ctx context.Context, out io.Writer) error {
	if err := m.step(ctx); err != nil {
		return m.end(err)
	}
	at, _ := m.ledger.Checkpoint()
	fmt.Fprintf(out, "COPIED: %d entries\n\n  log      %s\n  size     %d\n  root     %v\n", at.Size, at.Origin, at.Size, at.Root)
	if m.index != nil {
		at, _ := m.index.Checkpoint()
		fmt.Fprintf(out, "  index    %d leaves\n", at.Size)
	}
	fmt.Fprintf(out, "\nChecked: every entry hashes to the leaf that the signed root commits to, and each leaf of the\n"+
		"index has the root of the ledger at its size. Not checked: what the entries say, and what the\n"+
		"index says of them; daybook audit --index %s does.\n", m.dir)
	return nil
}

// run copies until ctx ends, or the ledger is convicted.
func (m *mirroring) run(ctx context.Context, every time.Duration) error {
	m.size, _ = m.ledger.Checkpoint()
	for fails := 0; ; {
		err := m.step(ctx)
		wait := every
		found := new(trouble)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			fails = 0
			m.tell()
		case errors.As(err, &found) && !found.final:
			wait = min(every<<min(fails, 5), max(every, 5*time.Minute)) // who cannot be reached is left in peace
			fails++
			if err.Error() != m.told {
				m.told = err.Error()
				fmt.Fprintf(m.talk, "%s: %v; what is here stays, and is tried again\n", found.verdict(), err)
			}
		default:
			return m.end(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// tell says how far the copy is, when it went on.
func (m *mirroring) tell() {
	if m.told != "" {
		m.told = ""
		fmt.Fprintln(m.talk, "going on again")
	}
	size, _ := m.ledger.Checkpoint()
	leaves := m.leaves
	if m.index != nil {
		leaves, _ = m.index.Checkpoint()
	}
	if size != m.size || leaves != m.leaves {
		m.size, m.leaves = size, leaves
		fmt.Fprintf(m.talk, "%d entries, %d leaves of the index\n", size.Size, leaves.Size)
	}
}

// end is what the program ends with when it cannot go on, with the evidence in a file.
func (m *mirroring) end(err error) error {
	found := new(trouble)
	if !errors.As(err, &found) {
		return err
	}
	if !found.final {
		return exitWith(found.code, "%s: %w; what is in %s stays as it was", found.verdict(), err, m.dir)
	}
	if found.evidence == nil {
		return exitWith(found.code, "%s: %w; signed statements alone do not show it: who is to believe it has to audit as well", found.verdict(), err)
	}
	file, failed := writeEvidence(m.evidence, found.evidence)
	if failed != nil {
		return exitWith(found.code, "%s: %w; %w", found.verdict(), err, failed)
	}
	return exitWith(found.code, "%s: %w; %s shows it to anyone, with daybook verify and the log's key; what is in %s stays as it was", found.verdict(), err, file, m.dir)
}
