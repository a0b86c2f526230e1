package events

import (
	"strings"
	"time"
)

// maxID bounds the emitter's own id, in characters.
const maxID = 256

// Event is one checked submission: a CloudEvent whose data fits the table of
// its kind.
type Event struct {
	Kind   *Kind
	ID     string
	Source string
	Time   time.Time // occurredAt
	Given  string    // occurredAt as written by the emitter
	Data   Object
}

// ParseEvent reads one structured CloudEvents 1.0 JSON object. The attributes
// id, source, type, time and the member data are required; specversion must be
// 1.0 and datacontenttype, when there, JSON; other attributes are ignored.
// The error is a *Problem.
func ParseEvent(b []byte) (*Event, error) {
	v, err := ParseValue(b)
	if err != nil {
		return nil, SyntaxProblem(err)
	}
	return CheckEvent(v)
}

// SyntaxProblem is the refusal of a text that [ParseValue] did not read.
func SyntaxProblem(err error) *Problem {
	p := &Problem{Status: 422, Code: "malformed-json", Detail: err.Error()}
	if s, ok := err.(*SyntaxError); ok {
		p.Pointer, p.Detail = s.Pointer, s.Reason
	}
	return p
}

// CheckEvent is ParseEvent for a value read before.
func CheckEvent(v Value) (*Event, error) {
	if v.shape != shapeObject {
		return nil, refuse("wrong-type", "", "an event is a JSON object, not %s", v.shape)
	}
	if p := checkEnvelope(v.Object()); p != nil {
		return nil, p
	}
	kind, p := kindOf(v.Object())
	if p != nil {
		return nil, p
	}
	e := &Event{Kind: kind}
	e.ID, e.Source, e.Given = v.Object().text("id"), v.Object().text("source"), v.Object().text("time")
	if !isText(e.ID, maxID, false) {
		return nil, refuse("malformed", "/id", "must be 1 to %d characters on one line", maxID)
	}
	if !IsReference(e.Source) {
		return nil, refuse("malformed", "/source", "must be a reference registered with the token")
	}
	var ok bool
	if e.Time, ok = ParseInstant(e.Given); !ok {
		return nil, refuse("malformed", "/time", "must be an RFC 3339 time as 2026-06-24T08:30:00Z")
	}
	data, _ := v.Object().Get("data")
	if data.shape != shapeObject {
		return nil, refuse("wrong-type", "/data", "must be an object, not %s", data.shape)
	}
	e.Data = data.Object()
	if p := checkData(kind, e.Data.without("organization", kind), "/data"); p != nil {
		return nil, p
	}
	return e, nil
}

// without leaves out data.organization where the table of k does not have it:
// a registrar may name it there for any kind, which is the door's to judge.
func (o Object) without(name string, k *Kind) Object {
	_, listed := k.Field(name)
	i, found := o.find(name)
	if k.By != Registrar || listed || !found {
		return o
	}
	return append(append(Object{}, o[:i]...), o[i+1:]...)
}

func checkEnvelope(o Object) *Problem {
	for _, name := range []string{"specversion", "id", "source", "type", "time", "data"} {
		v, ok := o.Get(name)
		switch {
		case !ok || v.IsNull():
			return refuse("missing-field", "/"+name, "an event needs %s", name)
		case name != "data" && v.shape != shapeString:
			return refuse("wrong-type", "/"+name, "must be text, not %s", v.shape)
		}
	}
	if v, _ := o.Get("specversion"); v.text != "1.0" {
		return refuse("malformed", "/specversion", "must be 1.0")
	}
	if v, ok := o.Get("datacontenttype"); ok && !v.IsNull() && !IsJSON(v.Text()) {
		return refuse("malformed", "/datacontenttype", "must be application/json")
	}
	return nil
}

// IsJSON says that a media type is JSON, whatever its parameters.
func IsJSON(mediaType string) bool {
	base, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	base = strings.TrimSpace(base)
	return base == "application/json" || strings.HasPrefix(base, "application/") && strings.HasSuffix(base, "+json")
}

func kindOf(o Object) (*Kind, *Problem) {
	t, _ := o.Get("type")
	name, framed := strings.CutSuffix(strings.TrimPrefix(t.text, TypePrefix), TypeSuffix)
	if !framed || !strings.HasPrefix(t.text, TypePrefix) {
		return nil, refuse("unknown-kind", "/type", "must be %s<kind>%s", TypePrefix, TypeSuffix)
	}
	k, ok := FindKind(name)
	if !ok {
		return nil, refuse("unknown-kind", "/type", "no such kind of event")
	}
	if !k.Open {
		return nil, refuse("kind-not-open", "/type", "%s is named and not open yet", k.Name)
	}
	return k, nil
}

// Canonical is what makes two submissions the same: kind, source, id, instant
// and data, in RFC 8785 form.
func (e *Event) Canonical() []byte {
	return Object{
		{"data", Nested(e.Data)},
		{"id", String(e.ID)},
		{"kind", String(e.Kind.Name)},
		{"source", String(e.Source)},
		{"time", String(FormatInstant(e.Time))},
	}.Append(make([]byte, 0, 1024))
}

// Mode is the event's subjects.mode, or "" for register kinds.
func (e *Event) Mode() string {
	v, _ := e.Data.At("subjects.mode")
	return v.Text()
}

// Person is one person an event names.
type Person struct{ Scheme, Value, Relation string }

// Object is p as subjects.persons lists her, and as her disclosure says it.
func (p Person) Object() Object {
	return Object{{"relation", String(p.Relation)}, {"scheme", String(p.Scheme)}, {"value", String(p.Value)}}
}

// Named is how many persons e names.
func (e *Event) Named() int {
	v, _ := e.Data.At("subjects.persons")
	return len(v.Items())
}

// Persons are the persons e names.
func (e *Event) Persons() []Person {
	v, _ := e.Data.At("subjects.persons")
	out := make([]Person, len(v.Items()))
	for i, item := range v.Items() {
		out[i] = Person{Scheme: item.Object().text("scheme"), Value: item.Object().text("value"), Relation: item.Object().text("relation")}
		if out[i].Relation == "" {
			out[i].Relation = "principal"
		}
	}
	return out
}
