package main

import (
	"context"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// sealDesk shows the desk to the API for what officers seal.
type sealDesk struct{ *intake.Desk }

func (d sealDesk) PlaceSeal(ctx context.Context, by, approver v1.Officer, o v1.SealOrder) (v1.SealSaid, error) {
	said, err := d.Desk.PlaceSeal(ctx, reader(by), reader(approver), intake.SealOrder(o))
	return v1.SealSaid(said), deskError(err)
}

func (d sealDesk) ExtendSeal(ctx context.Context, by, approver v1.Officer, seal events.EventName, dates v1.SealDates) (v1.SealSaid, error) {
	said, err := d.Desk.ExtendSeal(ctx, reader(by), reader(approver), seal, intake.SealDates(dates))
	return v1.SealSaid(said), deskError(err)
}

func (d sealDesk) LiftSeal(ctx context.Context, by v1.Officer, seal events.EventName) (v1.SealLifted, error) {
	lifted, err := d.Desk.LiftSeal(ctx, reader(by), seal)
	return v1.SealLifted(lifted), deskError(err)
}

func (d sealDesk) Seals(ctx context.Context, o v1.Officer, organization string) ([]v1.SealState, string, events.Index, error) {
	list, asOf, reading, err := d.Desk.Seals(ctx, reader(o), organization)
	out := make([]v1.SealState, len(list))
	for i, s := range list {
		out[i] = v1.SealState(s)
	}
	return out, asOf, reading, deskError(err)
}

// cardDesk shows the desk to the API for the trail cards that officers give away.
type cardDesk struct{ *intake.Desk }

func (d cardDesk) IssueCard(ctx context.Context, by v1.Officer, person events.Person) (v1.Issued, error) {
	issued, err := d.Desk.IssueCard(ctx, reader(by), person)
	return v1.Issued(issued), deskError(err)
}

func (d cardDesk) RotateTrail(ctx context.Context, by v1.Officer, person events.Person) (v1.Issued, error) {
	issued, err := d.Desk.RotateTrail(ctx, reader(by), person)
	return v1.Issued(issued), deskError(err)
}
