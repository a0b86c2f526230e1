package keyring

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// vectors are the identifiers any implementation can be held against.
type vectors struct {
	Accept []struct{ Scheme, Value, Normal string }
	Reject []struct{ Scheme, Value, Reason string }
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile("../../testdata/vectors/identifiers.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNormalize(t *testing.T) {
	v := readVectors(t)
	seen := map[string]int{}
	for _, c := range v.Accept {
		seen[c.Scheme]++
		got, err := Identifier{c.Scheme, c.Value}.Normalize()
		if err != nil || got != (Identifier{c.Scheme, c.Normal}) {
			t.Errorf("%s %q becomes %q: %v", c.Scheme, c.Value, got.Value, err)
		}
	}
	for _, c := range v.Reject {
		seen[c.Scheme]++
		want := ErrIdentifier
		if strings.HasPrefix(c.Reason, "an unknown scheme") {
			want = ErrScheme
		}
		got, err := Identifier{c.Scheme, c.Value}.Normalize()
		if !errors.Is(err, want) || got != (Identifier{}) {
			t.Errorf("%s %q, %s, becomes %q: %v", c.Scheme, c.Value, c.Reason, got.Value, err)
		}
		if err != nil && len(c.Value) > 4 && strings.Contains(err.Error(), c.Value) {
			t.Errorf("the refusal of %q names it", c.Value)
		}
	}
	for _, scheme := range []string{"example", "email", "phone", "plate", "national/ee", "national/nl", "national/es"} {
		if seen[scheme] < 5 {
			t.Errorf("%s has %d vectors", scheme, seen[scheme])
		}
	}
}

// TestCheckSigns: of these invented numbers no slip of one digit names somebody
// else.
func TestCheckSigns(t *testing.T) {
	for _, id := range []Identifier{{"national/ee", "10101010005"}, {"national/nl", "123456782"}, {"national/es", "12345678Z"}} {
		if _, err := id.Normalize(); err != nil {
			t.Fatal(err)
		}
		for i := range len(id.Value) {
			for c := byte('0'); c <= '9'; c++ {
				slip := []byte(id.Value)
				slip[i] = c
				if _, err := (Identifier{id.Scheme, string(slip)}).Normalize(); err == nil && string(slip) != id.Value {
					t.Errorf("%s: %s passes for %s", id.Scheme, slip, id.Value)
				}
			}
		}
	}
}

// FuzzNormalize: normalizing twice changes nothing, what comes out is short
// ASCII, and surrounding space and the case of letters never matter.
func FuzzNormalize(f *testing.F) {
	for _, c := range readVectors(f).Accept {
		f.Add(c.Scheme, c.Value)
	}
	for _, scheme := range []string{"example", "email", "phone", "plate", "other"} {
		f.Add(scheme, " Ada@Example.org ")
		f.Add(scheme, "+1 (541) 555-0100")
		f.Add(scheme, "abc-123")
		f.Add(scheme, "\u0130\xff\x00")
	}
	f.Fuzz(func(t *testing.T, scheme, value string) {
		once, err := Identifier{scheme, value}.Normalize()
		if err != nil {
			if !errors.Is(err, ErrScheme) && !errors.Is(err, ErrIdentifier) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		if once.Scheme != scheme || once.Value == "" || len(once.Value) > maxIdentifier {
			t.Errorf("%q becomes %q", value, once.Value)
		}
		for i := range len(once.Value) {
			if once.Value[i] < ' ' || once.Value[i] > '~' {
				t.Errorf("%q becomes %q", value, once.Value)
			}
		}
		for _, spelling := range []string{once.Value, " " + value + "\n", strings.ToUpper(once.Value)} {
			if again, err := (Identifier{scheme, spelling}).Normalize(); err != nil || again != once {
				t.Errorf("%q becomes %q, but %q becomes %q: %v", value, once.Value, spelling, again.Value, err)
			}
		}
	})
}
