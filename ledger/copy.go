package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// CopyConfig says whose log a Copy is of, and where it is kept.
type CopyConfig struct {
	// Dir is the directory of the copy. It is made, and used by one process at a time.
	Dir string
	// Key is the log key's verifier. Its name is the origin.
	Key note.Verifier
	// From shows the log that is copied.
	From Source
	// Leaves, if set, says that the log is of other things than events. Only its Check
	// is used.
	Leaves *Leaves
	// Agree is as in MirrorConfig.
	Agree func(ctx context.Context, i events.Index, entry []byte) error
	// Parallel is how many bundles are fetched at once; the default is 4.
	Parallel int
	// Beside is what the names of the files begin with that belong to the copy and are
	// not part of it: ".lock", and ".seen" for the newest checkpoint it was given. The
	// default is the directory's name.
	Beside string
	// Progress, unless nil, is told how many of all entries are there and verified.
	Progress func(done, all events.Size)
}

// Copy is a log as a stranger has it: fetched file by file from whoever shows it, and
// verified with the log's key. Any web server that shows its directory shows the log to
// any client of c2sp.org/tlog-tiles. All its methods except Extend and Close can be
// called at any time and from everywhere.
type Copy struct {
	cfg    CopyConfig
	public *Public
	files  *copyFiles
	lock   *os.File
	broken error // why nothing is copied any more

	mu     sync.Mutex
	seen   []byte // the newest signed checkpoint that was taken, nil before the first
	closed bool
}

// Misbehaviour says that statements of a ledger cannot all be true.
type Misbehaviour struct {
	Said     string          // what is wrong, in a sentence without a full stop
	Evidence *proof.Evidence // complete and verified; nil where signed statements alone do not show it
}

func (m *Misbehaviour) Error() string { return m.Said }

// OpenCopy takes up the directory where its checkpoint left it, or an empty one. It
// refuses a checkpoint of another key, and with a *DamageError files that are not those
// of the checkpoint.
func OpenCopy(ctx context.Context, cfg CopyConfig) (*Copy, error) { return openCopy(ctx, cfg, nil) }

func openCopy(ctx context.Context, cfg CopyConfig, s step) (*Copy, error) {
	if cfg.Dir == "" || cfg.Key == nil || cfg.From == nil {
		return nil, errors.New("opening the copy: it needs a directory, a key and whom to follow")
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil { // "." and ".." have nothing beside them
		return nil, fmt.Errorf("opening the copy: %w", err)
	}
	cfg.Parallel, cfg.Beside = cmp.Or(cfg.Parallel, 4), cmp.Or(cfg.Beside, cfg.Dir)
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening the copy: %w", err)
	}
	lock, err := LockFile(cfg.Beside + ".lock")
	if err != nil {
		return nil, fmt.Errorf("opening the copy in %s: %w", cfg.Dir, err)
	}
	c := &Copy{cfg: cfg, public: &Public{dir: cfg.Dir, live: true, copied: true}, files: &copyFiles{writer: newWriter(cfg.Dir, s)}, lock: lock}
	if err := c.takeUp(ctx); err != nil {
		lock.Close()
		return nil, fmt.Errorf("opening the copy in %s: %w", cfg.Dir, err)
	}
	return c, nil
}

func (c *Copy) takeUp(ctx context.Context) error {
	shown, err := c.readNote(filepath.Join(c.cfg.Dir, checkpointPath))
	if err != nil {
		return err
	}
	seen, err := c.readNote(c.cfg.Beside + ".seen")
	if err != nil {
		return err
	}
	if c.seen = shown.note; seen.Size > shown.Size {
		c.seen = seen.note
	}
	if shown.note == nil {
		return nil
	}
	if err := c.files.take(ctx, shown.Checkpoint); err != nil {
		return err
	}
	c.public.now.Store(&shown)
	return c.files.putUnfinished() // another who wrote here may have kept them otherwise
}

// readNote reads a checkpoint that the copy wrote; without the file its note is nil.
func (c *Copy) readNote(path string) (p published, err error) {
	if p.note, err = readFile(path, maxNote); errors.Is(err, fs.ErrNotExist) {
		return published{}, nil
	}
	if err == nil {
		p.Checkpoint, err = proof.OpenCheckpoint(p.note, c.cfg.Key)
	}
	if err != nil {
		return p, fmt.Errorf("reading %s, which is to be a checkpoint of %s: %w", path, c.cfg.Key.Name(), err)
	}
	return p, nil
}

