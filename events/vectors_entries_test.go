package events

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sampleWitness has the form of a witness's key.
const sampleWitness = "library.example/w1+3f1a9c04+BAo2bzXzhNlyv9bT4ZrG0uGm5YQ8n3Qq7c1kq0F5b0Zu"

// sample is the value that vectors give a field.
func sample(f Field) Value {
	v, ok := map[Type]Value{
		Reference: String("city/" + strings.ToLower(strings.ReplaceAll(f.Path, ".", "-"))), Date: String("2026-12-01"), Instant: String("2026-06-24T11:00:00+02:00"),
		Period: String("P30D"), Count: Integer(24), Number: Integer(3), Flag: Boolean(true), Link: String("https://city.example/text"), Decimal: String("-87.624179"),
		Hash: String(strings.Repeat("0f", 32)), Zone: String("Europe/Tallinn"), Prose: String("Words for everyone: “é”, 😀 and \\.\nMore of them."), Line: String("one \"line\""),
		Named: String(EventName(public(f.Path, 16)).String()), Key: String(Digest(public(f.Path, 32)).String()), Quarter: String("2026-Q4"), Month: String("2026-06"),
		WitnessKey: String(sampleWitness), Policy: String("witness library " + sampleWitness + "\ngroup all 1 library\nquorum all\n"),
		Persons: Nested(Object{{"mode", String("none")}}),
		Name:    Nested(Object{{"id", String("case 17")}, {"organization", String("county")}, {"source", String("county/app")}}),
	}[f.Type]
	switch {
	case f.Type == Coded:
		v = String(f.Code.Terms()[0])
	case !ok:
		panic("no sample of " + f.Path)
	}
	if f.List {
		return List(v)
	}
	return v
}

// sampleEvent is an event of a kind with all its fields, or those it needs.
func sampleEvent(tb testing.TB, k *Kind, full bool, subjects string) *Event {
	tb.Helper()
	data := Object{}
	for _, f := range k.Fields {
		if full || f.Required || strings.HasPrefix(f.Path, k.Needs+".l") && k.Needs != "" {
			data = data.With(f.Path, sample(f))
		}
	}
	if subjects != "" {
		v, err := ParseValue([]byte(subjects))
		if err != nil {
			tb.Fatal(err)
		}
		data = data.With("subjects", v)
	}
	source := "city/app"
	if k.By == RoleLedger || k.By == Officer {
		source = "daybook"
	}
	e, err := CheckEvent(Nested(Object{
		{"data", Nested(data)},
		{"id", String("case 17")},
		{"source", String(source)},
		{"specversion", String("1.0")},
		{"time", String("2026-06-24T10:30:00+02:00")},
		{"type", String(TypePrefix + k.Name + TypeSuffix)},
	}))
	if err != nil {
		tb.Fatalf("%s: %v", k.Name, err)
	}
	return e
}

// sampleEntry is the entry of an event, with tags and digests of public words and
// every reference known, or none.
func sampleEntry(tb testing.TB, ev *Event, known bool) []byte {
	tb.Helper()
	f := factsOf(ev)
	f.Name, f.PartOf, f.Counterpart = EventName(public("event", 16)), EventName(public("head", 16)), EventName(public("counterpart", 16))
	for i := range f.Digests {
		f.Digests[i] = Digest(public(fmt.Sprint("digest ", i), 32))
	}
	for i := range f.Tags {
		f.Tags[i] = Tag(public(fmt.Sprint("tag ", i), 16))
	}
	slices.SortFunc(f.Tags, func(a, b Tag) int { return cmpString(a.String(), b.String()) })
	if known {
		f.Unresolved = nil
	} else if !ev.Kind.Whole {
		f.Unresolved = append(f.Unresolved, "organization")
		slices.Sort(f.Unresolved)
	}
	e, err := ev.Entry(f)
	if err != nil {
		tb.Fatalf("%s: %v", ev.Kind.Name, err)
	}
	return e.Append(nil)
}

// sampleModes are subjects in each mode that names somebody, by name.
func sampleModes() [][2]string {
	return [][2]string{
		{"single", `{"mode":"single","persons":` + people(1) + `}`},
		{"several", `{"mode":"several","persons":` + people(3) + `}`},
		{"several-ten", `{"mode":"several","persons":` + people(10) + `}`},
		{"bulk-head", `{"mode":"bulk","parts":2}`},
		{"bulk-part", `{"mode":"bulk","part":2,"partOf":"case 17","parts":2,"persons":` + people(3) + `}`},
	}
}

