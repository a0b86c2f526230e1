package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// monitorOf is a directory of a monitor that looks once at a time.
func monitorOf(t *testing.T, o *operator, more ...string) (dir string, monitor []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "monitor")
	return dir, append([]string{"monitor", o.url, "--dir", dir, "--once", "--key", o.vkey}, more...)
}

const noPolicy = "without --policy .+ cannot be told\n"

func TestMonitorPrintsWhatIsNew(t *testing.T) {
	o := newOperator(t)
	_, monitor := monitorOf(t, o)
	o.grow(0, 79)
	_, out, _ := runHere(t, monitor...)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 80 {
		t.Fatalf("it prints %d lines", len(lines))
	}
	for i, line := range lines {
		var got printed
		if err := json.Unmarshal([]byte(line), &got); err != nil || int(got.Position) != i || !bytes.Equal(got.Entry, o.ledger.entries[i]) || got.Event == "" {
			t.Fatalf("line %d is %s: %v", i, line, err)
		}
	}
	call{monitor, 0, "", "^" + noPolicy + "$"}.check(t)
	o.grow(500, 2)
	call{monitor, 0, `^{"position":80,.+}\n{"position":81,"event":"[\w-]+","kind":"subject.enrolled","entry":{.+}}\n$`, noPolicy}.check(t)
	_, others := monitorOf(t, o, "--kind", "ledger.opened")
	call{others, 0, `^{"position":0,"event":"[\w-]+","kind":"ledger.opened","entry":{"\$":"daybook/entry@1",.+}}\n$`, noPolicy}.check(t)
	_, others = monitorOf(t, o, "--organization", "nobody")
	call{others, 0, "", noPolicy}.check(t)
	for _, wrong := range [][]string{{"--kind", "x"}, {"--system", "A B"}, {"--day", "today"}, {"--webhook", "here"}, {"--stale", "0s"}, {"--every", "-1s"}, {"x"}} {
		call{append(monitor[:len(monitor):len(monitor)], wrong...), exitUsage, "", "."}.check(t)
	}
}

