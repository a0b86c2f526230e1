package api_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api"
	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// tokens are kept in memory; broken ones cannot be read.
type tokens struct {
	known  map[string]v1.Officer
	broken bool
}

func (x *tokens) Find(token string) (v1.Officer, bool, error) {
	if x.broken {
		return v1.Officer{}, false, errors.New("the disk is gone")
	}
	who, ok := x.known[token]
	return who, ok, nil
}

// noDesk takes nothing: what these tests look at needs none.
type noDesk struct{}

func (noDesk) Record(context.Context, v1.Officer, string, string, []events.Index) (events.Index, error) {
	return 0, v1.ErrNotRecorded
}

func (noDesk) Open(context.Context, v1.Officer, events.Index) (v1.Opened, error) {
	return v1.Opened{}, v1.ErrNotRecorded
}

func (noDesk) Dossier(context.Context, v1.Officer, v1.Inquiry) (v1.Dossier, error) {
	return v1.Dossier{}, v1.ErrNotRecorded
}

func (noDesk) Statement(context.Context, v1.Officer, v1.Inquiry) (v1.Told, error) {
	return v1.Told{}, v1.ErrNotRecorded
}

// office is a ledger with a door for officers.
type office struct {
	*world
	tokens *tokens
}

func newOffice(t *testing.T, proxy bool) *office {
	w := seeded(t)
	o := &office{w, &tokens{known: map[string]v1.Officer{
		"officer": {Role: events.Officer, Organization: "city", Name: "aaaa"}, "other": {Role: events.Officer, Organization: "example", Name: "bbbb"},
		"auditor": {Role: events.Auditor, Name: "cccc"}, "emitter": {Role: events.Emitter, Organization: "city", Name: "dddd"},
		"admin": {Role: events.Admin, Name: "eeee"},
	}}}
	var err error
	w.handler, err = api.New(api.Config{
		Views: w.views, Ledger: w.anchor, Files: w.anchor.Public(), LogKey: w.vkey, Tokens: o.tokens, Desk: noDesk{}, BehindProxy: proxy,
		Door: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.door(out, r) }), Now: func() time.Time { return w.now },
	})
	check(t, err)
	return o
}

// ask sends a request from this machine; change makes it another one.
func (o *office) ask(method, path string, form url.Values, change func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, "http://127.0.0.1:8480"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	out := httptest.NewRecorder()
	o.handler.ServeHTTP(out, r)
	return out.Result()
}

func (o *office) signIn(token string, change func(*http.Request)) *http.Response {
	return o.ask("POST", "/officer/sign-in", url.Values{"token": {token}}, change)
}

// session signs in and returns the cookie.
func (o *office) session(token string) *http.Cookie {
	o.t.Helper()
	resp := o.signIn(token, nil)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/officer" || len(resp.Cookies()) != 1 {
		o.t.Fatalf("signing in: %d, %v", resp.StatusCode, resp.Header)
	}
	return resp.Cookies()[0]
}

func carry(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) }
}

// in says whether a cookie lets in.
func (o *office) in(c *http.Cookie) bool {
	o.t.Helper()
	resp := o.ask("GET", "/officer", nil, carry(c))
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Cache-Control") != "no-store" {
		o.t.Fatalf("the desk answers %d, %v", resp.StatusCode, resp.Header)
	}
	return resp.StatusCode == http.StatusOK
}

func TestCookie(t *testing.T) {
	for name, x := range map[string]struct {
		proxy  bool
		change func(*http.Request)
		cookie string // "" is refused
	}{
		"plain, on this machine":   {false, nil, "daybook-session"},
		"TLS":                      {false, func(r *http.Request) { r.TLS = &tls.ConnectionState{}; r.RemoteAddr = "192.0.2.1:1" }, "__Host-daybook-session"},
		"plain, over a network":    {false, func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }, ""},
		"a header without a proxy": {false, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https"); r.RemoteAddr = "192.0.2.1:1" }, ""},
		"TLS to the proxy":         {true, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https"); r.RemoteAddr = "192.0.2.1:1" }, "__Host-daybook-session"},
		"plain, through the proxy": {true, func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "192.0.2.7")
			r.Header.Set("X-Forwarded-Proto", "http")
		}, ""},
		"plain, from nobody knows who": {true, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "unknown") }, ""},
	} {
		o := newOffice(t, x.proxy)
		resp := o.signIn("officer", x.change)
		if x.cookie == "" {
			if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 {
				t.Errorf("%s: %d %v", name, resp.StatusCode, resp.Cookies())
			}
			continue
		}
		c := resp.Cookies()[0]
		secure := strings.HasPrefix(x.cookie, "__Host-")
		if c.Name != x.cookie || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != secure || c.Path != "/" || c.Domain != "" || len(c.Value) < 52 {
			t.Errorf("%s: %s", name, c)
		}
		other := &http.Cookie{Name: "daybook-session", Value: c.Value}
		if !secure {
			other.Name = "__Host-daybook-session"
		}
		for _, c := range []*http.Cookie{c, other} {
			resp := o.ask("GET", "/officer", nil, func(r *http.Request) {
				if x.change != nil {
					x.change(r)
				}
				carry(c)(r)
			})
			if (resp.StatusCode == http.StatusOK) != (c.Name == x.cookie) {
				t.Errorf("%s: with %s the desk answers %d", name, c.Name, resp.StatusCode)
			}
		}
	}
}

