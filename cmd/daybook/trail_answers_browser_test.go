package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// between stands before the ledger and answers itself what answer does, which says so.
func (w *cardWalk) between(answer func(http.ResponseWriter, *http.Request) bool) string {
	w.Helper()
	to, err := url.Parse(w.server.url)
	if err != nil {
		w.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if !answer(out, r) {
			proxy.ServeHTTP(out, r)
		}
	}))
	w.Cleanup(s.Close)
	return s.URL
}

// openAt opens a card at an address, half a minute of the page's patience being a
// third of a second.
func (w *cardWalk) openAt(ctx context.Context, address, file, until string, want ...string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Navigate(address+"/trail"), chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
		chromedp.Evaluate(`(wait => { window.setTimeout = (f, ms) => wait(f, ms / 90); })(window.setTimeout.bind(window))`, nil),
		press(`#own-form button`), chromedp.WaitVisible(until, chromedp.ByQuery), fits(w.T, w.axe, want...)); err != nil {
		w.Fatalf("%s: %v: %s", address, err, w.server.logs)
	}
}

// TestTrailEndlessInBrowser opens a card at ledgers whose answers do not end: neither
// the memory of the phone nor the patience of who holds it does.
func TestTrailEndlessInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newCardWalk(t)
	w.access("9", "Anna")
	file, card := w.card("issue", "Anna")
	w.until(card, "2 entries about you")
	if err := chromedp.Run(ctx); err != nil { // the browser lives as long as this
		t.Fatal(err)
	}
	for _, path := range []string{"/checkpoint", "/tile/entries/", "/v1/index/proofs", "/v1/trail/slots"} {
		sent := 0
		w.openAt(ctx, w.between(func(out http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, path) {
				return false
			}
			some := make([]byte, 64<<10)
			for sent = 0; sent < 256<<20; sent += len(some) {
				if _, err := out.Write(some); err != nil {
					return true
				}
			}
			return true
		}), file, `#note:not(:empty)`, "The ledger answers with more bytes than there can be.")
		if sent >= 256<<20 {
			t.Errorf("%s: all was read", path)
		}
		w.openAt(ctx, w.between(func(out http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, path) {
				return false
			}
			out.Write([]byte("begun")) //nolint:errcheck // who asked goes away
			out.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}), file, `#note:not(:empty)`, "The ledger stopped in the middle of an answer.")
	}
}

// TestTrailAroundInBrowser opens a card at a ledger that says odd things around the
// trail, none of them proven: names are made short and readable, and are said to be
// the register's; numbers that are none are not repeated.
func TestTrailAroundInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newCardWalk(t)
	w.access("9", "Anna")
	file, card := w.card("issue", "Anna")
	w.until(card, "2 entries about you")
	address := w.between(func(out http.ResponseWriter, r *http.Request) bool {
		said := ""
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/register/"):
			said = `{"fields":{"name":"OFFICE\u202e\u200b\u0007` + strings.Repeat("x", 1000) + `"}}`
		case r.URL.Path == "/v1/seals":
			said = `{"real":[{"standing":"none at all"}]}`
		case r.URL.Path == "/v1/coverage":
			said = `{"real":{"sources":[{"organization":"city","source":"city/app","events":"FEW","unnamed":0}]}}`
		default:
			return false
		}
		out.Write([]byte(said)) //nolint:errcheck // who asked goes away
		return true
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	w.openAt(ctx, address, file, `#entries`, "OFFICExxxxxx", "x…", "the names come from the ledger’s register",
		"the ledger does not say how many there are", "the ledger does not say how much that is")
	var text string
	if err := chromedp.Run(ctx, chromedp.Text(`#found`, &text, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Run(ctx, chromedp.Evaluate(`Uint8Array.prototype.subarray = () => { throw new TypeError("it broke"); }; 0`, nil),
		press(`#own-form button`), chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery), fits(t, w.axe, "Not checked: this page broke off", "it broke"),
		chromedp.WaitNotPresent(`#entries`, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text, "\u202e\u200b\u0007") || strings.Contains(text, strings.Repeat("x", 160)) || strings.Contains(text, "none at all") || strings.Contains(text, "FEW") {
		t.Errorf("it shows %s", text)
	}
}

// byBrokenLink follows the link with what mail put behind it, and one that is none: the
// address keeps nothing of either.
func (w *cardWalk) byBrokenLink(ctx context.Context, link string) {
	w.Helper()
	for _, ending := range []string{".", "%3E", "%20" + strings.Repeat("x", 100)} {
		if err := chromedp.Run(ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(link+ending), chromedp.WaitVisible(`#file`, chromedp.ByQuery), chromedp.Sleep(100*time.Millisecond)); err != nil {
			w.Fatal(err)
		}
		if card, _ := w.state(ctx); card != link {
			w.Errorf("the form has %q of a link that ends with %q", card, ending)
		}
	}
	if err := chromedp.Run(ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(w.wire.URL+"/trail#%3C"+strings.Repeat("x", 100)), chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery)); err != nil {
		w.Fatal(err)
	}
	if card, said := w.state(ctx); card != "" || !strings.Contains(said, "no card in it that can be read") {
		w.Errorf("the form has %q, and says %q", card, said)
	}
}
