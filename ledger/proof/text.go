package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/events"
)

// maxOrigin bounds an origin, in bytes, so that a receipt of the largest
// request still fits into a note.
const maxOrigin = 200

// splitLines cuts text into its lines, without their newlines. The last line
// must end in a newline too.
func splitLines(text string) ([]string, error) {
	body, ok := strings.CutSuffix(text, "\n")
	if !ok {
		return nil, errors.New("the last line does not end in a newline")
	}
	return strings.Split(body, "\n"), nil
}

// checkOrigin accepts what may be an origin: a name a key of a signed note can
// have, bounded and without control characters.
func checkOrigin(name string) error {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '+' }
	switch {
	case name == "":
		return errors.New("origin: it is empty")
	case len(name) > maxOrigin:
		return fmt.Errorf("origin: %d bytes, more than %d", len(name), maxOrigin)
	case !utf8.ValidString(name):
		return errors.New("origin: it is not UTF-8")
	case strings.ContainsFunc(name, bad):
		return fmt.Errorf("origin: %q has a space, a control character or a plus", name)
	}
	return nil
}

// parseSize reads a number from 0 to MaxSize in its shortest decimal form.
func parseSize(s string) (events.Size, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a decimal number", s)
	}
	if strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%.40q has leading zeros", s)
	}
	if events.Size(n) > MaxSize {
		return 0, fmt.Errorf("%d is above %d", n, MaxSize)
	}
	return events.Size(n), nil
}

// parseIndex reads a position, which is below MaxSize.
func parseIndex(s string) (events.Index, error) {
	n, err := parseSize(s)
	if err == nil && n == MaxSize {
		err = fmt.Errorf("%d is above %d", n, MaxSize-1)
	}
	return events.Index(n), err
}

// decode reads base64 of which only one spelling is accepted: Go's decoder
// skips line ends and, unless strict, ignores spare bits.
func decode(enc *base64.Encoding, s string) ([]byte, error) {
	b, err := enc.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%.60q is not base64", s)
	}
	if enc.EncodeToString(b) != s {
		return nil, fmt.Errorf("%.60q has spare base64 bits or line ends", s)
	}
	return b, nil
}

// decodeHash reads one hash in the given base64 alphabet.
func decodeHash(enc *base64.Encoding, s string) (h Hash, err error) {
	if len(s) != enc.EncodedLen(len(h)) {
		return h, fmt.Errorf("%.60q is not the base64 of a SHA-256 hash", s)
	}
	b, err := decode(enc, s)
	if err != nil {
		return h, err
	}
	if copy(h[:], b) != len(h) || len(b) != len(h) {
		return h, fmt.Errorf("%.60q is not the base64 of a SHA-256 hash", s)
	}
	return h, nil
}
