// Package sdjwt reads our disclosures with a library for SD-JWT (RFC 9901) that knows
// nothing of ours: @sd-jwt/core of the OpenWallet Foundation. It is JavaScript; README
// says where it is from. What it lacks in the engine comes from Go: SHA-256, and the
// decoder of UTF-8.
//
// An entry is no SD-JWT: nobody signs it as a JWT. What is taken from there is how a
// private field is committed and opened, and that is what is held against the library.
package sdjwt

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"
)

const vectorDir = "../../vectors"

// library is the bundled library in an engine.
type library struct {
	vm    *goja.Runtime
	calls *goja.Object
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{"entry.mjs"}, Bundle: true, Format: api.FormatIIFE, GlobalName: "sdjwt", Target: api.ES2017,
		Alias: map[string]string{"@owf/identity-common": "./vendored/identity-common/index.mjs"},
	})
	if len(built.Errors) > 0 || len(built.OutputFiles) != 1 {
		t.Fatalf("bundling: %v", built.Errors)
	}
	vm := goja.New()
	host := map[string]any{
		"sha256": func(s string) []any {
			sum, out := sha256.Sum256([]byte(s)), []any{}
			for _, b := range sum {
				out = append(out, b)
			}
			return out
		},
		"utf8": func(b []byte) (string, error) {
			if !utf8.Valid(b) {
				return "", errors.New("not UTF-8")
			}
			return string(b), nil
		},
	}
	if err := vm.Set("host", host); err != nil {
		t.Fatal(err)
	}
	const decoder = `class TextDecoder { decode(bytes) { return host.utf8(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)); } }`
	if _, err := vm.RunString(decoder); err != nil {
		t.Fatal(err)
	}
	if _, err := vm.RunString(string(built.OutputFiles[0].Contents)); err != nil {
		t.Fatal(err)
	}
	return &library{vm, vm.Get("sdjwt").ToObject(vm)}
}

