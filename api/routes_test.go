package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// seeded is a small ledger with every shape a page shows.
func seeded(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	at := "2026-06-18T05:00:00Z"
	w.say("city", "organization.registered", at, `{"organization":"city","name":"City <script>alert(1)</script> & Co","kind":"city","timeZone":"America/Los_Angeles"}`)
	w.say("example", "organization.registered", at, `{"organization":"example","name":"Example","kind":"other","timeZone":"UTC"}`)
	w.say("city", "dataset.registered", at, `{"dataset":"city/reads","title":"Plate reads","classification":"Private","pii":"direct"}`)
	w.say("city", "retention.set", at, `{"dataset":"city/reads","period":"P1Y6M","trigger":"collection"}`)
	w.say("city", "system.registered", at, `{"system":"city/model","name":"Reader model","kind":"sensor-model","capabilities":["optics/plates"]}`)
	w.say("city", "system.registered", at, `{"system":"city/a//b","name":"Reader","kind":"plate-reader","model":"city/model","datasets":["city/reads","city/gone"],"place":{"address":"1 Main St"}}`)
	w.say("city", "activity.registered", at, `{"activity":"city/search","title":"Searches","systems":["city/a//b"],"datasets":["city/reads"],"purposes":["ProtectionOfPublicSecurity"]}`)
	w.say("city", "data.accessed", at, `{"system":"city/a//b","dataset":"city/reads","activity":"city/search","operation":"Query","outcome":"denied","scope":{"unit":"camera","count":2510},"subjects":{"mode":"unknown"},"reasonText":"MARKER reason","actor":{"id":"MARKER actor"}}`)
	w.say("city", "data.accessed", at, `{"system":"city/nowhere","operation":"Query","outcome":"unstated","subjects":{"mode":"single","persons":[{"scheme":"plate","value":"MARKER plate"}]},"dataset":"city/reads"}`)
	w.say("example", "data.deleted", at, `{"dataset":"city/reads","method":"Erase","trigger":"retention-end","subjects":{"mode":"none"},"records":7}`)
	w.publish()
	return w
}

// TestRoutes walks every address with every method: what no route was made for
// is refused, and every answer bears the security headers.
func TestRoutes(t *testing.T) {
	w := seeded(t)
	style := between(t, w.get("/").Body.String(), `rel="stylesheet" href="`, `"`)
	reads := map[string]int{
		"/": 200, "/register": 200, "/register/system": 200, "/register/system/city/model": 200, "/register/system/city%2Fa%2F%2Fb": 200,
		"/entries": 200, "/entries/0": 200, "/checking": 200, "/verify": 200, "/verify.html": 200, style: 200, "/checkpoint": 200,
		"/tile/0/000.p/11": 200, "/tile/entries/000.p/11": 200, "/tile/entries/000.p/3": 200,
		"/v1/entries": 200, "/v1/entries/3": 200, "/v1/entries/3/proof": 200, "/v1/register/system": 200,
		"/v1/register/system/city/model": 200, "/v1/totals": 200, "/v1/ledger": 200, "/v1/findings": 200, "/v1/sharing": 200, "/v1/retention": 200,
		"/v1/findings.csv": 200, "/v1/sharing.csv": 200, "/v1/retention.csv": 200,
		"/v1/entries.csv": 200, "/v1/totals.csv": 200, "/v1/register/system.csv": 200, "/v1/register/grant.csv": 200, "/openapi.json": 200, "/api": 200,
		"/v1/register/person.csv": 404, "/v1/register/system.json": 404, "/api/": 404, "/openapi.yaml": 404,
		"/findings": 200, "/sharing": 200, "/deletions": 200, "/coverage": 200, "/v1/coverage": 200, "/v1/coverage.csv": 200, "/seals": 200, "/v1/seals": 200, "/v1/seals.csv": 200, "/register?at=2026-06-24": 200, "/v1/register/system?at=2026-06-24": 200,
		"/findings/": 404, "/v1/findings/1": 404, "/v1/deletions": 404,
		"/tile/0/000": 404, "/tile/0/000.p/12": 404, "/tile/0/0.p/11": 404, "/tile/0/000.p/011": 404, "/tile/64/000": 404, "/tile/entries/x000/000.p/11": 404, "/tile/0/000.p%2F11": 404,
		"/nowhere": 404, "/v1": 404, "/v1/": 404, "/v2/entries": 404, "/assets/": 404, "/register/person": 404, "/register/system/none": 404,
		"/v1/register/person": 404, "/v1/register/system/none": 404, "/v1/register/system/": 404, "/v1/entries/11": 404, "/v1/entries/11/proof": 404, "/v1/entries/03": 404,
		"/v1/entries/AAAAAAAAAAAAAAAAAAAAAA": 404, "/entries/11": 404, "/v1/entries/%00": 404, "/.git/config": 404, "/checkpoint/": 404, "/favicon.ico": 404,
	}
	for path, want := range reads {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			got := w.do(method, path, "")
			status := want
			if read := method == "GET" || method == "HEAD"; !read && status == 200 || !read && routed(path) {
				status = http.StatusMethodNotAllowed
			} else if !read {
				status = http.StatusNotFound
			}
			if got.Code != status {
				t.Errorf("%s %s: %d, want %d", method, path, got.Code, status)
			}
			if got.Code == http.StatusMethodNotAllowed && got.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: Allow is %q", method, path, got.Header().Get("Allow"))
			}
			checkHeaders(t, method+" "+path, got.Header(), got.Code)
		}
	}
}

