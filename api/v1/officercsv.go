package v1

import (
	"bytes"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// writePrivateCSV is writeCSV for officers.
func writePrivateCSV(w http.ResponseWriter, r *http.Request, name string, rows [][]string) {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = plainCell(cell)
		}
	}
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.UseCRLF = true
	if err := c.WriteAll(rows); err != nil {
		Fail(w, r, err)
		return
	}
	SendPrivate(w, "text/csv; charset=utf-8; header=present", name, b.Bytes())
}

func useColumns() []string {
	return []string{"position", "kind", "organization", "system", "dataset", "actor", "role", "unit", "day", "hour", "hasReason", "proof", "example", "reading"}
}

func foundColumns() []string {
	return []string{"asOf", "id", "organization", "rule", "name", "code", "count", "firstDay", "lastDay", "evidence", "positions", "example", "reading"}
}

// TrailCSV answers with all uses chosen as a table.
func (o *Office) TrailCSV(w http.ResponseWriter, r *http.Request, who Officer) {
	t, err := o.TrailExport(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{useColumns()}
	for _, u := range t.Uses {
		e, err := events.ParseEntry(u.Entry)
		if err != nil {
			refused(w, r, err)
			return
		}
		rows = append(rows, []string{
			place(&u.Position), e.Kind.Name, u.Organization, u.System, u.Dataset, u.Actor, u.Role, u.Unit, u.Day, strconv.Itoa(u.Hour),
			strconv.FormatBool(u.HasReason), proofHref(u.Position), invented(u.Organization), place(&t.Reading),
		})
	}
	writePrivateCSV(w, r, "trail.csv", rows)
}

// FindingsCSV answers with all findings chosen as a table.
func (o *Office) FindingsCSV(w http.ResponseWriter, r *http.Request, who Officer) {
	f, err := o.FindingsExport(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{foundColumns()}
	for _, x := range f.Findings {
		rows = append(rows, []string{
			f.AsOf, x.ID, x.Organization, strconv.Itoa(x.Rule), ruleName(x.Rule), x.Code, strconv.FormatUint(x.Count, 10), x.FirstDay, x.LastDay,
			evidenceLine(x), positionsLine(x.Positions), invented(x.Organization), place(&f.Reading),
		})
	}
	writePrivateCSV(w, r, "findings.csv", rows)
}

func evidenceLine(f projections.Finding) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.Evidence)) {
		if v := f.Evidence[name]; v != "" {
			out = append(out, name+"="+v)
		}
	}
	return strings.Join(out, "; ")
}

func positionsLine(positions []events.Index) string {
	out := make([]string, len(positions))
	for i := range positions {
		out[i] = place(&positions[i])
	}
	return strings.Join(out, " ")
}
