package adapt

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	_ "time/tzdata" // the days below must not depend on this machine

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/testdata/records"
)

// all is every function over the real records.
func all(t *testing.T) map[string][]Event {
	t.Helper()
	aot, err := ArrayOfThings(records.Files)
	if err != nil {
		t.Fatal(err)
	}
	register, err := EugeneRegister(records.Files)
	if err != nil {
		t.Fatal(err)
	}
	searches, err := EugeneSearches(records.Files)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]Event{"aot": aot, "register": register, "searches": searches, "example": ExampleOrganization()}
}

func TestArrayOfThings(t *testing.T) {
	adapted := all(t)["aot"]
	counts := map[string]int{}
	for i, e := range adapted {
		_, place := e.Data["place"]
		_, starts := e.Data["starts"]
		switch {
		case e.Type == kindType("organization.registered"):
			counts["organization"]++
		case e.Data["system"] == aotModel:
			counts["model"]++
		case e.Type == kindType("system.registered") && starts && place:
			counts["started"]++
		case e.Type == kindType("system.registered") && place:
			counts["not started"]++
		case e.Type == kindType("system.changed") && starts && len(e.Data) == 3 && i >= len(adapted)-3:
			counts["stranger"]++
		}
	}
	want := map[string]int{"organization": 1, "model": 1, "started": 65, "not started": 4, "stranger": 3}
	if !maps.Equal(counts, want) || len(adapted) != 74 {
		t.Errorf("%d events: %v, want 74: %v", len(adapted), counts, want)
	}
}

func TestArrayOfThingsNode(t *testing.T) {
	for _, e := range all(t)["aot"] {
		if e.Data["system"] != "aot/001e0610ba3b" {
			continue
		}
		have, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"specversion":"1.0","id":"aot/001e0610ba3b/registered","source":"array-of-things/register",` +
			`"type":"org.daybook.system.registered.v1","time":"2017-08-08T00:00:00Z","datacontenttype":"application/json",` +
			`"data":{"description":"AoT Chicago (S)","kind":"sensor-node","model":"aot/node","name":"006",` +
			`"organization":"array-of-things","place":{"address":"18th St \u0026 Lake Shore Dr Chicago IL",` +
			`"lat":"41.858136","lon":"-87.616055"},"starts":"2017-08-08","system":"aot/001e0610ba3b"}}`
		if string(have) != want {
			t.Errorf("have %s\nwant %s", have, want)
		}
		return
	}
	t.Error("the node is missing")
}

func TestUnknownPlaces(t *testing.T) {
	for _, c := range []struct{ lat, lon, want string }{
		{"41.9", " -87.6170", "-87.6170"},
		{"0", "-87.6", "-87.6"},
		{"TBD", "TBD", ""},
		{"0", "0", ""},
		{"0.000", "-0.0", ""},
		{"", "", ""},
		{"41.9", "TBD", ""},
		{"41.9", "8e1", "error"},
		{"NaN", "1", "error"},
	} {
		place, err := placeOf(row{values: map[string]string{"lat": c.lat, "lon": c.lon, "address": "TBD"}})
		have, _ := place["lon"].(string)
		if err != nil {
			have = "error"
		}
		if have != c.want || place["address"] != nil {
			t.Errorf("lat %q lon %q: %v, want %q", c.lat, c.lon, place, c.want)
		}
	}
}

func TestCapabilities(t *testing.T) {
	model := all(t)["aot"][1]
	capabilities := model.Data["capabilities"].([]string)
	if n := len(slices.Compact(slices.Sorted(slices.Values(capabilities)))); n != 193 || len(capabilities) != 193 {
		t.Errorf("%d capabilities, %d of them distinct; want 193", len(capabilities), n)
	}
}

func TestEugene(t *testing.T) {
	events := all(t)
	if n := len(events["searches"]); n != 500 {
		t.Fatalf("%d searches, want 500", n)
	}
	have, err := json.Marshal(events["searches"][1])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"specversion":"1.0","id":"9b29b2b1-b9ff-4802-9a3b-815a75f1b26e","source":"eugene-police/flock-search",` +
		`"type":"org.daybook.data.accessed.v1","time":"2025-06-18T00:09:13.397Z","datacontenttype":"application/json",` +
		`"data":{"activity":"eugene-police/plate-search","actor":{"id":"15fc7bab-e1c2-4869-ad89-3ba831a709c0"},` +
		`"dataset":"eugene-police/plate-reads","operation":"Query","outcome":"unstated","reasonText":"investigative+",` +
		`"scope":{"count":2510,"unit":"camera"},"subjects":{"mode":"unknown"},"system":"eugene-police/flock-search"}}`
	if string(have) != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
	for _, e := range events["register"] {
		if _, found := e.Data["legalBasis"]; found || e.Time != "2025-06-18T00:00:00Z" {
			t.Errorf("%s at %s, with a legal basis: %v", e.ID, e.Time, found)
		}
	}
}

