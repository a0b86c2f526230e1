package intake

import (
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

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
	// What stands already is looked for before the group's own orders are noted,
	// which would else hide it from the rest of the batch.
	list, err := w.sealsOf(p, named[0].Handle())
	if err != nil {
		return nil, err
	}
	if kind.Name == "seal.placed" {
		hidden, err := w.cfg.People.ByHandle(item.Trails[0])
		if err != nil || hidden != nil && hidden.Of() == named[0].Handle() {
			return nil, err
		}
		return refuse("the keys of its trail are not here; place it again")
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
