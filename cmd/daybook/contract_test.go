package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// judge asks a whole ledger and holds every answer against its own description.
type judge struct {
	*timed
	doc    *openapi3.T
	tokens map[events.Role]string
	named  string         // the registrar's token that is bound to an organization
	asked  map[string]int // answers by operation and status
}

const contractCity = "city/records" // what the examples of references say

func newJudge(t *testing.T) *judge {
	t.Helper()
	j := &judge{timed: &timed{t: t, dir: t.TempDir()}, tokens: map[events.Role]string{}, asked: map[string]int{}}
	j.at("2026-06-24T12:00:00Z")
	j.start()
	for _, g := range []intake.Grant{
		{Role: events.Emitter, Organization: contractCity, Sources: []string{contractCity}},
		{Role: events.Registrar, Sources: []string{contractCity}},
		{Role: events.Officer, Organization: contractCity},
		{Role: events.Auditor},
	} {
		token, err := j.system.tokens.MintInMemory(g)
		if err != nil {
			t.Fatal(err)
		}
		j.tokens[g.Role] = token
	}
	var err error
	if j.named, err = j.system.tokens.MintInMemory(intake.Grant{Role: events.Registrar, Organization: contractCity, Sources: []string{contractCity}}); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(j.url + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.FileBodyDecoder)
	if j.doc, err = openapi3.NewLoader().LoadFromData(body); err != nil {
		t.Fatal(err)
	}
	if err := j.doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaPatternValidation()); err != nil {
		t.Fatalf("the description is no OpenAPI 3.1: %v", err)
	}
	return j
}

// request is one call of an operation.
type request struct {
	path, method string // of the description
	address      string // with everything filled in
	token        string
	contentType  string
	headers      map[string]string
	body         []byte
	always       bool // judge it however many were judged
}

// enough answers of one sort are judged.
const enough = 4

// ask sends r and holds the answer against the description.
func (j *judge) ask(r request) (int, []byte) {
	j.t.Helper()
	item := j.doc.Paths.Value(r.path)
	op := item.GetOperation(r.method)
	req, err := http.NewRequest(r.method, j.url+r.address, bytes.NewReader(r.body))
	if err != nil {
		j.t.Fatal(err)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		j.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		j.t.Fatal(err)
	}
	sort := op.OperationID + " " + fmt.Sprint(resp.StatusCode)
	if j.asked[sort]++; j.asked[sort] > enough && !r.always {
		return resp.StatusCode, body // each judgement compiles its schemas anew
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req, Route: &routers.Route{Spec: j.doc, Path: r.path, PathItem: item, Method: r.method, Operation: op},
		},
		Status: resp.StatusCode, Header: resp.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	in.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(j.t.Context(), in); err != nil {
		j.t.Errorf("%s %s answers %d, which is not as described: %.1500v\n%.600s", r.method, r.address, resp.StatusCode, err, body)
	}
	if media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); resp.StatusCode >= 400 && media != "application/problem+json" && op.OperationID != "sayEvents" {
		j.t.Errorf("%s %s refuses with %s", r.method, r.address, media)
	}
	return resp.StatusCode, body
}

// TestContract says every kind, right and wrong, and then asks every address,
// rightly and wrongly.
func TestContract(t *testing.T) {
	start := time.Now()
	j := newJudge(t)
	j.kinds()
	j.persons()
	j.desk()
	j.modes()
	j.published()
	j.addresses()
	for path, item := range j.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if j.asked[op.OperationID+" 200"]+j.asked[op.OperationID+" 201"] == 0 {
				t.Errorf("%s %s never succeeded", method, path)
			}
		}
	}
	t.Logf("%d sorts of answers in %v", len(j.asked), time.Since(start).Round(time.Millisecond))
}

// say posts one event by the token of its kind's role.
func (j *judge) say(k *events.Kind, event map[string]any, token string) (int, []byte) {
	j.t.Helper()
	body, err := json.Marshal(event)
	if err != nil {
		j.t.Fatal(err)
	}
	return j.ask(request{path: "/v1/events", method: http.MethodPost, address: "/v1/events", token: token, contentType: eventType, body: body})
}

