package intake_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// hatch is a doorway whose server listens, with the NATS door open in it.
type hatch struct {
	*doorway
	tokensDir string
	close     func() // the NATS door alone, waiting for it
}

func openHatch(t testing.TB, p plan, publishing bool) *hatch {
	t.Helper()
	h := &hatch{tokensDir: t.TempDir()}
	p.nats = must[*intake.Tokens](t)(intake.OpenTokens(h.tokensDir))
	h.doorway = openDoor(t, p, publishing)
	own := must[*nats.Conn](t)(h.broker.ConnectEmitters(broker.Client(intake.NATSDoorSubjects())))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	door := &intake.NATSDoor{Door: h.door, Conn: own}
	go func() { ended <- door.Run(ctx) }()
	h.close = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("closing the door: %v", err)
		}
	})
	h.closers = append(h.closers, func() error { h.close(); return nil })
	h.ready(t)
	return h
}

// ready waits until the door answers.
func (h *hatch) ready(t testing.TB) {
	t.Helper()
	nc := h.dial(t, h.tokens[events.Emitter])
	defer nc.Close()
	for range 200 {
		if _, err := nc.Request(micro.APIPrefix+".PING.daybook", nil, time.Second); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the NATS door does not open")
}

// dial connects over TCP as the holder of a token.
func (h *hatch) dial(t testing.TB, token string, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc := must[*nats.Conn](t)(h.tryDial(token, options...))
	t.Cleanup(nc.Close)
	return nc
}

func (h *hatch) tryDial(token string, options ...nats.Option) (*nats.Conn, error) {
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	options = append([]nats.Option{nats.UserInfo("city/app", token), nats.CustomInboxPrefix(intake.PlaceOf(token).Inbox), quiet}, options...)
	return nats.Connect("nats://"+h.broker.Addr().String(), options...)
}

// ask sends one request and reads its answer. Headers are names and values.
func ask(t testing.TB, nc *nats.Conn, token, body string, headers ...string) (answer, nats.Header) {
	t.Helper()
	m := nats.NewMsg(intake.PlaceOf(token).Subject)
	m.Data = []byte(body)
	for i := 0; i < len(headers); i += 2 {
		m.Header[headers[i]] = append(m.Header[headers[i]], headers[i+1])
	}
	got := must[*nats.Msg](t)(nc.RequestMsg(m, 10*time.Second))
	a := answer{body: string(got.Data)}
	if err := json.Unmarshal(got.Data, &a.result); err != nil {
		t.Fatalf("the answer is not JSON: %v: %q", err, got.Data)
	}
	a.code = a.result.Status
	if a.result.Results != nil {
		a.code = 200
	}
	return a, got.Header
}

var binaryHeaders = []string{
	"ce-specversion", "1.0", "ce-type", "org.daybook.data.accessed.v1", "ce-time", "2026-06-24T21:30:00Z",
	"ce-source", "city/app", "ce-datacontenttype", "application/json",
}

const nobody = `{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"none"}}`

// TestNATSModes sends events in each mode. What one mode or door accepted is a
// repeat by every other.
func TestNATSModes(t *testing.T) {
	h := openHatch(t, plan{}, false)
	token := h.tokens[events.Emitter]
	nc := h.dial(t, token)
	for i, headers := range [][]string{
		nil, // the binding of 1.0.2 knows no headers
		{"Content-Type", typeEvent},
		{"content-type", typeEvent + "; charset=UTF-8"},
		append([]string{"ce-id", "3"}, binaryHeaders...),
		append([]string{"CE-ID", "4", "Content-Type", "application/json"}, binaryHeaders...),
	} {
		text := said("data.accessed", fmt.Sprint(i), nobody)
		body := text
		if i > 2 {
			body = nobody
		}
		first, header := ask(t, nc, token, body, headers...)
		if first.code != 201 || header.Get("Content-Type") != "application/json" || header.Get(micro.ErrorHeader) != "" {
			t.Fatalf("%v: %s %v", headers, first.body, header)
		}
		h.checkReceipt(t, first.result.Receipt, *first.result.Position)
		again, _ := ask(t, nc, token, body, headers...)
		http := h.post(t, token, "/v1/events", typeEvent, text)
		if again.code != 200 || http.code != 200 || http.result.EntryHash != first.result.EntryHash || *again.result.Position != *first.result.Position {
			t.Errorf("%v: again %s\nover HTTP %s", headers, again.body, http.body)
		}
	}
	// And the other way round, as a batch with a refusal in it.
	posted := h.post(t, token, "/v1/events", typeEvent, accessed("http", "plate", "ABC"))
	batch, header := ask(t, nc, token, "["+accessed("http", "plate", "ABC")+","+registered("r")+"]", "Content-Type", typeBatch)
	if r := batch.result.Results; batch.code != 200 || len(r) != 2 || r[0].Status != 200 || r[1].Status != 403 || header.Get(micro.ErrorHeader) != "" {
		t.Errorf("a batch: %s", batch.body)
	}
	h.checkReceipt(t, batch.result.Receipt, *posted.result.Position)
	full := make([]string, 1000)
	for i := range full {
		full[i] = accessed(fmt.Sprint("f", i), "", "")
	}
	large, _ := ask(t, nc, token, "["+strings.Join(full, ",")+"]"+strings.Repeat(" ", 600_000), "Content-Type", typeBatch)
	if r := large.result.Results; large.code != 200 || len(r) != 1000 || r[999].Status != 201 {
		t.Errorf("a full batch: %.200s", large.body)
	}
	h.walk(t)
}

func TestNATSWaitAnchored(t *testing.T) {
	h := openHatch(t, plan{}, true)
	token := h.tokens[events.Emitter]
	a, _ := ask(t, h.dial(t, token), token, accessed("1", "plate", "ABC"), "Daybook-Wait", "anchored")
	v := must[note.Verifier](t)(proof.ParseVerifierKey(h.ring.LogKey()))
	p := must[proof.Proof](t)(proof.ParseProof([]byte(a.result.Proof)))
	if _, err := p.Verify(v); err != nil || a.code != 201 {
		t.Errorf("%d: %v", a.code, err)
	}
}

func TestNATSRefusals(t *testing.T) {
	h := openHatch(t, plan{}, false)
	token := h.tokens[events.Emitter]
	nc := h.dial(t, token)
	good, last := accessed("1", "", ""), h.history.Last()
	full := string(must[[]byte](t)(json.Marshal(strings.Repeat("x", 1<<20))))
	for name, c := range map[string]struct {
		body    string
		headers []string
		code    int
		title   string
	}{
		"nothing":             {"", nil, 422, "malformed-json"},
		"broken":              {good[:40], nil, 422, "malformed-json"},
		"batch of no array":   {good, []string{"Content-Type", typeBatch}, 422, "wrong-type"},
		"plain text":          {good, []string{"Content-Type", "text/plain"}, 415, "unsupported-media-type"},
		"JSON, no ce-":        {good, []string{"Content-Type", "application/json"}, 415, "unsupported-media-type"},
		"CBOR":                {good, []string{"Content-Type", "application/cloudevents+cbor"}, 415, "unsupported-media-type"},
		"no content type":     {good, []string{"Content-Type", ";"}, 415, "unsupported-media-type"},
		"two content types":   {good, []string{"Content-Type", typeEvent, "content-type", typeEvent}, 415, "unsupported-media-type"},
		"Latin-1":             {good, []string{"Content-Type", typeEvent + "; charset=iso-8859-1"}, 415, "unsupported-media-type"},
		"data of text":        {nobody, append([]string{"ce-id", "1", "ce-datacontenttype", "text/plain"}, binaryHeaders[:8]...), 415, "unsupported-media-type"},
		"binary, no id":       {nobody, binaryHeaders, 422, "missing-field"},
		"binary, two ids":     {nobody, append([]string{"ce-id", "1", "CE-Id", "2"}, binaryHeaders...), 422, "malformed"},
		"binary, no percent":  {nobody, append([]string{"ce-id", "%zz"}, binaryHeaders...), 422, "malformed"},
		"another source":      {strings.Replace(good, "city/app", "city/other", 1), nil, 403, "source"},
		"a registrar's kind":  {registered("r"), nil, 403, "role"},
		"too large":           {full, nil, 413, "too-large"},
		"too large, and much": {strings.Repeat(full, 4), nil, 413, "too-large"},
		"wait for what":       {good, []string{"Daybook-Wait", "long"}, 422, "malformed"},
	} {
		a, header := ask(t, nc, token, c.body, c.headers...)
		title := a.result.Title + a.result.Problem.Title
		if a.code != c.code || title != c.title || a.result.Receipt != "" {
			t.Errorf("%s: %s", name, a.body)
		}
		if header.Get(micro.ErrorCodeHeader) != fmt.Sprint(c.code) || header.Get(micro.ErrorHeader) != c.title {
			t.Errorf("%s: %v", name, header)
		}
		if a.result.Type != "" && header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", name, header)
		}
	}
	if h.history.Last() != last {
		t.Errorf("%d messages were added", h.history.Last()-last)
	}
}

