package v1

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Route is one address, with its handler and with all that the document says of
// it. What is mounted and what is documented are one list, so neither can have
// what the other has not.
type Route struct {
	Method string
	// Path is a path as http.ServeMux has it, without the method. A wildcard that
	// is only part of a segment, as in {register}.csv, must be a parameter with an
	// Enum: the route is then mounted once for each of its terms.
	Path    string
	Name    string // of the operation, unique and stable, as listEntries
	Group   string // heading it stands under; see Groups
	Summary string // one line
	Detail  string // further sentences, or ""
	// Who may call it; nil is anyone. Others show a bearer token of one of these
	// roles.
	Who     []events.Role
	Params  []*huma.Param
	Takes   []Content // what a request carries
	Answers []Answer  // beside the refusals that every route can answer with

	// Read handles a request whose query has been read: it has the parameters
	// named in Params, and no others. Exactly one of Read and Handler is set.
	Read func(http.ResponseWriter, *http.Request, url.Values)
	// Handler handles a request and reads its query itself, or not at all.
	Handler http.Handler
}

// Answer is what a route answers with in one case.
type Answer struct {
	Status  int
	About   string
	Content []Content
	Headers map[string]*huma.Param
}

// Content is a body of one media type.
type Content struct {
	Media string
	// Of is a value of the Go type that the body is JSON of, a []any of values of
	// the types that it can be of, or a *huma.Schema. Nil: bytes that the description of the answer describes.
	Of       any
	Examples []Example
}

// Example is a body as it can be.
type Example struct{ Name, About, Body string }

// Mount adds routes to mux.
func Mount(mux Mux, routes []Route) {
	for _, r := range routes {
		for _, m := range r.mounted() {
			mux.Handle(r.Method+" "+m.path, m.handler)
		}
	}
}

type mounted struct {
	path    string
	handler http.Handler
}

// mounted are the paths that r is found at. http.ServeMux takes only whole
// segments as wildcards.
func (r *Route) mounted() []mounted {
	name, suffix, ok := r.partial()
	if !ok {
		return []mounted{{r.Path, r.handler()}}
	}
	var out []mounted
	for _, term := range r.Param(name).Schema.Enum {
		text, _ := term.(string)
		out = append(out, mounted{
			strings.Replace(r.Path, "{"+name+"}"+suffix, text+suffix, 1),
			http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				q.SetPathValue(name, text)
				r.handler().ServeHTTP(w, q)
			}),
		})
	}
	return out
}

// partial finds a wildcard with text after it in its segment.
func (r *Route) partial() (name, suffix string, ok bool) {
	for segment := range strings.SplitSeq(r.Path, "/") {
		name, suffix, ok = strings.Cut(strings.TrimPrefix(segment, "{"), "}")
		if ok && suffix != "" {
			return name, suffix, true
		}
	}
	return "", "", false
}

func (r *Route) handler() http.Handler {
	if r.Handler != nil {
		return r.Handler
	}
	var names []string
	for _, p := range r.Params {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		q, err := Query(req, names...)
		if err != nil {
			refused(w, req, err)
			return
		}
		r.Read(w, req, q)
	})
}

// Param finds a parameter of r, or nil.
func (r *Route) Param(name string) *huma.Param {
	i := slices.IndexFunc(r.Params, func(p *huma.Param) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return r.Params[i]
}
