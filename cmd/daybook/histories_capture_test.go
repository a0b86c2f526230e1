package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
	"github.com/daybook-ledger/daybook/events/intake"
	exampleday "github.com/daybook-ledger/daybook/testdata/example-day"
)

// captureAnswers are asked of a captured ledger.
var captureAnswers = []string{
	"/v1/totals", "/v1/coverage", "/v1/findings", "/v1/sharing?limit=1000", "/v1/retention", "/v1/seals", "/v1/register/organization?limit=1000",
	"/v1/register/system?limit=1000", "/v1/register/dataset?limit=1000", "/v1/coverage?source=city/app",
}

// capturing is a ledger in which everything happens once that can, to be kept.
type capturing struct {
	*timed
	into            string // the directory that is made
	officer, second intake.Reader
	asking          asking // as the officer
}

// capture makes a directory with a whole small ledger, what a resident keeps of it, and
// what it says. Nobody whom it names exists.
func capture(t *testing.T, into string) {
	t.Helper()
	err := os.Mkdir(into, 0o755)
	if err == nil {
		err = os.Mkdir(filepath.Join(into, "resident"), 0o755)
	}
	if err != nil {
		t.Fatalf("what was captured stays as it is: %v", err)
	}
	c := &capturing{timed: &timed{t: t, dir: filepath.Join(t.TempDir(), "data")}, into: into}
	c.june()
	c.july()
	c.cards()
	c.pack()
}

// begin starts the ledger, under a master key and a policy, and its keeper with it.
func (c *capturing) begin(master string, change func(*config)) {
	c.t.Helper()
	c.t.Setenv(historyMaster, master)
	cfg := historyConfig(c.dir, c.clock)
	change(&cfg)
	s, err := open(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	s.verifier = sha256Of([]byte("public test data: the page for checking"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	c.system, c.url = s, "http://"+l.Addr().String()
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.close()); err != nil {
			c.t.Error(err)
		}
	})
	c.t.Cleanup(c.stop)
	grant := intake.Grant{Role: events.Officer, Organization: "city"}
	token, err := c.tokens.MintInMemory(grant)
	if err != nil {
		c.t.Fatal(err)
	}
	c.asking = asking{url: c.url, token: token}
	c.officer, c.second = intake.Reader{Grant: grant, Name: "officer-one"}, intake.Reader{Grant: grant, Name: "officer-two"}
}

// june is the first run: the register, the example day, every kind, and what an office
// does about three persons.
func (c *capturing) june() {
	c.at("2026-06-29T12:00:00Z")
	c.begin(firstMaster, func(cfg *config) { cfg.origin = "history.example/daybook" })
	c.exampleDay()
	c.everyKind()
	c.send(intake.Grant{Role: events.Registrar, Sources: []string{"city/register"}},
		said("city/register", "organization.registered", "city", `{"organization":"city","name":"City (invented)","kind":"city","timeZone":"Europe/Tallinn"}`),
		said("city/register", "system.registered", "app", `{"organization":"city","system":"city/app","name":"App (invented)","kind":"application","starts":"2026-06-01"}`),
		said("city/register", "dataset.registered", "people", `{"organization":"city","dataset":"city/people","title":"People (invented)","classification":"Private","pii":"direct"}`))
	emitter := c.mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}, Rhythm: "PT1H"})
	c.waitFor("emitter.onboarded")
	c.timed.emit(emitter, c.uses("a", 2, 1, 2, 6)...) // two numbers are missing
	c.keep(2)
	c.persons()
	c.seals()
	c.forget()
	c.keep(1)
	c.stop()
}

// exampleDay posts the invented day as --seed does.
func (c *capturing) exampleDay() {
	c.t.Helper()
	ctx, s := c.t.Context(), &seeder{tokens: c.tokens, url: c.url}
	text, err := fs.ReadFile(exampleday.Files, "register.yaml")
	if err != nil {
		c.t.Fatal(err)
	}
	list, err := readRegister(text)
	if err == nil {
		err = s.post(ctx, registrar(), adapt.ExampleOrganization())
	}
	if err == nil {
		err = s.apply(ctx, list, "")
	}
	if err == nil {
		err = s.day(ctx)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// everyKind says each kind that emitters and registrars say with all that it takes, and
// what is about persons also with what it needs alone.
func (c *capturing) everyKind() {
	c.t.Helper()
	b, err := fetch(c.url + "/openapi.json")
	if err != nil {
		c.t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		c.t.Fatal(err)
	}
	j := &judge{timed: c.timed, doc: doc}
	examples := doc.Paths.Value("/v1/events").Post.RequestBody.Value.Content[eventType].Examples
	for _, k := range v1.Said() {
		grant := intake.Grant{Role: k.By, Organization: contractCity, Sources: []string{contractCity}}
		full := j.full(doc.Components.Schemas["event-of."+k.Name], "full "+k.Name)
		list := []map[string]any{full}
		if k.By == events.Registrar {
			grant.Organization = ""
		} else {
			least, _ := examples[k.Name].Value.Value.(map[string]any)
			least["id"] = "least " + k.Name
			list = append(list, least)
		}
		for _, event := range list {
			line, err := json.Marshal(event)
			c.must(nil, err)
			c.send(grant, line)
		}
	}
}

func (c *capturing) send(grant intake.Grant, lines ...[]byte) {
	c.t.Helper()
	if err := (&seeder{tokens: c.tokens, url: c.url}).send(c.t.Context(), grant, lines); err != nil {
		c.t.Fatal(err)
	}
}

// said is an event of the morning of 24 June.
func said(source, kind, id, data string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":"org.daybook.%s.v1","time":"2026-06-24T08:30:00Z","data":%s}`, id, source, kind, data)
}

const (
	ofAnna    = `"subjects":{"mode":"single","persons":[{"scheme":"example","value":"anna"}]}`
	ofBerta   = `"subjects":{"mode":"single","persons":[{"scheme":"example","value":"berta"}]}`
	ofCarla   = `"subjects":{"mode":"single","persons":[{"scheme":"example","value":"carla"}]}`
	ofThree   = `"persons":[{"scheme":"example","value":"anna"},{"scheme":"example","value":"berta","relation":"household"},{"scheme":"example","value":"carla","relation":"incidental"}]`
	anAccess  = `{"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/people","actor":{"id":"clerk-7","role":"city/clerk","unit":"city/desk"},`
	aShare    = `{"recipient":"city/records","dataset":"city/people","actor":{"id":"clerk-7","role":"city/clerk"},`
	withWords = `"reasonText":"A reason that nobody had","caseRef":"C-1",`
)

func (c *capturing) city(lines ...[]byte) {
	c.t.Helper()
	c.send(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}}, lines...)
}

