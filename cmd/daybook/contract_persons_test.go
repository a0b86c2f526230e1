package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// persons says the examples of events that name persons, each kind of data in
// each way, and what names too few or too many.
func (j *judge) persons() {
	j.t.Helper()
	examples := j.doc.Components.Schemas["Subjects"].Value.Examples
	for _, k := range v1.Said() {
		if !k.IsData() {
			continue
		}
		schema := j.doc.Components.Schemas["event-of."+k.Name]
		for i, subjects := range examples {
			given, _ := subjects.(map[string]any)
			event := j.full(schema, fmt.Sprintf("%s %d", k.Name, i))
			data, _ := event["data"].(map[string]any)
			data["subjects"] = given
			if _, part := given["part"]; part {
				delete(data, "reasonText")
				delete(data, "caseRef")
				delete(data, "query")
				data["subjects"] = changed(given, "partOf", fmt.Sprintf("%s %d", k.Name, i-1))
			}
			if err := fitsSchema(schema, event); err != nil {
				j.t.Errorf("%s with %v does not fit its schema: %.600v", k.Name, given, err)
			}
			if status, answer := j.say(k, event, j.tokens[events.Emitter]); status != http.StatusCreated {
				j.t.Errorf("%s with %v is answered %d: %s", k.Name, given, status, answer)
			}
		}
	}
	j.crowds(examples)
}

// crowds holds the schema of subjects against what is accepted, with as many
// persons as there may be and one more, and with what belongs to another mode.
func (j *judge) crowds(examples []any) {
	j.t.Helper()
	shared, _ := events.FindKind("data.shared")
	schema, subjects := j.doc.Components.Schemas["event-of.data.shared"], j.doc.Components.Schemas["Subjects"]
	people := func(n int) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = map[string]any{"scheme": "example", "value": fmt.Sprint(i)}
		}
		return out
	}
	of := func(i int) map[string]any { given, _ := examples[i].(map[string]any); return given }
	const single, several, head, part = 1, 2, 3, 4
	for name, x := range map[string]struct {
		subjects map[string]any
		fits     bool
	}{
		"one of a few": {changed(of(several), "persons", people(1)), false}, "ten": {changed(of(several), "persons", people(events.MaxSeveral)), true},
		"eleven": {changed(of(several), "persons", people(events.MaxSeveral+1)), false}, "two as one": {changed(of(single), "persons", people(2)), false},
		"none as one": {changed(of(single), "persons", people(0)), false}, "a head of persons": {changed(of(head), "persons", people(2)), false},
		"no parts": {changed(of(head), "parts", 0), false}, "as many parts as can be": {changed(of(head), "parts", events.MaxParts), true},
		"more parts": {changed(of(head), "parts", events.MaxParts+1), false}, "a full part": {changed(of(part), "persons", people(events.MaxPart)), true},
		"a part too full": {changed(of(part), "persons", people(events.MaxPart+1)), false}, "an empty part": {changed(of(part), "persons", people(0)), false},
		"part 0": {changed(of(part), "part", 0), false}, "a part of nothing": {changed(of(part), "partOf", ""), false},
		"one with parts": {changed(of(single), "parts", 1), false}, "another mode": {changed(of(head), "mode", "many"), false},
	} {
		event := j.full(schema, "crowd "+name)
		data, _ := event["data"].(map[string]any)
		delete(data, "reasonText")
		delete(data, "caseRef")
		data["subjects"] = x.subjects
		body, _ := json.Marshal(event)
		if _, err := events.ParseEvent(body); (err == nil) != x.fits {
			j.t.Errorf("%s: parsed with %v", name, err)
		}
		if err := fitsSchema(subjects, x.subjects); (err == nil) != x.fits {
			j.t.Errorf("%s: the schema says %.300v", name, err)
		}
		if status, answer := j.say(shared, event, j.tokens[events.Emitter]); !x.fits && status != http.StatusUnprocessableEntity {
			j.t.Errorf("%s is answered %d: %s", name, status, answer)
		}
	}
}

