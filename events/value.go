package events

import (
	"slices"
	"strings"
)

// Value is one JSON value. The zero Value is null, which no checked event and
// no entry contains. Most values are texts, and every step copies some, so what
// only lists and objects need stands apart.
type Value struct {
	_      [0]func() // == would compare where lists are, so there is none
	shape  shape
	num    int64
	text   string  // of a string; the digits of a number
	inside *inside // of a list or an object
}

// inside is what a list or an object holds.
type inside struct {
	items []Value
	obj   Object
}

type shape uint8

const (
	shapeNull shape = iota
	shapeString
	shapeInteger
	shapeNumber // a number that is not an integer below 2^53: parsed, never accepted
	shapeBoolean
	shapeList
	shapeObject
)

func (s shape) String() string {
	return [...]string{"null", "text", "an integer", "a number with a fraction or beyond 2^53", "true or false", "a list", "an object"}[s]
}

// Member is a name with its value.
type Member struct {
	Name  string
	Value Value
}

// Object holds members sorted by name, each name once.
type Object []Member

// String, Integer, Boolean, List and Nested make values.
func String(s string) Value { return Value{shape: shapeString, text: s} }

// Integer makes a number; |n| must be below 2^53.
func Integer(n int64) Value { return Value{shape: shapeInteger, num: n} }

// Boolean makes true or false.
func Boolean(b bool) Value {
	v := Value{shape: shapeBoolean}
	if b {
		v.num = 1
	}
	return v
}

// List makes a list.
func List(items ...Value) Value { return Value{shape: shapeList, inside: &inside{items: items}} }

// Strings makes a list of strings.
func Strings(items []string) Value {
	out := make([]Value, len(items))
	for i, s := range items {
		out[i] = String(s)
	}
	return List(out...)
}

// Nested makes an object value.
func Nested(o Object) Value { return Value{shape: shapeObject, inside: &inside{obj: o}} }

// Text is the string v holds, or "".
func (v Value) Text() string {
	if v.shape != shapeString {
		return ""
	}
	return v.text
}

// Int is the integer v holds, or 0.
func (v Value) Int() int64 {
	if v.shape != shapeInteger {
		return 0
	}
	return v.num
}

// Bool is the boolean v holds, or false.
func (v Value) Bool() bool { return v.shape == shapeBoolean && v.num == 1 }

// Items is the list v holds, or nil.
func (v Value) Items() []Value {
	if v.inside == nil {
		return nil
	}
	return v.inside.items
}

// AsList is the list v holds, and whether it is one.
func (v Value) AsList() ([]Value, bool) { return v.Items(), v.shape == shapeList }

// Object is the object v holds, or nil.
func (v Value) Object() Object {
	if v.inside == nil {
		return nil
	}
	return v.inside.obj
}

// IsNull says that there is no value.
func (v Value) IsNull() bool { return v.shape == shapeNull }

// Texts are the strings of the list v.
func (v Value) Texts() []string {
	items := v.Items()
	out := make([]string, len(items))
	for i := range items {
		out[i] = items[i].Text()
	}
	return out
}

// Get finds the member called name. It looks at each: names mostly differ in
// length, which costs less to see than an order to tell.
func (o Object) Get(name string) (Value, bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, true
		}
	}
	return Value{}, false
}

// text is the text of the member called name, or "".
func (o Object) text(name string) string {
	v, _ := o.Get(name)
	return v.Text()
}

// At finds a value by its dotted path, as in "scope.unit".
func (o Object) At(path string) (Value, bool) {
	for {
		name, rest, nested := strings.Cut(path, ".")
		v, ok := o.Get(name)
		if !ok || !nested {
			return v, ok
		}
		o, path = v.Object(), rest
	}
}

// With returns o with the value at the dotted path set; o itself stays as it is.
func (o Object) With(path string, v Value) Object {
	out := append(make(Object, 0, len(o)+1), o...)
	name, rest, nested := strings.Cut(path, ".")
	if nested {
		inner, _ := o.Get(name)
		v = Nested(inner.Object().With(rest, v))
	}
	out.set(name, v)
	return out
}

// set sets a value at the dotted path in o itself and the objects within, which
// must be nobody else's.
func (o *Object) set(path string, v Value) {
	name, rest, nested := strings.Cut(path, ".")
	i, found := o.find(name)
	if !found {
		*o = slices.Insert(*o, i, Member{Name: name})
	}
	into := &(*o)[i].Value
	if nested {
		inner := into.Object()
		inner.set(rest, v)
		v = Nested(inner)
	}
	*into = v
}

// find is where name is, or would be. It is written out because comparing
// through a function would copy a member each time.
func (o Object) find(name string) (int, bool) {
	low, high := 0, len(o)
	if high > 0 && o[high-1].Name < name {
		return high, false // what is written in order is read without searching
	}
	for low < high {
		middle := (low + high) / 2
		if o[middle].Name < name {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(o) && o[low].Name == name
}
