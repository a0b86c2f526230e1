package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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

// wire stands between a browser and the ledger, and keeps what passes.
type wire struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string               // whole
	answers  map[string]http.Header // the last one's, by method and path
}

func newWire(t *testing.T, ledger string) *wire {
	t.Helper()
	to, err := url.Parse(ledger)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{answers: map[string]http.Header{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answers[resp.Request.Method+" "+resp.Request.URL.Path] = resp.Header.Clone()
			return nil
		},
	}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.requests = append(w.requests, fmt.Sprintf("%s %s %v\n%s", r.Method, r.RequestURI, r.Header, body))
		w.mu.Unlock()
		proxy.ServeHTTP(out, r)
	}))
	t.Cleanup(w.Close)
	return w
}

// sent is how many requests had a text in them, as it is or as a form has it.
func (w *wire) sent(text string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if strings.Contains(r, text) || strings.Contains(r, url.QueryEscape(text)) {
			n++
		}
	}
	return n
}

func (w *wire) header(of, name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answers[of].Get(name)
}

// cardWalk is a ledger that gives away cards, and a browser's way to it.
type cardWalk struct {
	*testing.T
	server           *server
	wire             *wire
	program, dir     string
	emitter, officer string
	axe              string
	cards            []proof.Card // that were given away
}

func newCardWalk(t *testing.T) *cardWalk {
	t.Helper()
	w := &cardWalk{T: t, program: program(t), dir: filepath.Join(t.TempDir(), "data")}
	var err error
	if w.server, err = startServer(w.program, w.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.server.stop(syscall.SIGKILL) })
	w.wire = newWire(t, w.server.url)
	tokens, err := intake.OpenTokens(filepath.Join(w.dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	for token, g := range map[*string]intake.Grant{
		&w.emitter: {Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}},
		&w.officer: {Role: events.Officer, Organization: "city"},
	} {
		if *token, err = tokens.Mint(g); err != nil {
			t.Fatal(err)
		}
	}
	axe, err := os.ReadFile(filepath.Join(root, "testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	w.axe = string(axe)
	return w
}

// access records once more that somebody's data was looked at.
func (w *cardWalk) access(id, person string) {
	w.Helper()
	event := strings.NewReplacer(`"id":"9"`, fmt.Sprintf(`"id":%q`, id), "Anna", person).Replace(theAccess)
	req, err := http.NewRequest("POST", w.server.url+"/v1/events?wait=anchored", strings.NewReader(event))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.emitter)
	req.Header.Set("Content-Type", eventType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		w.Fatalf("the access is answered %d", resp.StatusCode)
	}
}

// run is the program, as an officer uses it.
func (w *cardWalk) run(args ...string) {
	w.Helper()
	if out, err := exec.Command(w.program, append(args, "--url", w.server.url, "--token", w.officer)...).CombinedOutput(); err != nil {
		w.Fatalf("%v: %v: %s", args, err, out)
	}
}

// card is a new card of somebody, in a file.
func (w *cardWalk) card(how, person string) (file string, card proof.Card) {
	w.Helper()
	file = filepath.Join(w.TempDir(), "trail.card")
	w.run("card", how, "--person", "example:"+person, "--out", file, "--address", w.wire.URL)
	return file, w.given(file)
}

// given remembers a card that was given away.
func (w *cardWalk) given(file string) proof.Card {
	w.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		w.Fatal(err)
	}
	card, err := proof.ParseCard(text)
	if err != nil {
		w.Fatal(err)
	}
	w.cards = append(w.cards, card)
	return card
}

// until waits until a card opens to a page that says something. The index follows
// the ledger by a second.
func (w *cardWalk) until(card proof.Card, said string) {
	w.Helper()
	var body []byte
	for range 100 {
		resp, err := http.PostForm(w.server.url+"/trail", url.Values{"consent": {"yes"}, "card": {string(card.Text())}})
		if err != nil {
			w.Fatal(err)
		}
		body, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK && bytes.Contains(body, []byte(said)) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.Fatalf("the card does not open to %q in ten seconds: %s", said, body)
}
