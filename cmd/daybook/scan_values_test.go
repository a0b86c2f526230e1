package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// wholeValues looks for values too short to be markers: Eugene's reasons and
// exact counts, and how persons stand to an event. Reasons that are also terms
// of a code list, as police, are looked for in the searches alone; counts too,
// since anywhere else they are positions and sums. Counts 0 and 1 are their own
// bucket.
func (s *scan) wholeValues(c *collection) {
	reasons, counts := map[string]bool{}, map[string]bool{}
	for _, e := range s.searches {
		if r, ok := e.Data["reasonText"].(string); ok {
			reasons[strings.TrimSpace(r)] = true
		}
		counts[fmt.Sprint(e.Data["scope"].(map[string]any)["count"])] = true
	}
	delete(counts, "0")
	delete(counts, "1")
	if len(reasons) < 30 || len(counts) < 20 {
		s.Fatalf("%d reasons, %d counts", len(reasons), len(counts))
	}
	entries := 0
	for _, b := range c.entries {
		var e struct{ Kind, Source string }
		if json.Unmarshal(b, &e) != nil || e.Kind != "data.accessed" || e.Source != "eugene-police/flock-search" {
			continue
		}
		entries++
		for _, v := range leaves(b) {
			if reasons[v] || counts[v] {
				s.Errorf("a search's entry shows %q: %s", v, b)
			}
		}
	}
	if entries < 3*len(s.searches) { // the bundle and two proofs of each
		s.Errorf("only %d entries of searches were read", entries)
	}
	s.shownWhole(c, reasons)
	s.ownPages(c)
}

func (s *scan) shownWhole(c *collection, reasons map[string]bool) {
	terms := map[string]bool{"household": true, "incidental": true, "minor": true}
	for r := range reasons {
		terms[r] = !events.CodeOrganizationKind.Has(r)
	}
	reported := map[string]bool{}
	for _, at := range c.surfaces {
		if at.class != "json" && at.class != "problem" && at.class != "page" && at.class != "table" {
			continue
		}
		if at.name == "/openapi.json" || at.name == "/api" {
			continue // they list all terms of every code list
		}
		for _, v := range wholeValues(at) {
			if terms[v] && !reported[v] {
				reported[v] = true
				s.Errorf("%s shows %q", at.name, v)
			}
		}
	}
}

// ownPages holds what is shown of each search against its own reason and count.
func (s *scan) ownPages(c *collection) {
	byName := map[string][]surface{}
	for _, at := range c.surfaces {
		if at.class == "json" || at.class == "page" {
			byName[at.name] = append(byName[at.name], at)
		}
	}
	for i, e := range s.searches {
		p := s.positions[i]
		reason, _ := e.Data["reasonText"].(string)
		reason = strings.TrimSpace(reason)
		n, err := strconv.ParseInt(fmt.Sprint(e.Data["scope"].(map[string]any)["count"]), 10, 64)
		if err != nil {
			s.Fatal(err)
		}
		// Each page states its position and the size of the log.
		countable := n > 1 && uint64(n) != p && uint64(n) != s.size
		for _, name := range []string{fmt.Sprintf("/v1/entries/%d", p), fmt.Sprintf("/entries/%d", p)} {
			if len(byName[name]) == 0 {
				s.Fatalf("%s was not read", name)
			}
			for _, at := range byName[name] {
				values := wholeValues(at)
				if reason != "" && slices.Contains(values, reason) {
					s.Errorf("%s shows its reason %q", name, reason)
				}
				for _, spelling := range numberSpellings(n) {
					if countable && slices.Contains(values, spelling) && !strings.ContainsAny(spelling, "abcdef") {
						s.Errorf("%s shows its count %s", name, spelling)
					}
				}
			}
		}
	}
}

var htmlValues = regexp.MustCompile(`>([^<>]+)<|="([^"]*)"`)

// wholeValues are the texts between tags and the attributes of a page, the
// leaves of JSON, or the cells of a table.
func wholeValues(s surface) []string {
	if s.class == "json" || s.class == "problem" {
		return leaves(s.body)
	}
	var out []string
	if s.class == "table" {
		rows, _ := csv.NewReader(bytes.NewReader(s.body)).ReadAll()
		return slices.Concat(rows...)
	}
	for _, m := range htmlValues.FindAllSubmatch(s.body, -1) {
		out = append(out, strings.TrimSpace(html.UnescapeString(string(m[1])+string(m[2]))))
	}
	return out
}

// leaves are all texts and numbers of a JSON value.
func leaves(b []byte) []string {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return appendLeaves(nil, v)
}

func appendLeaves(out []string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			out = appendLeaves(out, member)
		}
	case []any:
		for _, item := range v {
			out = appendLeaves(out, item)
		}
	case string:
		out = append(out, v)
	case json.Number:
		out = append(out, v.String())
	}
	return out
}
