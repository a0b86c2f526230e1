package v1

import (
	"cmp"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// entryName is what the schema of the public entry of a kind is called.
func entryName(k *events.Kind) string { return "entry-of." + k.Name }

// entrySchema is the public entry of an event of kind k: the members of package
// events' entry, and the public fields of the kind's table.
func entrySchema(k *events.Kind) *huma.Schema {
	switch k.Name {
	case "ledger.opened":
		return openedSchema()
	case "subject.enrolled":
		return enrolledSchema()
	}
	on := shownTime(k)
	s := entryObject(k, map[string]*huma.Schema{
		"occurredAt": refer(on), "recordedAt": refer(on), "source": refer("Reference"),
		"unresolved": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Description: "The references shown as ?, as datasets/1."},
	}, "occurredAt", "recordedAt", "source")
	if !k.Whole {
		enter(s, "organization", refer("Reference"), true)
	}
	for _, f := range k.Fields {
		path := cmp.Or(f.Shown, f.Path)
		if f.Class != events.Public && f.Class != events.PublicText || path == "organization" {
			continue
		}
		enter(s, path, shownSchema(&f), f.Required && !(k.IsData() && f.Register == "dataset"))
	}
	if k.Needs != "" {
		require(s, k.Needs)
	}
	if n := k.Slots(); n > 0 {
		most := n
		if _, ok := k.Field("subjects"); ok {
			most += events.MaxPart
		}
		s.Properties["_sd"] = &huma.Schema{
			Type: huma.TypeArray, Items: refer("Digest"), MinItems: &n, MaxItems: &most,
			Description: "Digests of the private fields, and random ones for those that are absent; one more for each tag.",
		}
		require(s, "_sd")
	}
	return s
}

// shownTime is the grammar of the times in an entry of kind k.
func shownTime(k *events.Kind) string {
	switch {
	case k.Seals:
		return "Quarter"
	case k.Coarse:
		return "Date"
	}
	return "Instant"
}

// entryObject is what the entries of all kinds have.
func entryObject(k *events.Kind, more map[string]*huma.Schema, required ...string) *huma.Schema {
	more["$"] = &huma.Schema{Type: huma.TypeString, Const: events.EntryFormat}
	more["event"] = refer("EventName")
	more["kind"] = &huma.Schema{Type: huma.TypeString, Const: k.Name}
	return object("The public entry of an event "+k.Name+".", more, append([]string{"$", "event", "kind"}, required...)...)
}

// shownSchema is what the public sees of a field.
func shownSchema(f *events.Field) *huma.Schema {
	var s *huma.Schema
	switch {
	case f.Code != nil:
		s = refer(codeName(f.Code))
	case f.Type == events.Count:
		s = refer(codeName(events.CodeBucket))
	case f.Type == events.Instant:
		s = refer("Date")
	case f.Type == events.Name:
		s = refer("EventName")
	case f.Type == events.Persons:
		s = refer("ShownSubjects")
	case f.Type == events.Reference && f.Register != "":
		s = orUnknown()
	default:
		s = refer(grammarName(f.Type))
	}
	if f.List {
		one, most := 1, events.MaxList
		s = &huma.Schema{Type: huma.TypeArray, Items: s, MinItems: &one, MaxItems: &most}
	}
	return s
}

func openedSchema() *huma.Schema {
	k, _ := events.FindKind("ledger.opened")
	line := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }
	return entryObject(k, map[string]*huma.Schema{
		"recordedAt": refer("Instant"), "origin": line(), "vrf": refer("Digest"), "policy": line(),
		"formats": {Type: huma.TypeArray, Items: line()},
		"keys":    object("Verifier keys.", map[string]*huma.Schema{"log": line(), "receipt": line(), "index": line()}, "log", "receipt", "index"),
	}, "recordedAt", "origin", "vrf", "policy", "formats", "keys")
}

func enrolledSchema() *huma.Schema {
	k, _ := events.FindKind("subject.enrolled")
	one, most := 1, events.MaxPairs
	return entryObject(k, map[string]*huma.Schema{
		"recordedAt": refer("Date"),
		"pairs": {
			Type: huma.TypeArray, MinItems: &one, MaxItems: &most,
			Items: object("What stands for one person, and tells nothing of her.", map[string]*huma.Schema{
				"label": text("Base64url of 64 bytes.", "^[A-Za-z0-9_-]{86}$", 86, 86), "commitment": refer("Digest"),
			}, "label", "commitment"),
		},
	}, "recordedAt", "pairs")
}

// eachEntry is an entry of any open kind.
func eachEntry() *huma.Schema {
	s := &huma.Schema{Description: "A public entry, as canonical JSON. Its kind says which members it has."}
	s.Discriminator = &huma.Discriminator{PropertyName: "kind", Mapping: map[string]string{}}
	for _, k := range openKinds() {
		s.OneOf = append(s.OneOf, refer(entryName(k)))
		s.Discriminator.Mapping[k.Name] = schemas + entryName(k)
	}
	return s
}

func openKinds() []*events.Kind {
	return slices.DeleteFunc(events.Kinds(), func(k *events.Kind) bool { return !k.Open })
}
