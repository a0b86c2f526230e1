package web

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// TestSentenceNeedsNoRegister says what every kind records without a view to ask.
func TestSentenceNeedsNoRegister(t *testing.T) {
	titles := func(register, id string) string {
		if register == "organization" {
			return "The City"
		}
		return ""
	}
	n := 0
	for _, e := range everyEntry(t) {
		said := Sentence(e, titles)
		if said == "" || !strings.HasSuffix(said, ".") && !strings.HasSuffix(said, "”") {
			t.Errorf("%s: %q", e.Kind.Name, said)
		}
		if e.Text("organization") != "" && strings.Contains(strings.ToLower(said), "the city") {
			n++
		}
	}
	if n == 0 {
		t.Error("no sentence has the name that was given")
	}
}

// everyEntry is an entry of every kind, of the vectors.
func everyEntry(t *testing.T) (out []*events.Entry) {
	t.Helper()
	seen := map[string]bool{}
	for _, b := range vectorEntries(t) {
		e, err := events.ParseEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		if !seen[e.Kind.Name] {
			seen[e.Kind.Name], out = true, append(out, e)
		}
	}
	return out
}

// vectorEntries are the entries that testdata/vectors accepts.
func vectorEntries(t *testing.T) (out [][]byte) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/vectors/entries.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct{ Verdict, Text string }
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if v.Verdict == "accept" {
			out = append(out, []byte(v.Text))
		}
	}
	return out
}
