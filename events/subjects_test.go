package events

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// of is an event of a kind about persons, as its source sends it.
func of(kind, subjects, more string) string {
	return `{"specversion":"1.0","id":"1","source":"city/app","type":"org.daybook.` + kind + `.v1","time":"2026-06-24T08:30:00Z","data":{"subjects":` + subjects + more + `}}`
}

const (
	shares = `,"dataset":"city/people","recipient":"county"`
	anna   = `{"scheme":"example","value":"anna"}`
	ben    = `{"scheme":"example","value":"ben","relation":"household"}`
)

// people are n persons, each another.
func people(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"scheme":"example","value":"%d"}`, i)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestSubjectsByMode(t *testing.T) {
	part := func(persons string) string {
		return `{"mode":"bulk","part":1,"partOf":"x","parts":2,"persons":` + persons + `}`
	}
	for in, want := range map[string]string{ // "" for accepted, else code and pointer
		`{"mode":"none"}`:                                         "",
		`{"mode":"unknown"}`:                                      "",
		`{"mode":"single","persons":[` + anna + `]}`:              "",
		`{"mode":"several","persons":[` + anna + `,` + ben + `]}`: "",
		`{"mode":"several","persons":` + people(10) + `}`:         "",
		`{"mode":"bulk","parts":1}`:                               "",
		`{"mode":"bulk","parts":1000000}`:                         "",
		part(people(1)):                                           "",
		part(people(MaxPart)):                                     "",
		`{"mode":"bulk","part":2,"partOf":"x","parts":2,"persons":` + people(1) + `}`: "",

		`"none"`:                       "wrong-type ",
		`{}`:                           "missing-field /mode",
		`{"mode":1}`:                   "missing-field /mode",
		`{"mode":"many"}`:              "malformed /mode",
		`{"mode":"none","tags":[]}`:    "unknown-field /tags",
		`{"mode":"none","persons":[]}`: "malformed /persons",
		`{"mode":"unknown","persons":[` + anna + `]}`:                                                           "malformed /persons",
		`{"mode":"none","parts":1}`:                                                                             "malformed /parts",
		`{"mode":"single"}`:                                                                                     "malformed /persons",
		`{"mode":"single","persons":[]}`:                                                                        "malformed /persons",
		`{"mode":"single","persons":` + anna + `}`:                                                              "malformed /persons",
		`{"mode":"single","persons":[` + anna + `,` + ben + `]}`:                                                "malformed /persons",
		`{"mode":"single","persons":[` + anna + `],"part":1}`:                                                   "malformed /part",
		`{"mode":"single","persons":[` + anna + `],"partOf":"x"}`:                                               "malformed /partOf",
		`{"mode":"single","persons":["anna"]}`:                                                                  "wrong-type /persons/0",
		`{"mode":"single","persons":[{"scheme":"example"}]}`:                                                    "missing-field /persons/0/value",
		`{"mode":"single","persons":[{"value":"anna"}]}`:                                                        "missing-field /persons/0/scheme",
		`{"mode":"single","persons":[{"scheme":"E","value":"anna"}]}`:                                           "malformed /persons/0/scheme",
		`{"mode":"single","persons":[{"scheme":"e","value":""}]}`:                                               "malformed /persons/0/value",
		`{"mode":"single","persons":[{"scheme":"e","value":"a\nb"}]}`:                                           "malformed /persons/0/value",
		`{"mode":"single","persons":[{"scheme":"e","value":"a","tag":1}]}`:                                      "unknown-field /persons/0/tag",
		`{"mode":"several","persons":[` + anna + `,{"scheme":"e","value":"a","relation":"friend"}]}`:            "malformed /persons/1/relation",
		`{"mode":"several","persons":[{"scheme":"` + strings.Repeat("e", 33) + `","value":"a"},` + anna + `]}`:  "malformed /persons/0/scheme",
		`{"mode":"several","persons":[` + anna + `,{"scheme":"e","value":"` + strings.Repeat("é", 129) + `"}]}`: "malformed /persons/1/value",
		`{"mode":"several","persons":` + people(1) + `}`:                                                        "malformed /persons",
		`{"mode":"several","persons":` + people(11) + `}`:                                                       "malformed /persons",
		`{"mode":"several"}`: "malformed /persons",
		`{"mode":"several","persons":` + people(2) + `,"parts":1}`: "malformed /parts",

		`{"mode":"bulk"}`:                                                               "malformed /parts",
		`{"mode":"bulk","parts":0}`:                                                     "malformed /parts",
		`{"mode":"bulk","parts":1000001}`:                                               "malformed /parts",
		`{"mode":"bulk","parts":"2"}`:                                                   "malformed /parts",
		`{"mode":"bulk","parts":2,"persons":` + people(2) + `}`:                         "malformed /persons",
		`{"mode":"bulk","parts":2,"part":1}`:                                            "missing-field /part",
		`{"mode":"bulk","parts":2,"partOf":"x"}`:                                        "missing-field /part",
		`{"mode":"bulk","part":0,"partOf":"x","parts":2,"persons":` + people(1) + `}`:   "malformed /part",
		`{"mode":"bulk","part":3,"partOf":"x","parts":2,"persons":` + people(1) + `}`:   "malformed /part",
		`{"mode":"bulk","part":"1","partOf":"x","parts":2,"persons":` + people(1) + `}`: "malformed /part",
		`{"mode":"bulk","part":1,"partOf":"","parts":2,"persons":` + people(1) + `}`:    "malformed /partOf",
		`{"mode":"bulk","part":1,"partOf":2,"parts":2,"persons":` + people(1) + `}`:     "malformed /partOf",
		part("[]"):                "malformed /persons",
		part(people(MaxPart + 1)): "malformed /persons",
		`{"mode":"bulk","part":1,"partOf":"x","parts":2}`: "malformed /persons",
	} {
		_, err := ParseEvent([]byte(of("data.shared", in, shares)))
		got := ""
		if p := (*Problem)(nil); errors.As(err, &p) {
			got = p.Code + " " + strings.TrimPrefix(p.Pointer, "/data/subjects")
		}
		if got != want {
			t.Errorf("%.120s: %q, want %q", in, got, want)
		}
	}
}

// entryOf is the entry of an event, with as many tags as it names persons.
func entryOf(tb testing.TB, text string) *Entry {
	tb.Helper()
	ev := mustEvent(tb, text)
	f := factsOf(ev)
	e, err := ev.Entry(f)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return e
}

// factsOf are what a writer that knows no register adds to an event.
func factsOf(ev *Event) Facts {
	f := Facts{
		Name: EventName{1}, Organization: "city", OccurredOn: "2026-06-24", UntilOn: "2026-06-24", RecordedOn: "2026-06-24",
		RecordedAt: facts.RecordedAt, PartOf: EventName{2}, Counterpart: EventName{3}, Digests: digests(ev.Kind.Slots() + ev.Named()),
	}
	if ev.Kind.Seals {
		f.OccurredOn, f.RecordedOn = QuarterOf(f.OccurredOn), QuarterOf(f.RecordedOn)
	}
	for i := range ev.Named() {
		f.Tags = append(f.Tags, Tag{byte(i >> 8), byte(i)})
	}
	slices.SortFunc(f.Tags, func(a, b Tag) int { return cmpString(a.String(), b.String()) })
	for _, r := range ev.References() {
		f.Unresolved = append(f.Unresolved, r.Name)
	}
	return f
}

// with is the entry as it would be written with another value at path, and as
// many digests as it has tags then.
func (e *Entry) with(path string, v Value) []byte {
	o := e.fields.With(path, v)
	if n := e.Kind.Slots(); n > 0 {
		tags, _ := o.At("subjects.tags")
		o = o.With("_sd", digestList(digests(n+len(tags.Items()))))
	}
	return o.Append(nil)
}

// tagList are tags written as given, a byte each.
func tagList(of ...byte) Value {
	out := make([]string, len(of))
	for i, b := range of {
		out[i] = Tag{b}.String()
	}
	return Strings(out)
}

// TestEntriesRefuseOtherSubjects changes what entries of each mode say of persons.
func TestEntriesRefuseOtherSubjects(t *testing.T) {
	single := entryOf(t, of("data.shared", `{"mode":"single","persons":[`+anna+`]}`, shares))
	several := entryOf(t, of("data.shared", `{"mode":"several","persons":`+people(3)+`}`, shares))
	head := entryOf(t, of("data.shared", `{"mode":"bulk","parts":2}`, shares))
	part := entryOf(t, of("data.shared", `{"mode":"bulk","part":2,"partOf":"x","parts":2,"persons":`+people(3)+`}`, shares))
	many := func(n int) Value {
		list := make([]string, n)
		for i := range list {
			list[i] = Tag{byte(i >> 8), byte(i)}.String()
		}
		slices.Sort(list)
		return Strings(list)
	}
	name := String(EventName{9}.String())
	for _, c := range []struct {
		what  string
		entry *Entry
		path  string
		v     Value
		fits  bool
	}{
		{"another tag", single, "subjects.tags", tagList(8), true},
		{"two persons", several, "subjects.tags", tagList(1, 2), true},
		{"ten persons", several, "subjects.tags", many(10), true},
		{"a part of one", part, "subjects.tags", tagList(1), true},
		{"a full part", part, "subjects.tags", many(MaxPart), true},
		{"another part", part, "subjects.part", Integer(1), true},
		{"of another head", part, "subjects.partOf", name, true},
		{"as many parts as can be", head, "subjects.parts", Integer(MaxParts), true},

		{"tags in another order", several, "subjects.tags", tagList(2, 1, 3), false},
		{"a tag twice", several, "subjects.tags", tagList(1, 2, 2), false},
		{"a tag twice in a part", part, "subjects.tags", tagList(2, 2), false},
		{"several with one tag", several, "subjects.tags", tagList(1), false},
		{"several with eleven", several, "subjects.tags", many(11), false},
		{"several with none", several, "subjects.tags", tagList(), false},
		{"single with two", single, "subjects.tags", tagList(1, 2), false},
		{"single with none", single, "subjects.tags", tagList(), false},
		{"a tag that is none", single, "subjects.tags", Strings([]string{"tag"}), false},
		{"a tag with spare bits", single, "subjects.tags", Strings([]string{strings.Repeat("A", 21) + "B"}), false},
		{"a tag alone", single, "subjects.tags", String(Tag{1}.String()), false},
		{"a number for a tag", single, "subjects.tags", List(Integer(1)), false},
		{"a head with tags", head, "subjects.tags", tagList(1), false},
		{"a head with a part", head, "subjects.part", Integer(1), false},
		{"a head that names one", head, "subjects.partOf", name, false},
		{"a head of no parts", head, "subjects.parts", Integer(0), false},
		{"a head of too many parts", head, "subjects.parts", Integer(MaxParts + 1), false},
		{"a head of parts in text", head, "subjects.parts", String("2"), false},
		{"part 0", part, "subjects.part", Integer(0), false},
		{"part 3 of 2", part, "subjects.part", Integer(3), false},
		{"part -1", part, "subjects.part", Integer(-1), false},
		{"more tags than a part has", part, "subjects.tags", many(MaxPart + 1), false},
		{"a part of an id", part, "subjects.partOf", String("case 17"), false},
		{"a part without tags", part, "subjects.tags", tagList(), false},
		{"a part of parts", part, "subjects.mode", String("several"), false},
		{"several in parts", several, "subjects.parts", Integer(2), false},
		{"nobody with tags", single, "subjects.mode", String("none"), false},
		{"another mode", single, "subjects.mode", String("many"), false},
		{"persons", single, "subjects.persons", List(), false},
		{"no object", single, "subjects", String("single"), false},
	} {
		b := c.entry.with(c.path, c.v)
		if e, err := ParseEntry(b); (err == nil) != c.fits || err == nil && string(e.Append(nil)) != string(b) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestEntriesRefuseOtherTimes: a quarter is no day and a day no quarter, an exact
// time is neither, and nothing that is of the ledger as a whole names an organization.
func TestEntriesRefuseOtherTimes(t *testing.T) {
	one := `{"mode":"single","persons":[` + anna + `]}`
	name := EventName{5}.String()
	share := entryOf(t, of("data.shared", one, shares))
	placed := entryOf(t, of("seal.placed", one, `,"group":"crime","reviewIn":"2026-Q4"`))
	lifted := entryOf(t, of("seal.lifted", one, `,"how":"date","seal":"`+name+`"`))
	disclosed := entryOf(t, of("event.disclosed", one, ``))
	shredded := entryOf(t, of("key.shredded", `{"mode":"none"}`, `,"what":"month","month":"2026-06"`))
	rotated := entryOf(t, strings.Replace(of("key.rotated", "", `"what":"master"`), `"subjects":`, "", 1))
	if v, ok := rotated.Value("organization"); ok {
		t.Fatalf("an organization is named: %s", v.Text())
	}
	for _, c := range []struct {
		what  string
		entry *Entry
		path  string
		text  string
		fits  bool
	}{
		{"another quarter", placed, "occurredAt", "2026-Q1", true},
		{"another day", share, "recordedAt", "2026-06-25", true},
		{"another month", shredded, "month", "2025-12", true},
		{"a seal on a day", placed, "occurredAt", "2026-06-24", false},
		{"a seal recorded on a day", lifted, "recordedAt", "2026-06-24", false},
		{"a seal at a time", placed, "recordedAt", "2026-06-24T09:00:00Z", false},
		{"a fifth quarter", placed, "occurredAt", "2026-Q5", false},
		{"a review on a day", placed, "reviewIn", "2026-12-01", false},
		{"data in a quarter", share, "occurredAt", "2026-Q2", false},
		{"data recorded in a quarter", share, "recordedAt", "2026-Q2", false},
		{"data at a time", share, "occurredAt", "2026-06-24T09:00:00Z", false},
		{"a disclosure in a quarter", disclosed, "recordedAt", "2026-Q2", false},
		{"keys of a day", shredded, "month", "2026-06-01", false},
		{"keys of a month that is none", shredded, "month", "2026-13", false},
		{"keys destroyed in a quarter", shredded, "occurredAt", "2026-Q2", false},
		{"the ledger on a day", rotated, "recordedAt", "2026-06-24", false},
		{"the ledger in a quarter", rotated, "occurredAt", "2026-Q2", false},
		{"the ledger for a city", rotated, "organization", "city", false},
		{"what is sealed", placed, "ground", "LegallyExempted", false},
		{"whom it is for", placed, "officer", "jo", false},
		{"its end", lifted, "until", "2026-12-01", false},
		{"the key of a trail", disclosed, "key", Digest{}.String(), false},
		{"a seal by its id", lifted, "seal", "seal/1", false},
	} {
		if _, err := ParseEntry(c.entry.with(c.path, String(c.text))); (err == nil) != c.fits {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	o := share.Fields()
	i, _ := o.find("organization")
	if _, err := ParseEntry(slices.Delete(slices.Clone(o), i, i+1).Append(nil)); err == nil {
		t.Error("an entry about no organization is accepted")
	}
}

// TestSees is the whole table of what a relation sees of the private fields that
// are open to persons at all.
func TestSees(t *testing.T) {
	all := map[string]bool{}
	for _, k := range Kinds() {
		for _, f := range k.Fields {
			if f.Class == SealedAll || f.Class == Hers || f.isPrivate() {
				all[f.Path] = true
			}
		}
	}
	for _, own := range []string{"sequence", "occurredAt", "recordedAt"} {
		all[own] = true
	}
	if len(all) < 14 {
		t.Fatalf("only %d fields are open to persons: %v", len(all), all)
	}
	some := map[string][]string{
		"household": {"occurredAt", "recordedAt", "dataset"}, "proxy": {"occurredAt", "recordedAt", "dataset"}, "incidental": {"occurredAt"},
	}
	for _, relation := range append(CodeRelation.Terms(), "", "stranger") {
		for field := range all {
			want := relation == "principal" || relation == "minor" || slices.Contains(some[relation], field)
			if Sees(relation, field) != want {
				t.Errorf("%s sees %s: %v", relation, field, !want)
			}
		}
	}
}

// TestFullPartFits fills a part of each kind of data with as many persons as it
// may have and the longest references there are: it fits into an entry, but for
// lists of them, which are refused with words.
func TestFullPartFits(t *testing.T) {
	long := strings.Repeat("a", 96)
	subjects, err := ParseValue([]byte(`{"mode":"bulk","part":1000000,"partOf":"x","parts":1000000,"persons":` + people(MaxPart) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, k := range Kinds() {
		if !k.IsData() {
			continue
		}
		data := Object{}
		for _, f := range k.Fields {
			if f.isPublic() && f.Type != Persons {
				data = data.With(f.Path, longest(f, long))
			}
		}
		data = data.With("subjects", subjects)
		ev, err := CheckEvent(Nested(Object{
			{"data", Nested(data)},
			{"id", String("1")},
			{"source", String(long)},
			{"specversion", String("1.0")},
			{"time", String("2026-06-24T08:30:00Z")},
			{"type", String(TypePrefix + k.Name + TypeSuffix)},
		}))
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		f := factsOf(ev)
		f.Organization, f.Unresolved = long, nil
		for _, known := range []bool{true, false} {
			if !known {
				f.Unresolved = append(factsOf(ev).Unresolved, "organization")
				slices.Sort(f.Unresolved)
			}
			e, err := ev.Entry(f)
			if err != nil {
				t.Fatalf("%s: %v", k.Name, err)
			}
			most = max(most, len(e.Append(nil)))
		}
	}
	if most < 60_000 {
		t.Errorf("the longest part has only %d bytes", most)
	}
	t.Logf("the longest part has %d bytes of 65,535", most)
	refs := make([]string, MaxList)
	for i := range refs {
		refs[i] = long
	}
	inputs := Strings(refs)
	ev := mustEvent(t, of("data.derived", `{"mode":"bulk","part":1,"partOf":"x","parts":2,"persons":`+people(MaxPart)+`}`,
		`,"output":"city/x","inputs":`+string(inputs.Append(nil))))
	f := factsOf(ev)
	f.Unresolved = nil
	var p *Problem
	if _, err := ev.Entry(f); !errors.As(err, &p) || p.Code != "entry-too-large" {
		t.Errorf("a part with %d inputs: %v", len(refs), err)
	}
}

// longest is a value of a public field that is as long as any in the entry.
func longest(f Field, reference string) Value {
	v := String(reference)
	switch f.Type {
	case Coded:
		v = String(slices.MaxFunc(f.Code.Terms(), func(a, b string) int { return len(a) - len(b) }))
	case Count, Number:
		v = Integer(maxInteger)
	case Flag:
		v = Boolean(false)
	case Date:
		v = String("2026-06-24")
	case Instant:
		v = String("2026-06-24T09:30:00Z")
	case Period:
		v = String("P" + strings.Repeat("9", 9) + "Y" + strings.Repeat("9", 9) + "M" + strings.Repeat("9", 9) + "D")
	case Name:
		v = Nested(Object{{"id", String("1")}, {"organization", String(reference)}, {"source", String(reference)}})
	}
	if f.List {
		return List(v)
	}
	return v
}
