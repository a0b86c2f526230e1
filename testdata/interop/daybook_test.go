package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// daybook is the program, serving a log of its own.
type daybook struct {
	bin, dir, url, key, token string
	sent                      int
}

// serve builds the program, starts it on an empty directory, and waits until it
// says where it serves.
func serve(t *testing.T) *daybook {
	t.Helper()
	d := &daybook{bin: filepath.Join(t.TempDir(), "daybook"), dir: t.TempDir()}
	run(t, "../..", "go", "build", "-o", d.bin, "./cmd/daybook")
	cmd := exec.Command(d.bin, "serve", "--dir", d.dir, "--http", "127.0.0.1:0", "--publish-every", "50ms")
	var logs bytes.Buffer
	cmd.Stderr = &logs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the program ended with %v:\n%s", err, logs.Bytes())
		}
	})
	watchdog := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	lines := bufio.NewScanner(out)
	for d.key == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "pages"); ok {
			d.url = strings.TrimSuffix(strings.TrimSpace(rest), "/")
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "log key"); ok {
			d.key = strings.TrimSpace(rest)
		}
	}
	if d.key == "" {
		t.Fatal("the program did not say where it serves")
	}
	go io.Copy(io.Discard, out) //nolint:errcheck // ends with the program
	d.token = strings.TrimSpace(run(t, d.dir, d.bin, "token", "--dir", d.dir, "--role", "emitter", "--org", "example"))
	return d
}

// grow records n more events and waits until they are published.
func (d *daybook) grow(t *testing.T, n int) {
	t.Helper()
	for left := n; left > 0; {
		count := min(left, 900)
		left -= count
		var body bytes.Buffer
		for range count {
			d.sent++
			fmt.Fprintf(&body, `,{"specversion":"1.0","id":"try %d","source":"example","type":"org.daybook.data.accessed.v1","time":"2026-01-15T09:30:00Z",`+
				`"data":{"system":"example/app","operation":"Consult","outcome":"success","dataset":"example/records","subjects":{"mode":"none"}}}`, d.sent)
		}
		body.Bytes()[0] = '['
		body.WriteByte(']')
		address := d.url + "/v1/events"
		if left == 0 {
			address += "?wait=anchored"
		}
		d.post(t, address, &body)
	}
}

func (d *daybook) post(t *testing.T, address string, body io.Reader) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	if said := read(t, http.DefaultClient, req); bytes.Contains(said, []byte(`"problem"`)) {
		t.Fatalf("posting: %.500s", said)
	}
}

// get is what is at a path, which must be there.
func (d *daybook) get(t testing.TB, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, http.DefaultClient, req)
}

// status is how a path is answered.
func (d *daybook) status(t testing.TB, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func read(t testing.TB, c *http.Client, req *http.Request) []byte {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %.500s", req.URL.Path, resp.Status, err, body)
	}
	return body
}

// watcher counts answers, those that are bundles, and those that came as gzip.
type watcher struct{ answers, bundles, zipped atomic.Int64 }

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	w.answers.Add(1)
	if strings.HasPrefix(r.URL.Path, "/tile/entries/") {
		w.bundles.Add(1)
	}
	if resp.Uncompressed {
		w.zipped.Add(1)
	}
	return resp, nil
}

// flip flips a bit in the middle of an answer, and in a checkpoint one of the
// root's, which is behind the origin and the size.
func flip(r *http.Response) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := r.Body.Close(); err != nil {
		return err
	}
	at := len(b) / 2
	if second := bytes.IndexByte(b, '\n'); r.Request.URL.Path == "/checkpoint" {
		at = second + 1 + bytes.IndexByte(b[second+1:], '\n') + 5
	}
	b[at] ^= 1
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	r.Header.Set("Content-Length", strconv.Itoa(len(b)))
	return nil
}

// run runs a command to its end and returns what it printed.
func run(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.Bytes())
	}
	return string(out)
}
