package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// details is what the API answers who opens an entry.
type details struct {
	Position events.Index
	Details  []struct {
		Name  string
		Value any
	}
	Sealed  string
	Reading events.Index
}

func (d details) value(name string) any {
	for _, x := range d.Details {
		if x.Name == name {
			return x.Value
		}
	}
	return nil
}

// read gets JSON with a token.
func (in *inside) read(token, method, path string, want int, into any) {
	in.t.Helper()
	status, body := in.ask(http.DefaultClient, token, method, path, nil)
	if status != want {
		in.t.Fatalf("%s: %d, want %d: %s", path, status, want, body)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(body), into); err != nil {
			in.t.Fatalf("%s: %v: %s", path, err, body)
		}
	}
}

func (in *inside) open(token string, at events.Index) (d details) {
	in.t.Helper()
	in.folded()
	in.read(token, "POST", fmt.Sprintf("/v1/officer/entries/%d/details", at), http.StatusOK, &d)
	return d
}

// entry is a public entry.
func (in *inside) entry(at events.Index) *events.Entry {
	in.t.Helper()
	data, err := in.history.Read(in.t.Context(), at.Seq())
	if err != nil {
		in.t.Fatal(err)
	}
	m, err := events.ParseMessage(data)
	if err != nil {
		in.t.Fatal(err)
	}
	e, err := events.ParseEntry(m.Entry)
	if err != nil {
		in.t.Fatal(err)
	}
	return e
}

// readings counts those recorded behind a message.
func (in *inside) readings(behind events.Seq) (n int) {
	in.t.Helper()
	for seq := behind + 1; seq <= in.history.Last(); seq++ {
		if in.entry(seq.Index()).Kind.Name == "ledger.read" {
			n++
		}
	}
	return n
}

// TestOfficerReads searches, opens and looks at what the ledger says about it.
func TestOfficerReads(t *testing.T) {
	in, access, _ := peopled(t)
	officer := in.token(events.Officer, "city")
	var found struct {
		Uses []struct {
			Position                           events.Index
			Actor, Role, Unit, Dataset, System string
			Hour                               int
		}
		Facets  struct{ Units, Roles, Kinds map[string]int }
		Reading events.Index
	}
	in.read(officer, "GET", "/v1/officer/trail?dataset=city/people&unit=secret/unit&kind=data.accessed&from=2026-06-24&to=2026-06-24", 200, &found)
	if len(found.Uses) != 1 || found.Uses[0].Position != access || found.Uses[0].Hour != 11 || found.Uses[0].Role != "secret/role" || found.Facets.Units["secret/unit"] != 1 {
		t.Fatalf("the search finds %+v", found)
	}
	reading := in.entry(found.Reading)
	if reading.Kind.Name != "ledger.read" || reading.Text("organization") != "city" || reading.Text("role") != "officer" || reading.Text("count") != "1" || reading.Text("subjects.mode") != "none" {
		t.Errorf("the search is recorded as %s", reading.Append(nil))
	}
	searched := in.open(officer, found.Reading)
	if searched.value("filter") != "trail dataset=city/people from=2026-06-24 kind=data.accessed to=2026-06-24 unit=secret/unit" ||
		searched.value("positions") != fmt.Sprint(access) || searched.value("reader") != intake.TokenName(officer) {
		t.Errorf("of the search is sealed %+v", searched)
	}
	opened := in.open(officer, access)
	for name, want := range map[string]any{
		"reasonText": "SECRET reason", "query": "SECRET query", "caseRef": "SECRET case", "actor.id": "secret-clerk", "id": "9", "dataset": "city/people",
	} {
		if opened.value(name) != want {
			t.Errorf("%s opens as %v", name, opened.value(name))
		}
	}
	person, _ := opened.value("subject").(map[string]any)
	if reading := in.entry(opened.Reading); person["value"] != "Anna" || reading.Text("subjects.mode") != "single" || len(reading.Texts("subjects.tags")) != 1 {
		t.Errorf("of %v is recorded %s", person, reading.Append(nil))
	}
	var nothing struct{ Reading events.Index }
	in.read(officer, "GET", "/v1/officer/trail?actor=nobody", 200, &nothing)
	if in.entry(nothing.Reading).Text("count") != "0" {
		t.Error("a search that finds nothing is recorded as something")
	}
}

