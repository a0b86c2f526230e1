package events

import (
	"bytes"
	"fmt"
	"time"
)

// Fold is the opened fold header: what the book and the officers' views fold
// from, without any identifier or free text.
type Fold struct {
	Content     Digest       // keyed hash of Event.Canonical; zero for ledger kinds
	Persons     []FoldPerson // in tag order; of subject.enrolled, all it enrols with counter 0
	Actor, Case string       // pseudonyms, or ""
	Role, Unit  string
	OccurredAt  time.Time
	RecordedAt  time.Time
	Day         string // of OccurredAt in the organization's zone
	Hour        int    // there, 0 … 23
	Sequence    int64  // the emitter's, or -1
	Dataset     string // as submitted, whether known or not
	HasReason   bool
	OwnData     bool // the actor's id is the person's identifier
}

// Handle is the ledger's own random name for one person, minted at enrolment
// and never published.
type Handle [16]byte

func (h Handle) String() string { return binary64.EncodeToString(h[:]) }

// FoldPerson is one person an event concerns.
type FoldPerson struct {
	Handle   Handle
	Counter  uint64 // which tag of hers this is, from 1
	Relation string
}

const foldFormat = "daybook/fold@1"

// Format writes f in its one form: restricted JSON, absent fields left out.
func (f Fold) Format() []byte {
	o := append(make(Object, 0, 15), Object{
		{"$", String(foldFormat)},
		{"content", String(f.Content.String())},
		{"day", String(f.Day)},
		{"hasReason", Boolean(f.HasReason)},
		{"hour", Integer(int64(f.Hour))},
		{"occurredAt", String(FormatInstant(f.OccurredAt))},
		{"ownData", Boolean(f.OwnData)},
		{"recordedAt", String(FormatInstant(f.RecordedAt))},
		{"sequence", Integer(f.Sequence)},
	}...)
	for _, m := range []Member{
		{"actor", String(f.Actor)},
		{"case", String(f.Case)},
		{"role", String(f.Role)},
		{"unit", String(f.Unit)},
		{"dataset", String(f.Dataset)},
	} {
		if m.Value.text != "" {
			o.set(m.Name, m.Value)
		}
	}
	if len(f.Persons) > 0 {
		list := make([]Value, len(f.Persons))
		for i, p := range f.Persons {
			list[i] = Nested(Object{
				{"counter", Integer(int64(p.Counter))},
				{"handle", String(p.Handle.String())},
				{"relation", String(p.Relation)},
			})
		}
		o.set("persons", List(list...))
	}
	return o.Append(make([]byte, 0, 512))
}

// ParseFold reads what Format writes and nothing else.
func ParseFold(b []byte) (Fold, error) {
	v, err := ParseValue(b)
	if err != nil {
		return Fold{}, fmt.Errorf("parsing a fold header: %w", err)
	}
	o := v.Object()
	text := func(name string) string { m, _ := o.Get(name); return m.Text() }
	number := func(name string) int64 { m, _ := o.Get(name); return m.Int() }
	flag := func(name string) bool { m, _ := o.Get(name); return m.Bool() }
	f := Fold{
		Actor: text("actor"), Case: text("case"), Role: text("role"), Unit: text("unit"), Dataset: text("dataset"),
		Day: text("day"), Hour: int(number("hour")), Sequence: number("sequence"),
		HasReason: flag("hasReason"), OwnData: flag("ownData"),
	}
	var okAt, okOn bool
	f.OccurredAt, okAt = ParseInstant(text("occurredAt"))
	f.RecordedAt, okOn = ParseInstant(text("recordedAt"))
	persons, _ := o.Get("persons")
	for _, item := range persons.items {
		p := FoldPerson{}
		counter, _ := item.obj.Get("counter")
		handle, _ := item.obj.Get("handle")
		relation, _ := item.obj.Get("relation")
		p.Counter, p.Relation = uint64(counter.Int()), relation.Text()
		decode(p.Handle[:], handle.Text())
		f.Persons = append(f.Persons, p)
	}
	if !decode(f.Content[:], text("content")) || !okAt || !okOn || !bytes.Equal(f.Format(), b) {
		return Fold{}, fmt.Errorf("parsing a fold header: it is not in the one form it has")
	}
	return f, nil
}

// Slip is the opened content of a person's, officers' or identifier box: the
// disclosures it holds, as canonical JSON with their encoded forms in order.
type Slip []Disclosure

const slipFormat = "daybook/slip@1"

// Format writes s in its one form.
func (s Slip) Format() []byte {
	list := make([]string, len(s))
	for i, d := range s {
		list[i] = d.Encode()
	}
	return FormatSlip(list)
}

// FormatSlip is Slip.Format for disclosures encoded before.
func FormatSlip(encoded []string) []byte {
	n := 64
	for _, s := range encoded {
		n += len(s) + 3
	}
	return Object{{"$", String(slipFormat)}, {"disclosures", Strings(encoded)}}.Append(make([]byte, 0, n))
}

// ParseSlip reads what Format writes and nothing else.
func ParseSlip(b []byte) (Slip, error) {
	v, err := ParseValue(b)
	if err != nil {
		return nil, fmt.Errorf("parsing a box: %w", err)
	}
	list, _ := v.Object().Get("disclosures")
	s := Slip{}
	for _, text := range list.Texts() {
		d, err := ParseDisclosure(text)
		if err != nil {
			return nil, fmt.Errorf("parsing a box: %w", err)
		}
		s = append(s, d)
	}
	if !bytes.Equal(s.Format(), b) {
		return nil, fmt.Errorf("parsing a box: it is not in the one form it has")
	}
	return s, nil
}
