package main

import (
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// verifyEvidence says what evidence convicts of. That it holds is the good outcome
// for whoever brought it, so the exit code is 0.
func verifyEvidence(out io.Writer, b []byte, v note.Verifier) error {
	e, err := proof.ParseEvidence(b)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: no evidence of anything: %w", err)
	}
	shown, err := e.Verify(v)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: no evidence of anything: %w", err)
	}
	fmt.Fprintf(out, "EVIDENCE: %s.\n\n  %-13s %s\n  %-13s %s\n", shown.Says, "kind", shown.Kind, "signed by", shown.Signer)
	fmt.Fprintf(out, "\nChecked: everything this follows from is in the file, and signed by the key you gave, or by a\n"+
		"key that an entry signed by it names. No honest ledger can have signed it. Not checked: whose\n"+
		"fault it is, and that the key is of the ledger you think of.\n")
	if shown.Secret {
		fmt.Fprintf(out, "\nThe file holds the root key of a person's trail: whoever has it opens every event of that\n"+
			"generation. Give it to nobody who may not.\n")
	}
	return nil
}
