package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func cardCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "card",
		Short: "For officers: give a person the card that opens that person's trail, or another for a lost one",
		Args:  usage(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	const identify = "\n\nIdentify the person first: whoever has the card sees what the person may see. That it was\n" +
		"given away stands in the person's trail. Hand the files over and delete them here."
	c.AddCommand(
		giveCommand("issue", "/v1/officer/cards", "Give a person a trail card", identify),
		giveCommand("rotate", "/v1/officer/cards/rotate", "Give a person another card; the lost one opens nothing that is recorded from now on", identify),
		letterCommand())
	return c
}

// cardFlags are what giving a card away takes.
type cardFlags struct {
	asking
	person, address, out, letter string
}

// given is the ledger's answer.
type given struct {
	Card     string        `json:"card"`
	Position events.Index  `json:"position"`
	Rotated  *events.Index `json:"rotated"`
}

func giveCommand(use, path, short, long string) *cobra.Command {
	var f cardFlags
	c := &cobra.Command{
		Use:   use + " --person SCHEME:VALUE --token TOKEN --out FILE [--letter FILE.html]",
		Short: short,
		Long:  short + "." + long,
		Args:  usage(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return f.give(c, path) },
	}
	f.flags(c)
	c.Flags().StringVar(&f.person, "person", "", "who was identified, as SCHEME:VALUE, for example plate:ABC123")
	c.Flags().StringVar(&f.address, "address", "", "where the person finds the ledger; default the --url")
	c.Flags().StringVarP(&f.out, "out", "o", "", "write the card to this new file, which nobody else can read; required")
	c.Flags().StringVar(&f.letter, "letter", "", "and a letter to print to this one")
	return c
}

// give asks for a card and writes it. The files are there before the ledger is
// asked: a card that could not be written would be one given away to nobody.
func (f *cardFlags) give(c *cobra.Command, path string) (err error) {
	who, err := personOf(f.person)
	if err == nil && f.out == "" {
		err = exitWith(exitUsage, "give a file for the card with --out")
	}
	if err != nil {
		return err
	}
	var files secretFiles
	defer func() { err = errors.Join(err, files.close(err == nil)) }()
	if err := files.open(f.out, f.letter); err != nil {
		return err
	}
	if f.address == "" {
		f.address = f.url
	}
	var out given
	if err := f.post(c.Context(), path, map[string]any{"person": who, "url": f.address}, &out); err != nil {
		return err
	}
	card, err := proof.ParseCard([]byte(out.Card))
	if err != nil {
		return fmt.Errorf("reading the ledger's answer: %w", err)
	}
	if err := files.write(f.out, card.Text()); err != nil {
		return err
	}
	if f.letter != "" {
		letter, err := web.Letter(card)
		if err == nil {
			err = files.write(f.letter, letter)
		}
		if err != nil {
			return err
		}
	}
	if out.Rotated != nil {
		fmt.Fprintf(c.ErrOrStderr(), "a lost card opens nothing behind entry %d\n", *out.Rotated)
	}
	fmt.Fprintf(c.ErrOrStderr(), "the card is in %s; entry %d of the person's trail says that it was given away\n", f.out, out.Position)
	return nil
}

func letterCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "letter CARD --out FILE.html",
		Short: "Make the letter of a card, to print; no ledger is asked",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if out == "" {
				return exitWith(exitUsage, "give a file for the letter with --out")
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("reading the card: %w", err)
			}
			card, err := proof.ParseCard(text)
			if err != nil {
				return exitWith(exitInvalid, "%s: %w", args[0], err)
			}
			letter, err := web.Letter(card)
			if err != nil {
				return err
			}
			var files secretFiles
			defer func() { err = errors.Join(err, files.close(err == nil)) }()
			if err := files.open(out); err != nil {
				return err
			}
			return files.write(out, letter)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write to this new file, which nobody else can read")
	return c
}

// secretFiles are new files that nobody else can read. They are there from the
// start, and gone again when nothing came of them.
type secretFiles map[string]*os.File

// open makes the files; "" is none.
func (s *secretFiles) open(paths ...string) error {
	*s = secretFiles{}
	for _, path := range paths {
		if path == "" {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return exitWith(exitUsage, "%s is there already; give another name", path)
		}
		if err != nil {
			return fmt.Errorf("making a file: %w", err)
		}
		(*s)[path] = f
	}
	return nil
}

func (s secretFiles) write(path string, b []byte) error {
	if _, err := s[path].Write(b); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func (s secretFiles) close(keep bool) error {
	var err error
	for path, f := range s {
		err = errors.Join(err, f.Close())
		if !keep {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}