func sampleOpened(tb testing.TB) []byte {
	tb.Helper()
	e, err := Opened{
		Name: EventName(public("event", 16)), RecordedAt: facts.RecordedAt, Origin: "vectors.example/log", Log: "vectors.example/log+e502cf56+AYTToHFvp/zBc6yuhoq6aQrVX5yBEL9NchOQfrEj4pMW",
		Receipt: "vectors.example/log/receipt+144b571c+AS9K63TFioqCEG9Y6FhoZmHnUVmOw5xUk13hUgonZjQg", Index: "vectors.example/log/index+00000000+AQ",
		VRF: public("vrf", 32), Policy: "quorum none\n", Formats: []string{EntryFormat},
	}.Entry()
	if err != nil {
		tb.Fatal(err)
	}
	return e.Append(nil)
}

func sampleEnrolled(tb testing.TB, n int) []byte {
	tb.Helper()
	pairs := make([]Pair, n)
	for i := range pairs {
		copy(pairs[i].Label[:], append(public(fmt.Sprint("label ", i), 32), public(fmt.Sprint("label, on ", i), 32)...))
		pairs[i].Commitment = [32]byte(public(fmt.Sprint("commitment ", i), 32))
	}
	e, err := Enrolled(EventName(public("event", 16)), facts.RecordedAt, pairs)
	if err != nil {
		tb.Fatal(err)
	}
	return e.Append(nil)
}

func entryVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	l.accept("ledger.opened", "entry 0", sampleOpened(tb))
	l.accept("subject.enrolled", "two persons", sampleEnrolled(tb, 2))
	for _, k := range Kinds() {
		if !k.Open || len(k.Fields) == 0 {
			continue
		}
		l.accept(k.Name+" full", "with every field, all references known", sampleEntry(tb, sampleEvent(tb, k, true, ""), true))
		l.accept(k.Name+" least", "with what it needs, no reference known", sampleEntry(tb, sampleEvent(tb, k, false, ""), false))
		if _, ok := k.Field("subjects"); !ok {
			continue
		}
		for _, m := range sampleModes() {
			if m[0] == "single" || k.Name == "data.shared" {
				l.accept(k.Name+" "+m[0], "about persons, mode "+m[0], sampleEntry(tb, sampleEvent(tb, k, true, m[1]), true))
			}
		}
	}
	share, _ := FindKind("data.shared")
	l.accept("full part", "as many tags as a part may have", sampleEntry(tb, sampleEvent(tb, share, false, `{"mode":"bulk","part":1,"partOf":"x","parts":1,"persons":`+people(MaxPart)+`}`), true))
	rejectedForms(l)
	rejectedFields(l)
	rejectedSubjects(l)
	return l.file(EntryFormat, "The public part of an event, which is a leaf of the log, as its bytes. An entry has one form.")
}

// rejectedForms are entries in another form than the one they have.
func rejectedForms(l *vectorList) {
	share, _ := FindKind("data.shared")
	registered, _ := FindKind("system.registered")
	b := sampleEntry(l.tb, sampleEvent(l.tb, share, true, ""), true)
	text := sampleEntry(l.tb, sampleEvent(l.tb, registered, true, ""), true)
	for _, c := range []struct{ name, reason, from, to string }{
		{"other format", "of another version", "daybook/entry@1", "daybook/entry@2"},
		{"space", "a space between members", `","kind"`, `", "kind"`},
		{"not sorted", "members in another order", `"agreement":"city/agreement","approval":"city/approval"`, `"approval":"city/approval","agreement":"city/agreement"`},
		{"null", "null is no value of an entry", `"emergency":true`, `"emergency":null`},
		{"fraction", "no number has a fraction", `"emergency":true`, `"emergency":1.5`},
		{"number for a flag", "another type", `"emergency":true`, `"emergency":1`},
		{"escaped letter", "an escape that is not needed", `"kind":"data.shared"`, `"kind":"data.sh\u0061red"`},
		{"unknown kind", "no such kind", `"kind":"data.shared"`, `"kind":"data.eaten"`},
		{"later kind", "a kind that is named and not open", `"kind":"data.shared"`, `"kind":"dispute.opened"`},
		{"event of 15 bytes", "the event's name is 16 bytes", `"event":"` + EventName(public("event", 16)).String(), `"event":"` + binary64.EncodeToString(public("event", 15))},
	} {
		l.spoil(c.name, c.reason, b, c.from, c.to)
	}
	l.reject("longer escape", "the shorter escape is the one form", bytes.Replace(text, []byte(`\n`), []byte(`\u000a`), 1))
	l.reject("text out of order", "a mark that makes text display in another order", bytes.Replace(text, []byte("Words"), []byte("Wo\u202erds"), 1))
	l.reject("newline after", "a byte after the end", append(bytes.Clone(b), '\n'))
	l.reject("cut off", "a byte less", b[:len(b)-1])
	l.reject("nothing", "no bytes", nil)
	l.reject("not UTF-8", "a byte that is no text", bytes.Replace(text, []byte("Words"), []byte("W\xffrds"), 1))
	l.reject("doubled name", "a member twice", bytes.Replace(b, []byte(`{"$":`), []byte(`{"$":"daybook/entry@1","$":`), 1))
	l.reject("a list", "no object", append(append([]byte("["), b...), ']'))
}

