package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestTrailInBrowser is a card from the office's desk to the person's phone: what the
// card opens, that it goes nowhere before she agrees, and that it is kept nowhere.
func TestTrailInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newCardWalk(t)
	var troubles []string
	chromedp.ListenTarget(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			troubles = append(troubles, e.ExceptionDetails.Error())
		case *log.EventEntryAdded: // what a policy refuses is among them
			if e.Entry.Source != log.SourceNetwork {
				troubles = append(troubles, e.Entry.Text)
			}
		}
	})
	if err := chromedp.Run(ctx, log.Enable(), emulation.SetDeviceMetricsOverride(360, 800, 1, true)); err != nil {
		t.Fatal(err)
	}
	w.access("9", "Anna")
	link := w.office(ctx)
	w.byBrokenLink(ctx, link)
	w.byLink(ctx, link)
	w.byFile(ctx)
	w.kept(ctx)
	w.withoutScript(ctx, link)
	w.refused(ctx)
	w.ended(ctx)
	if len(troubles) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(troubles, "\n"))
	}
	w.server.stop(syscall.SIGTERM)
	w.nowhere()
}

// office gives Anna her card, as a letter, and returns its link.
func (w *cardWalk) office(ctx context.Context) (link string) {
	w.Helper()
	var border, drawing string
	var side float64
	var printed []byte
	if err := chromedp.Run(ctx, chromedp.Navigate(w.wire.URL+"/officer"), chromedp.SendKeys(`#token`, w.officer, chromedp.ByQuery),
		chromedp.Submit(`#token`, chromedp.ByQuery), chromedp.WaitVisible(`#findings`, chromedp.ByQuery),
		press(`nav[aria-label="For officers"] a[href="/officer/cards"]`), chromedp.WaitVisible(`#scheme`, chromedp.ByQuery),
		fits(w.T, w.axe, "Identify the person first", "I have identified the person."),
		chromedp.SendKeys(`#scheme`, "example", chromedp.ByQuery), chromedp.SendKeys(`#value`, "Anna", chromedp.ByQuery),
		press(`#identified`), chromedp.Submit(`#value`, chromedp.ByQuery), chromedp.WaitVisible(`svg.code`, chromedp.ByQuery),
		fits(w.T, w.axe, "Keep it like a passport", "If you lose it", "print this letter"),
		chromedp.Text(`.whole`, &link, chromedp.ByQuery),
		chromedp.Evaluate(`getComputedStyle(document.querySelector(".note")).borderTopWidth`, &border),
		chromedp.AttributeValue(`svg.code path`, "d", &drawing, nil, chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("svg.code").getBoundingClientRect().width`, &side),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			printed, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
			return err
		}),
		chromedp.Navigate(w.wire.URL+"/officer"), press(`form[action="/officer/sign-out"] button`), chromedp.WaitVisible(`#token`, chromedp.ByQuery),
	); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	card, err := proof.ParseCardLink(link)
	if err != nil || card.URL != w.wire.URL || link != card.Link() {
		w.Fatalf("the letter's link is %q: %v", link, err)
	}
	w.cards = append(w.cards, card)
	if border != "2px" || side < 300 || len(drawing) < 4000 {
		w.Errorf("the letter has a border of %s, and a drawing %g wide of %d bytes", border, side, len(drawing))
	}
	if pages := len(regexp.MustCompile(`/Type /Page\b`).FindAll(printed, -1)); pages != 1 {
		w.Errorf("the letter has %d pages", pages)
	}
	if store := w.wire.header("POST /officer/cards", "Cache-Control"); store != "no-store" {
		w.Errorf("the letter may be kept: %s", store)
	}
	return link
}

// state is what the form has, and where the browser says it is.
func (w *cardWalk) state(ctx context.Context) (card, said string) {
	w.Helper()
	var at string
	var seen []string
	if err := chromedp.Run(ctx, chromedp.Value(`#own-card`, &card, chromedp.ByQuery), chromedp.Text(`#note`, &said, chromedp.ByQuery, chromedp.NodeReady),
		chromedp.Evaluate(`location.href`, &at),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, all, err := page.GetNavigationHistory().Do(ctx)
			for _, e := range all {
				seen = append(seen, e.URL)
			}
			return err
		})); err != nil {
		w.Fatal(err)
	}
	if strings.TrimSuffix(at, "#main") != w.wire.URL+"/trail" || slices.ContainsFunc(seen, func(s string) bool { return len(s) > 100 }) {
		w.Errorf("the browser is at %s, and was at %q", at, seen)
	}
	return card, said
}

