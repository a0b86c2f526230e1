package projections

import (
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// Use is one entry about use of data as officers see it.
type Use struct {
	Found
	Organization string
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
	System       string
	Dataset      string
	Actor        string
	Day          string        // 2026-06-24, local
	From, To     string        // days, both included
	After        *events.Index // only uses behind this position
	Limit        int           // as in Filter
}

const (
	usePrefix      = "ar"
	useIndexPrefix = "ai"
)

func foldTrail(b *batch, m *message) error {
	if !m.entry.Kind.IsData() {
		return nil
	}
	organization, system := m.entry.Text("organization"), m.entry.Text("system")
	f := m.fold
	row := texts("actor", f.Actor, "dataset", f.Dataset, "day", f.Day)
	if f.HasReason {
		row = append(row, events.Member{Name: "hasReason", Value: events.Boolean(true)})
	}
	row = append(row, events.Member{Name: "hour", Value: events.Integer(int64(f.Hour))})
	row = append(row, texts("organization", organization, "role", f.Role, "system", system, "unit", f.Unit)...)
	b.key = number(append(b.key[:0], usePrefix...), m.position)
	b.set(b.key, row.Append(nil))
	for i, value := range [...]string{f.Actor, f.Dataset, organization, system, f.Day} {
		if value != "" {
			b.index(useIndexPrefix, "adost"[i], value, m.position)
		}
	}
	return nil
}

func (f TrailFilter) prefixes() [][]byte {
	var out [][]byte
	for _, x := range []struct{ letter, value string }{
		{"a", f.Actor}, {"s", f.System}, {"d", f.Dataset}, {"o", f.Organization}, {"t", f.Day},
	} {
		if x.value != "" {
			out = append(out, part(useIndexPrefix+x.letter, x.value))
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
	Uses     int  // how many were counted
	Complete bool // false: there are more, and the counts are those of the first
	Systems  map[string]int
	Datasets map[string]int
	Actors   map[string]int // by pseudonym
	Days     map[string]int // local
}

// TrailFacets counts what f chooses, whatever its Limit, from its After on. It
// looks at a bounded number of index keys.
func (r Reader) TrailFacets(f TrailFilter) (Facets, error) {
	out := Facets{Systems: map[string]int{}, Datasets: map[string]int{}, Actors: map[string]int{}, Days: map[string]int{}}
	next, err := r.uses(f, func(u Use) (bool, error) {
		out.Uses++
		for i, value := range [...]string{u.System, u.Dataset, u.Actor, u.Day} {
			if value != "" {
				[...]map[string]int{out.Systems, out.Datasets, out.Actors, out.Days}[i][value]++
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
	if !ok || !clean(f.Organization, f.System, f.Dataset, f.Actor, f.Day) {
		return nil, nil
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
		Found: Found{Position: p}, Organization: row.text("organization"), System: row.text("system"), Dataset: row.text("dataset"),
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
