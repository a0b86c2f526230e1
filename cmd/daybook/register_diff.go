package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
)

// differ compares one object of a file with the register.
type differ struct {
	*wanted
	item  *client.Item // nil: not in the register
	known map[object]bool
}

// change begins an event. Bases are the kinds that say the same sort of thing:
// the last of them is what the event changes. The others do not count, so that
// an event has one id before and after the rest of its run is published.
func (d differ) change(kind string, data events.Object, bases ...string) *change {
	c := &change{want: d.wanted, kind: kind, data: data, after: "new"}
	if d.item == nil {
		return c
	}
	for _, h := range d.item.History {
		if slices.Contains(bases, h.Kind) {
			c.after = strconv.FormatUint(uint64(h.Position), 10)
		}
	}
	return c
}

// reference is an object that names the one compared and says nothing else.
func (d differ) reference() events.Object {
	return events.Object{{Name: d.of.register, Value: events.String(d.id)}}
}

// added says an object that the register does not have.
func (d differ) added() *change {
	if d.item != nil || d.of.beside() && !d.of.noted() {
		return nil
	}
	c := d.change(d.begins(), d.fields)
	for _, name := range []string{"name", "title"} {
		if v, ok := d.fields.Get(name); ok {
			d.say(c, "+", "%s", words(v))
		}
	}
	if len(c.words) == 0 {
		d.say(c, "+", "%s", d.summary())
	}
	for _, f := range d.of.fields() {
		if v, ok := d.fields.At(f.Path); ok {
			d.warn(c, f, v)
		}
	}
	return c
}

// summary says in short what has neither name nor title.
func (d differ) summary() string {
	var out []string
	for _, path := range []string{"kind", "parties", "unit", "role", "expires", "until"} {
		if v, ok := d.fields.Get(path); ok {
			for _, text := range append(v.Texts(), v.Text()) {
				if text != "" {
					out = append(out, text)
				}
			}
		}
	}
	return strings.Join(out, " ")
}

// placed says that f is part of what a moved kind replaces as a whole.
func (d differ) placed(f events.Field) bool {
	k, ok := events.FindKind(d.of.moved)
	return ok && strings.HasPrefix(f.Path, k.Needs+".")
}

// hasMoved says that the place is another and that the file gives a later start
// for it than the register. Otherwise another place corrects the register.
func (d differ) hasMoved() bool {
	if d.item == nil {
		return false
	}
	starts, _ := d.fields.Get("starts")
	if since := d.placedSince(); since == "" || starts.Text() <= since {
		return false
	}
	return slices.ContainsFunc(d.of.fields(), func(f events.Field) bool { return d.placed(f) && d.differs(f) })
}

// placedSince is the day on which the register has the object begin where it is:
// its start, or else the day on which its place was said.
func (d differ) placedSince() string {
	if starts, ok := d.item.Fields.Get("starts"); ok {
		return starts.Text()
	}
	_, since, _ := d.last(d.of.first, d.of.moved)
	return since
}

// moved says the new place, on the day it begins.
func (d differ) moved() *change {
	if !d.hasMoved() {
		return nil
	}
	k, _ := events.FindKind(d.of.moved)
	place, _ := d.fields.Get(k.Needs)
	starts, _ := d.fields.Get("starts")
	c := d.change(d.of.moved, d.reference().With(k.Needs, place), d.of.first, d.of.next, d.of.moved)
	c.day = starts.Text()
	for _, f := range d.of.fields() {
		if d.placed(f) && d.differsWhole(f) {
			d.describe(c, "~", f, " (moved "+c.day+")")
		}
	}
	return c
}

// changed says the fields that are different, and those its kind demands.
func (d differ) changed() *change {
	if d.item == nil || d.of.whole() {
		return nil
	}
	bases := []string{d.of.first, d.of.next}
	data := d.reference()
	var different []events.Field
	for _, f := range d.of.fields() {
		if !d.differs(f) || d.placed(f) && d.hasMoved() {
			continue
		}
		if d.placed(f) {
			bases = append(bases, d.of.moved)
		}
		v, _ := d.fields.At(f.Path)
		data = data.With(f.Path, v)
		different = append(different, f)
	}
	if len(different) == 0 {
		return nil
	}
	c := d.change(d.of.next, d.complete(data), bases...)
	for _, f := range different {
		d.describe(c, "~", f, "")
	}
	return c
}

// complete adds to data what the kind that says a change demands besides.
func (d differ) complete(data events.Object) events.Object {
	k, _ := events.FindKind(d.of.next)
	for _, f := range k.Fields {
		if _, ok := data.At(f.Path); ok || !f.Required {
			continue
		}
		if v, ok := d.current(f); ok {
			data = data.With(f.Path, v)
		}
	}
	return data
}

// restated says a whole statement anew when any of it is different, or when a
// draft comes into force.
func (d differ) restated() *change {
	if !d.of.whole() || d.of.noted() || d.item == nil && !d.of.beside() {
		return nil
	}
	kind := d.begins()
	c, sign := d.change(kind, d.fields, d.of.first, d.of.draft), "~"
	if c.after == "new" {
		sign = "+"
	}
	if last, _, _ := d.last(d.of.first, d.of.draft); last != "" && last != kind {
		d.say(c, sign, "%s → %s", last, kind)
	}
	for _, f := range d.of.fields() {
		if d.differsWhole(f) {
			d.describe(c, sign, f, "")
		}
	}
	if len(c.words) == 0 {
		return nil
	}
	return c
}