// rejectedFields are entries with members their kinds do not have, or not so.
func rejectedFields(l *vectorList) {
	entry := func(kind string, full bool, subjects string) []byte {
		k, _ := FindKind(kind)
		return sampleEntry(l.tb, sampleEvent(l.tb, k, full, subjects), full)
	}
	single := sampleModes()[0][1]
	share, one, placed := entry("data.shared", true, ""), entry("data.shared", true, single), entry("seal.placed", true, single)
	sd := `{"$":"daybook/entry@1","_sd":["`
	first, second := string(share[len(sd):len(sd)+43]), string(share[len(sd)+46:len(sd)+89])
	for _, c := range []struct {
		name, reason string
		b            []byte
		from, to     string
	}{
		{"field of another kind", "no field of the kind", share, `"emergency"`, `"class":"Private","emergency"`},
		{"private field", "the reason is not public", share, `"recipient"`, `"reasonText":"why","recipient"`},
		{"dataset of one person", "which data it was is hers to know", one, `"disclosureClass"`, `"dataset":"city/dataset","disclosureClass"`},
		{"exact time", "a coarse kind has days", share, `"occurredAt":"2026-06-24"`, `"occurredAt":"2026-06-24T08:30:00Z"`},
		{"no such day", "not a day of the calendar", share, `"occurredAt":"2026-06-24"`, `"occurredAt":"2026-06-31"`},
		{"quarter for a day", "quarters are for seals", share, `"recordedAt":"2026-06-24"`, `"recordedAt":"2026-Q2"`},
		{"day for a quarter", "seals have quarters", placed, `"occurredAt":"2026-Q2"`, `"occurredAt":"2026-06-24"`},
		{"fifth quarter", "there are four", placed, `"reviewIn":"2026-Q4"`, `"reviewIn":"2026-Q5"`},
		{"ground of a seal", "only its group is public", placed, `"group"`, `"ground":"LegallyExempted","group"`},
		{"end of a seal", "the day on which it ends is not public", placed, `"source":"daybook"`, `"source":"daybook","until":"2026-12-01"`},
		{"case of a seal", "what it covers is not public", placed, `"event"`, `"caseRef":"17","event"`},
		{"organization of the whole ledger", "key.rotated names none", entry("key.rotated", true, ""), `"recordedAt"`, `"organization":"city","recordedAt"`},
		{"no organization", "all other kinds name one", share, `"organization":"city",`, ``},
		{"no such term", "no term of the code list", share, `"disclosureClass":"routine"`, `"disclosureClass":"Routine"`},
		{"missing field", "data.shared needs a recipient", share, `"recipient":"city/recipient",`, ``},
		{"empty object", "an object has a member", share, `"transfer":{"country":"AD","safeguard":"adequacy"}`, `"transfer":{}`},
		{"exact count", "counts are ranges", entry("data.collected", true, ""), `"records":"11-100"`, `"records":24`},
		{"key of a trail", "it is for her alone", entry("event.disclosed", true, single), `"kind"`, `"key":"` + Digest(public("key", 32)).String() + `","kind"`},
		{"month of a day", "a month has no day", entry("key.shredded", true, single), `"month":"2026-06"`, `"month":"2026-06-01"`},
		{"digest missing", "a kind has a fixed number", share, `"` + first + `",`, ``},
		{"digest twice", "each stands once", share, `"` + second + `"`, `"` + first + `"`},
		{"digest with spare bits", "bits that no byte takes are zero", share, first, first[:42] + string(first[42]+1)},
		{"unresolved and known", "what is unresolved is shown as ?", entry("data.shared", false, ""), `"recipient":"?"`, `"recipient":"county"`},
		{"unknown and not unresolved", "what is shown as ? is unresolved", share, `"recipient":"city/recipient"`, `"recipient":"?"`},
		{"unresolved field that is not there", "it names fields of the entry", entry("data.shared", false, ""), `"unresolved":["dataset","organization","recipient"]`, `"unresolved":["activity","dataset","organization","recipient"]`},
		{"unresolved out of order", "it is sorted", entry("data.shared", false, ""), `"unresolved":["dataset","organization","recipient"]`, `"unresolved":["organization","dataset","recipient"]`},
		{"link with a query", "text could hide there", entry("system.registered", true, ""), `https://city.example/text`, `https://city.example/text?anna`},
		{"link with another host", "a host is a name or an address", entry("system.registered", true, ""), `https://city.example/text`, `https://city%2eexample/text`},
		{"link with a bracket", "the path has the characters of RFC 3986", entry("system.registered", true, ""), `https://city.example/text`, `https://city.example/te]xt`},
		{"organization null", "nothing in an entry is null", entry("key.rotated", true, ""), `"recordedAt"`, `"organization":null,"recordedAt"`},
		{"member with a dot", "members of an object stand in it", share, `"transfer":{"country":"AD","safeguard":"adequacy"}`, `"transfer.country":"AD"`},
	} {
		l.spoilSorted(c.name, c.reason, c.b, c.from, c.to)
	}
	enrolled := sampleEnrolled(l.tb, 2)
	at := bytes.Index(enrolled, []byte(`},{`))
	swapped := string(enrolled[bytes.Index(enrolled, []byte(`[`))+1 : at+1])
	rest := string(enrolled[at+2 : bytes.Index(enrolled, []byte(`]`))])
	l.spoilSorted("pairs out of order", "pairs are sorted by label", enrolled, swapped+","+rest, rest+","+swapped)
	l.spoilSorted("no pairs", "it enrols somebody", enrolled, swapped+","+rest, "")
	l.spoilSorted("exact time of enrolment", "it would give away that of an event", enrolled, `"recordedAt":"2026-06-24"`, `"recordedAt":"2026-06-24T09:00:00Z"`)
	l.spoilSorted("opened without a policy", "entry 0 has all its members", sampleOpened(l.tb), `"policy":"quorum none\n",`, ``)
}

