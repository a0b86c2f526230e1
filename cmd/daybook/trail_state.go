package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const (
	maxCardFile   = 64 << 10
	maxBundleFile = 64<<20 + 1
)

// readCard reads a card from a file, from stdin as "-", or from its link.
func readCard(in io.Reader, where string) (proof.Card, error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return proof.ParseCardLink(where)
	}
	if where != "-" {
		f, err := os.Open(where)
		if err != nil {
			return proof.Card{}, fmt.Errorf("reading the card: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxCardFile))
	if err != nil {
		return proof.Card{}, fmt.Errorf("reading the card: %w", err)
	}
	if link := strings.TrimSpace(string(text)); strings.HasPrefix(link, "http") {
		return proof.ParseCardLink(link)
	}
	return proof.ParseCard(text)
}

// underPolicy is the card with the policy of a file in the place of its own; no file
// leaves it.
func underPolicy(card proof.Card, path string) (proof.Card, error) {
	if path == "" {
		return card, nil
	}
	text, err := readLimited(path, maxCardFile)
	if err != nil {
		return card, exitWith(exitUnchecked, "%w", err)
	}
	p, err := proof.ParsePolicy(text)
	if err != nil {
		return card, exitWith(exitUnchecked, "%s: %w", path, err)
	}
	card.Policy = p.Text()
	return card, nil
}

// policyOf is the policy of a card that was read, whose form was checked then.
func policyOf(card proof.Card) proof.Policy { p, _ := proof.ParsePolicy([]byte(card.Policy)); return p }

// statePath is where what a card leads to is kept: beside its file, or of a card
// without one where programs of this user keep such things.
func statePath(where string, card proof.Card) (string, error) {
	if where != "-" && !strings.Contains(where, "://") {
		return where + ".bundle", nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for what is found: %w", err)
	}
	sum := sha256.Sum256(card.Next[:])
	return filepath.Join(dir, "daybook", fmt.Sprintf("%x.bundle", sum[:8])), nil
}

// readState is what was kept, nil when there is nothing.
func readState(path string) (*proof.Bundle, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, exitWith(exitUnchecked, "reading what was kept before: %w", err)
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxBundleFile))
	if err != nil {
		return nil, exitWith(exitUnchecked, "reading what was kept before: %w", err)
	}
	b, err := proof.ParseBundle(file)
	if err != nil {
		return nil, exitWith(exitInvalid, "NOT VALID: what was kept in %s: %w; if you did not change it, keep it as it is, and begin anew with another --state", path, err)
	}
	return &b, nil
}

// writeState replaces what was kept. A crash leaves the one or the other.
func writeState(path string, b proof.Bundle) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keeping what was found: %w", err)
	}
	if err := keepFile(path+".new", b.Format()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keeping what was found: %w", err)
	}
	return nil
}

// keepFile writes what is for one person alone.
func keepFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keeping what was found: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("keeping what was found: %w", err)
	}
	return nil
}

// keyOf is the verifier key by which evidence is checked.
func keyOf(e *proof.Evidence, card proof.Card) string {
	if len(e.Notes) == 2 && bytes.HasPrefix(e.Notes[0], []byte(card.Origin()+"\n")) {
		return card.Log
	}
	return card.Index
}

// accuse says what the ledger did, and keeps what shows it. What was kept before stays
// as it is: it is half of the evidence.
func (f *trailFlags) accuse(bad *client.Misbehaviour, card proof.Card) error {
	said := fmt.Sprintf("NOT VALID: %s.", bad)
	var kept []string
	keep := func(suffix string, b []byte) error {
		if err := keepFile(f.state+suffix, b); err != nil {
			return err
		}
		kept = append(kept, f.state+suffix)
		return nil
	}
	if bad.Evidence != nil {
		if err := keep(".evidence", bad.Evidence.Format()); err != nil {
			return err
		}
		said += " Anyone can check that: daybook verify " + f.state + ".evidence --key " + keyOf(bad.Evidence, card) + "."
	}
	if len(bad.Notes) > 0 && bad.Evidence == nil {
		if err := keep(".checkpoints", bytes.Join(bad.Notes, []byte("\n"))); err != nil {
			return err
		}
	}
	advice := "Show it to the data protection authority, or to whoever watches this ledger"
	if bad.Evidence != nil && bad.Evidence.Root != [32]byte{} {
		advice = "The evidence has a key of your card in it, which opens your events: show the file to the data protection authority or to a court, and tell others only what it says"
	}
	if len(kept) > 0 {
		said += " What shows it is kept in " + strings.Join(kept, " and ") + "."
	}
	return exitWith(exitInvalid, "%s %s", said, advice)
}
