package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/stream/clustertest"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// startCluster runs three servers with the history's options.
func startCluster(t *testing.T, cfg clustertest.Config) *clustertest.Cluster {
	t.Helper()
	program, err := exec.LookPath("historynode")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dir, cfg.Command = t.TempDir(), []string{program}
	c, err := clustertest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// killLeader kills the server that leads the history, and starts it again later.
func killLeader(t *testing.T, c *clustertest.Cluster, before, after time.Duration) {
	t.Helper()
	time.Sleep(before)
	leader, err := c.Leader("DAYBOOK")
	if err == nil {
		err = c.Kill(leader)
	}
	time.Sleep(after)
	if err == nil {
		err = c.Run(leader)
	}
	if err != nil {
		t.Error(err)
	}
}

// The whole program with its history on three servers: their leader is killed under
// load, in the last round together with the writer. Every acknowledged event stays at
// its position, once, and the audit finds nothing.
func TestClusterUnderLoad(t *testing.T) {
	cluster := startCluster(t, clustertest.Config{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := newCrash(t)
	rounds := []time.Duration{11 * time.Second, 11 * time.Second, 2 * time.Second} // an election takes up to ten
	if testing.Short() {
		rounds = rounds[1:]
	}
	for round, kill := range rounds {
		c.start("--history", cluster.URL())
		c.recover(r, 200)
		before := len(c.promised)
		var killing sync.WaitGroup
		killing.Go(func() { killLeader(t, cluster, time.Second, 2*time.Second) })
		c.load(round, seed+uint64(round), kill)
		killing.Wait()
		t.Logf("round %d: %d events acknowledged, %d unanswered", round, len(c.promised)-before, len(c.unanswered))
	}
	c.start("--history", cluster.URL())
	c.recover(r, len(c.promised))
	c.checkAPI(r, 200)
	if len(c.promised) < 500 {
		t.Errorf("%d events are too little load to show anything", len(c.promised))
	}
}

// startFollower starts a reader of the ledger of c in a directory of its own.
func (c *crash) startFollower(dir, history, leader string, args ...string) *server {
	c.t.Helper()
	s, err := startServer(c.program, dir, append([]string{"--history", history, "--follow", leader}, args...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	return s
}

// size is the size of the published checkpoint.
func (s *server) size(t *testing.T) events.Size {
	t.Helper()
	b, status, err := get(s.url + "/checkpoint")
	if err != nil || status != http.StatusOK {
		t.Fatalf("no checkpoint: %d %v %s", status, err, b)
	}
	text, _, _ := strings.Cut(string(b), "\n\n")
	p, err := proof.ParseCheckpoint(text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return p.Size
}

// ofTheMoment is what the writer alone knows: when it published, and how it keeps up.
var ofTheMoment = regexp.MustCompile(`,"(signedAt|age|publishing)":("[^"]*"|\{[^}]*\}|[0-9.e+-]+)`)

// jsonSurface is everything a server answers to a program, without the times of
// elapsing.
func (s *server) jsonSurface(t *testing.T, paths []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range paths {
		b, status, err := get(s.url + path)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %v %s", path, status, err, b)
		}
		out[path] = ofTheMoment.ReplaceAllString(string(b), "")
	}
	return out
}

// jsonPaths are the addresses a reader answers at, with examples of those that take
// something.
func (s *server) jsonPaths(t *testing.T, size events.Size) (out []string) {
	t.Helper()
	b, _, err := get(s.url + "/openapi.json")
	var contract struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(b, &contract)
	}
	if err != nil || len(contract.Paths) < 10 {
		t.Fatalf("%d paths, %v", len(contract.Paths), err)
	}
	if contract.Paths["/v1/index/proofs"] == nil || contract.Paths["/v1/trail/slots"] != nil {
		t.Error("a reader has an index, and nothing sealed for anybody")
	}
	for path, methods := range contract.Paths {
		if _, ok := methods["get"]; ok && !strings.Contains(path, "{") {
			out = append(out, path)
		}
		if _, ok := methods["post"]; ok && path != "/v1/index/proofs" {
			t.Errorf("a reader takes something at %s", path)
		}
	}
	for _, register := range events.Registers() {
		out = append(out, "/v1/register/"+register+"?limit=500")
	}
	for i := range uint64(size) {
		if i%97 == 0 || i+1 == uint64(size) {
			out = append(out, fmt.Sprintf("/v1/entries/%d", i), fmt.Sprintf("/v1/entries/%d/proof", i))
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(out, func(path string) bool { return path == "/openapi.json" })
}

// proofs is what a server proves of a quarter of all tags and enrolments.
func (s *server) proofs(t *testing.T) string {
	t.Helper()
	r, err := http.Post(s.url+"/v1/index/proofs", "application/json", strings.NewReader(`{"ranges":["2:40"],"labelRanges":["2:40"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || len(b) < 1000 {
		t.Fatalf("%d %v %.300s", r.StatusCode, err, b)
	}
	return string(b)
}

// indexed says that the index of a server covers all that it shows.
func (s *server) indexed(key string) bool {
	source, err := client.New(s.url, nil)
	if err != nil {
		return false
	}
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		return false
	}
	r, err := trail.Audit(context.Background(), source, v, trail.AuditOptions{})
	return err == nil && r.Leaves > 0 && r.Behind == 0
}

// One ledger and two readers, one of them killed under load: at one size all of them
// answer alike, byte for byte, and no reader is ever ahead of the ledger.
func TestFollowers(t *testing.T) {
	cluster := startCluster(t, clustertest.Config{})
	c := newCrash(t)
	c.start("--history", cluster.URL())
	c.stop(syscall.SIGTERM)
	key, err := exec.Command(c.program, "key", "fold", "--dir", c.dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	foldKey := filepath.Join(t.TempDir(), "fold.key")
	if err := os.WriteFile(foldKey, key, 0o600); err != nil {
		t.Fatal(err)
	}
	c.start("--history", cluster.URL())
	dirs := []string{t.TempDir(), t.TempDir()}
	followers := make([]*server, 2)
	for i := range followers {
		followers[i] = c.startFollower(dirs[i], cluster.URL(), c.server.url, "--fold-key", foldKey)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		var batch []string
		for i := range 60 {
			batch = append(batch, invented(r, round%2 == 0, fmt.Sprintf("%d-%d", round, i)))
		}
		c.again(batch)
		if round == 6 {
			followers[1].stop(syscall.SIGKILL)
		}
		if round == 9 {
			followers[1] = c.startFollower(dirs[1], cluster.URL(), c.server.url, "--fold-key", foldKey)
		}
		for _, f := range followers {
			if f == followers[1] && round >= 6 && round < 9 {
				continue
			}
			if ours := f.size(t); ours > c.server.size(t) {
				t.Fatalf("a reader shows %d entries, which nobody had signed", ours)
			}
		}
	}
	size := c.server.size(t)
	paths := followers[0].jsonPaths(t, size)
	all := append([]*server{c.server}, followers...)
	c.waitFor(func() bool {
		for _, s := range all {
			if s.size(t) != size || s.until("/v1/totals", fmt.Sprintf(`"size":%d\b`, size)) != nil {
				return false
			}
		}
		return true
	})
	c.waitFor(func() bool {
		for _, s := range all {
			if !s.indexed(c.server.key) {
				return false
			}
		}
		return true
	})
	want, proved := c.server.jsonSurface(t, paths), c.server.proofs(t)
	for i, f := range followers {
		for path, got := range f.jsonSurface(t, paths) {
			if got != want[path] {
				t.Errorf("reader %d answers %s with\n%.600s\nthe ledger with\n%.600s", i, path, got, want[path])
			}
		}
		if f.proofs(t) != proved {
			t.Errorf("reader %d proves something else of the index", i)
		}
		if out, err := exec.Command(c.program, "audit", f.url, "--index", "--key", c.server.key).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("with 0 tags and enrolments")) {
			t.Errorf("auditing the index of reader %d: %v\n%s", i, err, out)
		}
		report, err := auditURL(f.url, c.server.key)
		if err != nil || report.Size != size {
			t.Errorf("auditing reader %d: %+v, %v", i, report, err)
		}
		if _, status, _ := get(f.url + "/officer"); status != http.StatusNotFound {
			t.Errorf("reader %d answers officers with %d", i, status)
		}
	}
	t.Logf("%d answers alike at size %d", len(paths), size)
}

// A reader stops where the checkpoint stops, although the history goes on.
func TestFollowerStopsAtTheCheckpoint(t *testing.T) {
	cluster := startCluster(t, clustertest.Config{Servers: 1})
	c := newCrash(t)
	history := []string{"--history", cluster.URL(), "--history-replicas", "1"}
	c.start(history...)
	r := rand.New(rand.NewPCG(3, 4))
	post := func(name string) {
		var batch []string
		for i := range 20 {
			batch = append(batch, invented(r, true, fmt.Sprintf("%s-%d", name, i)))
		}
		c.again(batch)
	}
	post("first")
	shared := t.TempDir() // what somebody copies there from time to time
	public := func() {
		old, status, err := get(c.server.url + "/checkpoint")
		if err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
		if err := os.WriteFile(filepath.Join(shared, "checkpoint"), old, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	public()
	size := c.server.size(t)
	post("second")
	dir := t.TempDir()
	f := c.startFollower(dir, cluster.URL(), shared, "--history-replicas", "1")
	check := func(size events.Size) {
		t.Helper()
		if err := f.until("/v1/totals", fmt.Sprintf(`"size":%d\b`, size)); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]int{
			fmt.Sprintf("/v1/entries/%d", size-1):                 http.StatusOK,
			fmt.Sprintf("/v1/entries/%d/proof", size-1):           http.StatusOK,
			fmt.Sprintf("/v1/entries/%d", size):                   http.StatusNotFound,
			fmt.Sprintf("/v1/entries/%d/proof", size):             http.StatusNotFound,
			"/" + proof.EntriesPath(0, int(size)):                 http.StatusOK,
			"/" + proof.EntriesPath(0, int(size)+1):               http.StatusNotFound,
			fmt.Sprintf("/v1/entries?limit=500&after=%d", size-1): http.StatusOK,
			"/v1/findings": http.StatusNotFound, // no fold key
		} {
			if b, status, err := get(f.url + path); err != nil || status != want {
				t.Errorf("%s is answered %d, %v, want %d: %.200s", path, status, err, want, b)
			}
		}
		if b, _, _ := get(f.url + "/v1/register/dataset?limit=500"); bytes.Contains(b, []byte("second")) != (size > 30) {
			t.Errorf("at size %d the register says %.300s", size, b)
		}
	}
	check(size)
	f.stop(syscall.SIGKILL)
	f = c.startFollower(dir, cluster.URL(), shared, "--history-replicas", "1")
	check(size)
	public()
	check(c.server.size(t))
}

// With its history elsewhere a ledger still takes events over NATS, by a server of
// its own that holds no history.
func TestNATSDoorBesideHistoryElsewhere(t *testing.T) {
	cluster := startCluster(t, clustertest.Config{Servers: 1})
	c := newCrash(t)
	c.start("--history", cluster.URL(), "--history-replicas", "1", "--nats", "127.0.0.1:0")
	line := regexp.MustCompile(`(?m)^NATS +(nats://\S+)`).FindStringSubmatch(c.server.logs.String())
	if line == nil {
		t.Fatalf("no NATS door: %s", c.server.logs)
	}
	place := intake.PlaceOf(c.registrar)
	nc, err := nats.Connect(line[1], nats.UserInfo("city", c.registrar), nats.CustomInboxPrefix(place.Inbox))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	event := invented(rand.New(rand.NewPCG(7, 8)), true, "over nats")
	m, err := nc.Request(place.Subject, []byte(event), 10*time.Second)
	if err != nil || !strings.Contains(string(m.Data), `"status":201`) {
		t.Fatalf("over NATS: %v %v", m, err)
	}
	if err := c.server.until("/v1/register/dataset?limit=500", "Set over nats"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "history")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a history in the data directory, too: %v", err)
	}
	c.stop(syscall.SIGTERM)
	c.start("--history", cluster.URL(), "--history-replicas", "1", "--nats", "127.0.0.1:0")
	c.check()
}
