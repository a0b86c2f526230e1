package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// polling is how often the checkpoints are looked at, which is part of what is
// measured.
const polling = 5 * time.Millisecond

// index sends events about persons as fast as they are taken, and takes the time from
// each checkpoint of the ledger to the leaf of the index that covers it.
func index(ctx context.Context, h *hammer) error {
	if err := h.settle(ctx); err != nil {
		return err
	}
	var end atomic.Uint64 // behind the last event sent, once all are
	var lags tally
	var watching errgroup.Group
	watched, stop := context.WithCancel(ctx)
	defer stop()
	watching.Go(func() (err error) {
		lags, err = h.watchIndex(watched, &end)
		return err
	})
	var last atomic.Uint64
	const each = 1000
	sent, err := h.drive(ctx, senders, each, func(ctx context.Context, _ int) error {
		batch := make([][]byte, each)
		for i := range batch {
			batch[i] = h.access()
		}
		to, err := h.send(ctx, h.token, batch)
		for now := last.Load(); to > now && !last.CompareAndSwap(now, to); now = last.Load() {
		}
		return err
	})
	end.Store(last.Load())
	if err != nil {
		stop()
		return errors.Join(err, watching.Wait())
	}
	if err := watching.Wait(); err != nil {
		return err
	}
	table := newTable("index lag, from a checkpoint of the ledger to the leaf that covers it", "tagged events/s", "checkpoints", "p50 ms", "p99 ms", "worst ms")
	table.row(rate(sent.count, sent.took), len(lags.times), lags.quantile(.5), lags.quantile(.99), lags.quantile(1))
	return table.print()
}

// published is a checkpoint as it was first seen.
type published struct {
	size uint64
	at   time.Time
}

// watchIndex takes times until the index covers end, which is 0 as long as it is not
// known.
func (h *hammer) watchIndex(ctx context.Context, end interface{ Load() uint64 }) (t tally, err error) {
	var waiting []published
	var seen, covered, leaves uint64
	for end.Load() == 0 || covered < end.Load() {
		select {
		case <-ctx.Done():
			return t, ctx.Err()
		case <-time.After(polling):
		}
		size, err := h.size(ctx)
		if err != nil {
			return t, err
		}
		now := time.Now()
		if size > seen {
			seen, waiting = size, append(waiting, published{size, now})
		}
		if leaves, covered, err = h.leaf(ctx, leaves, covered); err != nil {
			return t, err
		}
		for now = time.Now(); len(waiting) > 0 && waiting[0].size <= covered; waiting = waiting[1:] {
			t.times = append(t.times, now.Sub(waiting[0].at))
		}
	}
	slices.Sort(t.times)
	return t, nil
}

// leaf is how many leaves the index has, and the size that the last one says. Both are
// those before as long as there is none.
func (h *hammer) leaf(ctx context.Context, leaves, covered uint64) (uint64, uint64, error) {
	msg, err := h.reader.Read(ctx, ledger.IndexPath+"/checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return leaves, covered, nil
	}
	if err != nil {
		return leaves, covered, err
	}
	body, _, _ := strings.Cut(string(msg), "\n\n")
	c, err := proof.ParseCheckpoint(body + "\n")
	if err != nil || uint64(c.Size) == leaves || c.Size == 0 {
		return leaves, covered, err
	}
	n := uint64(c.Size) - 1
	width := int(n%proof.TileWidth) + 1
	b, err := h.reader.Read(ctx, ledger.IndexPath+"/"+proof.EntriesPath(n/proof.TileWidth, width))
	if err != nil {
		return leaves, covered, err
	}
	entries, err := proof.ReadBundle(b, width)
	if err != nil {
		return leaves, covered, err
	}
	l, err := proof.ParseIndexLeaf(string(entries[len(entries)-1]))
	if err != nil {
		return leaves, covered, fmt.Errorf("reading the last leaf: %w", err)
	}
	return uint64(c.Size), uint64(l.Size), nil
}
