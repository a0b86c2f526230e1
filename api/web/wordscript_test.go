package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/daybook-ledger/daybook/events"
)

// script runs a module of the pages that check, whose exports are then in words.
func script(t *testing.T, entry string) *goja.Runtime {
	t.Helper()
	out := api.Build(api.BuildOptions{EntryPoints: []string{entry}, Bundle: true, Format: api.FormatIIFE, GlobalName: "words", Target: api.ES2017})
	if len(out.Errors) > 0 {
		t.Fatal(api.FormatMessages(out.Errors, api.FormatMessagesOptions{}))
	}
	vm := goja.New()
	if _, err := vm.RunString(string(out.OutputFiles[0].Contents)); err != nil {
		t.Fatal(err)
	}
	return vm
}

// TestWordsInBrowser holds that what is said of an entry in the browser is what we
// say: its sentence and its fields, with names and without.
func TestWordsInBrowser(t *testing.T) {
	vm := script(t, filepath.Join("verify", "page", "words.ts"))
	list := everyTelling(t)
	for _, b := range vectorEntries(t) {
		e, err := events.ParseEntry(b)
		list = append(list, must(t, e, err))
	}
	if len(list) < 150 {
		t.Fatalf("only %d entries are told", len(list))
	}
	// Without a register to lead to, we give a field no names; only sentences have them.
	for said, titles := range map[string]Titles{
		"sentence, title, example, rows": func(string, string) string { return "" },
		"sentence, title, example": func(register, id string) string {
			return map[string]string{"organization": "Örebro kommun.", "dataset": "Plate reads of " + id, "system": "Cameras"}[register]
		},
	} {
		for _, e := range list {
			vm.Set("titles", titles)
			vm.Set("text", string(e.Append(nil)))
			got, err := vm.RunString(`(e => {
				const sentence = words.sentence(e, titles), title = words.title(e), example = words.isExample(e), rows = words.rows(e, titles);
				return JSON.stringify({` + said + `});
			})(JSON.parse(text))`)
			if err != nil {
				t.Fatalf("%s: %v", e.Kind.Name, err)
			}
			if want := shown(t, e, titles, strings.HasSuffix(said, "rows")); got.String() != want {
				t.Fatalf("%s: the browser shows\n%s\nand we\n%s", e.Kind.Name, got, want)
			}
		}
	}
}

// shown is what we say of e, as the script gives it. An entry that names another one
// leads to it here; there, there is nowhere to lead.
func shown(t *testing.T, e *events.Entry, titles Titles, fields bool) string {
	t.Helper()
	l := ofNothing(t)
	l.titles = titles
	type cell struct {
		Text string `json:"text"`
		Code string `json:"code"`
	}
	type row struct {
		Label  string `json:"label"`
		Values []cell `json:"values"`
	}
	out := struct {
		Sentence string `json:"sentence"`
		Title    string `json:"title"`
		Example  bool   `json:"example"`
		Rows     []row  `json:"rows,omitempty"`
	}{Sentence(e, titles), title(e.Kind.Name), isExample(e), nil}
	if !fields {
		b, err := marshal(out)
		return string(must(t, b, err))
	}
	for _, m := range l.members(e.Fields(), e.Kind, "") {
		r := row{m.Label, []cell{}}
		for _, v := range m.Values {
			c := cell{v.Text, v.Code}
			if v.Text == "not on record here" {
				c.Text = "another entry"
			}
			r.Values = append(r.Values, c)
		}
		out.Rows = append(out.Rows, r)
	}
	b, err := marshal(out)
	return string(must(t, b, err))
}

// TestDetailsInBrowser holds the same of what was sealed.
func TestDetailsInBrowser(t *testing.T) {
	vm := script(t, filepath.Join("verify", "page", "words.ts"))
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", "disclosures.json"))
	var file struct {
		Vectors []struct{ Verdict, Text string }
	}
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range file.Vectors {
		d, err := events.ParseDisclosure(v.Text)
		if v.Verdict != "accept" || err != nil {
			continue
		}
		n++
		vm.Set("name", d.Name)
		vm.Set("text", string(d.Value.Append(nil)))
		got, err := vm.RunString(`JSON.stringify(words.detail(name, JSON.parse(text)))`)
		if err != nil {
			t.Fatal(err)
		}
		of := Details([]events.Disclosure{d})[0]
		want, err := marshal(struct {
			Label  string   `json:"label"`
			Values []string `json:"values"`
		}{of.Label, of.Values})
		if err != nil || got.String() != string(want) {
			t.Errorf("the browser shows %s, and we %s: %v", got, want, err)
		}
	}
	if n < 5 {
		t.Errorf("only %d disclosures were told", n)
	}
}

// TestMomentsInBrowser: what a ledger took as a time, and what somebody disclosed as one,
// can be shown, whatever a browser makes of dates.
func TestMomentsInBrowser(t *testing.T) {
	vm := script(t, filepath.Join("verify", "page", "words.ts"))
	for _, s := range []string{
		"2026-06-24T08:30:00Z", "2026-06-24T08:30:00+02:00", "2026-06-24T08:30:00.5-09:30", "2026-06-24T08:30:00+24:00",
		"2026-06-24T08:30:00-24:60", "2026-06-24T08:30:00+23:60", "2026-99-99T99:99:99Z", "2026-06-24T08:30:00+99:99", "2026-06-24",
	} {
		vm.Set("said", s)
		got, err := vm.RunString(`words.detail("recordedAt", said).values[0]`)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if _, ok := events.ParseInstant(s); ok && got.String() != moment(s)+" ("+s+")" {
			t.Errorf("%s: the browser shows %s, and we %s", s, got, moment(s))
		}
	}
}
