package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// slow is a ledger whose parts a test runs by itself, on a clock of its own: one
// whose anchor can stand still.
type slow struct {
	*system
	t     *testing.T
	token string
	sent  int
	mu    sync.Mutex
	time  time.Time
}

func openSlow(t *testing.T, limit time.Duration) *slow {
	t.Helper()
	w := &slow{t: t, time: time.Date(2026, 6, 24, 8, 0, 0, 0, time.UTC)}
	var err error
	w.system, err = open(t.Context(), config{dir: t.TempDir(), publishEvery: 10 * time.Millisecond, maxAge: limit, now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	w.token, err = w.tokens.MintInMemory(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city"}})
	if err != nil {
		t.Fatal(err)
	}
	w.start(w.writer.Run)
	w.start(w.pace.run)
	return w
}

// start runs a part until the function it returns is called, or the test ends.
func (w *slow) start(part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *slow) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *slow) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// say posts the next event, alone or as a batch.
func (w *slow) say(batch bool) *httptest.ResponseRecorder {
	w.sent++
	body := fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"city","type":"org.daybook.data.deleted.v1","time":"2026-06-24T07:00:00Z",`+
		`"data":{"dataset":"city/people","method":"Erase","trigger":"retention-end","subjects":{"mode":"none"}}}`, w.sent)
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/cloudevents+json")
	if batch {
		r = httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader("["+body+"]"))
		r.Header.Set("Content-Type", "application/cloudevents-batch+json")
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}

func (w *slow) taken(when string) {
	w.t.Helper()
	if got := w.say(false); got.Code != http.StatusCreated {
		w.t.Errorf("%s an event is answered with %d %s", when, got.Code, got.Body)
	}
}

// seen waits until the watcher knows that events wait, or that none do.
func (w *slow) seen(waiting bool) {
	w.t.Helper()
	for range 1000 {
		w.pace.mu.Lock()
		is := !w.pace.waiting.IsZero()
		w.pace.mu.Unlock()
		if is == waiting {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("the watcher does not see that events wait: %t", waiting)
}

// metric is the value of a metric now.
func (w *slow) metric(name string) float64 {
	w.t.Helper()
	out := httptest.NewRecorder()
	w.metrics().ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	found := regexp.MustCompile(`(?m)^daybook_` + name + ` (\S+)$`).FindStringSubmatch(out.Body.String())
	if found == nil {
		w.t.Fatalf("there is no metric %s: %s", name, out.Body)
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *slow) want(values map[string]float64) {
	w.t.Helper()
	for name, want := range values {
		if got := w.metric(name); got != want {
			w.t.Errorf("%s is %v instead of %v", name, got, want)
		}
	}
}

// TestClosedWhileOverdue has an anchor that stands still, runs, and stands still
// again after a quiet day.
func TestClosedWhileOverdue(t *testing.T) {
	w := openSlow(t, time.Minute)
	w.seen(true)
	w.taken("before the limit")
	w.pass(time.Minute)
	w.taken("at the limit")
	w.pass(time.Second)
	before := w.history.Last()
	for _, batch := range []bool{false, true} {
		got := w.say(batch)
		if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || got.Header().Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(got.Body.String(), "checkpoint-overdue") || !strings.Contains(got.Body.String(), "waited 1m1s for a checkpoint") {
			t.Errorf("beyond the limit: %d %v %s", got.Code, got.Header(), got.Body)
		}
	}
	if _, err := w.writer.Say(t.Context(), intake.Own{Kind: "emitter.onboarded", ID: "1", Organization: "city", Time: w.clock(), Data: events.Object{{Name: "source", Value: events.String("city")}}}); err == nil {
		t.Error("the ledger itself still says things")
	}
	if got := w.pace.public(); got != (v1.Publishing{Every: 0.01, MaxAge: 60, Overdue: true}) {
		t.Errorf("the public learns %+v", got)
	}
	w.want(map[string]float64{"refusing_events": 1, "checkpoint_wait_seconds": 61, "checkpoint_age_seconds": -1, "log_lag_events": 3, "log_entries_total": 0, "checkpoint_max_age_seconds": 60})
	if w.history.Last() != before {
		t.Errorf("the history grew from %d to %d", before, w.history.Last())
	}
	stop := w.start(w.anchor.Run)
	if err := w.anchor.WaitFor(t.Context(), before.Size()); err != nil {
		t.Fatal(err)
	}
	w.seen(false)
	w.want(map[string]float64{"refusing_events": 0, "checkpoint_wait_seconds": 0, "log_lag_events": 0, "log_entries_total": 3, "history_events_total": 3, "writer_queue_events": 0, "views_lag_events": 3})
	w.taken("with a new checkpoint")
	if err := w.anchor.WaitFor(t.Context(), w.history.Last().Size()); err != nil {
		t.Fatal(err)
	}
	w.seen(false)
	stop()
	w.pass(24 * time.Hour)
	w.taken("after a quiet day")
	w.seen(true)
	w.taken("and another right after it")
	w.pass(61 * time.Second)
	if got := w.say(false); got.Code != http.StatusServiceUnavailable {
		t.Errorf("when the anchor has stopped: %d %s", got.Code, got.Body)
	}
}

// TestOpenWithoutLimit is a ledger without the rule.
func TestOpenWithoutLimit(t *testing.T) {
	w := openSlow(t, 0)
	w.seen(true)
	w.pass(365 * 24 * time.Hour)
	w.taken("after a year")
	w.want(map[string]float64{"refusing_events": 0, "log_lag_events": 2})
}

func TestRate(t *testing.T) {
	w := &slow{t: t, time: time.Date(2026, 6, 24, 8, 0, 0, 0, time.UTC)}
	p := newPublishing(config{now: w.clock})
	for _, step := range []struct {
		after time.Duration
		size  events.Size
		rate  float64
	}{
		{0, 0, 0},
		{0, 100, 0}, // found at the start
		{10 * time.Second, 200, 10},
		{10 * time.Second, 200, 5},
		{10 * time.Second, 500, 400.0 / 30},
		{40 * time.Second, 560, 6}, // a minute ago the size was 200
		{time.Hour, 560, 0},
		{time.Second, 620, 1},
	} {
		w.pass(step.after)
		p.published(step.size)
		if got := p.rate(); got < step.rate-1e-9 || got > step.rate+1e-9 {
			t.Errorf("at size %d: %v entries a second instead of %v", step.size, got, step.rate)
		}
	}
	if p.count() != 4 || len(p.recent) > 3 {
		t.Errorf("%d checkpoints, %d kept", p.count(), len(p.recent))
	}
}

// TestMetricsListener serves metrics beside the running ledger and nothing else.
func TestMetricsListener(t *testing.T) {
	in := openInside(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, said := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- in.serveMetrics(ctx, said, config{metrics: "127.0.0.1:0"}) }()
	var url string
	if _, err := fmt.Fscan(out, &url, &url); err != nil {
		t.Fatal(err)
	}
	body, err := fetch(url)
	if err != nil || !strings.Contains(string(body), "daybook_log_entries_total 1\n") || !strings.Contains(string(body), "go_goroutines") {
		t.Errorf("%s: %v: %s", url, err, body)
	}
	for _, other := range []string{strings.TrimSuffix(url, "/metrics") + "/", strings.TrimSuffix(url, "metrics") + "checkpoint", in.url + "/metrics"} {
		if _, err := fetch(other); err == nil {
			t.Errorf("%s is served", other)
		}
	}
	if err := in.serveMetrics(ctx, io.Discard, config{metrics: strings.Split(url, "/")[2]}); err == nil || !strings.Contains(err.Error(), "--metrics") {
		t.Errorf("a taken address: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestMaxAgeBelowPublishEvery(t *testing.T) {
	for limit, ok := range map[time.Duration]bool{0: true, time.Minute + 1: true, time.Minute: false, time.Second: false, -1: false} {
		if err := (config{publishEvery: time.Minute, maxAge: limit}).checkPublishing(); (err == nil) != ok {
			t.Errorf("--max-checkpoint-age %v: %v", limit, err)
		}
	}
}
