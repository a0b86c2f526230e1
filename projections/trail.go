package projections

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Use is one entry about use of data as officers see it.
type Use struct {
	Found
	Organization string
	Kind         string // data.accessed
	System       string // "?" as in the entry when no register knew it, "" where the kind has none
	Dataset      string // as submitted, where the entry keeps it private too
	Actor        string // pseudonym, "" when the emitter named nobody
	Role, Unit   string
	Day          string // in the organization's time zone
	Hour         int    // there
	HasReason    bool   // the emitter gave a text; what it says is sealed
}

// TrailFilter chooses uses. What is "" chooses nothing; the others must all hold.
type TrailFilter struct {
	Organization string
	Kind         string
	System       string
	Dataset      string
	Actor        string
	Role, Unit   string
	Day          string        // 2026-06-24, local
	From, To     string        // days, both included; without them, any
	After        *events.Index // only uses behind this position
	Limit        int           // as in Filter
}

const (
	usePrefix      = "ar"
	useIndexPrefix = "ai"
	spanPrefix     = "am" // between which positions the uses of a day are
)

func foldTrail(b *batch, m *message) error {
	if !m.entry.Kind.IsData() {
		return nil
	}
	e, f := m.entry, m.fold
	organization := e.Text("organization")
	system := e.Text("system")
	row := make(events.Object, 0, 10)
	say := func(name, text string) {
		if text != "" {
			row = append(row, events.Member{Name: name, Value: events.String(text)})
		}
	}
	say("actor", f.Actor)
	say("dataset", f.Dataset)
	say("day", f.Day)
	if f.HasReason {
		row = append(row, events.Member{Name: "hasReason", Value: events.Boolean(true)})
	}
	row = append(row, events.Member{Name: "hour", Value: events.Integer(int64(f.Hour))})
	say("kind", e.Kind.Name)
	say("organization", organization)
	say("role", f.Role)
	say("system", system)
	say("unit", f.Unit)
	b.key = number(append(b.key[:0], usePrefix...), m.position)
	b.text = row.Append(b.text[:0])
	b.set(b.key, b.text)
	for i, value := range [...]string{f.Actor, f.Dataset, e.Kind.Name, organization, f.Role, system, f.Day, f.Unit} {
		if value != "" {
			b.index(useIndexPrefix, "adkorstu"[i], value, m.position)
		}
	}
	for _, whose := range []string{organization, ""} {
		if err := b.span(append(part(spanPrefix, whose), f.Day...), m.position); err != nil {
			return err
		}
	}
	return nil
}

// span widens the positions under key to the latest one.
func (b *batch) span(key []byte, p events.Index) error {
	span, err := b.get(key)
	if err != nil {
		return err
	}
	if span == nil {
		span = number(nil, p)
	}
	b.put(key, number(append(make([]byte, 0, 16), span[:8]...), p))
	return nil
}

func (f TrailFilter) values() []string {
	return []string{f.Actor, f.Dataset, f.Kind, f.Organization, f.Role, f.System, f.Day, f.Unit}
}

func (f TrailFilter) prefixes() [][]byte {
	var out [][]byte
	for i, value := range f.values() {
		if value != "" {
			out = append(out, part(useIndexPrefix+"adkorstu"[i:i+1], value))
		}
	}
	if out == nil {
		out = append(out, []byte(usePrefix))
	}
	return out
}