func TestNATSCredentials(t *testing.T) {
	h := openHatch(t, plan{}, false)
	token := h.tokens[events.Emitter]
	for _, wrong := range []string{"", "daybook_emitter_x", "../" + token, strings.ToUpper(token)} {
		if nc, err := h.tryDial(wrong); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("connecting with %q: %v", wrong, err)
			nc.Close()
		}
	}
	// Tokens made while serving work at once, with any name or none.
	fresh := must[string](t)(h.door.Tokens.Mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}}))
	nc := h.dial(t, fresh, nats.UserInfo("anything", fresh))
	if a, _ := ask(t, nc, fresh, accessed("1", "", "")); a.code != 201 {
		t.Errorf("a new token: %s", a.body)
	}
	bare := h.dial(t, fresh, nats.UserInfo("", ""), nats.Token(fresh))
	if a, _ := ask(t, bare, fresh, accessed("1", "", "")); a.code != 200 {
		t.Errorf("without a name: %s", a.body)
	}
	// Revoked, it ends on the open connection as well.
	key := sha256.Sum256([]byte(fresh))
	if err := os.Remove(filepath.Join(h.tokensDir, hex.EncodeToString(key[:]))); err != nil {
		t.Fatal(err)
	}
	if a, header := ask(t, nc, fresh, accessed("2", "", "")); a.code != 401 || a.result.Title != "unknown-token" || header.Get(micro.ErrorCodeHeader) != "401" {
		t.Errorf("a revoked token: %s", a.body)
	}
	if nc, err := h.tryDial(fresh); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connecting with a revoked token: %v", err)
		nc.Close()
	}
}

