package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// logged is a ledger whose first bundle is full.
func logged(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	for range 299 {
		w.say("city", "data.collected", "2026-06-18T05:00:00Z", `{"dataset":"d","system":"s","subjects":{"mode":"none"}}`)
	}
	w.publish()
	return w
}

func (w *world) ask(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://daybook.example"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}

func TestFileHeaders(t *testing.T) {
	w := logged(t)
	const day, year = "public, max-age=86400, immutable", "public, max-age=31536000, immutable"
	for path, want := range map[string][3]string{
		"/checkpoint":              {"text/plain; charset=utf-8", "no-cache", ""},
		"/tile/0/000":              {"application/octet-stream", year, ""},
		"/tile/0/000.p/9":          {"application/octet-stream", day, ""},
		"/tile/0/001.p/44":         {"application/octet-stream", day, ""},
		"/tile/1/000.p/1":          {"application/octet-stream", day, ""},
		"/tile/entries/000":        {"application/octet-stream", year, "Accept-Encoding"},
		"/tile/entries/000.p/255":  {"application/octet-stream", day, "Accept-Encoding"},
		"/tile/entries/001.p/44":   {"application/octet-stream", day, "Accept-Encoding"},
		"/tile/entries/000.p/0":    {"application/problem+json", "no-store", ""},
		"/tile/entries/000.p/256":  {"application/problem+json", "no-store", ""},
		"/tile/entries/001":        {"application/problem+json", "no-store", ""},
		"/tile/entries/001.p/45":   {"application/problem+json", "no-store", ""},
		"/tile/entries/002.p/1":    {"application/problem+json", "no-store", ""},
		"/tile/entries/x000/000":   {"application/problem+json", "no-store", ""},
		"/tile/0/001":              {"application/problem+json", "no-store", ""},
		"/tile/1/000":              {"application/problem+json", "no-store", ""},
		"/tile/1/000.p/2":          {"application/problem+json", "no-store", ""},
		"/tile/2/000.p/1":          {"application/problem+json", "no-store", ""},
		"/tile/64/000.p/1":         {"application/problem+json", "no-store", ""},
		"/tile/-1/000":             {"application/problem+json", "no-store", ""},
		"/tile/00/000":             {"application/problem+json", "no-store", ""},
		"/tile/0/1234067":          {"application/problem+json", "no-store", ""},
		"/tile/0/..%2Fentries/000": {"application/problem+json", "no-store", ""},
	} {
		get := w.ask("GET", path)
		status := http.StatusOK
		if want[1] == "no-store" {
			status = http.StatusNotFound
		}
		h := get.Header()
		if get.Code != status || h.Get("Content-Type") != want[0] || h.Get("Cache-Control") != want[1] || h.Get("Vary") != want[2] {
			t.Errorf("%s: %d %v", path, get.Code, h)
		}
		if ok := get.Code == 200; ok != (h.Get("ETag") != "") || ok != (h.Get("Access-Control-Allow-Origin") == "*") || h.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", path, get.Code, h)
		}
		head := w.ask("HEAD", path).Header()
		for name := range h {
			if head.Get(name) != h.Get(name) {
				t.Errorf("HEAD %s: %s is %q, with GET %q", path, name, head.Get(name), h.Get(name))
			}
		}
	}
}

// TestHead asks over a connection, where a body would show.
func TestHead(t *testing.T) {
	w := logged(t)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	for _, path := range []string{"/checkpoint", "/tile/0/000", "/tile/entries/000"} {
		resp, err := http.Head(server.URL + path)
		check(t, err)
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode != 200 || len(body) > 0 || resp.ContentLength != int64(w.get(path).Body.Len()) {
			t.Errorf("HEAD %s: %d, %d bytes, length %d", path, resp.StatusCode, len(body), resp.ContentLength)
		}
	}
}

func TestZippedBundles(t *testing.T) {
	w := logged(t)
	for _, path := range []string{"/tile/entries/000", "/tile/entries/001.p/44", "/tile/entries/000.p/200"} {
		plain := w.ask("GET", path).Body.Bytes()
		for accept, zipped := range map[string]bool{
			"gzip": true, "GZip": true, "br, gzip;q=0.1": true, "*": true, "gzip, identity": true, "deflate, gzip;q=1.0, *;q=0.5": true,
			"": false, "identity": false, "br": false, "gzip;q=0": false, "gzip;q=0.000": false, "*;q=0": false, "gzip;q=0, *": false,
			"gzip;q=0.5, identity": false, "gzipped": false, "gzip;q=": false, "gzip;q=2": false, "gzip;q=NaN": false, "gzip;level=9": false, "identity;q=0, *;q=0": false,
		} {
			got := w.ask("GET", path, "Accept-Encoding", accept)
			body := got.Body.Bytes()
			if encoding := got.Header().Get("Content-Encoding"); (encoding == "gzip") != zipped || encoding != "" && !zipped {
				t.Errorf("%s with %q is sent as %q", path, accept, encoding)
				continue
			}
			if zipped {
				if 5*len(body) > 3*len(plain) {
					t.Errorf("%s is %d bytes, zipped %d", path, len(plain), len(body))
				}
				zr, err := gzip.NewReader(got.Body)
				check(t, err)
				body, err = io.ReadAll(zr)
				check(t, err)
			}
			if got.Code != 200 || !bytes.Equal(body, plain) || got.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s with %q: %d, %d bytes, Vary %q", path, accept, got.Code, len(body), got.Header().Get("Vary"))
			}
		}
	}
	for _, path := range []string{"/tile/0/000", "/checkpoint"} {
		if got := w.ask("GET", path, "Accept-Encoding", "gzip").Header(); got.Get("Content-Encoding") != "" || got.Get("Vary") != "" {
			t.Errorf("%s is sent as %v", path, got)
		}
	}
}

