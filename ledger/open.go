package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Open takes up the public directory where the journal's last checkpoint left
// it, and publishes that checkpoint if a crash came between and no Cosigners are set;
// with them it shows what was shown before. It refuses a
// directory, journal or history that contradict each other; the error names
// the place, and a *DamageError what to do. The caller runs Run, then Close.
func Open(ctx context.Context, cfg Config) (*Anchor, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("opening the anchor: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening the public log: %w", err)
	}
	if err := syncPath(filepath.Dir(cfg.Dir)); err != nil {
		return nil, fmt.Errorf("opening the public log: %w", err)
	}
	var j *journal
	if cfg.Elsewhere != nil {
		j, err = openElsewhere(ctx, cfg.Elsewhere, cfg.step)
	} else {
		j, err = openJournal(cfg.Journal, cfg.step)
	}
	if err != nil {
		return nil, err
	}
	a := &Anchor{
		cfg:     cfg,
		public:  &Public{dir: cfg.Dir, live: true},
		files:   newWriter(cfg.Dir, cfg.step),
		journal: j,
		signed:  j.last.Size,
		moved:   make(chan struct{}),
	}
	if err := a.takeUp(ctx); err != nil {
		j.close()
		return nil, fmt.Errorf("taking up the public log in %s: %w", cfg.Dir, err)
	}
	return a, nil
}

// takeUp brings files, checkpoint and journal to one state.
func (a *Anchor) takeUp(ctx context.Context) error {
	signed := a.journal.last
	shown, err := a.comparePublished()
	if err != nil {
		return err
	}
	if signed.Size == 0 {
		if err := a.askHeads(ctx, signed); err != nil {
			return err
		}
		return a.files.trim()
	}
	if err := a.takeBack(ctx, signed); err != nil {
		return err
	}
	if last := a.cfg.History.Last(); last.Size() < signed.Size {
		return fmt.Errorf("the history ends at message %d, and a checkpoint of size %d is signed: the history was cut or set back; put back the newest history, a new one would contradict what was published; daybook recover says more", last, signed.Size)
	}
	if err := a.loadOrRebuild(ctx, signed.Checkpoint); err != nil {
		return err
	}
	if err := a.checkSigned(ctx, signed, shown); err != nil {
		return err
	}
	if err := a.compareLast(ctx, signed.Size); err != nil {
		return err
	}
	if err := a.askHeads(ctx, signed); err != nil {
		return err
	}
	if err := a.files.trim(); err != nil {
		return err
	}
	return a.takeUpShown(shown, signed)
}

// takeUpShown publishes what was signed and not shown, unless witnesses have to be
// asked for that, which is what Run begins with.
func (a *Anchor) takeUpShown(shown, signed published) error {
	switch {
	case shown.Size == signed.Size:
	case a.cfg.Cosigners == nil:
		if err := a.files.replace(signed.note); err != nil {
			return err
		}
		shown = signed
	case shown.note == nil:
		return nil
	}
	if a.cfg.Cosigners != nil {
		a.fresh, _ = a.cfg.Cosigners.Known(shown.note)
		if now := a.cfg.Now(); a.fresh.After(now) { // a witness's clock does not put off ours
			a.fresh = now
		}
	}
	a.public.now.Store(&shown)
	return nil
}

// comparePublished holds the checkpoint file against the journal and returns it, if
// there is one. A file ahead of the journal means that the journal was set back or is
// another's: going on could sign a second history.
func (a *Anchor) comparePublished() (shown published, err error) {
	signed := a.journal.last
	msg, err := readFile(filepath.Join(a.cfg.Dir, checkpointPath), maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return published{}, nil
	}
	if err != nil {
		return published{}, err
	}
	c, err := stated(msg)
	switch {
	case err != nil:
		return published{}, &DamageError{Place: checkpointPath, Reason: err}
	case c.Origin != a.cfg.Signer.Name():
		return published{}, fmt.Errorf("the published checkpoint is of %s, the key is of %s", c.Origin, a.cfg.Signer.Name())
	case c.Size > signed.Size:
		return published{}, fmt.Errorf("the published checkpoint has size %d, the journal %s ends at %d: the journal is another one or was set back; put back the newest journal; daybook recover says more", c.Size, a.cfg.Journal, signed.Size)
	case c.Size == signed.Size && !continues(msg, signed.note):
		return published{}, fmt.Errorf("the published checkpoint of size %d is not the journalled one", c.Size)
	}
	return published{c, msg}, nil
}