// rejectedSubjects are entries that say of persons what no writer says.
func rejectedSubjects(l *vectorList) {
	modes := map[string]*Entry{}
	share, _ := FindKind("data.shared")
	for _, m := range sampleModes() {
		e, err := ParseEntry(sampleEntry(l.tb, sampleEvent(l.tb, share, false, m[1]), true))
		if err != nil {
			l.tb.Fatal(err)
		}
		modes[m[0]] = e
	}
	for _, c := range []struct {
		name, reason, mode, path string
		v                        Value
	}{
		{"tags out of order", "tags are sorted as text", "several", "subjects.tags", tagList(2, 1, 3)},
		{"tag twice", "each tag stands once", "several", "subjects.tags", tagList(1, 1)},
		{"several with one", "several are two or more", "several", "subjects.tags", tagList(1)},
		{"several with eleven", "several are at most ten", "several-ten", "subjects.tags", tagList(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)},
		{"single with two", "single is one", "single", "subjects.tags", tagList(1, 2)},
		{"single without", "single is one", "single", "subjects.tags", tagList()},
		{"nobody with a tag", "nobody has none", "single", "subjects.mode", String("none")},
		{"part 3 of 2", "a part is one of the parts", "bulk-part", "subjects.part", Integer(3)},
		{"part 0", "parts are counted from 1", "bulk-part", "subjects.part", Integer(0)},
		{"part of an id", "the head is named by its public name", "bulk-part", "subjects.partOf", String("case 17")},
		{"part without tags", "a part names persons", "bulk-part", "subjects.tags", tagList()},
		{"head with tags", "its parts name persons", "bulk-head", "subjects.tags", tagList(1)},
		{"head of no parts", "it has one or more", "bulk-head", "subjects.parts", Integer(0)},
		{"head of too many parts", "it has at most a million", "bulk-head", "subjects.parts", Integer(MaxParts + 1)},
		{"several in parts", "only a bulk event has parts", "several", "subjects.parts", Integer(2)},
		{"unknown mode", "no such mode", "several", "subjects.mode", String("many")},
		{"persons in clear", "only tags are public", "single", "subjects.persons", List(Nested(Object{{"scheme", String("plate")}, {"value", String("ABC123")}}))},
	} {
		l.reject(c.name, c.reason, modes[c.mode].with(c.path, c.v))
	}
}

