package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// auditing shows the desk to the API for auditors of all organizations.
type auditing struct{ *intake.Desk }

func (a auditing) Closure(ctx context.Context, o v1.Officer, q v1.Closing, begin func(events.Index) error, each func(proof.ClosureLine) error) error {
	err := a.Desk.Closure(ctx, reader(o), intake.Closing(q), begin, each)
	if errors.Is(err, intake.ErrNotClosed) {
		return fmt.Errorf("%w: %w", v1.ErrNotClosed, err)
	}
	return deskError(err)
}

func (a auditing) Announce(ctx context.Context, o v1.Officer, q v1.Closing, sample int) (events.Index, error) {
	i, err := a.Desk.Announce(ctx, reader(o), intake.Closing(q), sample)
	return i, deskError(err)
}

func (a auditing) Leaf(ctx context.Context, o v1.Officer, i events.Index) (v1.Leaf, error) {
	leaf, err := a.Desk.Leaf(ctx, reader(o), i)
	out := v1.Leaf{Opened: v1.Opened(leaf.Opened)}
	for _, t := range leaf.Tags {
		out.Tags = append(out.Tags, v1.LeafTag(t))
	}
	return out, deskError(err)
}
