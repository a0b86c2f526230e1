package events

import (
	"strings"
)

const (
	maxIdentifier = 128 // characters
	// MaxSeveral is the most persons that an event names outside a bulk event.
	MaxSeveral = 10
	// MaxPart is the most persons a part of a bulk event names. A tag and its
	// digest take 71 bytes of the 65,535 that an entry has in a bundle of the log,
	// so a thousand do not fit beside the other fields.
	MaxPart = 850
	// MaxParts is the most parts of a bulk event.
	MaxParts = 1_000_000
)

// checkData holds data against the table of k. At is where data stands in the
// event, for pointers. A kind's fields stay in data as sent.
func checkData(k *Kind, data Object, at string) *Problem {
	if p := checkMembers(k, data, ""); p != nil {
		return p.below(at)
	}
	for _, f := range k.required {
		if _, ok := data.At(f.Path); !ok {
			return refuse("missing-field", at+pathPointer(f.Path), "%s needs %s", k.Name, f.Path)
		}
	}
	if k.Needs != "" {
		if v, _ := data.Get(k.Needs); len(v.Object()) == 0 {
			return refuse("missing-field", at+"/"+k.Needs, "%s needs %s", k.Name, k.Needs)
		}
	}
	return nil
}

func pathPointer(path string) string { return "/" + strings.ReplaceAll(path, ".", "/") }

// below moves the pointer of p, which begins at what was checked, to where that
// stands. Checks make pointers this way because most never need one.
func (p *Problem) below(at string) *Problem {
	p.Pointer = at + p.Pointer
	return p
}

// checkMembers walks the members of o, whose dotted path so far is prefix.
func checkMembers(k *Kind, o Object, prefix string) *Problem {
	for i := range o {
		m := &o[i]
		f, known := k.given[prefix+m.Name]
		var p *Problem
		switch {
		case strings.Contains(m.Name, "."): // it would stand for a member of an object
			p = refuse("unknown-field", "", "%s has no such field", k.Name)
		case f != nil:
			p = checkField(f, m.Value)
		case !known:
			p = refuse("unknown-field", "", "%s has no such field", k.Name)
		case m.Value.shape != shapeObject || len(m.Value.Object()) == 0:
			p = refuse("wrong-type", "", "must be an object with at least one member, not %s", m.Value.shape)
		default:
			p = checkMembers(k, m.Value.Object(), prefix+m.Name+".")
		}
		if p != nil {
			return p.below(pointer(m.Name))
		}
	}
	return nil
}

func checkField(f *Field, v Value) *Problem {
	if !f.List {
		return f.check(v)
	}
	if v.shape != shapeList || len(v.Items()) == 0 || len(v.Items()) > MaxList {
		return refuse("wrong-type", "", "must be a list of 1 to %d values, not %s", MaxList, v.shape)
	}
	for i, item := range v.Items() {
		if p := f.check(item); p != nil {
			return p.below(index("", i))
		}
	}
	return nil
}

// check holds one submitted value against the grammar of f. The pointer of the
// problem begins at the value.
func (f *Field) check(v Value) *Problem {
	switch f.Type {
	case Persons:
		return checkSubjects(v)
	case Name:
		return checkCounterpart(v)
	case Count, Number:
		if v.shape != shapeInteger || v.num < 0 {
			return refuse("wrong-type", "", "must be a whole number from 0 below 2^53, not %s", v.shape)
		}
		return nil
	case Flag:
		if v.shape != shapeBoolean {
			return refuse("wrong-type", "", "must be true or false, not %s", v.shape)
		}
		return nil
	}
	if v.shape != shapeString {
		return refuse("wrong-type", "", "must be text, not %s", v.shape)
	}
	if !f.fits(v.text) {
		return refuse("malformed", "", "must be %s", f.rule())
	}
	return nil
}

// fits says whether s is of the grammar of f.
func (f *Field) fits(s string) bool {
	switch f.Type {
	case Reference:
		return IsReference(s)
	case Coded:
		return f.Code.Has(s)
	case Date:
		return isDate(s)
	case Instant:
		_, ok := ParseInstant(s)
		return ok
	case Period:
		return isPeriod(s)
	case Link:
		return isLink(s)
	case Decimal:
		return isDecimal(s)
	case Zone:
		return isZone(s)
	case Hash:
		return isHash(s)
	case Line:
		return isText(s, 512, false)
	case Named:
		return isBinary(s, 16)
	case Key:
		return isBinary(s, 32)
	case Quarter:
		return isQuarter(s)
	case Month:
		return isMonth(s)
	case WitnessKey:
		return isWitnessKey(s)
	case Policy:
		return IsPolicy(s)
	}
	return isText(s, 2000, true)
}

// rule is the grammar of f in words.
func (f *Field) rule() string {
	switch f.Type {
	case Reference:
		return "a reference: 1 to 96 of a-z 0-9 . _ / @ -, beginning with a letter or digit"
	case Coded:
		return "a term of the code list " + f.Code.Name()
	case Date:
		return "a day as 2026-06-24"
	case Instant:
		return "an RFC 3339 time as 2026-06-24T08:30:00Z"
	case Period:
		return "an ISO 8601 duration of whole numbers as P30D"
	case Link:
		return "an https URL of at most 512 characters without query or fragment"
	case Decimal:
		return "a coordinate in text as \"41.878\""
	case Hash:
		return "a SHA-256 of 64 hexadecimal digits in small letters"
	case Zone:
		return "an IANA time zone as Europe/Tallinn"
	case Line:
		return "1 to 512 characters on one line"
	case Named:
		return "the public name of an event, 22 characters"
	case Key:
		return "32 bytes in base64url, 43 characters"
	case Quarter:
		return "a quarter as 2026-Q4"
	case Month:
		return "a month as 2026-06"
	case WitnessKey:
		return "the verifier key of a witness, name+hash+key"
	case Policy:
		return "a policy of witness, group and quorum lines, whose names are references"
	}
	return "1 to 2,000 characters without control characters"
}

func checkCounterpart(v Value) *Problem {
	if v.shape != shapeObject {
		return refuse("wrong-type", "", "must be an object, not %s", v.shape)
	}
	for _, name := range []string{"id", "organization", "source"} {
		part, ok := v.Object().Get(name)
		if !ok {
			return refuse("missing-field", "/"+name, "a counterpart needs organization, source and id")
		}
		if good := name == "id" && isText(part.Text(), maxID, false) || name != "id" && IsReference(part.Text()); !good {
			return refuse("malformed", "/"+name, "must be references, and an id of up to %d characters", maxID)
		}
	}
	if len(v.Object()) != 3 {
		return refuse("unknown-field", "", "a counterpart has organization, source and id")
	}
	return nil
}
