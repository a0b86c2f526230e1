package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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
	w.byLink(ctx, link)
	w.byFile(ctx)
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
	if err := chromedp.Run(ctx, chromedp.Value(`#card`, &card, chromedp.ByQuery), chromedp.Text(`#note`, &said, chromedp.ByQuery, chromedp.NodeReady),
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
	if at != w.wire.URL+"/trail" || slices.ContainsFunc(seen, func(s string) bool { return len(s) > 100 }) {
		w.Errorf("the browser is at %s, and was at %q", at, seen)
	}
	return card, said
}

// opensTrail agrees, sends the form and looks at what comes back.
func (w *cardWalk) opensTrail(want ...string) chromedp.Tasks {
	return chromedp.Tasks{
		press(`#consent`), press(`#card-form button`),
		chromedp.WaitVisible(`#entries`, chromedp.ByQuery), fits(w.T, w.axe, want...),
	}
}

// byLink follows the link as a phone's camera does.
func (w *cardWalk) byLink(ctx context.Context, link string) {
	w.Helper()
	_, fragment, _ := strings.Cut(link, "#")
	w.until(w.cards[0], "Trail card issued")
	var missing bool
	var size float64
	var text, left string
	if err := chromedp.Run(ctx, chromedp.Navigate(link), chromedp.WaitVisible(`#file`, chromedp.ByQuery), fits(w.T, w.axe, "The card from the link is below. Nothing was sent.")); err != nil {
		w.Fatal(err)
	}
	if card, _ := w.state(ctx); card != link {
		w.Errorf("the form has %q", card)
	}
	if err := chromedp.Run(ctx, press(`#card-form button`), chromedp.Sleep(300*time.Millisecond),
		chromedp.Evaluate(`document.querySelector("#consent").validity.valueMissing`, &missing),
		chromedp.Evaluate(`(r => Math.min(r.width, r.height))(document.querySelector("#consent").getBoundingClientRect())`, &size),
		chromedp.Evaluate(`location.hash = "#main"`, nil), chromedp.Sleep(100*time.Millisecond), // as the skip link does
		chromedp.Value(`#card`, &left, chromedp.ByQuery)); err != nil {
		w.Fatal(err)
	}
	if n := w.wire.sent("POST /trail"); n != 0 || !missing || size < 24 || left != link {
		w.Errorf("without consent %d were sent; it is missing: %v; its box is %g wide; the form has %q", n, missing, size, left)
	}
	if n := w.wire.sent(fragment); n != 0 {
		w.Errorf("%d requests had the card in them before she agreed", n)
	}
	if err := chromedp.Run(ctx, w.opensTrail("2 entries about you", "On 24 June 2026", "secret/role", "city/people", "What was proven",
		"All events of your trail", "What was not proven", "That everything was recorded", "That this server showed you what it found"),
		chromedp.Text(`main`, &text, chromedp.ByQuery),
		press(`main a[href="/trail"]`), chromedp.WaitVisible(`#file`, chromedp.ByQuery)); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	if strings.Contains(text, "SECRET") {
		w.Errorf("she is shown what is sealed for officers: %s", text)
	}
	if card, said := w.state(ctx); card != "" || said != "" {
		w.Errorf("closed, the form has %q: %q", card, said)
	}
	w.private()
}

// private holds that what she was shown is kept nowhere on its way, and that a script
// may run on the one page alone.
func (w *cardWalk) private() {
	w.Helper()
	for of, scripts := range map[string]bool{"GET /trail": true, "POST /trail": true, "GET /officer": false, "POST /officer/cards": false} {
		policy := w.wire.header(of, "Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "; script-src 'self'") != scripts {
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
	if got, said := put(file); got != strings.TrimSpace(string(card.Text())) || said != "The card from the file is below. Nothing was sent." {
		w.Errorf("the file puts %q there, and says %q", got, said)
	}
	if err := chromedp.Run(ctx, w.opensTrail("3 entries about you", "Trail card issued"),
		chromedp.NavigateBack(), chromedp.WaitVisible(`#file`, chromedp.ByQuery)); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	if got, said := w.state(ctx); got != "" || said != "" {
		w.Errorf("who goes back finds %q: %q", got, said)
	}
}

// withoutScript opens a card where no script runs: it is put into the form by hand, as
// a printer broke its lines, and with an address that the ledger no longer has.
func (w *cardWalk) withoutScript(ctx context.Context, link string) {
	w.Helper()
	link = strings.Replace(link, w.wire.URL, "https://before.example", 1)
	var files bool
	var form string
	if err := chromedp.Run(ctx, emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(w.wire.URL+"/trail"),
		chromedp.Evaluate(`document.querySelector("#file").checkVisibility()`, &files), chromedp.Text(`main`, &form, chromedp.ByQuery),
		chromedp.Focus(`#card`, chromedp.ByQuery), input.InsertText(link[:200]+"\n"+link[200:]+"\n"),
		press(`#consent`), press(`#card-form button`), chromedp.WaitVisible(`#entries`, chromedp.ByQuery),
		emulation.SetScriptExecutionDisabled(false), fits(w.T, w.axe, "3 entries about you", "What was not proven")); err != nil {
		w.Fatalf("%v: %s", err, w.server.logs)
	}
	if files || !strings.Contains(form, "The card, or its link") {
		w.Errorf("a file can be chosen where nothing reads it: %v; the form says %s", files, form)
	}
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
		if err := chromedp.Run(ctx, chromedp.Navigate(w.wire.URL+"/trail"), chromedp.SetValue(`#card`, text, chromedp.ByQuery),
			press(`#consent`), press(`#card-form button`),
			chromedp.WaitVisible(`[role="alert"]`, chromedp.ByQuery), fits(w.T, w.axe, want), chromedp.Value(`#card`, &left, chromedp.ByQuery)); err != nil {
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
		if err := chromedp.Run(ctx, chromedp.Navigate(w.wire.URL+"/trail"), chromedp.SetValue(`#card`, x.card.Link(), chromedp.ByQuery),
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
