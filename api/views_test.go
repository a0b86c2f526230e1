package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// openFold gives every message a fold header with an actor nobody may see.
func openFold(m events.Message) (events.Fold, error) {
	e, err := events.ParseEntry(m.Entry)
	if err != nil {
		return events.Fold{}, err
	}
	day := e.Text("occurredAt")
	switch {
	case e.Kind.Seals:
		day = "2026-05-03"
	case day == "":
		day = e.Text("recordedAt")
	}
	return events.Fold{Actor: "MARKER pseudonym", Sequence: -1, Day: day[:10], RecordedAt: recorded, OccurredAt: recorded}, nil
}

// shared is a ledger in which data went from hand to hand and grew old.
func shared(t testing.TB) *world {
	w := seeded(t)
	at := "2026-06-02T12:00:00Z"
	w.say("city", "organization.registered", at, `{"organization":"county","name":"County","kind":"county","timeZone":"UTC"}`)
	w.say("city", "dataset.registered", at, `{"dataset":"city/short","title":"Short-lived","classification":"Private","pii":"direct"}`)
	w.say("city", "retention.set", at, `{"dataset":"city/short","period":"P7D","trigger":"collection"}`)
	w.say("example", "dataset.registered", at, `{"dataset":"example/short","title":"Invented","classification":"Private","pii":"direct"}`)
	w.say("example", "retention.set", at, `{"dataset":"example/short","period":"P7D"}`)
	for _, from := range []string{"city", "city", "example"} {
		w.counterpart = w.name()
		w.say(from, "data.shared", at, `{"recipient":"county","dataset":"city/reads","subjects":{"mode":"unknown"},"reasonText":"MARKER reason"}`)
		if from == "example" {
			w.say("county", "data.received", at, `{"dataset":"city/reads","subjects":{"mode":"unknown"},"counterpart":{"organization":"example","source":"example","id":"MARKER id"}}`)
		}
	}
	w.publish()
	w.now = recorded
	return w
}

// TestFindingsAreCounts holds the answer against the views themselves, and looks
// for anything else of a finding in it.
func TestFindingsAreCounts(t *testing.T) {
	w := shared(t)
	body := w.get("/v1/findings").Body.Bytes()
	type side struct {
		Findings       int
		ByOrganization map[string]map[int]int
	}
	var got struct {
		AsOf  string
		Rules []struct {
			Number         int
			Name, Question string
		}
		Real, Example side
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	check(t, d.Decode(&got))
	all, err := w.views.Now().Findings(w.now, projections.FindingFilter{Limit: projections.MaxLimit})
	check(t, err)
	sum := 0
	for _, f := range all {
		if f.Organization != "example" {
			sum++
		}
	}
	if got.AsOf != "2026-06-24" || len(got.Rules) != len(projections.Rules()) || got.Real.Findings != sum || got.Example.Findings != len(all)-sum ||
		sum == 0 || len(all) == sum || got.Real.ByOrganization["city"][projections.RuleReceipt] != 2 || got.Real.ByOrganization["example"] != nil {
		t.Errorf("%d findings, %d real, are shown as %s", len(all), sum, body)
	}
	w.now = w.now.Add(-20 * 24 * time.Hour)
	check(t, json.Unmarshal(w.get("/v1/findings").Body.Bytes(), &got))
	if got.Real.Findings >= sum {
		t.Errorf("twenty days before there are %d findings, and %d today", got.Real.Findings, sum)
	}
}

func TestSharing(t *testing.T) {
	w := shared(t)
	type side struct {
		Count  int
		Totals []struct {
			Month, Recipient string
			Count            int
		}
	}
	type answer struct {
		Real, Example side
		Shares        []struct {
			Position   int
			ReceivedBy *int
		}
		Next *int
	}
	for path, want := range map[string][4]int{ // real, example, shares on the page, next
		"/v1/sharing":                   {2, 1, 3, 0},
		"/v1/sharing?limit=2":           {2, 1, 2, 17},
		"/v1/sharing?limit=2&after=17":  {2, 1, 1, 0},
		"/v1/sharing?organization=city": {2, 0, 2, 0},
		"/v1/sharing?recipient=city":    {0, 0, 0, 0},
		"/v1/sharing?from=2026-07":      {0, 0, 0, 0},
		"/v1/sharing?recipient=county&dataset=city/reads&from=2026-06&to=2026-06": {2, 1, 3, 0},
	} {
		var got answer
		check(t, json.Unmarshal(w.get(path).Body.Bytes(), &got))
		next := 0
		if got.Next != nil {
			next = *got.Next
		}
		if [4]int{got.Real.Count, got.Example.Count, len(got.Shares), next} != want {
			t.Errorf("%s: %+v, want %v", path, got, want)
		}
	}
	var got answer
	check(t, json.Unmarshal(w.get("/v1/sharing").Body.Bytes(), &got))
	last := got.Shares[2]
	if got.Shares[0].ReceivedBy != nil || last.ReceivedBy == nil || *last.ReceivedBy != last.Position+1 || got.Real.Totals[0].Month != "2026-06" {
		t.Errorf("the shares are %+v", got)
	}
}

func TestRetention(t *testing.T) {
	w := shared(t)
	type dataset struct{ Dataset, Due, Status string }
	var got struct {
		AsOf          string
		Real, Example []dataset
	}
	check(t, json.Unmarshal(w.get("/v1/retention").Body.Bytes(), &got))
	if got.AsOf != "2026-06-24" || len(got.Real) != 2 || got.Real[1] != (dataset{"city/short", "2026-06-09", "overdue"}) || len(got.Example) != 1 || got.Example[0].Status != "overdue" {
		t.Errorf("retention stands as %+v", got)
	}
}

// TestRegisterOfADay asks for the register before anything was in it, of the day
// it came to be, and of today.
func TestRegisterOfADay(t *testing.T) {
	w := seeded(t)
	w.now = recorded.Add(48 * time.Hour)
	for path, want := range map[string]int{
		"/v1/register/system/city/model?at=2026-06-24": 200, "/v1/register/system/city/model?at=2026-06-23": 404,
		"/register/system/city/model?at=2026-06-24": 200, "/register/system/city/model?at=2026-06-23": 404,
		"/register?at=2026-06-23": 200, "/register?at=": 200, "/register/system?at=2026-06-26": 200,
		"/register?at=2026-06-27": 422, "/register/system?at=x": 422, "/register/system/city/model?at=2026-02-30": 422,
	} {
		if got := w.do("GET", path, "text/html"); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	for at, want := range map[string]int{"2026-06-23": 0, "2026-06-24": 2, "": 2} {
		var list struct{ Items []any }
		check(t, json.Unmarshal(w.get("/v1/register/system?at="+at).Body.Bytes(), &list))
		if page := w.get("/register/system?at=" + at).Body.String(); len(list.Items) != want || strings.Count(page, `<th scope="row">`) != want ||
			strings.Contains(page, "as it was recorded by the end of") != (at != "") {
			t.Errorf("at %q: %d items and the page\n%s", at, len(list.Items), page)
		}
	}
	page := w.get("/register/system/city%2Fa%2F%2Fb?at=2026-06-24").Body.String()
	for _, s := range []string{
		"by the end of 24 June 2026 (UTC)", `<a href="/register/system/city%2Fa%2F%2Fb">Go to the register of today`,
		`href="/register/system?at=2026-06-24"`, `href="/register/system/city/model?at=2026-06-24"`,
	} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not have %q:\n%s", s, page)
		}
	}
}

