package stream

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/events"
)

// Follower is the history as somebody sees it who does not write: only as far as
// somebody who knows has said that it is settled. It is safe for concurrent use and
// needs no closing; the connection belongs to the caller.
type Follower struct {
	h     *History
	reach sync.Mutex
}

// Follow finds the stream on nc. It creates nothing, refuses what Open refuses, and
// says ErrNoHistory where there is none. Nothing is visible before Reach.
func Follow(ctx context.Context, nc *nats.Conn, cfg Config) (*Follower, error) {
	h := attach(nc, cfg)
	if _, err := h.look(ctx, h.find); err != nil {
		return nil, fmt.Errorf("following the history: %w", err)
	}
	return &Follower{h: h}, nil
}

// Reach makes everything up to last visible. That it is settled is for the caller to
// know: it was acknowledged to the writer, or stands under a published checkpoint.
// A last that is not higher than before changes nothing.
func (f *Follower) Reach(last events.Seq) {
	f.reach.Lock()
	defer f.reach.Unlock()
	if last > f.h.Last() {
		f.h.advance(last)
	}
}

// Last is how far the history is visible, 0 before the first Reach.
func (f *Follower) Last() events.Seq { return f.h.Last() }

// Wait returns Last as soon as it is above after.
func (f *Follower) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	return f.h.Wait(ctx, after)
}

// Replay is as that of a History.
func (f *Follower) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[Message, error] {
	return f.h.Replay(ctx, from, to)
}

// Read is as that of a History.
func (f *Follower) Read(ctx context.Context, seq events.Seq) ([]byte, error) {
	return f.h.Read(ctx, seq)
}