// last is the kind and the day of the latest entry about the object that is of
// one of these kinds.
func (d differ) last(kinds ...string) (kind, day string, ok bool) {
	if d.item == nil {
		return "", "", false
	}
	for _, h := range d.item.History {
		if slices.Contains(kinds, h.Kind) {
			kind, day, ok = h.Kind, h.OccurredAt[:min(len(h.OccurredAt), len(time.DateOnly))], true
		}
	}
	return kind, day, ok
}

// suspended suspends the object, unless it has ended.
func (d differ) suspended() *change {
	c := d.change(d.of.pausing, d.reference(), d.of.pausing)
	c.day = d.day(suspended)
	_, last, _ := d.last(d.of.pausing)
	_, _, over := d.last(d.of.closing)
	if c.day == "" || c.day == last || over {
		return nil
	}
	d.say(c, "-", "%s %s", suspended, c.day)
	return c
}

// ended ends the object.
func (d differ) ended() *change {
	if d.end == nil {
		return nil
	}
	c := d.change(d.of.closing, d.end, d.of.closing)
	c.day = d.day(ended)
	_, _, over := d.last(d.of.closing)
	if !over || d.item.Ended != c.day {
		d.say(c, "-", "%s %s", ended, c.day)
	}
	for _, f := range d.of.fields() {
		v, ok := d.end.At(f.Path)
		if old, had := d.current(f); ok && f.Path != d.of.register && (!had || canonical(f, old) != canonical(f, v)) {
			d.say(c, "-", "%s: %s", f.Path, words(v))
		}
	}
	if len(c.words) == 0 {
		return nil
	}
	return c
}

// current is what the register has of f.
func (d differ) current(f events.Field) (events.Value, bool) {
	if d.item == nil {
		return events.Value{}, false
	}
	fields := d.item.Fields
	if d.of.beside() { // it stands among the object's fields, under its own name
		inner, _ := fields.Get(d.of.name)
		fields = inner.Object()
	}
	path := f.Path
	if f.Shown != "" {
		path = f.Shown
	}
	return fields.At(path)
}

// differs says that the file gives f another value than the register has.
func (d differ) differs(f events.Field) bool {
	v, said := d.fields.At(f.Path)
	old, had := d.current(f)
	return f.Path != d.of.register && said && (!had || canonical(f, old) != canonical(f, d.shown(f, v)))
}

// differsWhole is differs where the whole is said anew, so that what the file
// leaves out is gone.
func (d differ) differsWhole(f events.Field) bool {
	_, said := d.fields.At(f.Path)
	_, had := d.current(f)
	return d.differs(f) || had && !said
}

// shown is v as the public sees it: a reference no register knows is "?".
func (d differ) shown(f events.Field, v events.Value) events.Value {
	switch {
	case f.Register == "":
		return v
	case f.List:
		f.List = false
		items := slices.Clone(v.Items())
		for i := range items {
			items[i] = d.shown(f, items[i])
		}
		return events.List(items...)
	case !d.knows(f, v.Text()):
		return events.String(events.Unknown)
	}
	return v
}

// knows says that the register f is of has id, now or behind the file.
func (d differ) knows(f events.Field, id string) bool {
	return slices.ContainsFunc(registersOf(f), func(r string) bool { return d.known[object{r, id}] })
}

// canonical is equal for values that say the same: lists are sets, and
// coordinates count to the sixth digit, a hand's breadth.
func canonical(f events.Field, v events.Value) string {
	if f.List {
		return strings.Join(slices.Sorted(slices.Values(v.Texts())), "\n")
	}
	if degrees, err := strconv.ParseFloat(v.Text(), 64); err == nil && f.Type == events.Decimal {
		return fmt.Sprintf("%.0f", math.Round(degrees*1e6)+0) // which is never -0
	}
	return string(v.Append(nil))
}

// say adds a line about the object to the words of c.
func (d differ) say(c *change, sign, format string, args ...any) {
	c.words = append(c.words, fmt.Sprintf("%s %s %s ", sign, d.of.name, d.id)+fmt.Sprintf(format, args...))
}

// describe says how f changes.
func (d differ) describe(c *change, sign string, f events.Field, why string) {
	v, said := d.fields.At(f.Path)
	old, had := d.current(f)
	switch {
	case f.List:
		gone, come := without(old.Texts(), v.Texts()), without(v.Texts(), old.Texts())
		d.say(c, sign, "%s:%s%s%s", f.Path, marked(" + ", come), marked(" - ", gone), why)
	case !said:
		d.say(c, sign, "%s: %s → nothing%s", f.Path, words(old), why)
	case !had && sign == "+":
		d.say(c, sign, "%s: %s", f.Path, words(v))
	case !had:
		d.say(c, sign, "%s: nothing → %s%s", f.Path, words(v), why)
	default:
		d.say(c, sign, "%s: %s → %s%s", f.Path, words(old), words(v), why)
	}
	if said {
		d.warn(c, f, v)
	}
}

// warn says which references of v the ledger will show as unknown.
func (d differ) warn(c *change, f events.Field, v events.Value) {
	if !f.List {
		v = events.List(v)
	}
	for _, id := range v.Texts() {
		if f.Register != "" && !d.knows(f, id) {
			d.say(c, "?", "%s: no register has %s; the ledger will show it as ?", f.Path, id)
		}
	}
}

// words is one value for a person to read, on one line.
func words(v events.Value) string {
	text := v.Text()
	switch {
	case text == "": // true or false
		return string(v.Append(nil))
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }):
		return strconv.Quote(text)
	}
	return text
}

// without are the texts of a that b has not.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

func marked(sign string, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return sign + strings.Join(texts, ", ")
}
