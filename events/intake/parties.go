package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
)

// ErrIdentifier says that an identifier does not fit its scheme, or has none. It
// never carries the value.
var ErrIdentifier = errors.New("naming the person")

// party is one person's part in an event.
type party struct {
	person   events.Person
	who      Subject // the trail that takes the event, hers or a seal's, as its keys are now
	counter  uint64  // which of its tags this is
	tag      events.Tag
	key      [32]byte // of the event, in that trail
	enrolled bool
}

// persons are the keys of everybody the events of a group name, event by event;
// new ones are durable with one fsync. ErrIdentifier says that somebody cannot be
// named.
func (w *Writer) persons(list []*waiting) ([][]Subject, error) {
	out := make([][]Subject, len(list))
	var named []events.Person
	for _, item := range list {
		named = append(named, item.Event.Persons()...)
	}
	if len(named) == 0 {
		return out, nil
	}
	all, err := w.cfg.People.Prepare(named, w.cfg.Book.label)
	if err != nil {
		return nil, fmt.Errorf("preparing keys: %w", err)
	}
	for i, item := range list {
		n := item.Event.Named()
		out[i], all = all[:n:n], all[n:]
	}
	return out, nil
}

// nameable are the events of which everybody can be named, as they came; the
// others, at least one, are answered.
func (w *Writer) nameable(list []*waiting) (out []*waiting, _ error) {
	for _, item := range list {
		item.repeats, item.rivals = nil, nil
	}
	for _, item := range list {
		_, ok, err := w.named(item)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, item)
		}
	}
	if len(out) == len(list) {
		return nil, errors.New("preparing keys: somebody can be named and cannot")
	}
	return out, nil
}

// named are the keys there are of whom item names. When somebody's identifier does
// not fit its scheme, item is answered.
func (w *Writer) named(item *waiting) (out []Subject, ok bool, _ error) {
	for i, person := range item.Event.Persons() {
		who, err := w.cfg.People.Find(person)
		switch {
		case errors.Is(err, ErrIdentifier):
			item.finish(refused(&events.Problem{Status: 422, Code: "malformed", Pointer: "/data/subjects/persons/" + strconv.Itoa(i), Detail: err.Error()}))
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case who != nil:
			out = append(out, who)
		}
	}
	return out, true, nil
}

// parties gives everybody an event names the next tag of the trail that takes it,
// in the order of the tags. A problem refuses the event.
func (w *Writer) parties(p *plan, item *waiting, named []Subject) ([]party, *events.Problem, error) {
	if len(named) == 0 {
		return nil, nil, nil
	}
	persons := item.Event.Persons()
	out := make([]party, len(named))
	seen := make(map[events.Handle]bool, len(named))
	for i, who := range named {
		if seen[who.Handle()] {
			return nil, &events.Problem{
				Status: 422, Code: "repeated-person", Pointer: "/data/subjects/persons/" + strconv.Itoa(i), Detail: "an event names each person once",
			}, nil
		}
		seen[who.Handle()] = true
		var err error
		switch who, err = w.trailOf(p, item, who, i); {
		case err != nil:
			return nil, nil, err
		case who == nil:
			return nil, &events.Problem{Status: 409, Code: "conflict", Detail: "her keys were destroyed in the meantime; nothing can be hidden from her any more"}, nil
		}
		who, counter, enrolled, err := w.next(p, who)
		if err != nil {
			return nil, nil, err
		}
		key := who.EventKey(counter)
		out[i] = party{persons[i], who, counter, events.TagOf(key), key, enrolled}
	}
	slices.SortFunc(out, func(a, b party) int { return cmp.Compare(a.tag.String(), b.tag.String()) })
	return out, nil, nil
}

// trailOf is the trail that takes the part of the i-th person: the one that the
// event was said for, the hidden one of a seal that stands for it, or her own.
func (w *Writer) trailOf(p *plan, item *waiting, who Subject, i int) (Subject, error) {
	if i < len(item.Trails) {
		return w.given(p, item, who, item.Trails[i])
	}
	if !item.Event.Kind.IsData() {
		return who, nil
	}
	seal, err := w.standing(p, item, who.Handle())
	if err != nil || seal == nil {
		return who, err
	}
	return w.hidden(seal.Trail)
}

// given is the trail that an event was said for. A seal's own goes on until the
// seal is lifted; what is read of it afterwards is hers to see. It is nil for a
// seal that was to be placed over somebody who was erased while it waited.
func (w *Writer) given(p *plan, item *waiting, who Subject, h events.Handle) (Subject, error) {
	if h == who.Handle() || h == (events.Handle{}) {
		return who, nil
	}
	if !item.Event.Kind.Seals {
		stands, err := w.stands(p, who.Handle(), h)
		if err != nil || !stands {
			return who, err
		}
		return w.hidden(h)
	}
	return w.cfg.People.ByHandle(h)
}

func (w *Writer) hidden(h events.Handle) (Subject, error) {
	who, err := w.cfg.People.ByHandle(h)
	if err == nil && who == nil {
		err = errors.New("the keys of a hidden trail are not here")
	}
	return who, err
}
