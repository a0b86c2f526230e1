package intake_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const (
	typeEvent = "application/cloudevents+json"
	typeBatch = "application/cloudevents-batch+json"
)

// doorway is a house with its door and a token for each role.
type doorway struct {
	*house
	door   *intake.Door
	tokens map[events.Role]string
}

func openDoor(t testing.TB, p plan, publishing bool) *doorway {
	t.Helper()
	h := openHouse(t, p)
	tokens := p.nats
	if tokens == nil {
		tokens = must[*intake.Tokens](t)(intake.OpenTokens(t.TempDir()))
	}
	d := &doorway{house: h, tokens: map[events.Role]string{}, door: &intake.Door{Writer: h.writer, Tokens: tokens, Ledger: h.anchor(t, publishing)}}
	for _, role := range []events.Role{events.Emitter, events.Registrar, events.Officer, events.Auditor, events.Admin} {
		d.tokens[role] = must[string](t)(tokens.Mint(intake.Grant{Role: role, Organization: "city", Sources: []string{"city/app"}}))
	}
	return d
}

// answer is what the door said.
type answer struct {
	code   int
	header http.Header
	body   string
	result struct {
		Status                                 int
		Position                               *events.Index
		Event, EntryHash, Proof, Receipt, Code string
		Type, Title, Pointer                   string
		Problem                                struct{ Type, Title, Detail, Pointer string }
		Results                                []struct {
			Status   int
			Position *events.Index
			Proof    string
			Problem  struct{ Title, Pointer string }
		}
	}
}

func (d *doorway) post(t testing.TB, token, path, contentType, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return d.serve(t, r)
}

func (d *doorway) serve(t testing.TB, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	d.door.ServeHTTP(w, r)
	a := answer{code: w.Code, header: w.Header(), body: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.result); err != nil {
		t.Fatalf("the answer is not JSON: %v: %s", err, a.body)
	}
	return a
}

func TestDoorRoles(t *testing.T) {
	d := openDoor(t, plan{}, false)
	for _, kind := range events.Kinds() {
		for role, token := range d.tokens {
			data := "{}"
			if kind.Open {
				data = filled(kind, false, anna)
			}
			a := d.post(t, token, "/v1/events", typeEvent, said(kind.Name, kind.Name+string(role), data))
			want, title := 403, "role"
			switch {
			case !kind.Open:
				want, title = 422, "kind-not-open"
			case kind.By == role && role == events.Officer:
				title = "desk"
			case kind.By == role:
				want, title = 201, ""
			}
			if a.code != want || a.result.Status != want || a.result.Problem.Title != title {
				t.Errorf("%s saying %s: %d %s", role, kind.Name, a.code, a.body)
			}
			if (a.result.Receipt != "") != (want == 201) || (a.result.Position != nil) != (want == 201) {
				t.Errorf("%s saying %s: %s", role, kind.Name, a.body)
			}
		}
	}
	d.walk(t)
}