// changed is o with one member set.
func changed(o map[string]any, name string, v any) map[string]any {
	out := maps.Clone(o)
	out[name] = v
	return out
}

// deskSaying is a kind that is said at the desk, with the data it needs beside
// whom it is about.
type deskSaying struct {
	kind string
	data map[string]any
}

// atDesk are what officers say at their desk, and what the ledger says of keys, in
// an order in which it may be said. The first four are about one seal.
func atDesk() []deskSaying {
	name := strings.Repeat("A", 22)
	return []deskSaying{
		{"seal.placed", map[string]any{"group": "crime", "reviewIn": "2026-Q4"}},
		{"seal.extended", map[string]any{"seal": name, "reviewIn": "2026-Q4"}},
		{"seal.lifted", map[string]any{"seal": name, "how": "officer"}},
		{"event.disclosed", map[string]any{"seal": name}},
		{"event.corrected", map[string]any{"corrects": name, "reason": "correction", "statement": "It was another."}},
		{"request.received", map[string]any{"request": "access"}},
		{"request.decided", map[string]any{"about": name, "decision": "granted"}},
		{"request.answered", map[string]any{"about": name}},
		{"key.shredded", map[string]any{"what": "person"}},
		{"key.rotated", map[string]any{"what": "master"}},
	}
}

// desk has everybody post what officers say at their desk: nobody may, and an
// officer is told where she may. Then it is said, to be read like all else.
func (j *judge) desk() {
	j.t.Helper()
	her := events.Person{Scheme: "example", Value: "somebody at the desk", Relation: "principal"}
	if _, err := j.system.keys.Prepare([]events.Person{her}, nil); err != nil {
		j.t.Fatal(err)
	}
	hidden, err := j.system.keys.Hide(her, "seal/of the contract")
	if err != nil {
		j.t.Fatal(err)
	}
	seal := ""
	for _, s := range atDesk() {
		k, _ := events.FindKind(s.kind)
		if !k.Whole {
			s.data["subjects"] = map[string]any{"mode": "single", "persons": []any{map[string]any{"scheme": her.Scheme, "value": her.Value}}}
		}
		j.refusedAtDoor(k, s.data)
		if _, of := s.data["seal"]; of {
			s.data["seal"] = seal
		}
		own := intake.Own{Kind: s.kind, ID: "said " + s.kind, Time: j.clock(), Data: j.object(s.data)}
		if !k.Whole {
			own.Organization = contractCity
		}
		if k.Seals {
			own.Trails = []events.Handle{hidden.Handle()}
		}
		out, err := j.system.writer.Say(j.t.Context(), own)
		if err != nil || out[0].Status != http.StatusCreated {
			j.t.Fatalf("%s is answered %+v, %v", s.kind, out, err)
		}
		if s.kind == "seal.placed" {
			seal = out[0].Name.String()
		}
	}
}

// refusedAtDoor posts a kind that is said at the desk by every token.
func (j *judge) refusedAtDoor(k *events.Kind, data map[string]any) {
	j.t.Helper()
	event := map[string]any{
		"specversion": "1.0", "id": "desk " + k.Name, "source": contractCity, "type": events.TypePrefix + k.Name + events.TypeSuffix,
		"time": "2026-06-24T08:30:00Z", "data": data,
	}
	body, _ := json.Marshal(event)
	if _, err := events.ParseEvent(body); err != nil {
		j.t.Errorf("%s is no event: %v", k.Name, err)
	}
	for role, token := range j.tokens {
		status, answer := j.say(k, event, token)
		toldWhere := bytes.Contains(answer, []byte("urn:daybook:problem:desk"))
		if status != http.StatusForbidden || toldWhere != (k.By == events.Officer && role == events.Officer) {
			j.t.Errorf("%s says %s: %d %s", role, k.Name, status, answer)
		}
	}
}

func (j *judge) object(data map[string]any) events.Object {
	j.t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		j.t.Fatal(err)
	}
	v, err := events.ParseValue(b)
	if err != nil {
		j.t.Fatal(err)
	}
	return v.Object()
}
