package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// protected is a ledger with a bulk event, an event about a few persons, and what
// is said of seals, requests, corrections and keys.
func protected(t *testing.T) *world {
	w := newWorld(t)
	w.say("city", "organization.registered", "2026-01-10T09:00:00Z", `{"organization":"city","name":"The City","kind":"city","timeZone":"America/Los_Angeles"}`)
	w.say("city", "dataset.registered", "2026-01-10T09:00:00Z", `{"dataset":"city/people","title":"Residents"}`)
	shared := `{"dataset":"city/people","recipient":"county","subjects":%s}`
	persons := make([]string, 24)
	for i := range persons {
		persons[i] = fmt.Sprintf(`{"scheme":"example","value":"%d"}`, i)
	}
	say := func(kind, data string) { w.say("city", kind, "2026-05-03T12:00:00Z", data) }
	say("data.shared", fmt.Sprintf(shared, `{"mode":"several","persons":[`+strings.Join(persons[:3], ",")+`]}`))
	say("data.shared", fmt.Sprintf(shared, `{"mode":"bulk","parts":2}`))
	say("data.shared", fmt.Sprintf(shared, `{"mode":"bulk","part":2,"parts":2,"partOf":"secret id","persons":[`+strings.Join(persons, ",")+`]}`))
	one := `"subjects":{"mode":"single","persons":[` + persons[0] + `]}`
	placed := w.name().String()
	say("seal.placed", `{"group":"justice","reviewIn":"2026-Q4","ground":"JudicialProceedingsImpaired","caseRef":"MARKER case",`+one+`}`)
	say("seal.lifted", `{"seal":"`+placed+`","how":"release",`+one+`}`)
	say("event.disclosed", `{`+one+`}`)
	received := w.name().String()
	say("request.received", `{"request":"erasure",`+one+`}`)
	say("request.decided", `{"about":"`+received+`","decision":"granted","statement":"MARKER statement",`+one+`}`)
	say("event.corrected", `{"corrects":"`+received+`","reason":"correction","statement":"MARKER wrong",`+one+`}`)
	say("key.shredded", `{"what":"person","shred":"`+strings.Repeat("A", 22)+`","backupsUntil":"2026-08-01",`+one+`}`)
	say("key.rotated", `{"what":"master"}`)
	w.publish()
	return w
}

// TestPagesOfWhatProtects reads the pages of these entries as a resident does, and
// follows every link on them.
func TestPagesOfWhatProtects(t *testing.T) {
	w := protected(t)
	for path, want := range map[string][]string{
		"/entries/3": {"shared Residents about three persons with", "Data about three persons, each of whom can follow it in a private trail", "Three are for the persons concerned."},
		"/entries/4": {"shared Residents about many persons", "Data about many persons, whom 2 parts name", "parts in all2"},
		"/entries/5": {"shared Residents about 24 persons (part 2 of 2)", "What is said of all its entry", "24 values", "number of the part2"},
		"/entries/6": {"In the second quarter of 2026, The City placed a seal for the sake of proceedings before a court", "in the fourth quarter of 2026", "no entry"},
		"/entries/7": {"The City had a seal lifted: the event came that it was to wait for."},
		"/entries/8": {"what a seal of The City had hidden from one person was opened to her."},
		"/entries/9": {"The City received a person’s request to have the data about her erased."}, "/entries/10": {"The City granted a person’s request."},
		"/entries/11": {"The City corrected an entry, the reason being: correction."}, "/entries/12": {"The City had the keys of one person destroyed; copies of them may be kept until 1 August 2026."},
		"/": {"5 requests, corrections and seals"}, "/entries/13": {"The master key of this ledger"},
		"/entries":                  {"the second quarter of 2026", "Entry corrected"},
		"/entries?kind=seal.lifted": {"The City had a seal lifted"},
	} {
		page := w.do("GET", path, "text/html").Body.String()
		all := parse(t, forXML(page))
		checkPage(t, all)
		i := slices.IndexFunc(all, func(e *element) bool { return e.name == "main" })
		text := strings.Join(strings.Fields(all[i].text), " ")
		if path == "/" {
			text = figures(all)
		}
		for _, s := range want {
			if said := strings.Contains(text, s); said == (s == "no entry") {
				t.Errorf("%s does not say %q:\n%s", path, s, text)
			}
		}
		for _, not := range []string{"MARKER", "secret id", "JudicialProceedingsImpaired", "<no value>", "%!"} {
			if strings.Contains(page, not) {
				t.Errorf("%s has %q", path, not)
			}
		}
		for _, e := range all {
			if href := e.attr["href"]; strings.HasPrefix(href, "/") && w.get(href).Code != 200 {
				t.Errorf("%s leads to %s: %s", path, href, w.get(href).Body)
			}
		}
	}
}

// TestLinksOfWhatProtects holds that an entry leads to the one it speaks of.
func TestLinksOfWhatProtects(t *testing.T) {
	w := protected(t)
	for from, to := range map[string]int{"/entries/5": 4, "/entries/7": 6, "/entries/10": 9, "/entries/11": 9} {
		var about struct{ Event string }
		check(t, json.Unmarshal(w.get(fmt.Sprintf("/v1/entries/%d", to)).Body.Bytes(), &about))
		if page := w.do("GET", from, "text/html").Body.String(); about.Event == "" || !strings.Contains(page, `href="/entries/`+about.Event+`"`) {
			t.Errorf("%s does not lead to entry %d, %s", from, to, about.Event)
		}
	}
}

// TestQuartersAreNoDays holds that what tells a quarter is counted for its
// organization and on no day.
func TestQuartersAreNoDays(t *testing.T) {
	w := protected(t)
	var totals struct {
		Real struct {
			ByKind map[string]int
			ByDay  map[string]int
		}
	}
	got := w.get("/v1/totals").Body.String()
	check(t, json.Unmarshal([]byte(got), &totals))
	if totals.Real.ByKind["seal.placed"] != 1 || totals.Real.ByKind["data.shared"] != 3 || len(totals.Real.ByDay) == 0 {
		t.Errorf("the totals are %s", got)
	}
	for on := range totals.Real.ByDay {
		if len(on) != len("2026-05-03") {
			t.Errorf("%s is no day", on)
		}
	}
	if csv := w.get("/v1/totals.csv").Body.String(); strings.Contains(csv, "2026-Q") {
		t.Errorf("the table has a quarter for a day:\n%s", csv)
	}
}
