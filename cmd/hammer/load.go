package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// tally is what a measurement gathers.
type tally struct {
	count int
	took  time.Duration
	times []time.Duration // of each call, sorted
}

// drive calls do from many goroutines at once until the time or the count is
// used up; do says how many events or requests it was.
func (h *hammer) drive(ctx context.Context, workers, each int, do func(ctx context.Context, worker int) error) (tally, error) {
	var t tally
	var mu sync.Mutex
	var left atomic.Int64
	left.Store(int64(h.most))
	started := time.Now()
	end := started.Add(time.Duration(h.seconds) * time.Second)
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error {
			var times []time.Duration
			for time.Now().Before(end) && left.Add(int64(-each)) >= 0 {
				began := time.Now()
				if err := do(ctx, w); err != nil {
					return err
				}
				times = append(times, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			t.times = append(t.times, times...)
			return nil
		})
	}
	err := group.Wait()
	t.took = time.Since(started)
	t.count = len(t.times) * each
	slices.Sort(t.times)
	return t, err
}

// rate is how many a second.
func rate(n int, took time.Duration) string {
	return strconv.FormatFloat(float64(n)/took.Seconds(), 'f', 0, 64)
}

// quantile is the time within which that share of calls ended.
func (t tally) quantile(share float64) string {
	if len(t.times) == 0 {
		return "-"
	}
	i := min(int(share*float64(len(t.times))), len(t.times)-1)
	return strconv.FormatFloat(float64(t.times[i].Microseconds())/1000, 'f', 1, 64)
}

func posts(ctx context.Context, h *hammer) error {
	table := newTable("single posts, durable", "connections", "kind", "posts/s", "p50 ms", "p99 ms")
	for _, connections := range []int{16, 64} {
		t, err := h.drive(ctx, connections, 1, func(ctx context.Context, _ int) error { return h.post(ctx, h.token, h.access()) })
		if err != nil {
			return err
		}
		table.row(connections, "person", rate(t.count, t.took), t.quantile(.5), t.quantile(.99))
	}
	return table.print()
}

// senders is how many batches are under way at once.
const senders = 4

func batches(ctx context.Context, h *hammer) error {
	table := newTable("batches, "+strconv.Itoa(senders)+" at once", "events/batch", "kind", "events", "accepted/s", "end to end/s", "batch p50 ms", "p99 ms")
	for _, load := range []struct {
		kind  string
		token string
		make  source
	}{{"register", h.registrar, h.system}, {"person", h.token, h.access}, {"new person", h.token, h.stranger}} {
		for _, size := range []int{100, 1000} {
			if err := h.batch(ctx, table, load.kind, load.token, load.make, size); err != nil {
				return err
			}
		}
	}
	return table.print()
}

func (h *hammer) batch(ctx context.Context, table *table, kind, token string, next source, size int) error {
	var mu sync.Mutex
	last := uint64(0)
	started := time.Now()
	t, err := h.drive(ctx, senders, size, func(ctx context.Context, _ int) error {
		batch := make([][]byte, size)
		for i := range batch {
			batch[i] = next()
		}
		end, err := h.send(ctx, token, batch)
		mu.Lock()
		defer mu.Unlock()
		last = max(last, end)
		return err
	})
	if err == nil {
		err = h.published(ctx, last)
	}
	if err != nil {
		return err
	}
	table.row(size, kind, t.count, rate(t.count, t.took), rate(t.count, time.Since(started)), t.quantile(.5), t.quantile(.99))
	return nil
}

// accepted is when the events before a position had all been answered.
type accepted struct {
	end uint64
	at  time.Time
}

func latency(ctx context.Context, h *hammer) error {
	const tick = 10 * time.Millisecond
	size := max(1, int(float64(h.rate)*tick.Seconds()))
	if err := h.settle(ctx); err != nil {
		return err
	}
	answers := make(chan accepted, 1024) // beyond what can be under way
	var group errgroup.Group
	var t tally
	group.Go(func() (err error) {
		t, err = h.watch(ctx, answers)
		return err
	})
	var sending errgroup.Group
	pace := time.NewTicker(tick)
	defer pace.Stop()
	started := time.Now()
	sent := 0
	for ; time.Since(started) < time.Duration(h.seconds)*time.Second && sent < h.most; sent += size {
		sending.Go(func() error {
			batch := make([][]byte, size)
			for i := range batch {
				batch[i] = h.access()
			}
			end, err := h.send(ctx, h.token, batch)
			answers <- accepted{end, time.Now()}
			return err
		})
		<-pace.C
	}
	took := time.Since(started)
	err := sending.Wait()
	close(answers)
	if watched := group.Wait(); err == nil {
		err = watched
	}
	if err != nil {
		return err
	}
	table := newTable(fmt.Sprintf("accepted to published, --publish-every %v, %d witnesses", h.publishEvery, len(h.circle)), "events/s", "p50 ms", "p99 ms", "worst ms")
	table.row(rate(sent, took), t.quantile(.5), t.quantile(.99), t.quantile(1))
	return table.print()
}

// settle waits until what was sent before is published.
func (h *hammer) settle(ctx context.Context) error {
	end, err := h.send(ctx, h.token, [][]byte{h.access()})
	if err != nil {
		return err
	}
	return h.published(ctx, end)
}

// watch takes the time from each answer to the checkpoint that covers it.
func (h *hammer) watch(ctx context.Context, answers <-chan accepted) (t tally, err error) {
	size := uint64(0)
	for a := range answers {
		for size < a.end && err == nil {
			if err = h.published(ctx, size+1); err == nil {
				size, err = h.size(ctx)
			}
		}
		if err == nil {
			t.times = append(t.times, time.Since(a.at))
		}
	}
	slices.Sort(t.times)
	return t, err
}

func proofs(ctx context.Context, h *hammer) error {
	size, err := h.size(ctx)
	if err != nil {
		return err
	}
	l, err := h.reader.Ledger(ctx)
	if err != nil {
		return err
	}
	key, err := proof.ParseVerifierKey(l.Keys.Log)
	if err != nil {
		return err
	}
	const connections = 16
	var verified [connections]bool
	t, err := h.drive(ctx, connections, 1, func(ctx context.Context, w int) error {
		p, err := h.reader.Proof(ctx, strconv.FormatUint(rand.Uint64N(size), 10))
		if err == nil && !verified[w] {
			_, err = p.Verify(key)
			verified[w] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	table := newTable("proofs, 16 connections", "entries", "proofs/s", "p50 ms", "p99 ms")
	table.row(size, rate(t.count, t.took), t.quantile(.5), t.quantile(.99))
	return table.print()
}
