package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// overSeals is a ledger of two organizations with seals: of the city one is
// lifted, one extended and one overdue.
func overSeals(t testing.TB) (w *world, late string) {
	w = newWorld(t)
	w.say("city", "organization.registered", "2026-01-01T08:00:00Z", `{"organization":"city","name":"The <City>","kind":"city","timeZone":"Europe/Tallinn"}`)
	const subjects = `"subjects":{"mode":"single","persons":[{"scheme":"example","value":"MARKER person"}]}`
	place := func(organization, group, in string) string {
		name := w.name().String()
		w.say(organization, "seal.placed", "2026-06-24T08:30:00Z", `{"group":"`+group+`","ground":"LegallyExempted","reviewIn":"`+in+`","reviewBy":"2026-08-17","caseRef":"MARKER case",`+subjects+`}`)
		return name
	}
	lifted, extended := place("city", "crime", "2026-Q3"), place("city", "rights", "2026-Q3")
	late = place("city", "justice", "2026-Q3")
	place("example", "crime", "2026-Q3")
	w.say("city", "seal.lifted", "2026-07-24T08:30:00Z", `{"seal":"`+lifted+`","how":"lapse",`+subjects+`}`)
	w.say("city", "seal.extended", "2026-07-24T08:30:00Z", `{"seal":"`+extended+`","reviewIn":"2026-Q4",`+subjects+`}`)
	w.publish()
	w.now = time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC)
	return w, late
}

func TestSeals(t *testing.T) {
	w, late := overSeals(t)
	var got struct {
		AsOf string
		Real []struct {
			Organization string
			Standing     int
			Overdue      []struct{ Seal, Group, PlacedIn, ReviewIn string }
			Quarters     []struct {
				Quarter          string
				Placed, Standing int
				ByGroup, ByEnd   map[string]int
			}
		}
		Example []struct{ Overdue []struct{ Seal string } }
	}
	if err := json.Unmarshal(w.get("/v1/seals").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Real) != 1 || len(got.Example) != 1 || len(got.Example[0].Overdue) != 1 || got.AsOf != "2026-10-02" {
		t.Fatalf("%+v", got)
	}
	city := got.Real[0]
	if city.Standing != 2 || len(city.Overdue) != 1 || city.Overdue[0].Seal != late || city.Overdue[0].ReviewIn != "2026-Q3" || len(city.Quarters) != 2 ||
		city.Quarters[0].ByGroup["justice"] != 1 || city.Quarters[0].Standing != 3 || city.Quarters[1].ByEnd["lapse"] != 1 || city.Quarters[1].Standing != 2 {
		t.Errorf("%+v", city)
	}
	table := w.get("/v1/seals.csv?organization=city").Body.String()
	want := "asOf,organization,quarter,placed,placed.crime,placed.security,placed.justice,placed.rights,placed.authority,lifted,lifted.officer,lifted.date,lifted.lapse,lifted.release,standing,overdue,example\r\n" +
		"2026-10-02,city,2026-Q2,3,1,0,1,1,0,0,0,0,0,0,3," + cellOf(late) + ",false\r\n2026-10-02,city,2026-Q3,0,0,0,0,0,0,1,0,0,1,0,2,,false\r\n"
	if table != want {
		t.Errorf("the table is\n%s, want\n%s", table, want)
	}
	if got := w.get("/v1/seals?organization=A").Code; got != http.StatusUnprocessableEntity {
		t.Errorf("no reference is answered %d", got)
	}
	page := strings.Join(strings.Fields(w.do("GET", "/seals", "text/html").Body.String()), " ")
	for _, s := range []string{late, "The &lt;City&gt;", "two officers have said", "for want of a writing", "invented example", "<dt>of them overdue</dt><dd>1</dd>"} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not have %s", s)
		}
	}
	for _, path := range []string{"/seals", "/v1/seals", "/v1/seals.csv"} {
		if body := w.do("GET", path, "text/html").Body.String(); strings.Contains(body, "MARKER") || strings.Contains(body, "Exempted") || strings.Contains(body, "17 August") {
			t.Errorf("%s shows what is sealed", path)
		}
	}
	if w.now = time.Date(2026, 9, 30, 20, 0, 0, 0, time.UTC); strings.Contains(w.get("/v1/seals").Body.String(), late) {
		t.Error("a seal is overdue in the quarter of its review")
	}
}

// cellOf is a name in a table, where a spreadsheet must not take it for a formula.
func cellOf(name string) string {
	if strings.HasPrefix(name, "-") {
		return "'" + name
	}
	return name
}

// TestSealGroups holds that every ground has a group, and every group a ground.
func TestSealGroups(t *testing.T) {
	groups := map[string]bool{}
	for _, ground := range events.CodeJustification.Terms() {
		group := events.SealGroup(ground)
		if groups[group] = true; !events.CodeSealGroup.Has(group) {
			t.Errorf("the group of %s is %q", ground, group)
		}
	}
	if len(groups) != len(events.CodeSealGroup.Terms()) || events.SealGroup("crime") != "" {
		t.Errorf("the groups are %v", groups)
	}
}
