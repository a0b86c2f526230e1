package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func connect(t *testing.T, w *world) *client.Client {
	t.Helper()
	s := httptest.NewServer(w.handler)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL+"/", s.Client())
	check(t, err)
	return c
}

// TestEntriesAreTheLog reads everything page by page and holds each entry
// against the history, byte for byte.
func TestEntriesAreTheLog(t *testing.T) {
	w := seeded(t)
	c := connect(t, w)
	messages, _ := w.history.state()
	f := client.Filter{Limit: 3}
	seen := 0
	for {
		page, next, err := c.Entries(t.Context(), f)
		check(t, err)
		for _, e := range page {
			m, err := events.ParseMessage(messages[e.Position.Seq()-1].Data)
			check(t, err)
			parsed, err := events.ParseEntry(e.Raw)
			check(t, err)
			if int(e.Position) != seen || !bytes.Equal(m.Entry, e.Raw) || e.Event != parsed.Name().String() {
				t.Fatalf("entry %d is %s", e.Position, e.Raw)
			}
			seen++
		}
		if f.After = next; next == nil {
			break
		}
	}
	if seen != len(messages) {
		t.Errorf("%d of %d entries", seen, len(messages))
	}
}

func TestFilters(t *testing.T) {
	c := connect(t, seeded(t))
	for _, x := range []struct {
		filter client.Filter
		want   []events.Index
	}{
		{client.Filter{Kind: "data.accessed"}, []events.Index{8, 9}},
		{client.Filter{Organization: "example"}, []events.Index{2, 10}},
		{client.Filter{System: "city/a//b", Kind: "data.accessed"}, []events.Index{8}},
		{client.Filter{Dataset: "city/reads"}, []events.Index{3, 4, 8, 10}},
		{client.Filter{Day: "2026-06-17", Organization: "city"}, []events.Index{8, 9}},
		{client.Filter{Kind: "data.shared"}, nil},
	} {
		page, next, err := c.Entries(t.Context(), x.filter)
		check(t, err)
		var got []events.Index
		for _, e := range page {
			got = append(got, e.Position)
		}
		if !reflect.DeepEqual(got, x.want) || next != nil {
			t.Errorf("%+v: %v, want %v; next %v", x.filter, got, x.want, next)
		}
	}
}