// TestNothingShownUnrecorded stops the writer: then officers see nothing, and
// the public sees what it saw.
func TestNothingShownUnrecorded(t *testing.T) {
	in, access, finding := peopled(t)
	officer := in.token(events.Officer, "city")
	if err := in.stop(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/v1/officer/trail": 503, "/v1/officer/trail.csv": 503, "/v1/officer/trail.json": 503, "/v1/officer/findings": 503, "/v1/officer/findings.csv": 503,
		"/v1/officer/findings/" + finding: 503, fmt.Sprintf("/v1/officer/entries/%d/details", access): 503, fmt.Sprintf("/v1/entries/%d", access): 200, "/findings": 200,
	} {
		method := "GET"
		if strings.HasSuffix(path, "/details") {
			method = "POST"
		}
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+officer)
		w := httptest.NewRecorder()
		in.handler.ServeHTTP(w, r)
		if w.Code != want || want == 503 && (!strings.Contains(w.Body.String(), "not-recorded") || w.Header().Get("Retry-After") == "") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestOfficerRefusals asks for what is malformed or another's, which leaves no
// entry.
func TestOfficerRefusals(t *testing.T) {
	in, access, _ := peopled(t)
	officer, auditor := in.token(events.Officer, "city"), in.token(events.Auditor, "")
	in.folded()
	before := in.history.Last()
	for path, want := range map[string]int{
		"trail?organization=county": 403, "trail?organization=The": 422, "trail?nonsense=1": 422, "trail?day=24": 422, "trail?kind=system.registered": 422,
		"trail?actor=a%20b": 422, "trail?unit=A": 422, "trail?limit=0": 422, "trail?after=x": 422, "trail?day=2026-06-24&day=2026-06-25": 422, "trail.csv?limit=3": 422,
		"findings?rule=99": 422, "findings?after=%25": 422, "findings?organization=county": 403, "findings/a%2Fb": 404,
	} {
		in.read(officer, "GET", "/v1/officer/"+path, want, nil)
	}
	in.read(auditor, "GET", "/v1/officer/trail", 422, nil)
	in.read(auditor, "GET", "/v1/officer/findings", 422, nil)
	for _, path := range []string{"trail", "trail.csv", "findings", "findings.json", "findings/AAAAAAAAAAAAAAAAAAAAAA"} {
		in.read(auditor, "GET", "/v1/officer/"+path+"?organization=anna.miller", 422, nil) // would be published with the reading
	}
	for ref, want := range map[string]int{"0": 422, "9999": 404, "nonsense": 404, fmt.Sprint(access): 403} {
		who := officer
		if want == 403 {
			who = in.token(events.Officer, "elsewhere")
		}
		in.read(who, "POST", "/v1/officer/entries/"+ref+"/details", want, nil)
	}
	if n := in.readings(before); n != 0 {
		t.Errorf("%d readings came of it", n)
	}
	in.read(auditor, "GET", "/v1/officer/trail?organization=city", 200, nil)
	if d := in.open(auditor, access); in.entry(d.Reading).Text("role") != "auditor" || in.entry(d.Reading).Text("organization") != "city" {
		t.Error("an auditor's reading is recorded as another's")
	}
	in.read(officer, "GET", "/v1/officer/findings/AAAAAAAAAAAAAAAAAAAAAA", 404, nil)
	if n := in.readings(before); n != 3 {
		t.Errorf("%d readings, want 3: that there is no such finding is an answer", n)
	}
}

// TestOfficerExports reads the tables, one of whose cells a spreadsheet would
// take for a formula.
func TestOfficerExports(t *testing.T) {
	in, access, _ := peopled(t)
	officer := in.token(events.Officer, "city")
	formula := "" // a pseudonym that begins with a hyphen
	for i := 0; formula == ""; i++ {
		name := fmt.Sprint("clerk ", i)
		p, err := in.keys.Pseudonym("city", "actor", name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p, "-") {
			formula = p
			in.say(in.token(events.Emitter, "city", "city/other"), "city/other", [2]string{"data.accessed", fmt.Sprintf(
				`{"system":"city/app","operation":"Consult","outcome":"success","actor":{"id":%q},"subjects":{"mode":"none"}}`, name)})
		}
	}
	status, body := in.ask(http.DefaultClient, officer, "GET", "/v1/officer/trail.csv", nil)
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if status != 200 || err != nil || len(rows) != 3 || rows[1][0] != fmt.Sprint(access) || rows[2][5] != "'"+formula {
		t.Errorf("the trail as a table: %d %v %s", status, err, body)
	}
	status, body = in.ask(http.DefaultClient, officer, "GET", "/v1/officer/findings.csv?rule=3", nil)
	rows, err = csv.NewReader(strings.NewReader(body)).ReadAll()
	if status != 200 || err != nil || len(rows) != 2 || rows[1][3] != "3" || !strings.Contains(rows[1][9], "system=city/app") {
		t.Errorf("the findings as a table: %d %v %s", status, err, body)
	}
	browser, _ := in.signIn(officer)
	for path, want := range map[string]string{
		"/officer/trail.csv": "position,kind,", "/officer/trail.json": `"uses":[`, "/officer/findings.csv": "asOf,id,", "/officer/findings.json": `"findings":[`,
	} {
		if status, body := in.ask(browser, "", "GET", path, nil); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestOfficerPages walks the pages as they are, without a browser.
func TestOfficerPages(t *testing.T) {
	in, access, finding := peopled(t)
	browser, _ := in.signIn(in.token(events.Officer, "city"))
	for path, want := range map[string][]string{
		"/officer":                     {"You read as an officer of The City"},
		"/officer/trail":               {"1 use of data", "secret/unit", "11:00–11:59", "This search is recorded as", `aria-label="Open the details of entry ` + fmt.Sprint(access)},
		"/officer/trail?day=2026-06-2": {"We could not read that"},
		"/officer/findings?rule=3":     {"uses without a legal basis", "This reading is recorded as"},
		"/officer/findings/" + finding: {"Name of this finding", finding, "/proof?download=1"},
	} {
		_, body := in.ask(browser, "", "GET", path, nil)
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s does not say %q:\n%s", path, s, body)
			}
		}
	}
	_, body := in.ask(browser, "", "POST", "/officer/details", url.Values{"entry": {fmt.Sprint(access)}})
	for _, s := range []string{"SECRET reason", "secret-clerk", "value: Anna", "This reading is recorded as", "Person concerned"} {
		if !strings.Contains(body, s) {
			t.Errorf("the details do not say %q:\n%s", s, body)
		}
	}
}
