package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestOfficerErases records a request on a narrow screen, grants it, and sees what
// was destroyed.
func TestOfficerErases(t *testing.T) {
	ctx, s, token, axe := officerInBrowser(t)
	all := chromedp.Tasks{
		chromedp.Click(`nav[aria-label="For officers"] a[href="/officer/requests"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`#receive`, chromedp.ByQuery), settled(),
	}
	if err := chromedp.Run(ctx, page.SetBypassCSP(true), emulation.SetDeviceMetricsOverride(360, 800, 1, true),
		chromedp.Navigate(s.url+"/officer"), chromedp.SendKeys(`#token`, token, chromedp.ByQuery), chromedp.Submit(`#token`, chromedp.ByQuery),
		chromedp.WaitVisible(`#findings`, chromedp.ByQuery), all, fits(t, axe, "Nobody has asked for anything."),
		chromedp.SendKeys(`#scheme`, "example", chromedp.ByQuery), chromedp.SendKeys(`#value`, "Invented Anna", chromedp.ByQuery),
		chromedp.SetValue(`#request`, "erasure", chromedp.ByQuery), chromedp.Submit(`#value`, chromedp.ByQuery),
		chromedp.WaitVisible(`//h1[contains(., "The request is recorded")]`, chromedp.BySearch), settled(), fits(t, axe, "which appears with the next signature"),
	); err != nil {
		t.Fatalf("%v: %s", err, s.logs)
	}
	text := ""
	for range 100 { // until it is published
		if err := chromedp.Run(ctx, all, chromedp.Text(`main`, &text, chromedp.ByQuery)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "Decide the request") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := chromedp.Run(ctx, fits(t, axe, "Undecided ones first", "destroys the person’s keys at once"),
		chromedp.SetValue(`#decision`, "granted", chromedp.ByQuery), chromedp.Submit(`#statement`, chromedp.ByQuery),
		chromedp.WaitVisible(`//h1[contains(., "The request is decided")]`, chromedp.BySearch), settled(),
		fits(t, axe, "The keys of the person", "Nobody: her data was not shared"), chromedp.Text(`main`, &text, chromedp.ByQuery),
	); err != nil {
		t.Fatalf("%v: %s", err, s.logs)
	}
	if strings.Contains(text, "Anna") {
		t.Errorf("the page names her: %s", text)
	}
}