// TestMonitorAlerts looks once after a ledger went wrong.
func TestMonitorAlerts(t *testing.T) {
	again := func(o *operator, n int) {
		o.begin()
		o.grow(500, n)
	}
	record := func(o *operator, entry []byte) {
		o.change(func() {
			o.ledger.add(entry)
			o.size++
		})
	}
	for name, test := range map[string]struct {
		change func(o *operator)
		code   int
		says   string
		kind   string // of the evidence
	}{
		"a fork":            {func(o *operator) { again(o, 99) }, exitInvalid, "ALERT fork: .+two different logs of 100 entries", "fork"},
		"another beginning": {func(o *operator) { again(o, 200) }, exitInvalid, "ALERT inconsistent: .+begins otherwise", "inconsistent"},
		"set back":          {func(o *operator) { o.size, o.leaves = 50, 0 }, exitIncomplete, "ALERT rollback: .+50 entries, and before 100", ""},
		"no index any more": {func(o *operator) { o.leaves = 0 }, exitIncomplete, "ALERT rollback: no index is shown", ""},
		"an event twice": {func(o *operator) {
			record(o, o.enrolled(7, 700))
		}, exitInvalid, "ALERT duplicate-event: the event name of entry 100 stands in entry 8 before", "duplicate-event"},
		"a person twice": {func(o *operator) {
			record(o, o.enrolled(700, 7))
		}, exitInvalid, "ALERT duplicate-label: the label of a person of entry 100 stands in entry 8 before", "duplicate-label"},
		"no entry": {func(o *operator) { record(o, []byte(`{"$":"daybook/entry@2"}`)) }, exitInvalid, "ALERT entry: entry 100 is none that this program knows", ""},
		"a person who is not in the index": {func(o *operator) {
			o.grow(500, 2)
			o.change(func() {
				wrong := o.leaf(102, 100)
				o.index.entries, o.index.stored = o.index.entries[:1], o.index.stored[:1]
				o.index.add([]byte(wrong.Text()))
			})
		}, exitInvalid, "ALERT index-label: .+entry 1: it says", "index-label"},
		"a leaf that goes back": {func(o *operator) {
			o.index.add([]byte(o.leaf(60).Text()))
			o.leaves++
		}, exitInvalid, "ALERT index: .+covers 60 entries, and the leaf before it 100", "index-back"},
		"what is not signed": {func(o *operator) {
			o.lie = func(path string, b []byte) []byte { return bytes.Replace(b, []byte("\n100\n"), []byte("\n101\n"), 1) }
		}, exitInvalid, "ALERT signature: ", ""},
		"out of reach": {func(o *operator) { o.down = true }, exitUnchecked, "ALERT unreachable: .+502", ""},
		"withheld": {func(o *operator) {
			o.grow(500, 300)
			o.lie = func(path string, b []byte) []byte {
				if strings.HasPrefix(path, "tile/entries") {
					return nil
				}
				return b
			}
		}, exitIncomplete, "ALERT incomplete: .+tile/entries", ""},
		"spoilt": {func(o *operator) {
			o.grow(500, 300)
			o.lie = func(path string, b []byte) []byte {
				if strings.HasPrefix(path, "tile/entries") {
					b[20] ^= 1
				}
				return b
			}
		}, exitInvalid, "ALERT damaged: ", ""},
		"the index stays behind": {func(o *operator) { record(o, o.enrolled(800, 800)) }, exitIncomplete, "ALERT index-behind: the index covers 100 entries, and entry 100 is for it since", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t)
			o.grow(0, 99)
			dir, monitor := monitorOf(t, o, "--kind", "ledger.opened")
			call{monitor, 0, "^{.+}\n$", noPolicy}.check(t)
			test.change(o)
			_, says, talk := runHere(t, monitor...)
			file := ""
			if _, after, ok := strings.Cut(talk, "; "+dir); ok {
				file, _, _ = strings.Cut(dir+after, " ")
			}
			call{monitor, test.code, "", test.says}.check(t)
			if (file != "") != (test.kind != "") || says != "" {
				t.Fatalf("its evidence is in %q: %s", file, talk)
			}
			if file != "" {
				call{[]string{"verify", file, "--key", o.vkey}, 0, "^EVIDENCE: .+\n\n  kind          " + test.kind + "\n", ""}.check(t)
			}
		})
	}
}

// TestMonitorEndsWithTheWorst: what can be explained later hides nothing that cannot.
func TestMonitorEndsWithTheWorst(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 9)
	o.ledger.add(o.enrolled(7, 700))
	o.change(func() { o.size++ })
	_, monitor := monitorOf(t, o, "--kind", "ledger.opened")
	call{monitor, exitInvalid, "^{.+}\n$", "duplicate-event"}.check(t)
	o.change(func() { // and now nothing that it shows is signed, either
		o.lie = func(_ string, b []byte) []byte { return bytes.Replace(b, []byte("\n11\n"), []byte("\n12\n"), 1) }
	})
	call{monitor, exitInvalid, "^{.+}\n$", "(?s)ALERT signature.+ALERT duplicate-event.+daybook: NOT VALID: duplicate-event"}.check(t)
}

