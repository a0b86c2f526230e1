package events

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"
)

// secret begins every private value that anyField draws.
const secret = "HIDDENHERE"

// anyField draws a value of a field.
func anyField(t *rapid.T, f Field) Value {
	text := func(pattern string) Value { return String(rapid.StringMatching(pattern).Draw(t, f.Path)) }
	private := ""
	if !f.isPublic() {
		private = secret
	}
	reference := func() Value { return text(strings.ToLower(private) + `[a-z0-9][a-z0-9._/@-]{0,30}`) }
	switch f.Type {
	case Reference:
		return reference()
	case Coded:
		return String(rapid.SampledFrom(f.Code.Terms()).Draw(t, f.Path))
	case Date:
		return String(anyDay(t, f.Path).Format(time.DateOnly))
	case Quarter:
		return String(QuarterOf(anyDay(t, f.Path).Format(time.DateOnly)))
	case WitnessKey:
		return text(`[a-zA-Z0-9][a-zA-Z0-9./:-]{0,30}\+[0-9a-f]{8}\+[A-Za-z0-9/]{4}`)
	case Policy:
		return text(`(witness [a-z]{1,9} [a-z]{1,9}\+[0-9a-f]{8}\+[A-Za-z]{4}\n){0,2}(group [a-z]{1,9} [0-9] [a-z]{1,9}\n)?quorum [a-z]{1,9}\n`)
	case Month:
		return String(anyDay(t, f.Path).Format("2006-01"))
	case Instant:
		return String(anyDay(t, f.Path).Format("2006-01-02T15:04:05.999999999-07:00"))
	case Period:
		return text(`P[0-9]{1,3}[DWMY]`)
	case Count, Number:
		return Integer(rapid.Int64Range(0, maxInteger).Draw(t, f.Path))
	case Flag:
		return Boolean(rapid.Bool().Draw(t, f.Path))
	case Link:
		return text(`https://[a-z]{1,9}\.example/[a-z]{0,9}`)
	case Decimal:
		return text(`-?[0-9]{1,3}\.[0-9]{1,15}`)
	case Hash:
		return text(`[0-9a-f]{64}`)
	case Zone:
		return text(`[A-Z][a-z]{1,9}/[A-Z][a-z_]{1,9}`)
	case Name:
		return Nested(Object{{"id", text(secret + `[ -~]{1,9}`)}, {"organization", reference()}, {"source", reference()}})
	case Named:
		return String(EventName(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, f.Path)).String())
	case Key:
		return String(Digest(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, f.Path)).String())
	case Persons:
		return anySubjects(t)
	}
	return String(private + strings.TrimSpace(rapid.StringMatching(`[ -~éß€😀]{1,20}`).Draw(t, f.Path)) + ".")
}

func anyDay(t *rapid.T, name string) time.Time {
	return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, name), 0).UTC()
}

// anySubjects draws whom an event concerns.
func anySubjects(t *rapid.T) Value {
	persons := func(least, most int) Value {
		out := make([]Value, rapid.IntRange(least, most).Draw(t, "persons"))
		for i := range out {
			out[i] = Nested(Object{
				{"relation", String(rapid.SampledFrom(CodeRelation.Terms()).Draw(t, "relation"))},
				{"scheme", String("example")},
				{"value", String(secret + fmt.Sprint(i))},
			})
		}
		return List(out...)
	}
	switch mode := rapid.SampledFrom([]string{"none", "unknown", "single", "several", "head", "part"}).Draw(t, "mode"); mode {
	case "single":
		return Nested(Object{{"mode", String(mode)}, {"persons", persons(1, 1)}})
	case "several":
		return Nested(Object{{"mode", String(mode)}, {"persons", persons(2, MaxSeveral)}})
	case "head":
		return Nested(Object{{"mode", String("bulk")}, {"parts", Integer(rapid.Int64Range(1, MaxParts).Draw(t, "parts"))}})
	case "part":
		parts := rapid.Int64Range(1, MaxParts).Draw(t, "parts")
		return Nested(Object{
			{"mode", String("bulk")},
			{"part", Integer(rapid.Int64Range(1, parts).Draw(t, "part"))},
			{"partOf", String(secret)},
			{"parts", Integer(parts)},
			{"persons", persons(1, 20)},
		})
	default:
		return Nested(Object{{"mode", String(mode)}})
	}
}

