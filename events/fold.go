package events

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Fold is the opened fold header: what the book and the officers' views fold
// from, without any identifier or free text.
type Fold struct {
	Content     Digest       // keyed hash of Event.Canonical; zero for ledger kinds
	Persons     []FoldPerson // in tag order; of subject.enrolled, all it enrols with the tags they have so far
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
	Seal        *FoldSeal
}

// FoldSeal is what the events about a seal tell the views and the book of it: all
// of seal.placed, the dates too of seal.extended, and Name and Trail alone of
// seal.lifted and event.disclosed.
type FoldSeal struct {
	Name       EventName // of the seal.placed
	Trail      Handle    // of the hidden trail
	Of         Handle    // whose it is: of her own trail
	Systems    []string  // that the seal is for, with Case; neither means all
	Case       string    // pseudonym
	Until      string    // the last day on which it stands, or ""
	ReviewBy   string
	ReleasedBy EventName // the event that ends it, zero for none
	Oral       bool      // placed without a writing
}

// Handle is the ledger's own random name for one person, minted at enrolment
// and never published.
type Handle [16]byte

func (h Handle) String() string { return binary64.EncodeToString(h[:]) }

// FoldPerson is one person an event concerns.
type FoldPerson struct {
	Handle     Handle
	Counter    uint64 // which tag of hers this is, from 1 and on over her generations
	Generation uint32 // of the root key that made the tag, from 1; written as 1 where it is 0
	Relation   string
}

const foldFormat = "daybook/fold@1"

// Format writes f in its one form: restricted JSON, absent fields left out.
func (f Fold) Format() []byte {
	w := foldWriter{make([]byte, 0, 512+80*len(f.Persons))}
	w.out = append(w.out, '{')
	w.text("$", foldFormat)
	w.given("actor", f.Actor)
	w.given("case", f.Case)
	w.name("content")
	w.binary(f.Content[:])
	w.given("dataset", f.Dataset)
	w.text("day", f.Day)
	w.flag("hasReason", f.HasReason)
	w.number("hour", int64(f.Hour))
	w.time("occurredAt", f.OccurredAt)
	w.flag("ownData", f.OwnData)
	w.persons(f.Persons)
	w.time("recordedAt", f.RecordedAt)
	w.given("role", f.Role)
	w.seal(f.Seal)
	w.number("sequence", f.Sequence)
	w.given("unit", f.Unit)
	return append(w.out, '}')
}

// foldWriter appends members in the order they are told, which is that of their
// names.
type foldWriter struct{ out []byte }

func (w *foldWriter) name(name string) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(append(append(w.out, '"'), name...), '"', ':')
}

func (w *foldWriter) text(name, s string) {
	w.name(name)
	w.out = appendString(w.out, s)
}

// given is text, left out when there is none.
func (w *foldWriter) given(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *foldWriter) flag(name string, b bool) {
	w.name(name)
	w.out = strconv.AppendBool(w.out, b)
}

func (w *foldWriter) number(name string, n int64) {
	w.name(name)
	w.out = strconv.AppendInt(w.out, n, 10)
}

func (w *foldWriter) time(name string, t time.Time) {
	w.name(name)
	w.out = append(t.UTC().AppendFormat(append(w.out, '"'), time.RFC3339Nano), '"')
}

func (w *foldWriter) binary(b []byte) {
	w.out = append(binary64.AppendEncode(append(w.out, '"'), b), '"')
}

func (w *foldWriter) persons(list []FoldPerson) {
	if len(list) == 0 {
		return
	}
	w.name("persons")
	for i, p := range list {
		w.out = append(w.out, "[,"[min(i, 1)], '{')
		w.number("counter", int64(p.Counter))
		if p.Generation > 1 {
			w.number("generation", int64(p.Generation))
		}
		w.name("handle")
		w.binary(p.Handle[:])
		w.text("relation", p.Relation)
		w.out = append(w.out, '}')
	}
	w.out = append(w.out, ']')
}

func (w *foldWriter) seal(s *FoldSeal) {
	if s == nil {
		return
	}
	w.name("seal")
	w.out = append(w.out, '{')
	w.given("case", s.Case)
	w.name("name")
	w.binary(s.Name[:])
	w.name("of")
	w.binary(s.Of[:])
	w.flag("oral", s.Oral)
	w.name("releasedBy")
	w.binary(s.ReleasedBy[:])
	w.given("reviewBy", s.ReviewBy)
	w.name("systems")
	w.out = Strings(s.Systems).Append(w.out)
	w.name("trail")
	w.binary(s.Trail[:])
	w.given("until", s.Until)
	w.out = append(w.out, '}')
}

func parseFoldSeal(o Object) *FoldSeal {
	systems, _ := o.Get("systems")
	oral, _ := o.Get("oral")
	s := &FoldSeal{
		Systems: systems.Texts(), Case: o.text("case"), Until: o.text("until"), ReviewBy: o.text("reviewBy"), Oral: oral.Bool(),
	}
	decode(s.Name[:], o.text("name"))
	decode(s.Trail[:], o.text("trail"))
	decode(s.Of[:], o.text("of"))
	decode(s.ReleasedBy[:], o.text("releasedBy"))
	return s
}

func parseFoldPerson(o Object) FoldPerson {
	counter, _ := o.Get("counter")
	p := FoldPerson{Counter: uint64(counter.Int()), Generation: 1, Relation: o.text("relation")}
	if g, ok := o.Get("generation"); ok {
		p.Generation = uint32(g.Int())
	}
	decode(p.Handle[:], o.text("handle"))
	return p
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
	for _, item := range persons.Items() {
		f.Persons = append(f.Persons, parseFoldPerson(item.Object()))
	}
	if seal, ok := o.Get("seal"); ok {
		f.Seal = parseFoldSeal(seal.Object())
	}
	if !decode(f.Content[:], text("content")) || !okAt || !okOn || !bytes.Equal(f.Format(), b) {
		return Fold{}, fmt.Errorf("parsing a fold header: it is not in the one form it has")
	}
	return f, nil
}
