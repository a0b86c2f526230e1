package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// document is what the tests read of /openapi.json.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]map[string]any }
}

type operation struct {
	OperationID string
	Tags        []string
	Parameters  []parameterOf
	Security    []map[string][]string
}

type parameterOf struct {
	Name, In string
	Required bool
	Schema   map[string]any
	Example  any
}

func contract(t testing.TB, w *world) document {
	t.Helper()
	got := w.get("/openapi.json")
	var d document
	if err := json.Unmarshal(got.Body.Bytes(), &d); err != nil || got.Code != http.StatusOK || d.OpenAPI != "3.1.0" {
		t.Fatalf("the contract: %d %v", got.Code, err)
	}
	return d
}

// TestContractIsWhatIsMounted holds the document against the routes of the
// handler, in both directions. Pages are for people and not in it.
func TestContractIsWhatIsMounted(t *testing.T) {
	w := seeded(t)
	var listed []string
	for path, operations := range contract(t, w).Paths {
		for method := range operations {
			listed = append(listed, strings.ToUpper(method)+" "+path)
		}
	}
	var mounted []string
	for _, pattern := range w.handler.(interface{ Routes() []string }).Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.ReplaceAll(path, "...}", "}")
		if register, ok := strings.CutSuffix(path, ".csv"); ok && strings.HasPrefix(register, "/v1/register/") {
			path = "/v1/register/{register}.csv"
		}
		if !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/tile/") && !strings.HasPrefix(path, "/index/") && path != "/checkpoint" && path != "/openapi.json" {
			continue
		}
		mounted = append(mounted, method+" "+path)
	}
	slices.Sort(listed)
	slices.Sort(mounted)
	mounted = slices.Compact(mounted)
	for _, x := range listed {
		if !slices.Contains(mounted, x) {
			t.Errorf("%s is in the document and is not mounted", x)
		}
	}
	for _, x := range mounted {
		if !slices.Contains(listed, x) {
			t.Errorf("%s is mounted and is not in the document", x)
		}
	}
	if len(listed) < 18 {
		t.Errorf("only %d addresses: %v", len(listed), listed)
	}
}

// TestExamplesAreAccepted gives every example of an event to the reader of
// events, and then without each thing that its schema requires.
func TestExamplesAreAccepted(t *testing.T) {
	w := newWorld(t)
	var d struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct {
					Content map[string]struct {
						Examples map[string]struct{ Value map[string]any }
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]map[string]any
				Enum       []string
			}
		}
	}
	check(t, json.Unmarshal(w.get("/openapi.json").Body.Bytes(), &d))
	examples := d.Paths["/v1/events"].Post.RequestBody.Content["application/cloudevents+json"].Examples
	parses := func(e map[string]any) bool {
		b, err := json.Marshal(e)
		check(t, err)
		_, err = events.ParseEvent(b)
		return err == nil
	}
	for _, name := range []string{"single", "several", "bulk-head", "bulk-part"} {
		if e, ok := examples[name]; !ok || !parses(e.Value) {
			t.Errorf("the example %s is refused: %v", name, e.Value)
		}
	}
	for _, k := range v1.Said() {
		e := examples[k.Name].Value
		data, _ := e["data"].(map[string]any)
		if !parses(e) {
			t.Errorf("the example of %s is refused: %v", k.Name, e)
		}
		for _, name := range d.Components.Schemas["event-of."+k.Name].Required {
			if parses(without(e, name)) {
				t.Errorf("%s is accepted without %s", k.Name, name)
			}
		}
		schema := d.Components.Schemas["data-of."+k.Name]
		for _, name := range schema.Required {
			changed := without(e, "data")
			changed["data"] = without(data, name)
			if parses(changed) {
				t.Errorf("%s is accepted without data.%s", k.Name, name)
			}
		}
		for _, f := range k.Fields {
			name, _, _ := strings.Cut(f.Path, ".")
			if schema.Properties[name] == nil || f.Required && !slices.Contains(schema.Required, name) {
				t.Errorf("%s is not described with %s", k.Name, f.Path)
			}
		}
	}
	if got, want := d.Components.Schemas["code.purpose"].Enum, events.CodePurpose.Terms(); !slices.Equal(got, want) {
		t.Errorf("the purposes are described as %d terms of %d", len(got), len(want))
	}
}

func without(m map[string]any, name string) map[string]any {
	out := maps.Clone(m)
	delete(out, name)
	return out
}

// TestContractOnAPage holds that the page has every address, kind and field of
// the document.
func TestContractOnAPage(t *testing.T) {
	w := newWorld(t)
	got := w.do("GET", "/api", "text/html")
	page := strings.Join(strings.Fields(got.Body.String()), " ")
	for path, operations := range contract(t, w).Paths {
		for method, op := range operations {
			if !strings.Contains(page, strings.ToUpper(method)+" "+path+"<") || !strings.Contains(page, `id="call-`+op.OperationID+`"`) {
				t.Errorf("the page does not have %s %s", method, path)
			}
			for _, p := range op.Parameters {
				if !strings.Contains(page, "<code>"+p.Name+"</code>") {
					t.Errorf("the page does not have the parameter %s of %s", p.Name, path)
				}
			}
		}
	}
	for _, s := range []string{
		`id="kind-data.accessed"`, `<th scope="row"><code>reasonText</code></th><td>O</td>`, `<th scope="row"><code>operation</code> <span class="soft">required</span></th><td>P</td>`,
		`<a href="/openapi.json">`, `id="shape-code.purpose"`, "LEDGER=http://daybook.example", `<a href="#shape-Subjects">subjects</a>`,
		`id="kind-seal.placed"`, "Officers say this at their desk", "<dt>H</dt>", "&#34;partOf&#34;: &#34;4f2c-17&#34;", "{&#34;mode&#34;:&#34;bulk&#34;,&#34;parts&#34;:2}",
	} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not have %s", s)
		}
	}
	if got.Code != http.StatusOK || strings.Contains(page, "<no value>") || strings.Contains(page, "%!") {
		t.Errorf("the page is answered %d and has holes", got.Code)
	}
}