// anyEvent draws an event of kind k, each of whose optional fields is there or
// not.
func anyEvent(t *rapid.T, k *Kind) *Event {
	data := Object{}
	for _, f := range k.Fields {
		if !f.Required && f.Path != k.Needs+".lat" && rapid.Bool().Draw(t, "with "+f.Path) {
			continue
		}
		if !f.List {
			data = data.With(f.Path, anyField(t, f))
			continue
		}
		items := make([]Value, rapid.IntRange(1, 4).Draw(t, f.Path))
		for i := range items {
			items[i] = anyField(t, f)
		}
		data = data.With(f.Path, List(items...))
	}
	e, err := CheckEvent(Nested(Object{
		{"data", Nested(data)},
		{"id", String(secret + "1")},
		{"source", String("city/app")},
		{"specversion", String("1.0")},
		{"time", String("2026-06-24T08:30:00.25+02:00")},
		{"type", String(TypePrefix + k.Name + TypeSuffix)},
	}))
	if err != nil {
		t.Fatalf("%s %s: %v", k.Name, data.Append(nil), err)
	}
	return e
}

// TestEveryKindMakesAnEntry draws events of every kind that is said, in every
// mode: each makes an entry that is canonical to another's eyes, is parsed as it
// is and shows nothing private; its private fields have room among its digests.
func TestEveryKindMakesAnEntry(t *testing.T) {
	for _, k := range Kinds() {
		if !k.Open || len(k.Fields) == 0 {
			continue
		}
		t.Run(k.Name, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { makesAnEntry(t, anyEvent(t, k)) }) })
	}
}

