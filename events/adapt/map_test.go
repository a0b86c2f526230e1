package adapt

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/testdata/records"
)

var update = flag.Bool("update", false, "write the golden files")

const recordsDir = "../../testdata/records"

// told is what a file tells through a map: a line for each event, and for each
// row that was rejected.
func told(t *testing.T, name string, in io.Reader) []byte {
	t.Helper()
	m, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for row, err := range Rows(in, m.Format) {
		if err != nil {
			t.Fatal(err)
		}
		given, problem := []Event(nil), row.Problem
		if problem == nil {
			given, problem = m.Apply(t.Context(), row.Value)
		}
		if problem != nil {
			fmt.Fprintf(&out, "%d rejected: %v\n", row.Line, problem)
		}
		for _, e := range given {
			lines, err := Lines([]Event{e})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%d %s", row.Line, lines)
		}
	}
	return out.Bytes()
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(recordsDir, path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// csvlog puts real audit lines, which pgaudit's own suite expects without the
// rest of their log, into invented lines of csvlog.
func csvlog(t *testing.T) io.Reader {
	t.Helper()
	text, err := io.ReadAll(open(t, "pgaudit/pgaudit.out"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	n := 0
	rest := string(text)
	for {
		_, after, found := strings.Cut(rest, ":  AUDIT: ")
		if !found {
			break
		}
		r := csv.NewReader(strings.NewReader(after))
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		end := int(r.InputOffset())
		line := make([]string, 26)
		n++
		line[0], line[1], line[2] = "2026-06-24 08:30:00.123 UTC", "auditor", "regression"
		line[5], line[6], line[13] = "667a0000.1", fmt.Sprint(n), "AUDIT: "+strings.TrimSuffix(after[:end], "\n")
		if err := w.Write(line); err != nil {
			t.Fatal(err)
		}
		rest = after[end:]
	}
	w.Flush()
	return &out
}

// In the OpenLineage project's own tests of Hive the time is a placeholder;
// this one is invented.
func timed(t *testing.T, path string) io.Reader {
	t.Helper()
	text, err := io.ReadAll(open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return io.MultiReader(strings.NewReader(`{"eventTime":"2026-06-24T08:30:00Z",`),
		bytes.NewReader(bytes.TrimLeft(text, "{")))
}

func TestMapsOnRealRecords(t *testing.T) {
	both := func(paths ...string) io.Reader {
		var all []io.Reader
		for _, p := range paths {
			all = append(all, open(t, p), strings.NewReader("\n"))
		}
		return io.MultiReader(all...)
	}
	patients, err := filepath.Glob(recordsDir + "/fhir/AuditEvent-*.json")
	if err != nil || len(patients) != 9 {
		t.Fatal(err, patients)
	}
	for i, p := range patients {
		patients[i] = strings.TrimPrefix(p, recordsDir+"/")
	}
	cases := map[string]struct {
		in   io.Reader
		made int
	}{
		"array-of-things":        {open(t, "array-of-things/AoT_Chicago/nodes.csv"), 130},
		"array-of-things-events": {open(t, aotEvents), 68},
		"cloudtrail":             {open(t, "cloudtrail/events.ndjson"), 24},
		"eugene-searches":        {open(t, eugeneSearches), 500},
		"fhir-audit-event":       {both(patients...), 6},
		"k8s-audit":              {open(t, "k8s-audit/events.ndjson"), 14},
		"openlineage": {io.MultiReader(both(
			"openlineage/integration_spark_app_integrations_sparksql_1.json",
			"openlineage/integration_spark_app_integrations_sparksql_2.json",
			"openlineage/spec_tests_example_full_event.json",
			"openlineage/integration_hive_hive-openlineage-hook_integrations_container_simpleCtasComplete.json"),
			timed(t, "openlineage/integration_hive_hive-openlineage-hook_integrations_container_simpleCtasComplete.json")), 5},
		"pgaudit": {csvlog(t), 22},
		"xroad":   {both("xroad/raw_messages_batch_1.json", "xroad/raw_messages_batch_2.json"), 12},
	}
	for _, name := range Maps() {
		c, ok := cases[name]
		if !ok && name != "windows-security" { // whose records are not ours to keep; see below
			t.Errorf("the map %s is not tested on real records", name)
		}
		if !ok {
			continue
		}
		have := told(t, name, c.in)
		if n := bytes.Count(have, []byte(`"specversion"`)); n != c.made {
			t.Errorf("%s: %d events, want %d", name, n, c.made)
		}
		golden(t, name, have)
	}
}

// golden compares with testdata: of long answers the first 20 lines.
func golden(t *testing.T, name string, have []byte) {
	t.Helper()
	lines := bytes.SplitAfter(have, []byte("\n"))
	have = bytes.Join(lines[:min(20, len(lines))], nil)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s (-want +have):\n%s", name, diff)
	}
}

// What was sent and answered holds secrets, and none of it goes on.
func TestSecretsStayBehind(t *testing.T) {
	in, err := io.ReadAll(open(t, "k8s-audit/events.ndjson"))
	if err != nil || !bytes.Contains(in, []byte("MY-KEY")) {
		t.Fatal("the records hold no secret to lose", err)
	}
	if out := told(t, "k8s-audit", bytes.NewReader(in)); bytes.Contains(out, []byte("MY-KEY")) {
		t.Error("a secret of the request was taken over")
	}
}

func TestEugeneMapIsEugeneSearches(t *testing.T) {
	want, err := EugeneSearches(records.Files)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := Lines(want)
	if err != nil {
		t.Fatal(err)
	}
	var have bytes.Buffer
	for line := range bytes.Lines(told(t, "eugene-searches", open(t, eugeneSearches))) {
		_, event, _ := bytes.Cut(line, []byte(" "))
		have.Write(event)
	}
	if diff := cmp.Diff(string(lines), have.String()); diff != "" {
		t.Error(diff)
	}
}

// The later register holds 57 nodes that the earlier does not, and ends four.
func TestArrayOfThingsRegisters(t *testing.T) {
	earlier, err := readRows(records.Files, aotNodes, "node_id")
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]bool{}
	for _, r := range earlier {
		before["aot/"+r.text("node_id")] = true
	}
	later := told(t, "array-of-things", open(t, "array-of-things/AoT_Chicago/nodes.csv"))
	added, ended := 0, bytes.Count(later, []byte("system.decommissioned"))
	for line := range bytes.Lines(later) {
		var e struct{ Data struct{ System, Name string } }
		_, text, _ := bytes.Cut(line, []byte(" "))
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		if e.Data.Name != "" && !before[e.Data.System] {
			added++
		}
	}
	if added != 57 || ended != 4 {
		t.Errorf("%d nodes are new and %d end; want 57 and 4", added, ended)
	}
	if out := told(t, "array-of-things", open(t, aotNodes)); bytes.Count(out, []byte("system.registered")) != 69 || bytes.Contains(out, []byte("starts")) {
		t.Errorf("the earlier register is not 69 nodes without a start: %s", out)
	}
}

// sides says who logged a message: bit 1 is its provider, bit 2 its client.
type sides map[string]int

func (s sides) count() (both, one int) {
	for _, who := range s {
		if who == 3 {
			both++
		} else {
			one++
		}
	}
	return both, one
}

// logged is who logged the messages of these files, failed ones included.
func logged(t *testing.T, paths ...string) sides {
	t.Helper()
	out := sides{}
	for _, p := range paths {
		var records []struct{ SecurityServerType, XRequestID string }
		if err := json.NewDecoder(open(t, p)).Decode(&records); err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.XRequestID != "" {
				out[r.XRequestID] |= map[string]int{"Producer": 1, "Client": 2}[r.SecurityServerType]
			}
		}
	}
	return out
}

// moved is the same of the messages that the map says moved data.
func moved(t *testing.T, paths ...string) sides {
	t.Helper()
	out := sides{}
	for _, p := range paths {
		for line := range bytes.Lines(told(t, "xroad", open(t, p))) {
			var e Event
			_, text, _ := bytes.Cut(line, []byte(" "))
			if err := json.Unmarshal(text, &e); err != nil {
				t.Fatal(err)
			}
			if id, shared := strings.CutSuffix(e.ID, "/shared"); shared {
				out[id] |= 1
			} else {
				out[strings.TrimSuffix(id, "/received")] |= 2
			}
		}
	}
	return out
}

// Messages that both sides logged, and those that one did. The failed ones moved
// no data.
func TestXRoadSides(t *testing.T) {
	const first, late, third = "xroad/raw_messages_batch_1.json", "xroad/raw_messages_batch_2.json", "xroad/raw_messages_batch_3.json"
	for _, c := range []struct {
		name      string
		have      sides
		both, one int
	}{
		{"logged in the first batch", logged(t, first), 5, 5},
		{"logged with the late records", logged(t, first, late), 7, 3},
		{"moved in the first batch", moved(t, first), 5, 2},
		{"moved with the late records", moved(t, first, late), 5, 2},
		{"moved with the third batch", moved(t, first, third), 5, 3},
	} {
		if both, one := c.have.count(); both != c.both || one != c.one {
			t.Errorf("%s: %d by both sides and %d by one, want %d and %d", c.name, both, one, c.both, c.one)
		}
	}
	once := told(t, "xroad", open(t, "xroad/raw_messages_case_insensitive_enums.json"))
	if bytes.Count(once, []byte("/received")) != 1 || bytes.Count(once, []byte("data.shared")) != 1 {
		t.Errorf("the sides are not told whatever their case: %s", once)
	}
}

func applied(t *testing.T, name, row string) ([]Event, error) {
	t.Helper()
	m, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := decode([]byte(row))
	if err != nil {
		t.Fatal(err)
	}
	return m.Apply(t.Context(), v)
}

// Invented rows in the shapes of the records that are not ours to keep.
func TestWindowsSecurity(t *testing.T) {
	const said = `"EventID":4663,"Hostname":"DC01.Example.org","Keywords":"0x8010000000000000",` +
		`"SubjectUserName":"ada","SubjectDomainName":"EX","ObjectName":"\\REGISTRY\\MACHINE"`
	for row, want := range map[string]string{
		`{"TimeGenerated":"2022-05-13T08:54:07.507Z",` + said + `}`: "error: the record has no timestamp: neither @timestamp nor TimeCreated",
		`{"@timestamp":"2022-05-13T08:54:07.507Z"}`:                 "error: the record does not name its computer",
		`{"@timestamp":"2022-05-13T08:54:07.507Z",` + said + `}`:    `2022-05-13T08:54:07.507Z {"actor":{"id":"EX\\ada"},"operation":"Access","outcome":"error","query":"\\REGISTRY\\MACHINE","subjects":{"mode":"unknown"},"system":"windows/dc01.example.org"}`,
		`{"TimeCreated":"2022-05-13 08:54:07.507",` + said + `}`:    "2022-05-13T08:54:07.507Z ",
		`{"TimeCreated":"13.05.2022 08:54",` + said + `}`:           "error: the time is not as 2026-06-24 08:30:00 in UTC",
		`{"@timestamp":"2019-03-19T17:04:43.905Z","computer_name":"HR001","event_id":5379,"keywords":["Audit Success"],"event_data":{"SubjectUserName":"-"}}`: `2019-03-19T17:04:43.905Z {"operation":"Retrieve","outcome":"success","subjects":{"mode":"unknown"},"system":"windows/hr001"}`,
	} {
		given, err := applied(t, "windows-security", row)
		have := fmt.Sprintf("error: %v", err)
		if err == nil {
			data, _ := json.Marshal(given[0].Data)
			have = given[0].Time + " " + string(data)
		}
		if !strings.HasPrefix(have, want) {
			t.Errorf("%s:\nhave %s\nwant %s", row, have, want)
		}
	}
}

// A patient is named only by an identifier that a keyring knows.
func TestPatients(t *testing.T) {
	const phone = `{"what":{"identifier":{"system":"urn:ietf:rfc:3986","value":"tel:+15415550100"}},"role":{"code":"1"}}`
	for entities, want := range map[string]string{
		phone:               "phone +15415550100",
		phone + "," + phone: "phone +15415550100",
		phone + `,{"what":{"reference":"Patient/1"}}`:                                               "phone +15415550100",
		phone + `,{"what":{"reference":"Patient/1"}},{"what":{"reference":"Patient/2/_history/1"}}`: "unknown",
		phone + `,{"what":{"identifier":{"system":"urn:oid:1","value":"7"}},"role":{"code":"1"}}`:   "unknown",
		`{"what":{"identifier":{"value":"tel:+15415550100"}},"role":{"code":"1"}}`:                  "unknown",
		`{"what":{"reference":"Patient/1"}}`:                                                        "unknown",
	} {
		given, err := applied(t, "fhir-audit-event", `{"resourceType":"AuditEvent","id":"1","recorded":"2026-06-24T08:30:00Z",
			"source":{"observer":{"display":"x"}},"entity":[`+entities+`]}`)
		if err != nil || len(given) != 1 {
			t.Fatal(entities, err)
		}
		have := "unknown"
		subjects := given[0].Data["subjects"].(map[string]any)
		if subjects["mode"] == "single" {
			person := subjects["persons"].([]any)[0].(map[string]any)
			have = fmt.Sprint(person["scheme"], " ", person["value"])
		}
		if have != want {
			t.Errorf("%s: %s, want %s", entities, have, want)
		}
	}
}

const minimal = `{type: kind("data.deleted"), time: "2026-06-24T08:30:00Z", source: "city", data: {dataset: "d", method: "Erase",
	trigger: "error", subjects: {mode: "none"}}}`

func TestPrograms(t *testing.T) {
	for program, want := range map[string]string{
		minimal:                 "1 event",
		"empty":                 "0 event",
		minimal + "," + minimal: "2 event",
		minimal + ` | .data += {reasonText: null, caseRef: "", actor: {id: ""}}`: "1 event",
		minimal + ` | .data.trigger = "boredom"`:                                 "malformed at /data/trigger",
		minimal + ` | .id = 7`:                                                   "the event's id is not text",
		minimal + ` | .data = null`:                                              "missing-field at /data/dataset",
		minimal + ` | .type = kind("data.derived") | .type = "x"`:                "unknown-kind at /type",
		minimal + "," + minimal + ` | .time = "noon"`:                            "malformed at /time",
		`[` + minimal + `]`:                                                      "gave something that is no event",
		`range(2000) | ` + minimal:                                               "more than 1000 events",
		`error("no name")`:                                                       "no name",
		`.secret | tonumber`:                                                     "the program stops: tonumber cannot be applied to",
		`.secret | ltrimstr("a") | .[0] | .a`:                                    "the program stops: expected",
		`def f: f; f`:                                                            "takes longer than 50ms",
		`last(repeat(1))`:                                                        "takes longer than 50ms",
		`[range(1e12)] | length`:                                                 "takes longer than 50ms",
		`now`:                                                                    "a map has no clock",
		`0 | localtime`:                                                          "a map has no time zone",
		`env | length | error`:                                                   "the program stops: error",
		`if env == {} and $ENV == {} then error("none") else . end`:              "none",
		`halt`:          "the program stops: halt",
		`[] | ref`:      "ref takes text",
		`"a" | ref("")`: "ref takes a prefix that is a reference",
	} {
		m, err := Compile("test", program)
		if err != nil {
			t.Errorf("%s: %v", program, err)
			continue
		}
		if m.Limit = time.Minute; strings.Contains(want, "50ms") {
			m.Limit = 50 * time.Millisecond
		}
		began := time.Now()
		given, err := m.Apply(t.Context(), map[string]any{"secret": "hunter2"})
		have := fmt.Sprintf("%d event", len(given))
		if err != nil {
			have = err.Error()
		}
		if !strings.Contains(have, want) || strings.Contains(have, "hunter2") || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %q after %v, want %q", program, have, time.Since(began), want)
		}
	}
}

func TestBadPrograms(t *testing.T) {
	t.Setenv("DAYBOOK_SECRET", "x")
	for program, want := range map[string]string{
		"\n\n{":                      "line 3",
		"input":                      "input(s)/0 is not allowed",
		"nosuch":                     "function not defined: nosuch/0",
		`import "a" as a; .`:         "imports nothing",
		`include "a"; .`:             "imports nothing",
		`module {"sauce": "x"}; .`:   `"sauce"`,
		`module {"columns": "x"}; .`: `"columns"`,
		`$x`:                         "variable not defined",
		`debug`:                      "function not defined",
		`input_filename`:             "function not defined",
	} {
		if _, err := Compile("test", program); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", program, err, want)
		}
	}
	if _, err := Load("nosuch"); err == nil {
		t.Error("a map that is not there was loaded")
	}
}