// TestViewsInWords reads the pages of the views, and leads on from them.
func TestViewsInWords(t *testing.T) {
	w := shared(t)
	for path, want := range map[string][]string{
		"/findings": {"A finding is not proof of wrongdoing", "as of 24 June 2026", "Do both sides of a disclosure record it?", "Made up invented example"},
		"/sharing": {
			"2 shares.", "CountyPlate readsFrom City", "June 20262 times", "class not filled in", "shared Plate reads with County",
			"receipt recorded", "no receipt recorded", "Made up invented example",
		},
		"/sharing?recipient=city": {"No share fits."},
		"/deletions":              {"as of 24 June 2026", "overdue1 due1", "& CoOverdueDelete by 9 June 2026no deletion on record7 days, counted from: collection", "Plate reads", "Made up invented example"},
	} {
		page := w.do("GET", path, "text/html").Body.String()
		all := parse(t, forXML(page))
		checkPage(t, all)
		i := slices.IndexFunc(all, func(e *element) bool { return e.name == "main" })
		text := strings.Join(strings.Fields(all[i].text), " ")
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", path, s, text)
			}
		}
		if strings.Contains(page, "MARKER") || strings.Contains(page, "<script") {
			t.Errorf("%s shows what is sealed, or runs a name:\n%s", path, page)
		}
		for _, e := range all {
			if href := e.attr["href"]; strings.HasPrefix(href, "/") && w.get(href).Code != http.StatusOK {
				t.Errorf("%s leads to %s: %d", path, href, w.get(href).Code)
			}
		}
	}
}

// TestTables holds the CSV against what the JSON counts.
func TestTables(t *testing.T) {
	w := shared(t)
	for path, want := range map[string][]string{
		"/v1/findings.csv":                  {"2026-06-24,city,14,share without its receipt,Do both sides of a disclosure record it?,2,false"},
		"/v1/sharing.csv":                   {"2026-06,city,county,city/reads,,,,2,false", "2026-06,example,county,city/reads,,,,1,true"},
		"/v1/sharing.csv?organization=city": {"2026-06,city,county,city/reads,,,,2,false"},
		"/v1/retention.csv":                 {"2026-06-24,city/short,city,P7D,collection,,13,,,0,2026-06-09,overdue,false"},
	} {
		got := w.get(path)
		body := got.Body.String()
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(rows) < 1+len(want) || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/csv") {
			t.Fatalf("%s: %d rows of %s, %v", path, len(rows), got.Header().Get("Content-Type"), err)
		}
		for _, line := range want {
			if !strings.Contains(body, line+"\r\n") {
				t.Errorf("%s does not have %s:\n%s", path, line, body)
			}
		}
		if strings.Contains(body, "MARKER") {
			t.Errorf("%s has what is sealed", path)
		}
	}
}
