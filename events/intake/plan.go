package intake

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// plan is one group on its way to a batch. What its events add to the book is
// kept beside the book until the batch is durable.
type plan struct {
	now    time.Time
	owners []*waiting // of fresh, index by index
	fresh  []*planned
	enrol  []Subject
	tags   map[events.Handle]reach
	at     []int                        // where each of fresh is in the batch, from seal on
	known  map[reference]bool           // what the group adds, and the book's answers
	zones  map[string]string            // organization → time zone, likewise
	seals  map[events.Handle][]Standing // over a person, likewise
	heads  map[events.EventName]bulk    // what the group adds
	parts  map[partName]bool            // likewise
}

type reference struct{ register, id string }

// plan decides what becomes of each event of the group, and answers those that
// need no writing. An error is about this machine, not about an event.
func (w *Writer) plan(group []*waiting) (*plan, error) {
	p := &plan{
		now: w.cfg.Now().UTC(), tags: map[events.Handle]reach{}, known: map[reference]bool{}, zones: map[string]string{},
		seals: map[events.Handle][]Standing{}, heads: map[events.EventName]bulk{}, parts: map[partName]bool{},
	}
	fresh, err := w.firsts(group)
	if err != nil {
		return nil, err
	}
	people, err := w.persons(fresh)
	if errors.Is(err, ErrIdentifier) {
		// Rare enough to look at everybody a second time.
		if group, err = w.nameable(group); err == nil {
			return w.plan(group)
		}
	}
	if err != nil {
		return nil, err
	}
	for i, item := range fresh {
		no, err := w.refuses(p, item, fresh, people)
		if err == nil && !no {
			err = w.add(p, item, people[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// firsts are the events of the group that neither the book nor the group has
// before; the others are answered, or attached to their first.
func (w *Writer) firsts(group []*waiting) ([]*waiting, error) {
	var fresh []*waiting
	byName := map[events.EventName]*waiting{}
	for _, item := range group {
		name := w.cfg.Keys.EventName(item.Event.Source, item.Event.ID)
		item.name = name
		if first, ok := byName[name]; ok {
			if slices.Equal(first.Event.Canonical(), item.Event.Canonical()) {
				first.repeats = append(first.repeats, item)
			} else {
				first.rivals = append(first.rivals, item)
			}
			continue
		}
		isNew, err := w.lookUp(item, name)
		if err != nil {
			return nil, err
		}
		if isNew {
			byName[name] = item
			fresh = append(fresh, item)
		}
	}
	return fresh, nil
}

// lookUp answers item when the book has it, and else says that it is new.
func (w *Writer) lookUp(item *waiting, name events.EventName) (bool, error) {
	old, found, err := w.cfg.Book.event(name)
	switch {
	case err != nil:
		return false, err
	case !found:
		return w.goesOn(item)
	}
	named, ok, err := w.named(item)
	if err != nil || !ok {
		return false, err
	}
	// Without the keys of all it names there is nothing to compare with.
	erased, err := w.anyErased(old.handles)
	if err != nil {
		return false, err
	}
	if !erased && w.cfg.Keys.Content(item.Event.Canonical(), named) != old.content {
		item.finish(conflict())
		return false, nil
	}
	item.finish(Outcome{Status: 200, Position: old.seq.Index(), Name: name, Hash: old.hash})
	return false, nil
}

// goesOn says that the trails item was said for have not ended, and else answers
// it. Keys made anew for a name in it would begin another trail of somebody who
// was erased a moment ago.
func (w *Writer) goesOn(item *waiting) (bool, error) {
	ended, err := w.anyErased(slices.DeleteFunc(slices.Clone(item.Trails), func(h events.Handle) bool { return h == events.Handle{} }))
	if ended && err == nil {
		item.finish(refused(&events.Problem{Status: 409, Code: "trail-ended", Detail: "the keys of somebody it concerns were destroyed in the meantime"}))
	}
	return !ended, err
}

func (w *Writer) anyErased(handles []events.Handle) (bool, error) {
	for _, h := range handles {
		if who, err := w.cfg.People.ByHandle(h); who == nil || err != nil {
			return true, err
		}
	}
	return false, nil
}

func refused(p *events.Problem) Outcome { return Outcome{Status: p.Status, Problem: p} }

func conflict() Outcome {
	return refused(&events.Problem{Status: 409, Code: "conflict", Pointer: "/id", Detail: "this source has used this id for other content"})
}

// add plans one new event, which names named.
func (w *Writer) add(p *plan, item *waiting, named []Subject) error {
	e := item.Event
	zone, unresolved, err := w.resolve(p, item)
	if err != nil {
		return err
	}
	n := &planned{event: e, content: w.cfg.Keys.Content(e.Canonical(), named), local: e.Time.In(zone)}
	n.facts = events.Facts{
		Name: item.name, Organization: item.Organization, Unresolved: unresolved,
		OccurredOn: n.local.Format(time.DateOnly), RecordedAt: p.now, RecordedOn: p.now.In(zone).Format(time.DateOnly),
	}
	if e.Kind.Seals {
		n.facts.OccurredOn, n.facts.RecordedOn = events.QuarterOf(n.facts.OccurredOn), events.QuarterOf(n.facts.RecordedOn)
	}
	if v, ok := e.Data.Get("occurredUntil"); ok {
		until, _ := events.ParseInstant(v.Text())
		n.facts.UntilOn = until.In(zone).Format(time.DateOnly)
	}
	if v, ok := e.Data.Get("counterpart"); ok {
		source, _ := v.Object().Get("source")
		id, _ := v.Object().Get("id")
		n.facts.Counterpart = w.cfg.Keys.EventName(source.Text(), id.Text())
	}
	problem, err := w.concern(p, item, n, named)
	if err == nil && problem == nil {
		n.slots = e.Slots(n.facts)
		if cannot := n.disclose(); cannot != nil {
			problem = notComposed(cannot)
		} else {
			problem = n.checkPart()
		}
	}
	switch {
	case err != nil:
		return err
	case problem != nil:
		item.finish(refused(problem))
		return nil
	}
	p.keep(n, item)
	return nil
}

// concern fills in whom n concerns. A problem refuses the event.
func (w *Writer) concern(p *plan, item *waiting, n *planned, named []Subject) (*events.Problem, error) {
	if problem, err := w.partOf(p, item, n); problem != nil || err != nil {
		return problem, err
	}
	problem, err := w.checkSeal(p, item, named)
	if problem == nil && err == nil {
		problem, err = w.checkTrail(p, item, named)
	}
	if problem != nil || err != nil {
		return problem, err
	}
	if n.parties, problem, err = w.parties(p, item, named); problem != nil || err != nil {
		return problem, err
	}
	for _, x := range n.parties {
		n.facts.Tags = append(n.facts.Tags, x.tag)
	}
	n.about, err = w.foldSeal(n, named)
	return nil, err
}

// notComposed refuses an event that has no entry, whose reasons lie in what was
// submitted: a local day outside the years 1 to 9999, a public part too long.
// Stopping for it would let one event stop the ledger.
func notComposed(err error) *events.Problem {
	var p *events.Problem
	if errors.As(err, &p) {
		return p
	}
	return &events.Problem{Status: 422, Code: "malformed", Detail: "no entry can be made of it: " + err.Error()}
}

// keep takes n into the batch, with what it adds to the book.
func (p *plan) keep(n *planned, item *waiting) {
	p.fresh, p.owners = append(p.fresh, n), append(p.owners, item)
	for _, x := range n.parties {
		p.tags[x.who.Handle()] = reach{x.counter, x.who.Generation()}
		if !x.enrolled {
			p.enrol = append(p.enrol, x.who)
		}
	}
	p.rotate(n)
	p.keepSeal(n)
	p.keepBulk(n, item.matter)
	if register, id := n.entry.Begins(); id != "" {
		p.known[reference{register, id}] = true
	}
	if organization, zone := moves(n.entry); zone != "" {
		p.zones[organization] = zone
	}
}

// resolve looks up what the event refers to: the zone of its organization, and
// the names of references no register knows.
func (w *Writer) resolve(p *plan, item *waiting) (*time.Location, []string, error) {
	var unresolved []string
	for _, r := range item.Event.References() {
		ok, err := w.isKnown(p, r.Register, r.Value)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			unresolved = append(unresolved, r.Name)
		}
	}
	zone, ok, err := w.zoneOf(p, item)
	if err != nil {
		return nil, nil, err
	}
	if !ok && !item.Event.Kind.Whole {
		unresolved = append(unresolved, "organization")
		slices.Sort(unresolved)
	}
	location, err := w.location(zone)
	if err != nil {
		return nil, nil, fmt.Errorf("loading the time zone of %s: %w", item.Organization, err)
	}
	return location, unresolved, nil
}

// location is time.LoadLocation, which reads and parses a file, once for each
// zone.
func (w *Writer) location(zone string) (*time.Location, error) {
	if l, ok := w.locations[zone]; ok {
		return l, nil
	}
	l, err := time.LoadLocation(zone)
	if err == nil {
		w.locations[zone] = l
	}
	return l, err
}

// zoneOf is the time zone of the event's organization and whether that is
// known; the event that registers it knows it itself.
func (w *Writer) zoneOf(p *plan, item *waiting) (string, bool, error) {
	if v, own := item.Event.Data.Get("organization"); own && item.Event.Kind.Name == "organization.registered" && v.Text() == item.Organization {
		given, _ := item.Event.Data.Get("timeZone")
		return given.Text(), true, nil
	}
	ok, err := w.isKnown(p, "organization", item.Organization)
	if err != nil || !ok {
		return "", false, err
	}
	zone, found := p.zones[item.Organization]
	if !found {
		zone, err = w.cfg.Book.zone(item.Organization)
		p.zones[item.Organization] = zone
	}
	return zone, true, err
}

// isKnown looks a reference up in the group before the book.
func (w *Writer) isKnown(p *plan, register, id string) (bool, error) {
	if register == events.AnyRegister {
		return w.isAnywhere(p, id)
	}
	r := reference{register, id}
	if ok, asked := p.known[r]; asked {
		return ok, nil
	}
	ok, err := w.cfg.Book.reference(register, id)
	if err == nil {
		p.known[r] = ok
	}
	return ok, err
}

// isAnywhere says that a register, whichever, knows id.
func (w *Writer) isAnywhere(p *plan, id string) (bool, error) {
	for _, register := range events.Registers() {
		if ok, err := w.isKnown(p, register, id); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// answer gives every planned event its place.
func (p *plan) answer(notes []noted) {
	for i, at := range p.at {
		n := notes[at]
		p.owners[i].finish(Outcome{Status: 201, Position: n.seq.Index(), Name: n.entry.Name(), Hash: n.hash})
	}
}