// call calls a function of entry.mjs.
func (l *library) call(name string, args ...string) (string, error) {
	f, ok := goja.AssertFunction(l.calls.Get(name))
	if !ok {
		return "", fmt.Errorf("%s is no function", name)
	}
	values := make([]goja.Value, len(args))
	for i, a := range args {
		values[i] = l.vm.ToValue(a)
	}
	v, err := f(goja.Undefined(), values...)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

// TestVendored checks that what runs here is what was published.
func TestVendored(t *testing.T) {
	sums, err := os.ReadFile("vendored/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("vendored/*/*")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%x  %s\n", sha256.Sum256(b), strings.TrimPrefix(filepath.ToSlash(file), "vendored/"))
	}
	if got.String() != string(sums) {
		t.Errorf("the vendored files are\n%s", &got)
	}
}

// lax are the disclosures that we refuse and the library takes.
var lax = map[string]string{
	"space":                "RFC 9901 lets JSON have any spaces; ours has one form, so that a copied digest is recomputed from the value alone",
	"escape not needed":    "RFC 9901 lets JSON have any escapes, likewise",
	"members out of order": "RFC 9901 lets members stand in any order, likewise",
	"two values":           "two values are a disclosure of an element of a list, which we do not have",
	"salt of 15 bytes":     "RFC 9901 recommends 128 bits of salt and does not demand it; the library does not look into the salt",
	"salt with spare bits": "the salt is any text to it",
	"salt of a number":     "it does not ask whether the salt is text",
	"no name":              "RFC 9901 lets a name be any text; ours are the paths of fields",
	"name of the format":   "likewise",
	"name too long":        "likewise",
	"name of digests":      "RFC 9901 refuses the name when an object is put together, which decoding one disclosure does not do",
	"name of an element":   "likewise",
}

// TestDisclosures holds the library against disclosures.json: it takes what we take,
// computes the same digest, and writes it with the same bytes.
func TestDisclosures(t *testing.T) {
	l := newLibrary(t)
	refused := 0
	for _, v := range readVectors(t, "disclosures.json") {
		said, err := l.call("disclosure", v.Text)
		if v.Verdict == "reject" {
			if (err == nil) != (lax[v.Name] != "") {
				t.Errorf("%s (%s): the library says %s, %v; the reason is %q", v.Name, v.Reason, said, err, lax[v.Name])
			}
			refused++
			continue
		}
		var d struct {
			Parts  []any
			Digest string
		}
		if err == nil {
			err = json.Unmarshal([]byte(said), &d)
		}
		if err != nil || len(d.Parts) != 3 || d.Parts[1] != v.Name || v.Reason != "its digest is "+d.Digest {
			t.Errorf("%s: the library says %s, %v; %s", v.Name, said, err, v.Reason)
		}
		if again, err := l.call("written", v.Text); err != nil || again != v.Text {
			t.Errorf("%s: the library writes %s, %v", v.Name, again, err)
		}
	}
	if refused == 0 {
		t.Error("no disclosure was to refuse")
	}
}

// TestPresentations opens the fields of the entry in each presentation, and finds
// none where a disclosure is not the entry's.
func TestPresentations(t *testing.T) {
	l := newLibrary(t)
	strangers := 0
	for _, v := range readVectors(t, "presentations.json") {
		switch v.Name {
		case "other-salt", "other-value", "other-name":
			strangers++
			entry, open := presented(t, v)
			if said, err := l.call("unpacked", committed(t, entry), texts(t, open)); err == nil {
				t.Errorf("%s: the library unpacks %s", v.Name, said)
			}
		default:
			if v.Verdict == "accept" {
				entry, open := presented(t, v)
				l.checkEntry(t, v.Name, entry, open)
			}
		}
	}
	if strangers != 3 {
		t.Errorf("%d presentations have other disclosures", strangers)
	}
}

// presented are the entry in a presentation, and the disclosures.
func presented(t *testing.T, v vector) (entry []byte, open []string) {
	t.Helper()
	var p struct {
		Disclosures []string
		Proof       string
	}
	if err := json.Unmarshal([]byte(v.File), &p); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(p.Proof, "\nextra ")
	extra, _, _ := strings.Cut(rest, "\n")
	entry, err := base64.StdEncoding.DecodeString(extra)
	if err != nil {
		t.Fatal(err)
	}
	return entry, p.Disclosures
}

// TestBundle opens the fields of every entry of a trail.
func TestBundle(t *testing.T) {
	l := newLibrary(t)
	file, err := os.ReadFile(filepath.Join(vectorDir, "accept/bundle-ann.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 1<<20)
	var entry []byte
	var open []string
	opened, both := 0, 0
	check := func() {
		if entry != nil {
			opened += len(open)
			if l.checkEntry(t, string(entry[:60]), entry, open) {
				both++
			}
		}
		entry, open = nil, nil
	}
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.HasPrefix(line, []byte(`{"$"`)):
			check()
			entry = bytes.Clone(line)
		case bytes.HasPrefix(line, []byte(`["`)):
			open = append(open, base64.RawURLEncoding.EncodeToString(line))
		}
	}
	check()
	if opened < 10 || both == 0 {
		t.Errorf("%d fields were opened, and %d entries have one that is public too", opened, both)
	}
}

// checkEntry unpacks the fields of an entry with the library and holds them against
// the disclosures, read as they stand. The library is given the digests alone: of an
// entry in which a private field has the name of a public one, as the exact time of
// what is public as a day, RFC 9901 demands to refuse the whole, and the library does.
// Whether the entry is such a one is returned.
func (l *library) checkEntry(t *testing.T, name string, entry []byte, open []string) bool {
	t.Helper()
	want, clash := map[string]any{}, ""
	var public map[string]any
	if err := json.Unmarshal(entry, &public); err != nil {
		t.Fatal(err)
	}
	for _, d := range open {
		var parts []any
		b, err := base64.RawURLEncoding.DecodeString(d)
		if err == nil {
			err = json.Unmarshal(b, &parts)
		}
		if err != nil || len(parts) != 3 {
			t.Fatalf("%s: %s: %v", name, d, err)
		}
		field := parts[1].(string)
		want[field] = parts[2]
		if _, ok := public[field]; ok {
			clash = field
		}
	}
	said, err := l.call("unpacked", committed(t, entry), texts(t, open))
	if wanted, _ := json.Marshal(want); err != nil || !sameJSON(said, string(wanted)) {
		t.Errorf("%s: the library unpacks %s, %v, and the fields are %s", name, said, err, wanted)
	}
	if _, err := l.call("unpacked", string(entry), texts(t, open)); (err == nil) != (clash == "") {
		t.Errorf("%s: with the public fields beside the private ones, of which %q is both, the library says %v", name, clash, err)
	}
	return clash != ""
}

// committed is a payload of nothing but the digests of an entry.
func committed(t *testing.T, entry []byte) string {
	t.Helper()
	var e struct {
		SD []string `json:"_sd"`
	}
	if err := json.Unmarshal(entry, &e); err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(map[string]any{"_sd": append([]string{}, e.SD...)})
	return string(b)
}

func texts(t *testing.T, list []string) string {
	t.Helper()
	b, err := json.Marshal(append([]string{}, list...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// vector is one of a JSON file of vectors.
type vector struct{ Name, Verdict, Reason, Text, File string }

func readVectors(t *testing.T, name string) []vector {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorDir, name))
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Vectors []vector }
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f.Vectors
}
