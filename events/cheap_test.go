package events

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The checks written out for speed say what the standard library says.

func TestBinaryIsWhatDecodes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 200000 {
		n := random.IntN(65)
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		text := []byte(binary64.EncodeToString(b))
		for range random.IntN(3) {
			if len(text) > 0 {
				at := len(text) - 1 - min(len(text)-1, random.IntN(4))
				text[at] = "Aa0-_=+/\n\r~\x80ABgw"[random.IntN(16)]
			}
		}
		want := decode(make([]byte, n), string(text))
		if got := isBinary(string(text), n); got != want {
			t.Fatalf("isBinary(%q, %d) = %v, decoding says %v", text, n, got, want)
		}
		if want {
			accepted++
		}
	}
	if accepted < 1000 || accepted > 199000 {
		t.Errorf("%d of the texts decode, too few or too many to tell", accepted)
	}
}

func TestDateIsWhatTheLibraryParses(t *testing.T) {
	library := func(s string) bool {
		d, err := time.Parse(time.DateOnly, s)
		return err == nil && d.Format(time.DateOnly) == s && d.Year() > 0
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200000 {
		day := time.Date(random.IntN(10001), time.Month(random.IntN(14)), random.IntN(33), 0, 0, 0, 0, time.UTC)
		text := []byte(day.Format(time.DateOnly))
		if random.IntN(2) == 0 {
			text[random.IntN(len(text))] = "0123456789-/ T"[random.IntN(14)]
		}
		if got, want := isDate(string(text)), library(string(text)); got != want {
			t.Fatalf("isDate(%q) = %v, the library says %v", text, got, want)
		}
	}
	for _, s := range []string{"", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-02-30", "2024-2-29", "0000-01-01", "2024-13-01", "2024-12-32", "2024-12-31 "} {
		if got, want := isDate(s), library(s); got != want {
			t.Errorf("isDate(%q) = %v, the library says %v", s, got, want)
		}
	}
}

// Boxes are written without an object, and as one would be.
func TestBoxesAreCanonical(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	text := func() string {
		return []string{"", "a", `"q"`, "é\n", "x/y"}[random.IntN(5)]
	}
	for range 2000 {
		f := Fold{
			Actor: text(), Case: text(), Role: text(), Unit: text(), Day: text(), Dataset: text(), Hour: random.IntN(24),
			OccurredAt: time.Unix(random.Int64N(1<<33), random.Int64N(1e9)), RecordedAt: time.Unix(random.Int64N(1<<33), 0),
			Sequence: random.Int64N(1<<53) - 1, HasReason: random.IntN(2) == 0, OwnData: random.IntN(2) == 0,
		}
		for i := range random.IntN(3) {
			f.Persons = append(f.Persons, FoldPerson{Handle{byte(i)}, random.Uint64N(1 << 53), 1 + random.Uint32N(1<<32-1), text()})
		}
		slip := make([]string, random.IntN(3))
		for i := range slip {
			slip[i] = text()
		}
		for _, b := range [][]byte{f.Format(), FormatSlip(slip)} {
			if _, canonical, err := parseValue(string(b)); !canonical || err != nil {
				t.Fatalf("%s is not in canonical form: %v", b, err)
			}
		}
	}
}

// A parser that calls a text canonical has read what encoding its value writes.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":[true,null,"x"]}`, `{"b":1,"a":2}`, ` 1`, `"A"`, `"\u001f\n\""`, `"\u001F"`, `"\/"`, `-0`, `1.50`, `1e3`,
		`9007199254740993`, `[[],{},[{}]]`, `{"a":{"c":[1,2,{"d":[]}],"b":{}},"e":[[3],[4,[5]]]}`, `"😀"`, `"\ud83d\ude00"`, `{"é":1}`, `[1, 2]`, `""`,
		`{"m":[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,{"x":{"y":{"z":[1,2,3]}}},"a,b,c:d{["]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, canonical, err := parseValue(s)
		if err != nil {
			return
		}
		again := string(v.Append(nil))
		if canonical != (again == s) {
			t.Fatalf("%q is canonical: %v; its value is written %q", s, canonical, again)
		}
		if w, _, err := parseValue(again); err != nil || string(w.Append(nil)) != again {
			t.Fatalf("%q, written of %q, is read as %q, %v", again, s, w.Append(nil), err)
		}
	})
}
