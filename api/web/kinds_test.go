package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

var update = flag.Bool("update", false, "write the golden sentences anew")

// filledIn is a value that field f of an event about the object "city/it" takes.
func filledIn(k *events.Kind, f events.Field) any {
	v := map[events.Type]any{
		events.Reference: "city/" + strings.ToLower(strings.ReplaceAll(f.Path, ".", "-")), events.Date: "2026-07-01", events.Instant: "2026-06-24T11:00:00Z", events.Period: "P30D",
		events.Count: 24, events.Number: 3, events.Flag: true, events.Link: "https://city.example/text", events.Decimal: "40.7",
		events.Hash: strings.Repeat("0f", 32), events.Named: strings.Repeat("A", 22), events.Key: strings.Repeat("A", 43), events.Quarter: "2026-Q4", events.Month: "2026-06", events.WitnessKey: "library.example/w1+3f1a9c04+BAo2bzXzhNlyv9bT4ZrG0uGm5YQ8n3Qq7c1kq0F5b0Zu", events.Policy: "quorum none\n", events.Zone: "America/New_York", events.Prose: "Words for everyone. More of them.", events.Line: "one line",
		events.Persons: map[string]any{"mode": "none"}, events.Name: map[string]any{"organization": "city", "source": "city/app", "id": "1"},
	}[f.Type]
	switch {
	case f.Path == k.Object:
		v = "city/it"
	case f.Path == "name" || f.Path == "title":
		v = "Its own name"
	case f.Type == events.Coded:
		v = f.Code.Terms()[0]
	}
	if f.List {
		return []any{v}
	}
	return v
}

// put sets the member at a dotted path.
func put(o map[string]any, path string, v any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		o[name] = v
		return
	}
	inner, _ := o[name].(map[string]any)
	if inner == nil {
		inner = map[string]any{}
		o[name] = inner
	}
	put(inner, rest, v)
}

// How an entry is told: with all its fields, and every reference known; with as
// few as it may have, and none known; about one person, three, and many.
const (
	fully = iota
	barely
	ofOne
	ofThree
	ofMany
	ofManyPart
	ways
)

// subjects are what an event about persons says of them, how many tags its entry
// has, and whom the page says are concerned.
var subjects = map[int]struct {
	said  string
	tags  int
	about string
}{
	ofOne:      {`{"mode":"single","persons":[{"scheme":"example","value":"1"}]}`, 1, "one person, who can"},
	ofThree:    {`{"mode":"several","persons":[{"scheme":"example","value":"1"},{"scheme":"example","value":"2"},{"scheme":"example","value":"3"}]}`, 3, "three persons, each"},
	ofMany:     {`{"mode":"bulk","parts":118}`, 0, "many persons, whom 118 parts name"},
	ofManyPart: {`{"mode":"bulk","part":118,"parts":118,"partOf":"0","persons":[{"scheme":"example","value":"1"},{"scheme":"example","value":"2"}]}`, 2, "two persons in this part"},
}

