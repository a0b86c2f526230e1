package events

import (
	"slices"
	"strings"
)

// The most persons one event may name until several and bulk open, and the
// longest identifier in characters.
const maxIdentifier = 128

// checkData holds data against the table of k. At is where data stands in the
// event, for pointers. A kind's fields stay in data as sent.
func checkData(k *Kind, data Object, at string) *Problem {
	if p := checkMembers(k, data, "", at); p != nil {
		return p
	}
	for _, f := range k.Fields {
		if _, ok := data.At(f.Path); f.Required && !ok {
			return refuse("missing-field", at+pathPointer(f.Path), "%s needs %s", k.Name, f.Path)
		}
	}
	if k.Needs != "" {
		if v, _ := data.Get(k.Needs); len(v.obj) == 0 {
			return refuse("missing-field", at+"/"+k.Needs, "%s needs %s", k.Name, k.Needs)
		}
	}
	return nil
}

func pathPointer(path string) string { return "/" + strings.ReplaceAll(path, ".", "/") }

// checkMembers walks the members of o, whose dotted path so far is prefix.
func checkMembers(k *Kind, o Object, prefix, at string) *Problem {
	for _, m := range o {
		here := at + pointer(m.Name)
		f, ok := k.Field(prefix + m.Name)
		switch {
		case ok:
			if p := checkField(f, m.Value, here); p != nil {
				return p
			}
		case !k.hasObject(prefix + m.Name):
			return refuse("unknown-field", here, "%s has no such field", k.Name)
		case m.Value.shape != shapeObject || len(m.Value.obj) == 0:
			return refuse("wrong-type", here, "must be an object with at least one member, not %s", m.Value.shape)
		default:
			if p := checkMembers(k, m.Value.obj, prefix+m.Name+".", here); p != nil {
				return p
			}
		}
	}
	return nil
}

func (k *Kind) hasObject(path string) bool {
	return slices.ContainsFunc(k.Fields, func(f Field) bool { return strings.HasPrefix(f.Path, path+".") })
}

func checkField(f Field, v Value, at string) *Problem {
	if !f.List {
		return f.check(v, at)
	}
	if v.shape != shapeList || len(v.items) == 0 || len(v.items) > MaxList {
		return refuse("wrong-type", at, "must be a list of 1 to %d values, not %s", MaxList, v.shape)
	}
	for i, item := range v.items {
		if p := f.check(item, index(at, i)); p != nil {
			return p
		}
	}
	return nil
}

// check holds one submitted value against the grammar of f.
func (f Field) check(v Value, at string) *Problem {
	switch f.Type {
	case Persons:
		return checkSubjects(v, at)
	case Name:
		return checkCounterpart(v, at)
	case Count, Number:
		if v.shape != shapeInteger || v.num < 0 {
			return refuse("wrong-type", at, "must be a whole number from 0 below 2^53, not %s", v.shape)
		}
		return nil
	case Flag:
		if v.shape != shapeBoolean {
			return refuse("wrong-type", at, "must be true or false, not %s", v.shape)
		}
		return nil
	}
	if v.shape != shapeString {
		return refuse("wrong-type", at, "must be text, not %s", v.shape)
	}
	if rule, ok := f.grammar(v.text); !ok {
		return refuse("malformed", at, "must be %s", rule)
	}
	return nil
}

// grammar says whether s fits, and the rule in words.
func (f Field) grammar(s string) (string, bool) {
	switch f.Type {
	case Reference:
		return "a reference: 1 to 96 of a-z 0-9 . _ / @ -, beginning with a letter or digit", IsReference(s)
	case Coded:
		return "a term of the code list " + f.Code.Name(), f.Code.Has(s)
	case Date:
		return "a day as 2026-06-24", isDate(s)
	case Instant:
		_, ok := ParseInstant(s)
		return "an RFC 3339 time as 2026-06-24T08:30:00Z", ok
	case Period:
		return "an ISO 8601 duration of whole numbers as P30D", isPeriod(s)
	case Link:
		return "an https URL of at most 512 characters without query or fragment", isLink(s)
	case Decimal:
		return "a coordinate in text as \"41.878\"", isDecimal(s)
	case Zone:
		return "an IANA time zone as Europe/Tallinn", isZone(s)
	case Line:
		return "1 to 512 characters on one line", isText(s, 512, false)
	}
	return "1 to 2,000 characters without control characters", isText(s, 2000, true)
}

// checkSubjects reads subjects{mode, persons[{scheme, value, relation}]}.
func checkSubjects(v Value, at string) *Problem {
	if v.shape != shapeObject {
		return refuse("wrong-type", at, "must be an object, not %s", v.shape)
	}
	mode, _ := v.obj.Get("mode")
	persons, named := v.obj.Get("persons")
	for _, m := range v.obj {
		if m.Name != "mode" && m.Name != "persons" {
			return refuse("unknown-field", at+pointer(m.Name), "subjects has mode and persons")
		}
	}
	switch mode.Text() {
	case "none", "unknown":
		if named {
			return refuse("malformed", at+"/persons", "mode %s names no persons", mode.text)
		}
		return nil
	case "several", "bulk":
		return refuse("mode-not-open", at+"/mode", "this ledger takes none, single and unknown for now")
	case "single":
		if persons.shape != shapeList || len(persons.items) != 1 {
			return refuse("malformed", at+"/persons", "mode single names exactly one person")
		}
		return checkPerson(persons.items[0], at+"/persons/0")
	case "":
		return refuse("missing-field", at+"/mode", "subjects needs a mode")
	}
	return refuse("malformed", at+"/mode", "must be a term of the code list %s", CodeSubjectsMode.Name())
}

func checkPerson(v Value, at string) *Problem {
	if v.shape != shapeObject {
		return refuse("wrong-type", at, "must be an object, not %s", v.shape)
	}
	for _, m := range v.obj {
		ok := false
		switch m.Name {
		case "scheme":
			ok = IsReference(m.Value.Text()) && len(m.Value.text) <= 32
		case "value":
			ok = isText(m.Value.Text(), maxIdentifier, false)
		case "relation":
			ok = CodeRelation.Has(m.Value.Text())
		default:
			return refuse("unknown-field", at+pointer(m.Name), "a person has scheme, value and relation")
		}
		if !ok {
			return refuse("malformed", at+pointer(m.Name), "must be a scheme of up to 32 characters, a value of up to %d, a relation of the code list", maxIdentifier)
		}
	}
	for _, name := range []string{"scheme", "value"} {
		if _, ok := v.obj.Get(name); !ok {
			return refuse("missing-field", at+"/"+name, "a person needs scheme and value")
		}
	}
	return nil
}

func checkCounterpart(v Value, at string) *Problem {
	if v.shape != shapeObject {
		return refuse("wrong-type", at, "must be an object, not %s", v.shape)
	}
	for _, name := range []string{"id", "organization", "source"} {
		part, ok := v.obj.Get(name)
		if !ok {
			return refuse("missing-field", at+"/"+name, "a counterpart needs organization, source and id")
		}
		if good := name == "id" && isText(part.Text(), maxID, false) || name != "id" && IsReference(part.Text()); !good {
			return refuse("malformed", at+"/"+name, "must be references, and an id of up to %d characters", maxID)
		}
	}
	if len(v.obj) != 3 {
		return refuse("unknown-field", at, "a counterpart has organization, source and id")
	}
	return nil
}