func TestBadParameters(t *testing.T) {
	w := seeded(t)
	for path, pointer := range map[string]string{
		"/v1/entries?limit=0": "?limit", "/v1/entries?limit=1001": "?limit", "/v1/entries?limit=01": "?limit", "/v1/entries?limit=x": "?limit",
		"/v1/entries?after=-1": "?after", "/v1/entries?after=9007199254740992": "?after", "/v1/entries?after=00": "?after",
		"/v1/entries?kind=data.nothing": "?kind", "/v1/entries?organization=City": "?organization", "/v1/entries?system=a%00b": "?system",
		"/v1/entries?dataset=%22": "?dataset", "/v1/entries?day=2026-02-30": "?day", "/v1/entries?colour=red": "?colour",
		"/v1/entries?kind=data.accessed&kind=data.shared": "?kind", "/v1/register/system?after=A": "?after", "/v1/register/system?kind=x": "?kind",
		"/v1/totals?x=1": "?x", "/v1/ledger?x": "?x", "/v1/entries/0?x": "?x", "/v1/entries/0/proof?x": "?x", "/v1/findings?organization=city": "?organization", "/v1/retention?x=1": "?x", "/v1/findings.csv?x=1": "?x", "/v1/retention.csv?x=1": "?x", "/v1/sharing.csv?from=x": "?from", "/v1/sharing?recipient=%22": "?recipient", "/v1/sharing?from=2026-13": "?from",
		"/v1/sharing?to=june": "?to", "/v1/sharing?disclosureClass=x": "?disclosureClass", "/v1/sharing?legalStandard=%00": "?legalStandard",
		"/v1/sharing?after=-1": "?after", "/v1/sharing?limit=0": "?limit", "/v1/sharing?kind=x": "?kind", "/v1/register/system?at=x": "?at",
		"/v1/register/system?at=2026-02-30": "?at", "/v1/register/system?at=9999-01-01": "?at", "/v1/register/system/city/model?at=24.6.2026": "?at",
		"/v1/entries.csv?limit=0": "?limit", "/v1/entries.csv?kind=x": "?kind", "/v1/entries.csv?x=1": "?x", "/v1/totals.csv?x=1": "?x", "/openapi.json?x=1": "?x",
		"/v1/register/system.csv?limit=1001": "?limit", "/v1/register/system.csv?after=A": "?after", "/v1/register/system.csv?at=2026-02-30": "?at",
		"/v1/entries?a=%zz": "", "/v1/entries?a;b": "",
	} {
		got := w.get(path)
		var p struct {
			Status  int
			Pointer string
		}
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || got.Code != 422 || p.Status != 422 || p.Pointer != pointer {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
	if got := w.get("/v1/entries?kind=&organization=&system=&dataset=&limit=&after="); got.Code != 200 {
		t.Errorf("empty parameters: %d %s", got.Code, got.Body)
	}
	for _, path := range []string{"/entries?limit=3", "/entries?kind=x", "/register/system?x=1", "/register?x=1", "/register?at=x", "/findings?x=1", "/sharing?after=x", "/sharing?from=x", "/deletions?at=2026-06-24"} {
		if got := w.get(path); got.Code != 422 || !strings.Contains(got.Body.String(), "<h1>") {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

func TestProofsVerify(t *testing.T) {
	w := seeded(t)
	c := connect(t, w)
	key, err := proof.ParseVerifierKey(w.vkey)
	check(t, err)
	page, _, err := c.Entries(t.Context(), client.Filter{})
	check(t, err)
	for _, e := range page {
		for _, ref := range []string{e.Event, fmt.Sprint(e.Position)} {
			p, err := c.Proof(t.Context(), ref)
			check(t, err)
			if _, err := p.Verify(key); err != nil || p.Index != e.Position || !bytes.Equal(p.Extra, e.Raw) {
				t.Errorf("the proof of %s: position %d, %v", ref, p.Index, err)
			}
		}
	}
	if _, err := c.Proof(t.Context(), "99"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a proof of nothing: %v", err)
	}
	if got := w.get("/v1/entries/3/proof?download=1").Header().Get("Content-Disposition"); got != `attachment; filename="entry-3.tlog-proof"` {
		t.Errorf("a download is %q", got)
	}
}

// TestAuditOverHTTP gives the client to the auditor, as any Source.
func TestAuditOverHTTP(t *testing.T) {
	w := seeded(t)
	key, err := proof.ParseVerifierKey(w.vkey)
	check(t, err)
	report, err := ledger.Audit(t.Context(), connect(t, w), key, ledger.AuditOptions{})
	check(t, err)
	if report.Size != 11 {
		t.Errorf("audited %d entries", report.Size)
	}
}

// TestUnpublished records without publishing: nothing of it is shown, and
// whoever knows of it is told to wait.
func TestUnpublished(t *testing.T) {
	w := newWorld(t)
	w.publish()
	stopped := w.anchor.Public()
	size, _ := w.anchor.Checkpoint()
	frozen := frozenLedger{w.anchor, size}
	w.serve(frozen, stopped)
	w.say("city", "organization.registered", "2026-06-18T05:00:00Z", `{"organization":"city","name":"City","kind":"city","timeZone":"UTC"}`)
	w.fold()
	for path, want := range map[string]int{
		"/v1/entries/1": 503, "/v1/entries/1/proof": 503, "/v1/entries/2": 404, "/v1/entries/0": 200, "/entries/1": 503,
		"/v1/register/organization/city": 404, "/register/organization/city": 404,
	} {
		got := w.get(path)
		if got.Code != want || want == 503 && got.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	for _, path := range []string{"/", "/entries", "/v1/entries", "/v1/totals", "/register/organization", "/v1/register/organization", "/v1/findings", "/findings", "/register/organization?at=2026-06-24"} {
		if got := w.get(path).Body.String(); strings.Contains(got, `"city"`) || strings.Contains(got, ">City<") {
			t.Errorf("%s shows what is not published: %s", path, got)
		}
	}
}

func TestNothingPublished(t *testing.T) {
	w := newWorld(t)
	w.fold()
	w.serve(frozenLedger{}, w.anchor.Public())
	for path, want := range map[string]int{"/": 200, "/entries": 200, "/register": 200, "/v1/entries": 200, "/v1/totals": 200, "/v1/findings": 200, "/findings": 200, "/sharing": 200, "/deletions": 200, "/coverage": 200, "/v1/coverage": 200, "/seals": 200, "/v1/seals": 200, "/v1/ledger": 503, "/checkpoint": 404, "/v1/entries/0": 503} {
		if got := w.get(path); got.Code != want {
			t.Errorf("%s: %d, want %d: %s", path, got.Code, want, got.Body)
		}
	}
}

func TestLedgerAndTotals(t *testing.T) {
	w := seeded(t)
	l, err := connect(t, w).Ledger(t.Context())
	check(t, err)
	if l.Origin != origin || l.Keys.Log != w.vkey || l.Size != 11 || l.Policy != "quorum none\n" {
		t.Errorf("the ledger says %+v", l)
	}
	var totals struct {
		Size          int
		Real, Example struct {
			Entries int
			ByKind  map[string]int
		}
	}
	check(t, json.Unmarshal(w.get("/v1/totals").Body.Bytes(), &totals))
	if totals.Size != 11 || totals.Real.Entries != 9 || totals.Example.Entries != 2 || totals.Real.ByKind["data.accessed"] != 2 || totals.Real.ByKind["data.deleted"] != 0 {
		t.Errorf("the totals are %+v", totals)
	}
}

func TestRegisterJSON(t *testing.T) {
	w := seeded(t)
	var item struct {
		ID      string
		Fields  struct{ Retention struct{ Period string } }
		History []struct{ Position int }
	}
	check(t, json.Unmarshal(w.get("/v1/register/dataset/city/reads").Body.Bytes(), &item))
	if item.ID != "city/reads" || item.Fields.Retention.Period != "P1Y6M" || len(item.History) != 2 || item.History[1].Position != 4 {
		t.Errorf("the dataset is %+v", item)
	}
	var list struct {
		Items []struct{ ID string }
		Next  *string
	}
	check(t, json.Unmarshal(w.get("/v1/register/system?limit=1").Body.Bytes(), &list))
	if len(list.Items) != 1 || list.Next == nil || *list.Next != list.Items[0].ID {
		t.Errorf("the first page is %+v", list)
	}
	check(t, json.Unmarshal(w.get("/v1/register/system?limit=1&after="+*list.Next).Body.Bytes(), &list))
	if len(list.Items) != 1 || list.Items[0].ID != "city/model" || list.Next != nil {
		t.Errorf("the last page is %+v", list)
	}
}

// TestClientLimits gives the client servers that misbehave.
func TestClientLimits(t *testing.T) {
	answer := func(http.ResponseWriter) {}
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { answer(out) }))
	defer s.Close()
	c, err := client.New(s.URL, nil)
	check(t, err)
	answer = func(out http.ResponseWriter) { out.Write(make([]byte, 65<<10)) }
	if _, err := c.Read(t.Context(), "checkpoint"); err == nil {
		t.Error("a checkpoint of 65 KiB is read")
	}
	if _, err := c.Proof(t.Context(), "1"); err == nil {
		t.Error("zeros are a proof")
	}
	answer = func(out http.ResponseWriter) { http.Error(out, "no", http.StatusBadGateway) }
	var refusal *client.Refusal
	if _, err := c.Read(t.Context(), "tile/0/000"); !errors.As(err, &refusal) || refusal.Status != 502 || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bad gateway is %v", err)
	}
	if _, err := c.Read(t.Context(), "../secret"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another path is %v", err)
	}
	for _, address := range []string{"", "daybook.example", "ftp://daybook.example", "http://", "http://u:p@daybook.example", "http://daybook.example/?q", "http://a b"} {
		if _, err := client.New(address, nil); err == nil {
			t.Errorf("%q is an address", address)
		}
	}
}
