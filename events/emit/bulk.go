package emit

import (
	"fmt"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
)

// Bulk makes the events of one act about many persons, each of whom can later be
// shown hers and only hers: a head, and parts of at most [events.MaxPart] persons.
// The ledger refuses a part before it has the head; the order of parts is free.
// Making an event again makes the same bytes, so that sending it again adds
// nothing.
type Bulk struct {
	id    string
	parts int
	event events.Object // the CloudEvent without subjects
	kind  *events.Kind
}

// NewBulk takes a CloudEvent as JSON, with id and time and without subjects, and
// into how many parts the persons are divided. The error is an [events.Problem].
func NewBulk(event []byte, parts int) (*Bulk, error) {
	v, err := events.ParseValue(event)
	if err != nil {
		return nil, events.SyntaxProblem(err)
	}
	data, _ := v.Object().Get("data")
	if _, given := data.Object().Get("subjects"); given {
		return nil, &events.Problem{Status: 422, Code: "malformed", Pointer: "/data/subjects", Detail: "leave subjects out; whom it concerns is said in the parts"}
	}
	b := &Bulk{event: v.Object(), parts: parts}
	b.id = b.text("id")
	head, err := events.ParseEvent(b.Head())
	if err != nil {
		return nil, err
	}
	b.kind = head.Kind
	return b, nil
}

func (b *Bulk) text(name string) string {
	v, _ := b.event.Get(name)
	return v.Text()
}

// Head is the event that is sent first.
func (b *Bulk) Head() []byte {
	data, _ := b.event.Get("data")
	return b.with(b.id, data.Object(), events.Object{{Name: "mode", Value: events.String("bulk")}, {Name: "parts", Value: events.Integer(int64(b.parts))}})
}

// Part is the n-th part, from 1, about these persons. Its id is <id>/part-<n>,
// and its sequence, where the head has one, comes n after the head's. Texts and
// counts stand in the head alone. The error is an [events.Problem].
func (b *Bulk) Part(n int, persons []events.Person) ([]byte, error) {
	list := make([]events.Value, len(persons))
	for i, p := range persons {
		list[i] = events.Nested(p.Object())
	}
	raw := b.with(b.id+"/part-"+strconv.Itoa(n), b.partData(n), events.Object{
		{Name: "mode", Value: events.String("bulk")},
		{Name: "part", Value: events.Integer(int64(n))},
		{Name: "partOf", Value: events.String(b.id)},
		{Name: "parts", Value: events.Integer(int64(b.parts))},
		{Name: "persons", Value: events.List(list...)},
	})
	if _, err := events.ParseEvent(raw); err != nil {
		return nil, fmt.Errorf("making part %d: %w", n, err)
	}
	return raw, nil
}

// partData is what the head says and a part says again.
func (b *Bulk) partData(n int) events.Object {
	given, _ := b.event.Get("data")
	out := events.Object{}
	for _, f := range b.kind.Fields {
		v, ok := given.Object().At(f.Path)
		switch {
		case !ok, f.Type == events.Count, events.HeadOnly(f.Path):
			continue
		case f.Path == "sequence":
			v = events.Integer(v.Int() + int64(n))
		}
		out = out.With(f.Path, v)
	}
	return out
}

func (b *Bulk) with(id string, data, subjects events.Object) []byte {
	data = data.With("subjects", events.Nested(subjects))
	return b.event.With("id", events.String(id)).With("data", events.Nested(data)).Append(nil)
}
