package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestTrailFewWitnessesInBrowser opens a card whose witness signs nothing any more: that
// accuses nobody and proves nothing, and a policy from elsewhere is a way on, with what
// was kept before.
func TestTrailFewWitnessesInBrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newCardWalk(t)
	w.access("9", "Anna")
	issued, card := w.card("issue", "Anna")
	w.until(card, "2 entries about you")
	card.Policy = "witness library " + invitedKey(t, "library.example") + "\nquorum library\n"
	file, kept := filepath.Join(t.TempDir(), "asks.card"), filepath.Join(t.TempDir(), "kept.bundle")
	if err := os.WriteFile(file, card.Text(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(w.program, "trail", issued, "--url", w.server.url, "--state", kept).CombinedOutput(); err != nil {
		t.Fatalf("keeping the trail: %v: %s", err, out)
	}
	w.access("10", "Anna")
	w.until(w.cards[0], "3 entries about you")
	var few, under string
	const typed = `(p => { document.querySelector("#other-policy").value = p; })`
	if err := chromedp.Run(ctx, chromedp.Navigate(w.wire.URL+"/trail"), chromedp.SetUploadFiles(`#file`, []string{file}, chromedp.ByQuery),
		chromedp.SetUploadFiles(`#kept`, []string{kept}, chromedp.ByQuery), chromedp.Sleep(300*time.Millisecond),
		w.opensTrail("Incomplete: not all witnesses signed", "library (library.example)", "removed from its witnesses", "it shows you something else than others"),
		chromedp.Text(`#own`, &few, chromedp.ByQuery),
		chromedp.Evaluate(typed+`("quorum nobody")`, nil), press(`#use-policy`), chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery),
		fits(t, w.axe, "The policy that you gave cannot be read"),
		w.opensTrail("Incomplete: not all witnesses signed"),
		chromedp.Evaluate(typed+`("log vectors.example/log+e502cf56+AYTToHFvp/zBc6yuhoq6aQrVX5yBEL9NchOQfrEj4pMW\nquorum none")`, nil), press(`#use-policy`), chromedp.WaitVisible(`#note:not(:empty)`, chromedp.ByQuery),
		fits(t, w.axe, "The policy that you gave is for other logs than this ledger."),
		w.opensTrail("Incomplete: not all witnesses signed"),
		chromedp.Evaluate(typed+`("quorum none")`, nil), press(`#use-policy`), chromedp.WaitVisible(`#entries`, chromedp.ByQuery),
		fits(t, w.axe, "3 entries about you", "Checked under the policy that you gave, and not under the one on your card.",
			"go on from what you kept the last time, and no event of yours is gone", "your policy asks nobody beside it to sign"),
		chromedp.Text(`#own`, &under, chromedp.ByQuery),
		w.sendsCard(card.Link(), `[role="alert"]`), fits(t, w.axe, "Too few of the witnesses that your card names signed")); err != nil {
		t.Fatalf("%v: %s", err, w.server.logs)
	}
	var breaks string // of the policy that entry 0 has
	if err := chromedp.Run(ctx, chromedp.Navigate(w.wire.URL+"/entries/0"), chromedp.Evaluate(`getComputedStyle(document.querySelector("td.value")).whiteSpace`, &breaks)); err != nil || breaks != "pre-line" {
		t.Errorf("the lines of a policy are shown as %q: %v", breaks, err)
	}
	if strings.Contains(few, "Something is wrong") || strings.Contains(few, "secret/role") || !strings.Contains(under, "secret/role") {
		t.Errorf("few witnesses show %s\nand another policy %s", few, under)
	}
}
