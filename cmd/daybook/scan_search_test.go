package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// surface is something anybody may read, with the class of its place: file,
// tile, json, proof, page, problem, header or log.
type surface struct {
	class, name string
	body        []byte
}

// marker is a value that must stand on no surface, in any spelling of it.
type marker struct {
	name      string
	spellings []string
	raw       [][]byte // binary forms, searched as they are, in base64 and in hex
}

// hit is one find.
type hit struct {
	marker, encoding string
	at               surface
}

func (h hit) String() string {
	return fmt.Sprintf("%s in %s stands in the %s %s", h.marker, h.encoding, h.at.class, h.at.name)
}

type pattern struct{ text, marker, encoding string }

// minPattern is the shortest text the search looks for; anything shorter would
// be found by chance.
const minPattern = 8

// search looks for all spellings of all markers in all encodings at once: by
// their first eight bytes, of which a bit set says where a look is worth it.
type search struct {
	byStart map[uint64][]pattern
	maybe   [1 << 14]uint64
}

func newSearch(markers []marker) *search {
	s := &search{byStart: map[uint64][]pattern{}}
	seen := map[string]bool{}
	for _, m := range markers {
		for _, e := range m.patterns() {
			if len(e.text) < minPattern || seen[e.text] {
				continue
			}
			seen[e.text] = true
			start := binary.LittleEndian.Uint64([]byte(e.text))
			s.byStart[start] = append(s.byStart[start], e)
			at := slot(start)
			s.maybe[at>>6] |= 1 << (at & 63)
		}
	}
	return s
}

func slot(start uint64) uint64 { return start * 0x9e3779b97f4a7c15 >> 44 }

// in returns what s finds, each pattern once a surface.
func (s *search) in(at surface) []hit {
	var hits []hit
	seen := map[pattern]bool{}
	for i := 0; i+minPattern <= len(at.body); i++ {
		start := binary.LittleEndian.Uint64(at.body[i:])
		bit := slot(start)
		if s.maybe[bit>>6]&(1<<(bit&63)) == 0 {
			continue
		}
		for _, p := range s.byStart[start] {
			if !seen[p] && len(at.body)-i >= len(p.text) && string(at.body[i:i+len(p.text)]) == p.text {
				seen[p] = true
				hits = append(hits, hit{p.marker, p.encoding, at})
			}
		}
	}
	return hits
}

func (m marker) patterns() []pattern {
	var out []pattern
	for _, s := range m.spellings {
		for _, e := range append(textEncodings(s), binaryEncodings([]byte(s))...) {
			out = append(out, pattern{e[1], m.name, e[0]})
		}
	}
	for _, b := range m.raw {
		for _, e := range append(binaryEncodings(b), [2]string{"binary", string(b)}) {
			out = append(out, pattern{e[1], m.name, e[0]})
		}
	}
	return out
}

// textEncodings are name and text of every way s is written into text.
func textEncodings(s string) [][2]string {
	inside := func(b []byte) string { return strings.Trim(strings.TrimSpace(string(b)), `"`) }
	escaped, _ := json.Marshal(s)
	var bare bytes.Buffer
	enc := json.NewEncoder(&bare)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return [][2]string{
		{"plain", s},
		{"JSON with HTML escaped", inside(escaped)},
		{"JSON", inside(bare.Bytes())},
		{"JSON in ASCII", asciiJSON(s)},
		{"a quoted log line", inside([]byte(strconv.Quote(s)))},
		{"HTML", html.EscapeString(s)},
		{"HTML of a template", template.HTMLEscapeString(s)},
		{"HTML in decimal", references(s, "&#%d;")},
		{"HTML in hexadecimal", references(s, "&#x%x;")},
		{"a URL's query", url.QueryEscape(s)},
		{"a URL's path", url.PathEscape(s)},
		{"a URL's path with slashes", (&url.URL{Path: "/" + s}).EscapedPath()[1:]},
		{"a URL in small letters", lowerEscapes(url.PathEscape(s))},
	}
}

