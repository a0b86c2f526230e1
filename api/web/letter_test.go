package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// lettered is a card of so many generations, with text where keys are.
func lettered(generations int) proof.Card {
	c := proof.Card{
		Log: "ledger.example+00000000+AAAA", Index: "ledger.example/index+00000000+AAAA", URL: "https://ledger.example.org", Scheme: "plate", Policy: "quorum none\n",
	}
	for g := range uint32(generations) {
		c.Trails = append(c.Trails, proof.CardTrail{Generation: g + 1, First: uint64(g)*3 + 1, Key: [32]byte{byte(g), 7}})
	}
	return c
}

// TestLetter holds that the letter has the link, twice, and loads and runs nothing.
func TestLetter(t *testing.T) {
	for generations, coded := range map[int]bool{1: true, 5: true, 20: false} {
		c := lettered(generations)
		b, err := Letter(c)
		if err != nil {
			t.Fatal(err)
		}
		page := string(b)
		if strings.Count(page, c.Link()) != 1 || !strings.Contains(page, "Keep it like a passport") || strings.Contains(page, "<svg") != coded {
			t.Errorf("%d generations: the letter is\n%.600s", generations, page)
		}
		if found := regexp.MustCompile(`<script|<link|<img|<iframe|\son[a-z]+=|\s(src|href|action)=|url\(|@import|ZgotmplZ`).FindString(page); found != "" {
			t.Errorf("it has %q", found)
		}
		if coded {
			checkDrawing(t, page, c.Link())
		}
	}
}

// checkDrawing paints what is drawn and holds it against the code of the link,
// white around it.
func checkDrawing(t *testing.T, page, link string) {
	t.Helper()
	code, err := qr.Encode(link, qr.M)
	if err != nil {
		if code, err = qr.Encode(link, qr.L); err != nil {
			t.Fatal(err)
		}
	}
	black := map[[2]int]bool{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(page, -1) {
		var x, y, n, back int
		if _, err := fmt.Sscan(run[1], &x); err != nil {
			t.Fatal(err)
		}
		fmt.Sscan(run[2], &y)
		fmt.Sscan(run[3], &n)
		fmt.Sscan(run[4], &back)
		if n != back {
			t.Fatalf("%s is no rectangle", run[0])
		}
		for i := range n {
			black[[2]int{x + i, y}] = true
		}
	}
	side := code.Size + 2*quiet
	for y := range side {
		for x := range side {
			if black[[2]int{x, y}] != code.Black(x-quiet, y-quiet) {
				t.Fatalf("the module at %d, %d is wrong", x, y)
			}
		}
	}
	if !strings.Contains(page, fmt.Sprintf(`viewBox="0 0 %d %d"`, side, side)) {
		t.Error("the drawing has another size")
	}
}
