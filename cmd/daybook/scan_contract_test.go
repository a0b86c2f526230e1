package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// described reads every address of the ledger's own description that anyone may
// read: as its examples say, with each parameter, and with each one malformed.
func (c *collection) described() {
	var doc struct {
		Paths map[string]map[string]struct {
			Security   []any
			Parameters []struct {
				Name, In string
				Example  any
			}
		}
	}
	if err := json.Unmarshal(c.must("json", "/openapi.json"), &doc); err != nil {
		c.Fatal(err)
	}
	c.must("page", "/api")
	asked := 0
	for path, operations := range doc.Paths {
		op, ok := operations["get"]
		if !ok || op.Security != nil {
			continue
		}
		var queries []string
		for _, p := range op.Parameters {
			good := fmt.Sprint(p.Example)
			if p.In == "path" {
				path = strings.Replace(path, "{"+p.Name+"}", good, 1)
				continue
			}
			for _, value := range []string{good, "", "~", "-1", strings.Repeat("9", 30), "\x00"} {
				queries = append(queries, "?"+p.Name+"="+url.QueryEscape(value))
			}
		}
		for _, query := range append(queries, "", "?zq=1", "?%zz") {
			asked++
			if status, body := c.get(classOf(path), path+query); status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
				c.Errorf("%s answers %d: %.200s", path+query, status, body)
			}
		}
	}
	if asked < 200 {
		c.Errorf("only %d addresses are described", asked)
	}
}

// questions asks what a person's client may ask: for everything in the index, and for
// what is sealed for whoever has the tags of the first entries, with no key to them.
func (c *collection) questions() {
	c.Helper()
	ask := func(path, body string) []byte {
		resp, err := http.Post(c.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			c.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			c.Fatalf("%s answers %d: %.200s %v", path, resp.StatusCode, answer, err)
		}
		c.add("json", path+" "+body, answer)
		return answer
	}
	for _, beginning := range []string{"2:00", "2:40", "2:80", "2:c0"} {
		ask("/v1/index/proofs", fmt.Sprintf(`{"ranges":[%q],"labelRanges":[%[1]q]}`, beginning))
	}
	var claims []string
	for _, b := range c.entries {
		e, err := events.ParseEntry(b)
		if err != nil {
			c.Fatal(err)
		}
		for _, tag := range e.Texts("subjects.tags") {
			claims = append(claims, fmt.Sprintf(`{"tag":%q,"ticket":%[1]q}`, tag))
		}
	}
	claims = claims[:min(len(claims), v1.MaxClaims)]
	if given := ask("/v1/trail/slots", `{"slots":[`+strings.Join(claims, ",")+`]}`); len(claims) == 0 || bytes.Contains(given, []byte("box")) {
		c.Errorf("of %d claims without a ticket some are given: %.200s", len(claims), given)
	}
}

// refusedCards sends what is no card, and what is no question of who has one. The
// answers do not repeat it.
func (s *scan) refusedCards(word string) {
	s.Helper()
	const form = "application/x-www-form-urlencoded"
	for i, try := range []func() (int, []byte){
		func() (int, []byte) { return s.post("/trail", "", form, []byte("consent=yes&card="+word)) },
		func() (int, []byte) { return s.post("/trail", "", form, []byte("card="+word)) },
		func() (int, []byte) {
			return s.post("/trail", "", form, []byte("consent="+word+"&card=x&"+word+"=%zz"))
		},
		func() (int, []byte) {
			return s.post("/trail", "", form, []byte("consent=yes&card="+url.QueryEscape("daybook/card@1\nlog "+word)))
		},
		func() (int, []byte) { return s.post("/trail?"+word, "", "text/"+word, []byte(word)) },
		func() (int, []byte) {
			return s.post("/v1/index/proofs", "", "application/json", []byte(`{"tags":["`+word+`"]}`))
		},
		func() (int, []byte) {
			return s.post("/v1/trail/slots", "", "application/json", []byte(`{"slots":"`+word+`"}`))
		},
	} {
		if status, b := try(); status < 400 || bytes.Contains(b, []byte(word)) {
			s.Errorf("card %d is answered %d: %s", i, status, b)
		}
	}
}

var nextPage = regexp.MustCompile(`(?m)^Link: <([^>]*)>; rel="next"`)

// table reads a table to its end.
func (c *collection) table(path string) {
	c.Helper()
	for path != "" {
		c.must("table", path)
		head := c.surfaces[len(c.surfaces)-2].body // get keeps the headers before the body
		path = ""
		if m := nextPage.FindSubmatch(head); m != nil {
			path = string(m[1])
		}
	}
}

// tables are all lists as tables, and the registers of other days.
func (c *collection) tables(organizations, days []string) {
	c.table("/v1/entries.csv?limit=83")
	for _, register := range events.Registers() {
		c.table("/v1/register/" + register + ".csv?limit=41")
		for _, day := range days {
			c.pages("/v1/register/" + register + "?limit=1000&at=" + day)
			c.table("/v1/register/" + register + ".csv?at=" + day)
			c.get("page", "/register/"+register+"?at="+day)
		}
	}
	for _, organization := range organizations {
		q := "?organization=" + organization
		c.table("/v1/entries.csv" + q)
		c.pages("/v1/sharing" + q)
		for _, path := range []string{"/v1/sharing.csv", "/v1/coverage.csv"} {
			c.table(path + q)
		}
		c.get("page", "/sharing"+q)
	}
	for _, name := range []string{"sharing", "retention", "findings", "totals", "coverage"} {
		c.must("json", "/v1/"+name)
		c.table("/v1/" + name + ".csv")
	}
	for _, name := range []string{"sharing", "deletions", "findings", "coverage"} {
		c.must("page", "/"+name)
	}
}

// seenAsTables holds that what is written for publication is in the tables of
// registers too, so that empty ones cannot pass: all that is in the register now.
func (s *scan) seenAsTables(c *collection) {
	search, found, tables := newSearch(s.texts), map[string]bool{}, 0
	for _, at := range c.surfaces {
		if at.class != "table" {
			continue
		}
		tables++
		for _, h := range search.in(at) {
			found[h.marker] = true
		}
	}
	kinds := map[string]bool{}
	for name := range found {
		kind, _, _ := strings.Cut(name, " ")
		kinds[kind] = true
	}
	if tables < 30 || len(found) < 10 || len(kinds) < 4 {
		s.Errorf("%d tables have %d texts of %d kinds", tables, len(found), len(kinds))
	}
	if slices.IndexFunc(c.surfaces, func(x surface) bool { return x.name == "/v1/findings.csv" && len(x.body) > 100 }) < 0 {
		s.Error("no finding is counted")
	}
}
