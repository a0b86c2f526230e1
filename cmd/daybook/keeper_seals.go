package main

import (
	"context"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// sealsLook is when the keeper last looked at the seals.
type sealsLook struct {
	last   events.Seq
	minute time.Time
}

// lapse ends the seals whose time has come, and discloses what a crash left
// undisclosed. It looks into the writer's own book, where nobody waits for a
// signature: whenever something was recorded, which may be what a seal waits for,
// and every minute, with one of which every day begins wherever an organization is.
func (k *keeper) lapse(ctx context.Context) error {
	look := sealsLook{k.history.Last(), k.now().Truncate(time.Minute)}
	if look == k.sealsLook {
		return nil
	}
	if _, err := k.desk().Lapse(ctx); err != nil {
		return fmt.Errorf("ending seals: %w", err)
	}
	k.sealsLook = look
	return nil
}