// Trail are the uses f chooses, by ascending position. Next is the After of the
// next page, nil when nothing follows; as with Entries a page may hold less than
// the limit and still have a next. These are metadata about staff: what shows
// them to an officer records ledger.read.
func (r Reader) Trail(f TrailFilter) (uses []Use, next *events.Index, err error) {
	limit := limited(f.Limit)
	next, err = r.uses(f, func(u Use) (bool, error) {
		if len(uses) == limit {
			return false, nil
		}
		var err error
		u.Entry, err = r.get(number([]byte(entryPrefix), u.Position))
		uses = append(uses, u)
		return err == nil, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("searching the trail: %w", err)
	}
	return uses, next, nil
}

// Facets are how the uses a filter chooses are spread.
type Facets struct {
	Uses          int  // how many were counted
	Complete      bool // false: there are more, and the counts are those of the first
	Systems       map[string]int
	Datasets      map[string]int
	Actors        map[string]int // by pseudonym
	Days          map[string]int // local
	Organizations map[string]int
	Kinds         map[string]int
	Roles         map[string]int
	Units         map[string]int
}

// TrailFacets counts what f chooses, whatever its Limit, from its After on. It
// looks at a bounded number of index keys; what a use does not say is counted
// nowhere.
func (r Reader) TrailFacets(f TrailFilter) (Facets, error) {
	counts := [8]map[string]int{}
	for i := range counts {
		counts[i] = map[string]int{}
	}
	out := Facets{0, false, counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6], counts[7]}
	next, err := r.uses(f, func(u Use) (bool, error) {
		out.Uses++
		for i, value := range [...]string{u.System, u.Dataset, u.Actor, u.Day, u.Organization, u.Kind, u.Role, u.Unit} {
			if value != "" {
				counts[i][value]++
			}
		}
		return true, nil
	})
	if err != nil {
		return Facets{}, fmt.Errorf("counting the trail: %w", err)
	}
	out.Complete = next == nil
	return out, nil
}

// uses visits what f chooses, without the entries.
func (r Reader) uses(f TrailFilter, visit func(Use) (bool, error)) (next *events.Index, err error) {
	done, err := r.useOfficers()
	if err != nil {
		return nil, err
	}
	defer done()
	from, ok := r.behind(f.After)
	if !ok || !clean(f.values()...) || !clean(f.From, f.To) || f.To != "" && f.From > f.To {
		return nil, nil
	}
	if f.From != "" || f.To != "" {
		first, end, err := r.spanOf(f)
		if err != nil {
			return nil, err
		}
		// Only there can be uses of these days, so nothing else is looked at.
		if from, r.size = max(from, first), min(r.size, end); from >= events.Index(r.size) {
			return nil, nil
		}
	}
	return r.walk(f.prefixes(), from, func(p events.Index) (bool, error) {
		u, err := r.useAt(p)
		if err != nil {
			return false, err
		}
		if u.Day < f.From || f.To != "" && u.Day > f.To {
			return true, nil
		}
		return visit(u)
	})
}

// spanOf is from which position to before which size the uses of the filter's
// organization, or of all, on its days are.
func (r Reader) spanOf(f TrailFilter) (first events.Index, end events.Size, err error) {
	days := part(spanPrefix, f.Organization)
	o := &pebble.IterOptions{LowerBound: append(days[:len(days):len(days)], f.From...), UpperBound: after(days)}
	if f.To != "" {
		o.UpperBound = append(append(days[:len(days):len(days)], f.To...), 0)
	}
	it, err := r.v.db.NewIter(o)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the views: %w", err)
	}
	first = ^events.Index(0)
	for it.First(); it.Valid(); it.Next() {
		if span := it.Value(); len(span) == 16 {
			low, _ := positionAfter(span[:8], 0)
			high, _ := positionAfter(span[8:], 0)
			first, end = min(first, low), max(end, high.Seq().Size())
		}
	}
	if err := it.Close(); err != nil {
		return 0, 0, fmt.Errorf("reading the views: %w", err)
	}
	return first, end, nil
}

func (r Reader) useAt(p events.Index) (Use, error) {
	value, err := r.get(number([]byte(usePrefix), p))
	if err != nil {
		return Use{}, fmt.Errorf("use %d: %w", p, err)
	}
	row, err := stored(value)
	if err != nil {
		return Use{}, err
	}
	return Use{
		Found: Found{Position: p}, Organization: row.text("organization"), Kind: row.text("kind"), System: row.text("system"), Dataset: row.text("dataset"),
		Actor: row.text("actor"), Role: row.text("role"), Unit: row.text("unit"), Day: row.text("day"),
		Hour: int(row.number("hour")), HasReason: row.flag("hasReason"),
	}, nil
}

// useOfficers is use where the officers' views are kept.
func (r Reader) useOfficers() (done func(), err error) {
	if r.v.opener == nil {
		return nil, ErrNotKept
	}
	return r.v.use()
}
