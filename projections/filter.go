package projections

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Filter chooses entries. What is "" chooses nothing; the others must all hold.
type Filter struct {
	Kind         string // data.accessed
	Organization string
	System       string
	Dataset      string
	Day          string        // 2026-06-24, of occurredAt
	After        *events.Index // only entries behind this position
	Limit        int           // 0 is DefaultLimit, more than MaxLimit is MaxLimit
}

// prefixes are the lists of positions whose intersection f asks for.
func (f Filter) prefixes() [][]byte {
	var out [][]byte
	for _, x := range []struct{ letter, value string }{
		{"k", f.Kind}, {"o", f.Organization}, {"s", f.System}, {"d", f.Dataset}, {"t", f.Day},
	} {
		if x.value != "" {
			out = append(out, part(indexPrefix+x.letter, x.value))
		}
	}
	if out == nil {
		out = append(out, []byte(entryPrefix))
	}
	return out
}

// Entries are the entries f chooses, by ascending position. Next is the After of
// the next page, nil when nothing follows. One page looks at a bounded number of
// index keys: where the filters rarely meet, it may hold less than the limit, or
// nothing, and still have a next.
func (r Reader) Entries(f Filter) (found []Found, next *events.Index, err error) {
	done, err := r.v.use()
	if err != nil {
		return nil, nil, err
	}
	defer done()
	from, ok := r.behind(f.After)
	if !ok || !clean(f.Kind, f.Organization, f.System, f.Dataset, f.Day) {
		return nil, nil, nil
	}
	positions, next, err := r.positions(f, from)
	if err != nil {
		return nil, nil, fmt.Errorf("filtering entries: %w", err)
	}
	found = make([]Found, len(positions))
	for i, p := range positions {
		entry, err := r.get(number([]byte(entryPrefix), p))
		if err != nil {
			return nil, nil, fmt.Errorf("filtering entries: entry %d: %w", p, err)
		}
		found[i] = Found{p, entry}
	}
	return found, next, nil
}

func (r Reader) positions(f Filter, from events.Index) (out []events.Index, next *events.Index, err error) {
	limit := limited(f.Limit)
	next, err = r.walk(f.prefixes(), from, func(p events.Index) (bool, error) {
		if len(out) == limit {
			return false, nil
		}
		out = append(out, p)
		return true, nil
	})
	return out, next, err
}

// walk visits the positions from … that all lists under prefixes have, in order,
// until visit refuses one or the reader's steps are used up. Next is the last
// position looked at, nil when there is nothing behind it.
func (r Reader) walk(prefixes [][]byte, from events.Index, visit func(events.Index) (bool, error)) (next *events.Index, err error) {
	meet := meeting{steps: r.steps}
	defer func() { err = errors.Join(err, meet.close()) }()
	for _, prefix := range prefixes {
		it, err := r.under(prefix, true)
		if err != nil {
			return nil, err
		}
		meet.lists = append(meet.lists, positionList{it, prefix})
	}
	for {
		p, where := meet.next(from)
		if where == ended {
			return nil, nil
		}
		taken := false
		if where == met {
			if taken, err = visit(p); err != nil {
				return nil, err
			}
		}
		switch {
		case !taken:
			p-- // everything before p was looked at
			return &p, nil
		case meet.steps <= 0:
			return &p, nil
		}
		from = p + 1
	}
}

// behind is the first position after a page's After, and whether the reader has
// it.
func (r Reader) behind(after *events.Index) (events.Index, bool) {
	if after == nil {
		return 0, r.size > 0
	}
	from := *after + 1
	return from, from != 0 && from < events.Index(r.size)
}

// positionList is one index's ascending positions.
type positionList struct {
	it     *pebble.Iterator
	prefix []byte
}

// seek is the first position of l from here on.
func (l positionList) seek(from events.Index) (events.Index, bool) {
	if !l.it.SeekGE(number(append([]byte{}, l.prefix...), from)) {
		return 0, false
	}
	return positionAfter(l.it.Key(), len(l.prefix))
}

// meeting finds what several lists have in common, each list leaping to where the
// others are.
type meeting struct {
	lists []positionList
	steps int // seeks left
}

type where int

const (
	ended where = iota // no list meets the others any more
	met
	tired // out of steps, at a position behind from
)

// next is the first position ≥ from that is in all lists.
func (m *meeting) next(from events.Index) (events.Index, where) {
	at := from
	for agreed, i := 0, 0; agreed < len(m.lists); i = (i + 1) % len(m.lists) {
		if m.steps <= 0 && at > from {
			return at, tired
		}
		m.steps--
		p, ok := m.lists[i].seek(at)
		switch {
		case !ok:
			return 0, ended
		case p == at:
			agreed++
		default:
			at, agreed = p, 1
		}
	}
	return at, met
}

func (m *meeting) close() error {
	var all error
	for _, l := range m.lists {
		all = errors.Join(all, l.it.Close())
	}
	return all
}
