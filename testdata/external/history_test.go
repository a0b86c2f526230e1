package external

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// A daybook is the program on one data directory.
type daybook struct {
	*process
	bin, dir, url string
}

// serve starts the program and waits until it says where.
func serve(t *testing.T, bin, dir string, args ...string) *daybook {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	logs := t.TempDir()
	args = append([]string{"serve", "--dir", dir, "--http", "127.0.0.1:0", "--publish-every", "50ms"}, args...)
	d := &daybook{process: newProcess(t, logs, bin, args...), bin: bin, dir: dir}
	d.awaitURL(t)
	return d
}

func (d *daybook) awaitURL(t *testing.T) {
	t.Helper()
	eventually(t, "the program serves", 2*time.Minute, func() bool {
		b, err := os.ReadFile(d.log)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-d.done:
			t.Fatalf("the program ended: %v\n%s", err, d.tail())
		default:
		}
		_, rest, found := strings.Cut(string(b), "pages ")
		line, _, whole := strings.Cut(rest, "\n")
		d.url = strings.TrimRight(strings.TrimSpace(line), "/")
		return found && whole
	})
}

// post sends n events about persons, and waits until a checkpoint covers the
// last.
func (d *daybook) post(t *testing.T, n int, prefix string) {
	t.Helper()
	token := strings.TrimSpace(run(t, d.dir, d.bin, "token", "--dir", d.dir, "--role", "emitter", "--org", "example"))
	const each = 500
	for first := 0; first < n; first += each {
		var body bytes.Buffer
		for i := first; i < min(first+each, n); i++ {
			fmt.Fprintf(&body, `,{"specversion":"1.0","id":"%s-%d","source":"example","type":"org.daybook.data.accessed.v1","time":"2026-01-15T09:30:00Z",`+
				`"data":{"system":"example/app","operation":"Consult","outcome":"success","dataset":"example/records","reasonText":"reason %d",`+
				`"subjects":{"mode":"single","persons":[{"scheme":"example","value":"person-%d"}]}}}`, prefix, i, i%7, i%300)
		}
		body.WriteByte(']')
		body.Bytes()[0] = '['
		wait := ""
		if first+each >= n {
			wait = "?wait=anchored"
		}
		d.send(t, d.url+"/v1/events"+wait, token, &body)
	}
}

func (d *daybook) send(t *testing.T, url, token string, body io.Reader) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || bytes.Contains(said, []byte(`"status":4`)) {
		t.Fatalf("posting: %s, %v: %.500s", answer.Status, err, said)
	}
}

// published is the checkpoint in the public directory, and its note.
func (d *daybook) published(t *testing.T) (proof.Checkpoint, []byte) {
	t.Helper()
	note, err := os.ReadFile(filepath.Join(d.dir, "public", "checkpoint"))
	if os.IsNotExist(err) {
		return proof.Checkpoint{}, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := bytes.Cut(note, []byte("\n\n"))
	c, err := proof.ParseCheckpoint(string(text) + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return c, note
}

// messages are all of the history in a data directory that nothing serves.
func messages(t *testing.T, dir string) []events.Stored {
	t.Helper()
	b, err := broker.Open(broker.Config{Dir: filepath.Join(dir, "history")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	h, err := stream.Open(t.Context(), nc, stream.Config{Healthy: b.Healthy})
	if err != nil {
		t.Fatal(err)
	}
	var all []events.Stored
	for m, err := range h.Replay(t.Context(), 1, h.Last()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events.Stored{Seq: m.Seq, Data: bytes.Clone(m.Data)})
	}
	return all
}

// A prefix is a history of which more and more is acknowledged.
type prefix struct {
	all   []events.Stored
	mu    sync.Mutex
	last  events.Seq
	moved chan struct{}
}

var _ ledger.History = (*prefix)(nil)

func newPrefix(all []events.Stored) *prefix { return &prefix{all: all, moved: make(chan struct{})} }

func (p *prefix) raise(to events.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = to
	close(p.moved)
	p.moved = make(chan struct{})
}

// Last implements ledger.History.
func (p *prefix) Last() events.Seq {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// Wait implements ledger.History.
func (p *prefix) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		p.mu.Lock()
		last, moved := p.last, p.moved
		p.mu.Unlock()
		if last > after {
			return last, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
	}
}

// Replay implements ledger.History.
func (p *prefix) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for seq := from; seq <= min(to, p.Last()); seq++ {
			if !yield(p.all[seq-1], ctx.Err()) {
				return
			}
		}
	}
}
