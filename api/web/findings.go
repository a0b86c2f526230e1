package web

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/projections"
)

// findingCount is how often a rule found something at one organization.
type findingCount struct {
	Organization named
	Rule         projections.Rule
	Count        int
}

// findingsTable is a list of counts with what it lists.
type findingsTable struct {
	Caption string
	Rows    []findingCount
}

func (p *Pages) findings(w http.ResponseWriter, r *http.Request) {
	_, err := v1.Query(r)
	var counts map[string]map[int]int
	var asOf string
	if err == nil {
		counts, asOf, err = p.shown.Findings()
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	real, example := l.findingCounts(counts)
	if l.err != nil {
		p.fail(w, r, l.err)
		return
	}
	p.show(w, r, http.StatusOK, "findings", frame{Title: "Findings", Section: "findings", Body: struct {
		AsOf          string
		Real, Example findingsTable
		Rules         []projections.Rule
	}{
		day(asOf), findingsTable{"By organization and question", real}, findingsTable{"Of the invented organization", example}, projections.Rules(),
	}})
}

// findingCounts are the rows of the tables, by organization and rule.
func (l *lookup) findingCounts(counts map[string]map[int]int) (real, example []findingCount) {
	for organization, byRule := range counts {
		for _, rule := range projections.Rules() {
			row := findingCount{l.organization(organization), rule, byRule[rule.Number]}
			switch {
			case row.Count == 0:
			case projections.IsExample(organization):
				example = append(example, row)
			default:
				real = append(real, row)
			}
		}
	}
	byOrganization := func(a, b findingCount) int {
		return cmp.Or(cmp.Compare(a.Organization.Reference, b.Organization.Reference), cmp.Compare(a.Rule.Number, b.Rule.Number))
	}
	slices.SortFunc(real, byOrganization)
	slices.SortFunc(example, byOrganization)
	return real, example
}
