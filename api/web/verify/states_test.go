package verify

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// stated is what a vector states, as far as reports tell it.
type stated struct {
	Origin, Root string
	Size         uint64
	Checkpoint   *stated
	Index        *stated
	KnownAt      int64
	Cosigned     []struct{ Witness string }
	Promises     []struct {
		Position uint64
		Hash     string
	}
	Events []struct {
		Position, Number uint64
		Kind, Seal       string
		Opened           []string
		Head             uint64
	}
}

// TestReportsStateWhatVectorsState: a file is accepted for what it says, and the report
// tells that.
func TestReportsStateWhatVectorsState(t *testing.T) {
	e := newEngine(t, quick(t))
	b, err := os.ReadFile("../../../testdata/vectors/values.json")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]stated{}
	if err := json.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, v := range load(t) {
		want, ok := values[v.Name]
		if !ok || !slices.Contains([]string{"checkpoint", "cosigned", "receipt", "index-proof", "bundle"}, v.Format) || v.PostQuantum() {
			continue
		}
		tried++
		r := e.report(t, v.File, v.Trust)
		told := told(r)
		for _, s := range want.words(t) {
			if !strings.Contains(told, s) {
				t.Errorf("%s: the report does not say %q:\n%.1500s", v.Name, s, told)
			}
		}
		if len(want.Events) != len(r.Entries) {
			t.Errorf("%s: %d entries, want %d", v.Name, len(r.Entries), len(want.Events))
			continue
		}
		for i, event := range want.Events {
			got := r.Entries[i]
			note := fmt.Sprintf("Event %d of your trail.", event.Number)
			if event.Seal != "" {
				note = "A seal hid this from you"
			}
			if got.Position != event.Position || got.Kind != event.Kind || !strings.HasPrefix(got.Note, note) {
				t.Errorf("%s: entry %+v, want %+v", v.Name, got, event)
			}
			for n, name := range slices.DeleteFunc(event.Opened, func(s string) bool { return s == "key" }) {
				if n >= len(got.Disclosures) || got.Disclosures[n][0] != name {
					t.Errorf("%s: %v, want %v", v.Name, got.Disclosures, event.Opened)
				}
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d tried", tried)
	}
}

// told is all that a report says of its checks.
func told(r report) string {
	var b strings.Builder
	for _, s := range r.Steps {
		b.WriteString(s.Said + "\n" + strings.Join(s.Detail, "\n") + "\n")
	}
	return b.String()
}

// words are what a report must say.
func (s stated) words(t *testing.T) (out []string) {
	for _, c := range []*stated{&s, s.Checkpoint, s.Index} {
		if c == nil || c.Root == "" {
			continue
		}
		root, err := base64.StdEncoding.DecodeString(c.Root)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c.Origin, fmt.Sprintf(`%s\n%d\n`, c.Origin, c.Size), fmt.Sprintf("root = %x", root))
	}
	for _, p := range s.Promises {
		hash, _ := base64.RawURLEncoding.DecodeString(p.Hash)
		out = append(out, fmt.Sprintf("position %d: SHA-256(entry) = %x", p.Position, hash))
	}
	for _, c := range s.Cosigned {
		out = append(out, c.Witness)
	}
	if s.KnownAt > 0 {
		out = append(out, "who knew nothing newer on "+time.Unix(s.KnownAt, 0).UTC().Format(time.RFC3339))
	}
	return out
}
