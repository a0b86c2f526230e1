package projections

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Seals are the seals of one organization, as the public sees them.
type Seals struct {
	Organization string
	Standing     int
	Overdue      []OverdueSeal // the longest overdue first
	Quarters     []SealQuarter // from the first seal's to the last in which something happened
}

// SealQuarter is what became of an organization's seals in one quarter.
type SealQuarter struct {
	Quarter  string // as 2026-Q4
	Placed   int
	Lifted   int
	Standing int            // at its end; in the present quarter, so far
	ByGroup  map[string]int // of those placed, by the group of the ground
	ByEnd    map[string]int // of those lifted, by what ended them
}

// OverdueSeal is a seal that was to be looked at again in a quarter that is over,
// and stands.
type OverdueSeal struct {
	Name     events.EventName // of the seal.placed
	Position events.Index     // of that entry
	Group    string
	PlacedIn string
	ReviewIn string       // the quarter, as said last
	SaidBy   events.Index // the entry that says so
}

const sealPrefix = "ls"

// foldSeals keeps each seal as it stands after each entry about it. Only the
// organization that placed one says more of it.
func foldSeals(b *batch, m *message) error {
	e := m.entry
	if !e.Kind.Seals {
		return nil
	}
	name := e.Name().String()
	if e.Kind.Name != "seal.placed" {
		name = e.Text("seal")
	}
	prefix := part(sealPrefix, e.Text("organization"), name)
	before, err := b.lastOf(prefix)
	if err != nil || (before == nil) != (e.Kind.Name == "seal.placed") {
		return err
	}
	s := values{}
	if before != nil {
		if s, err = stored(before); err != nil {
			return err
		}
	}
	at, in := events.Integer(int64(m.position)), events.String(e.Text("occurredAt"))
	o := s.Object
	switch e.Kind.Name {
	case "seal.placed":
		o = o.With("group", events.String(e.Text("group"))).With("placed", at).With("placedIn", in)
	case "seal.lifted":
		if s.text("how") != "" {
			return nil
		}
		o = o.With("how", events.String(e.Text("how"))).With("lifted", at).With("liftedIn", in)
	}
	if review := e.Text("reviewIn"); review != "" {
		o = o.With("reviewIn", events.String(review)).With("saidBy", at)
	}
	b.setLatest(prefix, m.position, o.Append(nil))
	return nil
}

// Seals are the seals of every organization that ever placed one, by name. What is
// overdue is told by the quarter that it is at asOf in each organization's own time
// zone.
func (r Reader) Seals(asOf time.Time) ([]Seals, error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	out, err := r.seals(asOf)
	if err != nil {
		return nil, fmt.Errorf("reading the seals: %w", err)
	}
	return out, nil
}

func (r Reader) seals(asOf time.Time) (out []Seals, err error) {
	days := r.calendar(asOf)
	quarters := map[string]*SealQuarter{}
	finish := func() {
		if len(out) > 0 {
			out[len(out)-1].finish(quarters)
			clear(quarters)
		}
	}
	err = r.latest([]byte(sealPrefix), 2, func(key, value []byte) error {
		of := splitKey(key)
		v, err := stored(value)
		if err != nil {
			return err
		}
		if len(out) == 0 || out[len(out)-1].Organization != of[0] {
			finish()
			out = append(out, Seals{Organization: of[0]})
		}
		today, err := days.today(of[0])
		if err != nil {
			return err
		}
		out[len(out)-1].add(of[1], v, events.QuarterOf(today), quarters)
		return nil
	})
	finish()
	return out, err
}

// add counts the seal of a name, whose state is v.
func (s *Seals) add(name string, v values, now string, quarters map[string]*SealQuarter) {
	in := func(quarter string) *SealQuarter {
		if quarters[quarter] == nil {
			quarters[quarter] = &SealQuarter{Quarter: quarter, ByGroup: map[string]int{}, ByEnd: map[string]int{}}
		}
		return quarters[quarter]
	}
	placed := in(v.text("placedIn"))
	placed.Placed++
	placed.ByGroup[v.text("group")]++
	if how := v.text("how"); how != "" {
		lifted := in(v.text("liftedIn"))
		lifted.Lifted++
		lifted.ByEnd[how]++
		return
	}
	s.Standing++
	if v.text("reviewIn") < now {
		n, _ := events.ParseEventName(name)
		s.Overdue = append(s.Overdue, OverdueSeal{
			n, events.Index(v.number("placed")), v.text("group"), v.text("placedIn"), v.text("reviewIn"), events.Index(v.number("saidBy")),
		})
	}
}

// finish sorts what was counted, and adds up what stands.
func (s *Seals) finish(quarters map[string]*SealQuarter) {
	for _, q := range quarters {
		s.Quarters = append(s.Quarters, *q)
	}
	slices.SortFunc(s.Quarters, func(a, b SealQuarter) int { return cmp.Compare(a.Quarter, b.Quarter) })
	standing := 0
	for i := range s.Quarters {
		standing += s.Quarters[i].Placed - s.Quarters[i].Lifted
		s.Quarters[i].Standing = standing
	}
	slices.SortFunc(s.Overdue, func(a, b OverdueSeal) int {
		return cmp.Or(cmp.Compare(a.ReviewIn, b.ReviewIn), cmp.Compare(a.Position, b.Position))
	})
}

// unreviewed is rule 10: a finding for each seal that was to be looked at again in
// a quarter that is over. The quarter is all that anybody but officers knows.
func (r Reader) unreviewed(asOf time.Time) ([]Finding, error) {
	all, err := r.seals(asOf)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, s := range all {
		for _, x := range s.Overdue {
			f := finding{rule: RuleSeal, code: "overdue", evidence: texts("group", x.Group, "reviewIn", x.ReviewIn, "seal", x.Name.String())}
			last := lastDay(x.ReviewIn)
			one := single(f, s.Organization, last, x.Position)
			if x.SaidBy != x.Position {
				one.Positions, one.Last = append(one.Positions, x.SaidBy), x.SaidBy
			}
			out = append(out, one)
		}
	}
	return out, nil
}

// lastDay is the last day of a quarter as 2026-Q4.
func lastDay(quarter string) string {
	return map[byte]string{'1': quarter[:4] + "-03-31", '2': quarter[:4] + "-06-30", '3': quarter[:4] + "-09-30", '4': quarter[:4] + "-12-31"}[quarter[6]]
}