func TestDoorRefusals(t *testing.T) {
	d := openDoor(t, plan{}, false)
	emitter, registrar := d.tokens[events.Emitter], d.tokens[events.Registrar]
	free := must[string](t)(d.door.Tokens.Mint(intake.Grant{Role: events.Registrar, Sources: []string{"city/app"}}))
	good := accessed("1", "", "")
	last := d.history.Last()
	for name, c := range map[string]struct {
		token, path, contentType, body string
		code                           int
		title, pointer                 string
	}{
		"no token":           {"", "", typeEvent, good, 401, "no-token", ""},
		"unknown token":      {"daybook_emitter_x", "", typeEvent, good, 401, "unknown-token", ""},
		"token with a path":  {"../../etc/passwd", "", typeEvent, good, 401, "unknown-token", ""},
		"another source":     {emitter, "", typeEvent, strings.Replace(good, "city/app", "city/other", 1), 403, "source", "/source"},
		"ledger's source":    {emitter, "", typeEvent, strings.Replace(good, `"source":"city/app"`, `"source":"daybook"`, 1), 403, "source", "/source"},
		"another city":       {registrar, "", typeEvent, strings.ReplaceAll(registered("r"), `"organization":"city"`, `"organization":"county"`), 403, "organization", "/data/organization"},
		"no organization":    {free, "", typeEvent, said("dataset.registered", "d", `{"dataset":"a","title":"t"}`), 422, "missing-field", "/data/organization"},
		"bad organization":   {free, "", typeEvent, said("dataset.registered", "d", `{"dataset":"a","title":"t","organization":"No Reference"}`), 422, "malformed", "/data/organization"},
		"other organization": {registrar, "", typeEvent, said("dataset.registered", "d", `{"dataset":"a","title":"t","organization":"county"}`), 403, "organization", "/data/organization"},
		"no such zone":       {registrar, "", typeEvent, strings.Replace(registered("r"), "Europe/Tallinn", "Europe/Nowhere", 1), 422, "malformed", "/data/timeZone"},
		"plain text":         {emitter, "", "text/plain", good, 415, "unsupported-media-type", ""},
		"no type":            {emitter, "", "", good, 415, "unsupported-media-type", ""},
		"JSON, no headers":   {emitter, "", "application/json", good, 415, "unsupported-media-type", ""},
		"Latin-1":            {emitter, "", typeEvent + "; charset=iso-8859-1", good, 415, "unsupported-media-type", ""},
		"CBOR":               {emitter, "", "application/cloudevents+cbor", good, 415, "unsupported-media-type", ""},
		"too long":           {emitter, "", typeEvent, good + strings.Repeat(" ", 1<<20), 413, "too-large", ""},
		"1,001 events":       {emitter, "", typeBatch, "[" + strings.Repeat("{},", 1000) + "{}]", 413, "too-large", ""},
		"broken":             {emitter, "", typeEvent, good[:40], 422, "malformed-json", "/source"},
		"nothing":            {emitter, "", typeEvent, "", 422, "malformed-json", ""},
		"batch of no array":  {emitter, "", typeBatch, good, 422, "wrong-type", ""},
		"batch cut off":      {emitter, "", typeBatch, "[" + good, 422, "malformed-json", ""},
		"wait for what":      {emitter, "?wait=long", typeEvent, good, 422, "malformed", ""},
	} {
		a := d.post(t, c.token, "/v1/events"+c.path, c.contentType, c.body)
		title, pointer := a.result.Title+a.result.Problem.Title, a.result.Pointer+a.result.Problem.Pointer
		if a.code != c.code || title != c.title || pointer != c.pointer || a.result.Status != c.code {
			t.Errorf("%s: %d %s %s: %s", name, a.code, title, pointer, a.body)
		}
		if (a.header.Get("WWW-Authenticate") != "") != (c.code == 401) {
			t.Errorf("%s: WWW-Authenticate %q", name, a.header.Get("WWW-Authenticate"))
		}
		if a.result.Receipt != "" {
			t.Errorf("%s: a receipt for nothing", name)
		}
	}
	if d.history.Last() != last {
		t.Errorf("%d messages were added", d.history.Last()-last)
	}
}

func TestDoorBatch(t *testing.T) {
	d := openDoor(t, plan{}, false)
	emitter := d.tokens[events.Emitter]
	empty := d.post(t, emitter, "/v1/events?wait=anchored", typeBatch, "[]")
	if empty.code != 200 || strings.TrimSpace(empty.body) != `{"results":[]}` {
		t.Errorf("an empty batch: %d %s", empty.code, empty.body)
	}
	a := d.post(t, emitter, "/v1/events", typeBatch, "["+strings.Join([]string{
		accessed("1", "plate", "ABC"), accessed("1", "plate", "ABC"), `7`, registered("r"), accessed("2", "plate", "A*"), accessed("2", "", ""),
	}, ",")+"]")
	var got []int
	for _, r := range a.result.Results {
		got = append(got, r.Status)
		if (r.Position == nil) != (r.Status >= 400) || (r.Problem.Title == "") != (r.Status < 400) {
			t.Errorf("%+v", r)
		}
	}
	if a.code != 200 || fmt.Sprint(got) != "[201 200 422 403 422 201]" {
		t.Fatalf("%d %v %s", a.code, got, a.body)
	}
	d.checkReceipt(t, a.result.Receipt, 2, 3)
	refused := d.post(t, emitter, "/v1/events", typeBatch, "["+registered("r")+"]")
	if refused.code != 200 || refused.result.Receipt != "" || refused.result.Results[0].Status != 403 {
		t.Errorf("a batch of refusals: %d %s", refused.code, refused.body)
	}
	full := make([]string, 1000)
	for i := range full {
		full[i] = accessed(fmt.Sprint("f", i), "", "")
	}
	a = d.post(t, emitter, "/v1/events", typeBatch, "["+strings.Join(full, ",")+"]")
	if a.code != 200 || len(a.result.Results) != 1000 || a.result.Results[999].Status != 201 {
		t.Errorf("a full batch: %d", a.code)
	}
}

