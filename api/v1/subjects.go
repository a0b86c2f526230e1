package v1

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// whom describes subjects: for each way in which an event names persons, the
// members beside mode that it has.
type whom struct {
	about, mode string
	bulk        bool // it says how many parts there are
	part        bool // and which of them it is
	least, most int  // persons
}

// The ways in which an event names persons, beside naming nobody.
func waysToName() []whom {
	return []whom{
		{about: "Exactly one person is concerned.", mode: "single", least: 1, most: 1},
		{about: "A few persons are concerned, each named once.", mode: "several", least: 2, most: events.MaxSeveral},
		{about: "The head of a bulk event. It says what is said of everybody, and comes before its parts.", mode: "bulk", bulk: true},
		{about: "A part of a bulk event. It has an id of its own, and names persons and no text.", mode: "bulk", bulk: true, part: true, least: 1, most: events.MaxPart},
	}
}

// properties are the members of subjects, with persons as given in members.
func (w whom) properties(of *huma.Schema, members string) (map[string]*huma.Schema, []string) {
	out := map[string]*huma.Schema{"mode": {Type: huma.TypeString, Const: w.mode}}
	required := []string{"mode"}
	add := func(name string, s *huma.Schema) {
		out[name] = s
		required = append(required, name)
	}
	if w.bulk {
		add("parts", upTo(events.MaxParts, "How many parts there are."))
	}
	if w.part {
		add("part", upTo(events.MaxParts, "Which part this is, from 1 to parts."))
		add("partOf", of)
	}
	if w.most > 0 {
		add(members, &huma.Schema{Type: huma.TypeArray, MinItems: &w.least, MaxItems: &w.most})
	}
	return out, required
}

func upTo(n int, about string) *huma.Schema {
	least, most := 1.0, float64(n)
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Description: about}
}

// subjectsSchema is whom an event concerns, as it is said.
func subjectsSchema() *huma.Schema {
	out := &huma.Schema{
		Description: "Whom the event concerns. The public sees the mode, and for each person a tag that only her key tells from others.",
		OneOf:       []*huma.Schema{nobody("Nobody is concerned, or the emitter does not know who.")},
	}
	for _, w := range waysToName() {
		of := refer("Id")
		of.Description = "The id that the same source gave the head."
		properties, required := w.properties(of, "persons")
		if list := properties["persons"]; list != nil {
			list.Items = refer("Person")
		}
		out.OneOf = append(out.OneOf, object(w.about, properties, required...))
	}
	for _, e := range subjectsExamples() {
		out.Examples = append(out.Examples, json.RawMessage(e.Body))
	}
	return out
}

// shownSubjects is what the public sees of it.
func shownSubjects() *huma.Schema {
	out := &huma.Schema{
		Description: "Whom the event concerns, as far as that is public.",
		OneOf:       []*huma.Schema{nobody("Nobody is concerned, or it is not known who.")},
	}
	for _, w := range waysToName() {
		of := refer("EventName")
		of.Description = "The head's public name."
		properties, required := w.properties(of, "tags")
		if list := properties["tags"]; list != nil {
			list.Items, list.Description = refer("Tag"), "One for each person, sorted."
		}
		out.OneOf = append(out.OneOf, object(w.about, properties, required...))
	}
	return out
}

func nobody(about string) *huma.Schema {
	return object(about, map[string]*huma.Schema{"mode": {Type: huma.TypeString, Enum: []any{"none", "unknown"}}}, "mode")
}

// subjectsExamples are subjects in each mode.
func subjectsExamples() []Example {
	anna, ben, carla := `{"scheme":"example","value":"anna"}`, `{"scheme":"example","value":"ben","relation":"household"}`, `{"scheme":"plate","value":"ABC 123","relation":"incidental"}`
	return []Example{
		{"nobody", "An event about nobody in particular.", `{"mode":"none"}`},
		{"single", "An event about one person.", `{"mode":"single","persons":[` + anna + `]}`},
		{"several", "An event about a few persons. Each is shown what her relation to the matter allows.", `{"mode":"several","persons":[` + anna + `,` + ben + `,` + carla + `]}`},
		{"bulk-head", "An event about many persons: the head, which is sent first.", `{"mode":"bulk","parts":2}`},
		{"bulk-part", "The first part of it, an event with an id of its own.", `{"mode":"bulk","part":1,"partOf":"` + exampleID + `","parts":2,"persons":[` + anna + `,` + carla + `]}`},
	}
}

// exampleID is the id of events in examples.
const exampleID = "4f2c-17"

// exampleModes are events in each mode that names persons: what else one needs
// is as in least.
func exampleModes(least []byte) []Example {
	var out []Example
	for _, e := range subjectsExamples() {
		if e.Name == "nobody" {
			continue
		}
		var event map[string]any
		_ = json.Unmarshal(least, &event) // it was written from the schemas
		event["data"].(map[string]any)["subjects"] = json.RawMessage(e.Body)
		if e.Name == "bulk-part" {
			event["id"] = exampleID + "/part-1"
		}
		b, _ := json.Marshal(event) // strings, numbers and maps always encode
		out = append(out, Example{e.Name, e.About, string(b)})
	}
	return out
}
