package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events/keyring"
)

// escrow is the command line of daybook escrow.
type escrow struct {
	dir                 string
	master              master
	recipient, out      string
	every               string
	restoring, identity string
}

func escrowCommand() *cobra.Command {
	var e escrow
	c := &cobra.Command{
		Use:   "escrow --recipient age1… --out FILE | --restore FILE --identity FILE",
		Short: "Write all keys to one encrypted file that replaces its predecessor, or put them back; the ledger may be running",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			writes, restores := e.recipient != "" && e.out != "", e.restoring != "" && e.identity != ""
			switch {
			case writes && e.restoring == "" && e.identity == "":
				return e.write(c.Context(), c.ErrOrStderr())
			case restores && e.recipient == "" && e.out == "":
				return e.restore(c.ErrOrStderr())
			}
			return exitWith(exitUsage, "give --recipient and --out, or --restore and --identity; see daybook escrow --help")
		},
	}
	c.Flags().StringVar(&e.dir, "dir", defaultDir, "the data directory")
	e.master.flag(c)
	c.Flags().StringVar(&e.recipient, "recipient", "", "the age recipient whose identity opens the file; keep that identity away from this machine")
	c.Flags().StringVar(&e.out, "out", "", "the file; the one of the last escrow, so that this one takes its place")
	c.Flags().StringVar(&e.every, "replaced-every", "P30D", "after how many days at most the next escrow replaces this one, as P30D: what a person is told whose keys are destroyed")
	c.Flags().StringVar(&e.restoring, "restore", "", "put back the keys of this file, into a data directory without keys")
	c.Flags().StringVar(&e.identity, "identity", "", "the file of the age identity for --restore")
	return c
}

// write writes the escrow aside and lets it take the place of the one before.
func (e *escrow) write(ctx context.Context, talk io.Writer) error {
	every, err := parseDays(e.every)
	if err != nil {
		return err
	}
	recipients, err := age.ParseRecipients(strings.NewReader(e.recipient))
	if err != nil || len(recipients) != 1 {
		return exitWith(exitUsage, "%q is no age recipient; age-keygen makes an identity and names it", e.recipient)
	}
	kept, _, err := e.master.open(e.dir)
	if err != nil {
		return err
	}
	escrow := keyring.Escrow{Dir: keysOf(e.dir), Master: kept, Recipient: recipients[0], Begun: time.Now(), ReplacedEvery: every}
	err = replaceFile(e.out, func(w io.Writer) error {
		return keyring.WriteEscrow(escrow, writing(func(p []byte) (int, error) {
			if ctx.Err() != nil {
				return 0, ctx.Err() // somebody interrupts
			}
			return w.Write(p)
		}))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(talk, "%s has all keys of %s, and no other file should: whoever is forgotten from now on is in it until the next escrow takes its place, which is promised by %s\n",
		e.out, keysOf(e.dir), escrow.Begun.Add(every).UTC().Format(time.DateOnly))
	return nil
}

// writing is an [io.Writer] of one function.
type writing func([]byte) (int, error)

// Write calls it.
func (w writing) Write(p []byte) (int, error) { return w(p) }

// replaceFile makes path hold what write writes, whole or not at all, on disk
// when it returns.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (e *escrow) restore(talk io.Writer) error {
	identity, err := readIdentity(e.identity)
	if err != nil {
		return err
	}
	f, err := os.Open(e.restoring)
	if err != nil {
		return fmt.Errorf("opening the escrow: %w", err)
	}
	defer f.Close()
	kept, _, err := e.master.open(e.dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return err
	}
	if err := keyring.RestoreEscrow(f, identity, keysOf(e.dir), kept); err != nil {
		return err
	}
	fmt.Fprintf(talk, "%s holds the keys again, sealed under the master key %s\n", keysOf(e.dir), e.master.warning(e.dir))
	return nil
}

func readIdentity(path string) (age.Identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the identity: %w", err)
	}
	defer f.Close()
	list, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("%s is no file of an age identity", path)
	}
	return list[0], nil
}

// parseDays reads P30D.
func parseDays(s string) (time.Duration, error) {
	m := regexp.MustCompile(`^P([1-9][0-9]{0,4})D$`).FindStringSubmatch(s)
	if m == nil {
		return 0, exitWith(exitUsage, "%q is no number of days: write it as P30D", s)
	}
	days, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, err
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

func rotateMasterCommand() *cobra.Command {
	var dir string
	var m master
	c := &cobra.Command{
		Use:   "rotate-master",
		Short: "Seal all keys under a new master key and destroy the old one; stop the ledger first",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := os.Stat(keysOf(dir)); err != nil {
				return fmt.Errorf("there are no keys in %s: %w", dir, err)
			}
			ring, err := m.openKeyring(dir, "")
			if errors.Is(err, keyring.ErrLocked) {
				return fmt.Errorf("%w; stop the ledger first", err)
			}
			if err != nil {
				return err
			}
			if err := errors.Join(ring.RotateMaster(), ring.Close()); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "everything is sealed under a new master key: %s\n", m.warning(dir))
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", defaultDir, "the data directory")
	m.flag(c)
	return c
}
