package proof

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/daybook-ledger/daybook/events"
)

const closureFormat = "daybook/closure@1"

// maxClosureLine is the most bytes a line of a closure has: an entry has at most
// 1,000 tags, and enrols at most 400 persons.
const maxClosureLine = 256 << 10

// TrailName is what a closure calls a trail: at random, and in each closure anew.
type TrailName [16]byte

// ClosureHead is what a closure is of.
type ClosureHead struct {
	Origin  string
	Size    events.Size  // it is about the first entries of the ledger
	Reading events.Index // of the ledger.read that says that it was asked for
}

// ClosureLine says of one entry whose its tags are, and what it does to trails.
type ClosureLine struct {
	At     events.Index
	Enrols []ClosureTrail // sorted by trail
	Tags   []ClosureTag   // in the order of its tags
	Mark   *ClosureMark   // nil unless [Marks] says that there is one
}

// ClosureMark says which trail an entry does something to: a seal.placed opens a
// hidden one, seal.lifted and key.shredded are the last of one, and trail.rotated is
// the last under its root key.
type ClosureMark struct {
	Kind  string
	Trail TrailName
}

// ClosureTrail is a trail that an entry enrols. Label is nil when the keys of the
// trail are destroyed: nobody can tell any more which label of that entry it has.
type ClosureTrail struct {
	Label      *[64]byte
	Trail      TrailName
	Generation uint32 // from 1
}

// ClosureTag says whose a tag is.
type ClosureTag struct {
	Trail   TrailName
	Counter uint64 // which of the trail's tags it is, from 1
}

// ClosureEnd ends a closure. One that does not end so was cut off.
type ClosureEnd struct {
	Lines, Tags uint64
	Stopped     string // why the ledger itself cannot say more, "" when it said all
}

func closureName(n TrailName) events.Value {
	return events.String(base64.RawURLEncoding.EncodeToString(n[:]))
}

// Append writes h with its newline.
func (h ClosureHead) Append(dst []byte) []byte {
	return append(events.Object{
		{Name: "$", Value: events.String(closureFormat)},
		{Name: "origin", Value: events.String(h.Origin)},
		{Name: "reading", Value: events.Integer(int64(h.Reading))},
		{Name: "size", Value: events.Integer(int64(h.Size))},
	}.Append(dst), '\n')
}

// Append writes l with its newline.
func (l ClosureLine) Append(dst []byte) []byte {
	o := events.Object{{Name: "at", Value: events.Integer(int64(l.At))}}
	if len(l.Enrols) > 0 {
		list := make([]events.Value, len(l.Enrols))
		for i, e := range l.Enrols {
			one := events.Object{{Name: "generation", Value: events.Integer(int64(e.Generation))}}
			if e.Label != nil {
				one = append(one, events.Member{Name: "label", Value: events.String(base64.RawURLEncoding.EncodeToString(e.Label[:]))})
			}
			list[i] = events.Nested(append(one, events.Member{Name: "trail", Value: closureName(e.Trail)}))
		}
		o = append(o, events.Member{Name: "enrols", Value: events.List(list...)})
	}
	if l.Mark != nil {
		o = append(o, events.Member{Name: "mark", Value: events.Nested(events.Object{
			{Name: "kind", Value: events.String(l.Mark.Kind)},
			{Name: "trail", Value: closureName(l.Mark.Trail)},
		})})
	}
	if len(l.Tags) > 0 {
		list := make([]events.Value, len(l.Tags))
		for i, t := range l.Tags {
			list[i] = events.Nested(events.Object{
				{Name: "counter", Value: events.Integer(int64(t.Counter))},
				{Name: "trail", Value: closureName(t.Trail)},
			})
		}
		o = append(o, events.Member{Name: "tags", Value: events.List(list...)})
	}
	return append(o.Append(dst), '\n')
}

// Append writes e with its newline.
func (e ClosureEnd) Append(dst []byte) []byte {
	o := events.Object{
		{Name: "lines", Value: events.Integer(int64(e.Lines))},
		{Name: "stopped", Value: events.String(e.Stopped)},
		{Name: "tags", Value: events.Integer(int64(e.Tags))},
	}
	return append(o.Append(dst), '\n')
}

// ErrCutOff says that a closure does not come to its end.
var ErrCutOff = errors.New("the closure is cut off")