func TestMonitorPolicy(t *testing.T) {
	w, policy := newWitness(t, "witness.example/w")
	o := newOperator(t, w)
	file := filepath.Join(t.TempDir(), "policy")
	writeText(t, file, policy)
	o.grow(0, 9)
	_, monitor := monitorOf(t, o, "--kind", "ledger.opened", "--policy", file)
	call{monitor, 0, "^{.+}\n$", ""}.check(t)
	o.change(func() { o.quiet = true })
	o.grow(100, 1)
	call{monitor, exitIncomplete, "", "ALERT cosignatures: no witness of the policy cosigned it.+\ndaybook: INCOMPLETE: cosignatures: "}.check(t)
	o.change(func() { o.quiet, o.at = false, time.Now().Add(-2*time.Hour) })
	_, others := monitorOf(t, o, "--kind", "ledger.opened", "--policy", file)
	call{append(slices.Clone(others), "--stale", "14m"), exitUsage, "", "--stale 14m0s would alert of a ledger with which all is well.+ give 15m0s or longer"}.check(t)
	call{others, exitIncomplete, "^{.+}\n$", `ALERT stale: a quorum of witnesses last cosigned ledger.example/log at \S+Z, 2h0m.+\nALERT index-stale: .+/index at `}.check(t)
	o.change(func() { o.at = time.Now() })
	call{others, 0, "", ""}.check(t)
	o.change(func() { o.at = time.Now().Add(-30 * time.Minute) })
	call{others, 0, "", ""}.check(t)
}

// webhook is an address that takes some of what is posted.
type webhook struct {
	mu     sync.Mutex
	refuse int
	got    []alarm
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse--; h.refuse >= 0 {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	b, err := io.ReadAll(r.Body)
	var a alarm
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "wrong", http.StatusBadRequest)
		return
	}
	h.got = append(h.got, a)
}

func (h *webhook) alerts() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.got {
		if a.Over {
			a.Alert = "over:" + a.Alert
		}
		out = append(out, a.Alert)
	}
	return out
}

// TestMonitorFollows one that is set back, cannot be reached, goes on, and forks.
func TestMonitorFollows(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 9)
	hook := &webhook{refuse: 2}
	s := httptest.NewServer(hook)
	defer s.Close()
	out, talk := &lockedBuffer{}, &lockedBuffer{}
	var clock struct {
		sync.Mutex
		ahead time.Duration
	}
	ctx := context.WithValue(t.Context(), clockKey{}, func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		return time.Now().Add(clock.ahead)
	})
	from, err := copyFrom(o.url, o.vkey, "")
	if err != nil {
		t.Fatal(err)
	}
	flags := monitorFlags{dir: filepath.Join(t.TempDir(), "monitor"), webhook: s.URL, stale: time.Hour, every: 2 * time.Millisecond}
	m, err := openMonitoring(ctx, from, flags, out, talk)
	if err != nil {
		t.Fatal(err)
	}
	m.alarms.first = time.Millisecond
	until := func(in *lockedBuffer, said string) {
		t.Helper()
		for range 1000 {
			if strings.Contains(in.String(), said) {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatalf("it does not come to say %q: %s", said, in)
	}
	done := make(chan error)
	go func() { done <- m.alerting(ctx) }()
	until(out, `{"position":9,`)
	o.change(func() { o.size, o.leaves = 5, 0 })
	until(talk, "ALERT rollback")
	o.change(func() { o.size, o.leaves = 10, 1 })
	until(talk, "over: rollback")
	o.change(func() { o.down = true })
	time.Sleep(50 * time.Millisecond)
	if strings.Contains(talk.String(), "unreachable") {
		t.Error("it has no patience")
	}
	clock.Lock()
	clock.ahead = 2 * time.Hour
	clock.Unlock()
	until(talk, "ALERT unreachable")
	o.change(func() { o.down = false })
	until(talk, "over: unreachable")
	o.grow(100, 300)
	until(out, `{"position":309,`)
	o.change(o.begin)
	o.grow(2000, 309)
	var ended *exit
	if err := <-done; !errors.As(err, &ended) || ended.code != exitInvalid {
		t.Errorf("after a fork: %v", err)
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(hook.alerts()); got != "[rollback over:rollback unreachable over:unreachable fork]" {
		t.Errorf("the webhook got %s: %s", got, talk)
	}
	last := hook.got[4]
	b, err := os.ReadFile(last.Evidence)
	if err != nil || !proof.IsEvidence(b) || last.Ledger != operatorOrigin || last.Says == "" || last.At == "" {
		t.Errorf("of the fork it got %+v: %v", last, err)
	}
	if n := strings.Count(out.String(), "\n"); n != 310 {
		t.Errorf("it printed %d lines", n)
	}
}

// TestMonitorLosesWhatItCan: the directory's parts can be deleted, and are made again.
func TestMonitorLosesWhatItCan(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 300)
	dir, monitor := monitorOf(t, o, "--kind", "ledger.opened")
	call{monitor, 0, "^{.+}\n$", noPolicy}.check(t)
	for n, part := range []string{"trees", "leaves", "once", "public/index", "public"} {
		if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
			t.Fatal(err)
		}
		o.grow(1000*(n+1), 20)
		want := ""
		if part == "once" {
			want = "^{.+}\n$"
		}
		call{monitor, 0, want, noPolicy}.check(t)
		wantMirror(t, filepath.Join(dir, "public"), o.vkey, o.size)
	}
}

