package keyring

import (
	"fmt"
	"strings"
)

// national reads an identifier of a state's register of persons, of which the
// last sign is a check over the others, so that a slip of the pen names nobody
// instead of somebody else.
func national(s string, check func(string) string) (string, error) {
	s, err := plate(s) // letters in upper case and digits, nothing between them
	if err != nil {
		return "", fmt.Errorf("%w: a national identifier has letters A to Z and digits", ErrIdentifier)
	}
	if wrong := check(s); wrong != "" {
		return "", fmt.Errorf("%w: %s", ErrIdentifier, wrong)
	}
	return s, nil
}

// digits reads s as so many decimal digits; ok is false for anything else.
func digits(s string, n int) (out []int, ok bool) {
	if len(s) != n {
		return nil, false
	}
	for i := range n {
		if s[i] < '0' || s[i] > '9' {
			return nil, false
		}
		out = append(out, int(s[i]-'0'))
	}
	return out, true
}

func weighted(digits []int, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += w * digits[i]
	}
	return sum
}

// checkEstonian is the check of the Estonian isikukood, EVS 585: the last digit
// is the sum of the first ten, weighted, modulo 11; when that is 10, the sum
// with other weights modulo 11; when that is 10 too, 0.
func checkEstonian(s string) string {
	d, ok := digits(s, 11)
	if !ok {
		return "an isikukood has 11 digits"
	}
	if d[0] < 1 || d[0] > 8 {
		return "an isikukood begins with 1 to 8"
	}
	want := weighted(d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if want == 10 {
		want = weighted(d, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	if d[10] != want {
		return "the check digit of the isikukood is wrong"
	}
	return ""
}

// checkDutch is the eleven test of the Dutch burgerservicenummer: nine digits,
// weighted 9 down to 2 and then -1, add up to a multiple of 11. Nine zeros do
// too, and are nobody's.
func checkDutch(s string) string {
	d, ok := digits(s, 9)
	if !ok {
		return "a burgerservicenummer has 9 digits, leading zeros included"
	}
	if weighted(d, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 != 0 || strings.Trim(s, "0") == "" {
		return "the burgerservicenummer does not pass the eleven test"
	}
	return ""
}

// checkSpanish is the control letter of the Spanish DNI, eight digits, and NIE,
// X, Y or Z for 0, 1 or 2 and seven digits: the number modulo 23 picks it from
// a row of letters.
func checkSpanish(s string) string {
	const row = "TRWAGMYFPDXBNJZSQVHLCKE"
	if len(s) != 9 {
		return "a DNI or NIE has 9 signs, leading zeros included"
	}
	number := s[:8]
	if i := strings.IndexByte("XYZ", s[0]); i >= 0 {
		number = string(byte('0'+i)) + s[1:8]
	}
	d, ok := digits(number, 8)
	if !ok {
		return "a DNI has 8 digits and a letter, a NIE X, Y or Z, 7 digits and a letter"
	}
	if s[8] != row[weighted(d, 10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1)%23] {
		return "the control letter of the DNI or NIE is wrong"
	}
	return ""
}
