package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
)

// rateOver is the time that the rate of publishing is taken over.
const rateOver = time.Minute

// publishing watches how the published log keeps up with the history. Until it
// runs it knows of nothing that waits.
//
// It is also the rule that closes the ledger: what nobody can check must not pile
// up, so an operator may say that no event is taken while others have waited for
// their checkpoint longer than a limit. Waiting is counted from the first event
// behind the newest checkpoint, or from that checkpoint when it left some behind,
// and anew after a start: a ledger that was idle for a day does not refuse its
// first events. The rule opens again by itself with the next checkpoint.
type publishing struct {
	every, limit time.Duration // limit 0: none
	checkpoint   string        // file of the published checkpoint
	now          func() time.Time
	anchor       *ledger.Anchor
	history      ledger.History

	mu          sync.Mutex
	waiting     time.Time // since when events wait; zero when none do
	recent      []moment  // publications, oldest first; the first is rateOver old or the first of all
	checkpoints uint64    // seen by this process
}

// moment is a published size and when it was seen.
type moment struct {
	at   time.Time
	size events.Size
}

func (c *config) operatorFlags(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&c.maxAge, "max-checkpoint-age", 0, "take no events, with 503, while others have waited longer than this for a checkpoint; 0 is no limit")
	cmd.Flags().StringVar(&c.metrics, "metrics", "", "also serve GET /metrics for Prometheus at this host:port; it tells when events are recorded, so keep it from the public")
}

func (c config) checkPublishing() error {
	if c.maxAge < 0 || c.maxAge > 0 && c.maxAge <= c.publishEvery {
		return exitWith(exitUsage, "--max-checkpoint-age %s must be longer than --publish-every %s, or the ledger would refuse events between any two checkpoints", c.maxAge, c.publishEvery)
	}
	return nil
}

func newPublishing(c config) *publishing {
	p := &publishing{every: c.publishEvery, limit: c.maxAge, checkpoint: filepath.Join(c.dir, "public", "checkpoint"), now: c.now}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// signedAt is when the checkpoint was published, zero before the first.
func (p *publishing) signedAt() time.Time { return modified(p.checkpoint) }

// run watches until ctx ends.
func (p *publishing) run(ctx context.Context) error {
	for {
		c, _ := p.anchor.Checkpoint()
		p.published(c.Size)
		if _, err := p.history.Wait(ctx, events.Seq(c.Size)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watching the history: %w", err)
		}
		p.behind()
		if err := p.anchor.WaitFor(ctx, c.Size+1); errors.Is(err, ledger.ErrStopped) {
			<-ctx.Done() // nothing will be published any more, and what waits waits
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// published notes the newest checkpoint: nothing is known to wait for the next.
func (p *publishing) published(size events.Size) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = time.Time{}
	if n := len(p.recent); size == 0 || n > 0 && p.recent[n-1].size == size {
		return
	}
	if len(p.recent) > 0 {
		p.checkpoints++
	}
	now := p.now()
	p.recent = append(p.recent, moment{now, size})
	old := 0
	for old+1 < len(p.recent) && now.Sub(p.recent[old+1].at) >= rateOver {
		old++
	}
	p.recent = slices.Delete(p.recent, 0, old)
}

func (p *publishing) behind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = p.now()
}

// waited is how long events have waited for the next checkpoint.
func (p *publishing) waited() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.IsZero() {
		return 0
	}
	return max(0, p.now().Sub(p.waiting))
}

// refuse is why no events are taken now, nil when they are.
func (p *publishing) refuse() *events.Problem {
	waited := p.waited()
	if p.limit <= 0 || waited <= p.limit {
		return nil
	}
	return &events.Problem{Status: 503, Code: "checkpoint-overdue", Detail: fmt.Sprintf(
		"events have waited %s for a checkpoint and this ledger takes no more when that exceeds %s; nothing was accepted, send it again after Retry-After",
		waited.Round(time.Second), p.limit)}
}

// rate is how many entries a second were published over the last minute, or
// since the start when that is shorter.
func (p *publishing) rate() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.recent) == 0 {
		return 0
	}
	now, last := p.now(), p.recent[len(p.recent)-1]
	first := p.recent[0]
	for _, m := range p.recent { // the newest that is old enough, as time went on since
		if now.Sub(m.at) >= rateOver {
			first = m
		}
	}
	took := min(now.Sub(first.at), rateOver)
	if took <= 0 {
		return 0
	}
	return float64(last.size-first.size) / took.Seconds()
}

// count is how many checkpoints were published since the start.
func (p *publishing) count() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.checkpoints
}

// public is what anybody may know. How many events wait is not: who asked for it
// often enough would learn when each was recorded.
func (p *publishing) public() v1.Publishing {
	return v1.Publishing{
		Every: p.every.Seconds(), Rate: p.rate(),
		MaxAge: p.limit.Seconds(), Overdue: p.refuse() != nil,
	}
}
