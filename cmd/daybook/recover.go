package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/ledger"
)

// advice says, for each part that can differ, what happened at worst and the
// ways forward that cannot make it worse.
var advice = map[ledger.Part]string{
	ledger.PartHistory: `The history is the only truth, and a message of it is damaged or missing. Do not start the
ledger on these files: its server cuts off what it cannot read.
  1. Copy the directory away as it is.
  2. Put back the history from a copy or a replica that reaches at least as far, and run fsck.
  3. With none, what lies before the message can still be read and shown; the public log and the
     entries in it stay provable. A new ledger then begins, with a new origin, and says so.`,
	ledger.PartEnd: `The history ends before something that was signed: it was cut, or put back from an older copy.
To go on would sign a second history. Do not remove the journal to make it start.
  1. Put back the newest history, and run fsck.
  2. With none, this log is over: leave it published as it is, and begin another with a new origin.`,
	ledger.PartSigned: `The history is whole by itself and is not the one that was signed: it was changed, or it belongs
to another ledger. What was signed stands.
  1. Find out who could write to the history; keep a copy of it as it is.
  2. Put back the history that was signed, from a copy or a replica, and run fsck. The public log
     holds the entries as they were published.`,
	ledger.PartFiles: `Only public files differ; they can be made again from the history, which leads to the root that
was signed. Readers may have been shown the damaged file; a proof from it does not verify.
  1. daybook recover --rebuild-tiles sets the files aside; the next start makes them again.`,
	ledger.PartJournal: `A line of the journal is damaged. It says what was signed; without it, this log could sign
another history after a restore.
  1. Put back the journal from a copy that ends no earlier, and run fsck.
  2. If it is the last line, and the published checkpoint is the one it held, daybook recover
     --cut-tail writes that in its place; otherwise it refuses and changes nothing.`,
	ledger.PartBehind: `The journal ends before something that was published: it was put back from an older copy, or is
another ledger's.
  1. Put back the newest journal (--journal says where it is), and run fsck.
  2. If only its last line is missing, daybook recover --cut-tail does not help: a journal is never
     made longer on the word of a file. Keep a copy of the journal where no restore reaches.`,
	ledger.PartCheckpoint: `The published checkpoint is damaged. The journal has it.
  1. daybook recover --rebuild-tiles sets it aside; the next start publishes the journalled one.`,
	ledger.PartSeen: `A checkpoint signed with this ledger's key says something else than this history. Two histories
were signed: after a restore, or by somebody who has the key.
  1. Stop. Keep both checkpoints: with equal sizes they prove it to anyone.
  2. If others have seen more than this directory holds, put back the history and journal that they
     saw, and run fsck with --last-seen.
  3. If there is none, tell those who rely on the log, and begin another with a new origin and key.`,
	ledger.PartLog: `The log that is computed beside the public files differs from the history. It can be made again.
  1. daybook recover --rebuild-log sets it aside; the next start computes it from the entries.`,
	ledger.PartIndex: `The ledger is whole; its completeness index differs. Trees, log and files of the index can be made
again from the public log and the journal of leaves, which is beside the journal and ends in .leaves.
  1. daybook recover --rebuild-index sets aside what differs; the next start makes it again, and
     stops if that does not lead to what was signed.
  2. If it is the journal of leaves that is damaged, and the files are whole: move it away; the next
     start takes the leaves back from the files, if they lead to the journalled root.
  3. If a leaf that was signed is not what the entries lead to, it stays wrong, and whoever audits the
     index finds it. Keep everything, and find out how it came to be signed.`,
}

func recoverCommand() *cobra.Command {
	var s stopped
	var tiles, log, tail, index bool
	var shredded string
	c := &cobra.Command{
		Use:   "recover [DIR]",
		Short: "Say the safe ways forward for a stopped ledger that fsck finds different; change nothing without a flag",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.open(c.Context(), args); err != nil {
				return err
			}
			defer s.close()
			switch ctx, out := c.Context(), c.OutOrStdout(); {
			case tiles:
				return s.rebuildTiles(ctx, out)
			case log:
				return s.rebuildLog(ctx, out)
			case index:
				return s.rebuildIndex(ctx, out)
			case tail:
				return s.cutTail(ctx, out)
			case shredded != "":
				return s.recoverShredded(ctx, out, shredded)
			default:
				return s.advise(ctx, out)
			}
		},
	}
	s.flags(c)
	s.master.flag(c)
	c.Flags().BoolVar(&tiles, "rebuild-tiles", false, "set aside damaged public files, which the next start makes again")
	c.Flags().BoolVar(&log, "rebuild-log", false, "set aside the log beside them, which the next start makes again")
	c.Flags().BoolVar(&index, "rebuild-index", false, "set aside the completeness index, which the next start makes again")
	c.Flags().BoolVar(&tail, "cut-tail", false, "replace the journal's damaged last line by the published checkpoint")
	c.Flags().StringVar(&shredded, "shredded", "", "destroy the keys that this copy of the public log, a directory or URL, says were destroyed: after data and keys were put back")
	c.MarkFlagsMutuallyExclusive("rebuild-tiles", "rebuild-log", "rebuild-index", "cut-tail", "shredded")
	return c
}

