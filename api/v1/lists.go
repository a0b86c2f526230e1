package v1

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// A list as a table comes in the pages of the list in JSON: at most
// projections.MaxLimit rows, so that an answer is bounded, and the address of
// the next page in a Link header.

// turn says where the next page is, for what goes on behind next.
func turn(w http.ResponseWriter, r *http.Request, q url.Values, next string) {
	if next == "" {
		return
	}
	after := url.Values{}
	for name := range q {
		after.Set(name, q.Get(name))
	}
	after.Set("after", next)
	w.Header().Set("Link", "<"+r.URL.EscapedPath()+"?"+after.Encode()+`>; rel="next"`)
	w.Header().Set("Access-Control-Expose-Headers", "Link")
}

// shownPaths are the fields of an entry that have a column, as most kinds that
// people look for have them.
func shownPaths() []string {
	return []string{"system", "dataset", "activity", "recipient", "agreement", "purpose", "legalBasis", "operation", "outcome", "subjects.mode"}
}

func entryColumns() []string {
	out := []string{"position", "event", "kind", "organization", "source", "occurredAt", "recordedAt"}
	return append(append(out, shownPaths()...), "entryHash", "example")
}

func (a *API) entriesCSV(w http.ResponseWriter, r *http.Request, q url.Values) {
	found, next, err := a.page(q)
	rows := [][]string{entryColumns()}
	for _, f := range found {
		var e *events.Entry
		if e, err = events.ParseEntry(f.Entry); err != nil {
			break
		}
		row := []string{
			place(&f.Position), e.Name().String(), e.Kind.Name, e.Text("organization"), e.Text("source"), e.Text("occurredAt"), e.Text("recordedAt"),
		}
		for _, path := range shownPaths() {
			row = append(row, e.Text(path))
		}
		rows = append(rows, append(row, events.HashEntry(f.Entry).String(), invented(e.Text("organization"))))
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	turn(w, r, q, place(next))
	writeCSV(w, r, "entries.csv", rows)
}

// itemColumns are those of every register, before the fields of one.
func itemColumns() []string {
	return []string{"register", "id", "organization", "source", "ended", "latest", "latestKind", "latestAt", "example"}
}

// fieldColumns are the paths of the public fields in a register, sorted, without
// the reference and the organization, which have their columns. Assessments are
// left to the JSON: they would make a column for each of their kinds.
func fieldColumns(register string) []string {
	paths := map[string]bool{}
	for _, k := range events.Kinds() {
		if k.Object != register || !k.Open {
			continue
		}
		of, verb, _ := strings.Cut(k.Name, ".")
		for _, f := range k.Fields {
			path := cmp.Or(f.Shown, f.Path)
			public := f.Class == events.Public || f.Class == events.PublicText
			switch {
			case !public || path == register || path == "organization":
			case k.Effect != events.Notes:
				paths[path] = path != "on" // what ended says so in its own column
			case verb == "set":
				paths[of+"."+path] = true
			default:
				paths[verb+"."+path], paths[verb+".on"] = true, true
			}
		}
	}
	maps.DeleteFunc(paths, func(_ string, listed bool) bool { return !listed })
	return slices.Sorted(maps.Keys(paths))
}

func (a *API) itemsCSV(w http.ResponseWriter, r *http.Request, q url.Values) {
	items, next, err := a.list(r, q)
	if err != nil {
		refused(w, r, err)
		return
	}
	register := r.PathValue("register")
	fields := fieldColumns(register)
	rows := [][]string{append(itemColumns(), fields...)}
	for _, i := range items {
		row := []string{
			i.Register, i.ID, i.Organization, i.Source, i.Ended, place(&i.Latest.Position), i.Latest.Kind, i.Latest.OccurredAt, invented(i.Organization),
		}
		for _, path := range fields {
			v, _ := i.Fields.At(path)
			row = append(row, cell(v))
		}
		rows = append(rows, row)
	}
	turn(w, r, q, next)
	writeCSV(w, r, register+".csv", rows)
}

// cell is a public value in a table: what is absent is empty, and the values of
// a list stand beside each other.
func cell(v events.Value) string {
	if list, ok := v.AsList(); ok {
		texts := make([]string, len(list))
		for i, item := range list {
			texts[i] = item.Text()
		}
		return strings.Join(texts, " ")
	}
	if v.IsNull() || v.Object() != nil {
		return ""
	}
	if s := v.Text(); s != "" {
		return s
	}
	if b := strconv.FormatBool(v.Bool()); b == string(v.Append(nil)) {
		return b
	}
	return strconv.FormatInt(v.Int(), 10)
}

func totalColumns() []string {
	return []string{"by", "organization", "kind", "day", "entries", "example"}
}

func (a *API) totalsCSV(w http.ResponseWriter, r *http.Request, _ url.Values) {
	t, err := a.shown.Totals()
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := append([][]string{totalColumns()}, countRows(t.Real, "false")...)
	writeCSV(w, r, "totals.csv", append(rows, countRows(t.Example, "true")...))
}

// countRows are counts, each with what it counts.
func countRows(c projections.Counts, example string) [][]string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	rows := [][]string{{"all", "", "", "", number(c.Entries), example}}
	for _, kind := range slices.Sorted(maps.Keys(c.ByKind)) {
		rows = append(rows, []string{"kind", "", kind, "", number(c.ByKind[kind]), example})
	}
	for _, organization := range slices.Sorted(maps.Keys(c.ByOrganization)) {
		byKind := c.ByOrganization[organization]
		for _, kind := range slices.Sorted(maps.Keys(byKind)) {
			rows = append(rows, []string{"organization", organization, kind, "", number(byKind[kind]), example})
		}
	}
	for _, day := range slices.Sorted(maps.Keys(c.ByDay)) {
		rows = append(rows, []string{"day", "", "", day, number(c.ByDay[day]), example})
	}
	return rows
}