// silent holds that a request to subject is not answered.
func silent(t *testing.T, nc *nats.Conn, subject, body string) {
	t.Helper()
	if m, err := nc.Request(subject, []byte(body), 50*time.Millisecond); err == nil {
		t.Errorf("%s answered %s", subject, m.Data)
	}
}

// TestNATSConfines does what an emitter with bad intentions would try.
func TestNATSConfines(t *testing.T) {
	h := openHatch(t, plan{}, false)
	token, victim := h.tokens[events.Emitter], h.tokens[events.Registrar]
	thief, other := h.dial(t, token), h.dial(t, victim)
	place, last := intake.PlaceOf(victim), h.history.Last()

	stream := must[jetstream.JetStream](t)(jetstream.New(h.nc))
	var name string
	for n := range stream.StreamNames(t.Context()).Name() {
		name = n
	}
	info := must[jetstream.Stream](t)(stream.Stream(t.Context(), name)).CachedInfo()
	for _, subject := range []string{
		info.Config.Subjects[0], "daybook.v1.events", "daybook.v1.events.x", place.Subject, place.Inbox + ".x",
		"$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.PURGE." + name, "$JS.API.STREAM.DELETE." + name, "$JS.API.STREAM.MSG.GET." + name,
		"$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.PING.CONNZ", "$SRV.STATS", "$SRV.STATS.daybook",
	} {
		silent(t, thief, subject, "{}")
	}
	var subs []*nats.Subscription
	for _, subject := range []string{">", "*.>", "_INBOX.>", "_INBOX.*.>", place.Inbox + ".>", place.Subject, "daybook.v1.events.*", "$SYS.>", "$JS.>", "$SRV.>", info.Config.Subjects[0]} {
		subs = append(subs, must[*nats.Subscription](t)(thief.SubscribeSync(subject)))
		subs = append(subs, must[*nats.Subscription](t)(thief.QueueSubscribeSync(subject, micro.DefaultQueueGroup)))
	}
	if err := thief.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if a, _ := ask(t, other, victim, registered(fmt.Sprint("r", i))); a.code != 201 {
			t.Errorf("the registrar: %s", a.body)
		}
	}
	for _, sub := range subs {
		if m, err := sub.NextMsg(10 * time.Millisecond); err == nil {
			t.Errorf("a subscription to %s got %s", sub.Subject, m.Data)
		}
	}
	if n := h.history.Last() - last; n != 10 {
		t.Errorf("%d messages were added", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := must[jetstream.JetStream](t)(jetstream.New(thief)).AccountInfo(ctx); err == nil {
		t.Error("an emitter reached JetStream")
	}
}

// TestNATSRepliesStayHome names reply subjects that are not the sender's: the
// door must not be made to speak in somebody else's inbox, nor to itself.
func TestNATSRepliesStayHome(t *testing.T) {
	h := openHatch(t, plan{}, false)
	token, victim := h.tokens[events.Emitter], h.tokens[events.Registrar]
	thief, other := h.dial(t, token), h.dial(t, victim)
	inbox := must[*nats.Subscription](t)(other.SubscribeSync(intake.PlaceOf(victim).Inbox + ".>"))
	if err := other.Flush(); err != nil {
		t.Fatal(err)
	}
	last := h.history.Last()
	for i, to := range []string{"", intake.PlaceOf(victim).Inbox + ".x", intake.PlaceOf(victim).Subject, intake.PlaceOf(token).Inbox, "$SRV.PING"} {
		m := &nats.Msg{Subject: intake.PlaceOf(token).Subject, Reply: to, Data: []byte(accessed(fmt.Sprint(i), "", ""))}
		if err := thief.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	// Discovery answers itself, past the door's own check, so only to inboxes.
	if err := thief.PublishRequest("$SRV.INFO", intake.PlaceOf(victim).Subject, nil); err != nil {
		t.Fatal(err)
	}
	if a, _ := ask(t, thief, token, accessed("last", "", "")); a.code != 201 || h.history.Last() != last+1 {
		t.Errorf("%s, %d messages", a.body, h.history.Last()-last)
	}
	if m, err := inbox.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("the inbox of another got %s", m.Data)
	}
}

// TestNATSManyAtOnce sends from many goroutines, some the same event, and closes
// the door in the middle: what was let in is answered, the rest is told.
func TestNATSManyAtOnce(t *testing.T) {
	h := openHatch(t, plan{}, false)
	token := h.tokens[events.Emitter]
	nc := h.dial(t, token)
	last := h.history.Last()
	var group sync.WaitGroup
	for i := range 300 {
		group.Go(func() {
			if a, _ := ask(t, nc, token, accessed(fmt.Sprint(i/2), "", "")); a.code != 201 && a.code != 200 {
				t.Errorf("%s", a.body)
			}
		})
	}
	group.Wait()
	if n := h.history.Last() - last; n != 150 {
		t.Errorf("%d messages", n)
	}
	last = h.history.Last()
	var mu sync.Mutex
	stored := 0
	for i := range 300 {
		group.Go(func() {
			m, err := nc.Request(intake.PlaceOf(token).Subject, []byte(accessed(fmt.Sprint("late", i), "", "")), 10*time.Second)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && strings.HasPrefix(string(m.Data), `{"status":201`) {
				stored++
			}
		})
	}
	h.close()
	group.Wait()
	if n := int(h.history.Last() - last); n != stored {
		t.Errorf("%d stored, %d were told so", n, stored)
	}
	if _, err := nc.Request(intake.PlaceOf(token).Subject, nil, time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a closed door: %v", err)
	}
}

func TestNATSStoppedWriter(t *testing.T) {
	h := openHatch(t, plan{idle: true, maxQueue: 1}, false)
	token := h.tokens[events.Emitter]
	nc := h.dial(t, token)
	full, header := ask(t, nc, token, "["+accessed("1", "", "")+","+accessed("2", "", "")+"]", "Content-Type", typeBatch)
	if full.code != 429 || header.Get("Retry-After") == "" || full.result.Title != "queue-full" {
		t.Errorf("a full queue: %s", full.body)
	}
	h.stopIdle(t)
	if a, header := ask(t, nc, token, accessed("1", "", "")); a.code != 503 || header.Get("Retry-After") == "" {
		t.Errorf("a stopped writer: %s", a.body)
	}
}

// TestNATSInHand sends more than the door holds while nothing is stored: each
// request is answered, the ones too many at once.
func TestNATSInHand(t *testing.T) {
	h := openHatch(t, plan{idle: true}, false)
	token := h.tokens[events.Emitter]
	nc, place := h.dial(t, token), intake.PlaceOf(token)
	answers := must[*nats.Subscription](t)(nc.SubscribeSync(place.Inbox + ".x"))
	const holds, more = 1024, 50
	for i := range holds + more {
		if err := nc.PublishRequest(place.Subject, place.Inbox+".x", []byte(accessed(fmt.Sprint(i), "", ""))); err != nil {
			t.Fatal(err)
		}
	}
	answered := func(n int) map[string]int {
		t.Helper()
		codes := map[string]int{}
		for range n {
			codes[must[*nats.Msg](t)(answers.NextMsg(10*time.Second)).Header.Get(micro.ErrorCodeHeader)]++
		}
		return codes
	}
	if got := answered(more); got["429"] != more {
		t.Errorf("too many requests: %v", got)
	}
	if m, err := answers.NextMsg(20 * time.Millisecond); err == nil {
		t.Errorf("nothing is stored, and the answer is %s", m.Data)
	}
	last := h.history.Last()
	h.stopIdle(t) // which may store some of them before it stops
	if got := answered(holds); got["503"]+got[""] != holds || got[""] != int(h.history.Last()-last) {
		t.Errorf("a stopped writer: %v", got)
	}
}

// TestNATSInfo asks the service what it is, as other people's tools do.
func TestNATSInfo(t *testing.T) {
	h := openHatch(t, plan{}, false)
	nc := h.dial(t, h.tokens[events.Emitter])
	m := must[*nats.Msg](t)(nc.Request("$SRV.INFO.daybook", nil, time.Second))
	var info micro.Info
	if err := json.Unmarshal(m.Data, &info); err != nil || info.Name != "daybook" || len(info.Endpoints) != 1 || info.Endpoints[0].Subject != "daybook.v1.events.*" {
		t.Errorf("%s: %v", m.Data, err)
	}
}

// FuzzNATS sends any payload with any headers over TCP: it is answered with JSON
// and a documented status, and the writer lives.
func FuzzNATS(f *testing.F) {
	h := openHatch(f, plan{}, false)
	token := h.tokens[events.Emitter]
	nc := h.dial(f, token)
	kind, _ := events.FindKind("data.accessed")
	f.Add("Content-Type: "+typeEvent, said("data.accessed", "full", filled(kind, true, anna)))
	f.Add("content-type: "+typeBatch, "["+accessed("1", "plate", "ABC")+",7]")
	f.Add("", accessed("1", "", ""))
	f.Add("ce-specversion: 1.0\nCE-ID: %zz\nce-source: \"city/app\"\nce-datacontenttype: application/json", nobody)
	f.Add("ce-specversion: 1.0\nce-specversion: 1.0\nContent-Type: application/x+json; charset=\"utf-8", "{")
	f.Add("Daybook-Wait: \x00\nContent-Type: ;\nNats-Service-Error: x", "\xff")
	f.Fuzz(func(t *testing.T, headers, body string) {
		var list []string
		for line := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if name == "" || strings.Trim(strings.ToLower(name), "-abcdefghijklmnopqrstuvwxyz") != "" {
				continue // the client writes no such name
			}
			list = append(list, name, value)
		}
		a, header := ask(t, nc, token, body, list...)
		refused := a.code >= 400
		if !slices.Contains(documented, a.code) || a.code == 503 || refused != (header.Get(micro.ErrorCodeHeader) == fmt.Sprint(a.code)) {
			t.Fatalf("%d %v %s", a.code, header, a.body)
		}
		select {
		case err := <-h.ended:
			t.Fatalf("the writer ended: %v", err)
		default:
		}
	})
}
