package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/daybook-ledger/daybook/events"
)

// header is what a document says for all its objects.
type header struct {
	source       string
	organization string // "" when it is the token's
	at           int    // line of organization
	asOf         string // the day of the document, "" for when it is applied
}

// wanted is one object as a file wants it.
type wanted struct {
	header
	of     section
	id     string
	said   events.Object  // as in the file
	fields events.Object  // the data of the first kind
	end    events.Object  // the data of the closing kind, nil while the object lasts
	lines  map[string]int // by pointer into data; "" is where the object begins
}

// line is where the file says what a pointer into an event points at, or what
// that is part of.
func (w *wanted) line(pointer string) int {
	for {
		pointer = strings.TrimPrefix(pointer, "/data")
		if n, ok := w.lines[pointer]; ok || pointer == "" {
			return n
		}
		pointer = pointer[:max(0, strings.LastIndexByte(pointer, '/'))]
	}
}

// lineError says what is wrong with a file, and where.
type lineError struct {
	line int
	text string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

func bad(line int, format string, args ...any) error {
	return &lineError{line, fmt.Sprintf(format, args...)}
}

// readRegister reads the documents of a file. Each object is complete and of
// the grammar of its kind.
func readRegister(in []byte) ([]*wanted, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(in))
	if err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	var all []*wanted
	for {
		var doc yaml.Node
		err := loader.Load(&doc)
		var at *yaml.LoadError
		switch {
		case errors.Is(err, io.EOF) && len(all) == 0:
			return nil, bad(1, "the file names no object")
		case errors.Is(err, io.EOF):
			return all, unique(all)
		case errors.As(err, &at):
			return nil, bad(lineOf(in, at.Mark), "%s", at.Message)
		case err != nil:
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
		if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
			return nil, bad(max(doc.Line, 1), "a document is empty")
		}
		list, err := readDocument(doc.Content[0])
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
}

// lineOf is the line of a mark; one in bytes that are no text has an offset alone.
func lineOf(in []byte, m yaml.Mark) int {
	if m.Line > 0 {
		return m.Line
	}
	return 1 + bytes.Count(in[:max(0, min(m.Index, len(in)))], []byte("\n"))
}

// unique refuses an object that is said twice.
func unique(all []*wanted) error {
	first := map[[2]string]*wanted{}
	for _, w := range all {
		if old := first[w.key()]; old != nil {
			return bad(w.line(""), "%s %s stands on line %d already", w.of.name, w.id, old.line(""))
		}
		first[w.key()] = w
	}
	return nil
}

// key is one for every object and list, and for every assessment.
func (w *wanted) key() [2]string {
	if w.of.noted() {
		return [2]string{w.of.name, string(w.fields.Append(nil))}
	}
	return [2]string{w.of.name, w.id}
}

// read reads a member that all objects of a document share.
func (h *header) read(name string, value *yaml.Node) error {
	scalar := value.Kind == yaml.ScalarNode
	switch {
	case name == "day":
		h.asOf = value.Value
		if _, err := time.Parse(time.DateOnly, h.asOf); err != nil || !scalar {
			return bad(value.Line, "day must be a day as 2026-06-24")
		}
	case !scalar || !events.IsReference(value.Value):
		return bad(value.Line, "%s must be a reference: a-z 0-9 . _ / @ -", name)
	case name == "source":
		h.source = value.Value
	default:
		h.organization, h.at = value.Value, value.Line
	}
	return nil
}

// readDocument reads source, organization, day and the lists.
func readDocument(n *yaml.Node) ([]*wanted, error) {
	var head header
	lists := map[string]*yaml.Node{}
	known := []string{"source", "organization", "day"}
	for _, s := range sections() {
		known = append(known, s.list)
	}
	err := eachMember(n, func(name string, key, value *yaml.Node) error {
		switch i := slices.Index(known, name); {
		case i < 0:
			return bad(key.Line, "there is no %q; a document has %s", name, strings.Join(known, ", "))
		case i > 2:
			lists[name] = value
			return nil
		}
		return head.read(name, value)
	})
	if err != nil {
		return nil, err
	}
	if head.source == "" {
		return nil, bad(n.Line, "source is missing: one of the token's sources")
	}
	var all []*wanted
	for _, s := range sections() {
		list, ok := lists[s.list]
		if !ok {
			continue
		}
		if list.Kind != yaml.SequenceNode {
			return nil, bad(list.Line, "%s must be a list", s.list)
		}
		for _, item := range list.Content {
			w, err := s.read(item, head)
			if err != nil {
				return nil, err
			}
			all = append(all, w)
		}
	}
	return all, nil
}

// eachMember calls f for the members of a mapping; a name stands once.
func eachMember(n *yaml.Node, f func(name string, key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return bad(n.Line, "must be fields with values, as name: value")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || value.Kind == yaml.AliasNode {
			return bad(key.Line, "write it out: a name is text, and references to other places are not read")
		}
		if seen[key.Value] {
			return bad(key.Line, "%s stands twice", key.Value)
		}
		seen[key.Value] = true
		if err := f(key.Value, key, value); err != nil {
			return err
		}
	}
	return nil
}

// read reads and checks one object.
func (s section) read(n *yaml.Node, head header) (*wanted, error) {
	w := &wanted{of: s, header: head, lines: map[string]int{"": n.Line}}
	if head.organization != "" {
		w.lines["/organization"] = head.at
	}
	var said events.Object
	if err := w.members(n, s.fields(), "", &said); err != nil {
		return nil, err
	}
	return w, w.say(said)
}

// say takes what is said of an object apart into the data of the kind that says
// it whole and of the one that ends it, and checks both.
func (w *wanted) say(said events.Object) error {
	id, _ := said.Get(w.of.register)
	w.id, w.said = id.Text(), said
	closing, closes := events.FindKind(w.of.closing)
	for _, f := range w.of.fields() {
		v, ok := said.At(f.Path)
		if !ok {
			continue
		}
		k, _ := events.FindKind(w.of.first)
		whole := hasField(k, f.Path)
		if whole {
			w.fields = w.fields.With(f.Path, v)
		}
		if f.Path == ended {
			f.Path = "on"
		}
		if closes && hasField(closing, f.Path) && (!whole || f.Path == w.of.register) {
			w.end = w.end.With(f.Path, v)
		}
	}
	for _, name := range []string{suspended, ended} {
		if _, err := time.Parse(time.DateOnly, w.day(name)); err != nil && w.day(name) != "" {
			return bad(w.line("/"+name), "%s must be a day as 2026-06-24", name)
		}
	}
	if w.day(ended) == "" {
		if len(w.end) > 1 {
			return bad(w.line(""), "what is said about the end of %s needs %s", w.id, ended)
		}
		w.end = nil
	}
	w.lines["/on"] = w.lines["/"+ended]
	if err := w.check(w.of.first, w.fields); err != nil || w.end == nil {
		return err
	}
	return w.check(w.of.closing, w.end)
}

// day is what the file says in one of its own fields for a day.
func (w *wanted) day(name string) string {
	v, _ := w.said.Get(name)
	return v.Text()
}

// begins is the kind that says the object whole, as it should stand.
func (w *wanted) begins() string {
	if v, _ := w.said.Get(proposed); v.Bool() {
		return w.of.draft
	}
	return w.of.first
}

func hasField(k *events.Kind, path string) bool {
	_, ok := k.Field(path)
	return ok
}

// members reads the fields of a mapping whose dotted path so far is prefix.
func (w *wanted) members(n *yaml.Node, fields []events.Field, prefix string, into *events.Object) error {
	return eachMember(n, func(name string, key, value *yaml.Node) error {
		path := prefix + name
		w.lines["/"+strings.ReplaceAll(path, ".", "/")] = value.Line
		i := slices.IndexFunc(fields, func(f events.Field) bool { return f.Path == path })
		if i < 0 || strings.Contains(name, ".") {
			if slices.ContainsFunc(fields, func(f events.Field) bool { return strings.HasPrefix(f.Path, path+".") }) {
				return w.members(value, fields, path+".", into)
			}
			return bad(key.Line, "%s has no field %q; daybook register template %s lists them", w.of.name, path, w.of.name)
		}
		v, err := w.value(fields[i], value)
		if err != nil {
			return err
		}
		*into = into.With(path, v)
		return nil
	})
}

// value reads the value of f: text as it is written, whatever YAML takes it for,
// and true or false where the table wants that.
func (w *wanted) value(f events.Field, n *yaml.Node) (events.Value, error) {
	if f.List {
		if n.Kind != yaml.SequenceNode {
			return events.Value{}, bad(n.Line, "%s must be a list, as [a, b]", f.Path)
		}
		f.List = false
		items := make([]events.Value, len(n.Content))
		for i, item := range n.Content {
			w.lines[fmt.Sprintf("/%s/%d", strings.ReplaceAll(f.Path, ".", "/"), i)] = item.Line
			var err error
			if items[i], err = w.value(f, item); err != nil {
				return events.Value{}, err
			}
		}
		return events.List(items...), nil
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		return events.Value{}, bad(n.Line, "%s must be one value", f.Path)
	case n.Style&yaml.TaggedStyle != 0:
		return events.Value{}, bad(n.Line, "%s: tags as %s are not read", f.Path, n.Tag)
	case n.ShortTag() == "!!null":
		return events.Value{}, bad(n.Line, "%s is empty; leave it out to leave it as it is", f.Path)
	case f.Type == events.Flag && (n.Value == "true" || n.Value == "false"):
		return events.Boolean(n.Value == "true"), nil
	}
	return events.String(n.Value), nil
}

// check holds data against the table of kind.
func (w *wanted) check(kind string, data events.Object) error {
	_, err := events.CheckEvent(events.Nested(envelope(kind, "check", w.source, "2026-01-01T00:00:00Z", data)))
	var p *events.Problem
	if errors.As(err, &p) {
		return bad(w.line(p.Pointer), "%s", inWords(p))
	}
	return err
}

// inWords is p as whoever wrote the file reads it.
func inWords(p *events.Problem) string {
	path, ok := strings.CutPrefix(p.Pointer, "/data/")
	if !ok || p.Code == "missing-field" {
		return p.Detail
	}
	if path == "on" {
		path = ended
	}
	return strings.ReplaceAll(path, "/", ".") + " " + p.Detail
}

// envelope is a structured CloudEvent.
func envelope(kind, id, source, at string, data events.Object) events.Object {
	return events.Object{
		{Name: "data", Value: events.Nested(data)},
		{Name: "id", Value: events.String(id)},
		{Name: "source", Value: events.String(source)},
		{Name: "specversion", Value: events.String("1.0")},
		{Name: "time", Value: events.String(at)},
		{Name: "type", Value: events.String(events.TypePrefix + kind + events.TypeSuffix)},
	}
}
