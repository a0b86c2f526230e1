package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// ErrIdentifier says that an identifier does not fit its scheme, or has none. It
// never carries the value.
var ErrIdentifier = errors.New("naming the person")

// party is one person's part in an event.
type party struct {
	person   events.Person
	who      Subject // the trail that takes the event: hers, or a seal's
	counter  uint64  // which of its tags this is
	tag      events.Tag
	key      [32]byte // of the event, in that trail
	enrolled bool
}

// persons are the keys of everybody the events of a group name, event by event;
// new ones are durable with one fsync.
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
		if who, err = w.trailOf(p, item, who, i); err != nil {
			return nil, nil, err
		}
		counter, enrolled, err := w.next(p, who)
		if err != nil {
			return nil, nil, err
		}
		key := who.EventKey(counter)
		out[i] = party{persons[i], who, counter, who.Tag(counter), key, enrolled}
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
// seal is lifted; what is read of it afterwards is hers to see.
func (w *Writer) given(p *plan, item *waiting, who Subject, h events.Handle) (Subject, error) {
	if h == who.Handle() || h == (events.Handle{}) {
		return who, nil
	}
	if !item.Event.Kind.Seals {
		stands, err := w.stands(p, who.Handle(), h)
		if err != nil || !stands {
			return who, err
		}
	}
	return w.hidden(h)
}

func (w *Writer) hidden(h events.Handle) (Subject, error) {
	who, err := w.cfg.People.ByHandle(h)
	if err == nil && who == nil {
		err = errors.New("the keys of a hidden trail are not here")
	}
	return who, err
}

// next is the number of the trail's next tag, and whether it is enrolled.
func (w *Writer) next(p *plan, who Subject) (uint64, bool, error) {
	if n, ok := p.tags[who.Handle()]; ok {
		return n + 1, true, nil
	}
	n, enrolled, err := w.cfg.Book.tags(who.Handle())
	return n + 1, enrolled, err
}

// partOf checks a part against the head it belongs to, and finds the key that
// opens to everybody named what the head says to them all.
func (w *Writer) partOf(p *plan, item *waiting, n *planned) (*events.Problem, error) {
	of, part, parts := item.Event.Part()
	if of == "" {
		return nil, nil
	}
	n.facts.PartOf = w.cfg.Keys.EventName(item.Event.Source, of)
	head, found, err := w.head(p, n.facts.PartOf)
	if err != nil {
		return nil, err
	}
	refuse := func(status int, code, pointer, detail string) *events.Problem {
		return &events.Problem{Status: status, Code: code, Pointer: pointer, Detail: detail}
	}
	switch {
	case !found:
		return refuse(422, "unknown-head", "/data/subjects/partOf", "the ledger has no head of a bulk event under this id; send the head first"), nil
	case head.kind != item.Event.Kind.Name || head.organization != item.Organization || head.parts != parts:
		return refuse(422, "other-head", "/data/subjects/partOf", "the head under this id is of another kind, of another organization, or has another number of parts"), nil
	}
	for _, text := range []string{"reasonText", "caseRef", "query"} {
		if _, given := item.Event.Data.Get(text); given {
			return refuse(422, "malformed", "/data/"+text, "a part carries no text; what is said of all stands in the head"), nil
		}
	}
	taken, err := w.isTaken(p, n.facts.PartOf, part)
	if err != nil || taken {
		return refuse(409, "conflict", "/data/subjects/part", "another event was accepted as this part"), err
	}
	month, err := w.cfg.Keys.FindMonth(item.Organization, head.recordedAt)
	if err != nil {
		return refuse(422, "unknown-head", "/data/subjects/partOf", "what the head says is not kept any more"), nil
	}
	n.detail = detailKey(month, n.facts.PartOf)
	return nil, nil
}

// detailKey opens what the head of a bulk event says to everybody concerned. Of
// the head only: HKDF(month key ‖ SHA-256(public name), "daybook/detail/1").
func detailKey(month []byte, head events.EventName) [32]byte {
	name := events.HashEntry(head[:])
	return events.BoxKey("detail", month, name[:])
}

// bulk is what the writer remembers of the head of a bulk event.
type bulk struct {
	organization, kind string
	caseName           string // pseudonym, or ""
	parts              int64
	recordedAt         time.Time
}

func (w *Writer) head(p *plan, name events.EventName) (bulk, bool, error) {
	if h, ok := p.heads[name]; ok {
		return h, true, nil
	}
	return w.cfg.Book.head(name)
}

func (w *Writer) isTaken(p *plan, head events.EventName, part int64) (bool, error) {
	if p.parts[partName{head, part}] {
		return true, nil
	}
	return w.cfg.Book.part(head, part)
}

type partName struct {
	head events.EventName
	part int64
}