// ReadClosure reads a closure and gives away each line as it comes. It accepts only
// what the Append methods write, positions ascending.
func ReadClosure(r io.Reader, begin func(ClosureHead) error, each func(ClosureLine) error) (ClosureEnd, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxClosureLine)
	in.Split(wholeLines)
	c := closureReader{begin: begin, each: each}
	for in.Scan() {
		if err := c.line(in.Bytes()); err != nil {
			return ClosureEnd{}, fmt.Errorf("reading a closure: line %d: %w", c.lines+1, err)
		}
		c.lines++
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return ClosureEnd{}, fmt.Errorf("reading a closure: line %d is longer than %d bytes", c.lines+1, maxClosureLine)
	case errors.Is(err, ErrCutOff):
		return ClosureEnd{}, err
	case err != nil:
		return ClosureEnd{}, fmt.Errorf("%w: %w", ErrCutOff, err)
	case c.end == nil:
		return ClosureEnd{}, ErrCutOff
	}
	return *c.end, nil
}

// wholeLines splits at newlines and nothing else; the last line has one too.
func wholeLines(data []byte, atEOF bool) (advance int, line []byte, err error) {
	i := bytes.IndexByte(data, '\n')
	switch {
	case i >= 0:
		return i + 1, data[:i], nil
	case atEOF && len(data) > 0:
		return 0, nil, ErrCutOff
	}
	return 0, nil, nil
}

type closureReader struct {
	begin       func(ClosureHead) error
	each        func(ClosureLine) error
	lines, tags uint64
	next        events.Index // that may come
	size        events.Size
	end         *ClosureEnd
}

func (c *closureReader) line(b []byte) error {
	v, err := events.ParseValue(b)
	if err != nil {
		return err
	}
	o := v.Object()
	same := func(form []byte) error {
		if !bytes.Equal(form[:len(form)-1], b) {
			return errors.New("it is not in the one form it has")
		}
		return nil
	}
	number := func(name string) uint64 { v, _ := o.Get(name); return uint64(max(v.Int(), 0)) }
	text := func(name string) string { v, _ := o.Get(name); return v.Text() }
	if c.end != nil {
		return errors.New("something follows the end")
	}
	if c.lines == 0 {
		if text("$") != closureFormat {
			return errors.New("it is not " + closureFormat)
		}
		h := ClosureHead{Origin: text("origin"), Size: events.Size(number("size")), Reading: events.Index(number("reading"))}
		if err := errors.Join(same(h.Append(nil)), checkOrigin(h.Origin)); err != nil {
			return err
		}
		c.size = h.Size
		return c.begin(h)
	}
	if _, ok := o.Get("at"); !ok {
		c.end = &ClosureEnd{Lines: number("lines"), Tags: number("tags"), Stopped: text("stopped")}
		if err := same(c.end.Append(nil)); err != nil {
			return err
		}
		if c.end.Stopped == "" && (c.end.Lines != c.lines-1 || c.end.Tags != c.tags) {
			return errors.New("it does not have as much as it says")
		}
		return nil
	}
	l, err := closureLine(o)
	if err == nil {
		err = same(l.Append(nil))
	}
	if err != nil {
		return err
	}
	if l.At < c.next || uint64(l.At) >= uint64(c.size) {
		return fmt.Errorf("position %d is out of place", l.At)
	}
	c.next = l.At + 1
	c.tags += uint64(len(l.Tags))
	return c.each(l)
}

func closureLine(o events.Object) (l ClosureLine, err error) {
	name := func(o events.Object, member string) (n TrailName) {
		v, _ := o.Get(member)
		b, wrong := decode(base64.RawURLEncoding, v.Text())
		if wrong != nil || copy(n[:], b) != len(n) || len(b) != len(n) {
			err = fmt.Errorf("%.40q is no name of a trail", v.Text())
		}
		return n
	}
	number := func(o events.Object, member string) uint64 { v, _ := o.Get(member); return uint64(max(v.Int(), 0)) }
	l.At = events.Index(number(o, "at"))
	enrols, _ := o.Get("enrols")
	for _, v := range enrols.Items() {
		e := ClosureTrail{Trail: name(v.Object(), "trail"), Generation: uint32(number(v.Object(), "generation"))}
		if text, ok := v.Object().Get("label"); ok {
			b, wrong := decode(base64.RawURLEncoding, text.Text())
			if wrong != nil || len(b) != 64 {
				return l, errors.New("a label is not 64 bytes")
			}
			e.Label = (*[64]byte)(b)
		}
		l.Enrols = append(l.Enrols, e)
	}
	tags, _ := o.Get("tags")
	for _, v := range tags.Items() {
		l.Tags = append(l.Tags, ClosureTag{name(v.Object(), "trail"), number(v.Object(), "counter")})
	}
	if mark, ok := o.Get("mark"); ok {
		kind, _ := mark.Object().Get("kind")
		l.Mark = &ClosureMark{kind.Text(), name(mark.Object(), "trail")}
	}
	return l, err
}

// Marks says whether an entry does something to a trail that a closure has to say.
func Marks(e *events.Entry) bool {
	switch e.Kind.Name {
	case "seal.placed", "seal.lifted", "trail.rotated":
		return true
	}
	return e.Kind.Name == "key.shredded" && e.Text("what") == "person"
}
