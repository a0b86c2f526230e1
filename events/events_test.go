package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"
)

const accessed = `{"specversion":"1.0","id":"case-17","source":"city/app","type":"org.daybook.data.accessed.v1",
 "time":"2026-06-24T08:30:00.5+02:00","ignored":null,"data":{"system":"city/app","operation":"Query","outcome":"success",
 "dataset":"city/people","scope":{"unit":"record","count":3},"reasonText":"why","actor":{"id":"jo","unit":"desk-1"},
 "subjects":{"mode":"single","persons":[{"scheme":"example","value":"anna"}]}}}`

var facts = Facts{
	Name: EventName{1}, Organization: "city", OccurredOn: "2026-06-24", RecordedOn: "2026-06-24",
	RecordedAt: time.Date(2026, 6, 24, 9, 0, 0, 0, time.UTC), Tags: []Tag{{7}},
}

func mustEvent(t testing.TB, s string) *Event {
	t.Helper()
	e, err := ParseEvent([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func digests(n int) (out []Digest) {
	for i := range n {
		out = append(out, Digest{byte(i), 9, byte(i >> 8)})
	}
	return out
}

func TestEntryShowsOnlyWhatIsPublic(t *testing.T) {
	ev := mustEvent(t, accessed)
	f := facts
	f.Digests = digests(14)
	e, err := ev.Entry(f)
	if err != nil {
		t.Fatal(err)
	}
	b := e.Append(nil)
	for _, private := range []string{"case-17", "why", "jo", "desk-1", "anna", "city/people", "08:30", `"count":3`} {
		if bytes.Contains(b, []byte(private)) {
			t.Errorf("entry shows %q: %s", private, b)
		}
	}
	if got := e.Text("scope.count"); got != "2-10" {
		t.Errorf("count shown as %q", got)
	}
	again, err := ParseEntry(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Append(nil), b) {
		t.Error("parse and append differ")
	}
	names := []string{}
	for _, s := range ev.Slots(f) {
		names = append(names, s.Name)
	}
	want := []string{"id", "occurredAt", "recordedAt", "actor.id", "actor.unit", "dataset", "reasonText", "counts"}
	if !slices.Equal(names, want) {
		t.Errorf("slots %v, want %v", names, want)
	}
}

func TestUnknownReferencesAreHidden(t *testing.T) {
	ev := mustEvent(t, `{"specversion":"1.0","id":"1","source":"city/reg","type":"org.daybook.activity.registered.v1","time":"2026-06-24T08:30:00Z",
	"data":{"activity":"city/a","title":"T","datasets":["city/known","secret-plate"],"systems":["sys"]}}`)
	f := facts
	f.Tags, f.Digests, f.Unresolved = nil, digests(3), []string{"datasets/1"}
	e, err := ev.Entry(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Texts("datasets"); !slices.Equal(got, []string{"city/known", "?"}) {
		t.Errorf("datasets %v", got)
	}
	if texts := ev.unresolvedTexts(f); len(texts) != 1 || texts[0].Value.Text() != "secret-plate" {
		t.Errorf("texts %v", texts)
	}
	f.Unresolved = []string{"datasets/7"}
	if _, err := ev.Entry(f); err == nil {
		t.Error("unresolved may name a field that is not there")
	}
}

// TestEveryMutationOfAnEntryIsRefusedOrAnother shows that no two byte strings
// parse as the same entry.
func TestEveryMutationOfAnEntryIsRefusedOrAnother(t *testing.T) {
	f := facts
	f.Digests = digests(14)
	e, _ := mustEvent(t, accessed).Entry(f)
	b := e.Append(nil)
	for i := range b {
		for _, x := range []byte{1, 0x20, 0x80} {
			m := bytes.Clone(b)
			m[i] ^= x
			if got, err := ParseEntry(m); err == nil && !bytes.Equal(got.Append(nil), m) {
				t.Fatalf("byte %d: accepted in another form", i)
			}
		}
		if _, err := ParseEntry(slices.Insert(bytes.Clone(b), i, ' ')); err == nil && b[i] != ' ' && !insideString(b, i) {
			t.Fatalf("a space at %d is accepted", i)
		}
	}
}

func insideString(b []byte, at int) bool { return bytes.Count(b[:at], []byte(`"`))%2 == 1 }

func TestRefusals(t *testing.T) {
	base := func(kind, data string) string {
		return `{"specversion":"1.0","id":"1","source":"s","type":"org.daybook.` + kind + `.v1","time":"2026-06-24T08:30:00Z","data":` + data + `}`
	}
	ok := `"system":"a","operation":"Query","outcome":"success","subjects":{"mode":"none"}`
	for _, c := range []struct{ in, code, at string }{
		{`{`, "malformed-json", ""},
		{`[]`, "wrong-type", ""},
		{`{"a":1,"a":2}`, "malformed-json", "/a"},
		{`{"a":"\ud800"}`, "malformed-json", "/a"},
		{base("data.accessed", `{`+ok+`,"free":"text"}`), "unknown-field", "/data/free"},
		{base("data.accessed", `{`+ok+`,"scope":{"count":1.5}}`), "wrong-type", "/data/scope/count"},
		{base("data.accessed", `{`+ok+`,"scope":{"count":9007199254740993}}`), "wrong-type", "/data/scope/count"},
		{base("data.accessed", `{`+ok+`,"scope":"x"}`), "wrong-type", "/data/scope"},
		{base("data.accessed", `{`+ok+`,"purpose":"because I said so"}`), "malformed", "/data/purpose"},
		{base("data.accessed", `{`+ok+`,"activity":"Upper Case"}`), "malformed", "/data/activity"},
		{base("data.accessed", `{`+ok+`,"reasonText":null}`), "wrong-type", "/data/reasonText"},
		{base("data.accessed", `{"operation":"Query","outcome":"success","subjects":{"mode":"none"}}`), "missing-field", "/data/system"},
		{base("data.accessed", strings.Replace(`{`+ok+`}`, "none", "bulk", 1)), "malformed", "/data/subjects/parts"},
		{base("data.accessed", strings.Replace(`{`+ok+`}`, "none", "single", 1)), "malformed", "/data/subjects/persons"},
		{base("review.recorded", `{}`), "kind-not-open", "/type"},
		{base("data.eaten", `{}`), "unknown-kind", "/type"},
		{base("system.moved", `{"system":"a"}`), "missing-field", "/data/place"},
		{base("retention.set", `{"dataset":"a","period":"30 days"}`), "malformed", "/data/period"},
		{base("organization.registered", `{"organization":"a","name":"A","kind":"city","timeZone":"../etc"}`), "malformed", "/data/timeZone"},
		{base("organization.registered", `{"organization":"a","name":"A\u202e","kind":"city","timeZone":"UTC"}`), "malformed", "/data/name"},
		{strings.Replace(base("data.accessed", `{`+ok+`}`), "2026-06-24T08:30:00Z", "yesterday", 1), "malformed", "/time"},
		{strings.Replace(base("data.accessed", `{`+ok+`}`), `"source":"s"`, `"source":"//S"`, 1), "malformed", "/source"},
	} {
		_, err := ParseEvent([]byte(c.in))
		var p *Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Pointer != c.at || p.Status != 422 {
			t.Errorf("%s: got %v, want %s at %s", c.in, err, c.code, c.at)
		}
	}
}

func TestEqualContentWhateverTheSpelling(t *testing.T) {
	a := mustEvent(t, accessed)
	b := mustEvent(t, strings.NewReplacer("2026-06-24T08:30:00.5+02:00", "2026-06-24T06:30:00.500Z", `"why"`, `"wh\u0079"`, "\n", " ").Replace(accessed))
	if !bytes.Equal(a.Canonical(), b.Canonical()) {
		t.Errorf("%s\n%s", a.Canonical(), b.Canonical())
	}
	c := mustEvent(t, strings.Replace(accessed, `"count":3`, `"count":4`, 1))
	if bytes.Equal(a.Canonical(), c.Canonical()) {
		t.Error("other content is the same")
	}
}

func anyValue(depth int) *rapid.Generator[Value] {
	text := rapid.Custom(func(t *rapid.T) Value { return String(rapid.String().Draw(t, "s")) })
	number := rapid.Custom(func(t *rapid.T) Value { return Integer(rapid.Int64Range(-maxInteger, maxInteger).Draw(t, "n")) })
	flag := rapid.Custom(func(t *rapid.T) Value { return Boolean(rapid.Bool().Draw(t, "b")) })
	if depth == 0 {
		return rapid.OneOf(text, number, flag)
	}
	list := rapid.Custom(func(t *rapid.T) Value {
		return List(rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "items")...)
	})
	object := rapid.Custom(func(t *rapid.T) Value {
		o := Object{}
		for name, v := range rapid.MapOfN(rapid.StringMatching(`[a-zA-Z$_0-9 "\\]{1,6}`), anyValue(depth-1), 0, 5).Draw(t, "o") {
			i, _ := o.find(name)
			o = slices.Insert(o, i, Member{name, v})
		}
		return Nested(o)
	})
	return rapid.OneOf(text, number, flag, list, object)
}

// TestEncoderEqualsReference compares the encoder with an RFC 8785 library and
// the parser with encoding/json.
func TestEncoderEqualsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "v")
		ours := v.Append(nil)
		want, err := jcs.Transform(ours)
		if object := v.Object(); err != nil && object != nil {
			t.Fatalf("reference refuses %s: %v", ours, err)
		}
		if v.Object() != nil && !bytes.Equal(ours, want) {
			t.Fatalf("ours %s reference %s", ours, want)
		}
		back, err := ParseValue(ours)
		if err != nil || !bytes.Equal(back.Append(nil), ours) {
			t.Fatalf("parsing %s: %v", ours, err)
		}
		if !json.Valid(ours) {
			t.Fatalf("not JSON: %s", ours)
		}
	})
}