// kinds says each kind with what it needs, with everything it takes, and
// without each thing it needs.
func (j *judge) kinds() {
	j.t.Helper()
	examples := j.doc.Paths.Value("/v1/events").Post.RequestBody.Value.Content[eventType].Examples
	var said int
	for _, k := range v1.Said() {
		said++
		one := j.doc.Components.Schemas["event-of."+k.Name]
		if one == nil || examples[k.Name] == nil {
			j.t.Fatalf("%s is not described", k.Name)
		}
		token, bound := j.tokens[k.By], j.tokens[k.By]
		if k.By == events.Registrar {
			bound = j.named
		}
		least, _ := examples[k.Name].Value.Value.(map[string]any)
		least["id"] = "least " + k.Name
		for name, event := range map[string]map[string]any{"least": least, "full": j.full(one, "full "+k.Name)} {
			body, _ := json.Marshal(event)
			if _, err := events.ParseEvent(body); err != nil {
				j.t.Errorf("%s %s fits its schema and is refused: %v\n%s", name, k.Name, err, body)
			}
			if err := fitsSchema(one, event); err != nil {
				j.t.Errorf("%s %s does not fit its own schema: %.600v", name, k.Name, err)
			}
			by := bound
			if name == "full" {
				by = token
			}
			if status, answer := j.say(k, event, by); status != http.StatusCreated {
				j.t.Errorf("%s %s is answered %d: %s", name, k.Name, status, answer)
			}
		}
		j.without(k, one, least, bound)
	}
	if said < 25 {
		j.t.Errorf("only %d kinds are described", said)
	}
}

// without leaves out of an event each thing it needs, and adds one it has not.
func (j *judge) without(k *events.Kind, schema *openapi3.SchemaRef, least map[string]any, token string) {
	j.t.Helper()
	refused := func(what string, event map[string]any) {
		body, _ := json.Marshal(event)
		if _, err := events.ParseEvent(body); err == nil {
			j.t.Errorf("%s %s is accepted", k.Name, what)
		}
		if fitsSchema(schema, event) == nil {
			j.t.Errorf("%s %s fits the schema", k.Name, what)
		}
		if status, answer := j.say(k, event, token); status != http.StatusUnprocessableEntity {
			j.t.Errorf("%s %s is answered %d: %s", k.Name, what, status, answer)
		}
	}
	for _, name := range schema.Value.Required {
		event := maps.Clone(least)
		delete(event, name)
		refused("without "+name, event)
	}
	data, _ := least["data"].(map[string]any)
	for _, name := range schema.Value.Properties["data"].Value.Required {
		event, inner := maps.Clone(least), maps.Clone(data)
		delete(inner, name)
		event["data"] = inner
		refused("without data."+name, event)
	}
	event, inner := maps.Clone(least), maps.Clone(data)
	inner["colour"] = "red"
	event["data"] = inner
	refused("with data.colour", event)
	if status, _ := j.say(k, least, j.tokens[events.Officer]); status != http.StatusForbidden {
		j.t.Errorf("an officer says %s: %d", k.Name, status)
	}
}

// fitsSchema holds a value against a schema as JSON Schema 2020-12 has it.
func fitsSchema(schema *openapi3.SchemaRef, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		return err
	}
	return schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020())
}

// full is an event with every member that its schema names.
func (j *judge) full(schema *openapi3.SchemaRef, id string) map[string]any {
	out, _ := everything(schema.Value).(map[string]any)
	out["id"] = id
	return out
}

// everything is a value with all that a schema names: of what there is to choose
// from the last, so that it says more than the least; of examples the second, as
// the first of whom an event concerns is nobody.
func everything(s *openapi3.Schema) any {
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Examples) > 0:
		return s.Examples[min(1, len(s.Examples)-1)]
	case len(s.Enum) > 0:
		return s.Enum[len(s.Enum)-1]
	case len(s.OneOf) > 0:
		return everything(s.OneOf[len(s.OneOf)-1].Value)
	case s.Type.Is("array"):
		return []any{everything(s.Items.Value)}
	case s.Type.Is("integer"):
		return 7
	case s.Type.Is("boolean"):
		return true
	}
	out := map[string]any{}
	for name, p := range s.Properties {
		out[name] = everything(p.Value)
	}
	return out
}