// checkReceipt holds that a receipt names exactly these positions, with the
// hashes of what stands there.
func (d *doorway) checkReceipt(t *testing.T, text string, positions ...events.Index) {
	t.Helper()
	v := must[note.Verifier](t)(proof.ParseVerifierKey(d.ring.ReceiptKey()))
	r := must[proof.Receipt](t)(proof.OpenReceipt([]byte(text), v))
	if len(r.Lines) != len(positions) {
		t.Fatalf("%d lines, want %d", len(r.Lines), len(positions))
	}
	for i, line := range r.Lines {
		m, _ := d.message(t, positions[i])
		if line.Index != positions[i] || line.EntryHash != events.HashEntry(m.Entry) {
			t.Errorf("line %d is %+v", i, line)
		}
	}
}

func TestWaitAnchored(t *testing.T) {
	d := openDoor(t, plan{}, true)
	a := d.post(t, d.tokens[events.Emitter], "/v1/events?wait=anchored", typeEvent, accessed("1", "plate", "ABC"))
	v := must[note.Verifier](t)(proof.ParseVerifierKey(d.ring.LogKey()))
	p := must[proof.Proof](t)(proof.ParseProof([]byte(a.result.Proof)))
	if c, err := p.Verify(v); err != nil || a.code != 201 || p.Index != 2 || c.Size < 3 {
		t.Errorf("%d, proof of %d in %d: %v", a.code, p.Index, c.Size, err)
	}
}

// TestWaitTimesOut posts to a ledger that publishes nothing.
func TestWaitTimesOut(t *testing.T) {
	t.Parallel()
	d := openDoor(t, plan{}, false)
	start := time.Now()
	a := d.post(t, d.tokens[events.Emitter], "/v1/events?wait=anchored", typeEvent, accessed("1", "", ""))
	if took := time.Since(start); a.code != 201 || a.result.Proof != "" || a.result.Receipt == "" || took < 4*time.Second || took > 10*time.Second {
		t.Errorf("%d after %v: %s", a.code, took, a.body)
	}
}

func TestDoorFullAndStopped(t *testing.T) {
	d := openDoor(t, plan{idle: true, maxQueue: 1}, false)
	emitter := d.tokens[events.Emitter]
	a := d.post(t, emitter, "/v1/events", typeBatch, "["+accessed("1", "", "")+","+accessed("2", "", "")+"]")
	if a.code != 429 || a.header.Get("Retry-After") == "" || a.result.Title != "queue-full" {
		t.Errorf("a full queue: %d %v %s", a.code, a.header, a.body)
	}
	d.stopIdle(t)
	for _, c := range []string{typeEvent, typeBatch} {
		body := accessed("1", "", "")
		if c == typeBatch {
			body = "[" + body + "]"
		}
		a = d.post(t, emitter, "/v1/events", c, body)
		if a.code != 503 || a.header.Get("Retry-After") == "" || a.result.Receipt != "" {
			t.Errorf("a stopped writer: %d %v %s", a.code, a.header, a.body)
		}
	}
}

func TestDoorOfStaleWriter(t *testing.T) {
	d := openDoor(t, plan{tap: &tap{before: once(fmt.Errorf("the batch: %w", events.ErrNotStored))}}, false)
	emitter := d.tokens[events.Emitter]
	for _, c := range []struct {
		code int
		tap  error
	}{{503, nil}, {201, nil}, {503, fmt.Errorf("another writer")}, {503, nil}} {
		if c.tap != nil {
			d.tap.set(once(c.tap), nil)
		}
		a := d.post(t, emitter, "/v1/events", typeEvent, accessed(fmt.Sprint(c.code == 201, c.tap), "plate", "ABC"))
		if a.code != c.code || (a.header.Get("Retry-After") != "") != (c.code == 503) || (a.result.Receipt != "") != (c.code == 201) {
			t.Errorf("%d %v %s, want %d", a.code, a.header, a.body, c.code)
		}
	}
	if d.history.Last() != 3 {
		t.Errorf("%d messages", d.history.Last())
	}
}
