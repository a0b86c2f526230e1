package projections

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

const (
	statePrefix = "rs"
	ownerPrefix = "ro"
)

// state is how one object of a register stands after one entry about it.
type state struct {
	fields       events.Object
	organization string // of the last registration, like source
	source       string
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
	register := m.entry.Kind.Object
	id := m.entry.Text(register)
	if register == "" || id == "" || id == events.Unknown {
		return nil
	}
	prefix := part(statePrefix, register, id)
	before, err := b.lastOf(prefix)
	if err != nil {
		return err
	}
	registers := strings.HasSuffix(m.entry.Kind.Name, ".registered")
	var s state
	if before == nil && !registers {
		return nil
	}
	if before != nil {
		if s, err = parseState(before); err != nil {
			return err
		}
	}
	if registers {
		b.key = append(append(b.key[:0], part(ownerPrefix, register, m.entry.Text("organization"))...), id...)
		b.set(b.key, nil)
	}
	b.setLatest(prefix, m.position, s.after(m.entry).append(nil))
	return nil
}

// after is s as the entry e about the same object changes it.
func (s state) after(e *events.Entry) state {
	s.kind, s.occurredAt = e.Kind.Name, e.Text("occurredAt")
	_, said, _ := strings.Cut(e.Kind.Name, ".")
	switch said {
	case "registered":
		// Registered again, it begins anew; its retention was said by another
		// kind and stays.
		retention, set := s.fields.Get("retention")
		s.fields = merge(nil, "", content(e))
		if set {
			s.fields = s.fields.With("retention", retention)
		}
		s.organization, s.source, s.ended = e.Text("organization"), e.Text("source"), ""
	case "changed", "superseded", "reclassified":
		s.fields = merge(s.fields, "", content(e))
	case "moved":
		// A place is one statement: an old coordinate is not part of a new place.
		place, _ := e.Value("place")
		s.fields = s.fields.With("place", place)
	case "decommissioned", "retired":
		s.ended = e.Text("on")
		if s.ended == "" {
			s.ended = dayOf(e)
		}
		s.fields = merge(s.fields, "", slices.DeleteFunc(content(e), func(m events.Member) bool { return m.Name == "on" }))
	case "set":
		s.fields = s.fields.With("retention", events.Nested(content(e)))
	}
	return s
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
