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
	from := events.Index(0)
	if f.After != nil {
		from = *f.After + 1
	}
	if from >= events.Index(r.size) || f.After != nil && from == 0 || !clean(f.Kind, f.Organization, f.System, f.Dataset, f.Day) {
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
	meet := meeting{steps: r.steps}
	defer func() { err = errors.Join(err, meet.close()) }()
	for _, prefix := range f.prefixes() {
		it, err := r.under(prefix, true)
		if err != nil {
			return nil, nil, err
		}
		meet.lists = append(meet.lists, positionList{it, prefix})
	}
	limit := limited(f.Limit)
	for {
		p, where := meet.next(from)
		switch {
		case where == ended:
			return out, nil, nil
		case where == tired:
			p-- // everything before p was looked at
			return out, &p, nil
		case len(out) == limit:
			return out, &out[limit-1], nil
		}
		out = append(out, p)
		from = p + 1
	}
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
