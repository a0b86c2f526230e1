package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// place is what an acknowledgement promises of an event.
type place struct {
	Status    int          `json:"status"`
	Position  events.Index `json:"position"`
	Event     string       `json:"event"`
	EntryHash string       `json:"entryHash"`
}

// crash is what outlives every killed process: what it promised.
type crash struct {
	t         *testing.T
	program   string
	dir       string
	server    *server
	registrar string
	emitter   string

	mu          sync.Mutex
	promised    map[string]place // by event as posted
	unanswered  map[string]bool
	checkpoints map[string]proof.Checkpoint // by their signed note
}

func newCrash(t *testing.T) *crash {
	t.Helper()
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	c := &crash{t: t, program: program, dir: t.TempDir(), promised: map[string]place{}, unanswered: map[string]bool{}, checkpoints: map[string]proof.Checkpoint{}}
	tokens, err := intake.OpenTokens(filepath.Join(c.dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	for role, token := range map[events.Role]*string{events.Registrar: &c.registrar, events.Emitter: &c.emitter} {
		if *token, err = tokens.Mint(intake.Grant{Role: role, Organization: "city"}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { c.stop(syscall.SIGKILL) })
	return c
}

func (c *crash) start(args ...string) {
	c.t.Helper()
	s, err := startServer(c.program, c.dir, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = s
}

func (c *crash) stop(sig syscall.Signal) {
	if c.server != nil {
		c.server.stop(sig)
		c.server = nil
	}
}

// startAndKill kills a process that has no time to serve, so that it dies at
// its recovery.
func (c *crash) startAndKill(after time.Duration) {
	c.t.Helper()
	cmd := exec.Command(c.program, "serve", "--dir", c.dir, "--http", "127.0.0.1:0")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// invented is an event that no other sender has.
func invented(r *rand.Rand, registers bool, id string) string {
	kind, data := "data.accessed", ""
	subjects := []string{
		`{"mode":"none"}`, `{"mode":"unknown"}`,
		fmt.Sprintf(`{"mode":"single","persons":[{"scheme":"plate","value":"AB %d"}]}`, r.IntN(40)),
		fmt.Sprintf(`{"mode":"single","persons":[{"scheme":"example","value":"only %s"}]}`, id),
	}[r.IntN(4)]
	switch {
	case registers:
		kind, data = "dataset.registered", fmt.Sprintf(`{"dataset":"city/%d","title":"Set %s"}`, r.IntN(50), id)
	default:
		data = fmt.Sprintf(`{"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/%d","reasonText":"%s","subjects":%s}`, r.IntN(60), id, subjects)
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"city","type":"org.daybook.%s.v1","time":"2026-06-24T08:30:00Z","data":%s}`, id, kind, data)
}

// post sends a batch; an error means that it was not answered.
func (c *crash) post(url, query string, batch []string) ([]place, error) {
	token := c.emitter
	if strings.Contains(batch[0], "dataset.registered") {
		token = c.registrar
	}
	req, err := http.NewRequest(http.MethodPost, url+"/v1/events"+query, strings.NewReader("["+strings.Join(batch, ",")+"]"))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct{ Results []place }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || len(answer.Results) != len(batch) {
		return nil, fmt.Errorf("answered %d with %d results", resp.StatusCode, len(answer.Results))
	}
	return answer.Results, nil
}

// remember keeps what was promised and holds it against earlier promises.
func (c *crash) remember(batch []string, places []place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range batch {
		p := places[i]
		if p.Status == http.StatusServiceUnavailable {
			c.unanswered[e] = true
			continue
		}
		old, known := c.promised[e]
		switch {
		case p.Status != 200 && p.Status != 201:
			c.t.Errorf("answered %+v to %s", p, e)
		case known && (p.Status != 200 || p.Position != old.Position || p.EntryHash != old.EntryHash || p.Event != old.Event):
			c.t.Errorf("promised %+v, later %+v", old, p)
		}
		c.promised[e] = p
		delete(c.unanswered, e)
	}
}

// load sends from eight senders and reads checkpoints until the process is
// killed.
func (c *crash) load(round int, seed uint64, kill time.Duration) {
	var group sync.WaitGroup
	url, dead := c.server.url, make(chan struct{})
	for sender := range 8 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(sender)))
			for n := 0; ; n++ {
				select {
				case <-dead:
					return
				default:
				}
				batch := make([]string, 1+r.IntN(12))
				for i := range batch {
					batch[i] = invented(r, sender == 0, fmt.Sprintf("%d-%d-%d-%d", round, sender, n, i))
				}
				places, err := c.post(url, "", batch)
				if err == nil {
					c.remember(batch, places)
					continue
				}
				c.mu.Lock()
				for _, e := range batch {
					c.unanswered[e] = true
				}
				c.mu.Unlock()
			}
		})
	}
	group.Go(func() {
		for {
			select {
			case <-dead:
				return
			case <-time.After(2 * time.Millisecond):
				c.readCheckpoint(url)
			}
		}
	})
	time.Sleep(kill)
	c.stop(syscall.SIGKILL)
	close(dead)
	group.Wait()
}

// readCheckpoint remembers the checkpoint that is published now.
func (c *crash) readCheckpoint(url string) {
	b, status, err := get(url + "/checkpoint")
	if err != nil || status != http.StatusOK {
		return
	}
	text, _, _ := strings.Cut(string(b), "\n\n")
	p, err := proof.ParseCheckpoint(text + "\n")
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	c.checkpoints[string(b)] = p
	c.mu.Unlock()
}

func get(url string) ([]byte, int, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return b, resp.StatusCode, err
}

// TestKillNine kills the real process again and again on one directory. Every
// acknowledged event is at its position, once, and the log extends every
// checkpoint ever published.
func TestKillNine(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := newCrash(t)
	for round := range rounds {
		if round%3 == 2 {
			c.startAndKill(time.Duration(r.IntN(300)) * time.Millisecond)
		}
		c.start()
		c.recover(r, 200)
		c.load(round, seed+uint64(round), time.Duration(r.IntN(400))*time.Millisecond)
	}
	c.start()
	c.recover(r, len(c.promised))
	c.checkAPI(r, 200)
	t.Logf("%d events acknowledged, %d checkpoints seen", len(c.promised), len(c.checkpoints))
	if len(c.promised) < 20*rounds || len(c.checkpoints) < rounds {
		t.Error("that is too little load to show anything")
	}
}

// TestViewsRebuild deletes whatever is said to be rebuildable: the same comes
// back.
func TestViewsRebuild(t *testing.T) {
	c := newCrash(t)
	c.start("--seed")
	c.waitFor(func() bool { return strings.Contains(c.server.logs.String(), "seeded") })
	r := rand.New(rand.NewPCG(1, 1))
	var list []string
	for i := range 300 {
		list = append(list, invented(r, i%3 == 0, fmt.Sprint(i)))
	}
	c.again(list)
	before := c.settled()
	if len(before) < 10_000 {
		t.Fatalf("only %d bytes are public", len(before))
	}
	c.stop(syscall.SIGTERM)
	for _, name := range []string{"views", "book", "log"} {
		if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c.start()
	c.waitFor(func() bool { return c.surface() == before })
	c.again(list)
	if c.surface() != before {
		t.Error("repeats changed what is public")
	}
	c.check()
}

func (c *crash) waitFor(done func() bool) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited for 30 s: %s", c.server.logs)
		}
	}
}

// settled is the surface once the ledger has said itself what it has to say of
// new tokens, which takes it about a second.
func (c *crash) settled() string {
	before := ""
	c.waitFor(func() bool {
		last := before
		before = c.surface()
		if before != last {
			time.Sleep(2 * time.Second)
		}
		return before == last
	})
	return before
}

// surface is the totals, the register and the checkpoint as the public sees
// them.
func (c *crash) surface() string {
	c.t.Helper()
	var out strings.Builder
	paths := []string{"/checkpoint", "/v1/totals"}
	for _, register := range events.Registers() {
		paths = append(paths, "/v1/register/"+register+"?limit=500")
	}
	for _, path := range paths {
		b, status, err := get(c.server.url + path)
		if err != nil || status != http.StatusOK {
			c.t.Fatalf("%s: %d %v %s", path, status, err, b)
		}
		fmt.Fprintf(&out, "%s\n%s\n", path, b)
	}
	return out.String()
}
