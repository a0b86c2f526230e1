package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/daybook-ledger/daybook/events"
)

// startBrowser runs Debian's chromium; without one the test is skipped, with a
// word on how to get it.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine; make test installs Debian's")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// program makes the test binary callable as daybook.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "daybook")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// seeded starts a server with the records that come with the program and waits
// until they are all published.
func seeded(t *testing.T) *server {
	t.Helper()
	s, err := startServer(program(t), filepath.Join(t.TempDir(), "data"), "--seed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	waitSize(t, s, 585)
	return s
}

// waitSize waits until the published log has size entries and passes the audit.
func waitSize(t *testing.T, s *server, size events.Size) {
	t.Helper()
	for range 300 {
		if r, err := auditURL(s.url, s.key); err == nil && r.Size >= size {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("size %d was not published in 30 s: %s", size, s.logs)
}

// TestPagesInBrowser opens every kind of page on a phone's width, without
// JavaScript of the page's own, and holds it against WCAG 2.2 AA as far as axe
// can tell.
func TestPagesInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	s := seeded(t)
	axe, err := os.ReadFile(filepath.Join(root, "testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	var troubles []string
	chromedp.ListenTarget(ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok {
			troubles = append(troubles, e.ExceptionDetails.Text)
		}
	})
	for _, path := range []string{
		"/", "/register", "/register/system", "/register/system/aot/001e0610bc10", "/register/organization/eugene-police",
		"/register/activity/eugene-police/plate-search", "/register/dataset/eugene-police/plate-reads", "/entries",
		"/entries?kind=data.accessed&organization=eugene-police", "/entries/0", "/entries/300", "/entries/999999",
		"/findings", "/sharing", "/deletions", "/register?at=2026-06-24", "/register/system?at=" + time.Now().UTC().Format(time.DateOnly),
	} {
		t.Run(path, func(t *testing.T) {
			var headings int
			var wide bool
			var found string
			err := chromedp.Run(ctx, page.SetBypassCSP(true), emulation.SetDeviceMetricsOverride(360, 800, 1, true),
				chromedp.Navigate(s.url+path),
				chromedp.Evaluate(`document.querySelectorAll("h1").length`, &headings),
				chromedp.Evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide),
				chromedp.Evaluate(string(axe)+";0", nil),
				chromedp.Evaluate(`axe.run({runOnly:["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa"]})
					.then(r => JSON.stringify(r.violations.map(v => v.id+": "+v.nodes.map(n => n.target+" "+n.failureSummary).join("; "))))`,
					&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			if err != nil {
				t.Fatal(err)
			}
			var violations []string
			if err := json.Unmarshal([]byte(found), &violations); err != nil {
				t.Fatal(err)
			}
			if headings != 1 || wide || len(violations) > 0 {
				t.Errorf("h1 %d, scrolls sideways %v, axe: %s", headings, wide, strings.Join(violations, "\n"))
			}
		})
	}
	if len(troubles) > 0 {
		t.Errorf("the browser complains: %v", troubles)
	}
}

// TestResidentWalks goes from the first page to a proof, by its links alone.
func TestResidentWalks(t *testing.T) {
	ctx := startBrowser(t)
	s := seeded(t)
	var sentence, href string
	err := chromedp.Run(ctx, chromedp.Navigate(s.url+"/"),
		chromedp.Click(`a[href="/entries"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`form`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name="day"]`, "06202025", chromedp.ByQuery),
		chromedp.Submit(`form`, chromedp.ByQuery),
		chromedp.WaitVisible(`main a[href^="/entries/"]`, chromedp.ByQuery),
		chromedp.Click(`main a[href^="/entries/"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`a[download]`, chromedp.ByQuery),
		chromedp.Text(`main`, &sentence, chromedp.ByQuery),
		chromedp.AttributeValue(`a[download]`, "href", &href, nil, chromedp.ByQuery))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"On 20 June 2025", "Eugene Police Department", "not filled in"} {
		if !strings.Contains(sentence, want) {
			t.Errorf("the entry's page does not say %q", want)
		}
	}
	file := filepath.Join(t.TempDir(), "x.tlog-proof")
	if err := download(s.url+href, file); err != nil {
		t.Fatal(err)
	}
	s.stop(syscall.SIGTERM)
	if code := run([]string{"verify", file, "--key", s.key}); code != 0 {
		t.Errorf("the page's proof verifies with code %d", code)
	}
}

func download(url, file string) error {
	b, err := fetch(url)
	if err != nil {
		return fmt.Errorf("downloading %s: %w", url, err)
	}
	return os.WriteFile(file, b, 0o644)
}
