package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// collection gathers what the public can read of one ledger.
type collection struct {
	*testing.T
	url      string
	seen     map[string]bool
	surfaces []surface
	entries  [][]byte // as they stand in bundles and proofs
}

func (c *collection) add(class, name string, body []byte) {
	c.surfaces = append(c.surfaces, surface{class, name, body})
}

// get reads one address, with its headers, once.
func (c *collection) get(class, path string) (int, []byte) {
	c.Helper()
	req, err := http.NewRequest("GET", c.url+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	if class == "page" {
		req.Header.Set("Accept", "text/html")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	var head bytes.Buffer
	_ = resp.Header.Write(&head)
	c.seen[path] = true
	c.add("header", path, head.Bytes())
	if resp.StatusCode >= 400 {
		class = "problem"
	}
	c.add(class, path, body)
	return resp.StatusCode, body
}

// must is get of what has to be there.
func (c *collection) must(class, path string) []byte {
	c.Helper()
	status, body := c.get(class, path)
	if status != http.StatusOK {
		c.Fatalf("%s answers %d: %s", path, status, body)
	}
	return body
}

// files are those of a copy of the public log.
func (c *collection) files(dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		c.add("file", path, b)
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
}

// tiles are the checkpoint, and every tile and bundle of a log of size entries.
func (c *collection) tiles(size uint64) {
	c.must("tile", "/checkpoint")
	c.entries = append(c.entries, c.log("/", size)...)
}

// index is the checkpoint of the log of the index, and every tile and leaf of it.
func (c *collection) index() {
	lines := strings.Split(string(c.must("tile", "/index/checkpoint")), "\n")
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || size == 0 || len(c.log("/index/", size)) != int(size) {
		c.Fatalf("the index has the checkpoint %q: %v", lines, err)
	}
}

// log is every tile and bundle of a log of size entries at an address, and what the
// bundles have.
func (c *collection) log(at string, size uint64) (entries [][]byte) {
	for level := proof.EntriesLevel; level < 8; level++ {
		count := size >> (8 * max(level, 0))
		for n := uint64(0); n*proof.TileWidth < count; n++ {
			width := int(min(count-n*proof.TileWidth, proof.TileWidth))
			b := c.must("tile", at+proof.TilePath(level, n, width))
			if level != proof.EntriesLevel {
				continue
			}
			list, err := proof.ReadBundle(b, width)
			if err != nil {
				c.Fatal(err)
			}
			entries = append(entries, list...)
		}
	}
	return entries
}

// routes are all answers in JSON, and the proofs.
func (c *collection) routes(size uint64) {
	c.must("json", "/v1/ledger")
	c.must("json", "/v1/totals")
	c.pages("/v1/entries?limit=97")
	for i := range size {
		var got struct{ Event string }
		if err := json.Unmarshal(c.must("json", fmt.Sprintf("/v1/entries/%d", i)), &got); err != nil {
			c.Fatal(err)
		}
		c.must("json", "/v1/entries/"+got.Event)
		c.must("page", "/entries/"+got.Event)
		for _, name := range []string{fmt.Sprint(i), got.Event} {
			b := c.must("proof", "/v1/entries/"+name+"/proof")
			p, err := proof.ParseProof(b)
			if err != nil {
				c.Fatal(err)
			}
			c.add("proof", "extra of entry "+name, p.Extra)
			c.entries = append(c.entries, p.Extra)
		}
	}
	for _, register := range events.Registers() {
		c.pages("/v1/register/" + register + "?limit=37")
	}
}

// pages reads a list to its end, and each object of a register.
func (c *collection) pages(first string) {
	for path := first; path != ""; {
		var page struct {
			Items []struct{ Register, ID string }
			Next  any
		}
		d := json.NewDecoder(bytes.NewReader(c.must("json", path)))
		d.UseNumber()
		if err := d.Decode(&page); err != nil {
			c.Fatal(err)
		}
		for _, item := range page.Items {
			c.must("json", "/v1/register/"+item.Register+"/"+item.ID)
		}
		path = ""
		if page.Next != nil {
			path = first + "&after=" + url.QueryEscape(fmt.Sprint(page.Next))
		}
	}
}

// filters are the lists of entries, chosen in every single way and some double
// ones.
func (c *collection) filters(values map[string][]string) {
	for name, list := range values {
		for _, v := range list {
			c.pages("/v1/entries?limit=1000&" + name + "=" + url.QueryEscape(v))
			c.get("page", "/entries?"+name+"="+url.QueryEscape(v))
			c.get("page", "/entries?kind=data.accessed&"+name+"="+url.QueryEscape(v))
		}
	}
}

// problems are answers to questions nobody can answer.
func (c *collection) problems() {
	for _, path := range []string{
		"/v1/entries?kind=nonsense", "/v1/entries?limit=0", "/v1/entries?limit=x", "/v1/entries?after=-1", "/v1/entries?day=x",
		"/v1/entries?reason=x", "/v1/entries?kind=a&kind=b", "/v1/entries?%zz", "/v1/entries/99999999", "/v1/entries/x",
		"/v1/entries/99999999/proof", "/v1/entries/0?x=1", "/v1/register/nothing", "/v1/register/system/none", "/v1/register/system?after=%20",
		"/v1/totals?x=1", "/v1/ledger?x=1", "/v1/nothing", "/v1/events", "/v1/entries.csv?kind=nonsense",
		"/v1/entries.csv?limit=0", "/v1/entries.csv?colour=red", "/v1/register/nothing.csv", "/v1/register/system.csv?after=%20", "/v1/register/system.csv?at=x",
		"/v1/register/system?at=9999-01-01", "/v1/register/system/none?at=2026-06-24", "/v1/totals.csv?x=1", "/v1/sharing?recipient=%22", "/v1/sharing.csv?from=x",
		"/v1/sharing?colour=red", "/v1/retention?x=1", "/v1/retention.csv?x=1", "/v1/findings?x=1", "/v1/findings.csv?x=1", "/v1/coverage?x=1", "/openapi.json?x=1",
		"/trail?x=1", "/index/tile/0/999", "/index/tile/x", "/index/proofs", "/v1/index/proofs", "/v1/trail/slots", "/tile/0/999", "/tile/entries/000.p/0", "/tile/x", "/nothing",
	} {
		if status, body := c.get("json", path); status < 400 {
			c.Errorf("%s answers %d: %.200s", path, status, body)
		}
	}
	for _, path := range []string{
		"/entries?kind=nonsense", "/entries?after=x", "/entries/99999999", "/register/nothing", "/register/system/none", "/nothing",
		"/register?at=x", "/register/system?at=9999-01-01", "/sharing?recipient=%22", "/deletions?x=1", "/findings?x=1", "/coverage?x=1", "/api?x=1",
	} {
		c.get("page", path)
	}
}

// maxCrawl is far more than there is; reaching it means that links do not end.
const maxCrawl = 30_000

var links = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// crawl follows every link from the home page that stays here.
func (c *collection) crawl() int {
	base, err := url.Parse(c.url + "/")
	if err != nil {
		c.Fatal(err)
	}
	queue, known, n := []string{"/"}, map[string]bool{"/": true}, 0
	for ; len(queue) > 0; queue = queue[1:] {
		if n++; n > maxCrawl {
			c.Fatalf("the crawl does not end; it is at %s", queue[0])
		}
		if _, body := c.get(classOf(queue[0]), queue[0]); classOf(queue[0]) == "page" {
			queue = append(queue, follow(base, queue[0], body, known)...)
		}
	}
	return n
}

func classOf(path string) string {
	switch {
	case strings.HasSuffix(strings.TrimSuffix(path, "?download=1"), "/proof"):
		return "proof"
	case strings.HasSuffix(strings.SplitN(path, "?", 2)[0], ".csv"):
		return "table"
	case strings.HasPrefix(path, "/v1/"), strings.HasPrefix(path, "/openapi.json"):
		return "json"
	case strings.HasPrefix(path, "/tile/"), path == "/checkpoint", strings.HasPrefix(path, "/index/"):
		return "tile"
	}
	return "page"
}

// follow returns the addresses a page leads to and that were not known.
func follow(base *url.URL, from string, page []byte, known map[string]bool) (out []string) {
	here, err := base.Parse(from)
	if err != nil {
		return nil
	}
	for _, m := range links.FindAllSubmatch(page, -1) {
		to, err := here.Parse(html.UnescapeString(string(m[1])))
		if err != nil || to.Host != base.Host {
			continue
		}
		to.Fragment = ""
		if path := to.RequestURI(); !known[path] {
			known[path] = true
			out = append(out, path)
		}
	}
	return out
}
