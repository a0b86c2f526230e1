package trail

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// item is a leaf of a tree, and where in the ledger it comes from.
type item struct {
	proof.IndexItem
	at events.Index
}

// item = tree ‖ label → u64 position ‖ value.
func (it item) encode() []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 40), uint64(it.at)), it.Value[:]...)
}

func decodeItem(key, value []byte) (it item, err error) {
	if len(key) != 33 || len(value) != 40 {
		return it, errors.New("an item of the tree is malformed")
	}
	copy(it.Label[:], key[1:])
	copy(it.Value[:], value[8:])
	it.at = events.Index(binary.BigEndian.Uint64(value))
	return it, nil
}

// DuplicateError says that the ledger has a tag or the label of a person twice. Both
// entries together, with proofs of both, show it to anyone.
type DuplicateError struct {
	Person        bool       // a label, not a tag
	Label         proof.Hash // where it stands in the tree
	First, Second events.Index
}

func (e *DuplicateError) Error() string {
	what := "a tag"
	if e.Person {
		what = "the label of a person"
	}
	return fmt.Sprintf("%s of entry %d stands in entry %d before", what, e.Second, e.First)
}

// insertion adds items to a part of one tree. It reads what is stored from r and
// gathers what changes in out; nobody else adds to the same part meanwhile.
type insertion struct {
	tree tree
	r    pebble.Reader
	out  *pebble.Batch
	iter *pebble.Iterator
}

// parallel is from how many items on a batch is inserted in parts at once.
const parallel = 256

// insert adds items to a tree of db and returns the hash of its root. It sorts the
// items. Only out changes, which the caller commits.
func insert(t tree, db *pebble.DB, out *pebble.Batch, items []item) (proof.Hash, error) {
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(bytes.Compare(a.Label[:], b.Label[:]), cmp.Compare(a.at, b.at))
	})
	before, err := readPage(db, t, place{})
	if err != nil {
		return proof.Hash{}, err
	}
	parts := split(place{}, items)
	digits := make(chan int, len(parts))
	for d, part := range parts {
		if len(part) > 0 {
			digits <- d
		}
	}
	close(digits)
	after, workers := *before, 1
	if len(items) >= parallel {
		workers = min(runtime.GOMAXPROCS(0), len(parts))
	}
	failed := make([]error, workers)
	var mu sync.Mutex // guards after and out
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			failed[w] = insertParts(t, db, func(in *insertion) error {
				for d := range digits {
					h, paged, err := in.addTo(before, place{}, d, parts[d])
					if err != nil {
						return err
					}
					mu.Lock()
					after.set(d, h, paged)
					mu.Unlock()
				}
				mu.Lock()
				defer mu.Unlock()
				return out.Apply(in.out, nil)
			})
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return proof.Hash{}, err
	}
	if err := out.Set(place{}.key(t), after.encode(), nil); err != nil {
		return proof.Hash{}, err
	}
	return after.hashAt(place{}), nil
}

func insertParts(t tree, db *pebble.DB, do func(*insertion) error) (err error) {
	in := &insertion{tree: t, r: db, out: db.NewBatch()}
	from, to := place{}.bounds(t)
	if in.iter, err = db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to}); err != nil {
		return err
	}
	return errors.Join(do(in), in.iter.Close(), in.out.Close())
}

// split are items, which are sorted, by their digit at p.
func split(p place, items []item) (parts [16][]item) {
	for len(items) > 0 {
		d, n := p.digit(items[0].Label), 1
		for n < len(items) && p.digit(items[n].Label) == d {
			n++
		}
		parts[d], items = items[:n], items[n:]
	}
	return parts
}

// addTo adds items to a digit of page g at p. It returns the hash of the node over
// what is then there, and whether that has a page.
func (in *insertion) addTo(g *page, p place, d int, items []item) (proof.Hash, bool, error) {
	at := p.child(d)
	switch {
	case g.has>>d&1 == 0:
		return in.build(at, items, items)
	case g.pages>>d&1 == 1:
		below, err := readPage(in.r, in.tree, at)
		if err != nil {
			return proof.Hash{}, true, err
		}
		return in.addToPage(below, at, items)
	}
	old, err := in.scan(at)
	if err != nil {
		return proof.Hash{}, false, err
	}
	return in.build(at, merge(old, items), items)
}

func (in *insertion) addToPage(g *page, p place, items []item) (proof.Hash, bool, error) {
	for d, part := range split(p, items) {
		if len(part) == 0 {
			continue
		}
		h, paged, err := in.addTo(g, p, d, part)
		if err != nil {
			return proof.Hash{}, true, err
		}
		g.set(d, h, paged)
	}
	return g.hashAt(p), true, in.out.Set(p.key(in.tree), g.encode(), nil)
}

// build makes the node over all items below p, of which some are added. It makes
// pages where there are too many.
func (in *insertion) build(p place, all, added []item) (proof.Hash, bool, error) {
	for i := range all[1:] {
		if first, second := all[i], all[i+1]; first.Label == second.Label {
			return proof.Hash{}, false, &DuplicateError{in.tree == labels, first.Label, first.at, second.at}
		}
	}
	for _, it := range added {
		key := append([]byte{byte(in.tree)}, it.Label[:]...)
		if err := in.out.Set(key, it.encode(), nil); err != nil {
			return proof.Hash{}, false, err
		}
	}
	return in.hash(p, all)
}

func (in *insertion) hash(p place, all []item) (proof.Hash, bool, error) {
	if len(all) <= paged {
		plain := make([]proof.IndexItem, len(all))
		for i, it := range all {
			plain[i] = it.IndexItem
		}
		return proof.BuildHash(plain), false, nil
	}
	g := new(page)
	for d, part := range split(p, all) {
		if len(part) == 0 {
			continue
		}
		h, paged, err := in.hash(p.child(d), part)
		if err != nil {
			return h, true, err
		}
		g.set(d, h, paged)
	}
	return g.hashAt(p), true, in.out.Set(p.key(in.tree), g.encode(), nil)
}

// scan are the stored items below p, which has no page.
func (in *insertion) scan(p place) (items []item, err error) {
	from, to := p.bounds(in.tree)
	for ok := in.iter.SeekGE(from); ok && bytes.Compare(in.iter.Key(), to) < 0; ok = in.iter.Next() {
		it, err := decodeItem(in.iter.Key(), in.iter.Value())
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, in.iter.Error()
}

// merge is both lists, each sorted, in one; where a label is in both, the old item
// comes first.
func merge(old, added []item) []item {
	out := make([]item, 0, len(old)+len(added))
	for len(old) > 0 && len(added) > 0 {
		from := &old
		if bytes.Compare(added[0].Label[:], old[0].Label[:]) < 0 {
			from = &added
		}
		out, *from = append(out, (*from)[0]), (*from)[1:]
	}
	return append(append(out, old...), added...)
}

// readPage is the page at p; that of an empty tree's root is empty.
func readPage(r pebble.Reader, t tree, p place) (*page, error) {
	b, closer, err := r.Get(p.key(t))
	if errors.Is(err, pebble.ErrNotFound) && p.depth == 0 {
		return new(page), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a page of the tree: %w", err)
	}
	g, err := decodePage(b)
	return g, errors.Join(err, closer.Close())
}
