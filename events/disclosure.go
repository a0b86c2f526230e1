package events

import (
	"crypto/sha256"
	"errors"
	"slices"
)

// Disclosure opens one private field of an entry, as RFC 9901 (SD-JWT) shapes
// it: base64url of the JSON text [salt,name,value]. Disclosures live only in
// boxes; the entry carries their digests.
type Disclosure struct {
	Salt  [16]byte
	Name  string
	Value Value
}

// Encode is the disclosure's ASCII form.
func (d Disclosure) Encode() string { return string(d.AppendEncode(make([]byte, 0, 256))) }

// AppendEncode appends the disclosure's ASCII form.
func (d Disclosure) AppendEncode(dst []byte) []byte {
	b := binary64.AppendEncode(append(make([]byte, 0, 256), `["`...), d.Salt[:])
	b = appendString(append(b, `",`...), d.Name)
	b = append(d.Value.Append(append(b, ',')), ']')
	return binary64.AppendEncode(dst, b)
}

// Digest is what stands for d in the entry's _sd.
func (d Disclosure) Digest() Digest { return sha256.Sum256([]byte(d.Encode())) }

// ParseDisclosure reads what Encode writes and nothing else.
func ParseDisclosure(s string) (Disclosure, error) {
	b, err := binary64.DecodeString(s)
	if err != nil {
		return Disclosure{}, errors.New("parsing a disclosure: not base64url")
	}
	v, err := ParseValue(b)
	if err != nil {
		return Disclosure{}, err
	}
	d := Disclosure{}
	if len(v.Items()) == 3 {
		d.Name, d.Value = v.Items()[1].Text(), v.Items()[2]
	}
	if len(v.Items()) != 3 || !isFieldName(d.Name) || !decode(d.Salt[:], v.Items()[0].Text()) || d.Encode() != s {
		return Disclosure{}, errors.New("parsing a disclosure: not in the one form it has")
	}
	return d, nil
}

// Slot is a private field of an event, with who may have it opened.
type Slot struct {
	Name     string
	Value    Value
	Person   bool // the person concerned may see it
	Officers bool // officers and auditors may
}

// Slots are the private fields e fills in. Unresolved are the texts of
// references the register does not know, by field.
func (e *Event) Slots(f Facts) []Slot {
	out := append(make([]Slot, 0, e.Kind.Slots()), Slot{Name: "id", Value: String(e.ID), Officers: true})
	add := func(name string, v Value, person bool) { out = append(out, Slot{name, v, person, true}) }
	if v, ok := e.Data.Get("sequence"); ok {
		add("sequence", v, true)
	}
	if e.Kind.Coarse {
		add("occurredAt", String(e.exactTime()), true)
		add("recordedAt", String(FormatInstant(f.RecordedAt)), true)
		for i := range e.Kind.Fields { // sorted by path
			field := &e.Kind.Fields[i]
			hidden := field.Class == SealedAll || field.Class == Officers || field.Class == Hers
			if field.isPrivate() && e.namesNobodyElse() {
				hidden = true
			}
			if v, ok := e.Data.At(field.Path); ok && hidden {
				out = append(out, Slot{field.Path, v, field.Class != Officers, field.Class != Hers})
			}
		}
		if counts := e.counts(); len(counts) > 0 {
			add("counts", Nested(counts), false)
		}
	}
	if texts := e.unresolvedTexts(f); len(texts) > 0 {
		add("unresolved", Nested(texts), false)
	}
	return out
}

// exactTime is occurredAt, or the ISO 8601 interval up to occurredUntil.
func (e *Event) exactTime() string {
	until, ok := e.Data.Get("occurredUntil")
	if !ok {
		return e.Given
	}
	return e.Given + "/" + until.Text()
}

// counts are the exact numbers that the entry shows as buckets.
func (e *Event) counts() (o Object) {
	for i := range e.Kind.Fields { // sorted by path
		f := &e.Kind.Fields[i]
		if f.Type != Count {
			continue
		}
		if v, ok := e.Data.At(f.Path); ok {
			o = append(o, Member{f.Path, v})
		}
	}
	return o
}

// unresolvedTexts are the references that the entry shows as "?".
func (e *Event) unresolvedTexts(f Facts) (o Object) {
	if len(f.Unresolved) == 0 {
		return nil
	}
	for _, r := range e.References() { // sorted by name
		if _, unknown := slices.BinarySearch(f.Unresolved, r.Name); unknown {
			o = append(o, Member{r.Name, String(r.Value)})
		}
	}
	return o
}
