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

// MirrorConfig says where a Mirror works and whose log it makes again.
type MirrorConfig struct {
	// Dir is the public directory. It is created, and used by one process at a time.
	Dir string
	// Key is the log key's verifier. Its name is the origin.
	Key note.Verifier
	// History is the same history that the signer anchors.
	History Replayer
	// Leaves, if set, says that the log is of other things than events. Only its Check
	// is used.
	Leaves *Leaves
	// Agree, unless nil, is given each new entry in order, once the tree over them has
	// the signed root and before any of them is shown. Its error ends Extend, and is
	// not final: the next Extend gives it the same entries again.
	Agree func(ctx context.Context, i events.Index, entry []byte) error
	// Lock is the file that keeps other processes out; the default is beside Dir, with
	// its name and ".lock".
	Lock string
}

// Mirror makes the public log of a ledger that runs elsewhere again, from its
// history, and shows of it what a checkpoint signed there covers. It signs nothing:
// what it adds is a further computation of the tree. All its methods except Extend
// and Close can be called at any time and from everywhere.
//
// Its directory has the form of an Anchor's and no journal. It can be deleted at any
// time, with all that it remembers: the checkpoint it saw last.
type Mirror struct {
	cfg    MirrorConfig
	public *Public
	files  *writer
	lock   *os.File
	broken error // why nothing is shown any more that was not shown before

	mu     sync.Mutex
	closed bool
}

// SplitError says that the key signed two checkpoints of one size with different
// roots. The evidence holds for anyone.
type SplitError struct{ Fork *proof.Fork }

func (e *SplitError) Error() string {
	return "the log signed two different checkpoints of one size; keep both, they prove it"
}

// OpenMirror takes up the directory where its checkpoint left it, or an empty one.
// It refuses a checkpoint of another key, and with a *DamageError files that are not
// those of the checkpoint.
func OpenMirror(cfg MirrorConfig) (*Mirror, error) {
	if cfg.Dir == "" || cfg.Key == nil || cfg.History == nil {
		return nil, errors.New("opening the mirror: it needs a directory, a key and a history")
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening the mirror: %w", err)
	}
	lock, err := LockFile(cmp.Or(cfg.Lock, filepath.Clean(cfg.Dir)+".lock"))
	if err != nil {
		return nil, fmt.Errorf("opening the mirror in %s: %w", cfg.Dir, err)
	}
	m := &Mirror{cfg: cfg, public: &Public{dir: cfg.Dir, live: true}, files: newWriter(cfg.Dir, nil), lock: lock}
	if err := m.takeUp(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("opening the mirror in %s: %w", cfg.Dir, err)
	}
	return m, nil
}

func (m *Mirror) takeUp() error {
	msg, err := readFile(filepath.Join(m.cfg.Dir, checkpointPath), maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return m.files.trim()
	}
	if err != nil {
		return err
	}
	c, err := proof.OpenCheckpoint(msg, m.cfg.Key)
	if err != nil {
		return fmt.Errorf("reading its checkpoint, which is to be of %s: %w", m.cfg.Key.Name(), err)
	}
	if err := m.files.load(c); err != nil {
		return err
	}
	m.public.now.Store(&published{c, msg})
	return m.files.trim()
}

// Extend takes a signed checkpoint and the entries it covers, and shows them once
// the tree over the history's entries has the root that is signed. Until then, and
// after an error, what was shown before stays. A checkpoint that is smaller changes
// nothing; at the same size the cosignatures are those given last.
//
// A *SplitError or a *MismatchError is final. After any other error, as one of the
// history's, Extend may be called again.
func (m *Mirror) Extend(ctx context.Context, msg []byte) error {
	if m.broken != nil {
		return m.broken
	}
	c, err := proof.OpenCheckpoint(msg, m.cfg.Key)
	if err != nil {
		return fmt.Errorf("following the log: %w", err)
	}
	if err := m.extend(ctx, published{c, bytes.Clone(msg)}); err != nil {
		return fmt.Errorf("following the log to size %d: %w", c.Size, err)
	}
	return nil
}

func (m *Mirror) extend(ctx context.Context, p published) error {
	now, before := m.Checkpoint()
	if p.Size == now.Size && p.Size > 0 && p.Root != now.Root {
		return m.stop(&SplitError{&proof.Fork{A: before, B: p.note}})
	}
	if p.Size == now.Size && p.Size > 0 && !bytes.Equal(p.note, before) {
		return m.show(p) // cosigned anew
	}
	if p.Size <= now.Size || p.Size < m.files.tree.size {
		return nil
	}
	from := feed{m.cfg.History, m.cfg.Leaves, m.cfg.Key.Name(), m.cfg.Key.KeyHash()}
	if m.files.tree.size < p.Size {
		for batch, err := range from.batches(ctx, events.Seq(m.files.tree.size)+1, events.Seq(p.Size)) {
			if err != nil {
				return err
			}
			if err := m.files.write(m.files.add(batch)); err != nil {
				return m.stop(err)
			}
		}
	}
	if root := m.files.tree.root(); root != p.Root {
		return m.stop(&MismatchError{Size: p.Size, Ours: root, LogSize: p.Size, LogsAnswer: p.Root})
	}
	if err := agreed(ctx, m.cfg.Dir, now.Size, p.Size, m.cfg.Agree); err != nil {
		return err
	}
	if err := m.files.sync(); err != nil {
		return m.stop(err)
	}
	return m.show(p)
}

// show publishes p, whose files are synced.
func (m *Mirror) show(p published) error {
	if err := m.files.replace(p.note); err != nil {
		return m.stop(err)
	}
	m.public.now.Store(&p)
	return nil
}

// agreed asks whether the entries in a directory from first on may be shown, and needs no
// answer if agree is nil. That they are those which were signed is known.
func agreed(ctx context.Context, dir string, first, size events.Size, agree func(context.Context, events.Index, []byte) error) error {
	if agree == nil {
		return nil
	}
	files := &Public{dir: dir}
	return files.eachBundle(ctx, first, size, func(first events.Size, entries [][]byte) error {
		for i, e := range entries {
			if err := agree(ctx, events.Index(first)+events.Index(i), e); err != nil {
				return err
			}
		}
		return nil
	})
}

// stop keeps err for every later Extend: the files are not to be built upon.
func (m *Mirror) stop(err error) error {
	m.broken = err
	return err
}

// Checkpoint returns the checkpoint that is shown, and its note; before the first
// one it returns a zero Checkpoint and nil.
func (m *Mirror) Checkpoint() (proof.Checkpoint, []byte) {
	return m.public.checkpoint()
}

// Public is the log for readers, up to the checkpoint.
func (m *Mirror) Public() *Public { return m.public }

// Prove is as that of an Anchor.
func (m *Mirror) Prove(ctx context.Context, i events.Index) (proof.Proof, error) {
	c, msg := m.Checkpoint()
	return m.public.prove(ctx, i, published{c, msg})
}

// ProveAll is as that of an Anchor.
func (m *Mirror) ProveAll(ctx context.Context, positions []events.Index) ([]proof.Proof, error) {
	c, msg := m.Checkpoint()
	return m.public.proveAll(ctx, positions, published{c, msg})
}

// Close releases the directory. Reading goes on working.
func (m *Mirror) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	return m.lock.Close()
}