// The day of a search is the city's, and the city's evening is the next day
// in UTC: an import that dropped the zone would be wrong 116 times.
func TestEugeneDays(t *testing.T) {
	city, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for _, e := range all(t)["searches"] {
		at, err := time.Parse("2006-01-02T15:04:05.000Z", e.Time)
		if err != nil {
			t.Fatal(err)
		}
		if at.Format(time.DateOnly) != at.In(city).Format(time.DateOnly) {
			differ++
		}
	}
	if differ != 116 {
		t.Errorf("%d days differ, want 116", differ)
	}
}

var referenceGrammar = regexp.MustCompile(`^[a-z0-9][a-z0-9._/@-]{0,95}$`)

// references holds the fields whose values are references.
var references = []string{
	"organization", "system", "dataset", "activity", "operator", "model", "capabilities", "datasets", "systems",
}

func TestEveryEvent(t *testing.T) {
	ids := map[string]bool{}
	for name, adapted := range all(t) {
		for _, e := range adapted {
			if ids[e.Source+" "+e.ID] || e.ID == "" {
				t.Errorf("%s: the id %q is empty or used twice", name, e.ID)
			}
			ids[e.Source+" "+e.ID] = true
			for _, field := range references {
				for _, ref := range texts(e.Data[field]) {
					if !referenceGrammar.MatchString(ref) {
						t.Errorf("%s: %s is %q", e.ID, field, ref)
					}
				}
			}
			if _, named := e.Data["organization"]; named == (name == "searches") {
				t.Errorf("%s: the organization is named: %v", e.ID, named)
			}
		}
	}
}

// A reference used before it is registered would be published as unresolved.
func TestRegisteredFirst(t *testing.T) {
	for name, adapted := range all(t) {
		known := map[string]bool{}
		for _, e := range adapted {
			if what, ok := strings.CutSuffix(e.ID, "/registered"); ok {
				known[what] = true
			}
			for _, field := range []string{"organization", "operator", "model", "datasets", "systems"} {
				for _, ref := range texts(e.Data[field]) {
					if !known[ref] {
						t.Errorf("%s: %s names %s, which is not registered yet", name, e.ID, ref)
					}
				}
			}
		}
	}
}

// What this package makes, the door accepts.
func TestAccepted(t *testing.T) {
	for name, adapted := range all(t) {
		for _, e := range adapted {
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := events.ParseEvent(b); err != nil {
				t.Errorf("%s: %s: %v", name, e.ID, err)
			}
		}
	}
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}

func TestLines(t *testing.T) {
	for name, events := range all(t) {
		have, err := Lines(events)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Lines(all(t)[name])
		if err != nil || !bytes.Equal(have, again) {
			t.Errorf("%s: the same records gave other events", name)
		}
		lines := strings.Split(strings.TrimSuffix(string(have), "\n"), "\n")
		if len(lines) != len(events) {
			t.Errorf("%s: %d lines for %d events", name, len(lines), len(events))
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) || len(line) > 16<<10 {
				t.Errorf("%s: not a line of JSON of at most 16 KiB: %s", name, line)
			}
		}
	}
}

func TestExampleIsMarked(t *testing.T) {
	for _, e := range ExampleOrganization() {
		name, _ := e.Data["name"].(string)
		title, _ := e.Data["title"].(string)
		if !strings.HasSuffix(name+title, "(invented)") {
			t.Errorf("%s does not say that it is invented: %q", e.ID, name+title)
		}
	}
}

func TestBadRecords(t *testing.T) {
	const header = "id,userId,searchDate,cameraCount,reason\n"
	const first = "a,u,2025-06-18 00:02:04.789,94,x\n"
	for name, c := range map[string]struct{ file, want string }{
		"no column":    {"id,userId\na,u\n", `no column "searchDate"`},
		"no rows":      {header, "EOF"},
		"empty":        {"", "EOF"},
		"short row":    {header + "a,u\n", "wrong number of fields"},
		"bad time":     {header + first + "b,u,2025-06-18T00:02:04Z,94,x\n", "line 3"},
		"bad count":    {header + first + "b,u,2025-06-18 00:02:04.789,-1,x\n", "line 3"},
		"empty id":     {header + first + ",u,2025-06-18 00:02:04.789,1,x\n", "line 3"},
		"broken quote": {header + "\"a,u\n", "quote"},
	} {
		fsys := fstest.MapFS{eugeneSearches: {Data: []byte(c.file)}}
		events, err := EugeneSearches(fsys)
		if err == nil || events != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d events, error %v; want %q", name, len(events), err, c.want)
		}
	}
	if _, err := ArrayOfThings(fstest.MapFS{}); err == nil {
		t.Error("records that are not there were adapted")
	}
}

func TestBadCommissionings(t *testing.T) {
	const header = "node_id,timestamp,event,comment\n"
	for _, rows := range []string{
		"001e,2018/02/22 00:00:00,decommissioned,\n",
		"001e,2018/02/22 00:00:00,commissioned,\n001e,2018/02/23 00:00:00,commissioned,\n",
		"001e,2018-02-22,commissioned,\n",
		"001E,2018/02/22 00:00:00,commissioned,\n",
	} {
		fsys := fstest.MapFS{aotEvents: {Data: []byte(header + rows)}}
		if all, err := readCommissionings(fsys); err == nil {
			t.Errorf("%q gave %v", rows, all)
		}
	}
}
