package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// timed is a whole ledger in this process, on a clock of its own.
type timed struct {
	*system
	t    *testing.T
	dir  string
	url  string
	mu   sync.Mutex
	time time.Time
	asks proof.Policy // whose cosignatures it needs from the next start on
	stop func()
}

func (k *timed) clock() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.time
}

// at sets the clock.
func (k *timed) at(moment string) {
	k.t.Helper()
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		k.t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.time = at
}

// start opens the ledger and runs it, its own keeper included, until stop.
func (k *timed) start() {
	k.t.Helper()
	s, err := open(k.t.Context(), config{dir: k.dir, publishEvery: 20 * time.Millisecond, policy: k.asks, now: k.clock})
	if err != nil {
		k.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	k.system, k.url = s, "http://"+l.Addr().String()
	k.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			k.t.Error(err)
		}
		if err := s.close(); err != nil {
			k.t.Error(err)
		}
	})
	k.t.Cleanup(k.stop)
}

// keep lets n keepers beside the ledger's own look at once, each twice.
func (k *timed) keep(n int) {
	k.t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			other := newKeeper(k.system)
			for range 2 {
				tokens, err := k.tokens.List()
				if err == nil {
					_, err = other.keep(k.t.Context(), tokens)
				}
				if err != nil {
					k.t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, err := newKeeper(k.system).published(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

// emit posts events through the front door.
func (k *timed) emit(token string, list ...emit.Event) {
	k.t.Helper()
	lines := make([][]byte, len(list))
	for i, e := range list {
		var err error
		if lines[i], err = json.Marshal(e); err != nil {
			k.t.Fatal(err)
		}
	}
	answer, err := (&emit.Sender{URL: k.url, Token: token}).Send(k.t.Context(), lines)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, r := range answer.Results {
		if !r.Accepted() {
			k.t.Fatalf("refused: %s", r.Problem)
		}
	}
}

// uses are n uses of data with these numbers, the first of them of persons unnamed.
func (k *timed) uses(name string, unnamed int, numbers ...int) []emit.Event {
	var out []emit.Event
	for i, n := range numbers {
		mode := "none"
		if i < unnamed {
			mode = "unknown"
		}
		out = append(out, emit.Event{
			ID: fmt.Sprint(name, n), Source: "city/app", Kind: "data.accessed", Time: k.clock(),
			Data: map[string]any{"system": "city/app", "operation": "Consult", "outcome": "success", "sequence": n, "subjects": map[string]any{"mode": mode}},
		})
	}
	return out
}

// said are the public entries of a kind, as a client reads them.
func (k *timed) said(kind string) (out []*events.Entry) {
	k.t.Helper()
	c, err := client.New(k.url, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	list, next, err := c.Entries(k.t.Context(), client.Filter{Kind: kind, Limit: 1000})
	if err != nil || next != nil {
		k.t.Fatal(err, next)
	}
	for _, x := range list {
		e, err := events.ParseEntry(x.Raw)
		if err != nil {
			k.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// expect says how many entries of a kind there are, after an audit of them all.
func (k *timed) expect(want map[string]int) {
	k.t.Helper()
	if _, err := auditURL(k.url, k.keys.LogKey()); err != nil {
		k.t.Fatal(err)
	}
	for _, kind := range []string{"emitter.onboarded", "emitter.counted", "emitter.silent", "emitter.gap", "emitter.offboarded"} {
		if got := len(k.said(kind)); got != want[kind] {
			k.t.Errorf("%s: %d, want %d", kind, got, want[kind])
		}
	}
}

// recount holds every emitter.counted against the entries.
func (k *timed) recount() {
	k.t.Helper()
	type sum struct{ count, unnamed int64 }
	days := map[string]sum{}
	for _, e := range k.said("data.accessed") {
		s := days[e.Text("recordedAt")]
		s.count++
		if e.Text("subjects.mode") == "unknown" {
			s.unnamed++
		}
		days[e.Text("recordedAt")] = s
	}
	for _, e := range k.said("emitter.counted") {
		count, _ := e.Value("count")
		unnamed, _ := e.Value("unnamed")
		if got, want := (sum{count.Int(), unnamed.Int()}), days[e.Text("on")]; got != want {
			k.t.Errorf("counted on %s: %+v, the entries have %+v", e.Text("on"), got, want)
		}
		delete(days, e.Text("on"))
	}
	if len(days) > 0 {
		k.t.Errorf("days not counted: %v", days)
	}
}

func newTimed(t *testing.T) *timed {
	k := &timed{t: t, dir: filepath.Join(t.TempDir(), "data")}
	k.at("2026-06-24T12:00:00Z")
	k.start()
	return k
}

func (k *timed) mint(g intake.Grant) string {
	k.t.Helper()
	token, err := k.tokens.Mint(g)
	if err != nil {
		k.t.Fatal(err)
	}
	return token
}

// TestKeeper follows a service from its token to its end, with more keepers than
// one and restarts in between: whatever is due is said once.
func TestKeeper(t *testing.T) {
	k := newTimed(t)
	registrar := k.mint(intake.Grant{Role: events.Registrar, Sources: []string{"city/register"}})
	k.emit(registrar, emit.Event{ID: "1", Source: "city/register", Kind: "organization.registered", Time: k.clock(), Data: map[string]any{
		"organization": "city", "name": "City", "kind": "city", "timeZone": "America/Chicago",
	}})
	token := k.mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}, Rhythm: "PT1H"})
	k.keep(3)
	want := map[string]int{"emitter.onboarded": 1}
	k.expect(want)

	k.emit(token, k.uses("a", 2, 1, 2, 3, 6, 7)...)
	k.keep(3)
	want["emitter.gap"] = 1
	k.expect(want)

	k.at("2026-06-25T04:00:00Z") // the same evening in Chicago
	k.emit(token, k.uses("b", 1, 8, 9)...)
	k.at("2026-06-25T12:04:59Z") // midnight has just passed where it does last
	k.keep(2)
	k.expect(want)
	k.at("2026-06-25T12:05:00Z")
	k.keep(3)
	want["emitter.counted"] = 1
	k.expect(want)
	k.recount()

	k.stop()
	k.at("2026-06-28T12:05:00Z") // three days, two of them without anybody
	k.start()
	k.keep(3)
	want["emitter.counted"], want["emitter.silent"] = 4, 1
	k.expect(want)
	k.recount()
	if e := k.said("emitter.silent")[0]; e.Text("since") != "2026-06-24" || e.Text("organization") != "city" || e.Text("source") != intake.LedgerSource {
		t.Errorf("silent: %s", e.Append(nil))
	}

	if err := k.tokens.Revoke(intake.TokenName(token)); err != nil {
		t.Fatal(err)
	}
	k.waitFor("emitter.offboarded")
	want["emitter.offboarded"] = 1
	k.at("2026-07-10T12:00:00Z")
	k.keep(2)
	want["emitter.counted"] = 5 // the day it ended, and none after
	k.expect(want)
	k.stop()
	k.start()
	k.keep(1)
	k.expect(want)
	k.mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	k.keep(2)
	want["emitter.onboarded"] = 2
	k.expect(want)
}

// TestKeeperCountsAcrossZones moves an organization to zones where the day begins
// earlier, and where one that was over goes on. No count has other numbers than the
// entries, and no day with uses is left out.
func TestKeeperCountsAcrossZones(t *testing.T) {
	k := newTimed(t)
	registrar := k.mint(intake.Grant{Role: events.Registrar, Sources: []string{"city/register"}})
	move := func(kind, zone string) {
		k.emit(registrar, emit.Event{ID: kind + zone, Source: "city/register", Kind: "organization." + kind, Time: k.clock(), Data: map[string]any{
			"organization": "city", "name": "City", "kind": "city", "timeZone": zone,
		}})
	}
	token := k.mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	k.waitFor("emitter.onboarded")
	k.emit(token, k.uses("a", 0, 1, 2)...) // on the 24th, in UTC
	move("registered", "Pacific/Kiritimati")
	k.emit(token, k.uses("b", 1, 3)...) // there it is the 25th
	k.at("2026-06-25T10:06:00Z")        // and now over
	k.keep(2)
	move("changed", "America/Chicago")
	k.emit(token, k.uses("c", 0, 4, 5)...) // the 25th again
	k.at("2026-06-27T12:06:00Z")
	k.keep(2)
	if n := len(k.said("emitter.counted")); n != 3 {
		t.Errorf("%d days are counted, want 3", n)
	}
	k.recount()
}

// waitFor waits until the ledger's own keeper has said something of a kind.
func (k *timed) waitFor(kind string) {
	k.t.Helper()
	for range 100 {
		if len(k.said(kind)) > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	k.t.Fatalf("no %s in five seconds", kind)
}

// TestKeeperForgetsRhythm: a promise ends with the token that made it.
func TestKeeperForgetsRhythm(t *testing.T) {
	k := newTimed(t)
	grant := intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}}
	k.mint(grant)
	grant.Rhythm = "PT1H"
	hourly := k.mint(grant)
	k.keep(2)
	if err := k.tokens.Revoke(intake.TokenName(hourly)); err != nil {
		t.Fatal(err)
	}
	k.keep(2)
	said := k.said("emitter.onboarded")
	last := said[len(said)-1]
	if _, promised := last.Value("rhythm"); promised || len(said) < 2 {
		t.Errorf("%d entries, the last promises %q", len(said), last.Text("rhythm"))
	}
}

// TestKeeperLeavesAlone: a token that ends with its process ends nothing, a new
// rhythm is told, and a long standstill is counted in parts.
func TestKeeperLeavesAlone(t *testing.T) {
	k := newTimed(t)
	grant := intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}}
	if _, err := k.tokens.MintInMemory(grant); err != nil {
		t.Fatal(err)
	}
	k.waitFor("emitter.onboarded")
	k.stop()
	k.start()
	k.keep(1)
	want := map[string]int{"emitter.onboarded": 1}
	k.expect(want)

	grant.Rhythm = "P1D"
	k.mint(grant)
	grant.Rhythm = "PT1H"
	k.mint(grant)
	k.keep(2)
	want["emitter.onboarded"] = 2
	k.expect(want)
	if e := k.said("emitter.onboarded")[1]; e.Text("rhythm") != "PT1H" {
		t.Errorf("the rhythm is %s", e.Text("rhythm"))
	}

	k.stop()
	k.at("2026-08-24T12:05:00Z")
	k.start()
	for range 200 {
		if k.keep(1); len(k.said("emitter.counted")) == 61 {
			break
		}
	}
	want["emitter.counted"], want["emitter.silent"] = 61, 1
	k.expect(want)
}
