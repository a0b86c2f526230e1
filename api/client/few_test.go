package client_test

import (
	"errors"
	"testing"

	"github.com/daybook-ledger/daybook/api/client"
)

// TestAttacksWithoutWitnesses: an attack is one too where the card asks for witnesses who
// did not sign what is shown.
func TestAttacksWithoutWitnesses(t *testing.T) {
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			c := village(t)
			shown := a.wrong(c, func(*town) {})
			var index client.Index = shown
			if a.index != nil {
				index = a.index(shown)
			}
			card := c.card(ann)
			if a.card.who != "" {
				card = c.cardOf(ann, a.card)
			}
			convicts := func(policy string) bool {
				asks := card
				asks.Policy = policy
				trail := shown.trail(asks, nil)
				trail.Index = index
				_, err := trail.Collect(t.Context())
				bad := errors.As(err, new(*client.Misbehaviour))
				if got := newScript(shown, index).open(asks, nil); got.Bad != bad {
					t.Errorf("under %q we say %v, and the script %+v", policy, err, got)
				}
				return bad
			}
			const asks = "witness w library.example+b47721af+BBHF9LLgLT7rma0mDjpU2vBcSgLrmLNc9tttIUhzJlNh\nquorum w\n"
			if convicts("quorum none\n") && !convicts(asks) {
				t.Error("nothing is said of it but that too few signed")
			}
		})
	}
}
