package web

import (
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/api/v1"
)

const schemaPrefix = "#/components/schemas/"

// members are the members of a schema by their paths, those of objects within it
// included: entries[].position is the position of each of the entries.
func members(c *v1.Contract, s *huma.Schema) []fieldView {
	return appendMembers(nil, c, "", s)
}

func appendMembers(out []fieldView, c *v1.Contract, prefix string, s *huma.Schema) []fieldView {
	s = c.Lookup(s)
	for _, either := range slices.Concat(s.OneOf, s.AnyOf) {
		out = appendMembers(out, c, prefix, either)
	}
	names := slices.SortedFunc(maps.Keys(s.Properties), func(a, b string) int { return strings.Compare(a, b) })
	for _, name := range names {
		p := s.Properties[name]
		path := prefix + name
		out = append(out, fieldView{Name: path, Required: slices.Contains(s.Required, name), Holds: holdsOf(c, p), About: p.Description})
		inner := p
		if p.Type == huma.TypeArray {
			inner, path = p.Items, path+"[]"
		}
		if within := c.Lookup(inner); within.Type == huma.TypeObject && !isShape(c, inner) {
			out = appendMembers(out, c, path+".", within)
		}
	}
	return out
}

// isShape says that s refers to a schema that has its own place on the page.
func isShape(c *v1.Contract, s *huma.Schema) bool {
	name, ok := strings.CutPrefix(s.Ref, schemaPrefix)
	return ok && slices.Contains(c.Shapes(), name)
}

// holdsOf says in words what a value of s can be.
func holdsOf(c *v1.Contract, s *huma.Schema) []holds {
	var out []holds
	switch {
	case s == nil:
	case s.Ref != "":
		out = []holds{referred(c, strings.TrimPrefix(s.Ref, schemaPrefix))}
	case s.Const != nil:
		text, _ := s.Const.(string)
		out = []holds{{Text: text}}
	case len(s.Enum) > 0:
		out = []holds{{Text: strings.Join(texts(s.Enum), ", ")}}
	case s.Type == huma.TypeArray:
		out = append([]holds{{Text: "list of"}}, holdsOf(c, s.Items)...)
	case len(s.AnyOf)+len(s.OneOf) > 0:
		for i, either := range slices.Concat(s.OneOf, s.AnyOf) {
			if i > 0 {
				out = append(out, holds{Text: "or"})
			}
			out = append(out, holdsOf(c, either)...)
		}
	case s.Format == "date" || s.Format == "date-time":
		out = []holds{{Text: map[string]string{"date": "day", "date-time": "time"}[s.Format]}}
	case s.Type == huma.TypeInteger && s.Maximum != nil && *s.Maximum < 1e6:
		out = []holds{{Text: "whole number from " + number(uint64(*s.Minimum)) + " to " + number(uint64(*s.Maximum))}}
	default:
		out = []holds{{Text: map[string]string{
			huma.TypeInteger: "whole number", huma.TypeString: "text", huma.TypeBoolean: "true or false", huma.TypeObject: "object", "null": "null",
		}[s.Type]}}
	}
	if s != nil && s.Nullable {
		out = append(out, holds{Text: "or null"})
	}
	return out
}

// referred is what a named schema is called on the page.
func referred(c *v1.Contract, name string) holds {
	switch code, isCode := strings.CutPrefix(name, codePrefix); {
	case isCode:
		return holds{"term of the list " + strings.ReplaceAll(code, "-", " "), "#" + shapeID(name)}
	case name == "PublicEntry":
		return holds{"public entry", "#kinds"}
	case name == "Kind":
		return holds{"kind of event", "#kinds"}
	case name == "Event":
		return holds{"event", "#kinds"}
	case isShape(c, &huma.Schema{Ref: schemaPrefix + name}):
		return holds{strings.ToLower(name[:1]) + name[1:], "#" + shapeID(name)}
	}
	return holds{Text: "object"}
}
