package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// MirrorConfig says whose index a Mirror makes again, and where.
type MirrorConfig struct {
	// Dir holds the trees. It is made, and can be deleted: then they are computed again.
	Dir string
	// Public is the directory of the index log, ledger.IndexPath below the ledger's.
	Public string
	// Ledger is the ledger as it is shown here. A ledger.Mirror has these methods.
	Ledger Published
	// From shows the index that is followed, below ledger.IndexPath.
	From ledger.Source
	// Cache is as in Config.
	Cache int64
}

// Mirror makes the index of a ledger that runs elsewhere again, from the ledger as it
// is shown here, and shows and answers of it what a checkpoint signed there covers. It
// signs nothing. Extend makes it; all other methods may be called at any time.
type Mirror struct {
	answers
	cfg   MirrorConfig
	trees *trees
	close func() error

	// Of Extend alone:
	files  *ledger.Mirror  // the index log; nil before the ledger here has entry 0
	taken  bool            // the trees were brought to what the files show
	shown  proof.IndexLeaf // the last leaf that is shown
	last   proof.IndexLeaf // the last that agreed
	broken error           // why nothing is shown any more that was not shown before
}

// OpenMirror takes up trees and files where they are. Nothing is answered before
// Extend has brought both together.
func OpenMirror(ctx context.Context, cfg MirrorConfig) (*Mirror, error) {
	if cfg.Dir == "" || cfg.Public == "" || cfg.Ledger == nil || cfg.From == nil {
		return nil, errors.New("opening the mirror of the index: it needs both directories, the ledger and whom to follow")
	}
	m := &Mirror{cfg: cfg}
	var err error
	if m.trees, err = openTrees(cfg.Dir, treeOptions{cache: cfg.Cache}); err != nil {
		return nil, fmt.Errorf("opening the mirror of the index: %w", err)
	}
	m.close = sync.OnceValue(func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		err := m.setView(nil)
		if m.files != nil {
			err = errors.Join(err, m.files.Close())
		}
		return errors.Join(err, m.trees.close())
	})
	if err := m.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the mirror of the index: %w", err), m.close())
	}
	return m, nil
}

// Close closes trees and files. Extend must have returned. Closing again does nothing.
func (m *Mirror) Close() error {
	if err := m.close(); err != nil {
		return fmt.Errorf("closing the mirror of the index: %w", err)
	}
	return nil
}

// open opens the files, as soon as the ledger here says whose index it has.
func (m *Mirror) open(ctx context.Context) error {
	if c, _ := m.cfg.Ledger.Checkpoint(); c.Size == 0 || m.files != nil {
		return nil
	}
	v, err := m.key(ctx)
	if err != nil {
		return fmt.Errorf("reading the index key from entry 0: %w", err)
	}
	m.files, err = ledger.OpenMirror(ledger.MirrorConfig{
		Dir: m.cfg.Public, Lock: m.cfg.Dir + ".lock", Key: v,
		History: leavesOf{m.cfg.From}, Leaves: Leaves(v), Agree: m.agree,
	})
	return err
}

// key is the index key that the ledger's entry 0 names.
func (m *Mirror) key(ctx context.Context) (note.Verifier, error) {
	b, err := m.cfg.Ledger.Public().Entry(ctx, 0)
	if err != nil {
		return nil, err
	}
	e, err := events.ParseEntry(b)
	if err != nil {
		return nil, err
	}
	return proof.ParseVerifierKey(e.Text("keys.index"))
}

// Extend looks for a newer checkpoint of the index, and shows what it covers once the
// log here leads to its root and each new leaf has the roots that the entries shown
// here lead to. Until then, and after an error, what was shown before stays; an older
// checkpoint, or none, changes nothing.
//
// A *Violation, for which [Audit] of the one that is followed has the evidence, a
// *ledger.SplitError or a *ledger.MismatchError is final. The error is
// ledger.ErrNotPublished while the ledger here has less than a leaf covers: then, and
// after any other error, Extend may be called again.
func (m *Mirror) Extend(ctx context.Context) error {
	if m.broken != nil {
		return m.broken
	}
	err := m.extend(ctx)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("following the index: %w", err)
	var wrong *Violation
	var split *ledger.SplitError
	var mismatch *ledger.MismatchError
	if errors.As(err, &wrong) || errors.As(err, &split) || errors.As(err, &mismatch) {
		m.broken = err
	}
	return err
}

func (m *Mirror) extend(ctx context.Context) error {
	if err := m.open(ctx); err != nil || m.files == nil {
		return err
	}
	if err := m.takeUp(ctx); err != nil {
		return err
	}
	msg, err := m.cfg.From.Read(ctx, indexCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is in it yet
	}
	if err != nil {
		return err
	}
	before, shown := m.files.Checkpoint()
	m.last = m.shown
	err = m.files.Extend(ctx, msg)
	var mismatch *ledger.MismatchError
	if errors.As(err, &mismatch) && before.Size > 0 {
		return fmt.Errorf("%w; the leaves that were fetched are not those that are signed, or what is signed now does not continue what was signed before; keep both:\n%s\n%s", err, shown, msg)
	}
	if err != nil {
		return err
	}
	if now, _ := m.files.Checkpoint(); now.Size > before.Size {
		m.taken = false
	}
	return m.takeUp(ctx)
}

