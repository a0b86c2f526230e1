package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Heads is what others remember of this log: mirrors, witnesses, a file that
// somebody kept. Whoever of them knows more than we do, or something else, has
// seen a history that we are about to contradict.
type Heads interface {
	// Heads returns the newest checkpoints that could be learned. An error stops
	// the start; whom it may do without is the implementation's to say.
	Heads(ctx context.Context) ([]Head, error)
}

// Head is a signed checkpoint of this log that somebody else holds.
type Head struct {
	From string // who holds it, in words: a path or an address
	Note []byte
}

// ForkError says that somebody holds a checkpoint, signed by this log's key,
// that ours does not continue. Nothing was signed or published since. The two
// notes are the evidence: with equal sizes anyone can check it.
type ForkError struct {
	From       string
	Theirs     proof.Checkpoint
	TheirNote  []byte
	Ours       proof.Checkpoint // the journal's last, zero if it has none
	OurNote    []byte
	RootThere  proof.Hash // ours at their size, when that is not beyond us
	path       []proof.Hash
	historyEnd events.Seq
}

// Evidence is what shows a stranger that two histories were signed; nil when they may
// only be further than we are.
func (e *ForkError) Evidence() *proof.Evidence {
	switch {
	case e.Ahead():
		return nil
	case e.Theirs.Size == e.Ours.Size:
		found := (&proof.Fork{A: e.TheirNote, B: e.OurNote}).Evidence()
		return &found
	}
	return &proof.Evidence{
		Kind: proof.EvidenceInconsistent, Notes: [][]byte{e.TheirNote, e.OurNote}, Beginning: e.RootThere, Path: e.path,
	}
}

// Ahead says that they know a larger size: ours was set back, or theirs was
// signed elsewhere.
func (e *ForkError) Ahead() bool { return e.Theirs.Size > e.Ours.Size }

func (e *ForkError) Error() string {
	if e.Ahead() {
		return fmt.Sprintf("%s holds a signed checkpoint of size %d, our journal ends at %d and the history at %d: this directory was set back, and to go on would sign a second history; put back the newest history and journal, or leave this ledger closed; daybook recover says more",
			e.From, e.Theirs.Size, e.Ours.Size, e.historyEnd)
	}
	return fmt.Sprintf("%s holds a signed checkpoint of size %d with root %v, our log has root %v there: two histories were signed with this key; keep both notes, which prove it, find the history that others have seen, and put that back; daybook recover says more",
		e.From, e.Theirs.Size, e.Theirs.Root, e.RootThere)
}

// askHeads compares what others hold with the checkpoint signed last, whose
// tree the files hold by now.
func (a *Anchor) askHeads(ctx context.Context, signed published) error {
	if a.cfg.Heads == nil {
		return nil
	}
	heads, err := a.cfg.Heads.Heads(ctx)
	if err != nil {
		return fmt.Errorf("asking who else has seen this log: %w", err)
	}
	if len(heads) == 0 {
		return nil
	}
	v, err := a.historyKey(ctx)
	if err != nil {
		return fmt.Errorf("asking who else has seen this log: %w", err)
	}
	for _, h := range heads {
		if err := a.compareHead(h, v, signed); err != nil {
			return err
		}
	}
	return nil
}

// historyKey is the log key that the history's first message announces.
func (a *Anchor) historyKey(ctx context.Context) (note.Verifier, error) {
	if a.cfg.Leaves != nil {
		return a.cfg.Leaves.Key, nil
	}
	if a.cfg.History.Last() == 0 {
		return nil, errors.New("the history is empty, and somebody holds checkpoints of this log; put the history back, or leave them out to begin another ledger")
	}
	for batch, err := range a.batches(ctx, 1, 1) {
		if err != nil {
			return nil, err
		}
		return openedKey(batch[0])
	}
	return nil, errors.New("the history has no first message")
}

func openedKey(entry []byte) (note.Verifier, error) {
	e, err := events.ParseEntry(entry)
	if err != nil {
		return nil, err
	}
	return proof.ParseVerifierKey(e.Text("keys.log"))
}

func (a *Anchor) compareHead(h Head, v note.Verifier, signed published) error {
	theirs, err := proof.OpenCheckpoint(h.Note, v)
	if err != nil {
		return fmt.Errorf("reading the checkpoint that %s holds: %w", h.From, err)
	}
	fork := &ForkError{
		From: h.From, Theirs: theirs, TheirNote: h.Note,
		Ours: signed.Checkpoint, OurNote: signed.note, historyEnd: a.cfg.History.Last(),
	}
	if fork.Ahead() {
		return fork
	}
	if fork.RootThere, fork.path, err = rootAt(&Public{dir: a.cfg.Dir}, theirs.Size, signed.Checkpoint); err != nil {
		return fmt.Errorf("comparing with the checkpoint that %s holds: %w", h.From, err)
	}
	if fork.RootThere != theirs.Root {
		return fork
	}
	return nil
}

// rootAt is the root over the first size entries of the log that c states, computed
// from its tiles, and the path from there to c. That they belong to c is proved on the
// way: a tile damaged far from the right edge must not look like a fork.
func rootAt(p *Public, size events.Size, c proof.Checkpoint) (proof.Hash, []proof.Hash, error) {
	switch size {
	case 0:
		return proof.EmptyRoot(), nil, nil
	case c.Size:
		return c.Root, nil, nil
	}
	hashes := p.hashes(c.Size)
	root, err := tlog.TreeHash(int64(size), hashes)
	if err != nil {
		return root, nil, err
	}
	path, err := tlog.ProveTree(int64(c.Size), int64(size), hashes)
	if err == nil {
		err = tlog.CheckTree(path, int64(c.Size), c.Root, int64(size), root)
	}
	if err != nil {
		return root, nil, &DamageError{Place: "tile", Reason: err}
	}
	return root, path, nil
}