func TestSessionEnds(t *testing.T) {
	o := newOffice(t, false)
	start := o.now
	for name, do := range map[string]func(*http.Cookie){
		"idle":    func(*http.Cookie) { o.now = o.now.Add(30 * time.Minute) },
		"revoked": func(*http.Cookie) { delete(o.tokens.known, "officer") },
		"another role": func(*http.Cookie) {
			o.tokens.known["officer"] = v1.Officer{Role: events.Emitter, Organization: "city"}
		},
		"signed out": func(c *http.Cookie) {
			resp := o.ask("POST", "/officer/sign-out", url.Values{}, carry(c))
			if resp.StatusCode != http.StatusSeeOther || resp.Cookies()[0].MaxAge >= 0 {
				t.Errorf("signing out: %d %v", resp.StatusCode, resp.Cookies())
			}
		},
		"eight hours": func(c *http.Cookie) {
			for range 8*3 - 1 {
				o.now = o.now.Add(20 * time.Minute)
				if !o.in(c) {
					t.Fatalf("the session ends after %s", o.now.Sub(start))
				}
			}
			o.now = o.now.Add(20 * time.Minute)
		},
	} {
		o.now, o.tokens.known["officer"] = start, v1.Officer{Role: events.Officer, Organization: "city", Name: "aaaa"}
		c, second := o.session("officer"), o.session("officer")
		if !o.in(c) || c.Value == second.Value {
			t.Fatalf("%s: not signed in", name)
		}
		do(c)
		if o.in(c) {
			t.Errorf("%s: the session lives on", name)
		}
		o.now, o.tokens.known["officer"] = start, v1.Officer{Role: events.Officer, Organization: "city", Name: "aaaa"}
		if o.in(c) {
			t.Errorf("%s: the session comes back", name)
		}
		if o.in(second) != (name != "revoked" && name != "another role") {
			t.Errorf("%s: the other session of the token lives %v", name, o.in(second))
		}
		o.now = o.now.Add(time.Hour) // the attempts are paid for
		start = o.now
	}
}

// TestSessionsAreBounded signs in more often than there is room for.
func TestSessionsAreBounded(t *testing.T) {
	o := newOffice(t, false)
	oldest := o.session("officer")
	other := o.session("other")
	for range 10 {
		o.now = o.now.Add(10 * time.Second)
		o.session("officer")
	}
	if o.in(oldest) || !o.in(other) {
		t.Errorf("the oldest session lives: %v, another's %v", o.in(oldest), o.in(other))
	}
	for i := range 1000 {
		token := fmt.Sprint("auditor", i)
		o.tokens.known[token] = v1.Officer{Role: events.Auditor}
		o.now = o.now.Add(time.Second)
		if resp := o.signIn(token, func(r *http.Request) { r.RemoteAddr = fmt.Sprintf("127.0.%d.%d:1", i/250, i%250) }); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("signing in as %d: %d", i, resp.StatusCode)
		}
	}
	if o.in(other) {
		t.Error("a thousand more sessions leave the oldest")
	}
	if c := o.session("officer"); !o.in(c) {
		t.Error("when all places are taken, nobody gets in")
	}
}

// TestSignInRefuses holds that nothing is told of a token that does not let in.
func TestSignInRefuses(t *testing.T) {
	o := newOffice(t, false)
	bodies := map[string]bool{}
	for _, token := range []string{"emitter", "admin", "nonsense", "", strings.Repeat("x", 500)} {
		o.now = o.now.Add(time.Minute)
		resp := o.signIn(token, nil)
		body := make([]byte, 1<<16)
		n, _ := resp.Body.Read(body)
		bodies[string(body[:n])] = true
		if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 {
			t.Errorf("%q: %d %v", token, resp.StatusCode, resp.Cookies())
		}
	}
	if len(bodies) != 1 {
		t.Errorf("there are %d answers to tokens that do not let in", len(bodies))
	}
	if resp := o.signIn(strings.Repeat("x", 5000), nil); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a long form: %d", resp.StatusCode)
	}
	if resp := o.ask("GET", "/officer/sign-in?token=officer", nil, nil); resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 0 {
		t.Errorf("a token in the address: %d %v", resp.StatusCode, resp.Cookies())
	}
	o.tokens.broken = true
	if resp := o.signIn("officer", nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("unreadable tokens: %d", resp.StatusCode)
	}
	o.tokens.broken = false
	c := o.session("officer")
	o.tokens.broken = true
	if resp := o.ask("GET", "/officer", nil, carry(c)); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("unreadable tokens, signed in: %d", resp.StatusCode)
	}
	o.tokens.broken = false
	if !o.in(c) {
		t.Error("what could not be read ended a session")
	}
}

