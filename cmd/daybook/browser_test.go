package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine; make test installs Debian's")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
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

// published starts a server with the records that come with the program and waits
// until they are all published.
func published(t *testing.T) *server {
	t.Helper()
	s := seededServer(t, filepath.Join(t.TempDir(), "data"))
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

// publicPages are an address of each form that the first page leads to, step by
// step, so that a new page is among them; entries of kinds with pages of their
// own; and pages that say what is wrong.
func publicPages(t *testing.T, s *server) []string {
	t.Helper()
	base, err := url.Parse(s.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	queue, known, forms := []string{"/"}, map[string]bool{"/": true}, map[string]int{}
	pages := []string{"/entries/999999", "/register?at=2026-06-24", "/register/system?at=" + time.Now().UTC().Format(time.DateOnly)}
	for ; len(queue) > 0; queue = queue[1:] {
		if forms[form(queue[0])]++; forms[form(queue[0])] > 1 {
			continue
		}
		resp, err := http.Get(s.url + queue[0])
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d: %v", queue[0], resp.StatusCode, err)
		}
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && resp.Header.Get("Content-Disposition") == "" {
			pages = append(pages, queue[0])
			queue = append(queue, follow(base, queue[0], body, known)...)
		}
	}
	for _, kind := range []string{"ledger.opened", "emitter.onboarded", "data.accessed", "data.shared", "system.registered"} {
		var first struct{ Entries []struct{ Position uint64 } }
		body, err := fetch(s.url + "/v1/entries?limit=1&kind=" + kind)
		if err == nil {
			err = json.Unmarshal(body, &first)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range first.Entries {
			pages = append(pages, fmt.Sprint("/entries/", e.Position))
		}
	}
	slices.Sort(pages)
	return slices.Compact(pages)
}

// form is what addresses of one kind of page have in common: the register an
// object is in, not which it is; that entries or shares are chosen, not how.
func form(address string) string {
	path, query, _ := strings.Cut(address, "?")
	parts := strings.SplitN(path, "/", 4)
	if len(parts) == 4 {
		parts[3] = "*"
	}
	if len(parts) == 3 && parts[1] == "entries" {
		parts[2] = "*"
	}
	if query != "" {
		parts = append(parts[:2], "?")
	}
	return strings.Join(parts, "/")
}

// TestPagesInBrowser opens every kind of page on a phone's width, without
// JavaScript of the page's own, and holds it against WCAG 2.2 AA as far as axe
// can tell.
func TestPagesInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	s := published(t)
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
	for _, path := range publicPages(t, s) {
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

// TestResidentWalks goes from the first page to a use of data, to its proof and
// to what the proof shows, by links alone.
func TestResidentWalks(t *testing.T) {
	ctx := startBrowser(t)
	s := published(t)
	var sentence, href, verify string
	err := chromedp.Run(ctx, chromedp.Navigate(s.url+"/"),
		chromedp.Click(`main a[href="/entries?kind=data.accessed"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`form`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name="day"]`, "06202025", chromedp.ByQuery),
		chromedp.Submit(`form`, chromedp.ByQuery),
		chromedp.WaitVisible(`input[name="day"][value="2025-06-20"]`, chromedp.ByQuery), // the page that follows
		chromedp.WaitVisible(`main a[href^="/entries/"]`, chromedp.ByQuery),
		chromedp.Click(`main a[href^="/entries/"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`a[download]`, chromedp.ByQuery),
		chromedp.Text(`main`, &sentence, chromedp.ByQuery),
		chromedp.AttributeValue(`a[download]`, "href", &href, nil, chromedp.ByQuery),
		chromedp.Click(`main a[href="/checking"]`, chromedp.ByQuery),
		chromedp.WaitVisible(`#shows`, chromedp.ByQuery),
		chromedp.Text(`main`, &verify, chromedp.ByQuery))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"On 20 June 2025", "Eugene Police Department", "not filled in"} {
		if !strings.Contains(sentence, want) {
			t.Errorf("the entry's page does not say %q", want)
		}
	}
	for _, want := range []string{"What it does not show", s.key} {
		if !strings.Contains(verify, want) {
			t.Errorf("the page on checking does not say %q", want)
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

// TestRegistrarAndEmitterWalk finds what they said as everybody sees it: an
// agreement from the register to its entry, a service from the list of those
// that report to the entry that connected it.
func TestRegistrarAndEmitterWalk(t *testing.T) {
	ctx := startBrowser(t)
	s := published(t)
	for name, walk := range map[string]struct {
		start, link, first string
		says               []string
		entry              string
	}{
		"registrar": {
			`main a[href="/register"]`, `main a[href="/register/agreement"]`, `main tbody a[href^="/register/agreement/"]`,
			[]string{"invented example", "Parties", "Ends on", "SHA-256 of the text", "How it came to this"},
			"may use",
		},
		"emitter": {
			`main a[href="/coverage"]`, "", "", []string{"eugene-police/flock-search", "Connected", "not counted yet"}, "may now record here.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var page, entry string
			steps := chromedp.Tasks{chromedp.Navigate(s.url + "/"), chromedp.Click(walk.start, chromedp.ByQuery)}
			for _, link := range []string{walk.link, walk.first} {
				if link != "" {
					steps = append(steps, chromedp.WaitVisible(link, chromedp.ByQuery), chromedp.Click(link, chromedp.ByQuery))
				}
			}
			steps = append(steps, chromedp.WaitVisible(`td a[href^="/entries/"]`, chromedp.ByQuery), chromedp.Text(`main`, &page, chromedp.ByQuery),
				chromedp.Click(`td a[href^="/entries/"]`, chromedp.ByQuery), chromedp.WaitVisible(`a[download]`, chromedp.ByQuery),
				chromedp.Text(`.sentence`, &entry, chromedp.ByQuery))
			if err := chromedp.Run(ctx, steps); err != nil {
				t.Fatal(err)
			}
			for _, want := range walk.says {
				if !strings.Contains(page, want) {
					t.Errorf("the page does not say %q:\n%s", want, page)
				}
			}
			if !strings.Contains(entry, walk.entry) {
				t.Errorf("the entry says %q", entry)
			}
		})
	}
}

func download(url, file string) error {
	b, err := fetch(url)
	if err != nil {
		return fmt.Errorf("downloading %s: %w", url, err)
	}
	return os.WriteFile(file, b, 0o644)
}
