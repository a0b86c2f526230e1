package api_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// element is one element of a page with the text in it.
type element struct {
	name string
	attr map[string]string
	text string
}

// parse reads a page, whose elements must all be closed and in order.
func parse(t *testing.T, page string) []*element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.AutoClose = []string{"meta", "link", "input", "br"}
	d.Strict = true
	d.Entity = xml.HTMLEntity
	var all, open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v\n%s", err, page)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := &element{name: x.Name.Local, attr: map[string]string{}}
			for _, a := range x.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			all, open = append(all, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, e := range open {
				e.text += string(x)
			}
		}
	}
}

// forXML closes void elements and spells out attributes without a value, which
// HTML leaves open.
func forXML(page string) string {
	page = strings.Replace(page, "<!DOCTYPE html>", "", 1)
	without := regexp.MustCompile(` (selected|required|hidden|defer)([ />])`)
	page = regexp.MustCompile(`<[a-z][^<>]*>`).ReplaceAllStringFunc(page, func(tag string) string { return without.ReplaceAllString(tag, ` $1=""$2`) })
	for _, void := range []string{"<meta ", "<link ", "<input "} {
		parts := strings.Split(page, void)
		for i, p := range parts[1:] {
			parts[i+1] = strings.Replace(p, ">", "/>", 1)
		}
		page = strings.Join(parts, void)
	}
	return page
}

var everyPage = []string{
	"/", "/entries", "/entries?kind=data.accessed&organization=city", "/entries?day=2020-01-01", "/entries/0", "/entries/1", "/entries/3", "/entries/4",
	"/entries/6", "/entries/8", "/entries/9", "/entries/10", "/entries/99", "/register", "/register/organization", "/register/system", "/register/dataset",
	"/register/activity", "/register/organization/city", "/register/organization/example", "/register/system/city/model", "/register/system/city%2Fa%2F%2Fb",
	"/register/dataset/city/reads", "/register/activity/city/search", "/register/system/none", "/checking", "/nowhere",
	"/findings", "/sharing", "/sharing?organization=city", "/deletions", "/coverage", "/seals", "/register?at=2026-06-24", "/register/system?at=2026-06-24", "/register/system/city/model?at=2026-06-24",
	"/register/system?at=x", "/api",
}

// TestEveryPage holds every kind of page against what a screen reader needs.
func TestEveryPage(t *testing.T) {
	w := seeded(t)
	for _, path := range everyPage {
		t.Run(path, func(t *testing.T) {
			page := w.do("GET", path, "text/html").Body.String()
			checkPage(t, parse(t, forXML(page)))
			for _, not := range []string{"<script", " style=", "onclick", "MARKER", "secret id", "T05:00", "T05:00:00Z", "2510", "javascript:", "<no value>", "%!"} {
				if strings.Contains(page, not) && (not != "T05:00:00Z" && not != "T05:00" || strings.HasPrefix(path, "/entries/8")) {
					t.Errorf("the page has %q", not)
				}
			}
		})
	}
}

func checkPage(t *testing.T, all []*element) {
	t.Helper()
	count, ids, labels := map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, e := range all {
		count[e.name]++
		if id := e.attr["id"]; id != "" && ids[id] {
			t.Errorf("two elements are called %s", id)
		}
		ids[e.attr["id"]] = true
		labels[e.attr["for"]] = e.name == "label" || labels[e.attr["for"]]
	}
	for _, once := range []string{"html", "title", "h1", "main", "header", "footer"} {
		if count[once] != 1 {
			t.Errorf("%d elements %s", count[once], once)
		}
	}
	if all[0].name != "html" || all[0].attr["lang"] != "en" {
		t.Error("the page does not say its language")
	}
	if count["table"] != count["caption"] {
		t.Errorf("%d tables have %d captions", count["table"], count["caption"])
	}
	for _, e := range all {
		switch {
		case e.name == "th" && e.attr["scope"] == "":
			t.Errorf("the heading %q has no scope", e.text)
		case (e.name == "input" || e.name == "select") && !labels[e.attr["id"]]:
			t.Errorf("%s has no label", e.attr["id"])
		case e.name == "a" && (strings.TrimSpace(e.text) == "" || e.attr["href"] == ""):
			t.Errorf("a link without words or address: %v %q", e.attr, e.text)
		case strings.HasPrefix(e.attr["href"], "#") && !ids[e.attr["href"][1:]]:
			t.Errorf("%s leads nowhere", e.attr["href"])
		}
	}
}