// opensTrail has the browser open the card in the form, and looks at what it shows.
func (w *cardWalk) opensTrail(want ...string) chromedp.Tasks {
	return chromedp.Tasks{press(`#own-form button`), chromedp.WaitVisible(`#found:not([hidden]), #note:not(:empty)`, chromedp.ByQuery), fits(w.T, w.axe, want...)}
}

// sendsCard agrees that the server opens a card, where no script runs, and waits for
// what comes back.
func (w *cardWalk) sendsCard(card, until string) chromedp.Tasks {
	return chromedp.Tasks{
		emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(w.wire.URL + "/trail"),
		chromedp.Focus(`#card`, chromedp.ByQuery), input.InsertText(card), press(`#consent`), press(`#card-form button`),
		chromedp.WaitVisible(until, chromedp.ByQuery), emulation.SetScriptExecutionDisabled(false),
	}
}

// byLink follows the link as a phone's camera does.
func (w *cardWalk) byLink(ctx context.Context, link string) {
	w.Helper()
	w.until(w.cards[0], "Trail card issued")
	var text, left string
	if err := chromedp.Run(ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(link), chromedp.WaitVisible(`#file`, chromedp.ByQuery),
		fits(w.T, w.axe, "The card from the link is below. It stays on this device.")); err != nil {
		w.Fatal(err)
	}
	if card, _ := w.state(ctx); card != link {
		w.Errorf("the form has %q", card)
	}
	if err := chromedp.Run(ctx,
		chromedp.Evaluate(`location.hash = "#main"`, nil), chromedp.Sleep(100*time.Millisecond), // as the skip link does
		chromedp.Value(`#own-card`, &left, chromedp.ByQuery),
		w.opensTrail("2 entries about you", "On 24 June 2026", "secret/role", "city/people", "What was proven",
			"All events of your trail", "What was not proven", "That everything was recorded", "What seals hide that stand", "Save what was found"),
		chromedp.Text(`main`, &text, chromedp.ByQuery),
		press(`#close`), chromedp.WaitNotPresent(`#entries`, chromedp.ByQuery)); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	if left != link {
		w.Errorf("the form has %q behind a link on the page", left)
	}
	if strings.Contains(text, "SECRET") {
		w.Errorf("she is shown what is sealed for officers: %s", text)
	}
	if card, said := w.state(ctx); card != "" || said != "" {
		w.Errorf("closed, the form has %q: %q", card, said)
	}
	w.unsent(link)
}

// unsent holds that nothing of a card went to the ledger: neither its text nor a key.
func (w *cardWalk) unsent(link string) {
	w.Helper()
	card, err := proof.ParseCardLink(link)
	if err != nil {
		w.Fatal(err)
	}
	_, fragment, _ := strings.Cut(link, "#")
	key := card.Trails[0].Key
	for _, secret := range []string{"POST /trail ", fragment, base64.RawURLEncoding.EncodeToString(key[:]), base64.StdEncoding.EncodeToString(key[:]), hex.EncodeToString(key[:])} {
		if n := w.wire.sent(secret); n != 0 {
			w.Errorf("%d requests of the browser have a secret of the card", n)
		}
	}
	if w.wire.sent("POST /v1/index/proofs") == 0 || w.wire.sent("POST /v1/trail/slots") == 0 {
		w.Error("the browser asked nothing by itself")
	}
}

// private holds that what she was shown is kept nowhere on its way, and that a script
// may run on the one page alone.
func (w *cardWalk) private() {
	w.Helper()
	for of, scripts := range map[string]bool{"GET /trail": true, "POST /trail": true, "GET /officer": false, "POST /officer/cards": false} {
		policy := w.wire.header(of, "Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "; script-src 'self'; connect-src 'self'") != scripts {
			w.Errorf("%s: the policy is %s", of, policy)
		}
		if store := w.wire.header(of, "Cache-Control"); store != "no-store" && of != "GET /officer" {
			w.Errorf("%s: Cache-Control is %s", of, store)
		}
	}
}

