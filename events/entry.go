package events

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// EntryFormat is the first member of every entry.
const EntryFormat = "daybook/entry@1"

// Unknown stands in an entry for a reference the register did not know.
const Unknown = "?"

// Entry is the public part of an event: what the log commits to.
type Entry struct {
	Kind   *Kind
	fields Object
	form   string // of fields, which never change
}

// Facts are what the writer knows about an event and the emitter does not say.
type Facts struct {
	Name         EventName
	Organization string
	OccurredOn   string // coarse kinds: day in the organization's zone, or its quarter
	UntilOn      string // of occurredUntil
	RecordedOn   string
	RecordedAt   time.Time
	Unresolved   []string // sorted reference names, see Event.References
	Tags         []Tag
	PartOf       EventName // the head of a bulk event's part
	Counterpart  EventName // data.received
	Digests      []Digest  // of the disclosures, and decoys up to Kind.Slots and one for each tag
}

// NamedReference is one reference of an event that a register must know.
type NamedReference struct {
	Name     string // field path, with the list index: datasets/1
	Register string
	Value    string
}

// References lists what the registers must know, sorted by name. The datasets of
// a single-person event are private and not listed.
func (e *Event) References() []NamedReference {
	var out []NamedReference
	for i := range e.Kind.Fields {
		f := &e.Kind.Fields[i]
		if f.Register == "" {
			continue
		}
		v, ok := e.Data.At(f.Path)
		if !ok || f.isPrivate() && e.namesNobodyElse() {
			continue
		}
		if !f.List {
			out = append(out, NamedReference{f.Path, f.Register, v.Text()})
		}
		for i, item := range v.Items() {
			out = append(out, NamedReference{f.Path + "/" + strconv.Itoa(i), f.Register, item.Text()})
		}
	}
	slices.SortFunc(out, func(a, b NamedReference) int { return cmpString(a.Name, b.Name) })
	return out
}

// Entry is the public part of e.
func (e *Event) Entry(f Facts) (*Entry, error) {
	occurred, recorded := f.OccurredOn, f.RecordedOn
	if !e.Kind.Coarse {
		occurred, recorded = e.Given, FormatInstant(f.RecordedAt)
	}
	o := append(make(Object, 0, 9+len(e.Data)), Object{
		{"$", String(EntryFormat)},
		{"event", String(f.Name.String())},
		{"kind", String(e.Kind.Name)},
		{"occurredAt", String(occurred)},
		{"recordedAt", String(recorded)},
		{"source", String(e.Source)},
	}...)
	if !e.Kind.Whole {
		o.set("organization", String(f.Organization))
	}
	if e.Kind.Slots() > 0 {
		o.set("_sd", digestList(f.Digests))
	}
	if len(f.Unresolved) > 0 {
		o.set("unresolved", Strings(f.Unresolved))
	}
	for i := range e.Kind.Fields {
		field := &e.Kind.Fields[i]
		if !field.isPublic() {
			continue
		}
		v, ok := e.Data.At(field.Path)
		if !ok || field.isPrivate() && e.namesNobodyElse() {
			continue
		}
		o.set(field.shown(), publish(field, v, f))
	}
	return newEntry(o)
}

// digestList is _sd: sorted as text, so that neither order nor number tells
// which fields are there.
func digestList(digests []Digest) Value {
	const size = 43 // of a digest as text
	text := make([]byte, 0, 14*size)
	for _, d := range digests {
		text = binary64.AppendEncode(text, d[:])
	}
	all := string(text)
	out := make([]Value, len(digests))
	for i := range out {
		out[i] = String(all[i*size : (i+1)*size])
	}
	slices.SortFunc(out, func(a, b Value) int { return cmpString(a.text, b.text) })
	return List(out...)
}

// publish turns a submitted value into what the public sees of it.
func publish(field *Field, v Value, f Facts) Value {
	switch field.Type {
	case Count:
		return String(Bucket(uint64(v.num)))
	case Instant:
		return String(f.UntilOn)
	case Name:
		return String(f.Counterpart.String())
	case Persons:
		return publishSubjects(v, f)
	case Reference:
		return publishReference(field, v, f.Unresolved)
	}
	return v
}

func publishReference(field *Field, v Value, unresolved []string) Value {
	known := func(name string, v Value) Value {
		if _, unknown := slices.BinarySearch(unresolved, name); unknown && field.Register != "" {
			return String(Unknown)
		}
		return v
	}
	if !field.List {
		return known(field.Path, v)
	}
	out := make([]Value, len(v.Items()))
	for i, item := range v.Items() {
		out[i] = known(field.Path+"/"+strconv.Itoa(i), item)
	}
	return List(out...)
}

// Opened is the content of entry 0.
type Opened struct {
	Name                EventName
	RecordedAt          time.Time
	Origin              string
	Log, Receipt, Index string // verifier keys
	VRF                 []byte // 32 bytes
	Policy              string // tlog-policy text
	Formats             []string
}