func eventVectors(tb testing.TB) vectorFile {
	l := &vectorList{tb: tb}
	sent := func(ev *Event) []byte {
		return Object{
			{"data", Nested(ev.Data)},
			{"id", String(ev.ID)},
			{"source", String(ev.Source)},
			{"specversion", String("1.0")},
			{"time", String(ev.Given)},
			{"type", String(TypePrefix + ev.Kind.Name + TypeSuffix)},
		}.Append(nil)
	}
	for _, k := range Kinds() {
		if !k.Open || len(k.Fields) == 0 {
			continue
		}
		l.accept(k.Name+" full", "with every field", sent(sampleEvent(tb, k, true, "")))
		l.accept(k.Name+" least", "with what it needs", sent(sampleEvent(tb, k, false, "")))
	}
	share, _ := FindKind("data.shared")
	for _, m := range sampleModes() {
		l.accept("data.shared "+m[0], "about persons, mode "+m[0], sent(sampleEvent(tb, share, true, m[1])))
	}
	l.accept("spread out", "space, another order of members and attributes that are not known", []byte(accessed))
	base := sent(sampleEvent(tb, share, false, sampleModes()[1][1]))
	for _, c := range []struct{ name, reason, from, to string }{
		{"no id", "an event needs an id", `"id":"case 17",`, ``},
		{"empty id", "an id has a character", `"id":"case 17"`, `"id":""`},
		{"id on two lines", "an id is on one line", `"id":"case 17"`, `"id":"case\n17"`},
		{"other specversion", "CloudEvents 1.0", `"specversion":"1.0"`, `"specversion":"0.3"`},
		{"other prefix", "types begin with org.daybook.", `org.daybook.data`, `com.daybook.data`},
		{"other version", "types end with .v1", `.v1`, `.v2`},
		{"later kind", "named and not open", `data.shared`, `dispute.opened`},
		{"local time", "a time has an offset", `10:30:00+02:00`, `10:30:00`},
		{"comma in a time", "RFC 3339 has a point", `10:30:00+02:00`, `10:30:00,5+02:00`},
		{"source in capitals", "a source is a reference", `"source":"city/app"`, `"source":"City/App"`},
		{"null", "no field is null", `"recipient":"city/recipient"`, `"recipient":null`},
		{"doubled field", "a member twice", `"recipient":"city/recipient"`, `"recipient":"a","recipient":"b"`},
		{"unknown field", "no field of the kind", `"recipient"`, `"note":"x","recipient"`},
		{"tags", "tags are the ledger's to give", `"mode":"several"`, `"mode":"several","tags":[]`},
		{"another relation", "no term of the code list", `"value":"0"`, `"relation":"friend","value":"0"`},
		{"parts of several", "only a bulk event has parts", `"mode":"several"`, `"mode":"several","parts":2`},
		{"bulk with persons and no part", "the parts of a bulk event name persons", `"mode":"several"`, `"mode":"bulk","parts":2`},
		{"lone surrogate", "half of a surrogate pair", `"value":"0"`, `"value":"\ud83d"`},
	} {
		l.spoil(c.name, c.reason, base, c.from, c.to)
	}
	l.spoil("several with one", "several are two or more", base, people(3), people(1))
	l.spoil("several with eleven", "several are at most ten", base, people(3), people(11))
	return l.file("daybook event, CloudEvents 1.0", "What a service sends, in the structured mode of CloudEvents. Spelling is free; what is refused is refused with 422.")
}