// Extend takes a signed checkpoint, compares it with the newest it was given before,
// fetches what it covers, and shows that once every entry is the one that is signed and
// the tree over them has the signed root. Until then, and after an error, what was shown
// before stays. Of one size, the note given last is shown: it may have more
// cosignatures.
//
// The error is a *Misbehaviour if the log signed what cannot be of one log with what was
// seen before, ErrRollback for a smaller checkpoint, ErrIncomplete when something could
// not be fetched, and an *AuditError when what is shown is not what was signed. All of
// these leave the copy as it was. A *MismatchError, or a failure of the disk, is final.
func (c *Copy) Extend(ctx context.Context, msg []byte) error {
	if c.broken != nil {
		return c.broken
	}
	at, err := proof.OpenCheckpoint(msg, c.cfg.Key)
	if err != nil {
		return fmt.Errorf("copying the log: %w", err)
	}
	if err := c.extend(ctx, published{at, bytes.Clone(msg)}); err != nil {
		return fmt.Errorf("copying the log to size %d: %w", at.Size, err)
	}
	return nil
}

func (c *Copy) extend(ctx context.Context, p published) error {
	tiles := &recent{Source: c.cfg.From, kept: map[string][]byte{}}
	if err := c.compare(ctx, p, tiles); err != nil {
		return err
	}
	now, before := c.Checkpoint()
	if p.Size < now.Size || bytes.Equal(p.note, before) {
		return nil
	}
	if err := c.see(p.note); err != nil {
		return c.stop(err)
	}
	if err := c.fetchAll(ctx, p, tiles); err != nil {
		return err
	}
	if root := c.files.tree.root(); root != p.Root {
		return c.stop(&MismatchError{Size: p.Size, Ours: root, LogSize: p.Size, LogsAnswer: p.Root})
	}
	if err := c.files.putUnfinished(); err != nil {
		return c.stop(err)
	}
	if err := agreed(ctx, c.cfg.Dir, now.Size, p.Size, c.cfg.Agree); err != nil {
		return err
	}
	if err := c.files.sync(); err != nil {
		return c.stop(err)
	}
	if err := c.files.replace(p.note); err != nil {
		return c.stop(err)
	}
	c.public.now.Store(&p)
	if err := c.files.drop(now.Size, p.Size); err != nil {
		return c.stop(err)
	}
	return nil
}

// Compare is what Extend does first, and takes nothing: for a checkpoint that is not to be
// shown, and may still convict the log. Its errors are those of Extend.
func (c *Copy) Compare(ctx context.Context, msg []byte) error {
	at, err := proof.OpenCheckpoint(msg, c.cfg.Key)
	if err == nil {
		err = c.compare(ctx, published{at, msg}, c.cfg.From)
	}
	if err != nil {
		return fmt.Errorf("comparing with the copy: %w", err)
	}
	return nil
}

// compare holds p against the newest checkpoint that was seen.
func (c *Copy) compare(ctx context.Context, p published, tiles Source) error {
	before := c.Seen()
	if now, msg := c.Checkpoint(); p.Size < now.Size {
		before, tiles = msg, c.public // the larger log is here
	}
	found, err := Compare(ctx, before, p.note, c.cfg.Key, tiles)
	if err != nil || found == nil {
		return err
	}
	verdict, err := found.Verify(c.cfg.Key)
	if err != nil {
		return err
	}
	return &Misbehaviour{Said: verdict.Says, Evidence: found}
}

// see keeps a checkpoint before anything is fetched for it, so that whoever signs
// another log afterwards is found out even when this one is never shown.
func (c *Copy) see(msg []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes.Equal(c.seen, msg) {
		return nil
	}
	if err := c.files.step.run("write seen", func() error { return keep(c.cfg.Beside+".seen", msg) }); err != nil {
		return fmt.Errorf("keeping the checkpoint that was seen: %w", err)
	}
	c.seen = msg
	return nil
}

// stop keeps err for every later Extend: the files are not to be built upon.
func (c *Copy) stop(err error) error {
	c.broken = err
	return err
}

// Checkpoint returns the checkpoint that is shown, and its note; before the first
// one it returns a zero Checkpoint and nil.
func (c *Copy) Checkpoint() (proof.Checkpoint, []byte) {
	return c.public.checkpoint()
}

// Key is the verifier of the log that is copied.
func (c *Copy) Key() note.Verifier { return c.cfg.Key }

// Seen is the newest checkpoint that Extend was given and did not refuse, which may not
// be shown yet; nil before the first.
func (c *Copy) Seen() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.seen)
}

// Public is the log for readers, up to the checkpoint.
func (c *Copy) Public() *Public { return c.public }

// Prove is as that of an Anchor.
func (c *Copy) Prove(ctx context.Context, i events.Index) (proof.Proof, error) {
	at, msg := c.Checkpoint()
	return c.public.prove(ctx, i, published{at, msg})
}

// Close releases the directory. Reading goes on working.
func (c *Copy) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.lock.Close()
}
