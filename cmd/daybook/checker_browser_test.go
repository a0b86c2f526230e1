package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/daybook-ledger/daybook/api/web/verify/vectest"
)

// checker is the page that checks, as somebody has it on a disk.
type checker struct {
	*testing.T
	ctx     context.Context
	address string
	axe     string
	asked   []string // what the page asked for
	trouble []string
}

func openChecker(t *testing.T) *checker {
	t.Helper()
	c := &checker{T: t, ctx: startBrowser(t)}
	page, err := os.ReadFile(filepath.Join(root, "api", "web", "dist", "verify.html"))
	if err != nil {
		t.Fatal(err)
	}
	axe, err := os.ReadFile(filepath.Join(root, "testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	c.axe = string(axe)
	file := filepath.Join(t.TempDir(), "verify.html")
	if err := os.WriteFile(file, page, 0o644); err != nil {
		t.Fatal(err)
	}
	c.address = (&url.URL{Scheme: "file", Path: file}).String()
	chromedp.ListenTarget(c.ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			c.trouble = append(c.trouble, e.ExceptionDetails.Error())
		case *log.EventEntryAdded: // what a policy refuses is among them
			c.trouble = append(c.trouble, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			c.asked = append(c.asked, e.Request.URL)
		}
	})
	if err := chromedp.Run(c.ctx); err != nil { // the browser lives as long as this
		t.Fatal(err)
	}
	c.run(log.Enable(), network.Enable(), emulation.SetDeviceMetricsOverride(320, 700, 2, true), chromedp.Navigate(c.address), chromedp.WaitVisible(`#file`, chromedp.ByQuery))
	return c
}

func (c *checker) run(actions ...chromedp.Action) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		c.Fatal(err)
	}
}

// quiet holds that the page had no trouble and asked nobody for anything.
func (c *checker) quiet() {
	c.Helper()
	if len(c.trouble) > 0 {
		c.Errorf("the browser complains: %s", strings.Join(c.trouble, "\n"))
	}
	for _, address := range c.asked {
		if address != c.address {
			c.Errorf("the page asked for %s", address)
		}
	}
	if len(c.asked) == 0 {
		c.Error("nobody was listening")
	}
}

// vector is a file of testdata/vectors.
func vector(name string) string {
	return filepath.Join(root, "testdata", "vectors", filepath.FromSlash(name))
}