// byFile opens a card that was given as a file.
func (w *cardWalk) byFile(ctx context.Context) {
	w.Helper()
	file, card := w.card("issue", "Anna")
	w.until(card, "3 entries about you")
	long := filepath.Join(w.TempDir(), "long.card")
	if err := os.WriteFile(long, make([]byte, 13000), 0o600); err != nil {
		w.Fatal(err)
	}
	put := func(path string) (card, said string) {
		if err := chromedp.Run(ctx, chromedp.SetUploadFiles(`#file`, []string{path}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond)); err != nil {
			w.Fatal(err)
		}
		return w.state(ctx)
	}
	if got, said := put(long); got != "" || said != "That file is too long to be a card." {
		w.Errorf("a long file puts %q there, and says %q", got, said)
	}
	if got, said := put(file); got != strings.TrimSpace(string(card.Text())) || said != "The card from the file is below. It stays on this device." {
		w.Errorf("the file puts %q there, and says %q", got, said)
	}
	if err := chromedp.Run(ctx, w.opensTrail("3 entries about you", "Trail card issued"),
		chromedp.Navigate(w.wire.URL+"/seals"), chromedp.NavigateBack(), chromedp.WaitVisible(`#file`, chromedp.ByQuery)); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	if got, said := w.state(ctx); got != "" || said != "" {
		w.Errorf("who goes back finds %q: %q", got, said)
	}
}

// kept saves what was found, which the program verifies and finds too, and gives it to
// the page when more has come.
func (w *cardWalk) kept(ctx context.Context) {
	w.Helper()
	file, card := w.card("issue", "Anna")
	w.until(card, "4 entries about you")
	dir := w.TempDir()
	var shown []string
	if err := chromedp.Run(ctx, browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(dir),
		chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
		w.opensTrail("4 entries about you"), press(`#save`),
		chromedp.Evaluate(`[...document.querySelectorAll("#found .matter")].map(m => m.querySelector("h3").textContent.replace(/:.*/, "") + " " + m.querySelector(".sentence").textContent)`, &shown)); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	bundle := w.saved(filepath.Join(dir, "trail.bundle"))
	b, err := proof.ParseBundle(bundle)
	if err == nil {
		_, err = b.Verify(card)
	}
	if err != nil {
		w.Errorf("what the browser saved: %v", err)
	}
	out, err := exec.Command(w.program, "trail", file, "-o", "json").Output()
	var found shownTrail
	if err == nil {
		err = json.Unmarshal(out, &found)
	}
	if err != nil {
		w.Fatal(err)
	}
	var want []string
	for _, e := range found.Events {
		want = append(want, fmt.Sprintf("Entry %d %s", e.Position, e.Sentence))
	}
	if !slices.Equal(shown, want) {
		w.Errorf("the browser shows\n%s\nand the program\n%s", strings.Join(shown, "\n"), strings.Join(want, "\n"))
	}
	w.access("13", "Anna")
	w.until(card, "5 entries about you")
	bad := filepath.Join(dir, "bad.bundle")
	if err := os.WriteFile(bad, bytes.Replace(bundle, []byte("data.accessed"), []byte("data.acCessed"), 1), 0o600); err != nil {
		w.Fatal(err)
	}
	if err := chromedp.Run(ctx, chromedp.SetUploadFiles(`#kept`, []string{bad}, chromedp.ByQuery), press(`#own-form button`), chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery),
		fits(w.T, w.axe, "What you kept does not hold with this card"),
		chromedp.SetUploadFiles(`#kept`, []string{filepath.Join(dir, "trail.bundle")}, chromedp.ByQuery),
		w.opensTrail("5 entries about you", "go on from what you kept the last time, and no event of yours is gone")); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
}