// takeUp brings the trees to the last leaf that the files show, and answers from it.
// Trees that are further, because what they were led by was not shown before a crash,
// stay there: they answer when that leaf is shown.
func (m *Mirror) takeUp(ctx context.Context) error {
	if m.taken {
		return nil
	}
	here, _ := m.cfg.Ledger.Checkpoint()
	c, _ := m.files.Checkpoint()
	if c.Size == 0 {
		m.taken = true
		return nil
	}
	last := events.Seq(c.Size).Index()
	p, err := m.files.Prove(ctx, last)
	if err != nil {
		return err
	}
	leaf, err := proof.ParseIndexLeaf(string(p.Extra))
	if err != nil {
		return err
	}
	if err := m.reach(ctx, leaf.Size, here.Size, false); err != nil {
		return err
	}
	if m.trees.now.size == leaf.Size {
		if m.trees.now.leaf() != leaf {
			return fmt.Errorf("the entries up to %d do not lead to leaf %d, which is shown here: delete %s and %s, and they are made again", leaf.Size, last, m.cfg.Dir, m.cfg.Public)
		}
		if err := m.answer(leaf, p); err != nil {
			return err
		}
	}
	if err := m.trees.forget(m.shown.Size, leaf.Size); err != nil {
		return err
	}
	m.shown, m.taken = leaf, true
	return nil
}

// answer makes answers speak of the last leaf, at which the trees are.
func (m *Mirror) answer(leaf proof.IndexLeaf, p proof.Proof) error {
	files := m.files
	v := &view{
		snapshot: m.trees.db.NewSnapshot(), proof: proof.IndexProof{Leaf: leaf, Path: p.Path, Note: p.Note},
		newest: func() []byte { _, msg := files.Checkpoint(); return msg },
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setView(v)
}

// agree returns nil if leaf i, which is signed, says what the ledger here leads to.
func (m *Mirror) agree(ctx context.Context, i events.Index, entry []byte) error {
	l, err := proof.ParseIndexLeaf(string(entry))
	if err != nil {
		return err
	}
	leaf := indexLeaf{l, i}
	if reason := follows(l, m.last); reason != nil {
		return &Violation{Place: leaf.place(), Reason: reason}
	}
	here, _ := m.cfg.Ledger.Checkpoint()
	ours, err := m.at(ctx, l.Size, here.Size)
	if err != nil {
		return fmt.Errorf("checking leaf %d: %w", i, err)
	}
	if l != ours {
		return cmp.Or(m.damaged(ctx, here), error(&Violation{Place: leaf.place(), Reason: fmt.Errorf("it says %+v, and the entries lead to %+v", l, ours)}))
	}
	m.last = l
	return nil
}

// at is what the first size entries lead to.
func (m *Mirror) at(ctx context.Context, size, here events.Size) (proof.IndexLeaf, error) {
	if size < m.trees.now.size {
		l, ok, err := m.trees.noted(size)
		if ok || err != nil {
			return l, err
		}
		if err := m.trees.reset(); err != nil { // the files were deleted, the trees were not
			return l, err
		}
	}
	if err := m.reach(ctx, size, here, true); err != nil {
		return proof.IndexLeaf{}, err
	}
	return m.trees.now.leaf(), nil
}

// reach brings the trees to a size, unless they are there or further, and notes what
// they are there: a crash can come before that is shown, when they are further.
func (m *Mirror) reach(ctx context.Context, size, here events.Size, noted bool) error {
	if size > here {
		return fmt.Errorf("the index covers %d entries, and the ledger here has %d: %w", size, here, ledger.ErrNotPublished)
	}
	return m.trees.addTo(ctx, m.cfg.Ledger.Public(), size, func(a addition) error {
		a.noted = noted && a.end(m.trees) == size
		err := m.trees.add(a)
		if twice := new(DuplicateError); errors.As(err, &twice) {
			return &Violation{Place: entryPlace(twice.Second), Reason: twice}
		}
		return err
	})
}

// damaged returns an error if the entries, as they lie here, do not lead to the
// checkpoint of the ledger that is shown: then it is not the index that is wrong.
func (m *Mirror) damaged(ctx context.Context, here proof.Checkpoint) error {
	e := edge{m.trees.now.size, append([]proof.Hash(nil), m.trees.now.roots...)}
	for e.size < here.Size {
		a, err := readEntries(ctx, m.cfg.Ledger.Public(), e.size, here.Size)
		if err != nil {
			return fmt.Errorf("reading entries from %d: %w", e.size, err)
		}
		for _, h := range a.leaves {
			e.add(h)
		}
	}
	if e.root() != here.Root {
		return fmt.Errorf("the entries up to %d, as they lie here, have root %v, and the checkpoint here says %v: delete what this reader has, and it is made again", here.Size, e.root(), here.Root)
	}
	return nil
}

// follows returns what is wrong with a leaf after the last one, nil if nothing is.
func follows(l, last proof.IndexLeaf) error {
	switch {
	case l.Size <= last.Size:
		return fmt.Errorf("it covers %d entries, and the leaf before %d", l.Size, last.Size)
	case last.Size > 0 && l.Tags == last.Tags && l.Labels == last.Labels:
		return errors.New("it covers no tag and no enrolment that the leaf before does not")
	}
	return nil
}

// leavesOf are the leaves of an index as somebody shows it.
type leavesOf struct{ ledger.Source }

// Replay yields the leaves from … to, where to is the last there is.
func (s leavesOf) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for next := from; next <= to; {
			n, skip := uint64(next.Index())/proof.TileWidth, uint64(next.Index())%proof.TileWidth
			width := int(min(proof.TileWidth, uint64(to)-n*proof.TileWidth))
			bundle, err := s.Read(ctx, ledger.IndexPath+"/"+proof.EntriesPath(n, width))
			var entries [][]byte
			if err == nil {
				entries, err = proof.ReadBundle(bundle, width)
			}
			if err != nil {
				yield(events.Stored{}, fmt.Errorf("fetching leaves: %w", err))
				return
			}
			for _, e := range entries[skip:] {
				if !yield(events.Stored{Seq: next, Data: e}, nil) {
					return
				}
				next++
			}
		}
	}
}