// TestCheckerInBrowser gives the page one file of each kind, from a disk and offline,
// on a small phone: each verdict has its own word and its own shape.
func TestCheckerInBrowser(t *testing.T) {
	c := openChecker(t)
	list, err := vectest.Load(filepath.Join(root, "testdata", "vectors"))
	if err != nil {
		t.Fatal(err)
	}
	var entry, evidence, late vectest.Vector
	for _, v := range list {
		if v.Accept && v.Format == "presentation" && entry.File == nil { // it has one of a ledger's entries in it
			var p struct{ Proof string }
			if err := json.Unmarshal(v.File, &p); err != nil {
				t.Fatal(err)
			}
			entry = vectest.Vector{File: []byte(p.Proof), Trust: v.Trust}
		}
		if v.Accept && v.Format == "evidence" && evidence.File == nil {
			evidence = v
		}
		if v.Accept && v.Format == "evidence" && strings.HasSuffix(v.Name, " receipt-late") {
			late = v
		}
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		abs, _ := filepath.Abs(path)
		return abs
	}
	broken := append([]byte(nil), entry.File...)
	broken[len(broken)/2] ^= 1
	card, err := os.ReadFile(vector("accept/card-ann.card"))
	if err != nil {
		t.Fatal(err)
	}
	link := "https://ledger.example/trail#" + base64.RawURLEncoding.EncodeToString(card)
	bundle, _ := os.ReadFile(vector("accept/bundle-ann.bundle"))
	bare := regexp.MustCompile(`(?m)^— (library|newspaper)\.example.*\n`).ReplaceAll(bundle, nil) // as no witness knew it
	shapes := map[string]string{}
	for _, x := range []struct {
		files   []string
		trust   string
		word    string
		says    []string
		further string
	}{
		{[]string{write("entry.tlog-proof", entry.File)}, entry.Trust.Key, "Valid", []string{"What was checked", "What was not checked", "Everything public about it"}, ""},
		{[]string{write("broken.tlog-proof", broken)}, entry.Trust.Key, "Not valid", []string{"What was checked"}, ""},
		{[]string{write("fork.evidence", evidence.File)}, evidence.Trust.Key, "Evidence of cheating", nil, ""},
		{[]string{write("late.evidence", late.File)}, late.Trust.Key, "Overdue: ask the ledger", []string{"Ask for a newer checkpoint"}, ""},
		{[]string{write("blank.txt", append(bytes.Repeat([]byte("\n"), 4000), 'x'))}, entry.Trust.Key, "Not checked", []string{"none of the files"}, ""},
		{[]string{write("empty.txt", nil)}, entry.Trust.Key, "Incomplete", []string{"nothing was checked"}, ""},
		{[]string{write("again.tlog-proof", entry.File)}, "", "Not checked", []string{"No key was given"}, "press"},
		{[]string{write("trail.bundle", bundle), write("ann.card", card)}, "", "Valid", []string{"What you kept of your trail", "Sealed, and opened here", "A seal hid this from you until it was lifted."}, ""},
		{[]string{write("trail.bundle", bundle)}, link[:300] + "\n" + link[300:], "Valid", []string{"All events of your trail"}, ""},
		{[]string{write("bare.bundle", bare), write("none.policy", []byte("quorum none\n")), write("ann.card", card)}, "", "Incomplete", []string{"No witness of the policy cosigned this state", "library (library.example"}, ""},
		{[]string{write("trail.bundle", bundle)}, entry.Trust.Key, "Not checked", []string{"give the card it is of"}, ""},
	} {
		actions := chromedp.Tasks{press(`#forget`)}
		if x.trust != "" {
			actions = append(actions, chromedp.Evaluate(fmt.Sprintf(`(box => { box.value = %q; box.dispatchEvent(new Event("change")); })(document.querySelector("#trust"))`, x.trust), nil))
		}
		actions = append(actions, chromedp.SetUploadFiles(`#file`, x.files, chromedp.ByQuery))
		if x.further != "" {
			actions = append(actions, chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery), press(`#check button[type=submit]`))
		}
		var word, shape, status string
		c.run(append(actions, chromedp.WaitVisible(`#verdict`, chromedp.ByQuery), fits(t, c.axe, x.says...),
			chromedp.Text(`#verdict`, &word, chromedp.ByQuery), chromedp.Text(`#status`, &status, chromedp.ByQuery),
			chromedp.AttributeValue(`#verdict svg .outline`, "d", &shape, nil, chromedp.ByQuery))...)
		if strings.TrimSpace(word) != x.word || !strings.HasPrefix(status, x.word+": ") {
			var text string
			c.run(chromedp.Text(`#result`, &text, chromedp.ByQuery))
			t.Errorf("%v with %.20q is %q (%q), and should be %q:\n%.1500s", x.files, x.trust, word, status, x.word, text)
		}
		if other, ok := shapes[shape]; ok && other != x.word {
			t.Errorf("%s and %s have one shape", x.word, other)
		}
		shapes[shape] = x.word
	}
	if len(shapes) != 6 {
		t.Errorf("%d shapes were seen", len(shapes))
	}
	c.arithmetic(entry)
	c.dropped(bundle, card)
	c.several(write("one.tlog-proof", entry.File), write("two.tlog-proof", broken), write("ann.card", card), entry.Trust.Key)
	c.breaks(write("one.tlog-proof", entry.File), entry.Trust.Key)
	c.forgotten()
	c.quiet()
}

// arithmetic opens a step down to the hashes, and pastes in place of choosing.
func (c *checker) arithmetic(v vectest.Vector) {
	c.Helper()
	var steps, hashes int
	c.run(press(`#forget`), chromedp.Evaluate(`document.querySelectorAll("#check details").forEach(d => d.open = true)`, nil),
		chromedp.SetValue(`#trust`, v.Trust.Key, chromedp.ByQuery), chromedp.SetValue(`#text`, strings.TrimSpace(string(v.File)), chromedp.ByQuery), press(`#check button[type=submit]`),
		chromedp.WaitVisible(`#verdict.valid`, chromedp.ByQuery), chromedp.Evaluate(`document.querySelectorAll(".checks details").length`, &steps),
		chromedp.Evaluate(`document.querySelectorAll(".checks details, .matter details").forEach(d => d.open = true)`, nil), fits(c.T, c.axe, "SHA-256(0x00"),
		chromedp.Evaluate(`(document.querySelector("#result").textContent.match(/[0-9a-f]{64}/g) || []).length`, &hashes))
	if steps < 2 || hashes < 3 {
		c.Errorf("%d steps open to %d hashes", steps, hashes)
	}
}

// dropped drops two files anywhere on the page.
func (c *checker) dropped(bundle, card []byte) {
	c.Helper()
	given, err := json.Marshal([]string{base64.StdEncoding.EncodeToString(card), base64.StdEncoding.EncodeToString(bundle)})
	if err != nil {
		c.Fatal(err)
	}
	c.run(press(`#forget`), chromedp.Evaluate(`(() => {
		const data = new DataTransfer();
		`+string(given)+`.forEach((b, i) => data.items.add(new File([Uint8Array.from(atob(b), c => c.charCodeAt(0))], "file" + i)));
		document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
	})()`, nil), chromedp.WaitVisible(`#verdict.valid`, chromedp.ByQuery))
}

