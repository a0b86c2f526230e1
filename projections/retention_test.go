package projections

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	w := newWorld(t, 34)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		w.say("dataset.registered", "chicago", "2026-01-01T00:00:00Z", "{'dataset':'"+id+"','title':'T'}")
	}
	set := func(id, on, rule string) {
		w.say("retention.set", "chicago", on+"T00:00:00Z", "{'dataset':'"+id+"',"+rule+"}")
	}
	deleted := func(id, on, trigger string) {
		w.say("data.deleted", "chicago", on+"T00:00:00Z", "{'dataset':'"+id+"','method':'Erase','trigger':'"+trigger+"','subjects':{'mode':'none'}}")
	}
	set("a", "2026-01-31", "'period':'P1M'")
	set("b", "2026-01-31", "'period':'P1Y'")
	set("b", "2026-02-10", "'period':'P30D','method':'Erase'")
	w.say("data.collected", "chicago", "2026-01-20T00:00:00Z", "{'dataset':'b','system':'s','subjects':{'mode':'none'}}")
	set("c", "2026-01-31", "'period':'P10D'")
	deleted("c", "2026-02-20", "retention-end")
	deleted("c", "2026-02-10", "policy") // told late
	deleted("c", "2026-02-28", "person-request")
	set("d", "2026-01-31", "'period':'P1D','trigger':'case-closed'")
	deleted("e", "2026-02-01", "policy") // without a rule
	set("f", "2026-01-31", "'period':'P1D'")
	w.say("dataset.retired", "chicago", "2026-02-01T00:00:00Z", "{'dataset':'f','on':'2026-02-02'}")
	deleted("f", "2026-02-03", "decommission")
	r := foldedViews(t, w.out).Now()
	for _, c := range []struct{ on, want string }{
		{"2026-02-18", "a 2026-02-28 due b 2026-02-19 due c 2026-03-02 done d  untold f  done"},
		{"2026-02-28", "a 2026-02-28 due b 2026-02-19 overdue c 2026-03-02 done d  untold f  done"},
		{"2026-03-02", "a 2026-02-28 overdue b 2026-02-19 overdue c 2026-03-02 due d  untold f  done"},
		{"2026-03-03", "a 2026-02-28 overdue b 2026-02-19 overdue c 2026-03-02 overdue d  untold f  done"},
	} {
		asOf, _ := dayOn(c.on)
		list, err := r.Retention(asOf)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range list {
			got = append(got, d.Dataset, d.Due, string(d.Status))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("on %s: %s, want %s", c.on, strings.Join(got, " "), c.want)
		}
		counts, err := r.FindingCounts(asOf)
		if n := strings.Count(c.want, "overdue"); err != nil || counts["chicago"][RuleAge] != n {
			t.Errorf("on %s: %v, %v", c.on, counts, err)
		}
	}
	// Wherever the question comes from, the day is the organization's, here UTC's.
	list, err := r.Retention(time.Date(2026, 3, 3, 7, 0, 0, 0, time.FixedZone("", 8*3600)))
	if c := list[2]; err != nil || c.Status != Due || c.Deleted != "2026-02-20" || c.Deletions != 2 || *c.DeletedBy != 11 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestNobodyElseClearsADeletion: what is overdue stays so whatever another
// organization, or the invented one, says of the dataset.
func TestNobodyElseClearsADeletion(t *testing.T) {
	w := newWorld(t, 37)
	w.say("dataset.registered", "chicago", "2026-01-01T00:00:00Z", "{'dataset':'d','title':'T'}")
	w.say("retention.set", "chicago", "2026-01-01T00:00:00Z", "{'dataset':'d','period':'P30D'}")
	overdue := func() string {
		t.Helper()
		r := foldedViews(t, w.out).Now()
		asOf := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		list, err := r.Retention(asOf)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		d := list[0]
		counts, err := r.FindingCounts(asOf)
		if err != nil || counts[d.Organization][RuleAge] != strings.Count(string(d.Status), "overdue") {
			t.Errorf("%v, %v", counts, err)
		}
		return fmt.Sprint(d.Organization, " ", d.Period, " ", d.Due, " ", d.Status, " ", d.Deletions)
	}
	const want = "chicago P30D 2026-01-31 overdue 0"
	for _, who := range []string{"county", ExampleOrganization} {
		for _, x := range [][2]string{
			{"data.deleted", "{'dataset':'d','method':'Erase','trigger':'policy','processor':'" + who + "','subjects':{'mode':'none'}}"},
			{"data.collected", "{'dataset':'d','system':'s','subjects':{'mode':'none'}}"},
			{"retention.set", "{'dataset':'d','period':'P10Y'}"},
			{"dataset.retired", "{'dataset':'d'}"},
			{"dataset.registered", "{'dataset':'d','title':'Mine'}"},
			{"retention.set", "{'dataset':'d','period':'P10Y'}"},
			{"data.deleted", "{'dataset':'d','method':'Erase','trigger':'policy','subjects':{'mode':'none'}}"},
		} {
			w.say(x[0], who, "2025-12-01T00:00:00Z", x[1])
			if got := overdue(); got != want {
				t.Fatalf("after %s of %s: %s, want %s", x[0], who, got, want)
			}
		}
	}
	w.say("data.deleted", "chicago", "2026-02-20T00:00:00Z", "{'dataset':'d','method':'Erase','trigger':'policy','processor':'county','subjects':{'mode':'none'}}")
	if got := overdue(); got != "chicago P30D 2026-03-22 done 1" {
		t.Errorf("after its own deletion: %s", got)
	}
}

