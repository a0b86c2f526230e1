package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Cosigners are the witnesses of a log. What they have not cosigned, the public does
// not see.
type Cosigners interface {
	// Cosign shows msg, a signed checkpoint, to the witnesses and returns it with the
	// cosignatures behind it once they are a quorum. prove gives the path from a smaller
	// size to that checkpoint, and can be called from everywhere. The error says who
	// answered what. held, also beside an error, is what witnesses who refused hold of
	// this log, signed by its key.
	Cosign(ctx context.Context, msg []byte, prove func(ctx context.Context, old events.Size) ([]proof.Hash, error)) (cosigned []byte, held []Head, err error)
	// Known is when a quorum last said that msg was the largest it knew; zero where
	// nobody is needed and nobody said so. An error says that no quorum did.
	Known(msg []byte) (time.Time, error)
}

// retryEvery is the least time from an answer that was no quorum to the next question.
const retryEvery = time.Second

// asking is a checkpoint that is with the witnesses. At most one is; Run goes on
// integrating meanwhile.
type asking struct {
	published
	cancel   context.CancelFunc
	done     chan struct{} // closed when what follows is set
	cosigned []byte
	held     []Head
	err      error // there was no quorum
	broken   error // of the step, which ends Run
}

// ask shows p, which is journalled, to the witnesses.
func (a *Anchor) ask(ctx context.Context, p published) {
	ctx, cancel := context.WithCancel(ctx)
	q := &asking{published: p, cancel: cancel, done: make(chan struct{})}
	a.asking = q
	prove := func(ctx context.Context, old events.Size) ([]proof.Hash, error) { return a.path(ctx, old, p.Size) }
	go func() {
		defer close(q.done)
		q.broken = a.cfg.step.run("ask witnesses", func() error {
			q.cosigned, q.held, q.err = a.cfg.Cosigners.Cosign(ctx, bytes.Clone(p.note), prove)
			return nil
		})
	}()
}

// path leads from a log of the first size to one of the second, whose files are synced.
func (a *Anchor) path(ctx context.Context, old, size events.Size) ([]proof.Hash, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	switch {
	case old > size:
		return nil, fmt.Errorf("proving that size %d leads to size %d: it is beyond it", old, size)
	case old == 0 || old == size:
		return nil, nil
	}
	path, err := tlog.ProveTree(int64(size), int64(old), (&Public{dir: a.cfg.Dir}).hashes(size))
	if err != nil {
		return nil, fmt.Errorf("proving that size %d leads to size %d: %w", old, size, err)
	}
	return path, nil
}

// withdraw ends what is being asked, when Run ends.
func (a *Anchor) withdraw() {
	if a.asking != nil {
		a.asking.cancel()
		<-a.asking.done
		a.asking = nil
	}
}

// answered publishes what the witnesses cosigned, if they have answered by now. When
// they were no quorum what was published before stays, and they are asked again.
func (a *Anchor) answered(ctx context.Context) error {
	q := a.asking
	if q == nil {
		return nil
	}
	select {
	case <-q.done:
	default:
		return nil
	}
	a.asking = nil
	q.cancel()
	if q.broken != nil {
		return q.broken
	}
	if err := a.compareHeld(ctx, q); err != nil {
		return err
	}
	err := q.err
	if err == nil {
		err = a.checkCosigned(q)
	}
	switch {
	case err == nil:
		a.fresh = a.cfg.Now()
		return a.show(published{q.Checkpoint, q.cosigned})
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	a.tried, a.pause = a.cfg.Now(), max(a.cfg.PublishEvery, a.cfg.retry)
	if a.cfg.Withheld != nil {
		a.cfg.Withheld(q.Size, err)
	}
	return nil
}

// compareHeld returns a *ForkError if a witness who refused holds what we are about to
// contradict.
func (a *Anchor) compareHeld(ctx context.Context, q *asking) error {
	if len(q.held) == 0 {
		return nil
	}
	v, err := a.signedBy(ctx, q.Size)
	if err != nil {
		return err
	}
	for _, h := range q.held {
		if err := a.compareHead(h, v, a.journal.last); err != nil {
			return err
		}
	}
	return nil
}

// checkCosigned holds what came back against what was asked for: who asks for us does
// not decide what is published.
func (a *Anchor) checkCosigned(q *asking) error {
	if !continues(q.cosigned, q.note) {
		return errors.New("the cosigned checkpoint is not the one that was signed")
	}
	_, err := a.cfg.Cosigners.Known(q.cosigned)
	return err
}

// stale says that the published checkpoint is to be cosigned again: who sees an old
// time on it cannot tell an idle ledger from one that is hidden from him.
func (a *Anchor) stale() bool {
	return a.mayRefresh() && a.untilStale() <= 0
}

func (a *Anchor) mayRefresh() bool {
	c, _ := a.Checkpoint()
	return a.cfg.Cosigners != nil && a.asking == nil && !a.pending() && c.Size > 0 && c.Size == a.journal.last.Size
}

func (a *Anchor) untilStale() time.Duration {
	return max(a.remaining(), min(a.cfg.RefreshEvery, a.cfg.RefreshEvery-a.cfg.Now().Sub(a.fresh)))
}

// bare is a note of ours without the cosignatures, which follow our signature.
func bare(msg []byte) []byte {
	end := bytes.LastIndex(msg, []byte("\n\n"))
	if end < 0 {
		return msg
	}
	line := bytes.IndexByte(msg[end+2:], '\n')
	return msg[:end+2+line+1]
}

// continues says that a note is another one, or differs from it in its cosignatures
// alone.
func continues(msg, other []byte) bool { return bytes.Equal(bare(msg), bare(other)) }
