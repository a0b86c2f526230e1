package intake

import (
	"bytes"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// circles are the relations to a matter of which the head of a bulk event has a
// box each; who stands otherwise to it sees what one of them sees.
var circles = []string{"principal", "household", "incidental"}

// circle is the one of circles that sees what this relation sees.
func circle(relation string) string {
	switch relation {
	case "minor":
		return "principal"
	case "proxy":
		return "household"
	}
	return relation
}

// detailKey opens what the head of a bulk event says to everybody of a circle:
// HKDF(month key ‖ SHA-256(public name), "daybook/detail/<circle>/1").
func detailKey(month []byte, head events.EventName, circle string) [32]byte {
	name := events.HashEntry(head[:])
	return events.BoxKey("detail/"+circle, month, name[:])
}

// bulk is what the writer remembers of the head of a bulk event.
type bulk struct {
	organization, kind string
	parts              int64
	recordedAt         time.Time
	matter             string // its case, as a pseudonym, or ""
	says               events.Object
}

type partName struct {
	head events.EventName
	part int64
}

// partOf checks a part against the head it belongs to, and finds the keys that
// open to those named what the head says.
func (w *Writer) partOf(p *plan, item *waiting, n *planned) (*events.Problem, error) {
	of, part, parts := item.Event.Part()
	switch {
	case parts == 0:
		return nil, nil
	case of == "":
		var err error
		item.matter, err = w.matter(item)
		return nil, err
	}
	n.facts.PartOf = w.cfg.Keys.EventName(item.Event.Source, of)
	head, planned, err := w.head(p, n.facts.PartOf)
	switch {
	case err != nil:
		return nil, err
	case head == nil:
		return unfit("unknown-head", "partOf", "the ledger has no head of a bulk event under this id; send the head first"), nil
	case head.kind != item.Event.Kind.Name || head.organization != item.Organization || head.parts != parts:
		return unfit("other-head", "partOf", "the head under this id is of another kind, of another organization, or has another number of parts"), nil
	}
	for _, m := range item.Event.Data {
		if events.HeadOnly(m.Name) {
			return &events.Problem{Status: 422, Code: "malformed", Pointer: "/data/" + m.Name, Detail: "a part carries no text; what is said of all stands in the head"}, nil
		}
	}
	taken, err := w.isTaken(p, n.facts.PartOf, part)
	if err != nil || taken {
		return &events.Problem{Status: 409, Code: "conflict", Pointer: "/data/subjects/part", Detail: "another event was accepted as this part"}, err
	}
	month, err := w.monthOf(head, planned)
	if err != nil {
		return unfit("unknown-head", "partOf", "what the head says is not kept any more"), nil
	}
	n.head, n.detail = head, map[string][32]byte{}
	for _, c := range circles {
		n.detail[c] = detailKey(month, n.facts.PartOf, c)
	}
	item.matter = head.matter
	return nil, nil
}

// matter is the case that an event belongs to, as a pseudonym, or "": a part's is
// its head's, so that a seal for the case covers whom it names.
func (w *Writer) matter(item *waiting) (string, error) {
	ref, ok := item.Event.Data.At("caseRef")
	if !ok {
		return item.matter, nil
	}
	return w.cfg.Keys.Pseudonym(item.Organization, "case", ref.Text())
}

// unfit refuses a part for a member of its subjects.
func unfit(code, member, detail string) *events.Problem {
	return &events.Problem{Status: 422, Code: code, Pointer: "/data/subjects/" + member, Detail: detail}
}

// head finds the head of a bulk event, nil without one, and says whether it is
// only planned.
func (w *Writer) head(p *plan, name events.EventName) (_ *bulk, planned bool, err error) {
	if h, ok := p.heads[name]; ok {
		return &h, true, nil
	}
	h, found, err := w.cfg.Book.head(name)
	if err != nil || !found {
		return nil, false, err
	}
	return &h, false, nil
}

// monthOf is the key of the month in which the head was recorded. Of a head that
// is planned it may be the first use.
func (w *Writer) monthOf(head *bulk, planned bool) ([]byte, error) {
	if !planned {
		return w.cfg.Keys.FindMonth(head.organization, head.recordedAt)
	}
	_, month, err := w.cfg.Keys.Shared(head.organization, head.recordedAt)
	return month, err
}

func (w *Writer) isTaken(p *plan, head events.EventName, part int64) (bool, error) {
	if p.parts[partName{head, part}] {
		return true, nil
	}
	return w.cfg.Book.part(head, part)
}

// keepBulk notes a head, or a part that came, for the events after it in the
// group.
func (p *plan) keepBulk(n *planned, matter string) {
	switch of, part, parts := n.event.Part(); {
	case of != "":
		p.parts[partName{n.facts.PartOf, part}] = true
	case parts > 0:
		p.heads[n.facts.Name] = bulk{n.facts.Organization, n.event.Kind.Name, parts, p.now, matter, repeated(n.entry)}
	}
}

// repeated is what each part of a bulk event says in public as its head does: all
// fields of its kind but whom it concerns and how much it was.
func repeated(e *events.Entry) (o events.Object) {
	for _, f := range e.Kind.Fields { // sorted by path
		if v, ok := e.Value(f.Path); ok && f.Type != events.Persons && f.Type != events.Count {
			o = append(o, events.Member{Name: f.Path, Value: v})
		}
	}
	return o
}

// checkPart holds a part to its head and to the size of a message.
func (p *planned) checkPart() *events.Problem {
	if p.head == nil {
		return nil
	}
	mine := repeated(p.entry)
	for _, list := range []events.Object{mine, p.head.says} {
		for _, m := range list {
			mine, _ := mine.Get(m.Name)
			heads, _ := p.head.says.Get(m.Name)
			if !agree(mine, heads) {
				return &events.Problem{
					Status: 422, Code: "other-head", Pointer: "/data/" + strings.ReplaceAll(m.Name, ".", "/"), Detail: "a part says what its head says; its head says something else here",
				}
			}
		}
	}
	return p.checkRoom()
}

// agree says that two public values were, or may have been, submitted as the same:
// the register may have come to know a reference in between.
func agree(a, b events.Value) bool {
	if a.Text() == events.Unknown || b.Text() == events.Unknown {
		return !a.IsNull() && !b.IsNull()
	}
	if len(a.Items()) > 0 && len(a.Items()) == len(b.Items()) {
		for i := range a.Items() {
			if !agree(a.Items()[i], b.Items()[i]) {
				return false
			}
		}
		return true
	}
	return bytes.Equal(a.Append(nil), b.Append(nil))
}

// sealHead seals once for each circle what is the same for everybody in it.
func (p *planned) sealHead(m *sealing, common common) {
	for _, c := range circles {
		key := detailKey(common.month, p.facts.Name, c)
		m.add(events.BoxPerson, events.FormatSlip(p.seen(c)), key[:])
	}
	m.put(events.BoxOfficers, p.officers(), common.officers)
}

// sealPart seals nothing that the persons of a part share but the key to what
// the head says.
func (p *planned) sealPart(m *sealing, common common) {
	for i := range p.parties {
		x := &p.parties[i]
		m.add(events.BoxPerson, events.FormatPartSlip([]string{p.subject(i)}, p.detail[circle(x.person.Relation)]), x.key[:])
	}
	m.put(events.BoxOfficers, p.officers(), common.officers)
	p.sealIdentifiers(m, common)
}

// checkRoom refuses a part whose message no history takes: a thousand long
// identifiers, each sealed twice.
func (p *planned) checkRoom() *events.Problem {
	const header = 8 << 10 // more than a fold header has beside its persons
	if header+p.entry.Len()+p.room() > events.MaxMessage {
		return unfit("too-large", "persons", "these identifiers are too long for one part; send fewer persons in each")
	}
	return nil
}