// routed says that a route matches path, whatever its handler then finds.
func routed(path string) bool {
	for _, prefix := range []string{"/tile/", "/v1/register/", "/v1/entries/", "/register/", "/entries/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

func checkHeaders(t *testing.T, what string, h http.Header, status int) {
	t.Helper()
	policy := "default-src 'none'; style-src 'self';"
	if status == http.StatusOK && strings.Contains(what, " /verify") { // the page with its script and style within itself
		policy = "default-src 'none'; script-src 'sha256-"
	}
	if !strings.HasPrefix(h.Get("Content-Security-Policy"), policy) || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%s: security headers are missing: %v", what, h)
	}
	types := []string{"application/problem+json", "text/html; charset=utf-8"}
	if status >= 400 && !slices.Contains(types, h.Get("Content-Type")) {
		t.Errorf("%s: an error is %s", what, h.Get("Content-Type"))
	}
}

func TestDoor(t *testing.T) {
	w := newWorld(t)
	if got := w.do("POST", "/v1/events", ""); got.Code != 200 || got.Body.String() != "door 0" {
		t.Errorf("the door answers %d %s", got.Code, got.Body)
	}
	if got := w.get("/v1/events"); got.Code != 405 || got.Header().Get("Allow") != "POST" {
		t.Errorf("reading the door: %d, Allow %q", got.Code, got.Header().Get("Allow"))
	}
}

func TestPanicIsAProblem(t *testing.T) {
	w := newWorld(t)
	w.door = func(http.ResponseWriter, *http.Request) { panic("what was sent") }
	got := w.do("POST", "/v1/events", "")
	if got.Code != 500 || strings.Contains(got.Body.String(), "what was sent") || got.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a panic is answered with %d %s", got.Code, got.Body)
	}
	w.door = func(out http.ResponseWriter, _ *http.Request) {
		out.Write([]byte("half"))
		panic("what was sent")
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("half an answer ends with %v", p)
		}
	}()
	w.do("POST", "/v1/events", "")
	t.Error("half an answer passes for a whole one")
}

func TestCaching(t *testing.T) {
	w := newWorld(t)
	for range 256 {
		w.say("city", "data.collected", "2026-06-18T05:00:00Z", `{"dataset":"d","system":"s","subjects":{"mode":"none"}}`)
	}
	w.publish()
	for path, want := range map[string]string{
		"/tile/entries/000": "immutable", "/tile/0/000": "immutable", "/tile/0/001.p/1": "max-age=86400", "/tile/0/000.p/9": "max-age=86400",
		"/checkpoint": "no-cache", "/": "no-cache", "/v1/entries": "no-cache",
	} {
		got := w.get(path)
		if got.Code != 200 || !strings.Contains(got.Header().Get("Cache-Control"), want) {
			t.Errorf("%s: %d, %q instead of %q", path, got.Code, got.Header().Get("Cache-Control"), want)
		}
	}
	if got := w.get("/checkpoint").Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("the checkpoint is %s", got)
	}
}

func between(t testing.TB, s, before, after string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, before)
	s, _, ok2 := strings.Cut(s, after)
	if !ok || !ok2 {
		t.Fatalf("there is no %q", before)
	}
	return s
}
