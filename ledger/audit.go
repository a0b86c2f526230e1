package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Source is where an audit reads the public log: a [Public], or a client of a
// server that shows one. A path that is not there is fs.ErrNotExist.
type Source interface {
	Read(ctx context.Context, path string) ([]byte, error)
}

// ErrIncomplete means that something the checkpoint covers could not be
// fetched. It is not misbehaviour by itself: try again, or elsewhere.
var ErrIncomplete = errors.New("the audit is incomplete")

// ErrNothingChecked means that no entry is published yet.
var ErrNothingChecked = errors.New("nothing is published, nothing was checked")

// AuditError says that the log is not what it must be. The file named may be
// damaged, or the log lied.
type AuditError struct {
	// Place is "checkpoint", or the path of the full tile or bundle, whose
	// partial form lies in the same file, as "tile/0/000"; for an entry its
	// bundle and its position in the log, as "tile/entries/001 entry 300".
	Place  string
	Reason error
}

func (e *AuditError) Error() string { return fmt.Sprintf("auditing %s: %v", e.Place, e.Reason) }

// Unwrap is the reason.
func (e *AuditError) Unwrap() error { return e.Reason }

// AuditOptions bound an audit. The zero value checks everything.
type AuditOptions struct {
	// HashesOnly leaves the content of all entries but the first unread.
	HashesOnly bool
	// Parallel is how many bundles are fetched and hashed at once; the default
	// is twice the number of processors.
	Parallel int
	// Each, unless nil, is given every entry whose content is read: in any order, by
	// several goroutines at once, and before it is known that the log is whole.
	Each func(events.Index, *events.Entry)
	// InOrder, unless nil, is given the hash and the facts of every entry, one after
	// the other, up to the first that is in doubt. It sees to it that no tag and no
	// label stands twice; the audit then remembers names alone.
	InOrder func(events.Index, proof.Hash, Facts) error
	// Leaves, if set, says that the log is of other things than events. Its Check
	// is called by several goroutines at once.
	Leaves *Leaves
	// Begins are checkpoints that were trusted before: the log must begin with each of
	// them, or else the error is an *AuditError. Only their sizes and roots are read.
	Begins []proof.Checkpoint
}

// Report is what an audit that found nothing wrong has checked.
type Report struct {
	Origin string
	Size   events.Size // entries hashed
	Root   proof.Hash
	Note   []byte            // the signed checkpoint all of it belongs to
	Tiles  uint64            // of hashes, of every level
	Parsed uint64            // entries whose content was read
	Kinds  map[string]uint64 // parsed entries by kind
	Tags   uint64            // distinct ones in parsed entries
	Labels uint64            // persons enrolled in parsed entries
}

// Audit checks the whole public log that src shows and v signed: the
// signature, every entry, every tile of every level, the root, that entry 0
// opens this log with this key, and that no event name, tag or label stands
// twice. It holds a few bundles in memory at a time, and 16 bytes or so of each
// name and tag.
//
// The error is an *AuditError when the log is wrong, ErrIncomplete when it
// could not be read, ErrNothingChecked when it is empty or absent, and the
// context's when that ended.
func Audit(ctx context.Context, src Source, v note.Verifier, opts AuditOptions) (*Report, error) {
	if opts.Parallel <= 0 {
		opts.Parallel = 2 * runtime.GOMAXPROCS(0)
	}
	a := &audit{src: src, key: v, opts: opts, seen: newSeen()}
	if err := a.open(ctx); err != nil {
		return nil, err
	}
	err := a.walk(ctx)
	if err == nil {
		err = a.finish(ctx)
	}
	if a.suspect != nil && errors.Is(err, ErrIncomplete) {
		err = a.suspect.inEntry() // missing files do not excuse what was found
	}
	if err != nil {
		return nil, err
	}
	return a.report(), nil
}

// audit is one run. Its tree is computed from the entries alone; the tiles are
// held against it.
type audit struct {
	src  Source
	key  note.Verifier
	opts AuditOptions

	checkpoint published
	tree       tree
	inner      [][]proof.Hash // by level, from 1: computed and not compared yet
	tiles      uint64
	suspect    *suspect // the first difference between entries and tiles
	seen       *seen
}

// suspect is a place where a tile and what lies below it differ. Which of them
// is wrong shows at the end: the one that does not lead to the root.
type suspect struct {
	tile  string
	entry string // "" in an inner tile
}

var (
	errEntry = errors.New("its hash is not the one the tiles commit to")
	errTile  = errors.New("its hashes are not those of the entries, which the checkpoint commits to")
)

func (s *suspect) inEntry() error {
	if s.entry == "" {
		return &AuditError{Place: s.tile, Reason: errors.New("its hashes are not those of what lies below")}
	}
	return &AuditError{Place: s.entry, Reason: errEntry}
}

func (a *audit) open(ctx context.Context) error {
	msg, err := a.src.Read(ctx, checkpointPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrNothingChecked
	case err != nil:
		return a.unread(ctx, checkpointPath, err)
	}
	c, err := proof.OpenCheckpoint(msg, a.key)
	if err != nil {
		return &AuditError{Place: checkpointPath, Reason: err}
	}
	if c.Size == 0 {
		return ErrNothingChecked
	}
	a.checkpoint = published{c, msg}
	return nil
}