// told is an entry of kind k, with some fields as given.
func told(t *testing.T, k *events.Kind, how int, given ...[2]string) *events.Entry {
	t.Helper()
	switch k.Name {
	case "ledger.opened":
		e, err := events.Opened{
			RecordedAt: time.Date(2026, 6, 24, 8, 0, 0, 0, time.UTC), Origin: "city.example/log", Log: "k", Receipt: "k", Index: "k",
			VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
		}.Entry()
		return must(t, e, err)
	case "subject.enrolled":
		e, err := events.Enrolled(events.EventName{}, time.Date(2026, 6, 24, 8, 0, 0, 0, time.UTC), make([]events.Pair, 1))
		return must(t, e, err)
	}
	data := map[string]any{}
	for _, f := range k.Fields {
		if how == fully || f.Required || f.Path == k.Needs+".lat" || f.Path == k.Needs+".lon" {
			put(data, f.Path, filledIn(k, f))
		}
	}
	if whom, ok := subjects[how]; ok {
		put(data, "subjects", json.RawMessage(whom.said))
	}
	for _, g := range given {
		put(data, g[0], g[1])
	}
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": "1", "source": "city/app", "time": "2026-06-24T10:00:00Z", "type": "org.daybook." + k.Name + ".v1", "data": data,
	})
	event, err := events.ParseEvent(must(t, body, err))
	if err != nil {
		t.Fatalf("%s: %v\n%s", k.Name, err, body)
	}
	f := events.Facts{Organization: "city", OccurredOn: "2026-06-24", UntilOn: "2026-06-24", RecordedOn: "2026-06-24"}
	if k.Seals {
		f.OccurredOn, f.RecordedOn = events.QuarterOf(f.OccurredOn), events.QuarterOf(f.RecordedOn)
	}
	for i := range subjects[how].tags {
		f.Tags = append(f.Tags, events.Tag{byte(i)})
	}
	for i := range k.Slots() + len(f.Tags) {
		f.Digests = append(f.Digests, events.Digest{byte(i)})
	}
	if v, ok := event.Data.Get("organization"); ok {
		f.Organization = v.Text()
	}
	for _, r := range event.References() {
		if how == barely {
			f.Unresolved = append(f.Unresolved, r.Name)
		}
	}
	e, err := event.Entry(f)
	return must(t, e, err)
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ofNothing looks names up in an empty register.
func ofNothing(t *testing.T) *lookup {
	t.Helper()
	v, err := projections.Open(projections.Config{Dir: filepath.Join(t.TempDir(), "views")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return newLookup(v.Now())
}

// codelike is a word no person writes: capitals inside, or a question mark that
// stands for something the register did not know.
var codelike = regexp.MustCompile(`[a-z][A-Z]|\?|[{}\[\]]|  |\.\.|^[a-z]+\.[a-z]+|[^“]\.$.`)

// TestEveryKindIsToldInWords walks every kind that may happen, said fully and
// with as little as it may be, and holds the sentences against those approved.
func TestEveryKindIsToldInWords(t *testing.T) {
	l := ofNothing(t)
	var got bytes.Buffer
	open := map[string]bool{}
	for _, k := range events.Kinds() {
		if !k.Open {
			continue
		}
		open[k.Name] = true
		for how := range ways {
			if _, ok := k.Field("subjects"); how >= ofOne && !ok || how > ofOne && !k.IsData() {
				continue
			}
			e := told(t, k, how)
			said := l.sentence(e).String()
			fmt.Fprintf(&got, "%s\n    %s\n", k.Name, said)
			if codelike.MatchString(said) || !strings.HasSuffix(said, ".") || said == title(k.Name)+"." || len(said) < 25 {
				t.Errorf("%s is told as %q", k.Name, said)
			}
			if k.IsData() && how >= ofOne {
				who := fmt.Sprint(l.entryQuestions(e)[0].Answers)
				if !strings.Contains(who, "Data about [{"+subjects[how].about) || strings.Contains(who, "part 118 of 118") != (how == ofManyPart) {
					t.Errorf("%s: the page says whom it concerns as %s", k.Name, who)
				}
			}
			wordly(t, l, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sayings)) {
		if !open[name] {
			t.Errorf("%s is no open kind", name)
		}
	}
	if l.err != nil {
		t.Fatal(l.err)
	}
	path := filepath.Join("testdata", "sentences.golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got.String() {
		t.Errorf("the sentences differ from %s; if they are meant to, run with -update:\n%s", path, got.String())
	}
}

// TestEveryTermOfProtectionIsTold says each kind that protects or forgets with
// each term that its sentence depends on: every one makes another sentence.
func TestEveryTermOfProtectionIsTold(t *testing.T) {
	l := ofNothing(t)
	for _, x := range [][2]string{
		{"request.received", "request"},
		{"request.decided", "decision"},
		{"request.decided", "ground"},
		{"event.corrected", "reason"},
		{"seal.placed", "group"},
		{"seal.lifted", "how"},
		{"key.shredded", "what"},
	} {
		k, _ := events.FindKind(x[0])
		f, _ := k.Field(x[1])
		seen := map[string]string{}
		for _, term := range f.Code.Terms() {
			said := l.sentence(told(t, k, fully, [2]string{x[1], term})).String()
			if other := seen[said]; other != "" || strings.Contains(said, "  ") || strings.Contains(said, " .") {
				t.Errorf("%s with %s, and with %s, is told as %q", x[0], term, other, said)
			}
			seen[said] = term
		}
	}
	shredded, _ := events.FindKind("key.shredded")
	for how, want := range map[int]string{
		fully:  "city had the keys to what officers could read of June 2026 destroyed; copies of them may be kept until 1 July 2026.",
		barely: "city had the keys to what officers could read of one month destroyed.",
	} {
		if got := l.sentence(told(t, shredded, how, [2]string{"what", "month"})).String(); got != want {
			t.Errorf("the keys of a month are told as %q", got)
		}
	}
}

// wordly holds the rest of an entry's page against its kind.
func wordly(t *testing.T, l *lookup, e *events.Entry) {
	t.Helper()
	for _, m := range l.members(e.Fields(), e.Kind, "") {
		if m.Label == "" || codelike.MatchString(m.Label) || m.Label != "SHA-256 of the text" && m.Label != term(m.Label) && !strings.Contains(m.Label, "’") {
			t.Errorf("%s: a field is called %q", e.Kind.Name, m.Label)
		}
		for _, v := range m.Values {
			if v.Text == "" || v.Text == "?" || v.Text == "true" || v.Text == "false" {
				t.Errorf("%s: the field %s is shown as %q", e.Kind.Name, m.Label, v.Text)
			}
		}
	}
	text, slots := sealed(e), e.Kind.Slots()
	whose := map[int]string{0: "They are for what", 1: "One is for the person concerned.", 2: "Two are for the persons concerned.", 3: "Three are for the persons concerned."}[tagged(e)]
	if slots == 0 && !strings.HasPrefix(text, "Nothing.") || slots > 0 && !strings.Contains(text, "stand "+small(len(e.Texts("_sd")))+" sealed details") ||
		slots > 0 && !strings.Contains(text, whose) {
		t.Errorf("%s has %d sealed details, and the page says: %s", e.Kind.Name, slots, text)
	}
	byOfficer := e.Kind.Name == "ledger.read" || e.Kind.By == events.Officer || strings.HasPrefix(e.Kind.Name, "trail.")
	if e.Kind.IsData() != strings.Contains(text, "exact counts") || byOfficer != strings.Contains(text, "which officer") {
		t.Errorf("%s: what is sealed is told as %s", e.Kind.Name, text)
	}
	if !e.Kind.IsData() {
		return
	}
	for _, q := range l.entryQuestions(e) {
		for _, f := range q.Answers {
			for _, v := range f.Values {
				if v.Text == "" && v.Code == "" || v.Text == "?" {
					t.Errorf("%s: %s is answered %+v", e.Kind.Name, f.Label, v)
				}
			}
		}
	}
}