// saved is a file that the browser downloads.
func (w *cardWalk) saved(path string) []byte {
	w.Helper()
	for range 100 {
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			return b
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Fatalf("%s was not saved in five seconds", path)
	return nil
}

// withoutScript opens a card where no script runs: it is put into the form by hand, as
// a printer broke its lines, and with an address that the ledger no longer has.
func (w *cardWalk) withoutScript(ctx context.Context, link string) {
	w.Helper()
	link = strings.Replace(link, w.wire.URL, "https://before.example", 1)
	var files, missing bool
	var form string
	var size float64
	if err := chromedp.Run(ctx, emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(w.wire.URL+"/trail"),
		chromedp.Evaluate(`document.querySelector("#file").checkVisibility()`, &files), chromedp.Text(`main`, &form, chromedp.ByQuery),
		press(`#card-form button`), chromedp.Sleep(300*time.Millisecond),
		chromedp.Evaluate(`document.querySelector("#consent").validity.valueMissing`, &missing),
		chromedp.Evaluate(`(r => Math.min(r.width, r.height))(document.querySelector("#consent").getBoundingClientRect())`, &size)); err != nil {
		w.Fatal(err)
	}
	if n := w.wire.sent("POST /trail "); n != 0 || !missing || size < 24 || files || !strings.Contains(form, "The card, or its link") {
		w.Errorf("without consent %d were sent; it is missing: %v; its box is %g wide; a file can be chosen where nothing reads it: %v; the form says %s", n, missing, size, files, form)
	}
	if err := chromedp.Run(ctx, w.sendsCard(link[:200]+"\n"+link[200:]+"\n", `#entries`), fits(w.T, w.axe, "5 entries about you", "What was not proven", "That this server showed you what it found")); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	w.private()
}

// refused holds what is said of what is no card of this ledger.
func (w *cardWalk) refused(ctx context.Context) {
	w.Helper()
	other := w.cards[0]
	for name, key := range map[string]*string{"other.example": &other.Log, "other.example/index": &other.Index} {
		var err error
		if _, *key, err = note.GenerateKey(rand.Reader, name); err != nil {
			w.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"https://ledger.example/trail#nonsense": "That is not a trail card.",
		string(other.Text()):                    "This card is of another ledger, other.example.",
	} {
		var left string
		if err := chromedp.Run(ctx, w.sendsCard(text, `[role="alert"]`), fits(w.T, w.axe, want), chromedp.Evaluate(`document.querySelector("#own-card").value`, &left),
			chromedp.Navigate(w.wire.URL+"/trail"), chromedp.SetValue(`#own-card`, text, chromedp.ByQuery), press(`#own-form button`),
			chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery), fits(w.T, w.axe, want)); err != nil {
			w.Fatal(err)
		}
		if left != "" {
			w.Errorf("the answer has %q", left)
		}
	}
	resp, err := http.PostForm(w.server.url+"/trail", url.Values{"card": {string(w.cards[0].Text())}})
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusUnprocessableEntity || !bytes.Contains(body, []byte("you did not agree")) {
		w.Errorf("without consent: %d %s", resp.StatusCode, body)
	}
}

// ended holds what is said of cards that were replaced, and whose keys are destroyed.
func (w *cardWalk) ended(ctx context.Context) {
	w.Helper()
	w.access("10", "Dora")
	_, lost := w.card("issue", "Dora")
	_, instead := w.card("rotate", "Dora")
	w.access("11", "Carla")
	_, erased := w.card("issue", "Carla")
	w.run("erase", "--person", "example:Carla")
	w.access("12", "Carla")
	_, anew := w.card("issue", "Carla")
	for _, x := range []struct {
		card proof.Card
		said string
		want []string
	}{
		{lost, "This card was replaced on ", []string{"If you did not ask for it, tell the office.", "3 entries about you", "secret/role"}},
		{instead, "4 entries about you", []string{"Your trail has 2 generations", "secret/role"}},
		{erased, "The keys of this card were destroyed on ", []string{"Keys destroyed", "Nothing more is sealed for you here, or its key is destroyed."}},
		{anew, "2 entries about you", []string{"What was recorded before your keys were destroyed", "secret/role"}},
	} {
		w.until(x.card, x.said)
		if err := chromedp.Run(ctx, chromedp.Navigate(w.wire.URL+"/trail"), chromedp.SetValue(`#own-card`, x.card.Link(), chromedp.ByQuery),
			w.opensTrail(append(x.want, x.said)...)); err != nil {
			w.Fatalf("%q: %v: %s", x.said, err, w.server.logs)
		}
	}
}

// nowhere looks for the cards in what the server printed, and below its directory.
func (w *cardWalk) nowhere() {
	w.Helper()
	var secrets []marker
	for _, card := range w.cards {
		for _, t := range card.Trails {
			if !t.Gone {
				secrets = append(secrets, marker{"a key", []string{base64.RawURLEncoding.EncodeToString(t.Key[:])}, [][]byte{t.Key[:]}})
			}
		}
	}
	search, looked := newSearch(secrets), 0
	look := func(name string, body []byte) {
		looked++
		for _, h := range search.in(surface{"file", name, body}) {
			w.Errorf("%v", h)
		}
	}
	if search.in(surface{"", "", []byte(w.cards[0].Link())}) == nil || search.in(surface{"", "", w.cards[0].Text()}) == nil {
		w.Fatal("the search does not know a card")
	}
	look("log", []byte(w.server.logs.String()))
	if err := lookBelow(w.dir, look); err != nil || looked < 100 || len(secrets) < 5 {
		w.Errorf("%d were looked at for %d secrets: %v", looked, len(secrets), err)
	}
}

// press clicks what a person would. A click at a place can miss while a busy browser
// still lays the page out, and then nothing follows it.
func press(sel string) chromedp.Action {
	return chromedp.Tasks{
		chromedp.WaitVisible(sel, chromedp.ByQuery),
		chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).click()", sel), nil),
	}
}
