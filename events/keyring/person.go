package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/daybook-ledger/daybook/events"
)

// secret is one 32-byte key. Everything here holds it behind a pointer, which
// the fmt package prints as an address when it walks a struct that it cannot
// call methods on.
type secret [32]byte

// Handle names a person inside boxes: random, minted with her root key, and
// without meaning to anybody who lacks the keyring.
type Handle = events.Handle

// Person is one generation of one person's keys. It is safe for concurrent
// use and prints as its length only.
type Person struct {
	handle     Handle
	generation uint32
	of         Handle
	label      [64]byte
	root       *secret
	enrolled   atomic.Bool
}

// Handle is her name inside boxes.
func (p *Person) Handle() Handle { return p.handle }

// Generation counts her root keys from 1.
func (p *Person) Generation() uint32 { return p.generation }

// Label is the VRF output under which she is enrolled in this generation.
func (p *Person) Label() [64]byte { return p.label }

// Pending reports whether this keyring has not been told yet that her
// enrolment is in the history. It may be true for someone enrolled, after a
// crash, and is never true for someone of whom [Keyring.Enrolled] was told.
func (p *Person) Pending() bool { return !p.enrolled.Load() }

// Commitment binds her label to her root key:
// SHA-256("daybook/commitment@1\n" ‖ label ‖ K).
func (p *Person) Commitment() [32]byte {
	h := sha256.New()
	h.Write([]byte("daybook/commitment@1\n"))
	h.Write(p.label[:])
	h.Write(p.root[:])
	return [32]byte(h.Sum(nil))
}

// EventKey is k_i, the key of the i-th event of her trail, counted from 1:
// HMAC(K, "daybook/event" ‖ u64 i). Giving it away opens that one event.
func (p *Person) EventKey(i uint64) [32]byte {
	return mac(p.root[:], binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
}

// Tag is T_i, what the public entry of the i-th event of her trail shows.
func (p *Person) Tag(i uint64) [16]byte { return TagOf(p.EventKey(i)) }

// TagOf is the tag of an event key: HMAC(k_i, "tag")[:16].
func TagOf(eventKey [32]byte) [16]byte {
	sum := mac(eventKey[:], []byte("tag"))
	return [16]byte(sum[:16])
}

// String says only how much is held.
func (p *Person) String() string { return fmt.Sprintf("person(sealed, %d bytes)", personLen) }

// GoString is String.
func (p *Person) GoString() string { return p.String() }

// Format prints String for every verb, %x and %d included.
func (p *Person) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(p.String())) }

// LogValue is String.
func (p *Person) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON is String, quoted.
func (p *Person) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

// mac is HMAC-SHA256.
func mac(key, message []byte) [32]byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return [32]byte(h.Sum(nil))
}
