package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// TestPersonPages asks about one person in a browser and looks at her statement
// as it is saved and printed.
func TestPersonPages(t *testing.T) {
	ctx := startBrowser(t)
	dir := filepath.Join(t.TempDir(), "data")
	program := program(t)
	s, err := startServer(program, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	tokens, err := intake.OpenTokens(filepath.Join(dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	mint := func(g intake.Grant) string {
		token, err := tokens.Mint(g)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	emitter := mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	officer := mint(intake.Grant{Role: events.Officer, Organization: "city"})
	for _, event := range []string{
		theAccess,
		`{"specversion":"1.0","id":"10","source":"city/app","type":"org.daybook.data.shared.v1","time":"2026-06-25T08:30:00Z","data":{"recipient":"acme","dataset":"city/people","transfer":{"country":"US"},"subjects":{"mode":"single","persons":[{"scheme":"example","value":"Anna"}]}}}`,
	} {
		req, err := http.NewRequest("POST", s.url+"/v1/events?wait=anchored", bytes.NewReader([]byte(event)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+emitter)
		req.Header.Set("Content-Type", eventType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	if err := s.until("/v1/entries?kind=data.shared", `"kind":"data.shared"`); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "statement.html")
	if out, err := exec.Command(program, "statement", "--person", "example:Anna", "--url", s.url, "--token", officer, "--out", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	source, err := os.ReadFile(filepath.Join(root, "testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	axe := string(source)
	var printed []byte
	if err := chromedp.Run(ctx, page.SetBypassCSP(true), emulation.SetDeviceMetricsOverride(360, 800, 1, true),
		chromedp.Navigate("file://"+file), fits(t, axe, "What city recorded about you", "Who was given any of it", "not in the register", "not yet checked against the text of the law"),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			printed, _, err = page.PrintToPDF().Do(ctx)
			return err
		}),
		chromedp.Navigate(s.url+"/officer"), chromedp.SendKeys(`#token`, officer, chromedp.ByQuery), chromedp.Submit(`#token`, chromedp.ByQuery),
		chromedp.WaitVisible(`#findings`, chromedp.ByQuery), chromedp.Click(`nav[aria-label="For officers"] a[href="/officer/person"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`#scheme`, chromedp.ByQuery), fits(t, axe, "That you ask is recorded before you see anything"),
		chromedp.SendKeys(`#scheme`, "example", chromedp.ByQuery), chromedp.SendKeys(`#value`, "Anna", chromedp.ByQuery), chromedp.Submit(`#value`, chromedp.ByQuery),
		chromedp.WaitVisible(`#statement`, chromedp.ByQuery), fits(t, axe, "entries, oldest first", "SECRET reason", "secret-clerk", "That you asked is recorded as"),
		chromedp.SetValue(`#value`, "Nobody", chromedp.ByQuery), chromedp.Submit(`#value`, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
		chromedp.WaitVisible(`#statement`, chromedp.ByQuery), fits(t, axe, "or nobody is known by this identifier", "That you asked is recorded as"),
	); err != nil {
		t.Fatalf("%v: %s", err, s.logs)
	}
	if !bytes.HasPrefix(printed, []byte("%PDF")) {
		t.Error("the statement does not print")
	}
}