func TestFunctions(t *testing.T) {
	for program, want := range map[string]any{
		`"Lake Shore Dr & 18th" | ref`:     "lake-shore-dr-18th",
		`"  --Ärzte_Haus/" | ref`:          "rzte_haus",
		`"S3.amazonaws.com" | ref("aws")`:  "aws/s3.amazonaws.com",
		`null | ref("aws")`:                nil,
		`7 | ref`:                          "7",
		`"日本" | ref`:                       "",
		`"2026-06-24 08:30:00.100" | utc`:  "2026-06-24T08:30:00.100Z",
		`"2026-06-24 08:30:00 UTC" | utc`:  "2026-06-24T08:30:00Z",
		`1671066024379 | millis`:           "2022-12-15T01:00:24.379Z",
		`"a\u0000b\n" | line`:              "a b",
		`"x" * 600 | line | length`:        512,
		`"a,\"b\nc\",," | csv | join("|")`: "a|b\nc||",
		`kind("data.shared")`:              "org.daybook.data.shared.v1",
	} {
		m, err := Compile("test", program)
		if err != nil {
			t.Fatal(program, err)
		}
		have, _ := m.code.RunWithContext(t.Context(), nil).Next()
		if have != want {
			t.Errorf("%s: %v, want %v", program, have, want)
		}
	}
}