func asciiJSON(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c > 126 || c < 32:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// references writes what is not a letter, digit or space of ASCII as a
// character reference.
func references(s, format string) string {
	var b strings.Builder
	for _, c := range s {
		if c > 126 || strings.ContainsRune(`"<>&'+`, c) {
			fmt.Fprintf(&b, format, c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '%' && i+2 < len(b) {
			copy(b[i:i+3], bytes.ToLower(b[i:i+3]))
		}
	}
	return string(b)
}

// binaryEncodings are hex, and base64 of both alphabets wherever b begins in
// the text encoded: of each alignment the characters that b alone decides.
func binaryEncodings(b []byte) [][2]string {
	out := [][2]string{{"hex", hex.EncodeToString(b)}, {"HEX", strings.ToUpper(hex.EncodeToString(b))}}
	for before := range 3 {
		padded := append(make([]byte, before), b...)
		from := []int{0, 2, 3}[before]
		for _, e := range []struct {
			name string
			*base64.Encoding
		}{{"base64", base64.RawStdEncoding}, {"base64url", base64.RawURLEncoding}} {
			text := e.EncodeToString(padded)
			to := len(padded) / 3 * 4
			if left := len(padded) % 3; left > 0 {
				to += left // the last character holds bits of what follows
			}
			if to > from {
				out = append(out, [2]string{fmt.Sprintf("%s after %d", e.name, before), text[from:to]})
			}
		}
	}
	return out
}

// TestScanFinds: the search reports one marker planted in each encoding, at
// every alignment, and nothing where there is none.
func TestScanFinds(t *testing.T) {
	for _, value := range []string{`“é<&>'+ x/y”\`, "plain0marker"} {
		secret := marker{name: "secret", spellings: []string{value}}
		s := newSearch([]marker{secret, {name: "other", spellings: []string{"nowhere-to-be-found"}}})
		if hits := s.in(surface{"page", "clean", []byte(strings.Repeat("nothing of it ", 1000))}); hits != nil {
			t.Errorf("found %v in a clean page", hits)
		}
		asJSON, _ := json.Marshal(value)
		planted := map[string]string{
			"JSON": string(asJSON), "JSON in ASCII": asciiJSON(value), "plain": value, "log": strconv.Quote(value),
			"HTML": html.EscapeString(value), "template": template.HTMLEscapeString(value),
			"decimal": references(value, "&#%d;"), "hexadecimal": references(value, "&#x%x;"),
			"query": url.Values{"q": {value}}.Encode(), "path": (&url.URL{Path: "/" + value}).EscapedPath(),
			"hex": hex.EncodeToString([]byte(value)), "HEX": fmt.Sprintf("%X", value),
		}
		for before := range 6 {
			for after := range 4 {
				whole := []byte(strings.Repeat("§", before/2) + strings.Repeat("x", before) + value + strings.Repeat("y", after))
				planted[fmt.Sprintf("base64 %d %d", before, after)] = base64.StdEncoding.EncodeToString(whole)
				planted[fmt.Sprintf("base64url %d %d", before, after)] = base64.RawURLEncoding.EncodeToString(whole)
			}
		}
		for name, text := range planted {
			hits := s.in(surface{"page", name, []byte("<p>before " + text + " after</p>")})
			if !slices.ContainsFunc(hits, func(h hit) bool { return h.marker == "secret" }) {
				t.Errorf("%q as %s is not found in %q", value, name, text)
			}
		}
	}
}

// TestScanFindsWhole: a value too short to be searched for is seen where it
// stands alone, and not inside another.
func TestScanFindsWhole(t *testing.T) {
	for _, value := range []string{"94", "investigation", "DUII / Reckless", "a & b"} {
		escaped := html.EscapeString(value)
		asJSON, _ := json.Marshal(map[string]any{"a": []any{1, map[string]any{"b": value}}})
		for _, s := range []surface{
			{"page", "text", []byte("<p><b>\n" + escaped + " </b></p>")},
			{"page", "attribute", []byte(`<a title="` + escaped + `">x</a>`)},
			{"json", "text", asJSON},
		} {
			if !slices.Contains(wholeValues(s), value) {
				t.Errorf("%q is not seen as %s: %s", value, s.name, s.body)
			}
		}
		if s := (surface{"page", "inside", []byte("<p>12" + escaped + "56</p>")}); slices.Contains(wholeValues(s), value) {
			t.Errorf("%q is seen inside another value", value)
		}
	}
	if !slices.Contains(wholeValues(surface{"json", "number", []byte(`{"count":94}`)}), "94") {
		t.Error("a number is not seen")
	}
}