// modes says events in the other modes of the door, and what it refuses whole.
func (j *judge) modes() {
	j.t.Helper()
	accessed, _ := events.FindKind("data.accessed")
	schema := j.doc.Components.Schemas["event-of.data.accessed"]
	one, two := j.full(schema, "batch 1"), j.full(schema, "batch 2")
	conflict := j.full(schema, "batch 1")
	conflict["time"] = "2026-06-23T08:30:00Z"
	text := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			j.t.Fatal(err)
		}
		return b
	}
	at := "2026-06-24T08:30:00Z"
	door := request{path: "/v1/events", method: http.MethodPost, address: "/v1/events", token: j.tokens[events.Emitter], contentType: eventType}
	for name, x := range map[string]struct {
		want   int
		change func(*request)
	}{
		"a batch":             {200, func(r *request) { r.contentType, r.body = batchType, text([]any{one, two, map[string]any{}, one}) }},
		"an empty batch":      {200, func(r *request) { r.contentType, r.body = batchType, []byte("[]") }},
		"waiting":             {201, func(r *request) { r.address, r.body = "/v1/events?wait=anchored", text(j.full(schema, "waiting")) }},
		"waiting for nothing": {422, func(r *request) { r.address, r.body = "/v1/events?wait=x", text(one) }},
		"binary": {201, func(r *request) {
			r.contentType, r.body = "application/json", text(j.full(schema, "")["data"])
			r.headers = map[string]string{"ce-specversion": "1.0", "ce-id": "binary", "ce-source": contractCity, "ce-type": "org.daybook.data.accessed.v1", "ce-time": at}
		}},
		"no token":      {401, func(r *request) { r.token, r.body = "", text(one) }},
		"unknown token": {401, func(r *request) { r.token, r.body = "nobody", text(one) }},
		"another type":  {415, func(r *request) { r.contentType, r.body = "text/plain", text(one) }},
		"no JSON":       {422, func(r *request) { r.body = []byte("{") }},
		"no batch":      {422, func(r *request) { r.contentType, r.body = batchType, text(one) }},
		"too large":     {413, func(r *request) { r.body = bytes.Repeat([]byte(" "), 1<<20+1) }},
		"too many": {413, func(r *request) {
			r.contentType, r.body = batchType, []byte("["+strings.Repeat("1,", 1000)+"1]")
		}},
	} {
		r := door
		x.change(&r)
		if status, answer := j.ask(r); status != x.want {
			j.t.Errorf("%s is answered %d: %s", name, status, answer)
		}
	}
	if status, _ := j.say(accessed, one, j.tokens[events.Emitter]); status != http.StatusOK {
		j.t.Errorf("an event said again is answered %d", status)
	}
	if status, _ := j.say(accessed, conflict, j.tokens[events.Emitter]); status != http.StatusConflict {
		j.t.Errorf("a conflict is answered %d", status)
	}
}

// published waits until everything said can be read.
func (j *judge) published() {
	j.t.Helper()
	size := j.system.history.Last().Size()
	if err := j.system.anchor.WaitFor(j.t.Context(), size); err != nil {
		j.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); j.views.Cursor().Size() < size; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			j.t.Fatal("the views do not follow")
		}
	}
}

// addresses asks everything that is read: as described, with each parameter, with
// each parameter malformed, and by whom it is not for.
func (j *judge) addresses() {
	j.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(j.doc.Paths.Map())) {
		for method, op := range j.doc.Paths.Value(path).Operations() {
			if path == "/v1/events" {
				continue
			}
			r := request{path: path, method: method, address: j.filled(path, op)}
			if op.Security != nil {
				r.address = j.office(r.address)
			}
			r.contentType, r.body = exampleBody(op)
			r = j.orders(r)
			if op.Security != nil {
				j.ask(r)
				r.token = j.tokens[events.Emitter]
				if status, _ := j.ask(r); status != http.StatusForbidden {
					j.t.Errorf("an emitter is answered %d by %s", status, path)
				}
				if r.token = j.tokens[events.Officer]; strings.HasPrefix(path, "/v1/auditor/") {
					j.ask(r)
					r.token = j.tokens[events.Auditor]
				}
			}
			if status, body := j.ask(r); status != http.StatusOK {
				j.t.Errorf("%s is answered %d: %s", r.address, status, body)
			}
			if method == http.MethodGet && op.Responses.Status(http.StatusUnprocessableEntity) != nil {
				j.parameters(r, op)
			}
		}
	}
	all := request{path: "/v1/entries", method: http.MethodGet, address: "/v1/entries?limit=1000", always: true}
	if _, body := j.ask(all); !bytes.Contains(body, []byte(`"next":null`)) || bytes.Count(body, []byte(`"position"`)) < 50 {
		j.t.Errorf("these are not all entries: %.200s", body)
	}
	if err := fitsSchema(j.doc.Components.Schemas["Event"], j.full(j.doc.Components.Schemas["event-of.data.shared"], "x")); err != nil {
		j.t.Errorf("an event of a kind is no event: %.600v", err)
	}
	for _, register := range events.Registers() {
		j.ask(request{path: "/v1/register/{register}", method: http.MethodGet, address: "/v1/register/" + register})
		j.ask(request{path: "/v1/register/{register}.csv", method: http.MethodGet, address: "/v1/register/" + register + ".csv?limit=1"})
		j.ask(request{path: "/v1/register/{register}/{id}", method: http.MethodGet, address: "/v1/register/" + register + "/" + contractCity})
	}
}

