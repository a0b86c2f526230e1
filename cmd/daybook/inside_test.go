package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// inside is the whole program running in this process, so that a test can reach
// its parts.
type inside struct {
	*system
	t    *testing.T
	url  string
	stop func() error // ends the writer and all that runs; the handler still answers

	seals    []string // see twoSeals
	approver string
}

func openInside(t *testing.T) *inside {
	t.Helper()
	return openInsideWith(t, func(*system) {})
}

// withoutKeeper has nobody say what is due, but for the test.
func withoutKeeper(s *system) {
	s.attend = func(ctx context.Context) error { <-ctx.Done(); return nil }
}

func openInsideWith(t *testing.T, change func(*system)) *inside {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := open(ctx, config{dir: filepath.Join(t.TempDir(), "data"), publishEvery: 10 * time.Millisecond})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	change(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	in := &inside{system: s, t: t, url: "http://" + l.Addr().String(), stop: sync.OnceValue(func() error { cancel(); return <-ended })}
	t.Cleanup(func() {
		if err := in.stop(); err != nil {
			t.Error(err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.first(ctx); err != nil {
		t.Fatal(err)
	}
	return in
}

// routes are the patterns of all routes there are.
func (in *inside) routes() []string { return in.handler.(interface{ Routes() []string }).Routes() }

func (in *inside) token(role events.Role, organization string, sources ...string) string {
	in.t.Helper()
	token, err := in.tokens.MintInMemory(intake.Grant{Role: role, Organization: organization, Sources: sources})
	if err != nil {
		in.t.Fatal(err)
	}
	return token
}

// say posts events of a source, each as kind and data, at half past eight in the
// morning, and waits until they are published.
func (in *inside) say(token, source string, list ...[2]string) {
	in.t.Helper()
	var lines []string
	for i, x := range list {
		lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":%q,"type":"org.daybook.%s.v1","time":"2026-06-24T08:30:00Z","data":%s}`, i, source, x[0], x[1]))
	}
	req, err := http.NewRequest("POST", in.url+"/v1/events?wait=anchored", strings.NewReader("["+strings.Join(lines, ",")+"]"))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	status, body := in.do(http.DefaultClient, req)
	if status != http.StatusOK || strings.Count(body, `"status":201`) != len(list) {
		in.t.Fatalf("saying %d events: %d %s", len(list), status, body)
	}
	in.folded()
}

// folded waits until the views have all that is published.
func (in *inside) folded() {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := in.anchor.WaitFor(ctx, in.history.Last().Size()); err != nil {
		in.t.Fatal(err)
	}
	if err := in.views.WaitFor(ctx, in.history.Last()); err != nil {
		in.t.Fatal(err)
	}
}

func (in *inside) do(c *http.Client, req *http.Request) (status int, body string) {
	in.t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// ask sends a request with a token, or with the cookies of c; form may be nil.
func (in *inside) ask(c *http.Client, token, method, path string, form url.Values) (status int, body string) {
	in.t.Helper()
	req, err := http.NewRequest(method, in.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		in.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return in.do(c, req)
}

// person is somebody with a browser, who follows nothing by itself.
func person(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// signIn is a person who has signed in with a token, or tried to.
func (in *inside) signIn(token string) (*http.Client, int) {
	in.t.Helper()
	c := person(in.t)
	status, _ := in.ask(c, "", "POST", "/officer/sign-in", url.Values{"token": {token}})
	return c, status
}
