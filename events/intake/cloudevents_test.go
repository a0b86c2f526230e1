package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/format"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/daybook-ledger/daybook/events"
)

// request is what the project's encoders write an event into, in the mode they
// are asked for.
type request struct {
	header http.Header
	body   []byte
}

func (r *request) SetStructuredEvent(_ context.Context, f format.Format, body io.Reader) (err error) {
	r.header.Set("Content-Type", f.MediaType())
	r.body, err = io.ReadAll(body)
	return err
}

func (r *request) Start(context.Context) error { return nil }
func (r *request) End(context.Context) error   { return nil }

func (r *request) SetAttribute(a spec.Attribute, value any) error {
	if a.Kind() == spec.DataContentType {
		return r.set("Content-Type", value)
	}
	return r.set("ce-"+a.Name(), value)
}

func (r *request) SetExtension(name string, value any) error { return r.set("ce-"+name, value) }

func (r *request) set(name string, value any) error {
	text, err := types.Format(value)
	r.header.Set(name, text)
	return err
}

func (r *request) SetData(body io.Reader) (err error) {
	r.body, err = io.ReadAll(body)
	return err
}

// inMode writes e in binary or structured mode.
func inMode(t *testing.T, e event.Event, structured bool) *http.Request {
	t.Helper()
	ctx := binding.WithForceBinary(t.Context())
	if structured {
		ctx = binding.WithForceStructured(t.Context())
	}
	out := &request{header: http.Header{}}
	must[binding.Encoding](t)(binding.Write(ctx, binding.ToMessage(&e), out, out))
	r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(out.body))
	r.Header = out.header
	return r
}

// foreign reads one of our events with the CloudEvents project's own code.
func foreign(t *testing.T, text string) event.Event {
	t.Helper()
	e := event.New()
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	e.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	e.SetSubject("ignored")
	e.SetDataContentType(event.ApplicationJSON) // the content type of binary mode
	return e
}

// TestCloudEventsOracle sends each event in the three modes as the project's
// own code writes them. The door must read the same event: what another mode
// accepted is a repeat with the same canonical content.
func TestCloudEventsOracle(t *testing.T) {
	d := openDoor(t, plan{}, false)
	kind, _ := events.FindKind("data.accessed")
	list := []string{
		accessed("plain", "", ""), accessed("person", "plate", "ABC 123"),
		saidAt("2026-06-24T21:30:00.123456789+03:00", "data.accessed", "full", filled(kind, true, anna)),
		saidAt("2026-06-24T21:30:00Z", "data.accessed", "text", strings.ReplaceAll(filled(kind, true, anna), "text for", `käsi \"x\" \\ 手 \n`)),
	}
	var together []event.Event
	for _, text := range list {
		e := foreign(t, text)
		together = append(together, e)
		binary, structured := inMode(t, e, false), inMode(t, e, true)
		if binary.Header.Get("ce-id") == "" || structured.Header.Get("ce-id") != "" {
			t.Fatal("the modes are not what they are called")
		}
		first, second, ours := d.sendAs(t, binary), d.sendAs(t, structured), d.post(t, d.tokens[events.Emitter], "/v1/events", typeEvent, text)
		if first.code != 201 || second.code != 200 || ours.code != 200 || first.result.EntryHash != second.result.EntryHash {
			t.Errorf("%s\n%s\n%s", first.body, second.body, ours.body)
		}
	}
	batch := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(must[[]byte](t)(json.Marshal(together))))
	batch.Header.Set("Content-Type", event.ApplicationCloudEventsBatchJSON)
	a := d.sendAs(t, batch)
	for i, r := range a.result.Results {
		if r.Status != 200 {
			t.Errorf("event %d of the batch: %s", i, a.body)
		}
	}
	if a.code != 200 || len(a.result.Results) != len(list) {
		t.Errorf("%d %s", a.code, a.body)
	}
}

func (d *doorway) sendAs(t *testing.T, r *http.Request) answer {
	t.Helper()
	r.Header.Set("Authorization", "Bearer "+d.tokens[events.Emitter])
	return d.serve(t, r)
}

// TestHTTPBinding follows the examples of the CloudEvents HTTP binding 1.0.2:
// content types with and without charset, and headers that are quoted or
// percent-encoded. An attribute of theirs that this ledger does not take is
// refused by name, so it was read.
func TestHTTPBinding(t *testing.T) {
	d := openDoor(t, plan{}, false)
	emitter := d.tokens[events.Emitter]
	headers := []string{"ce-specversion", "1.0", "ce-type", "com.example.someevent", "ce-time", "2018-04-05T03:56:24Z", "ce-id", "1234-1234-1234", "ce-source", "/mycontext/subcontext"}
	theirs := `{"specversion":"1.0","type":"com.example.someevent","time":"2018-04-05T03:56:24Z","id":"1234-1234-1234","source":"/mycontext/subcontext","datacontenttype":"application/json","data":{"message":"Hello World!"}}`
	data := `{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"none"}}`
	for i, charset := range []string{"", "; charset=utf-8", "; charset=UTF-8", `; charset="utf-8"`} {
		binary := d.post(t, emitter, "/v1/events", "application/json"+charset, `{"message":"Hello World!"}`, headers...)
		structured := d.post(t, emitter, "/v1/events", typeEvent+charset, theirs)
		if binary.body != structured.body || binary.result.Problem.Title != "unknown-kind" || binary.result.Problem.Pointer != "/type" {
			t.Errorf("their example%s: %s and %s", charset, binary.body, structured.body)
		}
		ours := []string{"ce-specversion", "1.0", "ce-type", "org.daybook.data.accessed.v1", "ce-time", "2018-04-05T03:56:24Z", "ce-id", fmt.Sprint("1234-", i), "ce-source", "city/app"}
		if a := d.post(t, emitter, "/v1/events", "application/json"+charset, data, ours...); a.code != 201 {
			t.Errorf("ours in their shape%s: %s", charset, a.body)
		}
	}
	for _, c := range []struct{ header, id string }{
		{"a%20b", "a b"},
		{`"a b"`, "a b"},
		{`"a \"b\" \\c"`, `a "b" \c`},
		{`Euro%20%E2%82%AC%20%F0%9F%98%80`, "Euro € 😀"},
		{"%2525", "%25"},
		{"%e2%82%ac", "€"},
		{`"`, `"`},
		{`""`, ""},
		{"%zz", ""},
		{"%C3%28", ""},
		{"%0A", ""},
	} {
		ours := []string{"ce-specversion", "1.0", "ce-type", "org.daybook.data.accessed.v1", "ce-time", "2026-06-24T21:30:00Z", "ce-id", c.header, "ce-source", "city/app"}
		first := d.post(t, emitter, "/v1/events", "application/json", data, ours...)
		if c.id == "" {
			if first.code != 422 || first.result.Pointer+first.result.Problem.Pointer != "/id" {
				t.Errorf("ce-id %s: %s", c.header, first.body)
			}
			continue
		}
		id, _ := json.Marshal(c.id)
		again := d.post(t, emitter, "/v1/events", typeEvent, strings.Replace(said("data.accessed", "ID", data), `"ID"`, string(id), 1))
		if first.result.Event == "" || again.code != 200 || again.result.Event != first.result.Event {
			t.Errorf("ce-id %s is not %q: %s %s", c.header, c.id, first.body, again.body)
		}
	}
}