// Without an id of its own a row is known by its content, however it is
// written, and by nothing else.
func TestContentIDs(t *testing.T) {
	ids := map[string]string{}
	for _, same := range [][]string{
		{`{"a":1,"b":[true,null]}`, ` { "b" : [ true , null ] , "a" : 1 } `},
		{`{"a":1,"b":[true]}`},
		{`{"a":"1","b":[true,null]}`},
		{`{"a":1,"b":[true],"c":null}`},
		{`["a",1]`},
		{`{"a1:b":""}`},
	} {
		var first string
		for _, text := range same {
			v, err := decode([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			id := contentID(v, 0)
			if first == "" {
				first = id
			}
			if id != first || ids[id] != "" && ids[id] != same[0] {
				t.Errorf("%s has the id %s of %s", text, id, ids[id])
			}
			ids[id] = same[0]
		}
	}
	// This one is fixed for ever: imports done again must not double.
	if id := contentID(map[string]any{"a": json.Number("1"), "b": "x"}, 1); id != "57d057c7c79078dedc6e635f551c4f0a/1" {
		t.Errorf("a known row has the id %s", id)
	}
}

func TestApplyStops(t *testing.T) {
	m, err := Compile("test", "def f: f; f")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Apply(ctx, nil); err == nil {
		t.Error("a program went on after its caller left")
	}
	if !slices.IsSorted(Maps()) || len(Maps()) != 10 {
		t.Errorf("the maps are %v", Maps())
	}
}
