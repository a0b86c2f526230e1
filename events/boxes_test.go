package events

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anyName(t *rapid.T, what string) (n [16]byte) {
	copy(n[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, what))
	return n
}

// anyFold draws a fold header, often with a seal.
func anyFold(t *rapid.T) Fold {
	text := rapid.StringMatching(`[ -~é"\\]{0,12}`)
	at := func(what string) time.Time {
		return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, what), rapid.Int64Range(0, 999_999_999).Draw(t, what)).UTC()
	}
	f := Fold{
		Actor: text.Draw(t, "actor"), Case: text.Draw(t, "case"), Role: text.Draw(t, "role"), Unit: text.Draw(t, "unit"), OccurredAt: at("occurred"),
		RecordedAt: at("recorded"), Day: text.Draw(t, "day"), Hour: rapid.IntRange(0, 23).Draw(t, "hour"), Sequence: rapid.Int64Range(-1, maxInteger).Draw(t, "sequence"),
		Dataset: text.Draw(t, "dataset"), HasReason: rapid.Bool().Draw(t, "reason"), OwnData: rapid.Bool().Draw(t, "own"),
	}
	copy(f.Content[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "content"))
	for range rapid.IntRange(0, 4).Draw(t, "persons") {
		f.Persons = append(f.Persons, FoldPerson{anyName(t, "handle"), rapid.Uint64Range(0, maxInteger).Draw(t, "counter"), rapid.Uint32Range(1, 1<<32-1).Draw(t, "generation"), rapid.SampledFrom(CodeRelation.Terms()).Draw(t, "relation")})
	}
	if rapid.Bool().Draw(t, "a seal") {
		f.Seal = &FoldSeal{
			Name: anyName(t, "name"), Trail: anyName(t, "trail"), Of: anyName(t, "of"), Case: text.Draw(t, "case"), Until: text.Draw(t, "until"),
			Systems: rapid.SliceOfN(text, 0, 3).Draw(t, "systems"), ReviewBy: text.Draw(t, "review"), ReleasedBy: anyName(t, "release"), Oral: rapid.Bool().Draw(t, "oral"),
		}
	}
	return f
}

// TestFoldsComeBack: a fold header, that of a seal included, is read as it was
// written, and is canonical.
func TestFoldsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFold(t)
		b := f.Format()
		got, err := ParseFold(b)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Fatalf("%s\nis read as %+v, %v", b, got, err)
		}
		if _, canonical, err := parseValue(string(b)); err != nil || !canonical {
			t.Fatalf("%s is not canonical: %v", b, err)
		}
	})
}

// sealedFold is a fold header with everything in it.
func sealedFold() Fold {
	return Fold{
		Content: Digest{1}, Persons: []FoldPerson{{Handle{1}, 3, 1, "principal"}, {Handle{2}, 1, 1, "minor"}}, Actor: "abc", Case: "def", Role: "clerk", Unit: "desk",
		OccurredAt: facts.RecordedAt, RecordedAt: facts.RecordedAt, Day: "2026-06-24", Hour: 7, Sequence: 4, Dataset: "city/people", HasReason: true, OwnData: true,
		Seal: &FoldSeal{
			Name: EventName{4}, Trail: Handle{5}, Of: Handle{6}, Systems: []string{"city/app"}, Case: "def", Until: "2026-12-01", ReviewBy: "2026-09-01",
			ReleasedBy: EventName{7}, Oral: true,
		},
	}
}

// TestFoldsHaveOneForm spoils a fold header with a seal.
func TestFoldsHaveOneForm(t *testing.T) {
	whole := string(sealedFold().Format())
	for from, to := range map[string]string{
		`"seal":{`: `"seal":{"also":"x",`, `"oral":true`: `"oral":"true"`, `,"oral":true`: ``, `"systems":["city/app"]`: `"systems":"city/app"`,
		`"until":"2026-12-01"`: `"until":""`, `,"reviewBy":"2026-09-01"`: `,"reviewBy":null`, `"day":`: ` "day":`, `"hour":7`: `"hour":7.0`,
		`"of":"BgAAAAAAAAAAAAAAAAAAAA"`: `"of":"BgAAAAAAAAAAAAAAAAAAAB"`, `"trail":"BQAAAAAAAAAAAAAAAAAAAA"`: `"trail":""`, `"counter":3`: `"counter":03`,
		`"sequence":4`: `"sequence":"4"`, `daybook/fold@1`: `daybook/fold@2`, `"handle":"AQ`: `"handle":"/Q`,
	} {
		if !strings.Contains(whole, from) {
			t.Fatalf("%s is not in %s", from, whole)
		}
		if f, err := ParseFold([]byte(strings.Replace(whole, from, to, 1))); err == nil {
			t.Errorf("with %s it is read as %+v", to, f)
		}
	}
	for _, seal := range []string{`1`, `null`, `{}`, `[]`} {
		at := strings.Index(whole, `"seal":`)
		end := strings.Index(whole, `,"sequence"`)
		if _, err := ParseFold([]byte(whole[:at] + `"seal":` + seal + whole[end:])); err == nil {
			t.Errorf("a seal of %s is accepted", seal)
		}
	}
}

// TestSlipsOfParts: a part's slip has the key to what the head says; neither it
// nor another slip is read as the other.
func TestSlipsOfParts(t *testing.T) {
	subject := Disclosure{Salt: [16]byte{1}, Name: "subject", Value: Nested(Person{"example", "anna", "minor"}.Object())}
	key := [32]byte{1, 2, 31: 0xff}
	part, slip := FormatPartSlip([]string{subject.Encode()}, key), Slip{subject}.Format()
	got, detail, err := ParsePartSlip(part)
	if err != nil || detail != key || len(got) != 1 || got[0].Digest() != subject.Digest() {
		t.Fatalf("%s is read as %v %x, %v", part, got, detail, err)
	}
	if _, err := ParseSlip(part); err == nil {
		t.Error("a part's slip is read as another")
	}
	if _, _, err := ParsePartSlip(slip); err == nil {
		t.Error("a slip is read as a part's")
	}
	for from, to := range map[string]string{
		`"detail":"AQ`: `"detail":"`, `AP8",`: `AP9",`, `,"disclosures"`: `,"disclosures" `, `"detail"`: `"key"`, `daybook/slip@1`: `daybook/slip@2`, `"]}`: `"],"also":1}`,
	} {
		spoiled := strings.Replace(string(part), from, to, 1)
		if _, _, err := ParsePartSlip([]byte(spoiled)); err == nil || spoiled == string(part) {
			t.Errorf("with %s it is accepted", to)
		}
	}
}

func FuzzParsePartSlip(f *testing.F) {
	subject := Disclosure{Name: "subject", Value: Nested(Person{"plate", "ABC 123", "principal"}.Object())}
	f.Add(FormatPartSlip([]string{subject.Encode()}, [32]byte{7}))
	f.Add(FormatPartSlip(nil, [32]byte{}))
	seeds(f, "part-slips", func(b []byte) { f.Add(b) })
	f.Add(Slip{subject}.Format())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, detail, err := ParsePartSlip(b)
		if err != nil {
			return
		}
		if !bytes.Equal(FormatPartSlip(s.encode(), detail), b) {
			t.Fatal("accepted in another form")
		}
		if _, err := ParseSlip(b); err == nil {
			t.Fatal("it is another slip too")
		}
	})
}
