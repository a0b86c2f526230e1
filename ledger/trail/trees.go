package trail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// state says what the trees hold.
type state struct {
	edge           // of the ledger: all entries that are in the trees
	tags, labels   proof.Hash
	nTags, nLabels uint64
}

var stateKey = []byte("state")

// stateFormat begins the state's value, so that a changed layout is not misread.
const stateFormat = 1

// state = u8 format ‖ tag root ‖ label root ‖ u64 tags ‖ u64 labels ‖ u64 size ‖
// the roots of the ledger's right edge.
func (s *state) encode() []byte {
	b := append([]byte{stateFormat}, s.tags[:]...)
	b = append(b, s.labels[:]...)
	b = binary.BigEndian.AppendUint64(b, s.nTags)
	b = binary.BigEndian.AppendUint64(b, s.nLabels)
	b = binary.BigEndian.AppendUint64(b, uint64(s.size))
	for _, r := range s.roots {
		b = append(b, r[:]...)
	}
	return b
}

func decodeState(b []byte) (s state, err error) {
	const fixed = 1 + 32 + 32 + 8 + 8 + 8
	if len(b) < fixed || b[0] != stateFormat || (len(b)-fixed)%32 != 0 {
		return s, errors.New("the trees' state is malformed, or of another version")
	}
	copy(s.tags[:], b[1:])
	copy(s.labels[:], b[33:])
	s.nTags, s.nLabels = binary.BigEndian.Uint64(b[65:]), binary.BigEndian.Uint64(b[73:])
	s.size = events.Size(binary.BigEndian.Uint64(b[81:]))
	for b = b[fixed:]; len(b) > 0; b = b[32:] {
		s.roots = append(s.roots, proof.Hash(b[:32]))
	}
	return s, nil
}

// leaf is what a leaf of the index log says of it.
func (s *state) leaf() proof.IndexLeaf {
	return proof.IndexLeaf{Size: s.size, Root: s.root(), Tags: s.tags, Labels: s.labels}
}

// empty is the state of trees without items.
func empty() state {
	root := place{}.node([16]*proof.Node{}).Hash()
	return state{tags: root, labels: root}
}

// trees are both prefix trees, in one Pebble database. One goroutine adds; views may
// be taken and read by others.
type trees struct {
	db    *pebble.DB
	now   state
	close func() error
}

// defaultCache bounds what is kept of the database in memory, in bytes.
const defaultCache = 128 << 20

// treeOptions say how trees are kept.
type treeOptions struct {
	fs      vfs.FS // the default is the operating system's
	cache   int64  // bytes; the default is defaultCache
	passing bool   // they are thrown away, and need no log
}

func openTrees(dir string, o treeOptions) (*trees, error) {
	if o.fs == nil {
		o.fs = vfs.Default
	}
	if o.cache <= 0 {
		o.cache = defaultCache
	}
	kept := pebble.NewCache(o.cache)
	defer kept.Unref()
	opts := &pebble.Options{
		FS: o.fs, Cache: kept, DisableWAL: o.passing, Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest,
		MemTableSize: 32 << 20, L0CompactionThreshold: 4, LBaseMaxBytes: 256 << 20,
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].IndexBlockSize = 512 << 10                                                        // one level: labels are asked for all over the tree
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression } // hashes have nothing to spare
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("opening the trees in %s: %w", dir, err)
	}
	t := &trees{db: db, now: empty(), close: sync.OnceValue(db.Close)}
	b, closer, err := db.Get(stateKey)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return t, nil
	case err == nil:
		t.now, err = decodeState(b)
		err = errors.Join(err, closer.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the trees in %s: %w", dir, err), t.close())
	}
	return t, nil
}

// quiet is Pebble's logger. What matters comes back as an error; a failed write to
// the write-ahead log cannot, and ends the process.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("writing the trees: "+format, args...))
}

// addition is what entries of the ledger, in order, add.
type addition struct {
	leaves       []proof.Hash // of the entries
	tags, labels []item
	root         *proof.Hash // of the ledger with them, when it is known
	noted        bool        // what the trees are with them is kept: see trees.noted
}

// add makes an addition part of the trees, all of it or nothing. A crash may take
// back the last additions, and never a part of one.
func (t *trees) add(a addition) error {
	next := t.now
	next.roots = append([]proof.Hash(nil), t.now.roots...)
	for _, h := range a.leaves {
		next.edge.add(h)
	}
	if a.root != nil && next.root() != *a.root {
		return fmt.Errorf("the entries up to %d have root %v, published is %v: the files of the public log are damaged, or the trees are of another log", next.size, next.root(), *a.root)
	}
	out := t.db.NewBatch()
	defer out.Close()
	var err error
	if len(a.tags) > 0 {
		next.tags, err = insert(tags, t.db, out, a.tags)
	}
	if err == nil && len(a.labels) > 0 {
		next.labels, err = insert(labels, t.db, out, a.labels)
	}
	next.nTags, next.nLabels = next.nTags+uint64(len(a.tags)), next.nLabels+uint64(len(a.labels))
	if err == nil {
		err = out.Set(stateKey, next.encode(), nil)
	}
	if err == nil && a.noted {
		err = out.Set(noteKey(next.size), []byte(next.leaf().Text()), nil)
	}
	if err == nil {
		err = out.Commit(pebble.NoSync)
	}
	if err != nil {
		return fmt.Errorf("adding entries %d-%d to the trees: %w", t.now.size, next.size-1, err)
	}
	t.now = next
	return nil
}

// noteKey is that of what the trees were at a size.
func noteKey(size events.Size) []byte {
	return binary.BigEndian.AppendUint64([]byte{'m'}, uint64(size))
}

// noted is what the trees were at a size, if that was kept.
func (t *trees) noted(size events.Size) (l proof.IndexLeaf, ok bool, err error) {
	b, closer, err := t.db.Get(noteKey(size))
	if errors.Is(err, pebble.ErrNotFound) {
		return l, false, nil
	}
	if err == nil {
		l, err = proof.ParseIndexLeaf(string(b))
		err = errors.Join(err, closer.Close())
	}
	return l, err == nil, err
}

// forget drops what was noted from one size to another, both included.
func (t *trees) forget(from, to events.Size) error {
	if err := t.db.DeleteRange(noteKey(from), noteKey(to+1), pebble.NoSync); err != nil {
		return fmt.Errorf("forgetting what the trees were: %w", err)
	}
	return nil
}

// reset empties the trees.
func (t *trees) reset() error {
	if err := t.db.DeleteRange([]byte{0}, []byte{0xff}, pebble.NoSync); err != nil {
		return fmt.Errorf("emptying the trees: %w", err)
	}
	t.now = empty()
	return nil
}