// Entry is entry 0, ledger.opened.
func (l Opened) Entry() (*Entry, error) {
	return newEntry(Object{
		{"$", String(EntryFormat)},
		{"event", String(l.Name.String())},
		{"formats", Strings(l.Formats)},
		{"keys", Nested(Object{{"index", String(l.Index)}, {"log", String(l.Log)}, {"receipt", String(l.Receipt)}})},
		{"kind", String("ledger.opened")},
		{"origin", String(l.Origin)},
		{"policy", String(l.Policy)},
		{"recordedAt", String(FormatInstant(l.RecordedAt))},
		{"vrf", String(binary64.EncodeToString(l.VRF))},
	})
}

// Pair enrols one person: her label, which is the VRF output for her
// identifier, and the commitment to her root key.
type Pair struct {
	Label      [64]byte
	Commitment [32]byte
}

// LabelText is the label as entries spell it.
func (p Pair) LabelText() string { return binary64.EncodeToString(p.Label[:]) }

// MaxPairs is the most pairs one subject.enrolled holds.
const MaxPairs = 400

// Enrolled is the entry subject.enrolled. Pairs are sorted by label, so that
// their order says nothing.
func Enrolled(name EventName, recordedAt time.Time, pairs []Pair) (*Entry, error) {
	list := make([]Value, len(pairs))
	for i, p := range pairs {
		list[i] = Nested(Object{
			{"commitment", String(binary64.EncodeToString(p.Commitment[:]))},
			{"label", String(p.LabelText())},
		})
	}
	slices.SortFunc(list, func(a, b Value) int { return cmpString(a.Object()[1].Value.text, b.Object()[1].Value.text) })
	return newEntry(Object{
		{"$", String(EntryFormat)},
		{"event", String(name.String())},
		{"kind", String("subject.enrolled")},
		{"pairs", List(list...)},
		{"recordedAt", String(recordedAt.UTC().Format(time.DateOnly))},
	})
}

func newEntry(o Object) (*Entry, error) {
	k, err := checkEntry(o)
	if err != nil {
		return nil, err
	}
	form := string(o.Append(make([]byte, 0, usualEntry)))
	if err := checkLength(k, o, len(form)); err != nil {
		return nil, err
	}
	return &Entry{k, o, form}, nil
}

// usualEntry is room for most entries, small enough for the stack.
const usualEntry = 2048

// Entries have at most maxEntry bytes, those that list persons as many as a bundle
// of the log has room for.
const (
	maxEntry  = 16 << 10
	maxListed = 65535
)

func checkLength(k *Kind, o Object, n int) error {
	most := maxEntry
	if _, part := o.At("subjects.part"); part || k.Name == "subject.enrolled" {
		most = maxListed
	}
	if n > most {
		return &Problem{Status: 422, Code: "entry-too-large", Detail: fmt.Sprintf("the public part has %d bytes, %s takes %d", n, k.Name, most)}
	}
	return nil
}

// ParseEntry reads exactly what Append writes; any other bytes are refused.
func ParseEntry(b []byte) (*Entry, error) {
	if len(b) > maxListed {
		return nil, fmt.Errorf("parsing an entry: %d bytes are more than any entry has", len(b))
	}
	form := string(b)
	v, canonical, err := parseValue(form)
	if err != nil {
		return nil, fmt.Errorf("parsing an entry: %w", err)
	}
	if v.shape != shapeObject {
		return nil, fmt.Errorf("parsing an entry: it is %s", v.shape)
	}
	k, err := checkEntry(v.Object())
	if err == nil {
		err = checkLength(k, v.Object(), len(form))
	}
	if err != nil {
		return nil, fmt.Errorf("parsing an entry: %w", err)
	}
	if !canonical {
		return nil, fmt.Errorf("parsing an entry: it is not in canonical form")
	}
	return &Entry{k, v.Object(), form}, nil
}

// Append writes the entry in its one form.
func (e *Entry) Append(dst []byte) []byte { return append(dst, e.form...) }

// Value finds a field by its dotted path.
func (e *Entry) Value(path string) (Value, bool) { return e.fields.At(path) }

// Text is the text at path, or "".
func (e *Entry) Text(path string) string {
	v, _ := e.fields.At(path)
	return v.Text()
}

// Texts are the texts of the list at path.
func (e *Entry) Texts(path string) []string {
	v, _ := e.fields.At(path)
	return v.Texts()
}

// Name is the event's public name.
func (e *Entry) Name() EventName {
	n, _ := ParseEventName(e.Text("event"))
	return n
}

// Fields are all members.
func (e *Entry) Fields() Object { return e.fields }

// HashEntry is the entry hash of receipts and results: SHA-256 of the bytes. It
// is not the Merkle leaf hash, which RFC 6962 prefixes.
func HashEntry(b []byte) Digest { return sha256.Sum256(b) }