// checkSigned opens the journalled note with the key that entry 0 names, which
// must be ours: what is published next is then what was signed. So is what stays
// published until the witnesses have answered.
func (a *Anchor) checkSigned(ctx context.Context, signed, shown published) error {
	v, err := a.signedBy(ctx, signed.Size)
	if err != nil {
		return err
	}
	if _, err := proof.OpenCheckpoint(signed.note, v); err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	if shown.note == nil || shown.Size < signed.Size && a.cfg.Cosigners == nil {
		return nil
	}
	if _, err := proof.OpenCheckpoint(shown.note, v); err != nil {
		return &DamageError{Place: checkpointPath, Reason: err}
	}
	root, _, err := rootAt(&Public{dir: a.cfg.Dir}, shown.Size, signed.Checkpoint)
	if err == nil && root != shown.Root {
		err = &DamageError{Place: checkpointPath, Reason: fmt.Errorf("it has root %v at size %d, the files have %v", shown.Root, shown.Size, root)}
	}
	return err
}

// signedBy is the key that signs this log, as its entry 0 says, of size entries.
func (a *Anchor) signedBy(ctx context.Context, size events.Size) (note.Verifier, error) {
	if a.cfg.Leaves != nil {
		return a.cfg.Leaves.Key, nil
	}
	p := &Public{dir: a.cfg.Dir}
	first, err := p.entries(ctx, 0, 1, size)
	if err != nil {
		return nil, err
	}
	e, err := events.ParseEntry(first[0])
	if err != nil {
		return nil, err
	}
	if err := checkPlace(0, e, a.cfg.Signer.Name(), a.cfg.Signer.KeyHash()); err != nil {
		return nil, err
	}
	return proof.ParseVerifierKey(e.Text("keys.log"))
}

// loadOrRebuild reads the files, or makes them anew if there are none at all.
func (a *Anchor) loadOrRebuild(ctx context.Context, c proof.Checkpoint) error {
	_, err := os.Stat(filepath.Join(a.cfg.Dir, "tile"))
	if !errors.Is(err, fs.ErrNotExist) {
		return a.files.load(c)
	}
	for batch, err := range a.batches(ctx, 1, events.Seq(c.Size)) {
		if err == nil {
			err = a.files.write(a.files.add(batch))
		}
		if err == nil {
			err = a.files.sync()
		}
		if err != nil {
			return fmt.Errorf("rebuilding the public log: %w", err)
		}
	}
	if root := a.files.tree.root(); root != c.Root {
		return fmt.Errorf("rebuilding the public log: the history has root %v at size %d, signed is %v: it is not the history that was signed", root, c.Size, c.Root)
	}
	return nil
}

// compareLast holds the last signed entry against the history, so that a
// history that went another way is noticed before anything is added to it.
func (a *Anchor) compareLast(ctx context.Context, size events.Size) error {
	i := uint64(size) - 1
	p := &Public{dir: a.cfg.Dir}
	ours, err := p.entries(ctx, i/proof.TileWidth, int(i%proof.TileWidth)+1, size)
	if err != nil {
		return &DamageError{Place: fileOf(proof.Tile{Level: proof.EntriesLevel, N: i / proof.TileWidth}), Reason: err}
	}
	for batch, err := range a.batches(ctx, events.Seq(size), events.Seq(size)) {
		if err != nil {
			return err
		}
		if !bytes.Equal(batch[0], ours[len(ours)-1]) {
			return fmt.Errorf("message %d of the history is not entry %d of the public log", size, i)
		}
	}
	return nil
}
