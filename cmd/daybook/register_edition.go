package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
)

// edition reads a register as another system keeps it: a row states objects as
// they should be, and is read as if a register file said so.
type edition struct {
	mapping *adapt.Map

	// reject takes a row that states nothing the register takes; nil ends the
	// reading at the first one.
	reject func(adapt.Row, error) error

	rows int // read
}

// read is what the rows state, each object once: rows that state the same are
// one, as duplicates are normal input.
func (e *edition) read(ctx context.Context, in io.Reader) ([]*wanted, error) {
	var all []*wanted
	first := map[[2]string]*wanted{}
	for row, err := range adapt.Rows(in, e.mapping.Format) {
		if err != nil {
			return nil, err
		}
		e.rows++
		stated, err := e.row(ctx, row)
		if err == nil {
			err = contradiction(first, stated)
		}
		if err != nil {
			if err := e.rejected(row, err); err != nil {
				return nil, err
			}
			continue
		}
		for _, w := range stated {
			if first[w.key()] == nil {
				first[w.key()] = w
				all = append(all, w)
			}
		}
	}
	return all, nil
}

func (e *edition) rejected(row adapt.Row, why error) error {
	if e.reject == nil {
		return bad(row.Line, "%s", why)
	}
	return e.reject(row, why)
}

// contradiction is the error of an object that another row states otherwise.
func contradiction(first map[[2]string]*wanted, stated []*wanted) error {
	for _, w := range stated {
		old := first[w.key()]
		if old == nil || string(old.fields.Append(nil))+string(old.end.Append(nil)) == string(w.fields.Append(nil))+string(w.end.Append(nil)) {
			continue
		}
		return fmt.Errorf("%s %s is said otherwise on line %d", w.of.name, w.id, old.line(""))
	}
	return nil
}

// row is what one row states: what ends an object stands with what says it.
func (e *edition) row(ctx context.Context, row adapt.Row) ([]*wanted, error) {
	if row.Problem != nil {
		return nil, row.Problem
	}
	given, err := e.mapping.Apply(ctx, row.Value)
	if err != nil {
		return nil, err
	}
	var out []*wanted
	said := map[*wanted]events.Object{}
	for _, g := range given {
		w, data, err := statement(g, row.Line)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(out, func(o *wanted) bool { return o.key() == w.key() })
		if i < 0 {
			i, out = len(out), append(out, w)
		}
		for _, m := range data {
			said[out[i]] = said[out[i]].With(m.Name, m.Value)
		}
	}
	for _, w := range out {
		if err := w.say(said[w]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// statement is the object that an event of an edition is about, and what it says
// of it in the words of a register file.
func statement(given adapt.Event, line int) (*wanted, events.Object, error) {
	text, err := given.MarshalJSON()
	if err != nil {
		return nil, nil, err
	}
	event, err := events.ParseEvent(text)
	if err != nil {
		return nil, nil, err
	}
	kind := event.Kind.Name
	i := slices.IndexFunc(sections(), func(s section) bool { return kind == s.first || kind == s.closing })
	if i < 0 {
		return nil, nil, fmt.Errorf("an edition says what is in a register or has ended, and not %s", kind)
	}
	w := &wanted{of: sections()[i], header: header{source: event.Source, at: line}, lines: map[string]int{"": line}}
	var data events.Object
	for _, m := range event.Data {
		switch {
		case m.Name == "organization" && w.of.register != "organization":
			w.organization = m.Value.Text()
			continue
		case m.Name == "on" && kind == w.of.closing:
			m.Name = ended
		}
		data = data.With(m.Name, m.Value)
	}
	id, _ := data.Get(w.of.register)
	w.id = id.Text()
	return w, data, nil
}
