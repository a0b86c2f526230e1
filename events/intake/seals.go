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

// oralDays is how long a seal may stand that nobody ordered in writing, after
// 45 CFR 164.528 (a)(2)(ii).
const oralDays = 30

// lapses is the last day of a seal without a writing, "" with one, where days
// are those of zone.
func (s *Standing) lapses(zone *time.Location) string {
	if !s.Oral || s.Extended {
		return ""
	}
	return s.PlacedAt.In(zone).AddDate(0, 0, oralDays).Format(time.DateOnly)
}

// over is what has ended the seal by a day in zone, as events.CodeLifted says it:
// "date" or "lapse", whichever came first, or "".
func (s *Standing) over(today string, zone *time.Location) string {
	last, how := s.Until, "date"
	if lapse := s.lapses(zone); lapse != "" && (last == "" || lapse < last) {
		last, how = lapse, "lapse"
	}
	if last == "" || today <= last {
		return ""
	}
	return how
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

// standing is the seal, the earliest placed of several, that an event about the
// person falls under, or nil.
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
	for i := range list {
		if list[i].covers(item.Organization, system.Text(), caseName) {
			return &list[i], nil
		}
	}
	return nil, nil
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

// change is what a later event does to the seal.
func (s *Standing) change(kind string, f *events.FoldSeal) {
	if kind == "seal.lifted" {
		s.Lifted = true
		return
	}
	s.Until, s.ReviewBy, s.Extended = f.Until, f.ReviewBy, true
}

// checkSeal refuses what is said of a seal that does not stand, on another trail
// than its own, or of a person whose keys are gone; and the disclosure of one that
// was not lifted. It looks at what goes before in the batch, so that two officers
// cannot end a seal and extend it at once.
func (w *Writer) checkSeal(p *plan, item *waiting, named []Subject) (*events.Problem, error) {
	kind := item.Event.Kind
	if !kind.Seals && kind.Name != "event.disclosed" {
		return nil, nil
	}
	refuse := func(why string) (*events.Problem, error) {
		return &events.Problem{Status: 409, Code: "not-standing", Detail: why}, nil
	}
	if len(named) != 1 || kind.Seals && len(item.Trails) != 1 {
		return refuse("a seal is over one person, and its events are on its own trail")
	}
	if kind.Name == "seal.placed" {
		hidden, err := w.cfg.People.ByHandle(item.Trails[0])
		if err != nil || hidden != nil && hidden.Of() == named[0].Handle() {
			return nil, err
		}
		return refuse("the keys of its trail are not here; place it again")
	}
	list, err := w.sealsOf(p, named[0].Handle())
	if err != nil {
		return nil, err
	}
	seal, _ := item.Event.Data.At("seal")
	i := slices.IndexFunc(list, func(s Standing) bool { return s.Name.String() == seal.Text() })
	switch {
	case i < 0:
		return refuse("there is no such seal over the person")
	case kind.Name == "event.disclosed" && !list[i].Lifted:
		return refuse("the seal stands")
	case kind.Seals && (list[i].Lifted || list[i].Trail != item.Trails[0]):
		return refuse("the seal was lifted")
	}
	return nil, nil
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
