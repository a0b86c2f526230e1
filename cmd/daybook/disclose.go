package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// heldStatement is what a person's statement has of each of her entries. What else
// is in the file is not needed here.
type heldStatement struct {
	Format string `json:"$"`
	LogKey string `json:"logKey"`
	Lines  []heldLine
}

type heldLine struct {
	Position    events.Index
	Kind, Proof string
	EventKey    string
	Disclosures []struct{ Name, Disclosure string }
}

func discloseCommand() *cobra.Command {
	var event, out string
	var fields []string
	c := &cobra.Command{
		Use:   "disclose STATEMENT.json --event POSITION [--field NAME]… --out FILE",
		Short: "Give one entry of your own statement to somebody, with the fields you choose; offline",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			position, err := strconv.ParseUint(event, 10, 53)
			if err != nil {
				return exitWith(exitUsage, "say which entry with --event POSITION, as the statement numbers it")
			}
			s, err := readStatement(args[0])
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			p, err := s.present(events.Index(position), fields)
			if err != nil {
				return err
			}
			return writeFor(c, out, p.Format())
		},
	}
	c.Flags().StringVar(&event, "event", "", "the position of the entry")
	c.Flags().StringArrayVar(&fields, "field", nil, "a field to show, such as occurredAt; may be given again")
	c.Flags().StringVarP(&out, "out", "o", "", "write to this file instead of stdout")
	return c
}

func readStatement(path string) (*heldStatement, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the statement: %w", err)
	}
	s := &heldStatement{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("reading the statement: %w; daybook statement --format json makes one", err)
	}
	if s.Format != "daybook/statement@1" {
		return nil, errors.New("reading the statement: the file is none in JSON; daybook statement --format json makes one")
	}
	return s, nil
}

// present chooses from one line. It verifies what it makes, so that a damaged
// statement shows here and not to whoever is given it.
func (s *heldStatement) present(at events.Index, fields []string) (p proof.Presentation, err error) {
	i := slices.IndexFunc(s.Lines, func(l heldLine) bool { return l.Position == at })
	if i < 0 {
		return p, exitWith(exitUsage, "the statement has no entry %d", at)
	}
	l := s.Lines[i]
	var names []string
	for _, d := range l.Disclosures {
		names = append(names, d.Name)
		if !slices.Contains(fields, d.Name) {
			continue
		}
		open, err := events.ParseDisclosure(d.Disclosure)
		if err != nil {
			return p, exitWith(exitInvalid, "the statement is damaged: %w", err)
		}
		p.Disclosures = append(p.Disclosures, open)
	}
	for _, f := range fields {
		if !slices.Contains(names, f) {
			return p, exitWith(exitUsage, "entry %d has no field %q for you to show; it has %s", at, f, strings.Join(names, ", "))
		}
	}
	key, err := base64.RawURLEncoding.DecodeString(l.EventKey)
	if err != nil || len(key) != len(p.EventKey) {
		return p, exitWith(exitInvalid, "the statement is damaged: entry %d has no event key", at)
	}
	p.EventKey = [32]byte(key)
	if p.Proof, err = proof.ParseProof([]byte(l.Proof)); err != nil {
		return p, exitWith(exitInvalid, "the statement is damaged: %w", err)
	}
	return p, s.check(p)
}

func (s *heldStatement) check(p proof.Presentation) error {
	v, err := proof.ParseVerifierKey(s.LogKey)
	if err == nil {
		p, err = proof.ParsePresentation(p.Format()) // sorts what was chosen
	}
	if err == nil {
		_, err = p.Verify(v)
	}
	if err != nil {
		return exitWith(exitInvalid, "the statement is damaged: %w", err)
	}
	return nil
}
