package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// fits holds the page that is open against WCAG 2.2 AA, at a phone's width, and
// against what it has to say.
func fits(t *testing.T, axe string, want ...string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var found, text, title string
		var headings int
		var wide bool
		err := chromedp.Run(ctx, chromedp.WaitReady("main", chromedp.ByQuery), chromedp.Title(&title), chromedp.Text("main", &text, chromedp.ByQuery),
			chromedp.Evaluate(`document.querySelectorAll("h1").length`, &headings),
			chromedp.Evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide),
			chromedp.Evaluate(axe+";0", nil),
			chromedp.Evaluate(`axe.run({runOnly:["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa"]})
				.then(r => JSON.stringify(r.violations.map(v => v.id+": "+v.nodes.map(n => n.target+" "+n.failureSummary).join("; "))))`,
				&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		if err != nil {
			return fmt.Errorf("looking at %s: %w", title, err)
		}
		var violations []string
		if err := json.Unmarshal([]byte(found), &violations); err != nil {
			return err
		}
		if headings != 1 || wide || len(violations) > 0 {
			t.Errorf("%s: h1 %d, scrolls sideways %v, axe: %s", title, headings, wide, strings.Join(violations, "\n"))
		}
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", title, s, text)
			}
		}
		return nil
	})
}

// officerInBrowser is a browser, a server with the seeded records, a token of an
// officer of theirs, and the rules of accessibility.
func officerInBrowser(t *testing.T) (ctx context.Context, s *server, token, axe string) {
	t.Helper()
	ctx = startBrowser(t)
	dir := filepath.Join(t.TempDir(), "data")
	s = seededServer(t, dir)
	waitSize(t, s, 585)
	tokens, err := intake.OpenTokens(filepath.Join(dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	token, err = tokens.Mint(intake.Grant{Role: events.Officer, Organization: "eugene-police"})
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(root, "testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return ctx, s, token, string(source)
}

// TestOfficerWalks signs in, finds what the rules found in the seeded searches,
// opens one and sees that this is on record.
func TestOfficerWalks(t *testing.T) {
	ctx, s, token, axe := officerInBrowser(t)
	rule := func(n string) chromedp.Tasks {
		return chromedp.Tasks{
			chromedp.SetValue(`#rule`, n, chromedp.ByQuery), chromedp.Click(`form[action="/officer/findings"] button`, chromedp.ByQuery),
			chromedp.WaitVisible(`form[aria-label="Choose findings"]`, chromedp.ByQuery), settled(),
		}
	}
	var details, public string
	if err := chromedp.Run(ctx, page.SetBypassCSP(true), emulation.SetDeviceMetricsOverride(360, 800, 1, true),
		chromedp.Navigate(s.url+"/officer"), fits(t, axe, "Please sign in."),
		chromedp.SendKeys(`#token`, token, chromedp.ByQuery), chromedp.Submit(`#token`, chromedp.ByQuery),
		chromedp.WaitVisible(`#findings`, chromedp.ByQuery), fits(t, axe, "You read as an officer of Eugene Police Department", intake.TokenName(token)),
		rule("3"), fits(t, axe, "500 uses without a legal basis", "500 entries", "This reading is recorded as"),
		rule("8"), fits(t, axe, "23 June 2025 to 27 June 2025", "25 June 2025 to 29 June 2025", "5 days"),
		chromedp.Click(`//tr[contains(., "23 June 2025 to 27 June 2025")]//a[starts-with(@aria-label, "Finding")]`, chromedp.BySearch),
		chromedp.WaitVisible(`#evidence`, chromedp.ByQuery), fits(t, axe, "day after day", "Everything this member of staff did"),
		chromedp.Click(`button[aria-label^="Open the details"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`//h1[starts-with(., "Details of entry")]`, chromedp.BySearch), fits(t, axe, "Who acted", "9990f284", "This reading is recorded as"),
		chromedp.AttributeValue(`.notice a[href^="/entries/"]`, "href", &details, nil, chromedp.ByQuery),
		chromedp.Click(`nav[aria-label="For officers"] a[href="/officer/trail"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`#narrow`, chromedp.ByQuery), fits(t, axe, "500 uses of data", "Staff, by pseudonym"),
	); err != nil {
		t.Fatalf("%v: %s", err, s.logs)
	}
	for range 100 { // until it is published
		if _, err := fetch(s.url + details); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := chromedp.Run(ctx, chromedp.Navigate(s.url+details), chromedp.Text(`main`, &public, chromedp.ByQuery),
		chromedp.Navigate(s.url+"/officer"), chromedp.Click(`form[action="/officer/sign-out"] button`, chromedp.ByQuery),
		chromedp.WaitVisible(`#token`, chromedp.ByQuery), chromedp.Navigate(s.url+"/officer/trail"), fits(t, axe, "Please sign in.")); err != nil {
		t.Fatalf("%v: %s", err, s.logs)
	}
	if !strings.Contains(public, "Eugene Police Department") || !strings.Contains(strings.ToLower(public), "officer") || strings.Contains(public, "9990f284") {
		t.Errorf("of the reading the public sees\n%s", public)
	}
}

// settled waits until the page that a click asked for is there.
func settled() chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var done bool
		return chromedp.Run(ctx, chromedp.Sleep(200*time.Millisecond), chromedp.Poll(`document.readyState === "complete"`, &done))
	})
}
