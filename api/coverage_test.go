package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// covered is a ledger with a service in every standing.
func covered(t testing.TB) *world {
	w := seeded(t)
	at := "2026-06-02T12:00:00Z"
	w.say("city", "emitter.onboarded", at, `{"emitter":"city","rhythm":"P1D"}`)
	for _, mode := range []string{"unknown", "none", "none"} {
		w.say("city", "data.collected", at, `{"system":"city/model","dataset":"city/reads","subjects":{"mode":"`+mode+`"},"reasonText":"MARKER reason","sequence":7}`)
	}
	w.say("city", "emitter.counted", at, `{"emitter":"city","on":"2026-06-24","count":5,"unnamed":2,"missing":2}`)
	w.say("county", "emitter.onboarded", at, `{"emitter":"county"}`)
	w.say("county", "emitter.gap", at, `{"emitter":"county","missing":3}`)
	w.say("county", "emitter.offboarded", "2026-06-03T12:00:00Z", `{"emitter":"county"}`)
	w.say("port", "data.collected", at, `{"system":"port/sensor","dataset":"port/reads","subjects":{"mode":"none"}}`)
	w.say("example", "emitter.onboarded", at, `{"emitter":"example"}`)
	w.say("city", "system.registered", at, `{"system":"city/silent","name":"Nobody <reports> on it","kind":"camera"}`)
	w.publish()
	w.now = recorded
	return w
}

type coverageAnswer struct {
	AsOf string
	Real struct {
		Sources []struct {
			Source, Status, Since, Ended, Rhythm, SilentSince string
			Events, Unnamed, Missing                          int
			AnnouncedBy, EndedBy, GapBy, SilentBy             *int
			Counted                                           *struct{ Day string }
			Days                                              []struct{ Events int }
		}
		Systems []struct {
			Organization string
			Registered   int
			Unheard      []string
		}
	}
	Example struct{ Sources []struct{ Source string } }
}

func (w *world) coverage(path string) (got coverageAnswer) {
	w.t.Helper()
	answer := w.get(path)
	if answer.Code != http.StatusOK {
		w.t.Fatalf("%s: %d", path, answer.Code)
	}
	check(w.t, json.Unmarshal(answer.Body.Bytes(), &got))
	return got
}

func TestCoverage(t *testing.T) {
	w := covered(t)
	got := w.coverage("/v1/coverage")
	stands := map[string]string{}
	for _, s := range got.Real.Sources {
		stands[s.Source] = s.Status
		if (s.AnnouncedBy == nil) != (s.Status == "unannounced") || (s.EndedBy == nil) != (s.Ended == "") || s.Days != nil {
			t.Errorf("%+v", s)
		}
	}
	if stands["city"] != "connected" || stands["county"] != "offboarded" || stands["port"] != "unannounced" || len(stands) != 3 || got.AsOf != "2026-06-24" {
		t.Errorf("as of %s: %v", got.AsOf, stands)
	}
	city := got.Real.Sources[0]
	if city.Unnamed != 2 || city.Missing != 2 || city.Rhythm != "P1D" || city.Counted == nil || city.Counted.Day != "2026-06-24" {
		t.Errorf("%+v", city)
	}
	if county := got.Real.Sources[1]; county.Missing != 3 || county.GapBy == nil || county.Counted != nil {
		t.Errorf("%+v", county)
	}
	if len(got.Example.Sources) != 1 || len(got.Real.Systems) != 1 || !slices.Contains(got.Real.Systems[0].Unheard, "city/silent") {
		t.Errorf("%+v, %+v", got.Example, got.Real.Systems)
	}
	one := w.coverage("/v1/coverage?organization=city&source=city")
	if len(one.Real.Sources) != 1 || len(one.Example.Sources) != 0 || len(one.Real.Systems) != 0 || len(one.Real.Sources[0].Days) != 1 || one.Real.Sources[0].Days[0].Events != city.Events {
		t.Errorf("one source: %+v", one)
	}
	w.now = recorded.Add(48 * time.Hour)
	if late := w.coverage("/v1/coverage").Real.Sources[0]; late.Status != "silent" || late.SilentSince != "2026-06-24" {
		t.Errorf("two days later: %+v", late)
	}
	// What is said next is not kept from anybody.
	w.say("city", "emitter.silent", "2026-06-26T12:00:00Z", `{"emitter":"city","since":"2026-06-24"}`)
	w.publish()
	if late := w.coverage("/v1/coverage").Real.Sources[0]; late.SilentBy == nil {
		t.Errorf("and said: %+v", late)
	}
	for path, pointer := range map[string]string{"/v1/coverage?x=1": "?x", "/v1/coverage?source=%22": "?source", "/v1/coverage.csv?organization=A": "?organization"} {
		if answer := w.get(path); answer.Code != 422 || !strings.Contains(answer.Body.String(), `"`+pointer+`"`) {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// TestCoveragePage reads the page, follows where it leads, and the table beside it.
func TestCoveragePage(t *testing.T) {
	w := covered(t)
	page := w.do("GET", "/coverage", "text/html").Body.String()
	all := parse(t, forXML(page))
	checkPage(t, all)
	i := slices.IndexFunc(all, func(e *element) bool { return e.name == "main" })
	text := strings.Join(strings.Fields(all[i].text), " ")
	for _, s := range []string{
		"As of 24 June 2026", "silent0 not announced1 connected1 disconnected1", "promised: every 1 day", "no rhythm promised", "never connected",
		"Persons not named: 2, 40%", "Missing numbers: not counted yet", "Nobody <reports> on it", "Made up invented example",
	} {
		if !strings.Contains(text, s) {
			t.Errorf("the page does not say %q:\n%s", s, text)
		}
	}
	for _, e := range all {
		if href := e.attr["href"]; strings.HasPrefix(href, "/") && w.get(href).Code != http.StatusOK {
			t.Errorf("the page leads to %s: %d", href, w.get(href).Code)
		}
	}
	table := w.get("/v1/coverage.csv").Body.String()
	for _, s := range []string{",city,city,connected,", ",county,county,offboarded,", ",example,example,connected,", "2026-06-24,5,2,2,"} {
		if !strings.Contains(table, s) {
			t.Errorf("the table does not have %s:\n%s", s, table)
		}
	}
	if strings.Contains(page+table, "MARKER") {
		t.Error("what is sealed is shown")
	}
}
