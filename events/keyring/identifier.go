package keyring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Errors of [Identifier.Normalize]. Neither ever carries the value.
var (
	// ErrScheme says that the scheme is not one of those listed there.
	ErrScheme = errors.New("unknown identifier scheme")
	// ErrIdentifier says that the value does not fit its scheme.
	ErrIdentifier = errors.New("malformed identifier")
)

// maxIdentifier is the longest normalized value, in characters, all ASCII.
const maxIdentifier = 128

// Identifier is how an emitter names a person: a scheme and a value in it. It
// prints as its scheme and the length of its value.
type Identifier struct {
	Scheme string
	Value  string
}

// Normalize returns the one spelling under which the person is known. It is
// part of the label for ever, so the rules never change for a scheme:
//
//	scheme       value after normalization                 dropped        refused
//	example      printable ASCII, lower case               space around   -
//	email        local@domain, lower case, no space inside space around   no or two "@", an empty side
//	phone        an optional "+", then digits              space - . ( ) / letters, "+" elsewhere
//	plate        A-Z and 0-9, upper case                   space - . /    any other sign, so that a
//	                                                                      wildcard names nobody
//	national/ee  11 digits, isikukood                      space - . /    a wrong check digit (EVS 585), a
//	                                                                      first digit of 0 or 9
//	national/nl  9 digits, burgerservicenummer             space - . /    what fails the eleven test
//	national/es  8 digits and a letter, DNI, or X, Y or Z, space - . /    a wrong control letter
//	             7 digits and a letter, NIE; upper case
//
// Every value is 1 to 128 characters of ASCII afterwards; other letters are
// refused instead of dropped, since dropping would merge two people, and
// folding their case depends on the edition of Unicode. Nothing is guessed:
// a phone number without country code, or a mail address with a +suffix, is
// another identifier than the one without.
//
//	example      " Ada Lovelace "      "ada lovelace"
//	email        "Ada@Example.ORG"     "ada@example.org"
//	phone        "+1 (541) 555-0100"   "+15415550100"
//	plate        "abc-123"             "ABC123"
//	national/ee  "10101010005"         "10101010005"
//	national/nl  "0000.00.012"         "000000012"
//	national/es  "x0000000-t"          "X0000000T"
//
// The error is [ErrScheme] or [ErrIdentifier].
func (i Identifier) Normalize() (Identifier, error) {
	var value string
	var err error
	switch i.Scheme {
	case "example":
		value, err = printable(i.Value)
	case "email":
		value, err = email(i.Value)
	case "phone":
		value, err = phone(i.Value)
	case "plate":
		value, err = plate(i.Value)
	case "national/ee":
		value, err = national(i.Value, checkEstonian)
	case "national/nl":
		value, err = national(i.Value, checkDutch)
	case "national/es":
		value, err = national(i.Value, checkSpanish)
	default:
		return Identifier{}, ErrScheme
	}
	if err == nil && (value == "" || len(value) > maxIdentifier) {
		err = fmt.Errorf("%w: it must have 1 to %d characters", ErrIdentifier, maxIdentifier)
	}
	if err != nil {
		return Identifier{}, err
	}
	return Identifier{Scheme: i.Scheme, Value: value}, nil
}

func printable(s string) (string, error) {
	s = strings.Trim(s, " \t\r\n")
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return "", fmt.Errorf("%w: only printable ASCII is allowed", ErrIdentifier)
		}
	}
	return strings.ToLower(s), nil
}

func email(s string) (string, error) {
	s, err := printable(s)
	if err != nil {
		return "", err
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || local == "" || domain == "" || strings.ContainsAny(domain, "@") || strings.Contains(s, " ") {
		return "", fmt.Errorf("%w: it must be local@domain", ErrIdentifier)
	}
	return s, nil
}

func phone(s string) (string, error) {
	var out []byte
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', c == '+' && len(out) == 0:
			out = append(out, c)
		case !strings.ContainsRune(" \t\r\n-.()/", rune(c)):
			return "", fmt.Errorf("%w: a telephone number has a leading + and digits", ErrIdentifier)
		}
	}
	if string(out) == "+" {
		return "", fmt.Errorf("%w: a telephone number has digits", ErrIdentifier)
	}
	return string(out), nil
}

func plate(s string) (string, error) {
	var out []byte
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z':
			out = append(out, c)
		case 'a' <= c && c <= 'z':
			out = append(out, c-'a'+'A')
		case !strings.ContainsRune(" \t\r\n-./", rune(c)):
			return "", fmt.Errorf("%w: a plate has letters A to Z and digits", ErrIdentifier)
		}
	}
	return string(out), nil
}

// LabelInput is what the label of a generation is computed over, for an
// identifier that is already normalized; see the package documentation.
func LabelInput(id Identifier, generation uint32) []byte {
	return binary.BigEndian.AppendUint32(encodeIdentifier(id), generation)
}

// encodeIdentifier is u8 len ‖ scheme ‖ u16 len ‖ value; normalized ones
// always fit.
func encodeIdentifier(id Identifier) []byte {
	b := make([]byte, 0, 7+len(id.Scheme)+len(id.Value))
	b = append(b, byte(len(id.Scheme)))
	b = append(b, id.Scheme...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(id.Value)))
	return append(b, id.Value...)
}

// sealed is the identifier of the trail that a seal opens for the person of id,
// which is normalized: scheme "seal", value u8 len ‖ seal ‖ the encoding of id.
// No emitter can name it, for it is not among the schemes of Normalize.
func sealed(id Identifier, seal string) (Identifier, error) {
	if seal == "" || len(seal) > 255 {
		return Identifier{}, errors.New("a seal is named by 1 to 255 bytes")
	}
	value := append([]byte{byte(len(seal))}, seal...)
	return Identifier{Scheme: "seal", Value: string(append(value, encodeIdentifier(id)...))}, nil
}

// String names the scheme and the length of the value.
func (i Identifier) String() string {
	return fmt.Sprintf("identifier(%s, %d bytes)", i.Scheme, len(i.Value))
}

// Format prints String for every verb.
func (i Identifier) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(i.String())) }

// LogValue is String.
func (i Identifier) LogValue() slog.Value { return slog.StringValue(i.String()) }