// office is the address of an officer's route, about something there is: the
// examples are of no real finding, and of an entry without anything sealed.
func (j *judge) office(address string) string {
	j.t.Helper()
	if strings.Contains(address, "/requests/") {
		return strings.Replace(address, "AAAAAAAAAAAAAAAAAAAAAA", j.aRequest(), 1)
	}
	what := address[strings.LastIndexByte(address, '/'):]
	if before, ok := strings.CutSuffix(address, "/entries/0"+what); ok {
		var found struct{ Entries []struct{ Position int } }
		_, body := j.ask(request{path: "/v1/entries", method: http.MethodGet, address: "/v1/entries?kind=data.accessed&limit=1"})
		if err := json.Unmarshal(body, &found); err != nil || len(found.Entries) != 1 {
			j.t.Fatalf("no search is found: %s", body)
		}
		return fmt.Sprintf("%s/entries/%d%s", before, found.Entries[0].Position, what)
	}
	const list = "/v1/officer/findings"
	if before, _, ok := strings.Cut(address, list+"/"); ok {
		var found struct{ Findings []struct{ ID string } }
		_, body := j.ask(request{path: list, method: http.MethodGet, address: list, token: j.tokens[events.Officer]})
		if err := json.Unmarshal(body, &found); err != nil || len(found.Findings) == 0 {
			j.t.Fatalf("no finding is found: %.300s", body)
		}
		return before + list + "/" + found.Findings[0].ID
	}
	return address
}

// filled is path with the examples of its parts. What is registered here is the
// example of a reference.
func (j *judge) filled(path string, op *openapi3.Operation) string {
	for _, p := range op.Parameters {
		if p.Value.In != "path" {
			continue
		}
		example := fmt.Sprint(p.Value.Example)
		if p.Value.Name == "id" {
			example = contractCity
		}
		path = strings.Replace(path, "{"+p.Value.Name+"}", example, 1)
	}
	return path
}

// parameters asks r with each parameter of op, well and badly.
func (j *judge) parameters(r request, op *openapi3.Operation) {
	j.t.Helper()
	address := r.address
	expect := func(query string, refused bool) {
		r.address = address + "?" + query
		if status, body := j.ask(r); (status == http.StatusUnprocessableEntity) != refused {
			j.t.Errorf("%s is answered %d: %.200s", r.address, status, body)
		}
	}
	expect("colour=red", true)
	expect("%zz", true)
	for _, p := range op.Parameters {
		if p.Value.In != "query" {
			continue
		}
		name, good := p.Value.Name, fmt.Sprint(p.Value.Example)
		if p.Value.Example == nil {
			good = ""
		}
		expect(name+"="+url.QueryEscape(good), false)
		expect(name+"=", false)
		expect(name+"="+url.QueryEscape(good)+"&"+name+"="+url.QueryEscape(good), true)
		for _, bad := range []string{"~", "-1", "0 1", "9007199254740992", "A", "\x00", strings.Repeat("a", 97)} {
			var v any = bad
			if p.Value.Schema.Value.Type.Is("integer") {
				v = json.Number(bad)
				if _, err := v.(json.Number).Float64(); err != nil {
					continue
				}
			}
			if fitsSchema(p.Value.Schema, v) != nil {
				expect(name+"="+url.QueryEscape(bad), true)
			}
		}
	}
}

// exampleBody is what the description says that a call can carry, nothing for one
// that carries nothing.
func exampleBody(op *openapi3.Operation) (contentType string, body []byte) {
	if op.RequestBody == nil {
		return "", nil
	}
	for _, example := range op.RequestBody.Value.Content["application/json"].Examples {
		body, _ = json.Marshal(example.Value.Value)
	}
	return "application/json", body
}

// aRequest is the name of a request that a person made.
func (j *judge) aRequest() string {
	j.t.Helper()
	const path = "/v1/officer/requests"
	r := request{path: path, method: http.MethodPost, address: path, token: j.tokens[events.Officer]}
	r.contentType, r.body = exampleBody(j.doc.Paths.Value(path).Post)
	var said struct{ Event string }
	if status, body := j.ask(r); status != http.StatusOK || json.Unmarshal(body, &said) != nil {
		j.t.Fatalf("a request is not taken: %d %s", status, body)
	}
	return said.Event
}
