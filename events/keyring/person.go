package keyring

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// secret is one 32-byte key. Everything here holds it behind a pointer, which
// the fmt package prints as an address when it walks a struct that it cannot
// call methods on.
type secret [32]byte

// Handle names a person inside boxes: minted with her root key, random but for
// the 12 bits that say in which bucket she is, and without meaning to anybody
// who lacks the keyring.
type Handle = events.Handle

// Person is one generation of one person's keys, of her own trail or of a
// hidden one; [Person.At] is another of the same trail. It is safe for concurrent
// use and prints as its length only.
//
// What finds a person gives the earliest generation that is here. Which one is in
// use only the history says: the latest may have been minted for a batch that was
// never stored.
//
// It is for use at once, not for keeping: when her keys are destroyed, a Person
// of the keyring forgets hers and derives from then on what belongs to nobody,
// while one from before her bucket left memory keeps them.
type Person struct {
	handle     Handle
	of         Handle
	generation uint32
	label      [64]byte
	line       *line // which it is of; set before anybody else sees it

	mu   sync.RWMutex
	root *secret
}

// Handle is her name inside boxes.
func (p *Person) Handle() Handle { return p.handle }

// Generation counts her root keys from 1.
func (p *Person) Generation() uint32 { return p.generation }

// At is the same trail's keys of another generation, and nil when there are none
// here.
func (p *Person) At(generation uint32) *Person { return p.line.at(generation) }

// Label is the VRF output under which she is enrolled in this generation.
func (p *Person) Label() [64]byte { return p.label }

// Of is the handle of the person whose hidden trail this is, and zero for a
// person's own trail.
func (p *Person) Of() Handle { return p.of }

// Root is K, 32 bytes, from which all keys and tags of the trail follow. Giving
// it away opens the trail, as lifting a seal does.
func (p *Person) Root() [32]byte {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return *p.root
}

// forget overwrites the root key. Random bytes take its place: what somebody
// still derives from this Person is nobody's, and nobody can compute it.
func (p *Person) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.root[:])
	_, _ = rand.Read(p.root[:]) // never fails
}

// Commitment binds her label to her root key:
// SHA-256("daybook/commitment@1\n" ‖ label ‖ K).
func (p *Person) Commitment() [32]byte {
	h := sha256.New()
	h.Write([]byte("daybook/commitment@1\n"))
	root := p.Root()
	h.Write(p.label[:])
	h.Write(root[:])
	return [32]byte(h.Sum(nil))
}

// EventKey is k_i, the key of the i-th event of her trail, counted from 1:
// HMAC(K, "daybook/event" ‖ u64 i). Giving it away opens that one event.
func (p *Person) EventKey(i uint64) [32]byte {
	root := p.Root()
	return mac(root[:], binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
}

// Tag is T_i, what the public entry of the i-th event of her trail shows.
func (p *Person) Tag(i uint64) [16]byte { return TagOf(p.EventKey(i)) }

// TagOf is the tag of an event key: HMAC(k_i, "tag")[:16].
func TagOf(eventKey [32]byte) [16]byte {
	sum := mac(eventKey[:], []byte("tag"))
	return [16]byte(sum[:16])
}

// String says only how much is held.
func (p *Person) String() string { return fmt.Sprintf("person(sealed, %d bytes)", recordLen) }

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
	return events.MAC(key, message)
}
