package v1

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// ContractPath is where the contract is.
const ContractPath = "/openapi.json"

// Contract is the description of routes in OpenAPI 3.1, made from the list they
// are mounted from. It does not change while a program runs.
type Contract struct {
	// API is the document; not to be changed.
	API    *huma.OpenAPI
	body   func() ([]byte, error) // written when it is first asked for: that takes longer than starting
	routes []Route
	calls  []*huma.Operation
}

// NewContract describes routes, and the address of the description itself.
func NewContract(routes []Route) *Contract {
	c := &Contract{routes: slices.Clone(routes)}
	c.routes = append(c.routes, Route{
		Method: "GET", Path: ContractPath, Name: "getContract", Group: "contract", Summary: "This description, in OpenAPI 3.1",
		Answers: answers("The description.", &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}), Read: c.serve,
	})
	registry := huma.NewMapRegistry(schemas, func(t reflect.Type, hint string) string {
		name := strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "JSON")
		return name
	})
	fill(registry.Map())
	c.API = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Daybook", Version: "1",
			Description: "The book of first entry for the use of data about people. Everything here speaks of what the published checkpoint covers. " +
				"A parameter that is unknown, doubled or malformed is refused; an empty one counts as absent. Every refusal is a problem as RFC 9457 has it. " +
				"Each address that takes GET takes HEAD as well.",
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/"}},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "A token made with daybook token. It has one role, and is bound to an organization and sources."},
			},
		},
	}
	for _, g := range Groups() {
		c.API.Tags = append(c.API.Tags, &huma.Tag{Name: g[0], Description: g[1]})
	}
	for _, r := range c.routes {
		op := r.operation(registry)
		c.API.AddOperation(op)
		c.calls = append(c.calls, op)
	}
	for name, s := range registry.Map() {
		settle(s)
		allowNull(s, registry.TypeFromRef(schemas+name))
	}
	c.body = sync.OnceValues(func() ([]byte, error) { return json.Marshal(c.API) })
	return c
}

// Routes are all routes of the contract, its own among them.
func (c *Contract) Routes() []Route { return slices.Clone(c.routes) }

// Operations are the operations of the document, in the order of the routes.
func (c *Contract) Operations() []*huma.Operation { return slices.Clone(c.calls) }

// Shapes are the names of the schemas that values of fields have, sorted: the
// grammars, and what is built of them.
func (c *Contract) Shapes() []string { return slices.Sorted(maps.Keys(grammars())) }

func (c *Contract) serve(w http.ResponseWriter, r *http.Request, _ url.Values) {
	body, err := c.body()
	if err != nil {
		Fail(w, r, fmt.Errorf("writing the contract: %w", err))
		return
	}
	send(w, body)
}

// fill adds the schemas that are not of Go types: grammars, code lists, and what
// is said and shown of each kind.
func fill(named map[string]*huma.Schema) {
	for name, s := range grammars() {
		named[name] = s
	}
	named["Kind"] = kindNames()
	named["ShownSubjects"] = shownSubjects()
	named["PublicEntry"] = eachEntry()
	named[codeName(events.CodeBucket)] = codeSchema(events.CodeBucket)
	for _, c := range codes() {
		named[codeName(c)] = codeSchema(c)
	}
	for _, k := range openKinds() {
		named[entryName(k)] = entrySchema(k)
	}
	event := &huma.Schema{Description: "One event, in the form of CloudEvents 1.0 in JSON. Its type says what data it has."}
	event.Discriminator = &huma.Discriminator{PropertyName: "type", Mapping: map[string]string{}}
	for _, k := range Said() {
		named[dataName(k)], named[eventName(k)] = dataSchema(k), eventSchema(k)
		event.OneOf = append(event.OneOf, refer(eventName(k)))
		event.Discriminator.Mapping[events.TypePrefix+k.Name+events.TypeSuffix] = schemas + eventName(k)
	}
	named["Event"] = event
}

// kindNames is a name of a kind, those not open yet included.
func kindNames() *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "A kind of event."}
	for _, k := range events.Kinds() {
		s.Enum = append(s.Enum, k.Name)
	}
	return s
}

