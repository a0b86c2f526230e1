package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// TestTrailInsecureInBrowser opens a card over plain http, where no browser decrypts:
// everything else is found and proved, and it is said what is not.
func TestTrailInsecureInBrowser(t *testing.T) {
	ctx := startBrowser(t, chromedp.Flag("host-resolver-rules", "MAP ledger.example 127.0.0.1"))
	w := newCardWalk(t)
	w.access("9", "Anna")
	file, card := w.card("issue", "Anna")
	w.until(card, "2 entries about you")
	var text string
	if err := chromedp.Run(ctx, chromedp.Navigate(strings.Replace(w.wire.URL, "127.0.0.1", "ledger.example", 1)+"/trail"),
		chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
		w.opensTrail("2 entries about you", "On 24 June 2026", "All events of your trail", "this page came over a connection that is not secure (http)"),
		chromedp.Text(`#found`, &text, chromedp.ByQuery)); err != nil {
		t.Fatalf("%v: %s", err, w.server.logs)
	}
	if strings.Contains(text, "secret/role") || w.wire.sent("POST /v1/trail/slots") != 0 {
		t.Errorf("details were asked for: %s", text)
	}
}

// TestTrailForkInBrowser opens a card at a ledger whose operator went back to a copy
// from before, and on in another way, with the same keys: who kept a file of her trail
// gets evidence that needs neither her nor her card.
func TestTrailForkInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newCardWalk(t)
	w.access("9", "Anna")
	file, card := w.card("issue", "Anna")
	w.until(card, "2 entries about you")
	w.server.stop(syscall.SIGTERM)
	other := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(other, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	master, err := os.ReadFile(w.dir + ".master")
	if err == nil {
		err = os.WriteFile(other+".master", master, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	kept := w.keeps(file)
	if w.server, err = startServer(w.program, other); err != nil {
		t.Fatal(err)
	}
	w.wire = newWire(t, w.server.url)
	for _, x := range []struct{ id, seen, says, kind string }{
		{"20", "3 entries about you", "entries, as you saw before, and is shown with", ""},
		{"21", "4 entries about you", "was signed with two roots at size", "fork"},
		{"22", "5 entries about you", "does not go on from the state at", "inconsistent"},
	} {
		w.access(x.id, "Anna")
		w.until(card, x.seen)
		dir := t.TempDir()
		if err := chromedp.Run(ctx, browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(dir),
			chromedp.Navigate(w.wire.URL+"/trail"), chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery),
			chromedp.SetUploadFiles(`#kept`, []string{kept}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
			w.opensTrail("Something is wrong with this ledger", x.says)); err != nil {
			t.Fatalf("%s: %v: %s", x.seen, err, w.server.logs)
		}
		if x.kind == "" {
			continue
		}
		if err := chromedp.Run(ctx, press(`#save-evidence`)); err != nil {
			t.Fatal(err)
		}
		evidence := w.saved(filepath.Join(dir, "daybook.evidence"))
		out, err := exec.Command(w.program, "verify", filepath.Join(dir, "daybook.evidence"), "--key", w.server.key).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "EVIDENCE") || !strings.Contains(string(evidence), `"kind":"`+x.kind+`"`) {
			t.Errorf("%s: the program says of the evidence %.300s: %v: %s", x.seen, evidence, err, out)
		}
	}
}

// TestTrailSpoiledInBrowser opens a card over a connection that changes the hashes of
// the log: that is said, and nothing is called evidence that shows nothing to others.
func TestTrailSpoiledInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newCardWalk(t)
	w.access("9", "Anna")
	file, card := w.card("issue", "Anna")
	w.until(card, "2 entries about you")
	kept := filepath.Join(t.TempDir(), "kept.bundle")
	if out, err := exec.Command(w.program, "trail", file, "--url", w.server.url, "--state", kept).CombinedOutput(); err != nil {
		t.Fatalf("keeping the trail: %v: %s", err, out)
	}
	w.access("10", "Anna")
	w.until(card, "3 entries about you")
	to, err := url.Parse(w.server.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(resp *http.Response) error {
		if !strings.HasPrefix(resp.Request.URL.Path, "/tile/0/") {
			return nil
		}
		b, err := io.ReadAll(resp.Body)
		for i := range b {
			b[i] ^= 1
		}
		resp.Body = io.NopCloser(bytes.NewReader(b))
		return err
	}
	between := httptest.NewServer(proxy)
	defer between.Close()
	var saves int
	if err := chromedp.Run(ctx, chromedp.Navigate(between.URL+"/trail"), chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery),
		chromedp.SetUploadFiles(`#kept`, []string{kept}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
		w.opensTrail("Something is wrong with this ledger", "are not those of the log that is signed"),
		chromedp.Evaluate(`document.querySelectorAll("#save-evidence").length`, &saves)); err != nil {
		t.Fatalf("%v: %s", err, w.server.logs)
	}
	if saves != 0 {
		t.Error("what shows nothing is offered as evidence")
	}
}

// keeps lets the ledger go on, and keeps what the card leads to.
func (w *cardWalk) keeps(card string) (bundle string) {
	w.Helper()
	var err error
	if w.server, err = startServer(w.program, w.dir); err != nil {
		w.Fatal(err)
	}
	w.wire = newWire(w.T, w.server.url)
	for _, x := range []struct{ id, seen string }{{"10", "3 entries about you"}, {"11", "4 entries about you"}} {
		w.access(x.id, "Anna")
		w.until(w.cards[0], x.seen)
	}
	bundle = filepath.Join(w.TempDir(), "kept.bundle")
	if out, err := exec.Command(w.program, "trail", card, "--url", w.server.url, "--state", bundle).CombinedOutput(); err != nil {
		w.Fatalf("keeping the trail: %v: %s", err, out)
	}
	w.server.stop(syscall.SIGTERM)
	return bundle
}
