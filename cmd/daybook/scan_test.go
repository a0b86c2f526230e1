package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
	"github.com/daybook-ledger/daybook/testdata/records"
)

// scan is one run of the program, with what was planted in it.
type scan struct {
	*testing.T
	*garden
	server             *server
	dir                string
	emitter, registrar string
	searches           []adapt.Event
	positions          []uint64 // of the searches
	size               uint64
}

// TestScan plants a marker in every private field of every kind, through the
// door of the real program, and looks for all of them, and for what Eugene's
// records keep private, wherever the public can read.
func TestScan(t *testing.T) {
	zone, err := time.LoadLocation(scanZone)
	if err != nil {
		t.Fatal(err)
	}
	s := &scan{T: t, garden: &garden{zone: zone}, dir: filepath.Join(t.TempDir(), "data")}
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	if s.server, err = startServer(program, s.dir, "--seed"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.server.stop(syscall.SIGKILL) })
	s.plant()
	s.refusals()
	s.seeded()
	c := s.collect()
	if _, err := auditURL(s.server.url, s.server.key); err != nil {
		t.Error(err)
	}
	s.server.stop(syscall.SIGTERM)
	c.files(filepath.Join(s.dir, "public"))
	c.add("log", "of the server", []byte(s.server.logs.String()))
	s.searchAll(c)
	s.published(c)
	s.seenAsTables(c)
	s.wholeValues(c)
}

