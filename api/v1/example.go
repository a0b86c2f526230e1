package v1

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// exampleEvent is an event of kind k with what it needs and nothing more.
func exampleEvent(named map[string]*huma.Schema, k *events.Kind) []byte {
	b, _ := json.Marshal(exampleOf(named, named[eventName(k)])) // strings, numbers and maps always encode
	return b
}

// exampleOf is a value that fits s: the required members of objects, one value
// in lists, the first of what there is to choose from.
func exampleOf(named map[string]*huma.Schema, s *huma.Schema) any {
	if s.Ref != "" {
		return exampleOf(named, named[s.Ref[len(schemas):]])
	}
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return exampleOf(named, s.OneOf[0])
	case len(s.AnyOf) > 0:
		return exampleOf(named, s.AnyOf[0])
	}
	switch s.Type {
	case huma.TypeArray:
		return []any{exampleOf(named, s.Items)}
	case huma.TypeObject:
		return exampleObject(named, s)
	case huma.TypeInteger:
		return 1
	case huma.TypeBoolean:
		return true
	}
	return ""
}

func exampleObject(named map[string]*huma.Schema, s *huma.Schema) map[string]any {
	out := map[string]any{}
	for _, name := range s.Required {
		out[name] = exampleOf(named, s.Properties[name])
	}
	if least := s.MinProperties; least != nil && len(out) < *least {
		name := slices.Sorted(maps.Keys(s.Properties))[0]
		out[name] = exampleOf(named, s.Properties[name])
	}
	return out
}