// TestLinksLead follows every link of ours on every page.
func TestLinksLead(t *testing.T) {
	w := seeded(t)
	seen := map[string]bool{}
	for _, path := range everyPage {
		for _, e := range parse(t, forXML(w.do("GET", path, "text/html").Body.String())) {
			href := e.attr["href"]
			if !strings.HasPrefix(href, "/") || seen[href] {
				continue
			}
			seen[href] = true
			if got := w.get(href); got.Code != 200 {
				t.Errorf("%s leads to %s: %d", path, href, got.Code)
			}
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d links", len(seen))
	}
}

// TestWords reads pages as a resident does.
func TestWords(t *testing.T) {
	w := seeded(t)
	w.signed, w.now = recorded, recorded.Add(12*time.Second)
	for path, want := range map[string][]string{
		"/": {"The ledger was last signed 12 seconds ago, at 11 entries", "2 uses of data", "1 use of data", "Never counted with the real records"},
		"/entries/8": {
			"On 17 June 2026, City <script>alert(1)</script> & Co searched Plate reads using Reader, but was denied access.",
			"Purpose: protection of public security. Legal basis: not filled in.", "As registered for the activity.",
			"1,001 to 10,000 cameras", "13 sealed details", "1 Main St", "daybook verify entry-8.tlog-proof --key '" + w.vkey + "'",
		},
		"/entries/9":                   {"searched data about one person using a system not in the register.", "14 sealed details", "sealed, because exactly one person is concerned", "not in the register"},
		"/entries/10":                  {"invented example", "Nothing on this page is real.", "2 to 10 records", "retention end"},
		"/register/dataset/city/reads": {"1 year 6 months, counted from: collection", "yes, directly", "protection of public security", "Retention period set"},
		"/register/system/city%2Fa%2F%2Fb": {
			"1 capability, as registered for its model, Reader model", "optics/plates", "plate reader", "In use from not filled in", "not in the register",
		},
		"/register/organization/example": {"invented example", "Nothing on this page is real."},
		"/entries?day=2020-01-01":        {"No entry fits."},
		"/nowhere":                       {"There is no page at this address."},
	} {
		all := parse(t, forXML(w.do("GET", path, "text/html").Body.String()))
		i := slices.IndexFunc(all, func(e *element) bool { return e.name == "main" })
		text := strings.Join(strings.Fields(all[i].text), " ")
		if path == "/" {
			text = figures(all)
		}
		for _, s := range want {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", path, s, text)
			}
		}
	}
}

// figures is a page's text with each figure before its label, as it is shown.
func figures(all []*element) string {
	out := ""
	for i, e := range all {
		if e.name == "dt" {
			out += all[i+1].text + " " + e.text + "\n"
		}
		if e.name == "p" {
			out += strings.Join(strings.Fields(e.text), " ") + "\n"
		}
	}
	return out
}

// TestTextIsEscaped looks at the bytes: a name with markup in it is text.
func TestTextIsEscaped(t *testing.T) {
	w := seeded(t)
	for _, path := range everyPage {
		page := w.do("GET", path, "text/html").Body.String()
		if strings.Contains(page, "<script>") {
			t.Errorf("%s runs what a name says", path)
		}
	}
	if page := w.get("/register/organization/city").Body.String(); !strings.Contains(page, "City &lt;script&gt;alert(1)&lt;/script&gt; &amp; Co") {
		t.Errorf("the name is lost:\n%s", page)
	}
}

// TestPaging goes from page to page as a reader does, and meets every entry.
func TestPaging(t *testing.T) {
	w := seeded(t)
	for range 90 {
		w.say("city", "data.accessed", "2026-06-18T05:00:00Z", `{"system":"city/a//b","dataset":"city/reads","operation":"Query","outcome":"success","subjects":{"mode":"unknown"}}`)
	}
	w.publish()
	next, pages, searches := "/entries?kind=data.accessed&organization=city", 0, 0
	for next != "" && pages < 50 {
		page := w.get(next).Body.String()
		all := parse(t, forXML(page))
		checkPage(t, all)
		searches += strings.Count(page, "</a> searched ")
		pages++
		next = ""
		for _, e := range all {
			if e.attr["rel"] == "next" {
				next = e.attr["href"]
			}
		}
	}
	if searches != 92 || pages != 3 {
		t.Errorf("%d searches on %d pages", searches, pages)
	}
}

// TestUnregisteredOrganization shows who speaks although no register knows it.
func TestUnregisteredOrganization(t *testing.T) {
	w := newWorld(t)
	w.say("stranger", "data.collected", "2026-06-18T05:00:00Z", `{"dataset":"d","system":"s","subjects":{"mode":"none"}}`)
	w.publish()
	page := w.get("/entries/1").Body.String()
	for _, s := range []string{`stranger <span class="soft">(not in the register)</span>`, "stranger collected a dataset not in the register using a system not in the register"} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %q:\n%s", s, page)
		}
	}
}
