package events

import "strconv"

// Whom an event concerns is submitted, by mode, as
//
//	{"mode":"none"}, {"mode":"unknown"}
//	{"mode":"single","persons":[{scheme, value, relation}]}
//	{"mode":"several","persons":[2 to 10]}
//	{"mode":"bulk","parts":N}                                        the head
//	{"mode":"bulk","partOf":id,"part":n,"parts":N,"persons":[1 to MaxPart]}
//
// where partOf is the id that the same source gave the head, n is 1 to N, and
// relation is principal when it is left out. Published are mode, parts, part,
// partOf as the head's public name, and tags sorted by value.

// checkSubjects holds submitted subjects against their grammar.
func checkSubjects(v Value) *Problem {
	if v.shape != shapeObject {
		return refuse("wrong-type", "", "must be an object, not %s", v.shape)
	}
	for _, m := range v.Object() {
		switch m.Name {
		case "mode", "persons", "part", "partOf", "parts":
		default:
			return refuse("unknown-field", pointer(m.Name), "subjects has mode and persons, of a bulk event parts, part and partOf")
		}
	}
	mode, _ := v.Object().Get("mode")
	if mode.Text() == "" {
		return refuse("missing-field", "/mode", "subjects needs a mode")
	}
	if !CodeSubjectsMode.Has(mode.text) {
		return refuse("malformed", "/mode", "must be a term of the code list %s", CodeSubjectsMode.Name())
	}
	if mode.text == "bulk" {
		return checkBulk(v.Object())
	}
	for _, name := range []string{"part", "partOf", "parts"} {
		if _, given := v.Object().Get(name); given {
			return refuse("malformed", pointer(name), "mode %s has no parts", mode.text)
		}
	}
	switch mode.text {
	case "single":
		return checkPersons(v.Object(), 1, 1)
	case "several":
		return checkPersons(v.Object(), 2, MaxSeveral)
	}
	return checkPersons(v.Object(), 0, 0)
}

// checkBulk reads the subjects of a head or a part.
func checkBulk(o Object) *Problem {
	parts, _ := o.Get("parts")
	if n := parts.Int(); parts.shape != shapeInteger || n < 1 || n > MaxParts {
		return refuse("malformed", "/parts", "a bulk event says how many parts it has, 1 to %d", MaxParts)
	}
	of, isPart := o.Get("partOf")
	part, numbered := o.Get("part")
	if isPart != numbered {
		return refuse("missing-field", "/part", "a part has part and partOf, a head neither")
	}
	if !isPart {
		return checkPersons(o, 0, 0)
	}
	if !isText(of.Text(), maxID, false) {
		return refuse("malformed", "/partOf", "must be the id of the head, 1 to %d characters on one line", maxID)
	}
	if n := part.Int(); part.shape != shapeInteger || n < 1 || n > parts.Int() {
		return refuse("malformed", "/part", "must be a number from 1 to parts")
	}
	return checkPersons(o, 1, MaxPart)
}

// checkPersons wants least to most persons, and none at all for a most of 0.
func checkPersons(o Object, least, most int) *Problem {
	persons, named := o.Get("persons")
	if most == 0 {
		if named {
			return refuse("malformed", "/persons", "this mode names no persons; the parts of a bulk event do")
		}
		return nil
	}
	if n := len(persons.Items()); persons.shape != shapeList || n < least || n > most {
		return refuse("malformed", "/persons", "must be a list of %d to %d persons in this mode", least, most)
	}
	for i, person := range persons.Items() {
		if p := checkPerson(person); p != nil {
			return p.below("/persons/" + strconv.Itoa(i))
		}
	}
	return nil
}