func TestConditionalRequests(t *testing.T) {
	w := logged(t)
	for _, path := range []string{"/checkpoint", "/tile/0/000", "/tile/0/001.p/3", "/tile/entries/000"} {
		tag := w.ask("GET", path).Header().Get("ETag")
		zipped := w.ask("GET", path, "Accept-Encoding", "gzip").Header().Get("ETag")
		if strings.Contains(path, "entries") != (zipped == "W/"+tag) {
			t.Errorf("%s has the tag %s, zipped %s", path, tag, zipped)
		}
		for _, list := range []string{tag, "W/" + tag, `"other", ` + tag, `"a,b",` + tag + `, "c"`, "*"} {
			for _, accept := range []string{"", "gzip"} {
				got := w.ask("GET", path, "If-None-Match", list, "Accept-Encoding", accept)
				h := got.Header()
				if got.Code != 304 || got.Body.Len() > 0 || h.Get("ETag") == "" || h.Get("Cache-Control") == "" || h.Get("Content-Encoding") != "" || h.Get("Content-Type") != "" {
					t.Errorf("%s if none matches %s: %d %v", path, list, got.Code, h)
				}
			}
		}
		for _, list := range []string{`"other"`, strings.Trim(tag, `"`), "", `"` + strings.Trim(tag, `"`) + `x"`} {
			if got := w.ask("GET", path, "If-None-Match", list); got.Code != 200 || got.Body.Len() == 0 {
				t.Errorf("%s if none matches %s: %d", path, list, got.Code)
			}
		}
	}
	before := w.ask("GET", "/checkpoint").Header().Get("ETag")
	w.say("city", "data.collected", "2026-06-18T05:00:00Z", `{"dataset":"d","system":"s","subjects":{"mode":"none"}}`)
	w.publish()
	if got := w.ask("GET", "/checkpoint", "If-None-Match", before); got.Code != 200 || got.Header().Get("ETag") == before {
		t.Errorf("the next checkpoint: %d with the tag %s", got.Code, got.Header().Get("ETag"))
	}
	if got := w.ask("GET", "/tile/entries/000", "Range", "bytes=0-9"); got.Code != 200 || got.Body.Len() < 1000 {
		t.Errorf("a range is answered with %d and %d bytes", got.Code, got.Body.Len())
	}
}

// shortened are files that lost their last bytes.
type shortened struct{ *world }

func (s shortened) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := s.anchor.Public().Read(ctx, path)
	return b[:max(0, len(b)-1)], err
}

// TestShortFiles has files on a damaged disk: nobody may keep them.
func TestShortFiles(t *testing.T) {
	w := logged(t)
	w.serve(w.anchor, shortened{w})
	for _, path := range []string{"/tile/0/000", "/tile/0/000.p/7", "/tile/entries/000", "/tile/entries/000.p/7"} {
		if got := w.ask("GET", path); got.Code != 503 || got.Header().Get("Cache-Control") != "no-store" || got.Header().Get("ETag") != "" {
			t.Errorf("%s: %d %v", path, got.Code, got.Header())
		}
	}
}

// TestLedgerSaysHowItPublishes holds the answer against what is known.
func TestLedgerSaysHowItPublishes(t *testing.T) {
	w := newWorld(t)
	w.publish()
	if got := w.get("/v1/ledger").Body.String(); !strings.Contains(got, `"age":12`) || strings.Contains(got, `"publishing"`) {
		t.Errorf("twelve seconds after a checkpoint: %s", got)
	}
	for want, p := range map[string]v1.Publishing{
		`"publishing":{"every":1,"rate":2.5,"overdue":false}`:            {Every: 1, Rate: 2.5},
		`"publishing":{"every":1,"rate":2.5,"maxAge":60,"overdue":true}`: {Every: 1, Rate: 2.5, MaxAge: 60, Overdue: true},
	} {
		w.pace = func() v1.Publishing { return p }
		w.serve(w.anchor, w.anchor.Public())
		if got := w.get("/v1/ledger").Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s does not say %s", got, want)
		}
	}
	w.signed = time.Time{}
	if got := w.get("/v1/ledger").Body.String(); strings.Contains(got, `"age"`) || strings.Contains(got, `"signedAt"`) {
		t.Errorf("when nobody knows the age: %s", got)
	}
}

// BenchmarkBundle serves a full bundle as it is and zipped.
func BenchmarkBundle(b *testing.B) {
	w := logged(b)
	for _, accept := range []string{"identity", "gzip"} {
		b.Run(accept, func(b *testing.B) {
			b.SetBytes(int64(w.ask("GET", "/tile/entries/000").Body.Len()))
			for b.Loop() {
				if got := w.ask("GET", "/tile/entries/000", "Accept-Encoding", accept); got.Code != 200 {
					b.Fatal(got.Code)
				}
			}
			b.ReportMetric(proof.TileWidth*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
