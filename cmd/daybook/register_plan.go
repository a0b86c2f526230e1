package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
)

// change is one event that brings the register nearer to a file.
type change struct {
	want  *wanted
	kind  string
	data  events.Object
	day   string   // on which it happened, "" for the day of the document
	after string   // position of what it changes, "new" for nothing
	words []string // what it changes, a line each
}

// id is the same whenever the same is said about the same state: sending it
// again adds nothing, whoever lost the first answer.
func (c *change) id() string {
	sum := sha256.Sum256(c.data.Append(nil))
	return fmt.Sprintf("%s %s %s %s", c.kind, c.want.id, c.after, base64.RawURLEncoding.EncodeToString(sum[:16]))
}

// object names an object of a register.
type object struct{ register, id string }

// object is the one w is about.
func (w *wanted) object() object { return object{w.of.register, w.id} }

// today is what the ledger has published about objects, nil for one that it
// never registered.
type today map[object]*client.Item

// inOrder sorts all so that what others refer to comes before them. A circle
// is cut where it closes: there the first event shows the reference as unknown.
func inOrder(all []*wanted) []*wanted {
	byObject := map[object]*wanted{}
	for _, w := range all {
		if !w.of.beside() {
			byObject[w.object()] = w
		}
	}
	var out []*wanted
	visited := map[*wanted]bool{}
	var visit func(*wanted)
	visit = func(w *wanted) {
		if w == nil || visited[w] {
			return
		}
		visited[w] = true
		for _, o := range w.refersTo() {
			visit(byObject[o])
		}
		out = append(out, w)
	}
	for _, s := range sections() {
		for _, w := range all {
			if w.of.name == s.name {
				visit(w)
			}
		}
	}
	return out
}

// refersTo are the objects of registers that w names.
func (w *wanted) refersTo() []object {
	var out []object
	for _, f := range w.of.fields() {
		v, ok := w.fields.At(f.Path)
		if f.Register == "" || !ok {
			continue
		}
		if !f.List {
			v = events.List(v)
		}
		for _, id := range v.Texts() {
			for _, register := range registersOf(f) {
				out = append(out, object{register, id})
			}
		}
	}
	if w.of.beside() && !w.of.noted() {
		out = append(out, w.object())
	}
	return out
}

// registersOf are the registers that have what f names.
func registersOf(f events.Field) []string {
	if f.Register == events.AnyRegister {
		return events.Registers()
	}
	return []string{f.Register}
}

// assessment is an assessment as an object that today may have: what it says,
// as a file and as an entry do.
func assessment(at func(path string) (events.Value, bool)) object {
	k, _ := events.FindKind("assessment.recorded")
	var said events.Object
	for _, f := range k.Fields {
		for _, path := range []string{f.Path, f.Shown} {
			if v, ok := at(path); ok && path != "" {
				said = said.With(f.Path, v)
			}
		}
	}
	return object{"assessment", string(said.Append(nil))}
}

// differences are the events that make the register say what all says, in the
// order in which they must be sent. Now knows every object that all names.
func differences(all []*wanted, now today) ([]*change, error) {
	known := map[object]bool{}
	for o, item := range now {
		known[o] = item != nil
	}
	for _, w := range all {
		if !w.of.beside() {
			known[w.object()] = true
		}
	}
	var out []*change
	for _, w := range inOrder(all) {
		item := now[w.object()]
		switch {
		case w.of.beside() && !w.of.noted() && !known[w.object()]:
			return nil, bad(w.line("/"+w.of.register), "neither the register nor the file has %s %s", w.of.register, w.id)
		case !w.of.beside() && item != nil && item.Ended != "" && w.end == nil && w.day(suspended) == "":
			return nil, bad(w.line(""), "%s %s ended on %s; say so, or leave it out", w.of.name, w.id, item.Ended)
		}
		if w.of.noted() {
			item = now[assessment(w.fields.At)]
		}
		d := differ{w, item, known}
		for _, c := range []*change{d.added(), d.moved(), d.changed(), d.restated(), d.suspended(), d.ended()} {
			if c == nil {
				continue
			}
			if err := w.check(c.kind, c.data); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}
