package main

import (
	"context"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/rogpeppe/go-internal/testscript"
)

// pageCommand is "page PAGE VERDICT FILE… [key=VKEY]": the page that checks, opened from
// the disk in a browser and given the key and these files, comes to that verdict. Without a browser on this
// machine it does nothing, as the tests of pages do.
func pageCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: page PAGE VERDICT FILE… [key=VKEY]")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		ts.Logf("no chromium on this machine")
		return
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, opts...)
	defer cancelBrowser()
	ctx, cancelTab := chromedp.NewContext(ctx)
	defer cancelTab()
	var files []string
	var key string
	for _, name := range args[2:] {
		if vkey, ok := strings.CutPrefix(name, "key="); ok {
			key = vkey
			continue
		}
		files = append(files, ts.MkAbs(name))
	}
	actions := chromedp.Tasks{
		chromedp.Navigate((&url.URL{Scheme: "file", Path: ts.MkAbs(args[0])}).String()), chromedp.WaitVisible(`#file`, chromedp.ByQuery),
	}
	if key != "" {
		actions = append(actions, chromedp.SetValue(`#trust`, key, chromedp.ByQuery), chromedp.Evaluate(`document.querySelector("#trust").dispatchEvent(new Event("change"))`, nil))
	}
	var word, result string
	ts.Check(chromedp.Run(ctx, append(actions,
		chromedp.SetUploadFiles(`#file`, files, chromedp.ByQuery), chromedp.WaitVisible(`#verdict`, chromedp.ByQuery),
		chromedp.Text(`#verdict`, &word, chromedp.ByQuery), chromedp.Text(`#result`, &result, chromedp.ByQuery))...))
	if strings.TrimSpace(word) != args[1] {
		ts.Fatalf("the page says %q and not %q:\n%s", word, args[1], result)
	}
	ts.Logf("%s", result)
}
