package projections

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Item is one object of a register.
type Item struct {
	Register     string // one of events.Registers
	ID           string
	Fields       events.Object // as last said, by the paths of the kinds' tables; what was noted beside them, see doc
	Organization string        // that registered it first, and alone may change it
	Source       string        // through which it did last
	Ended        string        // day it was decommissioned, retired, terminated or the like, "" while it lasts
	Latest       Change        // what led to this state
	History      []Change      // all that was said about it, oldest first; nil in a list
}

// Change is one entry about an item.
type Change struct {
	Position     events.Index
	Kind         string
	OccurredAt   string // as given
	Organization string // that said so
	Foreign      bool   // it is not the item's own organization, and this changed nothing
}

// Item is the object id of a register, or ErrNotFound.
func (r Reader) Item(register, id string) (Item, error) {
	if !clean(register, id) {
		return Item{}, ErrNotFound
	}
	done, err := r.v.use()
	if err != nil {
		return Item{}, err
	}
	defer done()
	prefix := part(statePrefix, register, id)
	it, err := r.under(prefix, true)
	if err != nil {
		return Item{}, err
	}
	item := Item{}
	var history []Change
	for it.First(); it.Valid() && err == nil; it.Next() {
		item, err = itemAt(it, register, id, len(prefix))
		history = append(history, item.Latest)
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return Item{}, fmt.Errorf("reading %s %s: %w", register, id, err)
	}
	if history == nil {
		return Item{}, ErrNotFound
	}
	if item.History, err = r.withRemarks(history, register, id); err != nil {
		return Item{}, fmt.Errorf("reading %s %s: %w", register, id, err)
	}
	return item, nil
}

// withRemarks adds to an item's history what others said of it.
func (r Reader) withRemarks(history []Change, register, id string) ([]Change, error) {
	err := r.rows(r.v.db, part(remarkPrefix, register, id), 0, true, func(p events.Index, value []byte) error {
		v, err := stored(value)
		history = append(history, Change{p, v.text("kind"), v.text("occurredAt"), v.text("organization"), true})
		return err
	})
	slices.SortFunc(history, func(a, b Change) int { return cmp.Compare(a.Position, b.Position) })
	return history, err
}

// itemAt is the item as the state under it has it.
func itemAt(it *pebble.Iterator, register, id string, prefix int) (Item, error) {
	position, ok := positionAfter(it.Key(), prefix)
	if !ok {
		return Item{}, fmt.Errorf("reading a register's key: it has %d bytes", len(it.Key()))
	}
	s, err := parseState(it.Value())
	if err != nil {
		return Item{}, err
	}
	return Item{
		Register: register, ID: id, Fields: s.fields, Organization: s.organization, Source: s.source, Ended: s.ended,
		Latest: Change{position, s.kind, s.occurredAt, s.organization, false},
	}, nil
}

// Items are the objects of a register behind the id after, sorted by id; with an
// organization, those it registered first. Limit is as in Filter. Next is the
// after of the next page, "" when nothing follows.
func (r Reader) Items(register, organization, after string, limit int) (items []Item, next string, err error) {
	if !clean(register, organization) {
		return nil, "", nil
	}
	done, err := r.v.use()
	if err != nil {
		return nil, "", err
	}
	defer done()
	snapshot := r.v.db.NewSnapshot()
	list := itemList{reader: r, register: register, organization: organization}
	if list.ids, err = snapshot.NewIter(nil); err == nil {
		list.states, err = snapshot.NewIter(nil)
	}
	if err == nil {
		items, next, err = list.page(after, limited(limit))
	}
	if err := errors.Join(err, list.close(), snapshot.Close()); err != nil {
		return nil, "", fmt.Errorf("listing the register %s: %w", register, err)
	}
	return items, next, nil
}

// itemList walks ids on one iterator and looks up states on the other.
type itemList struct {
	reader                 Reader
	register, organization string
	ids, states            *pebble.Iterator
}

func (l *itemList) close() error {
	var all error
	for _, it := range []*pebble.Iterator{l.ids, l.states} {
		if it != nil {
			all = errors.Join(all, it.Close())
		}
	}
	return all
}

func (l *itemList) page(id string, limit int) (items []Item, next string, err error) {
	for {
		var ok bool
		if id, ok = l.next(id); !ok {
			return items, "", l.ids.Error()
		}
		item, found, err := l.item(id)
		switch {
		case err != nil:
			return nil, "", err
		case !found:
		case len(items) == limit:
			return items, items[limit-1].ID, nil
		default:
			items = append(items, item)
		}
	}
}

// next is the first id behind id.
func (l *itemList) next(id string) (string, bool) {
	prefix := part(statePrefix, l.register)
	if l.organization != "" {
		prefix = part(ownerPrefix, l.register, l.organization)
	}
	from := append([]byte{}, prefix...)
	if id != "" {
		from = append(append(from, id...), 1) // behind every key of id: a zero byte ends it, or nothing
	}
	if !l.ids.SeekGE(from) || !bytes.HasPrefix(l.ids.Key(), prefix) {
		return "", false
	}
	found, _, _ := bytes.Cut(l.ids.Key()[len(prefix):], []byte{0})
	return string(found), true
}

// item is how id stands at the reader's size; not found means that it was not
// registered then.
func (l *itemList) item(id string) (Item, bool, error) {
	prefix := part(statePrefix, l.register, id)
	bound := number(append([]byte{}, prefix...), events.Index(l.reader.size))
	if !l.states.SeekLT(bound) || !bytes.HasPrefix(l.states.Key(), prefix) {
		return Item{}, false, l.states.Error()
	}
	item, err := itemAt(l.states, l.register, id, len(prefix))
	return item, true, err
}