func TestDisclosureHasOneForm(t *testing.T) {
	d := Disclosure{Salt: [16]byte{3}, Name: "reasonText", Value: String("why not")}
	got, err := ParseDisclosure(d.Encode())
	if err != nil || got.Digest() != d.Digest() || got.Name != d.Name {
		t.Fatalf("%v %v", got, err)
	}
	loose := binary64.EncodeToString([]byte(`["AwAAAAAAAAAAAAAAAAAAAA", "reasonText","why not"]`))
	if _, err := ParseDisclosure(loose); err == nil {
		t.Error("a space is accepted")
	}
}

func TestMessageAndHeadersHaveOneForm(t *testing.T) {
	fold := Fold{
		OccurredAt: facts.RecordedAt, RecordedAt: facts.RecordedAt, Day: "2026-06-24", Sequence: -1, Hour: 7,
		Persons: []FoldPerson{{Handle{1}, 3, 1, "principal"}}, Actor: "abc", HasReason: true,
	}
	if got, err := ParseFold(fold.Format()); err != nil || fmt.Sprint(got) != fmt.Sprint(fold) {
		t.Fatalf("%v %v", got, err)
	}
	slip := Slip{{Name: "id", Value: String("x")}}
	if got, err := ParseSlip(slip.Format()); err != nil || len(got) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	box := make([]byte, 40)
	m := Message{Entry: []byte("{}"), Boxes: []Box{{BoxFold, box}, {BoxPerson, box}, {BoxPerson, box}, {BoxOfficers, box}}}
	got, err := ParseMessage(m.Format())
	if err != nil || !bytes.Equal(got.Format(), m.Format()) {
		t.Fatal(err)
	}
	for name, boxes := range map[string][]Box{
		"no fold": {{BoxPerson, box}}, "two folds": {{BoxFold, box}, {BoxFold, box}}, "descending": {{BoxFold, box}, {BoxOfficers, box}, {BoxPerson, box}},
		"short": {{BoxFold, box[:20]}}, "unknown": {{BoxFold, box}, {9, box}}, "none": nil,
	} {
		if _, err := ParseMessage(Message{Entry: []byte("{}"), Boxes: boxes}.Format()); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestLedgerEntries(t *testing.T) {
	opened, err := Opened{
		Name: EventName{2}, RecordedAt: facts.RecordedAt, Origin: "localhost/ab", Log: "l", Receipt: "r", Index: "i",
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{EntryFormat},
	}.Entry()
	if err != nil {
		t.Fatal(err)
	}
	pairs := make([]Pair, MaxPairs)
	for i := range pairs {
		pairs[i].Label[0], pairs[i].Label[1] = byte(i), byte(i>>8)
	}
	enrolled, err := Enrolled(EventName{3}, facts.RecordedAt, pairs)
	if err != nil {
		t.Fatalf("a full enrolment must fit: %v", err)
	}
	for _, e := range []*Entry{opened, enrolled} {
		if _, err := ParseEntry(e.Append(nil)); err != nil {
			t.Error(err)
		}
	}
}

// TestNoPublicFieldTakesFreeText holds the table itself: what is public in a
// kind about use of data has a grammar that text and identifiers do not fit,
// or is a reference that a register must know.
func TestNoPublicFieldTakesFreeText(t *testing.T) {
	for _, k := range Kinds() {
		for _, f := range k.Fields {
			switch {
			case f.Class == PublicText && k.By != Registrar:
				t.Errorf("%s.%s is text for publication outside the register", k.Name, f.Path)
			case f.Class == Public && (f.Type == Prose || f.Type == Line):
				t.Errorf("%s.%s is public free text", k.Name, f.Path)
			case f.Class == Public && k.IsData() && f.Type == Reference && f.Register == "":
				t.Errorf("%s.%s publishes a reference nobody checks", k.Name, f.Path)
			case f.Class == Public && k.IsData() && (f.Type == Link || f.Type == Decimal || f.Type == Zone):
				t.Errorf("%s.%s has no place in an event about persons", k.Name, f.Path)
			}
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	fc := facts
	fc.Digests = digests(14)
	e, _ := mustEvent(f, accessed).Entry(fc)
	f.Add(e.Append(nil))
	seeds(f, "entries", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := ParseEntry(b); err == nil && !bytes.Equal(e.Append(nil), b) {
			t.Fatalf("accepted in another form: %q", b)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(accessed))
	seeds(f, "events", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEvent(b)
		if err != nil {
			return
		}
		entry, err := e.Entry(factsOf(e))
		var p *Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("an accepted event makes no entry: %v", err)
		}
		if err == nil {
			if _, err := ParseEntry(entry.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add(Message{Entry: []byte("{}"), Boxes: []Box{{BoxFold, make([]byte, 40)}}}.Format())
	seeds(f, "messages", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := ParseMessage(b); err == nil && !bytes.Equal(m.Format(), b) {
			t.Fatal("accepted in another form")
		}
	})
}

func FuzzParseDisclosure(f *testing.F) {
	f.Add(Disclosure{Name: "id", Value: String("x")}.Encode())
	seeds(f, "disclosures", func(b []byte) { f.Add(string(b)) })
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDisclosure(s); err == nil && d.Encode() != s {
			t.Fatal("accepted in another form")
		}
	})
}

// TestNoFieldHidesAnEntryMember holds that no public field has the name of a
// member every entry has, organization excepted, which is the same thing.
func TestNoFieldHidesAnEntryMember(t *testing.T) {
	for _, k := range Kinds() {
		for _, f := range k.Fields {
			if public := f.Class == Public || f.Class == PublicText; public && f.shown() != "organization" && isEnvelope(f.shown()) {
				t.Errorf("%s.%s hides a member of the entry", k.Name, f.Path)
			}
		}
	}
}

func FuzzParseFold(f *testing.F) {
	seeds(f, "folds", func(b []byte) { f.Add(b) })
	f.Add(Fold{OccurredAt: facts.RecordedAt, RecordedAt: facts.RecordedAt, Day: "2026-06-24", Sequence: -1, Actor: "abc", Persons: []FoldPerson{{Handle{1}, 3, 1, "principal"}}}.Format())
	f.Fuzz(func(t *testing.T, b []byte) {
		if fold, err := ParseFold(b); err == nil && !bytes.Equal(fold.Format(), b) {
			t.Fatal("accepted in another form")
		}
	})
}

func FuzzParseSlip(f *testing.F) {
	f.Add(Slip{{Name: "id", Value: String("x")}, {Name: "counts", Value: Nested(Object{{"records", Integer(3)}})}}.Format())
	seeds(f, "slips", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseSlip(b); err == nil && !bytes.Equal(s.Format(), b) {
			t.Fatal("accepted in another form")
		}
	})
}
