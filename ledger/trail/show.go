package trail

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// The most that one answer shows.
const (
	MaxAsked = 4096   // labels and ranges together
	MaxShown = 20_000 // items in ranges
)

// TooMuchError says that an answer would be larger than any that is given.
type TooMuchError struct{ Asked, Shown int }

func (e *TooMuchError) Error() string {
	if e.Asked > 0 {
		return fmt.Sprintf("%d labels and ranges were asked for, more than %d", e.Asked, MaxAsked)
	}
	return fmt.Sprintf("the ranges hold more than %d items; ask for smaller ones", MaxShown)
}

// showing reads from one tree what an answer needs.
type showing struct {
	tree      tree
	r         pebble.Reader
	iter      *pebble.Iterator
	positions map[proof.Hash]events.Index // of what is asked for and there
	ranged    int                         // items in ranges so far
}

// asked is what is looked for in one subtree: labels, and all with a beginning. Some
// can lie outside: then the subtree is to show that they do.
type asked struct {
	labels []proof.Hash
	ranges []proof.Prefix
}

func (a asked) nothing() bool { return len(a.labels)+len(a.ranges) == 0 }

// show is a tree, pruned to what is asked for.
func show(t tree, r pebble.Reader, a asked, positions map[proof.Hash]events.Index) (*proof.Node, error) {
	if n := len(a.labels) + len(a.ranges); n > MaxAsked {
		return nil, &TooMuchError{Asked: n}
	}
	a.labels = slices.Clone(a.labels)
	slices.SortFunc(a.labels, func(x, y proof.Hash) int { return bytes.Compare(x[:], y[:]) })
	from, to := place{}.bounds(t)
	iter, err := r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return nil, err
	}
	defer iter.Close()
	s := &showing{tree: t, r: r, iter: iter, positions: positions}
	root, err := s.page(place{}, a)
	if err != nil {
		return nil, err
	}
	return root.Show(a.labels, a.ranges), nil
}

// page is the node over a page, open where something is asked for.
func (s *showing) page(p place, a asked) (*proof.Node, error) {
	g, err := readPage(s.r, s.tree, p)
	if err != nil {
		return nil, err
	}
	below := g.divide(p, a)
	var digits [16]*proof.Node
	for d := range digits {
		switch {
		case g.has>>d&1 == 0:
		case below[d].nothing():
			digits[d] = proof.HashNode(g.hash[d])
		case g.pages>>d&1 == 1:
			digits[d], err = s.page(p.child(d), below[d])
		default:
			digits[d], err = s.items(p.child(d), below[d])
		}
		if err != nil {
			return nil, err
		}
	}
	return p.node(digits), nil
}

// divide is what is asked for below each digit. What has no items there goes to the
// one digit that shows it, if one does.
func (g *page) divide(p place, a asked) (below [16]asked) {
	to := func(at proof.Hash) (d int, ok bool) {
		if p.prefix().Has(at) {
			if d = p.digit(at); g.has>>d&1 == 1 {
				return d, true
			}
			return g.alone(d)
		}
		return g.alone(0)
	}
	for _, l := range a.labels {
		if d, ok := to(l); ok {
			below[d].labels = append(below[d].labels, l)
		}
	}
	for _, r := range a.ranges {
		within := false
		for d := range below {
			if g.has>>d&1 == 1 && touch(p.child(d).prefix(), r) {
				below[d].ranges, within = append(below[d].ranges, r), true
			}
		}
		if d, ok := to(r.Path); ok && !within {
			below[d].ranges = append(below[d].ranges, r)
		}
	}
	return below
}

// touch says that one of both prefixes begins with the other.
func touch(a, b proof.Prefix) bool {
	return proof.PrefixOf(a.Path, min(a.Bits, b.Bits)) == proof.PrefixOf(b.Path, min(a.Bits, b.Bits))
}

// items is the node over the items below p, which has no page.
func (s *showing) items(p place, a asked) (*proof.Node, error) {
	from, to := p.bounds(s.tree)
	var all []proof.IndexItem
	for ok := s.iter.SeekGE(from); ok && bytes.Compare(s.iter.Key(), to) < 0; ok = s.iter.Next() {
		it, err := decodeItem(s.iter.Key(), s.iter.Value())
		if err != nil {
			return nil, err
		}
		all = append(all, it.IndexItem)
		ranged := slices.ContainsFunc(a.ranges, func(r proof.Prefix) bool { return r.Has(it.Label) })
		if ranged {
			if s.ranged++; s.ranged > MaxShown {
				return nil, &TooMuchError{Shown: s.ranged}
			}
		}
		if _, named := slices.BinarySearchFunc(a.labels, it.Label, func(x, y proof.Hash) int { return bytes.Compare(x[:], y[:]) }); named || ranged {
			s.positions[it.Label] = it.at
		}
	}
	return proof.BuildNode(all), s.iter.Error()
}
