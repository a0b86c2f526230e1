package intake

import (
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Standing is a seal as the book has it: from its seal.placed until what was
// hidden is disclosed.
type Standing struct {
	events.FoldSeal
	Organization string
	PlacedAt     time.Time
	Extended     bool // in writing
	Lifted       bool // and not disclosed yet
}

// covers says whether the seal is for an event of organization, with system
// and case, the latter as a pseudonym.
func (s *Standing) covers(organization, system, caseName string) bool {
	if s.Organization != organization || s.Lifted {
		return false
	}
	if len(s.Systems) == 0 && s.Case == "" {
		return true
	}
	return slices.Contains(s.Systems, system) && system != "" || s.Case == caseName && caseName != ""
}

// standing is the seal that an event about the person falls under, or nil. Of
// several it is one for the event's case before one for its system before one for
// all, as that ends with the matter whatever becomes of the others, and then the one
// placed first. What two seals of one kind cover is disclosed with the first.
func (w *Writer) standing(p *plan, item *waiting, her events.Handle) (*Standing, error) {
	list, err := w.sealsOf(p, her)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	system, _ := item.Event.Data.At("system")
	caseName, err := w.matter(item)
	if err != nil {
		return nil, err
	}
	var found *Standing
	for i := range list {
		s := &list[i]
		if s.covers(item.Organization, system.Text(), caseName) && (found == nil || s.nearness(caseName) > found.nearness(caseName)) {
			found = s
		}
	}
	return found, nil
}

// nearness ranks a seal that covers an event: for its case, for its system, for all.
func (s *Standing) nearness(caseName string) int {
	switch {
	case s.Case != "" && s.Case == caseName:
		return 2
	case len(s.Systems) > 0:
		return 1
	}
	return 0
}

// stands says that a seal whose trail is h stands over the person.
func (w *Writer) stands(p *plan, her, h events.Handle) (bool, error) {
	list, err := w.sealsOf(p, her)
	return slices.ContainsFunc(list, func(s Standing) bool { return s.Trail == h && !s.Lifted }), err
}

// sealsOf are the seals over a person by the time of this event of the group,
// in the order they were placed.
func (w *Writer) sealsOf(p *plan, her events.Handle) ([]Standing, error) {
	if list, ok := p.seals[her]; ok {
		return list, nil
	}
	list, err := w.cfg.Book.sealsOf(her)
	if err == nil {
		p.seals[her] = list
	}
	return list, err
}

// keepSeal notes what n does to the seals over a person, for the events after it
// in the group.
func (p *plan) keepSeal(n *planned) {
	f := n.about
	if f == nil {
		return
	}
	list := p.seals[f.Of]
	switch n.event.Kind.Name {
	case "seal.placed":
		p.seals[f.Of] = append(slices.Clone(list), Standing{FoldSeal: *f, Organization: n.facts.Organization, PlacedAt: n.facts.RecordedAt})
	case "seal.extended", "seal.lifted":
		p.seals[f.Of] = slices.Clone(list)
		for i := range p.seals[f.Of] {
			if s := &p.seals[f.Of][i]; s.Name == f.Name {
				s.change(n.event.Kind.Name, f)
			}
		}
	case "event.disclosed":
		p.seals[f.Of] = slices.DeleteFunc(slices.Clone(list), func(s Standing) bool { return s.Name == f.Name })
	}
}

// foldSeal is what the fold header of an event about a seal says of it, nil for
// any other event.
func (w *Writer) foldSeal(n *planned, named []Subject) (*events.FoldSeal, error) {
	e := n.event
	text := func(path string) string { v, _ := e.Data.At(path); return v.Text() }
	if len(n.parties) != 1 || !e.Kind.Seals && e.Kind.Name != "event.disclosed" {
		return nil, nil
	}
	f := &events.FoldSeal{Of: named[0].Handle()}
	switch e.Kind.Name {
	case "event.disclosed":
		f.Name, _ = events.ParseEventName(text("seal"))
		return f, nil
	case "seal.placed":
		f.Name = n.facts.Name
	default:
		f.Name, _ = events.ParseEventName(text("seal"))
	}
	systems, _ := e.Data.At("systems")
	oral, _ := e.Data.At("oral")
	f.Trail, f.Until, f.ReviewBy = n.parties[0].who.Handle(), text("until"), text("reviewBy")
	f.Systems, f.Oral = systems.Texts(), oral.Bool()
	f.ReleasedBy, _ = events.ParseEventName(text("releasedBy"))
	ref := text("caseRef")
	if ref == "" {
		return f, nil
	}
	var err error
	f.Case, err = w.cfg.Keys.Pseudonym(n.facts.Organization, "case", ref)
	return f, err
}
