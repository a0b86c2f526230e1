package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// wordTable is what the pages that check in a browser have of our words.
type wordTable struct {
	Kinds map[string]*kindWords `json:"kinds"`
	// Fields say how what is at a path of an entry is shown; see way.
	Fields map[string]string `json:"fields"`
	// Labels are of the paths whose name is not their label.
	Labels     map[string]string `json:"labels"`
	Objects    map[string]string `json:"objects"` // what a register's object is called, where that is not its name
	Operations map[string]string `json:"operations"`
	Modes      map[string]string `json:"modes"`
	Buckets    map[string]string `json:"buckets"`
	Requests   map[string]string `json:"requests"`
	Decisions  map[string]string `json:"decisions"`
	Groups     map[string]string `json:"groups"`
	Lifted     map[string]string `json:"lifted"`
	Details    map[string]string `json:"details"`
}

// kindWords are the words of one kind.
type kindWords struct {
	Title   string            `json:"title"`
	Sayings []string          `json:"sayings"`
	Object  string            `json:"object,omitempty"`
	Coarse  bool              `json:"coarse,omitempty"`
	Seals   bool              `json:"seals,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"` // where it differs from the others
	Labels  map[string]string `json:"labels,omitempty"`
}

// way says how what an entry of kind k has at path is shown; "" for as it is.
func way(k *events.Kind, path string) string {
	switch f := fieldShown(k, path); {
	case f.Type == events.Flag:
		return "flag"
	case path == "organization" && f.Register == "":
		return "in organization"
	case path == k.Object:
		return "in " + k.Object
	case f.Register != "":
		return "in " + f.Register
	case f.Type == events.Named && path != "shred", f.Type == events.Name, path == "subjects.partOf":
		return "event"
	case path == "kind" && f.Type == 0:
		return "kind"
	case path == "subjectsExpected" || path == "subjects.mode":
		return "mode"
	case f.Code == events.CodeSealGroup && f.Code != nil:
		return "group"
	case f.Code == events.CodeLifted && f.Code != nil:
		return "lifted"
	case f.Code == events.CodeRequest && f.Code != nil:
		return "request"
	case f.Type == events.Coded && f.Code != events.CodeClassification:
		return "term"
	case f.Type == events.Count:
		return "bucket"
	case f.Type == events.Period:
		return "period"
	case path == "recordedAt" || path == "occurredAt":
		return "moment"
	case f.Type == events.Date || f.Type == events.Instant || f.Type == events.Quarter:
		return "day"
	case f.Type == events.Month:
		return "month"
	case f.Type == events.Prose:
		return "prose"
	}
	return ""
}

// paths are those of all values below o.
func paths(o events.Object, prefix string) (out []string) {
	for _, m := range o {
		if m.Value.Object() != nil {
			out = append(out, paths(m.Value.Object(), prefix+m.Name+".")...)
			continue
		}
		out = append(out, prefix+m.Name)
	}
	return out
}

// everyTelling is an entry of each open kind, told in every way.
func everyTelling(t *testing.T) (out []*events.Entry) {
	t.Helper()
	for _, k := range events.Kinds() {
		for how := range ways {
			if _, persons := k.Field("subjects"); k.Open && (how < ofOne || persons && k.IsData()) {
				out = append(out, told(t, k, how))
			}
		}
	}
	return out
}

// newWordTable gathers the words.
func newWordTable(t *testing.T) *wordTable {
	t.Helper()
	out := &wordTable{
		Kinds: map[string]*kindWords{}, Fields: map[string]string{}, Labels: map[string]string{}, Objects: map[string]string{}, Operations: operations,
		Modes: subjectModes, Buckets: buckets, Requests: requests, Decisions: decisions, Groups: sealGroups, Lifted: sealEnds, Details: detailLabels,
	}
	for _, e := range everyTelling(t) {
		k := e.Kind
		w := out.Kinds[k.Name]
		if w == nil {
			w = &kindWords{title(k.Name), sayings[k.Name], k.Object, k.Coarse, k.Seals, map[string]string{}, map[string]string{}}
			out.Kinds[k.Name] = w
			if k.Object != "" && one(k.Object) != k.Object {
				out.Objects[k.Object] = one(k.Object)
			}
		}
		for _, path := range paths(e.Fields(), "") {
			enter(out.Fields, w.Fields, path, way(k, path))
			enter(out.Labels, w.Labels, path, label(k, path))
		}
	}
	maps.DeleteFunc(out.Fields, func(_, way string) bool { return way == "" })
	maps.DeleteFunc(out.Labels, func(path, words string) bool { return words == term(dashed(path)) })
	out.Objects[events.AnyRegister] = one(events.AnyRegister)
	return out
}

// dashed is a path as term reads it.
func dashed(path string) string { return strings.ReplaceAll(path, ".", "-") }

// enter puts words into what all kinds share, or where another kind has others, into
// its own.
func enter(all, own map[string]string, path, words string) {
	said, known := all[path]
	if !known {
		all[path], said = words, words
	}
	if said != words {
		own[path] = words
	}
}

// marshal writes JSON as a script does.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	err := w.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// TestWordTable holds that the words in the browser are these.
func TestWordTable(t *testing.T) {
	b, err := marshal(newWordTable(t))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, b, "", "\t"); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	path := filepath.Join("verify", "page", "words.json")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, got.Bytes()) {
		t.Errorf("the words of the pages that check differ from %s; if they are meant to, run with -update: %v", path, err)
	}
}
