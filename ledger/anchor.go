package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
)

// Log is the verifiable log that computes the tree beside us.
type Log interface {
	// Head is the size and the RFC 6962 root of the log, both durable.
	Head(ctx context.Context) (events.Size, [32]byte, error)
	// Append adds leaves at first, first+1 … and returns the size and root of
	// the log that then holds them. first is at most the size; leaves that are
	// there already must be the same bytes.
	Append(ctx context.Context, first events.Index, leaves [][]byte) (events.Size, [32]byte, error)
}

// History is where the entries come from. Nothing above Last exists for an
// Anchor.
type History interface {
	// Last is the last acknowledged message, 0 when there is none.
	Last() events.Seq
	// Wait returns Last as soon as it is above after.
	Wait(ctx context.Context, after events.Seq) (events.Seq, error)
	Replayer
}

// Replayer is a history, or a log that is one, as it can be read again.
type Replayer interface {
	// Replay yields the messages from … to in order. It ends with its first
	// error. The bytes it yields stay as they are.
	Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error]
}

// Config says where an Anchor works and who signs.
type Config struct {
	// Dir is the public directory. It is created.
	Dir string
	// Journal is the file that remembers what was signed; the default is
	// "journal" beside Dir. Kept where a restore of Dir does not reach, it makes
	// a fork after a restore impossible; beside Dir it cannot.
	Journal string
	// Elsewhere, if set, is the journal in the place of a file; Journal then only
	// names it in errors. The caller closes it after the Anchor.
	Elsewhere Journal
	// Signer is the log key. Its name is the origin.
	Signer note.Signer
	// Leaves, if set, says that the log is of other things than events.
	Leaves *Leaves
	// Receipts is the receipt key, named origin + "/receipt". A log of Leaves gives
	// no receipts.
	Receipts note.Signer
	// PublishEvery is the least time between two checkpoints; the default is a
	// second. The longer, the less exactly the times of entries show.
	PublishEvery time.Duration
	// Now is the clock; the default is time.Now.
	Now func() time.Time
	// Log computes the same tree a second time.
	Log Log
	// History is the only truth.
	History History
	// Heads, if set, is asked before anything is signed or published; whoever
	// holds a checkpoint that ours does not continue stops Open with a
	// *ForkError.
	Heads Heads
	// Cosigners, if set, are the witnesses: no checkpoint is published before a quorum
	// of them cosigned it.
	Cosigners Cosigners
	// RefreshEvery is how old the cosignatures of the published checkpoint become
	// before they are asked for again; the default is ten minutes.
	RefreshEvery time.Duration
	// Withheld, if set, is told each time why a checkpoint of that size is not published,
	// or its cosignatures are not renewed, yet.
	Withheld func(size events.Size, reason error)

	step  step
	retry time.Duration // see retryEvery
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" || c.Signer == nil || c.Receipts == nil && c.Leaves == nil || c.Log == nil || c.History == nil {
		return c, errors.New("it needs a directory, both signers, a log and a history")
	}
	if want := proof.ReceiptKeyName(c.Signer.Name()); c.Receipts != nil && c.Receipts.Name() != want {
		return c, fmt.Errorf("the receipt key is named %q instead of %q", c.Receipts.Name(), want)
	}
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return c, err
	}
	if c.Journal == "" {
		c.Journal = filepath.Join(filepath.Dir(c.Dir), "journal")
	}
	if c.PublishEvery <= 0 {
		c.PublishEvery = time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.RefreshEvery <= 0 {
		c.RefreshEvery = 10 * time.Minute
	}
	c.retry = cmp.Or(c.retry, retryEvery)
	return c, nil
}

// ErrNotPublished means that no published checkpoint covers the position yet.
var ErrNotPublished = errors.New("no published checkpoint covers it yet")

// ErrStopped means that the Anchor no longer runs, so that nothing more will be
// published.
var ErrStopped = errors.New("the anchor has stopped")

// MismatchError says that the two computations of the tree differ. Nothing of
// that size is signed.
type MismatchError struct {
	Size       events.Size // our size
	Ours       proof.Hash  // root over the public directory
	LogSize    events.Size
	LogsAnswer proof.Hash // root the log gave for LogSize
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("two computations of the log differ: ours has size %d and root %v, the log size %d and root %v",
		e.Size, e.Ours, e.LogSize, e.LogsAnswer)
}

// Anchor turns the history into the public log. All its methods except Run and
// Close can be called at any time and from everywhere.
type Anchor struct {
	cfg     Config
	public  *Public
	files   *writer
	journal *journal
	started atomic.Bool
	signed  events.Size // the journal's, at Open

	// Of Run alone:
	agreed bool          // the log's root at our size is ours
	tried  time.Time     // when Run last published, or the witnesses were no quorum
	pause  time.Duration // from tried to the next time
	asking *asking       // what is with the witnesses, nil if nothing is
	fresh  time.Time     // when a quorum last knew the published checkpoint

	mu      sync.Mutex
	moved   chan struct{} // closed at each publication, and when Run ends
	stopped error
	closed  bool
}

// Checkpoint returns the published checkpoint and its note; before the first
// one it returns a zero Checkpoint and nil.
func (a *Anchor) Checkpoint() (proof.Checkpoint, []byte) {
	return a.public.checkpoint()
}

// Signed is the largest size that was signed before this Anchor was opened. Less of it is
// published while witnesses have to be asked.
func (a *Anchor) Signed() events.Size { return a.signed }

// Public is the published log for readers.
func (a *Anchor) Public() *Public { return a.public }

// WaitFor returns nil once the published size is at least size. When Run has
// ended the error is ErrStopped.
func (a *Anchor) WaitFor(ctx context.Context, size events.Size) error {
	for {
		a.mu.Lock()
		moved, stopped := a.moved, a.stopped
		a.mu.Unlock()
		if c, _ := a.Checkpoint(); c.Size >= size {
			return nil
		}
		if stopped != nil {
			return fmt.Errorf("waiting for a checkpoint of size %d: %w", size, stopped)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for a checkpoint of size %d: %w", size, context.Cause(ctx))
		}
	}
}

// announce wakes those who wait, for a new checkpoint or, with an error, for
// good.
func (a *Anchor) announce(stopped error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = stopped
	close(a.moved)
	a.moved = make(chan struct{})
}

// Receipt promises the positions in lines, which ascend strictly, as of now.
func (a *Anchor) Receipt(lines ...proof.ReceiptLine) ([]byte, error) {
	if a.cfg.Receipts == nil {
		return nil, errors.New("giving a receipt: this log gives none")
	}
	return proof.SignReceipt(proof.Receipt{
		Origin: a.cfg.Signer.Name(),
		Time:   a.cfg.Now(),
		Lines:  lines,
	}, a.cfg.Receipts)
}

// Close releases the journal. Run must have returned. Reading goes on working.
func (a *Anchor) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	if err := a.journal.close(); err != nil {
		return fmt.Errorf("closing the journal: %w", err)
	}
	return nil
}