func (a *audit) unread(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("auditing %s: %w", path, context.Cause(ctx))
	}
	return fmt.Errorf("%w: fetching %s: %w", ErrIncomplete, path, err)
}

// walk takes the bundles in order and computes the tree.
func (a *audit) walk(ctx context.Context) error {
	for c, err := range a.chunks(ctx) {
		if err != nil {
			return err
		}
		if a.suspect == nil {
			a.suspect = c.suspect
		}
		first := events.Index(a.tree.size)
		for _, h := range c.hashes {
			if err := a.grow(ctx, h); err != nil {
				return err
			}
			if err := a.compareBegins(); err != nil {
				return err
			}
		}
		a.tiles++
		for i, f := range c.facts {
			if err := a.take(first+events.Index(i), c.hashes[i], f); err != nil {
				return err
			}
		}
	}
	return nil
}

// take remembers what entry i holds.
func (a *audit) take(i events.Index, leaf proof.Hash, f Facts) error {
	if a.opts.InOrder != nil {
		if a.suspect == nil {
			if err := a.opts.InOrder(i, leaf, f); err != nil {
				return err
			}
		}
		f.Tags, f.Labels = nil, nil
	}
	if err := a.seen.add(f); err != nil {
		return &AuditError{Place: entryPlace(i), Reason: err}
	}
	return nil
}

// compareBegins holds the log so far against what was trusted before.
func (a *audit) compareBegins() error {
	for _, c := range a.opts.Begins {
		if c.Size > a.checkpoint.Size {
			return &AuditError{Place: checkpointPath, Reason: fmt.Errorf("it has %d entries, and a checkpoint before had %d", a.checkpoint.Size, c.Size)}
		}
		if c.Size == a.tree.size && c.Root != a.tree.root() {
			return &AuditError{Place: checkpointPath, Reason: fmt.Errorf("the log does not begin with the %d entries that a checkpoint before had: it forked", c.Size)}
		}
	}
	return nil
}

// grow adds a leaf, and compares the inner tiles that it completes.
func (a *audit) grow(ctx context.Context, leaf proof.Hash) (err error) {
	a.tree.add(leaf, func(level int, h proof.Hash) {
		if level == 0 {
			return
		}
		if level > len(a.inner) {
			a.inner = append(a.inner, nil)
		}
		tile := append(a.inner[level-1], h)
		a.inner[level-1] = tile
		if len(tile) == proof.TileWidth && err == nil {
			err = a.compareInner(ctx, level, hashesAt(a.tree.size+1, level))
		}
	})
	return err
}

// compareInner fetches the tile that holds the last of count hashes of a level,
// and empties what was computed for it.
func (a *audit) compareInner(ctx context.Context, level int, count uint64) error {
	ours := a.inner[level-1]
	t := proof.Tile{Level: level, N: (count - 1) / proof.TileWidth, Width: len(ours)}
	theirs, err := a.fetchTile(ctx, t)
	if err != nil {
		return err
	}
	for i := range ours {
		if ours[i] != theirs[i] && a.suspect == nil {
			a.suspect = &suspect{tile: placeOf(t)}
		}
	}
	a.inner[level-1] = ours[:0]
	a.tiles++
	return nil
}

// finish compares the unfinished inner tiles and the root, and names what is
// wrong.
func (a *audit) finish(ctx context.Context) error {
	for level := 1; level <= len(a.inner); level++ {
		if len(a.inner[level-1]) > 0 {
			if err := a.compareInner(ctx, level, hashesAt(a.tree.size, level)); err != nil {
				return err
			}
		}
	}
	root := a.tree.root()
	switch {
	case root == a.checkpoint.Root && a.suspect == nil:
		return nil
	case root == a.checkpoint.Root:
		return &AuditError{Place: a.suspect.tile, Reason: errTile}
	case a.suspect != nil:
		return a.suspect.inEntry()
	}
	return &AuditError{Place: checkpointPath, Reason: fmt.Errorf("the root of the %d entries and their tiles is %v, signed is %v", a.tree.size, root, a.checkpoint.Root)}
}

func (a *audit) report() *Report {
	r := &Report{
		Origin: a.checkpoint.Origin, Size: a.checkpoint.Size, Root: a.checkpoint.Root, Note: a.checkpoint.note,
		Tiles: a.tiles, Kinds: a.seen.kinds,
		Tags: uint64(len(a.seen.tags)), Labels: uint64(len(a.seen.labels)),
	}
	for _, n := range r.Kinds {
		r.Parsed += n
	}
	return r
}

// fetchTile reads a tile of exactly its width.
func (a *audit) fetchTile(ctx context.Context, t proof.Tile) ([]proof.Hash, error) {
	b, err := a.src.Read(ctx, t.Path())
	if err != nil {
		return nil, a.unread(ctx, t.Path(), err)
	}
	if len(b) != t.Width*tlog.HashSize {
		return nil, &AuditError{Place: placeOf(t), Reason: fmt.Errorf("it has %d bytes instead of %d", len(b), t.Width*tlog.HashSize)}
	}
	return splitHashes(b), nil
}

// placeOf names the file of a tile or bundle of any width.
func placeOf(t proof.Tile) string {
	t.Width = proof.TileWidth
	return t.Path()
}

func entryPlace(i events.Index) string {
	t := proof.Tile{Level: proof.EntriesLevel, N: uint64(i) / proof.TileWidth}
	return fmt.Sprintf("%s entry %d", placeOf(t), i)
}
