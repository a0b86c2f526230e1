package events

import "encoding/base64"

// EventName is the ledger's public name of an event: a keyed hash of its source
// and id, which the emitter cannot compute and nobody can invert.
type EventName [16]byte

// Tag marks, in a public entry, one person's part in it. Only her key tells
// that two tags are hers.
type Tag [16]byte

// Digest is the SHA-256 of a disclosure's ASCII form.
type Digest [32]byte

var binary64 = base64.RawURLEncoding.Strict()

func (n EventName) String() string { return binary64.EncodeToString(n[:]) }
func (t Tag) String() string       { return binary64.EncodeToString(t[:]) }
func (d Digest) String() string    { return binary64.EncodeToString(d[:]) }

// ParseEventName reads the 22 characters that String writes.
func ParseEventName(s string) (n EventName, ok bool) {
	ok = decode(n[:], s)
	return n, ok
}

// ParseTag reads the 22 characters that String writes.
func ParseTag(s string) (t Tag, ok bool) {
	ok = decode(t[:], s)
	return t, ok
}

// decode fills dst, to the byte, from base64url without padding or spare bits.
func decode(dst []byte, s string) bool {
	if len(s) != binary64.EncodedLen(len(dst)) {
		return false
	}
	n, err := binary64.Decode(dst, []byte(s))
	return err == nil && n == len(dst)
}

// isBinary says that s is n bytes in base64url, as decode would.
func isBinary(s string, n int) bool {
	if len(s) != binary64.EncodedLen(n) {
		return false
	}
	last := byte(0)
	for i := range len(s) {
		if last = sextets[s[i]]; last == noSextet {
			return false
		}
	}
	switch n % 3 { // the bits of the last character that no byte takes
	case 1:
		return last&0x0f == 0
	case 2:
		return last&0x03 == 0
	}
	return true
}

const noSextet = 0xff

// sextets are the six bits that a character of base64url stands for.
var sextets = func() (out [256]byte) {
	for i := range out {
		out[i] = noSextet
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		out[c] = byte(i)
	}
	return out
}()

// ParseDigest reads the 43 characters that String writes.
func ParseDigest(s string) (d Digest, ok bool) {
	ok = decode(d[:], s)
	return d, ok
}
