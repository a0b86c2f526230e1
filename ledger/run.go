package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// A batch ends at whichever comes first. The bytes keep a call to a log
// elsewhere below the usual limit of a message.
const (
	maxBatch      = 4096
	maxBatchBytes = 3 << 20
)

// Run anchors what the history acknowledges until ctx ends, which is no error.
// It works once for each Open. It stops with an error at a gap in the history,
// at a message that is none, and at a *MismatchError; what is published then
// stays published and nothing more is.
func (a *Anchor) Run(ctx context.Context) error {
	if !a.started.CompareAndSwap(false, true) {
		return errors.New("running the anchor: it ran already, open it again")
	}
	err := a.run(ctx)
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		err = nil
	}
	if err != nil {
		a.announce(fmt.Errorf("%w: %w", ErrStopped, err))
		return fmt.Errorf("anchoring: %w", err)
	}
	a.announce(ErrStopped)
	return nil
}

func (a *Anchor) run(ctx context.Context) error {
	if err := a.meet(ctx); err != nil {
		return err
	}
	defer a.withdraw()
	if c, _ := a.Checkpoint(); c.Size < a.journal.last.Size {
		a.ask(ctx, a.journal.last)
	}
	for {
		last, err := a.wait(ctx)
		if err != nil {
			return err
		}
		for batch, err := range a.batches(ctx, a.next(), last) {
			if err == nil {
				err = a.integrate(ctx, batch)
			}
			if err == nil {
				err = a.advance(ctx)
			}
			if err != nil {
				return err
			}
		}
		if err := a.advance(ctx); err != nil {
			return err
		}
	}
}

// advance does what is due now: it takes the witnesses' answer, signs what is new, or
// has renewed what is stale.
func (a *Anchor) advance(ctx context.Context) error {
	if err := a.answered(ctx); err != nil {
		return err
	}
	if a.due() {
		return a.publish(ctx)
	}
	if a.stale() {
		_, msg := a.Checkpoint()
		a.ask(ctx, published{a.journal.last.Checkpoint, msg})
	}
	return nil
}

// next is the first message that is not in our tree.
func (a *Anchor) next() events.Seq { return events.Seq(a.files.tree.size) + 1 }

// meet gives the log the entries it lacks: it may have lost all it had. If it
// has more than we do, a crash came before the checkpoint, and adding the same
// entries again brings us level.
func (a *Anchor) meet(ctx context.Context) error {
	size, root, err := a.cfg.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("asking the log for its head: %w", err)
	}
	ours := a.files.tree.size
	for size < ours {
		lacking, err := a.anchored(ctx, size, ours)
		if err != nil {
			return fmt.Errorf("giving the log its entries back: %w", err)
		}
		first := size
		if size, root, err = a.cfg.Log.Append(ctx, events.Index(first), lacking); err != nil {
			return fmt.Errorf("giving the log its entries back from %d: %w", first, err)
		}
		if size <= first {
			return fmt.Errorf("giving the log its entries back from %d: its size stays %d", first, size)
		}
	}
	return a.compare(size, root)
}

// anchored are entries from position first on, of a log of the given size: as
// many as make a batch, up to the end of a bundle.
func (a *Anchor) anchored(ctx context.Context, first, size events.Size) (batch [][]byte, err error) {
	for first < size && len(batch) <= maxBatch-proof.TileWidth {
		n, skip := uint64(first)/proof.TileWidth, uint64(first)%proof.TileWidth
		width := min(proof.TileWidth, uint64(size)-n*proof.TileWidth)
		entries, err := a.public.entries(ctx, n, int(width), size)
		if err != nil {
			return nil, err
		}
		batch = append(batch, entries[skip:]...)
		first = events.Size(n*proof.TileWidth + width)
	}
	return batch, nil
}

// wait returns the history's last message when there is a new one, or our own
// when there is something else to do before that.
func (a *Anchor) wait(ctx context.Context) (events.Seq, error) {
	ours := a.next() - 1
	timed, cancel := a.until(ctx)
	defer cancel()
	last, err := a.cfg.History.Wait(timed, ours)
	if err != nil && timed.Err() != nil {
		return ours, context.Cause(ctx) // nil while ctx goes on, and else no time-out of ours
	}
	return last, err
}

// until ends when the witnesses have answered, or something is due.
func (a *Anchor) until(ctx context.Context) (context.Context, context.CancelFunc) {
	switch {
	case a.asking != nil:
		timed, cancel := context.WithCancel(ctx)
		done := a.asking.done
		go func() {
			select {
			case <-done:
				cancel()
			case <-timed.Done():
			}
		}()
		return timed, cancel
	case a.pending():
		return context.WithTimeout(ctx, a.remaining())
	case a.mayRefresh():
		return context.WithTimeout(ctx, a.untilStale())
	}
	return context.WithCancel(ctx)
}

// batches are the entries of messages from … to, checked.
func (a *Anchor) batches(ctx context.Context, from, to events.Seq) iter.Seq2[[][]byte, error] {
	return feed{a.cfg.History, a.cfg.Leaves, a.cfg.Signer.Name(), a.cfg.Signer.KeyHash()}.batches(ctx, from, to)
}

