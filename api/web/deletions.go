package web

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// deletion is how one dataset stands with its retention rule.
type deletion struct {
	Dataset, Owner named
	Kept           string // the rule in words
	Set            events.Index
	Deleted        string // "" when no deletion is on record
	DeletedBy      *events.Index
	Due            string
	Status         string
	rank           int
}

// deletionTable is a list of datasets with what it lists.
type deletionTable struct {
	Caption string
	Rows    []deletion
}

// standings are the places of a dataset in the list, and its status in words.
var standings = map[projections.DeletionStatus]struct {
	rank  int
	words string
}{
	projections.Overdue: {0, "overdue"},
	projections.Due:     {1, "due"},
	projections.Done:    {2, "done"},
	projections.Untold:  {3, "cannot be told"},
}

func (p *Pages) deletions(w http.ResponseWriter, r *http.Request) {
	_, err := v1.Query(r)
	now := p.shown.Time()
	reader, _ := p.shown.Reader()
	var datasets []projections.Retention
	if err == nil {
		datasets, err = reader.Retention(now)
	}
	l := newLookup(reader)
	real, example := l.deletions(datasets)
	if err == nil {
		err = l.err
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "deletions", frame{Title: "Deletions", Section: "deletions", Body: struct {
		AsOf          string
		Real, Example deletionTable
		Tally         []tally
	}{
		day(now.Format("2006-01-02")),
		deletionTable{"Datasets with a retention rule, overdue first", real},
		deletionTable{"Datasets of the invented organization", example},
		standingTallies(real),
	}})
}

// deletions are the rows of the tables, what is overdue first.
func (l *lookup) deletions(datasets []projections.Retention) (real, example []deletion) {
	for _, d := range datasets {
		s := standings[d.Status]
		row := deletion{
			Dataset: l.find("dataset", d.Dataset), Owner: l.organization(d.Organization), Kept: period(d.Period), Set: d.Set,
			Deleted: day(d.Deleted), DeletedBy: d.DeletedBy, Due: day(d.Due), Status: s.words, rank: s.rank,
		}
		if d.Trigger != "" {
			row.Kept += ", counted from: " + term(d.Trigger)
		}
		if projections.IsExample(d.Organization) {
			example = append(example, row)
		} else {
			real = append(real, row)
		}
	}
	byStanding := func(a, b deletion) int { return cmp.Compare(a.rank, b.rank) }
	slices.SortStableFunc(real, byStanding)
	slices.SortStableFunc(example, byStanding)
	return real, example
}

// standingTallies count the datasets of each standing.
func standingTallies(rows []deletion) []tally {
	out := []tally{{Label: "overdue"}, {Label: "due"}, {Label: "done"}, {Label: "cannot be told"}}
	for _, d := range rows {
		out[d.rank].Number++
	}
	return out
}