func TestAttempts(t *testing.T) {
	o := newOffice(t, false)
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.TLS, r.RemoteAddr = &tls.ConnectionState{}, address }
	}
	for i := range 10 {
		if resp := o.signIn("nonsense", from("192.0.2.1:1")); resp.StatusCode != http.StatusForbidden {
			t.Fatalf("attempt %d: %d", i, resp.StatusCode)
		}
	}
	resp := o.signIn("officer", from("192.0.2.1:2"))
	wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 6 || len(resp.Cookies()) != 0 {
		t.Fatalf("the eleventh attempt: %d, %v", resp.StatusCode, resp.Header)
	}
	if resp := o.signIn("officer", from("192.0.2.2:1")); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("another address: %d", resp.StatusCode)
	}
	o.now = o.now.Add(time.Duration(wait) * time.Second)
	if resp := o.signIn("officer", from("192.0.2.1:3")); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after waiting: %d", resp.StatusCode)
	}
	for i := range 11 { // one subscriber has all addresses of a network
		resp = o.signIn("nonsense", from(fmt.Sprintf("[2001:db8::%d]:1", i)))
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a network's eleventh address: %d", resp.StatusCode)
	}
	o.now = o.now.Add(time.Hour)
	for i := range 201 {
		resp = o.signIn("nonsense", from(fmt.Sprintf("198.51.100.%d:1", i)))
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("attempt 201 of all: %d", resp.StatusCode)
	}
}

// TestCrossOrigin holds that no page of another site makes a browser change
// anything here, while programs with a token are let through.
func TestCrossOrigin(t *testing.T) {
	o := newOffice(t, false)
	c := o.session("officer")
	posts := []string{"/officer/sign-in", "/officer/sign-out", "/officer/details", "/v1/officer/entries/8/details", "/v1/events"}
	for _, path := range posts {
		for name, cross := range map[string]func(*http.Request){
			"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"another host":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"another origin": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
			"a sandbox":      func(r *http.Request) { r.Header.Set("Origin", "null") },
		} {
			resp := o.ask("POST", path, url.Values{"token": {"officer"}}, func(r *http.Request) { cross(r); carry(c)(r) })
			if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 {
				t.Errorf("%s from %s: %d", path, name, resp.StatusCode)
			}
			resp = o.ask("POST", path, nil, func(r *http.Request) { cross(r); r.Header.Set("Authorization", "Bearer emitter") })
			if (resp.StatusCode == http.StatusOK) != (path == "/v1/events") {
				t.Errorf("%s from %s with a token: %d", path, name, resp.StatusCode)
			}
		}
	}
	if !o.in(c) {
		t.Error("another site signed the officer out")
	}
	if resp := o.ask("POST", "/v1/events", nil, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("a service without a browser: %d", resp.StatusCode)
	}
}

// TestNothingInAdvance holds that what a browser fetches before anybody asks is
// not given: it would be on record.
func TestNothingInAdvance(t *testing.T) {
	o := newOffice(t, false)
	c := o.session("officer")
	for _, path := range []string{"/officer", "/officer/trail", "/officer/findings", "/v1/officer/trail", "/v1/officer/findings.csv"} {
		for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
			resp := o.ask("GET", path, nil, func(r *http.Request) {
				carry(c)(r)
				r.Header.Set("Authorization", "Bearer officer")
				r.Header.Set(name, "prefetch;prerender")
			})
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %s: %d", path, name, resp.StatusCode)
			}
		}
	}
}

// TestOfficersAreOptional holds that a server without a desk has nothing for
// officers, and says so nowhere.
func TestOfficersAreOptional(t *testing.T) {
	w := seeded(t)
	for _, path := range []string{"/officer", "/officer/sign-in", "/officer/trail", "/v1/officer/trail"} {
		if got := w.get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if strings.Contains(w.get("/").Body.String(), "/officer") {
		t.Error("the first page leads to officers' pages that are not there")
	}
	o := newOffice(t, false)
	if !strings.Contains(o.get("/").Body.String(), `href="/officer/sign-in"`) {
		t.Error("the first page does not lead officers on")
	}
	routes := o.handler.(interface{ Routes() []string }).Routes()
	if !slices.Contains(routes, "POST /officer/sign-in") || !slices.Contains(routes, "GET /v1/officer/trail") || !slices.Contains(routes, "GET /{$}") {
		t.Errorf("the routes are %v", routes)
	}
}
