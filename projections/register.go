package projections

import (
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/events"
)

const (
	statePrefix  = "rs"
	ownerPrefix  = "ro"
	remarkPrefix = "rx" // what others said of an object
)

// state is how one object of a register stands after one entry about it.
type state struct {
	fields       events.Object
	organization string // that registered it first: its owner
	source       string // of the last registration
	ended        string // day, "" while it lasts
	kind         string // of the entry that led here, like occurredAt
	occurredAt   string
}

func (s state) append(dst []byte) []byte {
	o := events.Object{{Name: "fields", Value: events.Nested(s.fields)}}
	for name, text := range map[string]string{
		"organization": s.organization, "source": s.source, "ended": s.ended, "kind": s.kind, "occurredAt": s.occurredAt,
	} {
		if text != "" {
			o = o.With(name, events.String(text))
		}
	}
	return o.Append(dst)
}

func parseState(b []byte) (state, error) {
	v, err := events.ParseValue(b)
	if err != nil {
		return state{}, fmt.Errorf("reading a register's state: %w", err)
	}
	text := func(name string) string {
		t, _ := v.Object().Get(name)
		return t.Text()
	}
	fields, _ := v.Object().Get("fields")
	return state{
		fields.Object(), text("organization"), text("source"), text("ended"), text("kind"), text("occurredAt"),
	}, nil
}

// foldRegister folds what registers were told. What concerns an object the
// register does not know, "?" or never registered, changes nothing.
func foldRegister(b *batch, m *message) error {
	said, err := statementsOf(m.entry, func(register, id string) (state, bool, error) {
		value, err := b.lastOf(part(statePrefix, register, id))
		if err != nil || value == nil {
			return state{}, false, err
		}
		s, err := parseState(value)
		return s, err == nil, err
	})
	if err != nil {
		return err
	}
	for _, x := range said {
		if x.foreign {
			remark := texts("kind", m.entry.Kind.Name, "occurredAt", m.entry.Text("occurredAt"), "organization", m.entry.Text("organization"))
			b.set(number(part(remarkPrefix, x.register, x.id), m.position), remark.Append(nil))
			continue
		}
		if !x.known {
			b.key = append(append(b.key[:0], part(ownerPrefix, x.register, m.entry.Text("organization"))...), x.id...)
			b.set(b.key, nil)
		}
		b.setLatest(part(statePrefix, x.register, x.id), m.position, x.before.after(m.entry).append(nil))
	}
	return nil
}

// statement is what one entry says about one object of a register.
type statement struct {
	register, id string
	before       state
	known        bool // the register had the object
	foreign      bool // another organization has registered it, so nothing changes
}

// statementsOf is what e says about objects that look knows or that e begins.
// An assessment is about every object of its id, or only about those of the
// assessor where there are any: who assesses her own says nothing of others that
// happen to have the same id.
func statementsOf(e *events.Entry, look func(register, id string) (state, bool, error)) ([]statement, error) {
	registers, id := objectOf(e)
	var out []statement
	for _, register := range registers {
		s, known, err := look(register, id)
		if err != nil {
			return nil, err
		}
		if known || e.Kind.Effect == events.Begins {
			out = append(out, statement{register, id, s, known, known && s.organization != e.Text("organization")})
		}
	}
	if isOwn := func(x statement) bool { return !x.foreign }; slices.ContainsFunc(out, isOwn) {
		out = slices.DeleteFunc(out, func(x statement) bool { return x.foreign })
	}
	return out, nil
}

// objectOf is the object that an entry of a register is about, and the registers it
// may stand in; none for an unknown one.
func objectOf(e *events.Entry) (registers []string, id string) {
	switch {
	case e.Kind.Effect == 0:
		return nil, ""
	case e.Kind.Object != "":
		registers, id = []string{e.Kind.Object}, e.Text(e.Kind.Object)
	default:
		registers, id = events.Registers(), e.Text("subject")
	}
	if id == "" || id == events.Unknown {
		return nil, ""
	}
	return registers, id
}

// after is s as the entry e about the same object changes it.
func (s state) after(e *events.Entry) state {
	s.kind, s.occurredAt = e.Kind.Name, e.Text("occurredAt")
	switch e.Kind.Effect {
	case events.Begins:
		before := values{s.fields}
		s.fields = merge(nil, "", content(e))
		for _, name := range remarks {
			if v, ok := before.Get(name); ok {
				s.fields = s.fields.With(name, v)
			}
		}
		s.organization, s.source, s.ended = e.Text("organization"), e.Text("source"), ""
	case events.Amends:
		s.fields = merge(s.fields, "", content(e))
	case events.Moves:
		// A place is one statement: an old coordinate is not part of a new place.
		place, _ := e.Value("place")
		s.fields = s.fields.With("place", place)
	case events.Ends:
		s.ended = e.Text("on")
		if s.ended == "" {
			s.ended = dayOf(e)
		}
		s.fields = merge(s.fields, "", slices.DeleteFunc(content(e), func(m events.Member) bool { return m.Name == "on" }))
	case events.Notes:
		s.fields = s.note(e)
	}
	return s
}

// remarks are the members of an item that kinds of effect Notes give it. They
// stay when it begins anew.
var remarks = []string{"assessed", "fault", "retention"}

// note is the fields of s with what e notes.
func (s state) note(e *events.Entry) events.Object {
	on := dayOf(e)
	switch e.Kind.Name {
	case "retention.set":
		return s.fields.With("retention", events.Nested(content(e)))
	case "system.fault":
		return s.fields.With("fault", events.Nested(texts("fault", e.Text("fault"), "on", on)))
	case "assessment.recorded":
		said := texts("expires", e.Text("expires"), "on", on, "sha256", e.Text("sha256"))
		return s.fields.With("assessed."+e.Text("assessmentKind"), events.Nested(said))
	}
	return s.fields
}

// envelope are the members of an entry that say nothing about its object.
var envelope = []string{"$", "_sd", "event", "kind", "occurredAt", "organization", "recordedAt", "source", "unresolved"}

// content is what e says about its object, without the object's own reference.
func content(e *events.Entry) events.Object {
	return slices.DeleteFunc(slices.Clone(e.Fields()), func(m events.Member) bool {
		return m.Name == e.Kind.Object || slices.Contains(envelope, m.Name)
	})
}

// merge sets in o what said has; objects are merged member by member, lists
// replaced.
func merge(o events.Object, path string, said events.Object) events.Object {
	for _, m := range said {
		if inner := m.Value.Object(); inner != nil {
			o = merge(o, path+m.Name+".", inner)
		} else {
			o = o.With(path+m.Name, m.Value)
		}
	}
	return o
}
