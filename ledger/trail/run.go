package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Run indexes what the ledger publishes until ctx ends, which is no error. It works
// once for each Open. It stops at a tag or label that stands twice, and when the
// trees do not lead to the roots that were signed.
func (x *Index) Run(ctx context.Context) error {
	outer := ctx // which ends before ctx does, and the ledger with it
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() {
		err := x.anchor.Run(ctx)
		if err != nil {
			cancel(err)
		}
		done <- err
	}()
	err := x.run(ctx)
	ended := outer.Err() != nil || ctx.Err() != nil
	cancel(nil)
	if stopped := <-done; stopped != nil {
		return fmt.Errorf("indexing: %w", stopped)
	}
	if ended && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, ledger.ErrStopped)) {
		return nil
	}
	return fmt.Errorf("indexing: %w", err)
}

func (x *Index) run(ctx context.Context) error {
	if err := x.resume(ctx); err != nil {
		return err
	}
	for {
		if err := x.wait(ctx); err != nil {
			return err
		}
		c, _ := x.cfg.Ledger.Checkpoint()
		if err := x.addTo(ctx, c.Size, c.Root); err != nil {
			return err
		}
		if x.pending() && x.remaining() <= 0 {
			if err := x.leaf(ctx); err != nil {
				return err
			}
		}
	}
}

// resume brings the trees to the last leaf, which may have been made just before a
// crash, or long before the trees were lost.
func (x *Index) resume(ctx context.Context) error {
	n := x.leaves.Last()
	if n > 0 {
		text, err := x.leaves.Read(ctx, n)
		if err != nil {
			return err
		}
		if x.last, err = proof.ParseIndexLeaf(string(text)); err != nil {
			return err
		}
	}
	if x.cfg.Cosigners != nil {
		// The ledger may have lost what it showed, and does not show it again before its
		// witnesses have answered.
		if err := x.cfg.Ledger.WaitFor(ctx, max(x.last.Size, x.trees.now.size)); err != nil {
			return err
		}
	}
	c, _ := x.cfg.Ledger.Checkpoint()
	if c.Size < x.last.Size {
		return fmt.Errorf("the last leaf of the index is of size %d, and the ledger has published %d: it was set back", x.last.Size, c.Size)
	}
	if c.Size < x.trees.now.size || c.Size > 0 && c.Size == x.trees.now.size && c.Root != x.trees.now.root() {
		return fmt.Errorf("the trees in %s are of another ledger, or of this one before it was set back; delete that directory to compute them again", x.cfg.Dir)
	}
	if x.trees.now.size <= x.last.Size && n > 0 {
		if err := x.addTo(ctx, x.last.Size, x.last.Root); err != nil {
			return err
		}
		if x.pending() {
			return fmt.Errorf("the entries up to %d lead to roots %v and %v, and leaf %d says %v and %v; if %s is deleted they are computed again, and if that changes nothing, the leaf is wrong",
				x.last.Size, x.trees.now.tags, x.trees.now.labels, n.Index(), x.last.Tags, x.last.Labels, x.cfg.Dir)
		}
	}
	if x.pending() || n == 0 {
		return nil
	}
	return x.publish(ctx)
}

// pending says that there are tags or labels which the last leaf does not cover.
func (x *Index) pending() bool {
	before := x.last
	if before.Size == 0 {
		before.Tags, before.Labels = empty().tags, empty().labels
	}
	return x.trees.now.tags != before.Tags || x.trees.now.labels != before.Labels
}

// remaining is the time until there may be another leaf.
func (x *Index) remaining() time.Duration {
	if x.leafAt.IsZero() {
		return 0
	}
	return min(x.cfg.Every, x.cfg.Every-x.cfg.Now().Sub(x.leafAt))
}

// wait returns when the ledger has published more, or a leaf is due. What comes
// within a quarter of the time between leaves is added together.
func (x *Index) wait(ctx context.Context) error {
	timed, cancel := context.WithCancel(ctx)
	if x.pending() {
		timed, cancel = context.WithTimeout(ctx, max(0, x.remaining()))
	}
	defer cancel()
	err := x.cfg.Ledger.WaitFor(timed, x.trees.now.size+1)
	if err == nil {
		gather := time.NewTimer(min(x.cfg.Every/4, x.cfg.Every/4-x.cfg.Now().Sub(x.addedAt)))
		defer gather.Stop()
		select {
		case <-gather.C:
		case <-timed.Done():
		}
	}
	if ctx.Err() == nil && timed.Err() != nil {
		return nil
	}
	return cmp.Or(err, ctx.Err())
}

// addTo makes the trees those of the first size entries, which have that root.
func (x *Index) addTo(ctx context.Context, size events.Size, root proof.Hash) error {
	err := x.trees.addTo(ctx, x.cfg.Ledger.Public(), size, func(a addition) error {
		if a.end(x.trees) == size {
			a.root = &root
		}
		err := x.cfg.step.run("add", func() error { return x.trees.add(a) })
		x.progress()
		return err
	})
	x.addedAt = x.cfg.Now()
	return err
}

func (x *Index) progress() {
	p := x.Progress()
	p.Tags, p.Labels = x.trees.now.nTags, x.trees.now.nLabels
	if p.Waiting.IsZero() && x.pending() {
		p.Waiting = x.cfg.Now()
	}
	x.now.Store(&p)
}

// leaf makes a leaf of the trees as they are, and shows it: it is durable before it
// is integrated, so that there is one leaf for a position, ever.
func (x *Index) leaf(ctx context.Context) error {
	x.leafAt = x.cfg.Now()
	now := &x.trees.now
	x.last = now.leaf()
	err := x.cfg.step.run("journal leaf", func() error { return x.leaves.append(ctx, [][]byte{[]byte(x.last.Text())}) })
	if err != nil {
		return fmt.Errorf("making a leaf of size %d: %w", now.size, err)
	}
	return x.publish(ctx)
}

// publish waits until the last leaf is in a published checkpoint, and answers from
// it from then on. The trees are those of that leaf.
func (x *Index) publish(ctx context.Context) error {
	n := x.leaves.Last()
	if err := x.anchor.WaitFor(ctx, n.Size()); err != nil {
		return err
	}
	p, err := x.anchor.Prove(ctx, n.Index())
	if err != nil {
		return err
	}
	v := &view{
		snapshot: x.trees.db.NewSnapshot(), proof: proof.IndexProof{Leaf: x.last, Path: p.Path, Note: p.Note},
		newest: func() []byte { _, msg := x.anchor.Checkpoint(); return msg },
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	done := x.Progress()
	done.Leaves, done.Size, done.Waiting = n.Size(), x.last.Size, time.Time{}
	x.now.Store(&done)
	return x.setView(v)
}