// token makes one with the command line, while the server runs.
func (s *scan) token(args ...string) string {
	s.Helper()
	out, err := exec.Command("daybook", append([]string{"token", "--dir", s.dir}, args...)...).Output()
	if err != nil {
		s.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	s.secrets = append(s.secrets, marker{name: "token", spellings: []string{token}})
	return token
}

// post sends raw bytes and returns status and answer.
func (s *scan) post(path, token, contentType string, body []byte, headers ...string) (int, []byte) {
	s.Helper()
	req, err := http.NewRequest("POST", s.server.url+path, bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, b
}

const (
	eventType = "application/cloudevents+json"
	batchType = "application/cloudevents-batch+json"
)

type doorResult struct {
	Status   int
	Position uint64
	Problem  json.RawMessage
}

// batch posts events and returns what became of each.
func (s *scan) batch(token string, list any) []doorResult {
	s.Helper()
	body, err := json.Marshal(list)
	if err != nil {
		s.Fatal(err)
	}
	status, b := s.post("/v1/events?wait=anchored", token, batchType, body)
	var answer struct{ Results []doorResult }
	if err := json.Unmarshal(b, &answer); err != nil || status != http.StatusOK {
		s.Fatalf("a batch is answered %d: %s", status, b)
	}
	for _, r := range answer.Results {
		if r.Problem == nil {
			s.size = max(s.size, r.Position+1)
		}
	}
	return answer.Results
}

// plant posts every open kind: the register once with what is known, then each
// kind with private values and references nobody knows.
func (s *scan) plant() {
	s.registrar = s.token("--role", "registrar", "--source", scanCity+"/register")
	s.emitter = s.token("--role", "emitter", "--org", scanCity, "--source", scanCity+"/app")
	said := map[events.Role][]map[string]any{}
	var kinds int
	for _, k := range v1.Said() {
		kinds++
		if k.By == events.Registrar {
			said[k.By] = append(said[k.By], s.event(k, mode{}))
			continue
		}
		for _, m := range []mode{
			{name: "none"},
			{name: "unknown"},
			{"single", "example", "principal", nil},
			{"single", "email", "incidental", nil},
			{"single", "plate", "household", nil},
			{"single", "phone", "minor", nil},
			{name: "several"},
		} {
			said[k.By] = append(said[k.By], s.event(k, m))
		}
		head := s.event(k, mode{name: "bulk"})
		said[k.By] = append(said[k.By], head, s.event(k, mode{name: "bulk", of: head}))
	}
	if kinds < 17 {
		s.Fatalf("only %d kinds are open", kinds)
	}
	// The organization first, so that its days are those of its zone.
	slices.SortStableFunc(said[events.Registrar], func(a, b map[string]any) int {
		first := func(e map[string]any) int { return strings.Index(e["type"].(string), "organization.registered") }
		return first(b) - first(a)
	})
	for role, token := range map[events.Role]string{events.Registrar: s.registrar, events.Emitter: s.emitter} {
		for i, r := range s.batch(token, said[role]) {
			if r.Status != http.StatusCreated {
				s.Errorf("%v is answered %d: %s", said[role][i]["type"], r.Status, r.Problem)
			}
		}
	}
	s.hiddenDataset()
}

// hiddenDataset registers a dataset that only events about one person name:
// that they do is private, whether the register knows it or not.
func (s *scan) hiddenDataset() {
	registered, _ := events.FindKind("dataset.registered")
	accessed, _ := events.FindKind("data.accessed")
	known := s.event(registered, mode{})
	known["data"].(map[string]any)["dataset"] = scanKnown
	s.batch(s.registrar, []any{known})
	e := s.event(accessed, mode{"single", "example", "principal", nil})
	e["data"].(map[string]any)["dataset"] = scanKnown
	if r := s.batch(s.emitter, []any{e}); r[0].Status != http.StatusCreated {
		s.Errorf("the hidden dataset is answered %d: %s", r[0].Status, r[0].Problem)
	}
}

// refusals sends what is refused; none of it may be printed or shown.
func (s *scan) refusals() {
	bad := s.refused()
	for i, r := range s.batch(s.emitter, bad) {
		if r.Problem == nil {
			s.Errorf("refused %d is answered %d", i, r.Status)
		}
	}
	for _, e := range bad {
		body, _ := json.Marshal(e)
		if status, b := s.post("/v1/events", s.emitter, eventType, body); status < 400 {
			s.Errorf("%s is answered %d: %s", body, status, b)
		}
	}
	accessed, _ := events.FindKind("data.accessed")
	first := s.event(accessed, mode{name: "unknown"})
	other := s.event(accessed, mode{name: "unknown"})
	other["id"] = first["id"]
	s.batch(s.emitter, []any{first})
	if r := s.batch(s.emitter, []any{other}); r[0].Status != http.StatusConflict {
		s.Errorf("a conflict is answered %d", r[0].Status)
	}
	secret := func(name string) string { return s.text("refused "+name, &s.secrets) }
	word := s.word()
	s.secrets = append(s.secrets, marker{name: "refused word", spellings: []string{word}})
	for i, try := range []func() (int, []byte){
		func() (int, []byte) { return s.post("/v1/events", word, eventType, []byte(secret("body"))) },
		func() (int, []byte) {
			return s.post("/v1/events", s.emitter, eventType, []byte(`{"id":"`+secret("cut")))
		},
		func() (int, []byte) { return s.post("/v1/events", s.emitter, batchType, []byte(`"`+word+`"`)) },
		func() (int, []byte) { return s.post("/v1/events", s.emitter, "text/"+word, []byte(secret("type"))) },
		func() (int, []byte) { return s.post("/v1/events?wait="+word, s.emitter, eventType, []byte(`{}`)) },
		func() (int, []byte) { return s.post("/v1/"+word, s.emitter, eventType, []byte(secret("path"))) },
		func() (int, []byte) {
			return s.post("/v1/events", s.emitter, "application/json", []byte(`{"x":"`+word+`"}`), "ce-specversion", "1.0", "ce-id", word+"%zz", "ce-source", word)
		},
		func() (int, []byte) {
			return s.post("/v1/events", s.emitter, eventType, []byte(strings.Repeat(secret("size"), 1<<16)))
		},
	} {
		if status, b := try(); status < 400 {
			s.Errorf("try %d is answered %d: %s", i, status, b)
		}
	}
	s.refusedCards(word)
	for _, path := range []string{
		"/" + word, "/entries/" + word, "/trail?" + word, "/index/" + word, "/v1/entries?kind=" + word, "/v1/entries?" + word + "=1", "/register/system/" + word, "/tile/" + word,
		"/v1/entries.csv?kind=" + word, "/v1/" + word + ".csv", "/v1/register/" + word + ".csv", "/v1/register/system.csv?at=" + word, "/v1/register/system?at=" + word,
		"/v1/sharing?disclosureClass=" + word, "/v1/sharing.csv?from=" + word, "/v1/retention?" + word + "=1", "/v1/findings?" + word, "/v1/findings.csv?" + word,
		"/v1/totals.csv?" + word, "/openapi.json?" + word, "/api?" + word, "/coverage?" + word, "/register?at=" + word,
	} {
		resp, err := http.Get(s.server.url + path)
		if err != nil {
			s.Fatal(err)
		}
		resp.Body.Close()
	}
}

// seeded waits for the records that come with the program, and makes markers
// of what they keep private. Saying them again tells where they stand.
func (s *scan) seeded() {
	for deadline := time.Now().Add(time.Minute); !strings.Contains(s.server.logs.String(), "seeded"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("the records are not posted in a minute: %s", s.server.logs)
		}
	}
	var err error
	if s.searches, err = adapt.EugeneSearches(records.Files); err != nil || len(s.searches) != 500 {
		s.Fatalf("%d searches: %v", len(s.searches), err)
	}
	nodes, err := adapt.ArrayOfThings(records.Files)
	if err != nil {
		s.Fatal(err)
	}
	eugene, err := adapt.EugeneRegister(records.Files)
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range slices.Concat(nodes, eugene, adapt.ExampleOrganization(), s.searches) {
		s.secrets = append(s.secrets, marker{name: "id " + e.ID, spellings: []string{e.ID, strings.ToUpper(e.ID), strings.ReplaceAll(e.ID, "-", "")}})
	}
	losAngeles, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range s.searches {
		at, ok := events.ParseInstant(e.Time)
		if !ok {
			s.Fatalf("%s is no time", e.Time)
		}
		s.secrets = append(s.secrets, marker{name: "time of " + e.ID, spellings: append(instantSpellings(at, losAngeles), e.Time)})
		if actor, ok := e.Data["actor"].(map[string]any); ok {
			id := actor["id"].(string)
			s.secrets = append(s.secrets, marker{name: "actor of " + e.ID, spellings: []string{id, strings.ToUpper(id), strings.ReplaceAll(id, "-", "")}})
		}
	}
	token := s.token("--role", "emitter", "--org", "eugene-police", "--source", "eugene-police/flock-search")
	for _, r := range s.batch(token, s.searches) {
		if r.Status != http.StatusOK {
			s.Fatalf("a search said again is answered %d: %s", r.Status, r.Problem)
		}
		s.positions = append(s.positions, r.Position)
	}
}

// collect reads all that is public.
func (s *scan) collect() *collection {
	c := &collection{T: s.T, url: s.server.url, seen: map[string]bool{}}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if status, _ := c.get("json", fmt.Sprintf("/v1/entries/%d", s.size-1)); status == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			s.Fatalf("entry %d is not shown after 20 s", s.size-1)
		}
	}
	c.tiles(s.size)
	c.routes(s.size)
	var kinds []string
	for _, k := range events.Kinds() {
		kinds = append(kinds, k.Name)
	}
	c.filters(map[string][]string{
		"kind": kinds, "organization": {scanCity, "eugene-police", "array-of-things", "example"}, "system": {"eugene-police/flock-search", "example/app"},
		"dataset": {"eugene-police/plate-reads", scanKnown}, "day": {"2025-06-18", "2025-11-03"},
	})
	c.tables([]string{scanCity, "eugene-police", "array-of-things", "example"}, []string{"2025-11-03", time.Now().UTC().Format(time.DateOnly)})
	c.described()
	c.questions()
	c.index()
	c.problems()
	pages := c.crawl()
	if pages < int(s.size) {
		s.Errorf("the crawl read only %d pages of a log of %d entries", pages, s.size)
	}
	var named struct {
		Entries []struct{ Entry struct{ Kind string } }
	}
	if err := json.Unmarshal(c.must("json", "/v1/entries?dataset="+scanKnown), &named); err != nil {
		s.Fatal(err)
	}
	if len(named.Entries) != 1 || named.Entries[0].Entry.Kind != "dataset.registered" {
		s.Errorf("the dataset that one person's events name finds %v", named.Entries)
	}
	s.Logf("%d entries, %d markers, %d surfaces", s.size, len(s.secrets), len(c.surfaces))
	return c
}

// searchAll reports every marker that stands anywhere.
func (s *scan) searchAll(c *collection) {
	search, found := newSearch(s.secrets), map[string]int{}
	for _, at := range c.surfaces {
		for _, h := range search.in(at) {
			if found[h.marker+h.encoding]++; found[h.marker+h.encoding] == 1 {
				s.Errorf("%v", h)
			}
		}
	}
}

// published is the other half of the proof: what is written for publication is
// found, in every place the crawl went to, so that an empty one cannot pass.
func (s *scan) published(c *collection) {
	search := newSearch(s.texts)
	found := map[string]map[string]bool{}
	for _, at := range c.surfaces {
		for _, h := range search.in(at) {
			if found[h.marker] == nil {
				found[h.marker] = map[string]bool{}
			}
			found[h.marker][at.class] = true
		}
	}
	if len(s.texts) < 20 {
		s.Errorf("only %d fields are written for publication", len(s.texts))
	}
	for _, m := range s.texts {
		for _, class := range []string{"file", "tile", "json", "proof", "page"} {
			if !found[m.name][class] {
				s.Errorf("%s is nowhere in a %s", m.name, class)
			}
		}
	}
}
