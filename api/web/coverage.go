package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// reporting is how one service stands.
type reporting struct {
	Organization named
	Source       string
	Status       string
	Proof        *events.Index // the entry that says so, nil when the ledger has not said it
	Since        string
	SinceBy      *events.Index
	Last         string // "" for never
	Rhythm       string
	Events       uint64
	Unnamed      string // the share in words
	Missing      uint64
	MissingBy    *events.Index
	rank         int
}

// reportingTable is a list of services with what it lists.
type reportingTable struct {
	Caption string
	Rows    []reporting
}

// unheard is how many of an organization's systems no use of data names.
type unheard struct {
	Organization named
	Registered   int
	Systems      []named // the first of them
	Number       int
}

// unheardTable is a list of organizations with what it lists.
type unheardTable struct {
	Caption string
	Rows    []unheard
}

// More is how many systems the page does not name.
func (u unheard) More() int { return u.Number - len(u.Systems) }

// unheardShown is how many systems of one organization a page names.
const unheardShown = 50

// reportingWords are the places of a service in the list, and its status in words.
var reportingWords = map[projections.SourceStatus]struct {
	rank  int
	words string
}{
	projections.Silent:      {0, "silent"},
	projections.Unannounced: {1, "not announced"},
	projections.Connected:   {2, "connected"},
	projections.Offboarded:  {3, "disconnected"},
}

func (p *Pages) coverage(w http.ResponseWriter, r *http.Request) {
	_, err := v1.Query(r)
	var c projections.Coverage
	var asOf string
	if err == nil {
		c, asOf, err = p.shown.Coverage()
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	real, example := l.reporting(c.Sources)
	systems, made := l.unheard(c.Systems)
	if l.err != nil {
		p.fail(w, r, l.err)
		return
	}
	p.show(w, r, http.StatusOK, "coverage", frame{Title: "Coverage", Section: "coverage", Body: struct {
		AsOf                    string
		Real, Example           reportingTable
		Systems, ExampleSystems unheardTable
		Tally                   []tally
	}{
		day(asOf),
		reportingTable{"Services, those that are silent first; missing are numbers a service gave out", real},
		reportingTable{"Services of the invented organization", example},
		unheardTable{"Registered systems that no use of data names, by organization", systems},
		unheardTable{"The same of the invented organization", made},
		reportingTallies(real),
	}})
}

// reporting are the rows of the tables, silent services first.
func (l *lookup) reporting(sources []projections.Source) (real, example []reporting) {
	for _, s := range sources {
		words := reportingWords[s.Status]
		row := reporting{
			Organization: l.organization(s.Organization), Source: s.Name, Status: words.words, Proof: saidBy(s), Since: day(s.Since), SinceBy: s.AnnouncedBy,
			Last: day(s.Last), Events: s.Events, Unnamed: portion(s.Unnamed, s.Events), Missing: s.Missing, MissingBy: s.CountedBy, rank: words.rank,
		}
		if s.Rhythm != "" {
			row.Rhythm = period(s.Rhythm)
		}
		if s.GapBy != nil && (s.CountedBy == nil || *s.GapBy > *s.CountedBy) {
			row.MissingBy = s.GapBy
		}
		if projections.IsExample(s.Organization) {
			example = append(example, row)
		} else {
			real = append(real, row)
		}
	}
	byStanding := func(a, b reporting) int { return cmp.Compare(a.rank, b.rank) }
	slices.SortStableFunc(real, byStanding)
	slices.SortStableFunc(example, byStanding)
	return real, example
}

// saidBy is the entry in which the ledger says how the service stands.
func saidBy(s projections.Source) *events.Index {
	switch s.Status {
	case projections.Silent:
		return s.SilentBy
	case projections.Offboarded:
		return s.EndedBy
	}
	return s.ConnectedBy
}

// portion is a part of a whole in words.
func portion(n, of uint64) string {
	switch {
	case of == 0:
		return "nothing recorded"
	case n == 0:
		return "none"
	case n == of:
		return "all"
	case 100*n < of:
		return fmt.Sprintf("%s, less than 1%%", number(n))
	}
	return fmt.Sprintf("%s, %d%%", number(n), 100*n/of)
}

func reportingTallies(rows []reporting) []tally {
	out := []tally{{Label: "silent"}, {Label: "not announced"}, {Label: "connected"}, {Label: "disconnected"}}
	for _, row := range rows {
		out[row.rank].Number++
	}
	return out
}

// unheard are the organizations with systems that no use of data names.
func (l *lookup) unheard(list []projections.Reach) (real, example []unheard) {
	for _, x := range list {
		if len(x.Unheard) == 0 {
			continue
		}
		row := unheard{Organization: l.organization(x.Organization), Registered: x.Registered, Number: len(x.Unheard)}
		for _, id := range x.Unheard[:min(len(x.Unheard), unheardShown)] {
			row.Systems = append(row.Systems, l.find("system", id))
		}
		if projections.IsExample(x.Organization) {
			example = append(example, row)
		} else {
			real = append(real, row)
		}
	}
	return real, example
}
