package v1

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// ClassLetter is the letter of a class of fields, and what it means for who may
// see a field.
func ClassLetter(c events.Class) (letter, meaning string) {
	switch c {
	case events.Public:
		return "P", "public, in one closed grammar"
	case events.PublicText:
		return "T", "public text, written for publication"
	case events.Committed:
		return "C", "only its digest is public; opened for the person concerned"
	case events.SealedAll:
		return "S", "sealed; opened for the person concerned and for officers"
	case events.Hers:
		return "H", "sealed; opened for the person concerned alone"
	}
	return "O", "sealed; opened for officers and auditors"
}

// Said are the open kinds that a service may say, sorted by name. The others are
// said by officers at their desk, or written by the ledger itself.
func Said() []*events.Kind {
	return slices.DeleteFunc(events.Kinds(), func(k *events.Kind) bool { return !k.Open || k.By != events.Emitter && k.By != events.Registrar })
}

// dataName is what the schema of the data of a kind is called.
func dataName(k *events.Kind) string { return "data-of." + k.Name }

// eventName is what the schema of an event of a kind is called.
func eventName(k *events.Kind) string { return "event-of." + k.Name }

// eventSchema is an event of one kind, as CloudEvents 1.0 has it.
func eventSchema(k *events.Kind) *huma.Schema {
	s := object("An event "+k.Name+", said by a token of the role "+string(k.By)+".", map[string]*huma.Schema{
		"specversion": {Type: huma.TypeString, Const: "1.0"},
		"id":          refer("Id"),
		"source":      {Ref: schemas + "Reference", Description: "The system that says it, one of the token's sources."},
		"type":        {Type: huma.TypeString, Const: events.TypePrefix + k.Name + events.TypeSuffix},
		"time":        {Ref: schemas + "Instant", Description: "When it happened."},
		"data":        refer(dataName(k)),
		"datacontenttype": {
			Type: huma.TypeString, Const: "application/json", Description: "May be left out; other JSON media types are accepted too.",
		},
	}, "specversion", "id", "source", "type", "time", "data")
	s.AdditionalProperties = nil // attributes of extensions are ignored
	return s
}

// dataSchema is the data of an event of kind k, as its table says.
func dataSchema(k *events.Kind) *huma.Schema {
	root := object("The data of "+k.Name+".", map[string]*huma.Schema{})
	for _, f := range k.Fields {
		enter(root, f.Path, FieldSchema(k, &f), f.Required)
	}
	if _, listed := k.Field("organization"); k.By == events.Registrar && !listed {
		root.Properties["organization"] = &huma.Schema{
			Ref: schemas + "Reference", Description: "The organization spoken for: named by a registrar's token that has none, and by no other.",
		}
	}
	if k.Needs != "" {
		require(root, k.Needs)
	}
	return root
}

// enter puts s at a dotted path below root. What a required field stands in is
// required as well.
func enter(root *huma.Schema, path string, s *huma.Schema, required bool) {
	name, rest, nested := strings.Cut(path, ".")
	if required {
		require(root, name)
	}
	if !nested {
		root.Properties[name] = s
		return
	}
	inner := root.Properties[name]
	if inner == nil {
		one := 1
		inner = object("", map[string]*huma.Schema{})
		inner.MinProperties = &one
		root.Properties[name] = inner
	}
	enter(inner, rest, s, required)
}

func require(s *huma.Schema, name string) {
	if !slices.Contains(s.Required, name) {
		s.Required = append(s.Required, name)
	}
}

// FieldSchema is what a field of k may hold when it is said.
func FieldSchema(k *events.Kind, f *events.Field) *huma.Schema {
	name := grammarName(f.Type)
	if f.Code != nil {
		name = codeName(f.Code)
	}
	s := refer(name)
	if f.List {
		one, most := 1, events.MaxList
		s = &huma.Schema{Type: huma.TypeArray, Items: s, MinItems: &one, MaxItems: &most}
	}
	letter, meaning := ClassLetter(f.Class)
	s.Description = strings.TrimSpace("Class " + letter + ": " + meaning + ". " + FieldShown(k, f))
	return s
}

// FieldShown says what the public sees of a public field of k where that is not
// the field as it was said.
func FieldShown(k *events.Kind, f *events.Field) string {
	var out []string
	public := f.Class == events.Public
	switch {
	case public && f.Type == events.Count:
		out = append(out, "The public sees a range.")
	case public && f.Type == events.Instant:
		out = append(out, "The public sees the day.")
	case public && f.Type == events.Persons:
		out = append(out, "The public sees the mode, and a tag for each person.")
	case public && f.Register == "dataset" && k.IsData():
		out = append(out, "Sealed when exactly one person is concerned.")
	}
	switch {
	case public && f.Register == events.AnyRegister:
		out = append(out, "A reference to anything registered; one that no register knows is shown as ?.")
	case public && f.Register != "":
		out = append(out, "A reference to the register "+f.Register+"; one that it does not know is shown as ?.")
	}
	return strings.Join(out, " ")
}
