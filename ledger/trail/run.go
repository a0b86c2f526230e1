package trail

import (
	"bytes"
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
	ctx, cancel := context.WithCancelCause(ctx)
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
	ended := ctx.Err() != nil
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

// The most that is added at once. What is added together costs less, and takes
// memory.
const (
	maxEntries = 8192
	maxItems   = 32 << 10
)

// addTo makes the trees those of the first size entries, which have that root.
func (x *Index) addTo(ctx context.Context, size events.Size, root proof.Hash) error {
	for x.trees.now.size < size {
		a, err := x.read(ctx, x.trees.now.size, size)
		if err != nil {
			return fmt.Errorf("reading entries from %d: %w", x.trees.now.size, err)
		}
		if end := x.trees.now.size + events.Size(len(a.leaves)); end == size {
			a.root = &root
		}
		if err := x.cfg.step.run("add", func() error { return x.trees.add(a) }); err != nil {
			return err
		}
		x.progress()
	}
	x.addedAt = x.cfg.Now()
	return nil
}

func (x *Index) progress() {
	p := x.Progress()
	p.Tags, p.Labels = x.trees.now.nTags, x.trees.now.nLabels
	if p.Waiting.IsZero() && x.pending() {
		p.Waiting = x.cfg.Now()
	}
	x.now.Store(&p)
}

// read is what entries from first on add, up to size and not too many.
func (x *Index) read(ctx context.Context, first, size events.Size) (a addition, err error) {
	public := x.cfg.Ledger.Public()
	for first < size && len(a.leaves) < maxEntries && len(a.tags)+len(a.labels) < maxItems {
		n, skip := uint64(first)/proof.TileWidth, uint64(first)%proof.TileWidth
		width := int(min(proof.TileWidth, uint64(size)-n*proof.TileWidth))
		b, err := public.Read(ctx, proof.EntriesPath(n, width))
		if err != nil {
			return a, err
		}
		entries, err := proof.ReadBundle(b, width)
		if err != nil {
			return a, err
		}
		for _, e := range entries[skip:] {
			if err := a.entry(events.Index(first), e); err != nil {
				return a, fmt.Errorf("entry %d: %w", first, err)
			}
			first++
		}
	}
	return a, nil
}

// Members that hold tags and labels. Within a text a quotation mark is written with a
// backslash before it, so an entry without these bytes has neither.
var tagsMember, pairsMember = []byte(`"tags":[`), []byte(`"pairs":[`)

// entry takes up entry i, which the anchor has parsed before it came into the log.
func (a *addition) entry(i events.Index, b []byte) error {
	var f ledger.Facts
	if bytes.Contains(b, tagsMember) || bytes.Contains(b, pairsMember) {
		e, err := events.ParseEntry(b)
		if err != nil {
			return err
		}
		if f, err = ledger.FactsOf(e); err != nil {
			return err
		}
	}
	a.facts(i, proof.LeafHash(b), f)
	return nil
}

// facts takes up what an entry holds.
func (a *addition) facts(i events.Index, leaf proof.Hash, f ledger.Facts) {
	a.leaves = append(a.leaves, leaf)
	value := proof.IndexValue(i, leaf)
	for _, t := range f.Tags {
		a.tags = append(a.tags, item{proof.IndexItem{Label: proof.TagLabel(t), Value: value}, i})
	}
	for _, l := range f.Labels {
		a.labels = append(a.labels, item{proof.IndexItem{Label: proof.PersonLabel(l), Value: value}, i})
	}
}

// leaf makes a leaf of the trees as they are, and shows it: it is durable before it
// is integrated, so that there is one leaf for a position, ever.
func (x *Index) leaf(ctx context.Context) error {
	x.leafAt = x.cfg.Now()
	now := &x.trees.now
	x.last = proof.IndexLeaf{Size: now.size, Root: now.root(), Tags: now.tags, Labels: now.labels}
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
	v := &view{snapshot: x.trees.db.NewSnapshot(), proof: proof.IndexProof{Leaf: x.last, Path: p.Path, Note: p.Note}}
	x.mu.Lock()
	defer x.mu.Unlock()
	done := x.Progress()
	done.Leaves, done.Size, done.Waiting = n.Size(), x.last.Size, time.Time{}
	x.now.Store(&done)
	return x.setView(v)
}
