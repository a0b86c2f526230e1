package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

func asQuorum(err error) (few *proof.QuorumError, ok bool) { return few, errors.As(err, &few) }

// refuse is the verdict on what does not hold.
func refuse(err error) error { return exitWith(exitInvalid, "NOT VALID: %w", err) }

// unwitnessed is the verdict on a checkpoint that the log signed and that p does not
// take. It convicts nobody, and what the checkpoint covers counts for nothing. What else
// p does not take is not valid.
func unwitnessed(err error, p proof.Policy) error {
	if _, few := asQuorum(err); !few {
		return refuse(err)
	}
	return exitWith(exitIncomplete, "INCOMPLETE: %w", unmet(err, p))
}

// incomplete says that a verdict is that.
func incomplete(verdict error) bool {
	var e *exit
	return errors.As(verdict, &e) && e.code == exitIncomplete
}

// unmet says of a policy that is not met who is missing, and what that can mean.
func unmet(err error, p proof.Policy) error {
	few, ok := asQuorum(err)
	if !ok {
		return err
	}
	var missing []string
	for _, w := range p.Witnesses {
		if !slices.ContainsFunc(few.Have, func(c proof.Cosignature) bool { return c.Witness == w.Name }) {
			missing = append(missing, w.Name+" ("+w.Key.Name()+")")
		}
	}
	return fmt.Errorf("%w; the cosignatures that are missing: %s. Either the ledger replaced a witness or could not reach one, "+
		"or this is another history than the one that others are shown: until there are enough, nothing in it counts as proven", few, strings.Join(missing, ", "))
}

func cosigners(list []proof.Cosignature) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Witness+" (on "+c.At.Format("2006-01-02 15:04:05")+" UTC)")
	}
	return strings.Join(out, ", ")
}
