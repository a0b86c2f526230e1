package web

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// MountContract adds the page that shows c, the same document that programs read.
func (p *Pages) MountContract(mux v1.Mux, c *v1.Contract) {
	once := sync.OnceValue(func() contractPage { return newContractPage(c) })
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) {
		if _, err := v1.Query(r); err != nil {
			p.fail(w, r, err)
			return
		}
		page := once()
		page.Base = base(r)
		p.show(w, r, http.StatusOK, "api", frame{Title: "For programs", Section: "api", Body: page})
	})
}

// contractPage is the contract, as the page shows it.
type contractPage struct {
	Document string
	Base     string // where this server is, as the reader reached it
	Groups   []groupView
	Modes    []exampleView
	Classes  []classView
	Kinds    []kindView
	Shapes   []shapeView
	Codes    []codeView
}

type groupView struct {
	ID, About string
	Calls     []callView
}

// callView is one way to call.
type callView struct {
	ID, Method, Path        string
	Summary, Detail, Caller string
	Params                  []fieldView
	Curl                    string
	Answers                 []answerView
}

type answerView struct {
	Status, About string
	Media         []string
	Fields        []fieldView // of the first that is JSON
}

// fieldView is one value: a parameter, a member of an answer or of an event.
type fieldView struct {
	Name, Where string
	Required    bool
	Holds       []holds
	Class       string
	About       string
}

// holds is what a value can be, in words; a name has its own paragraph.
type holds struct{ Text, Href string }

type classView struct{ Letter, Meaning string }

type kindView struct {
	Name, By string // By: who says it, as a sentence
	Needs    string
	Fields   []fieldView
	Example  string
}

// exampleView is an event that is accepted, with what it shows.
type exampleView struct{ About, Body string }

type shapeView struct {
	ID, Name, About string
	Examples        []string
	Fields          []fieldView
}

type codeView struct {
	ID, Name string
	Terms    []string
}

// codePrefix begins the names of the schemas of code lists.
const codePrefix = "code."

func newContractPage(c *v1.Contract) contractPage {
	page := contractPage{Document: v1.ContractPath, Kinds: kindViews(c), Modes: modeViews(c)}
	for _, class := range []events.Class{events.Public, events.PublicText, events.Committed, events.SealedAll, events.Officers, events.Hers} {
		letter, meaning := v1.ClassLetter(class)
		page.Classes = append(page.Classes, classView{letter, meaning})
	}
	for _, tag := range c.API.Tags {
		g := groupView{ID: tag.Name, About: tag.Description}
		for _, op := range c.Operations() {
			if op.Tags[0] == tag.Name {
				g.Calls = append(g.Calls, newCallView(c, op))
			}
		}
		if g.Calls != nil {
			page.Groups = append(page.Groups, g)
		}
	}
	named := c.API.Components.Schemas.Map()
	for _, name := range c.Shapes() {
		s := named[name]
		page.Shapes = append(page.Shapes, shapeView{shapeID(name), name, bounded(s), examples(s), members(c, s)})
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if code, ok := strings.CutPrefix(name, codePrefix); ok {
			page.Codes = append(page.Codes, codeView{shapeID(name), strings.ReplaceAll(code, "-", " "), texts(named[name].Enum)})
		}
	}
	return page
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i], _ = v.(string)
	}
	return out
}

func shapeID(name string) string { return "shape-" + name }

// bounded is what a schema says of itself, with its bounds of length.
func bounded(s *huma.Schema) string {
	switch {
	case s.MaxLength == nil:
		return s.Description
	case *s.MaxLength == *s.MinLength:
		return s.Description + " " + number(uint64(*s.MaxLength)) + " characters."
	}
	return s.Description + " " + number(uint64(*s.MinLength)) + " to " + number(uint64(*s.MaxLength)) + " characters."
}

func examples(s *huma.Schema) []string {
	out := make([]string, len(s.Examples))
	for i, e := range s.Examples {
		text, is := e.(string)
		if !is {
			b, _ := json.Marshal(e) // it stands in the document
			text = string(b)
		}
		out[i] = text
	}
	return out
}