// settle makes lists in answers what they are: never null.
func settle(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	settle(s.Items)
	for _, p := range s.Properties {
		settle(p)
	}
	if inner, ok := s.AdditionalProperties.(*huma.Schema); ok {
		settle(inner)
	}
}

// allowNull lets the members of s be null that are pointers to structs in t, the
// Go type s was made from; nil for other schemas.
func allowNull(s *huma.Schema, t reflect.Type) {
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || p.Ref == "" || f.Type.Kind() != reflect.Pointer || strings.Contains(options, "omit") {
			continue
		}
		s.Properties[name] = &huma.Schema{Description: p.Description, AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
	}
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// operation is what the document says of r.
func (r *Route) operation(registry huma.Registry) *huma.Operation {
	op := &huma.Operation{
		Method: r.Method, Path: strings.ReplaceAll(r.Path, "...}", "}"), OperationID: r.Name, Tags: []string{r.Group},
		Summary: r.Summary, Description: r.Detail, Parameters: r.Params, Responses: map[string]*huma.Response{},
	}
	if r.Who != nil {
		op.Security = []map[string][]string{{"token": names(r.Who)}}
		op.Description = strings.TrimSpace(op.Description + " Needs a token of the role " + strings.Join(names(r.Who), " or ") + ".")
	}
	if r.Takes != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: media(registry, r.Takes)}
	}
	for status, about := range r.refusals() {
		op.Responses[strconv.Itoa(status)] = refusalOf(about)
	}
	op.Responses["default"] = refusalOf("Any other refusal.")
	for _, a := range r.Answers {
		op.Responses[strconv.Itoa(a.Status)] = &huma.Response{Description: a.About, Headers: a.Headers, Content: media(registry, a.Content)}
	}
	return op
}

func names(who []events.Role) []string {
	out := make([]string, len(who))
	for i, role := range who {
		out[i] = string(role)
	}
	return out
}

// refusals are the statuses that r can refuse with for what it is.
func (r *Route) refusals() map[int]string {
	out := map[int]string{}
	if r.Read != nil || r.Who != nil {
		out[http.StatusUnprocessableEntity] = "A parameter is unknown, given twice or malformed."
		out[http.StatusServiceUnavailable] = "Not published yet, or not readable at the moment; Retry-After says when to ask again."
	}
	if strings.Contains(r.Path, "{") {
		out[http.StatusNotFound] = "There is no such thing."
	}
	if r.Who != nil {
		out[http.StatusUnauthorized] = "No token, or one that this ledger does not know."
		out[http.StatusForbidden] = "A token that may not do this."
	}
	return out
}

func refusalOf(about string) *huma.Response {
	return &huma.Response{Description: about, Content: map[string]*huma.MediaType{"application/problem+json": {Schema: refer("Problem")}}}
}

func media(registry huma.Registry, list []Content) map[string]*huma.MediaType {
	if len(list) == 0 {
		return nil
	}
	out := map[string]*huma.MediaType{}
	for _, c := range list {
		m := &huma.MediaType{Schema: c.schema(registry)}
		for _, e := range c.Examples {
			if m.Examples == nil {
				m.Examples = map[string]*huma.Example{}
			}
			m.Examples[e.Name] = &huma.Example{Summary: e.About, Value: json.RawMessage(e.Body)}
		}
		out[c.Media] = m
	}
	return out
}

// schema is the schema of c; bytes have an empty one.
func (c *Content) schema(registry huma.Registry) *huma.Schema {
	switch of := c.Of.(type) {
	case nil:
		return &huma.Schema{}
	case *huma.Schema:
		return of
	case []any:
		either := &huma.Schema{}
		for _, one := range of {
			either.AnyOf = append(either.AnyOf, registry.Schema(reflect.TypeOf(one), true, ""))
		}
		return either
	}
	return registry.Schema(reflect.TypeOf(c.Of), true, "")
}

// csvSchema describes a table whose header row begins with these columns.
func csvSchema(columns []string) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Pattern: "^" + strings.Join(columns, ",") + "[,\r\n]",
		Description: "Columns: " + strings.Join(columns, ", ") + ".",
	}
}

// Lookup finds the schema that s refers to, or is.
func (c *Contract) Lookup(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return cmp.Or(c.API.Components.Schemas.SchemaFromRef(s.Ref), s)
	}
	return s
}
