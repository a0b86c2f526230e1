package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
)

// maxBody bounds what a request may carry, whatever its handler reads. The door
// has a smaller limit of its own and answers with it.
const maxBody = 2 << 20

// headers go on every answer. Pages need a style sheet and a picture of ours,
// and forms that lead back here; scripts, frames and other sites have no part.
var headers = [][2]string{
	{"Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
}

// guard answers what no route was made for, and stands around those that were.
type guard struct {
	mux    *table
	web    *web.Pages // writes an error as a page
	origin *http.CrossOriginProtection
	log    *slog.Logger
}

// Routes are the patterns of all routes, as http.ServeMux has them.
func (g *guard) Routes() []string { return slices.Clone(g.mux.patterns) }

// table is a mux that knows its routes.
type table struct {
	http.ServeMux
	patterns []string
}

func (t *table) Handle(pattern string, handler http.Handler) {
	t.patterns = append(t.patterns, pattern)
	t.ServeMux.Handle(pattern, handler)
}

func (t *table) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	t.Handle(pattern, http.HandlerFunc(handler))
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, h := range headers {
		w.Header().Set(h[0], h[1])
	}
	out := &answer{ResponseWriter: w}
	defer g.recover(out, r)
	r.Body = http.MaxBytesReader(out, r.Body, maxBody)
	if err := g.checkOrigin(r); err != nil {
		g.refuseOrigin(out, r)
		return
	}
	h, pattern := g.mux.Handler(r)
	if pattern != "" {
		g.mux.ServeHTTP(out, r)
		return
	}
	g.refuse(out, r, h)
}

// checkOrigin refuses what a page of another site makes a browser send. Programs
// that show a token are let through: no browser adds one by itself.
func (g *guard) checkOrigin(r *http.Request) error {
	if _, ok := bearerToken(r); ok && strings.HasPrefix(r.URL.Path, "/v1/") {
		return nil
	}
	return g.origin.Check(r)
}

func (g *guard) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	p := &events.Problem{Status: http.StatusForbidden, Code: "cross-origin", Detail: "this came from a page of another site"}
	if wantsPage(r) {
		g.web.Fail(w, r, p)
		return
	}
	v1.Refuse(w, p)
}

// refuse answers a request without a route. The mux knows which methods the
// path has and says so on its own refusal, whose body is not ours.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, byMux http.Handler) {
	seen := &sink{header: http.Header{}}
	byMux.ServeHTTP(seen, r)
	if allow := seen.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		v1.Refuse(w, &events.Problem{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed", Detail: "this address takes " + allow})
		return
	}
	if wantsPage(r) {
		g.web.ServeHTTP(w, r)
		return
	}
	v1.Refuse(w, &events.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: "there is nothing at this address"})
}

// wantsPage says that r comes from somebody who reads pages, not JSON.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") &&
		!strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/tile/") &&
		!strings.HasPrefix(r.URL.Path, "/index/")
}

// recover turns a panic into a problem, or breaks the connection when part of
// an answer is out, so that nobody takes the part for the whole. The log gets
// the stack and not the panic's text, which may quote what was sent.
func (g *guard) recover(w *answer, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	g.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelError, "answering a request",
		slog.String("method", r.Method), slog.String("pattern", r.Pattern),
		slog.String("panic", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	v1.Refuse(w, &events.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "this is our fault; please try again"})
}

// answer remembers whether anything was sent.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// sink takes an answer nobody gets.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}