// several gives two files at once, and a card alone: no verdict is left of what was
// checked before, and it is said what is asked for.
func (c *checker) several(one, two, card, key string) {
	c.Helper()
	for _, x := range []struct {
		files []string
		says  []string
	}{
		{[]string{one, two}, []string{"Nothing was checked", "one.tlog-proof and two.tlog-proof are both files to check"}},
		{[]string{card, card}, []string{"Nothing was checked", "are both a card"}},
	} {
		var verdicts int
		c.run(press(`#forget`), chromedp.SetValue(`#trust`, key, chromedp.ByQuery), chromedp.SetUploadFiles(`#file`, []string{one}, chromedp.ByQuery),
			press(`#check button[type=submit]`), chromedp.WaitVisible(`#verdict.valid`, chromedp.ByQuery), chromedp.SetUploadFiles(`#file`, x.files, chromedp.ByQuery),
			chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery), fits(c.T, c.axe, x.says...), chromedp.Sleep(100*time.Millisecond),
			chromedp.Evaluate(`document.querySelectorAll("#verdict").length`, &verdicts))
		if verdicts != 0 {
			c.Errorf("%v: a verdict is shown", x.files)
		}
	}
	c.run(press(`#forget`), chromedp.SetUploadFiles(`#file`, []string{card}, chromedp.ByQuery),
		chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery), fits(c.T, c.axe, "it is what a file is checked with. Now give the file"))
}

// breaks checks in a browser that breaks off, in the verifier and while the result is
// shown: no verdict of before is left.
func (c *checker) breaks(file, key string) {
	c.Helper()
	for _, hook := range []string{"Uint8Array.prototype.subarray", "Element.prototype.scrollIntoView"} {
		var text string
		c.run(press(`#forget`), chromedp.SetValue(`#trust`, key, chromedp.ByQuery), chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery),
			press(`#check button[type=submit]`), chromedp.WaitVisible(`#verdict.valid`, chromedp.ByQuery),
			chromedp.Evaluate(`window.whole = `+hook+`; `+hook+` = () => { throw new Error("it broke"); }; 0`, nil), press(`#check button[type=submit]`),
			chromedp.WaitVisible(`#verdict.unchecked`, chromedp.ByQuery), fits(c.T, c.axe, "broke off while it checked one.tlog-proof", "it broke"),
			chromedp.Text(`#result`, &text, chromedp.ByQuery), chromedp.Evaluate(hook+` = window.whole; 0`, nil))
		if strings.Contains(text, "Valid") || strings.Contains(text, "What was checked") {
			c.Errorf("%s: it shows %s", hook, text)
		}
	}
}

// forgotten leaves the page and comes back: it has no card any more.
func (c *checker) forgotten() {
	c.Helper()
	var left string
	c.run(chromedp.Navigate("about:blank"), chromedp.NavigateBack(), chromedp.WaitVisible(`#file`, chromedp.ByQuery), chromedp.Sleep(200*time.Millisecond),
		chromedp.Evaluate(`[...document.querySelectorAll("textarea, input")].map(e => e.value).join("") + document.querySelector("#result").textContent + document.querySelector("#status").textContent`, &left))
	if left != "" {
		c.Errorf("who comes back finds %.100q", left)
	}
}

// TestCheckerMutants asks the page, as people keep it, about changed files: it says of
// each what Go says, and none convinces it of what was not signed.
func TestCheckerMutants(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 1_000
	}
	c := openChecker(t)
	list, err := vectest.Load(filepath.Join(root, "testdata", "vectors"))
	if err != nil {
		t.Fatal(err)
	}
	type question struct {
		Format string        `json:"format"`
		File   string        `json:"file"`
		Trust  vectest.Trust `json:"trust"`
	}
	var batch []vectest.Mutant
	asked := 0
	ask := func() {
		questions := make([]question, len(batch))
		for i, m := range batch {
			questions[i] = question{m.Format, base64.StdEncoding.EncodeToString(m.File), m.Trust}
		}
		b, err := json.Marshal(questions)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		c.run(chromedp.Evaluate(string(b)+`.map(q => daybook.check(q.format, Uint8Array.from(atob(q.file), c => c.charCodeAt(0)), q.trust))`, &said))
		if len(said) != len(batch) {
			t.Fatalf("%d answers to %d questions", len(said), len(batch))
		}
		for i, m := range batch {
			asked++
			err := vectest.Judge(m.Format, m.File, m.Trust)
			if (said[i] == "") != (err == nil) {
				t.Errorf("%s, %s: the page says %q, and Go %v:\n%q", m.Name, m.Change, said[i], err, m.File)
			}
			if err == nil && !vectest.FormAlone(m.Format) && !m.States() {
				t.Errorf("%s, %s: accepted:\n%q", m.Name, m.Change, m.File)
			}
		}
		batch = batch[:0]
	}
	for m := range vectest.Mutants(11, n, list) {
		if batch = append(batch, m); len(batch) == 250 {
			ask()
		}
	}
	ask()
	if asked != n {
		t.Errorf("%d were asked", asked)
	}
	c.quiet()
}
