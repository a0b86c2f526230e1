package api_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// rowsOf reads a table, its header row first.
func rowsOf(t *testing.T, w *world, path string) [][]string {
	t.Helper()
	got := w.get(path)
	rows, err := csv.NewReader(strings.NewReader(got.Body.String())).ReadAll()
	if err != nil || got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/csv") {
		t.Fatalf("%s: %d %s, %v", path, got.Code, got.Header().Get("Content-Type"), err)
	}
	return rows
}

func column(t *testing.T, rows [][]string, name string) []string {
	t.Helper()
	i := slices.Index(rows[0], name)
	if i < 0 {
		t.Fatalf("no column %s in %v", name, rows[0])
	}
	var out []string
	for _, row := range rows[1:] {
		out = append(out, row[i])
	}
	return out
}

// TestEntriesAsTable holds the table against the list in JSON, for every filter
// and page by page.
func TestEntriesAsTable(t *testing.T) {
	w := seeded(t)
	for _, query := range []string{"", "?kind=data.accessed", "?organization=example", "?system=city/a//b", "?dataset=city/reads&limit=2", "?day=2026-06-17"} {
		var list struct {
			Entries []struct {
				Position int
				Event    string
				Entry    struct{ Kind, Organization string }
			}
			Next *int
		}
		check(t, json.Unmarshal(w.get("/v1/entries"+query).Body.Bytes(), &list))
		rows := rowsOf(t, w, "/v1/entries.csv"+query)
		if len(rows) != 1+len(list.Entries) || len(list.Entries) == 0 {
			t.Errorf("%s: %d rows for %d entries", query, len(rows)-1, len(list.Entries))
			continue
		}
		for i, e := range list.Entries {
			marked := column(t, rows, "example")[i] == "true"
			if column(t, rows, "position")[i] != fmt.Sprint(e.Position) || column(t, rows, "event")[i] != e.Event ||
				column(t, rows, "kind")[i] != e.Entry.Kind || marked != (e.Entry.Organization == "example") {
				t.Errorf("%s: row %d is %v", query, i, rows[1+i])
			}
		}
		link := w.get("/v1/entries.csv" + query).Header().Get("Link")
		if (link != "") != (list.Next != nil) || list.Next != nil && !strings.Contains(link, fmt.Sprintf("after=%d", *list.Next)) {
			t.Errorf("%s: the next page is %q", query, link)
		}
	}
	var seen []string
	for path := "/v1/entries.csv?limit=3"; path != ""; {
		seen = append(seen, column(t, rowsOf(t, w, path), "position")...)
		path, _, _ = strings.Cut(strings.TrimPrefix(w.get(path).Header().Get("Link"), "<"), ">")
	}
	if want := strings.Fields("0 1 2 3 4 5 6 7 8 9 10"); !slices.Equal(seen, want) {
		t.Errorf("page by page: %v", seen)
	}
}

// TestRegisterAsTable reads every register, of which one has texts that a
// spreadsheet would take for formulas.
func TestRegisterAsTable(t *testing.T) {
	w := newWorld(t)
	at := "2026-06-18T05:00:00Z"
	formulas := []string{`=HYPERLINK("http://evil.example")`, "+1", "-1+1|cmd", "@SUM(A1)", "＝1+1", "\t=1"}
	for i, f := range formulas {
		name, err := json.Marshal(f)
		check(t, err)
		w.say("city", "system.registered", at, fmt.Sprintf(`{"system":"city/s%d","name":%s,"kind":"camera","datasets":["city/a","city/b"],"place":{"lat":"44.05","lon":"-123.09"}}`, i, name))
	}
	w.say("example", "dataset.registered", at, `{"dataset":"example/reads","title":"Reads","access":{"open":true}}`)
	w.say("example", "retention.set", at, `{"dataset":"example/reads","period":"P30D"}`)
	w.publish()
	rows := rowsOf(t, w, "/v1/register/system.csv")
	for i, name := range column(t, rows, "name") {
		if name != "'"+formulas[i] {
			t.Errorf("the name %q stands as %q", formulas[i], name)
		}
	}
	for name, want := range map[string]string{"place.lon": "-123.09", "datasets": "? ?", "systemKind": "camera", "example": "false", "organization": "city"} {
		if got := column(t, rows, name)[0]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	rows = rowsOf(t, w, "/v1/register/dataset.csv")
	for name, want := range map[string]string{"retention.period": "P30D", "access.open": "true", "example": "true", "ended": "", "latestKind": "retention.set"} {
		if got := column(t, rows, name)[0]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	first := w.get("/v1/register/system.csv?limit=4")
	address, _, _ := strings.Cut(strings.TrimPrefix(first.Header().Get("Link"), "<"), ">")
	if rows := rowsOf(t, w, address); len(rows) != 3 || column(t, rows, "id")[0] != "city/s4" {
		t.Errorf("the next page at %q is %v", address, rows)
	}
	if rows := rowsOf(t, w, "/v1/register/system.csv?at=2026-06-23"); len(rows) != 1 {
		t.Errorf("before anything was recorded: %v", rows)
	}
	for path, want := range map[string]int{
		"/v1/register/system.csv?organization=" + url.QueryEscape("=1"): 422, "/v1/register/system.csv?x=1": 422, "/v1/register/system.csv?at=x": 422,
		"/v1/register/person.csv": 404, "/v1/register/system/city.csv": 404,
	} {
		if got := w.get(path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// TestTotalsAsTable counts the rows of each sort against the totals in JSON.
func TestTotalsAsTable(t *testing.T) {
	w := seeded(t)
	rows := rowsOf(t, w, "/v1/totals.csv")
	sums := map[string]int{}
	for i, by := range column(t, rows, "by") {
		var n int
		fmt.Sscan(column(t, rows, "entries")[i], &n)
		sums[by+" "+column(t, rows, "example")[i]] += n
	}
	for name, want := range map[string]int{"all false": 9, "kind false": 9, "all true": 2, "kind true": 2, "organization true": 2} {
		if sums[name] != want {
			t.Errorf("%s: %d, want %d: %v", name, sums[name], want, rows)
		}
	}
}