// TestWebhookIsNotTold: the address of a webhook is often all that guards it.
func TestWebhookIsNotTold(t *testing.T) {
	a := &alarms{flags: monitorFlags{webhook: "http://127.0.0.1:1/hooks/secret"}}
	if err := a.post(t.Context(), nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("posting to nobody says %v", err)
	}
}

// TestMonitorDripped: a ledger that gives each file in time, and takes for ever to give
// them all, is told of as one that cannot be reached.
func TestMonitorDripped(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 9)
	out, talk := &lockedBuffer{}, &lockedBuffer{}
	from, err := copyFrom(o.url, o.vkey, "")
	if err != nil {
		t.Fatal(err)
	}
	flags := monitorFlags{dir: filepath.Join(t.TempDir(), "monitor"), stale: 300 * time.Millisecond, every: 2 * time.Millisecond}
	m, err := openMonitoring(t.Context(), from, flags, out, talk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.alerting(ctx) }()
	o.grow(100, 256*30)
	o.change(func() {
		o.lie = func(path string, b []byte) []byte {
			if strings.HasPrefix(path, "tile/entries") {
				time.Sleep(100 * time.Millisecond)
			}
			return b
		}
	})
	for n := 0; !strings.Contains(talk.String(), "ALERT incomplete"); n++ {
		if n > 150 {
			t.Fatalf("after five times --stale it says %q", talk)
		}
		time.Sleep(10 * time.Millisecond)
	}
	o.change(func() { o.lie = nil })
	for n := 0; !strings.Contains(talk.String(), "over: incomplete"); n++ {
		if n > 1000 {
			t.Fatalf("it never comes to the end: %s", talk)
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := errors.Join(<-done, m.close()); err != nil {
		t.Error(err)
	}
}

// TestMonitorDirName: a log's name leads nowhere else.
func TestMonitorDirName(t *testing.T) {
	for origin, want := range map[string]string{
		"ledger.example/log": "ledger.example%2Flog", "..": "%2E%2E", ".": "%2E", "../..": "..%2F..", "...": "%2E%2E%2E",
	} {
		if got := dirName(origin); got != want {
			t.Errorf("%q is in %q", origin, got)
		}
	}
}

// TestMonitorConvictsInTime: what convicts a ledger stays that, however slowly it then
// gives what evidence is made of.
func TestMonitorConvictsInTime(t *testing.T) {
	o := newOperator(t)
	o.grow(0, 99)
	_, monitor := monitorOf(t, o, "--kind", "ledger.opened", "--stale", "1s")
	call{monitor, 0, "^{.+}\n$", noPolicy}.check(t)
	o.change(func() {
		o.index.add([]byte(o.leaf(60).Text()))
		o.leaves++
		asked := 0
		o.lie = func(path string, b []byte) []byte {
			if strings.HasPrefix(path, "index/tile/entries") {
				if asked++; asked > 1 {
					time.Sleep(1200 * time.Millisecond)
				}
			}
			return b
		}
	})
	call{monitor, exitInvalid, "", "ALERT index: .+covers 60 entries, and the leaf before it 100"}.check(t)
}
