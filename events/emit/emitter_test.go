package emit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

func openAt(t testing.TB, c Config) *Emitter {
	t.Helper()
	if c.Token == "" {
		c.Token = "token"
	}
	e, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// started runs e until the test, or stop, ends it.
func started(t testing.TB, e *Emitter) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { stop() })
	return stop
}

func flush(t testing.TB, e *Emitter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := e.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func emitAll(t testing.TB, e *Emitter, list ...Event) {
	t.Helper()
	if err := e.Emit(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
}

// ids are e<from> … e<to-1>.
func ids(from, to int) (out []string) {
	for n := from; n < to; n++ {
		out = append(out, fmt.Sprint("e", n))
	}
	return out
}

// payloads are the whole lines of a file of the outbox.
func payloads(t testing.TB, path string) (out []string) {
	t.Helper()
	f, err := openFile(path, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := readLines(f.File, 0, f.size); ; {
		p, err := in.next()
		if err != nil {
			return out
		}
		out = append(out, string(p))
	}
}

func TestEventsWaitForTheLedgerAndAreSentOnceInOrder(t *testing.T) {
	l, dir := startLedger(t), t.TempDir()
	e := openAt(t, Config{Dir: dir, URL: "http://127.0.0.1:1", segment: 3000})
	for n := range 60 {
		emitAll(t, e, access(n))
	}
	stop := started(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := e.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || e.State().Err == nil {
		t.Fatalf("nobody is there, and: %v, %+v", err, e.State())
	}
	if err := errors.Join(stop(), e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	if err := e.Emit(t.Context(), access(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("emitting into a closed emitter: %v", err)
	}
	l.busy = []int{503, 429, 0, 500} // one answer is lost after the ledger took the events
	e = openAt(t, Config{Dir: dir, URL: l.URL, segment: 3000})
	if s := e.State(); s.Waiting != 60 || s.Bytes == 0 {
		t.Fatalf("%+v", s)
	}
	started(t, e)
	emitAll(t, e, access(60), access(61))
	flush(t, e)
	if !slices.Equal(l.got(), ids(0, 62)) {
		t.Errorf("the ledger has %v", l.got())
	}
	if s := e.State(); s != (State{}) {
		t.Errorf("%+v", s)
	}
	r, err := e.CheckReceipts(t.Context(), l.Key)
	if err != nil || r.Kept != 62 || len(r.Broken)+r.Pending+len(r.Unsigned) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	e.Close()
	left, _ := filepath.Glob(filepath.Join(dir, segmentPrefix+"*"))
	if info, err := os.Stat(left[0]); len(left) != 1 || err != nil || info.Size() != 0 {
		t.Errorf("%v is left", left)
	}
}

func TestManyGoroutinesShareAnFsync(t *testing.T) {
	l := startLedger(t)
	var mu sync.Mutex
	syncs := 0
	e := openAt(t, Config{Dir: t.TempDir(), URL: l.URL, segment: 20_000, step: func(name string, do func() error) error {
		if name == "sync outbox" {
			mu.Lock()
			syncs++
			mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		return do()
	}})
	started(t, e)
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for n := range 50 {
				emitAll(t, e, access(g*1000+n))
			}
		})
	}
	all.Wait()
	flush(t, e)
	mu.Lock()
	defer mu.Unlock()
	if len(l.got()) != 800 || syncs > 400 {
		t.Errorf("%d events after %d fsyncs", len(l.got()), syncs)
	}
	last := map[int]int{}
	for _, id := range l.got() { // each goroutine's own order is kept
		var n int
		fmt.Sscanf(id, "e%d", &n)
		if last[n/1000] > n {
			t.Errorf("%s comes late", id)
		}
		last[n/1000] = n
	}
}

func TestABoundedOutboxIsFull(t *testing.T) {
	l := startLedger(t)
	e := openAt(t, Config{Dir: t.TempDir(), URL: l.URL, MaxEvents: 3, MaxBytes: 5000})
	emitAll(t, e, access(0), access(1))
	if err := e.Emit(t.Context(), access(2), access(3)); !errors.Is(err, ErrOutboxFull) {
		t.Errorf("a fourth event: %v", err)
	}
	big := access(3)
	big.Data.(map[string]any)["reasonText"] = strings.Repeat("x", 1900)
	if err := e.Emit(t.Context(), big); err != nil {
		t.Errorf("a third: %v", err)
	}
	started(t, e)
	flush(t, e)
	emitAll(t, e, access(4), access(5), access(6))
	flush(t, e)
	e.cfg.MaxBytes = 100
	if err := e.Emit(t.Context(), access(7)); !errors.Is(err, ErrOutboxFull) {
		t.Errorf("too many bytes: %v", err)
	}
	if got := l.got(); !slices.Equal(got, []string{"e0", "e1", "e3", "e4", "e5", "e6"}) {
		t.Errorf("the ledger has %v", got)
	}
}

func TestBadInputIsRefusedBeforeItIsSent(t *testing.T) {
	dir := t.TempDir()
	e := openAt(t, Config{Dir: dir, URL: "http://127.0.0.1:1"})
	noSource, unknown, free := access(1), access(2), access(3)
	noSource.Source, unknown.Kind = "", "data.guessed"
	free.Data.(map[string]any)["purpose"] = "looking for Mr Smith"
	odd := access(4)
	odd.Data = func() {}
	for at, event := range map[string]Event{"/source": noSource, "/type": unknown, "/data/purpose": free, "/data": odd} {
		var p *events.Problem
		if err := e.Emit(t.Context(), access(0), event); !errors.As(err, &p) || p.Pointer != at {
			t.Errorf("%s: %v", at, err)
		}
	}
	for _, raw := range []string{"", "{", "[]", "null\n{}"} {
		var p *events.Problem
		if err := e.EmitJSON(t.Context(), []byte(raw)); !errors.As(err, &p) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Emit(ctx, access(0)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s := e.State(); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

func TestEventsAreFilled(t *testing.T) {
	dir := t.TempDir()
	e := openAt(t, Config{Dir: dir, URL: "http://127.0.0.1:1"})
	event := access(0)
	event.ID, event.Data = "", json.RawMessage("{\n \"system\":\"a\",\"operation\":\"Consult\",\"outcome\":\"success\",\"subjects\":{\"mode\":\"none\"}}")
	emitAll(t, e, event)
	event.ID, event.Time = "mine", time.Date(2026, 6, 24, 10, 30, 0, 0, time.FixedZone("", 7200))
	emitAll(t, e, event)
	kept := payloads(t, e.segs[0].path)
	filled, err := events.ParseEvent([]byte(kept[0]))
	if err != nil || len(filled.ID) != 36 || filled.ID[14] != '7' || time.Since(filled.Time).Abs() > time.Minute {
		t.Errorf("%s: %v", kept[0], err)
	}
	if !strings.Contains(kept[1], `"id":"mine"`) || !strings.Contains(kept[1], `"time":"2026-06-24T10:30:00+02:00"`) {
		t.Errorf("%s", kept[1])
	}
	now := time.Now()
	if a, b := NewID(now), NewID(now.Add(time.Second)); a >= b || NewID(now) == a {
		t.Errorf("%s then %s", a, b)
	}
}

func TestRefusedEventsAreKeptAside(t *testing.T) {
	l, dir := startLedger(t), t.TempDir()
	e := openAt(t, Config{Dir: dir, URL: l.URL})
	other := access(1)
	other.Source = "other"
	emitAll(t, e, access(0), other, access(2))
	l.most = 1 // which refuses the request of three as a whole
	started(t, e)
	flush(t, e)
	kept := payloads(t, filepath.Join(dir, "refused"))
	if len(kept) != 1 || !strings.Contains(kept[0], `"number":2,"status":403,"problem":{"title":"source"},"event":{`) || !strings.Contains(kept[0], `"id":"e1"`) {
		t.Errorf("kept aside: %v", kept)
	}
	if !slices.Equal(l.got(), []string{"e0", "e2"}) || e.State().Refused != 1 {
		t.Errorf("%v %+v", l.got(), e.State())
	}
}

// TestPoisonIsFoundByHalving: a request that is refused whole costs one event.
func TestPoisonIsFoundByHalving(t *testing.T) {
	l, dir := startLedger(t), t.TempDir()
	e := openAt(t, Config{Dir: dir, URL: l.URL, Client: &http.Client{Transport: poisoned{"e5"}}})
	for n := range 9 {
		emitAll(t, e, access(n))
	}
	started(t, e)
	flush(t, e)
	want := slices.Delete(ids(0, 9), 5, 6)
	if kept := payloads(t, filepath.Join(dir, "refused")); !slices.Equal(l.got(), want) || len(kept) != 1 {
		t.Errorf("%v, aside %v", l.got(), kept)
	}
}

// poisoned is a proxy that refuses whatever holds its id.
type poisoned struct{ id string }

func (p poisoned) RoundTrip(r *http.Request) (*http.Response, error) {
	body := make([]byte, r.ContentLength)
	b, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	b.Read(body)
	if strings.Contains(string(body), `"`+p.id+`"`) {
		return &http.Response{StatusCode: 422, Body: http.NoBody, Header: http.Header{}}, nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestAFinalRefusalEndsRunAndKeepsEverything(t *testing.T) {
	l, dir := startLedger(t), t.TempDir()
	e := openAt(t, Config{Dir: dir, URL: l.URL, Token: "wrong"})
	emitAll(t, e, access(0))
	var refused *RefusedError
	if err := e.Run(t.Context()); !errors.As(err, &refused) || refused.Status != 401 {
		t.Errorf("run ended with %v", err)
	}
	if err := e.Flush(t.Context()); !errors.As(err, &refused) {
		t.Errorf("flush ended with %v", err)
	}
	e.Close()
	e = openAt(t, Config{Dir: dir, URL: l.URL})
	started(t, e)
	flush(t, e)
	if !slices.Equal(l.got(), ids(0, 1)) {
		t.Errorf("the ledger has %v", l.got())
	}
}

func TestOneProcessADirectory(t *testing.T) {
	dir := t.TempDir()
	e := openAt(t, Config{Dir: dir})
	if _, err := Open(dir, "", ""); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	stop := started(t, e)
	for !func() bool { e.mu.Lock(); defer e.mu.Unlock(); return e.running }() {
		time.Sleep(time.Millisecond)
	}
	if err := e.Run(t.Context()); err == nil {
		t.Error("two senders run")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestAnswersWithoutAReceiptAreNotBelieved: the events stay until the promise
// is there.
func TestAnswersWithoutAReceiptAreNotBelieved(t *testing.T) {
	position := uint64(1)
	hash := events.HashEntry(nil).String()
	for name, a := range map[string]Answer{
		"no receipt":     {Results: []Result{{Status: 201, Position: &position, EntryHash: hash}}},
		"another status": {Results: []Result{{Status: 302}}},
		"nonsense":       {Results: []Result{{Status: 403}}, Receipt: "x"},
		"no position":    {Results: []Result{{Status: 200, EntryHash: hash}}},
	} {
		if a.check() == nil {
			t.Errorf("%s is believed", name)
		}
	}
}

func TestLinksNoDatabase(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		for _, big := range []string{"pebble", "nats", "trillian", "grpc", "daybook/events/intake", "daybook/ledger/locallog"} {
			if strings.Contains(name, big) {
				t.Errorf("emit links %s", name)
			}
		}
	}
}
