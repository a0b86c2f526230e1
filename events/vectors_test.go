package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The vectors of this package's formats are neutral files that any implementation
// can read; testdata/vectors/README.md says how. They are made here, from public
// words; go test ./events -run TestVectors -update writes them.
var update = flag.Bool("update", false, "write testdata/vectors")

const vectorDir = "../testdata/vectors"

// vectorFile is one file of vectors.
type vectorFile struct {
	Format  string   `json:"format"`
	About   string   `json:"about"`
	Vectors []vector `json:"vectors"`
}

// vector is one value with its verdict. It is text, or bytes in base64url without
// padding.
type vector struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Text    string `json:"text,omitempty"`
	Bytes   string `json:"bytes,omitempty"`
}

func (v vector) data(tb testing.TB) []byte {
	tb.Helper()
	if v.Bytes == "" {
		return []byte(v.Text)
	}
	b, err := binary64.DecodeString(v.Bytes)
	if err != nil {
		tb.Fatalf("%s: %v", v.Name, err)
	}
	return b
}

// judges hold a value against each format: it is read as it would be written.
var judges = map[string]func(b []byte) error{
	"entries": func(b []byte) error {
		e, err := ParseEntry(b)
		return unchanged(b, err, func() []byte { return e.Append(nil) })
	},
	"events": func(b []byte) error { _, err := ParseEvent(b); return err },
	"disclosures": func(b []byte) error {
		d, err := ParseDisclosure(string(b))
		return unchanged(b, err, func() []byte { return []byte(d.Encode()) })
	},
	"slips": func(b []byte) error {
		s, err := ParseSlip(b)
		return unchanged(b, err, s.Format)
	},
	"part-slips": func(b []byte) error {
		s, detail, err := ParsePartSlip(b)
		return unchanged(b, err, func() []byte { return FormatPartSlip(s.encode(), detail) })
	},
	"folds": func(b []byte) error {
		f, err := ParseFold(b)
		return unchanged(b, err, f.Format)
	},
	"messages": func(b []byte) error {
		m, err := ParseMessage(b)
		return unchanged(b, err, m.Format)
	},
}

func unchanged(b []byte, err error, again func() []byte) error {
	if err != nil {
		return err
	}
	if !bytes.Equal(again(), b) {
		return fmt.Errorf("it is read, and written in another form")
	}
	return nil
}

// makers make the vectors of each format.
var makers = map[string]func(tb testing.TB) vectorFile{
	"entries": entryVectors, "events": eventVectors, "disclosures": disclosureVectors, "slips": slipVectors, "part-slips": partSlipVectors,
	"folds": foldVectors, "messages": messageVectors,
}

// TestVectors holds the files against what is made here, and each vector against
// its verdict.
func TestVectors(t *testing.T) {
	for name, judge := range judges {
		t.Run(name, func(t *testing.T) {
			made := makers[name](t)
			if *update {
				writeVectors(t, name, made)
			}
			if kept := readVectors(t, name); fmt.Sprint(kept) != fmt.Sprint(made) {
				t.Error("the file is not what -update writes")
			}
			accepted, seen := 0, map[string]bool{}
			for _, v := range made.Vectors {
				err := judge(v.data(t))
				if (err == nil) != (v.Verdict == "accept") {
					t.Errorf("%s is to be %sed, as %s: %v", v.Name, v.Verdict, v.Reason, err)
				}
				if v.Verdict == "accept" {
					accepted++
				}
				if seen[v.Name] || v.Reason == "" {
					t.Errorf("%s stands twice, or without a reason", v.Name)
				}
				seen[v.Name] = true
			}
			if accepted == 0 || accepted == len(made.Vectors) {
				t.Errorf("%d of %d are accepted", accepted, len(made.Vectors))
			}
		})
	}
}

func vectorPath(name string) string { return filepath.Join(vectorDir, name+".json") }

func readVectors(tb testing.TB, name string) (f vectorFile) {
	tb.Helper()
	b, err := os.ReadFile(vectorPath(name))
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func writeVectors(t *testing.T, name string, f vectorFile) {
	t.Helper()
	if err := os.WriteFile(vectorPath(name), indented(t, f), 0o644); err != nil {
		t.Fatal(err)
	}
}

// indented is JSON for people to read too.
func indented(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// seeds adds the vectors of a format to the seeds of a fuzz target.
func seeds(f *testing.F, name string, add func(b []byte)) {
	f.Helper()
	for _, v := range readVectors(f, name).Vectors {
		if b := v.data(f); len(b) < 4096 {
			add(b)
		}
	}
}

// list gathers vectors.
type vectorList struct {
	tb  testing.TB
	out []vector
}

func (l *vectorList) add(verdict, name, reason string, b []byte) {
	v := vector{Name: name, Verdict: verdict, Reason: reason, Text: string(b)}
	if !json.Valid(fmt.Appendf(nil, "%q", b)) || bytes.ContainsRune(b, '�') || !isText(string(b), 1<<20, true) {
		v.Text, v.Bytes = "", binary64.EncodeToString(b)
	}
	l.out = append(l.out, v)
}

func (l *vectorList) accept(name, reason string, b []byte) { l.add("accept", name, reason, b) }
func (l *vectorList) reject(name, reason string, b []byte) { l.add("reject", name, reason, b) }

// spoil rejects b with from, which stands in it once, replaced by to.
func (l *vectorList) spoil(name, reason string, b []byte, from, to string) {
	l.tb.Helper()
	if n := bytes.Count(b, []byte(from)); n != 1 {
		l.tb.Fatalf("%s: %q stands %d times in %s", name, from, n, b)
	}
	l.reject(name, reason, bytes.Replace(b, []byte(from), []byte(to), 1))
}

// spoilSorted is spoil, with the members sorted again, so that nothing but what
// was replaced is wrong.
func (l *vectorList) spoilSorted(name, reason string, b []byte, from, to string) {
	l.tb.Helper()
	l.spoil(name, reason, b, from, to)
	last := &l.out[len(l.out)-1]
	v, err := ParseValue([]byte(last.Text))
	if err != nil {
		l.tb.Fatalf("%s: %v", name, err)
	}
	last.Text = string(v.Append(nil))
}

// file is all of them.
func (l *vectorList) file(format, about string) vectorFile { return vectorFile{format, about, l.out} }

// public are bytes of public words, that protect nothing.
func public(words string, n int) []byte {
	sum := sha256.Sum256([]byte("public test data, protects nothing: " + words))
	return slices.Clone(sum[:n])
}

func publicSalt(words string) [16]byte { return [16]byte(public("salt "+words, 16)) }
