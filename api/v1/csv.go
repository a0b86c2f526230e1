package v1

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// writeCSV answers with a table as RFC 4180 has it, to be saved as name, no cell
// of which is a formula to a spreadsheet.
func writeCSV(w http.ResponseWriter, r *http.Request, name string, rows [][]string) {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.UseCRLF = true
	for _, row := range rows {
		for i, cell := range row {
			row[i] = plainCell(cell)
		}
	}
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

// plainCell is text that a spreadsheet shows and does not work out. Only text
// that people wrote can begin as a formula does; a number may have a sign.
func plainCell(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) && s != "" && !isNumber(s) {
		return "'" + s
	}
	return s
}

// isNumber says that s is a coordinate, as a register gives it.
func isNumber(s string) bool {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!dotted || digits(fraction))
}

// invented marks the rows of the invented organization.
func invented(organization string) string {
	return strconv.FormatBool(projections.IsExample(organization))
}

func place(i *events.Index) string {
	if i == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*i), 10)
}

func (a *API) findingsCSV(w http.ResponseWriter, r *http.Request, _ url.Values) {
	counts, asOf, err := a.shown.Findings()
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
	writeCSV(w, r, "findings.csv", append([][]string{findingColumns()}, rows...))
}

func findingColumns() []string {
	return []string{"asOf", "organization", "rule", "name", "question", "findings", "example"}
}

func sharingColumns() []string {
	return []string{"month", "organization", "recipient", "dataset", "disclosureClass", "legalStandard", "agreement", "count", "example"}
}

func retentionColumns() []string {
	return []string{"asOf", "dataset", "organization", "period", "trigger", "method", "set", "deleted", "deletedBy", "deletions", "due", "status", "example"}
}

// sharingCSV is the totals, as all of them fit where the shares come in pages.
func (a *API) sharingCSV(w http.ResponseWriter, r *http.Request, _ url.Values) {
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
	rows := [][]string{sharingColumns()}
	for _, t := range s.Totals {
		rows = append(rows, []string{
			t.Month, t.Organization, t.Recipient, t.Dataset, t.DisclosureClass, t.LegalStandard, t.Agreement,
			strconv.FormatUint(t.Count, 10), invented(t.Organization),
		})
	}
	writeCSV(w, r, "sharing.csv", rows)
}

func (a *API) retentionCSV(w http.ResponseWriter, r *http.Request, _ url.Values) {
	now := a.shown.Time()
	reader, _ := a.shown.Reader()
	datasets, err := reader.Retention(now)
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{retentionColumns()}
	for _, d := range datasets {
		rows = append(rows, []string{
			now.Format("2006-01-02"), d.Dataset, d.Organization, d.Period, d.Trigger, d.Method, place(&d.Set), d.Deleted, place(d.DeletedBy),
			strconv.FormatUint(d.Deletions, 10), d.Due, string(d.Status), invented(d.Organization),
		})
	}
	writeCSV(w, r, "retention.csv", rows)
}