func checkPerson(v Value) *Problem {
	if v.shape != shapeObject {
		return refuse("wrong-type", "", "must be an object, not %s", v.shape)
	}
	for _, m := range v.Object() {
		ok := false
		switch m.Name {
		case "scheme":
			ok = IsReference(m.Value.Text()) && len(m.Value.text) <= 32
		case "value":
			ok = isText(m.Value.Text(), maxIdentifier, false)
		case "relation":
			ok = CodeRelation.Has(m.Value.Text())
		default:
			return refuse("unknown-field", pointer(m.Name), "a person has scheme, value and relation")
		}
		if !ok {
			return refuse("malformed", pointer(m.Name), "must be a scheme of up to 32 characters, a value of up to %d, a relation of the code list", maxIdentifier)
		}
	}
	for _, name := range []string{"scheme", "value"} {
		if _, ok := v.Object().Get(name); !ok {
			return refuse("missing-field", "/"+name, "a person needs scheme and value")
		}
	}
	return nil
}

// Part says which part e is, and of which bulk event: the id its source gave the
// head. Of a head both are zero; all that is zero for other modes.
func (e *Event) Part() (of string, part, parts int64) {
	v, _ := e.Data.Get("subjects")
	n, _ := v.Object().Get("part")
	all, _ := v.Object().Get("parts")
	return v.Object().text("partOf"), n.Int(), all.Int()
}

// HeadOnly says that of a bulk event the head alone may have the field of this path:
// it is text, which is the same for everybody concerned.
func HeadOnly(path string) bool {
	return path == "reasonText" || path == "caseRef" || path == "query"
}

// namesNobodyElse says that exactly one person is concerned, so that which data
// it was is hers to know.
func (e *Event) namesNobodyElse() bool { return e.Mode() == "single" }

// publishSubjects is what the public sees of subjects.
func publishSubjects(v Value, f Facts) Value {
	out := Object{}
	for _, name := range []string{"mode", "part", "parts"} {
		if m, ok := v.Object().Get(name); ok {
			out = out.With(name, m)
		}
	}
	if _, ok := v.Object().Get("partOf"); ok {
		out = out.With("partOf", String(f.PartOf.String()))
	}
	if len(f.Tags) > 0 {
		tags := make([]string, len(f.Tags))
		for i, t := range f.Tags {
			tags[i] = t.String()
		}
		out = out.With("tags", Strings(tags))
	}
	return Nested(out)
}

// publishedSubjects says that o is what publishSubjects makes.
func publishedSubjects(o Object) bool {
	mode, _ := o.Get("mode")
	part, isPart := o.Get("part")
	parts, isBulk := o.Get("parts")
	of, _ := o.Get("partOf")
	tags, tagged := o.Get("tags")
	members, least, most := 1, 0, 0
	switch mode.Text() {
	case "none", "unknown":
	case "single":
		members, least, most = 2, 1, 1
	case "several":
		members, least, most = 2, 2, MaxSeveral
	case "bulk":
		members = 2
		if isPart {
			members, least, most = 5, 1, MaxPart
		}
		if parts.shape != shapeInteger || parts.num < 1 || parts.num > MaxParts {
			return false
		}
	default:
		return false
	}
	if len(o) != members || isBulk != (mode.text == "bulk") || tagged != (most > 0) {
		return false
	}
	if isPart && (part.shape != shapeInteger || part.num < 1 || part.num > parts.num || !isBinary(of.Text(), 16)) {
		return false
	}
	return sortedTags(tags, least, most)
}

func sortedTags(tags Value, least, most int) bool {
	if n := len(tags.Items()); n < least || n > most {
		return false
	}
	last := ""
	for _, tag := range tags.Items() {
		if !isBinary(tag.Text(), 16) || tag.text <= last {
			return false
		}
		last = tag.text
	}
	return true
}

// Sees says whether a person of this relation to a matter may have a private
// field opened that is open to the person concerned at all. A principal, and a
// minor through whoever acts for her, sees all of it. A household is told when,
// and which data, but not by whom: it is one member's matter that another would
// learn of. A proxy, who acted for somebody, sees the same. An incidental person
// learns when it was, and nothing of the other's matter.
func Sees(relation, field string) bool {
	switch relation {
	case "principal", "minor":
		return true
	case "household", "proxy":
		return field == "occurredAt" || field == "recordedAt" || field == "dataset"
	case "incidental":
		return field == "occurredAt"
	}
	return false
}
