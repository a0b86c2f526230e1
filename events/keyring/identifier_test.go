package keyring

import (
	"errors"
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	long := strings.Repeat("a", maxIdentifier)
	for _, c := range []struct{ scheme, value, want string }{
		{"example", "ada", "ada"},
		{"example", " Ada Lovelace\t", "ada lovelace"},
		{"example", long, long},
		{"email", "Ada@Example.ORG", "ada@example.org"},
		{"email", " ada+tag@example.org\n", "ada+tag@example.org"},
		{"phone", "+1 (541) 555-0100", "+15415550100"},
		{"phone", "(+44) 20.7946/0000", "+442079460000"},
		{"phone", "541 555 0100", "5415550100"},
		{"plate", "abc-123", "ABC123"},
		{"plate", " b mw.1/2 ", "BMW12"},
	} {
		got, err := Identifier{c.scheme, c.value}.Normalize()
		if err != nil || got != (Identifier{c.scheme, c.want}) {
			t.Errorf("%s %q becomes %q: %v", c.scheme, c.value, got.Value, err)
		}
	}
	for _, c := range []struct{ scheme, value string }{
		{"example", ""},
		{"example", " \t "},
		{"example", long + "a"},
		{"example", "a\x00b"},
		{"example", "\u00c9mile"},
		{"email", "ada"},
		{"email", "@example.org"},
		{"email", "ada@"},
		{"email", "a@b@c"},
		{"email", "ada l@example.org"},
		{"phone", "+"},
		{"phone", ""},
		{"phone", "1+2"},
		{"phone", "++1"},
		{"phone", "555-0100 ext 5"},
		{"phone", "\u0661\u0662"},
		{"plate", "AB?123"},
		{"plate", "M\u00dc-AB 1"},
		{"plate", "--"},
	} {
		if got, err := (Identifier{c.scheme, c.value}).Normalize(); !errors.Is(err, ErrIdentifier) {
			t.Errorf("%s %q becomes %q: %v", c.scheme, c.value, got.Value, err)
		}
	}
	for _, scheme := range []string{"", "Email", "email ", "seal", "passport"} {
		if _, err := (Identifier{scheme, "ada"}).Normalize(); !errors.Is(err, ErrScheme) {
			t.Errorf("scheme %q: %v", scheme, err)
		}
	}
}

// FuzzNormalize: normalizing twice changes nothing, what comes out is short
// ASCII, and surrounding space and the case of letters never matter.
func FuzzNormalize(f *testing.F) {
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