// integrate computes the tree with batch twice and writes the files.
func (a *Anchor) integrate(ctx context.Context, batch [][]byte) error {
	added := a.files.add(batch)
	last := a.files.tree.size - 1
	size, root, err := a.cfg.Log.Append(ctx, events.Index(added.first), batch)
	if err != nil {
		return fmt.Errorf("adding entries %d-%d to the log: %w", added.first, last, err)
	}
	if err := a.compare(size, root); err != nil {
		return err
	}
	return a.files.write(added)
}

// compare holds the log's answer against our tree. A log that is ahead is not
// compared until we are there too, and until then nothing is signed.
func (a *Anchor) compare(size events.Size, root proof.Hash) error {
	ours := a.files.tree.size
	a.agreed = size == ours && root == a.files.tree.root()
	if a.agreed || size > ours && size <= a.cfg.History.Last().Size() {
		return nil
	}
	return &MismatchError{Size: ours, Ours: a.files.tree.root(), LogSize: size, LogsAnswer: root}
}

// pending says that there is something to publish that both computations agree
// on.
func (a *Anchor) pending() bool {
	c, _ := a.Checkpoint()
	return a.agreed && a.files.tree.size > c.Size
}

// due says that the pending checkpoint need not wait any longer.
func (a *Anchor) due() bool { return a.asking == nil && a.pending() && a.remaining() <= 0 }

// remaining is the time until another checkpoint may be published.
func (a *Anchor) remaining() time.Duration {
	if a.tried.IsZero() {
		return 0
	}
	return min(a.pause, a.pause-a.cfg.Now().Sub(a.tried))
}

// publish signs our root and shows it: files, journal, checkpoint, each durable
// before the next, and the witnesses before the public.
func (a *Anchor) publish(ctx context.Context) error {
	p := a.journal.last
	if p.Size != a.files.tree.size { // else it was asked for, and nothing was added since
		var err error
		if p, err = a.sign(ctx); err != nil {
			return err
		}
	}
	if a.cfg.Cosigners != nil {
		a.ask(ctx, p)
		return nil
	}
	return a.show(p)
}

// sign signs our root and journals it.
func (a *Anchor) sign(ctx context.Context) (published, error) {
	if err := a.files.sync(); err != nil {
		return published{}, err
	}
	c := proof.Checkpoint{Origin: a.cfg.Signer.Name(), Size: a.files.tree.size, Root: a.files.tree.root()}
	msg, err := proof.SignCheckpoint(c, a.cfg.Signer)
	if err != nil {
		return published{}, err
	}
	before, _ := a.Checkpoint()
	if a.cfg.Cosigners != nil {
		before = a.journal.last.Checkpoint // which may have had no quorum
	}
	p := published{c, msg}
	return p, a.journal.append(ctx, before.Size, p)
}

// show publishes p, which is journalled.
func (a *Anchor) show(p published) error {
	if now, _ := a.Checkpoint(); p.Size < now.Size {
		return fmt.Errorf("publishing size %d: %d is published", p.Size, now.Size)
	}
	if err := a.files.replace(p.note); err != nil {
		return err
	}
	a.public.now.Store(&p)
	a.tried, a.pause = a.cfg.Now(), a.cfg.PublishEvery
	a.announce(nil)
	return nil
}

// Prove returns the proof that the entry at position i, which it carries, is in
// the published log, or ErrNotPublished. It verifies what it returns, so that a
// damaged disk shows here.
func (a *Anchor) Prove(ctx context.Context, i events.Index) (proof.Proof, error) {
	c, msg := a.Checkpoint()
	return a.public.prove(ctx, i, published{c, msg})
}

// checkPlace returns nil if e may stand at position i: ledger.opened is the
// first entry and no other, and names the log and the key that sign it.
func checkPlace(i events.Index, e *events.Entry, origin string, keyHash uint32) error {
	if opened := e.Kind.Name == "ledger.opened"; opened != (i == 0) {
		return fmt.Errorf("%s stands at position %d: ledger.opened is entry 0 and no other", e.Kind.Name, i)
	}
	if i > 0 {
		return nil
	}
	if got := e.Text("origin"); got != origin {
		return fmt.Errorf("entry 0 opens %q, the key is of %q", got, origin)
	}
	v, err := proof.ParseVerifierKey(e.Text("keys.log"))
	if err != nil {
		return err
	}
	if v.Name() != origin || v.KeyHash() != keyHash {
		return fmt.Errorf("entry 0 names the log key %s, signed is with %s+%08x", e.Text("keys.log"), origin, keyHash)
	}
	return nil
}

// ProveAll proves the entries at positions, in order, as Prove does, all under one
// checkpoint.
func (a *Anchor) ProveAll(ctx context.Context, positions []events.Index) ([]proof.Proof, error) {
	c, msg := a.Checkpoint()
	return a.public.proveAll(ctx, positions, published{c, msg})
}