func makesAnEntry(t *rapid.T, ev *Event) {
	f := factsOf(ev)
	e, err := ev.Entry(f)
	if err != nil {
		t.Fatalf("%s: %v", ev.Canonical(), err)
	}
	b := e.Append(nil)
	if want, err := jcs.Transform(b); err != nil || !bytes.Equal(want, b) {
		t.Fatalf("%s\nthe reference writes %s, %v", b, want, err)
	}
	again, err := ParseEntry(b)
	if err != nil || !bytes.Equal(again.Append(nil), b) {
		t.Fatalf("%s is parsed with %v", b, err)
	}
	if bytes.Contains(bytes.ToUpper(b), []byte(secret)) {
		t.Fatalf("it shows something private: %s", b)
	}
	if ev.Kind.Coarse && bytes.Contains(b, []byte(":30:00")) {
		t.Fatalf("it shows a time: %s", b)
	}
	slots := ev.Slots(f)
	if room := ev.Kind.Slots(); room > 0 && len(slots) > room {
		t.Fatalf("%d private fields of %s have room for %d: %v", len(slots), ev.Kind.Name, room, slots)
	}
	seen := map[string]bool{}
	for _, s := range slots {
		if seen[s.Name] || !s.Person && !s.Officers {
			t.Fatalf("the slot %s stands twice, or for nobody", s.Name)
		}
		seen[s.Name] = true
	}
	if back, err := ParseEvent(Object{
		{"data", Nested(ev.Data)},
		{"id", String(ev.ID)},
		{"source", String(ev.Source)},
		{"specversion", String("1.0")},
		{"time", String(ev.Given)},
		{"type", String(TypePrefix + ev.Kind.Name + TypeSuffix)},
	}.Append(nil)); err != nil || !bytes.Equal(back.Canonical(), ev.Canonical()) {
		t.Fatalf("an event sent again is another: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for s, want := range map[string]bool{
		"https://city.example": true, "http://city.example": true, "https://city.example:8443/a/b~(c)%20d;e=f@g,*": true,
		"http://127.0.0.1:8080/": true, "https://[::1]:1/": true, "https://[fe80::1]": true, "https://a_b/": true, "https://a//b": true,
		"": false, "https://": false, "https:///a": false, "ftp://a": false, "HTTPS://a": false, "https:a": false, "a": false,
		"https://a:": false, "https://a:123456": false, "https://a:b": false, "https://a:1:2": false, "https://[::1": false,
		"https://[]": false, "https://[g]": false, "https://[::1]a": false, "https://[::1]:": false, "https://a]": false,
		"https://user@a": false, "https://a?b": false, "https://a/?b": false, "https://a/#": false, "https://a/%2": false,
		"https://a/%zz": false, "https://a/%": false, "https://a b/": false, "https://a/b c": false, "https://ä/": false,
		"https://a/ä": false, "https://a/\n": false, "https://a\\b": false, "https://a/[b]": false, "https://a/^": false,
	} {
		if IsAddress(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestPoliciesAndKeys(t *testing.T) {
	key := sampleWitness
	for s, want := range map[string]bool{
		"quorum none\n":                                      true,
		"witness a " + key + "\nquorum a\n":                  true,
		"witness a " + key + "\ngroup g 2 a b c\nquorum g\n": true,
		"":                                     false,
		"quorum none":                          false,
		"quorum none\n\n":                      false,
		"# a word\nquorum none\n":              false,
		"quorum none\nwitness a " + key + "\n": false,
		"witness a " + key + " https://a.example\nquorum a\n":                 false,
		"witness  a " + key + "\nquorum a\n":                                  false,
		"witness A " + key + "\nquorum A\n":                                   false,
		"group g any a\nquorum g\n":                                           false,
		"log " + key + "\nquorum none\n":                                      false,
		strings.Repeat("witness a "+key+"\n", 100) + "quorum a\n":             false,
		"witness a a person's name\nquorum a\n":                               false,
		"witness a " + strings.Replace(key, "+", " +", 1) + "\nquorum none\n": false,
	} {
		if IsPolicy(s) != want {
			t.Errorf("%.80q: %v", s, !want)
		}
	}
	for s, want := range map[string]bool{
		key: true, "a+00000000+BA==": true, "": false, "a": false, "a+00000000": false, "a+0000000g+BA": false, "a+000000000+BA": false,
		"+00000000+BA": false, "a b+00000000+BA": false, "a+00000000+": false, "a+00000000+B A": false, ".a+00000000+BA": false, "a+0000000A+BA": false,
	} {
		if isWitnessKey(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestQuartersAndMonths(t *testing.T) {
	for at := time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2029; at = at.AddDate(0, 0, 1) {
		day := at.Format(time.DateOnly)
		want := fmt.Sprintf("%d-Q%d", at.Year(), (int(at.Month())+2)/3)
		if got := QuarterOf(day); got != want || !isQuarter(got) || isQuarter(day) || isDate(got) {
			t.Fatalf("%s is in %s, want %s", day, got, want)
		}
		if month := day[:7]; !isMonth(month) || isMonth(day) || isQuarter(month) || isDate(month) {
			t.Fatalf("%s is no month", month)
		}
	}
	for _, s := range []string{"", "2026", "2026-Q0", "2026-Q5", "2026-Q11", "26-Q1", "12026-Q1", "2026-q1", "2026Q1", "2026-Q1 ", "٢٠٢٦-Q1", "-026-Q1", "2026-Q", "2026-Q1-Q1"} {
		if isQuarter(s) {
			t.Errorf("%q is a quarter", s)
		}
	}
	for _, s := range []string{"", "2026", "2026-00", "2026-13", "2026-6", "2026/06", "0000-01", "2026-06-", "26-06-0", "2026-Q1"} {
		if isMonth(s) {
			t.Errorf("%q is a month", s)
		}
	}
	for _, s := range []string{"", "2026-06", "2026-06-31", "2026-Q2", "yesterday"} {
		if got := QuarterOf(s); got != "" {
			t.Errorf("%q is in %s", s, got)
		}
	}
}