// TestTodayIsTheOrganizationsOwn: a due day has passed where the organization is,
// whatever the day is in UTC or where the reader sits.
func TestTodayIsTheOrganizationsOwn(t *testing.T) {
	w := newWorld(t, 38)
	for organization, zone := range map[string]string{"auckland": "Pacific/Auckland", "honolulu": "Pacific/Honolulu"} {
		w.say("organization.registered", organization, "2026-01-01T00:00:00Z", "{'organization':'"+organization+"','name':'City','kind':'city','timeZone':'"+zone+"'}")
	}
	for _, organization := range []string{"auckland", "honolulu", "nowhere"} {
		w.say("dataset.registered", organization, "2026-01-01T00:00:00Z", "{'dataset':'"+organization+"/d','title':'T'}")
		w.say("retention.set", organization, "2026-01-01T00:00:00Z", "{'dataset':'"+organization+"/d','period':'P10D'}") // due on the 11th
		w.say("data.shared", organization, "2026-01-04T00:00:00Z", "{'dataset':'"+organization+"/d','recipient':'nobody','subjects':{'mode':'none'}}")
	}
	r := foldedViews(t, w.out).Now()
	for at, late := range map[string]string{
		"2026-01-11T10:00:00Z": "", // 23:00 in Auckland
		"2026-01-11T12:00:00Z": "auckland",
		"2026-01-12T01:00:00Z": "auckland nowhere",
		"2026-01-12T09:59:59Z": "auckland nowhere",
		"2026-01-12T10:00:00Z": "auckland honolulu nowhere",
	} {
		asOf, _ := time.Parse(time.RFC3339, at)
		for _, reader := range []*time.Location{time.UTC, time.FixedZone("", 14*3600)} {
			counts, err := r.FindingCounts(asOf.In(reader))
			list, err2 := r.Retention(asOf.In(reader))
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			var overdue, unreceived []string
			for _, d := range list {
				if d.Status == Overdue {
					overdue = append(overdue, d.Organization)
				}
				if counts[d.Organization][RuleReceipt] > 0 {
					unreceived = append(unreceived, d.Organization)
				}
				if counts[d.Organization][RuleAge] != counts[d.Organization][RuleReceipt] {
					t.Errorf("at %s: %v", at, counts)
				}
			}
			if strings.Join(overdue, " ") != late || strings.Join(unreceived, " ") != late {
				t.Errorf("at %s: overdue %v, not received %v, want %s", at, overdue, unreceived, late)
			}
		}
	}
}

func TestPeriodsInCalendarTerms(t *testing.T) {
	for _, c := range []struct{ from, period, later, earlier string }{
		{"2026-01-31", "P1M", "2026-02-28T00:00:00", "2025-12-31T00:00:00"},
		{"2024-02-29", "P1Y", "2025-02-28T00:00:00", "2023-02-28T00:00:00"},
		{"2024-02-29", "P4Y", "2028-02-29T00:00:00", "2020-02-29T00:00:00"},
		{"2026-03-31", "P1M1D", "2026-05-01T00:00:00", "2026-02-27T00:00:00"},
		{"2026-06-24", "P2W", "2026-07-08T00:00:00", "2026-06-10T00:00:00"},
		{"2026-06-24", "PT36H", "2026-06-25T12:00:00", "2026-06-22T12:00:00"},
		{"2026-06-24", "P1Y6M", "2027-12-24T00:00:00", "2024-12-24T00:00:00"},
		{"2026-06-24", "P0D", "2026-06-24T00:00:00", "2026-06-24T00:00:00"},
		{"2026-06-24", "PT90M30S", "2026-06-24T01:30:30", "2026-06-23T22:29:30"},
		{"2026-06-24", "P5000Y", "7026-06-24T00:00:00", ""},
		{"2026-06-24", "P9000Y", "", ""},
		{"2026-06-24", "P999999999Y999999999M999999999W999999999DT999999999H", "", ""},
		{"2026-06-24", "PT999999999999999999999H", "", ""},
		{"2026-06-24", "1Y", "", ""},
		{"2026-06-24", "P1", "", ""},
		{"2026-06-24", "PY", "", ""},
	} {
		from, _ := dayOn(c.from)
		show := func(at time.Time, ok bool) string {
			if !ok {
				return ""
			}
			return at.Format("2006-01-02T15:04:05")
		}
		if got := show(later(from, c.period)); got != c.later {
			t.Errorf("%s + %s = %s, want %s", c.from, c.period, got, c.later)
		}
		if got := show(earlier(from, c.period)); got != c.earlier {
			t.Errorf("%s - %s = %s, want %s", c.from, c.period, got, c.earlier)
		}
	}
}
