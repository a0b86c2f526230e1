package api

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
)

// cookieName is the session's cookie. The prefix makes a browser refuse it from
// anybody but this very host over TLS.
const (
	cookieName       = "daybook-session"
	secureCookieName = "__Host-" + cookieName
)

// gate lets officers in: by a bearer token to the JSON, by a session to the
// pages, and never the one for the other.
type gate struct {
	tokens   v1.Tokens
	proxy    bool // see Config.BehindProxy
	pages    *web.Pages
	log      *slog.Logger
	sessions *sessions
	attempts *attempts
}

func newGate(c Config, pages *web.Pages) *gate {
	now := c.Now
	if now == nil {
		now = time.Now
	}
	return &gate{c.Tokens, c.BehindProxy, pages, c.Log, newSessions(now), newAttempts(now)}
}

func (g *gate) mount(mux v1.Mux) {
	mux.HandleFunc("GET /officer/sign-in", g.signInPage)
	mux.HandleFunc("POST /officer/sign-in", g.signIn)
	mux.HandleFunc("POST /officer/sign-out", g.signOut)
}

// officer is whom a token lets in; the problem says nothing that its bearer does
// not know.
func (g *gate) officer(token string) (v1.Officer, *events.Problem) {
	who, ok, err := g.tokens.Find(token)
	switch {
	case err != nil:
		return who, &events.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "the tokens cannot be read"}
	case !ok:
		return who, &events.Problem{Status: http.StatusUnauthorized, Code: "unknown-token", Detail: "this ledger does not know the token"}
	case !who.Reads():
		return who, &events.Problem{Status: http.StatusForbidden, Code: "role", Detail: "only tokens of officers and auditors read what is sealed"}
	}
	return who, nil
}

// bearer wraps what is for programs, which show a token with each request. A
// cookie means nothing there.
func (g *gate) bearer(h v1.ForOfficer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if p := foreseen(r); p != nil {
			v1.Refuse(w, p)
			return
		}
		token, ok := bearerToken(r)
		p := &events.Problem{Status: http.StatusUnauthorized, Code: "no-token", Detail: "send Authorization: Bearer TOKEN"}
		var who v1.Officer
		if ok {
			who, p = g.officer(token)
		}
		if p != nil {
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="daybook"`)
			}
			v1.Refuse(w, p)
			return
		}
		h(w, r, who)
	}
}

// bearerToken is the token that r shows.
func bearerToken(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, token != "" && strings.EqualFold(scheme, "Bearer")
}

// cookie wraps what is for people, who have signed in. A token that is revoked,
// or whose role has changed, ends its sessions.
func (g *gate) cookie(h v1.ForOfficer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if p := foreseen(r); p != nil {
			g.pages.Fail(w, r, p)
			return
		}
		id, _ := g.sessionID(r)
		token, ok := g.sessions.find(id)
		if !ok {
			g.pages.SignIn(w, r, http.StatusUnauthorized, "Please sign in.")
			return
		}
		who, p := g.officer(token)
		switch {
		case p != nil && p.Status == http.StatusServiceUnavailable:
			g.pages.Fail(w, r, p)
		case p != nil:
			g.sessions.endToken(token)
			http.SetCookie(w, g.newCookie(r, "", -1))
			g.pages.SignIn(w, r, http.StatusUnauthorized, "Your token is not good any more. Please sign in with another.")
		default:
			h(w, r, who)
		}
	}
}

// foreseen refuses what a browser asks for before anybody wants it: to ask is to
// have it recorded.
func foreseen(r *http.Request) *events.Problem {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if strings.Contains(strings.ToLower(r.Header.Get(name)), "prefetch") {
			return &events.Problem{Status: http.StatusForbidden, Code: "prefetch", Detail: "asking is recorded, so nothing is given in advance"}
		}
	}
	return nil
}

func (g *gate) signInPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	g.pages.SignIn(w, r, http.StatusOK, "")
}

// signIn makes a session of the token in the form. What is wrong with a token is
// not said: unknown, revoked and of another role are one.
func (g *gate) signIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !g.secure(r) && !g.from(r).IsLoopback() {
		g.pages.SignIn(w, r, http.StatusForbidden, "Signing in over a network needs https.")
		return
	}
	if wait := g.attempts.take(g.from(r)); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		g.pages.SignIn(w, r, http.StatusTooManyRequests, "Too many attempts. Please wait a little.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		g.pages.SignIn(w, r, http.StatusUnprocessableEntity, "We could not read that.")
		return
	}
	token := strings.TrimSpace(r.PostForm.Get("token"))
	switch who, p := g.officer(token); {
	case p != nil && p.Status == http.StatusServiceUnavailable:
		g.pages.Fail(w, r, p)
	case p != nil:
		g.pages.SignIn(w, r, http.StatusForbidden, "This token does not let anybody in here.")
	default:
		if old, ok := g.sessionID(r); ok {
			g.sessions.end(old)
		}
		http.SetCookie(w, g.newCookie(r, g.sessions.begin(token), int(sessionLife/time.Second)))
		g.log.LogAttrs(r.Context(), slog.LevelInfo, "an officer signed in", slog.String("role", string(who.Role)), slog.String("token", who.Name))
		http.Redirect(w, r, "/officer", http.StatusSeeOther)
	}
}

func (g *gate) signOut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if id, ok := g.sessionID(r); ok {
		g.sessions.end(id)
	}
	http.SetCookie(w, g.newCookie(r, "", -1))
	http.Redirect(w, r, "/officer/sign-in", http.StatusSeeOther)
}

func (g *gate) newCookie(r *http.Request, id string, age int) *http.Cookie {
	name, secure := cookieName, g.secure(r)
	if secure {
		name = secureCookieName
	}
	return &http.Cookie{Name: name, Value: id, Path: "/", MaxAge: age, Secure: secure, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// sessionID is the session that r's cookie names. Over TLS only the name counts
// that no other host can set.
func (g *gate) sessionID(r *http.Request) (string, bool) {
	name := cookieName
	if g.secure(r) {
		name = secureCookieName
	}
	c, err := r.Cookie(name)
	if err != nil {
		return "", false
	}
	return c.Value, true
}

// secure says that r came over TLS, to us or to the proxy.
func (g *gate) secure(r *http.Request) bool {
	return r.TLS != nil || g.proxy && r.Header.Get("X-Forwarded-Proto") == "https"
}

// from is the address that r came from, as the proxy saw it where there is one;
// zero when nobody can tell.
func (g *gate) from(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if list := r.Header.Values("X-Forwarded-For"); g.proxy && len(list) > 0 {
		last := list[len(list)-1]
		host = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
