package v1

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// writeCSV answers with a table as RFC 4180 has it, to be saved as name. Cells
// are references, codes, days and numbers: none begins with what a spreadsheet
// takes for a formula.
func writeCSV(w http.ResponseWriter, r *http.Request, name string, rows [][]string) {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.UseCRLF = true
	if err := c.WriteAll(rows); err != nil {
		Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.Write(b.Bytes()) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// invented marks the rows of the invented organization.
func invented(organization string) string {
	return strconv.FormatBool(organization == projections.ExampleOrganization)
}

func place(i *events.Index) string {
	if i == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*i), 10)
}

func (a *API) findingsCSV(w http.ResponseWriter, r *http.Request) {
	_, err := Query(r)
	var counts map[string]map[int]int
	var asOf string
	if err == nil {
		counts, asOf, err = a.shown.Findings()
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	var rows [][]string
	for organization, byRule := range counts {
		for _, rule := range projections.Rules() {
			if n := byRule[rule.Number]; n > 0 {
				rows = append(rows, []string{asOf, organization, strconv.Itoa(rule.Number), rule.Name, rule.Question, strconv.Itoa(n), invented(organization)})
			}
		}
	}
	slices.SortStableFunc(rows, func(x, y []string) int { return cmp.Compare(x[1], y[1]) })
	head := []string{"asOf", "organization", "rule", "name", "question", "findings", "example"}
	writeCSV(w, r, "findings.csv", append([][]string{head}, rows...))
}

// sharingCSV is the totals, as all of them fit where the shares come in pages.
func (a *API) sharingCSV(w http.ResponseWriter, r *http.Request) {
	f, err := ShareFilter(r)
	var s projections.Sharing
	if err == nil {
		reader, _ := a.shown.Reader()
		s, err = reader.Sharing(f)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{{"month", "organization", "recipient", "dataset", "disclosureClass", "legalStandard", "agreement", "count", "example"}}
	for _, t := range s.Totals {
		rows = append(rows, []string{
			t.Month, t.Organization, t.Recipient, t.Dataset, t.DisclosureClass, t.LegalStandard, t.Agreement,
			strconv.FormatUint(t.Count, 10), invented(t.Organization),
		})
	}
	writeCSV(w, r, "sharing.csv", rows)
}

func (a *API) retentionCSV(w http.ResponseWriter, r *http.Request) {
	_, err := Query(r)
	now := a.shown.Time()
	var datasets []projections.Retention
	if err == nil {
		reader, _ := a.shown.Reader()
		datasets, err = reader.Retention(now)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{{"asOf", "dataset", "organization", "period", "trigger", "method", "set", "deleted", "deletedBy", "deletions", "due", "status", "example"}}
	for _, d := range datasets {
		rows = append(rows, []string{
			now.Format("2006-01-02"), d.Dataset, d.Organization, d.Period, d.Trigger, d.Method, place(&d.Set), d.Deleted, place(d.DeletedBy),
			strconv.FormatUint(d.Deletions, 10), d.Due, string(d.Status), invented(d.Organization),
		})
	}
	writeCSV(w, r, "retention.csv", rows)
}