// persons are events about one person, a few, and many.
func (c *capturing) persons() {
	c.t.Helper()
	c.city(
		said("city/app", "data.accessed", "anna", anAccess+withWords+ofAnna+`}`),
		said("city/app", "data.accessed", "berta", anAccess+withWords+ofBerta+`}`),
		said("city/app", "data.accessed", "carla", anAccess+withWords+ofCarla+`}`),
		said("city/app", "data.shared", "several", aShare+withWords+`"subjects":{"mode":"several",`+ofThree+`}}`),
		said("city/app", "data.shared", "bulk", aShare+withWords+`"subjects":{"mode":"bulk","parts":2}}`),
		said("city/app", "data.shared", "bulk 1", aShare+`"subjects":{"mode":"bulk","partOf":"bulk","part":1,"parts":2,`+ofThree+`}}`),
		said("city/app", "data.shared", "bulk 2", aShare+`"subjects":{"mode":"bulk","partOf":"bulk","part":2,"parts":2,"persons":[{"scheme":"plate","value":"ABC 123"}]}}`))
	at := c.latest("data.accessed")
	c.must(c.desk().Correct(c.t.Context(), c.officer, at, "correction", "It was another."))
	c.published()
	var opened details
	c.ask(fmt.Sprintf("/v1/officer/entries/%d/details", at), struct{}{}, &opened)
	if opened.value("reasonText") != "A reason that nobody had" {
		c.t.Errorf("the entry has %+v", opened)
	}
	request := c.request("anna", "access")
	c.ask("/v1/officer/requests/"+request+"/decision", map[string]any{"decision": "granted", "statement": "Here it is."}, &struct{}{})
	c.ask("/v1/officer/requests/"+request+"/answer", struct{}{}, &struct{}{})
}

// must ends the test on an error, whatever else is answered.
func (c *capturing) must(_ any, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *capturing) ask(path string, body, out any) {
	c.t.Helper()
	c.must(nil, c.asking.post(c.t.Context(), path, body, out))
}

func (c *capturing) request(person, what string) string {
	c.t.Helper()
	var out struct{ Event string }
	c.ask("/v1/officer/requests", map[string]any{"person": whom{"example", person}, "request": what}, &out)
	return out.Event
}

// latest is the position of the last entry of a kind that the city recorded.
func (c *capturing) latest(kind string) events.Index {
	c.t.Helper()
	c.published()
	source, err := client.New(c.url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	list, _, err := source.Entries(c.t.Context(), client.Filter{Kind: kind, Organization: "city", Limit: 1000})
	if err != nil || len(list) == 0 {
		c.t.Fatalf("%d of %s: %v", len(list), kind, err)
	}
	at := list[0].Position
	for _, e := range list {
		at = max(at, e.Position)
	}
	return at
}

// published waits until all that was recorded is published.
func (c *capturing) published() {
	c.t.Helper()
	c.must(newKeeper(c.system).published(c.t.Context()))
}

// seals are one that is placed, extended, lifted and disclosed, and one that stands.
func (c *capturing) seals() {
	c.t.Helper()
	order := func(person string) intake.SealOrder {
		return intake.SealOrder{
			Person: events.Person{Scheme: "example", Value: person}, Ground: "PublicSecurityImpaired", ReviewBy: "2026-09-30", Until: "2026-12-31",
		}
	}
	ctx := c.t.Context()
	lifted, err := c.desk().PlaceSeal(ctx, c.officer, c.second, order("anna"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.must(c.desk().PlaceSeal(ctx, c.officer, c.second, order("carla")))
	c.city(
		said("city/app", "data.accessed", "hidden from anna", anAccess+withWords+ofAnna+`}`),
		said("city/app", "data.accessed", "hidden from carla", anAccess+withWords+ofCarla+`}`))
	c.must(c.desk().ExtendSeal(ctx, c.officer, c.second, lifted.Seal, intake.SealDates{ReviewBy: "2026-10-31", Until: "2027-01-31"}))
	c.must(c.desk().LiftSeal(ctx, c.officer, lifted.Seal))
}

// forget destroys the keys of a person who asks for it.
func (c *capturing) forget() {
	c.t.Helper()
	c.ask("/v1/officer/requests/"+c.request("berta", "erasure")+"/decision", map[string]any{"decision": "granted"}, &struct{}{})
}