// difference is what a check found, nil when everything fits.
func (s *stopped) difference(ctx context.Context) (*ledger.Difference, error) {
	_, err := s.check(ctx)
	var d *ledger.Difference
	if err == nil || errors.As(err, &d) {
		return d, nil
	}
	return nil, err
}

func (s *stopped) advise(ctx context.Context, out io.Writer) error {
	d, err := s.difference(ctx)
	if err != nil {
		return err
	}
	if d == nil {
		fmt.Fprintf(out, "Everything in %s fits together; there is nothing to recover.\n", s.dir)
		return nil
	}
	fmt.Fprintf(out, "%v\n\n%s\n", d, advice[d.Part])
	return exitWith(exitInvalid, "nothing was changed")
}

// rebuildTiles sets damaged public files aside, once the history is known to
// lead to every root that was signed.
func (s *stopped) rebuildTiles(ctx context.Context, out io.Writer) error {
	d, err := s.difference(ctx)
	if err != nil {
		return err
	}
	var names []string
	switch {
	case d == nil:
		return s.advise(ctx, out)
	case d.Part == ledger.PartFiles:
		names = []string{"tile"}
	case d.Part == ledger.PartCheckpoint:
		names = []string{"checkpoint"}
	default:
		return exitWith(exitInvalid, "%w: this is not in the public files, and nothing was changed; see daybook recover %s", d, s.dir)
	}
	cfg := s.config()
	cfg.IgnoreFiles = true
	_, err = ledger.Check(ctx, cfg)
	switch rest := (*ledger.Difference)(nil); {
	case errors.As(err, &rest) && rest.Part == ledger.PartCheckpoint:
		names = []string{"tile", "checkpoint"}
		if d.Part == ledger.PartCheckpoint {
			names = names[1:]
		}
	case err != nil:
		return exitWith(exitInvalid, "%w: what the files would be made from differs, too, and nothing was changed; see daybook recover %s", err, s.dir)
	}
	for _, name := range names {
		if err := s.setAside(out, filepath.Join("public", name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *stopped) rebuildLog(ctx context.Context, out io.Writer) error {
	return s.rebuild(ctx, out, ledger.PartLog, "the log beside the public files", func() error { return s.setAside(out, "log") })
}

// rebuild does what mends one part, if that is where the first difference is.
func (s *stopped) rebuild(ctx context.Context, out io.Writer, part ledger.Part, where string, mend func() error) error {
	d, err := s.difference(ctx)
	switch {
	case err != nil:
		return err
	case d == nil:
		return s.advise(ctx, out)
	case d.Part != part:
		return exitWith(exitInvalid, "%w: this is not in %s, and nothing was changed; see daybook recover %s", d, where, s.dir)
	}
	return mend()
}

func (s *stopped) cutTail(ctx context.Context, out io.Writer) error {
	d, err := s.difference(ctx)
	if err != nil {
		return err
	}
	if d == nil {
		return s.advise(ctx, out)
	}
	if d.Part != ledger.PartJournal {
		return exitWith(exitInvalid, "%w: this is no damaged line of the journal, and nothing was changed; see daybook recover %s", d, s.dir)
	}
	if s.copied {
		return exitWith(exitInvalid, "%w: nothing is ever taken out of a journal in a stream, and nothing was changed; see daybook recover %s", d, s.dir)
	}
	kept, err := ledger.RepairJournal(ctx, s.config())
	if err != nil {
		return exitWith(exitInvalid, "%w", err)
	}
	fmt.Fprintf(out, "The published checkpoint stands in the place of the journal's last line; the damaged journal is %s.\n", kept)
	return nil
}

// setAside moves something that can be made again out of the way, within the
// directory. It is one rename: a crash leaves it here or there.
func (s *stopped) setAside(out io.Writer, name string) error {
	for n := 1; ; n++ {
		to := filepath.Join(s.dir, fmt.Sprintf("%s.aside-%d", strings.ReplaceAll(name, string(filepath.Separator), "-"), n))
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := os.Rename(filepath.Join(s.dir, name), to); err != nil {
			return fmt.Errorf("setting %s aside: %w", name, err)
		}
		fmt.Fprintf(out, "%s is set aside as %s; the next start makes it again.\n", filepath.Join(s.dir, name), to)
		return nil
	}
}