func newCallView(c *v1.Contract, op *huma.Operation) callView {
	v := callView{ID: "call-" + op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Detail: op.Description, Curl: curl(op), Caller: "anyone"}
	if len(op.Security) > 0 {
		v.Caller = "whoever shows a token of the role " + strings.Join(op.Security[0]["token"], " or ")
	}
	for _, p := range op.Parameters {
		v.Params = append(v.Params, fieldView{Name: p.Name, Where: p.In, Required: p.Required, Holds: holdsOf(c, p.Schema), About: p.Description})
	}
	for _, status := range slices.SortedFunc(maps.Keys(op.Responses), func(a, b string) int { return cmp.Compare(a, b) }) {
		r := op.Responses[status]
		a := answerView{Status: status, About: r.Description, Media: slices.Sorted(maps.Keys(r.Content))}
		if m := r.Content["application/json"]; m != nil && strings.HasPrefix(status, "2") {
			a.Fields = members(c, m.Schema)
		}
		v.Answers = append(v.Answers, a)
	}
	return v
}

// curl is a line that calls op, with the example of every part of the path and
// of the first parameter that has one.
func curl(op *huma.Operation) string {
	path, query := op.Path, ""
	for _, p := range op.Parameters {
		text := ""
		switch v := p.Example.(type) {
		case string:
			text = v
		case int:
			text = strconv.Itoa(v)
		}
		switch {
		case p.In == "path":
			path = strings.Replace(path, "{"+p.Name+"}", text, 1)
		case p.In == "query" && query == "" && text != "":
			query = "?" + p.Name + "=" + url.QueryEscape(text)
		}
	}
	out := "curl -sS"
	if op.Security != nil {
		out += ` -H "Authorization: Bearer $TOKEN"`
	}
	if op.RequestBody != nil && op.RequestBody.Content["application/cloudevents+json"] != nil {
		out += " -H 'Content-Type: application/cloudevents+json' --data @event.json"
	} else if op.Method != http.MethodGet {
		out += " -X " + op.Method
	}
	return out + ` "$LEDGER` + path + query + `"`
}

// saidExamples are the examples of what the door takes, by name.
func saidExamples(c *v1.Contract) map[string]*huma.Example {
	for _, op := range c.Operations() {
		if op.RequestBody != nil && op.RequestBody.Content["application/cloudevents+json"] != nil {
			return op.RequestBody.Content["application/cloudevents+json"].Examples
		}
	}
	return nil
}

// modeViews are events that name persons in each way.
func modeViews(c *v1.Contract) (out []exampleView) {
	said := saidExamples(c)
	for _, name := range []string{"single", "several", "bulk-head", "bulk-part"} {
		if e := said[name]; e != nil {
			out = append(out, exampleView{e.Summary, indented(e.Value)})
		}
	}
	return out
}

// sayer is who says a kind, as a sentence.
func sayer(k *events.Kind) string {
	switch k.By {
	case events.RoleLedger:
		return "The ledger says this itself; no token may."
	case events.Officer:
		return "Officers say this at their desk, for their own organization; the door refuses it."
	}
	return "Said by a service with a token of the role " + string(k.By) + "."
}

func kindViews(c *v1.Contract) []kindView {
	said := saidExamples(c)
	var out []kindView
	for _, k := range events.Kinds() {
		if !k.Open || len(k.Fields) == 0 {
			continue
		}
		v := kindView{Name: k.Name, By: sayer(k), Needs: k.Needs}
		if e := said[k.Name]; e != nil {
			v.Example = indented(e.Value)
		}
		for _, f := range k.Fields {
			letter, _ := v1.ClassLetter(f.Class)
			v.Fields = append(v.Fields, fieldView{
				Name: f.Path, Required: f.Required, Class: letter, Holds: holdsOf(c, v1.FieldSchema(k, &f)), About: v1.FieldShown(k, &f),
			})
		}
		out = append(out, v)
	}
	return out
}

func indented(v any) string {
	b, _ := json.MarshalIndent(v, "", "  ") // what was written from the document is JSON
	return string(b)
}
