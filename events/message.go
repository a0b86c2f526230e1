package events

import (
	"encoding/binary"
	"fmt"
)

// BoxKind says whom a box is for.
type BoxKind uint8

// The kinds of box, in the order they stand in a message.
const (
	BoxFold       BoxKind = 1 // for the views of this ledger
	BoxPerson     BoxKind = 2 // for one person
	BoxOfficers   BoxKind = 3 // for officers and auditors
	BoxIdentifier BoxKind = 4 // a person's identifier, for officers
)

// String is the box's name in its key derivation, "daybook/<box>/1".
func (k BoxKind) String() string {
	switch k {
	case BoxFold:
		return "fold"
	case BoxPerson:
		return "person"
	case BoxOfficers:
		return "officers"
	case BoxIdentifier:
		return "identifier"
	}
	return "unknown"
}

// Box is a sealed part of a message: nonce ‖ ciphertext ‖ tag.
type Box struct {
	Kind BoxKind
	Data []byte
}

// minBox is an empty plaintext's nonce and tag.
const minBox = 12 + 16

// Message is one message of the history: the entry's bytes and its boxes.
type Message struct {
	Entry []byte
	Boxes []Box
}

const messageMagic = "DB1\n"

// MaxMessage bounds a message, so that a batch of them fits the server.
const MaxMessage = 1 << 20

// Format writes m: "DB1\n", the entry's length and bytes, then each box as its
// kind, length and bytes. Lengths are four bytes, big-endian.
func (m Message) Format() []byte {
	n := len(messageMagic) + 4 + len(m.Entry)
	for _, b := range m.Boxes {
		n += boxHead + len(b.Data)
	}
	out := append(beginMessage(make([]byte, 0, n), len(m.Entry)), m.Entry...)
	for _, b := range m.Boxes {
		out = append(beginBox(out, b.Kind, len(b.Data)), b.Data...)
	}
	return out
}

// boxHead is a box's kind and length.
const boxHead = 1 + 4

func beginMessage(dst []byte, entry int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, messageMagic...), uint32(entry))
}

// Message begins the message of e, with room for so many bytes of boxes, which
// [BoxCipher.AppendBox] appends. The hash is the entry's.
func (e *Entry) Message(room int) (message []byte, hash Digest) {
	message = beginMessage(make([]byte, 0, len(messageMagic)+4+len(e.form)+room), len(e.form))
	at := len(message)
	message = e.Append(message)
	return message, HashEntry(message[at:])
}

// Len is how many bytes Append writes.
func (e *Entry) Len() int { return len(e.form) }

func beginBox(dst []byte, kind BoxKind, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(kind)), uint32(n))
}

// AppendBox seals plaintext for ad and appends the box to a message.
func (c *BoxCipher) AppendBox(message []byte, kind BoxKind, ad, plaintext []byte) ([]byte, error) {
	return c.AppendSeal(beginBox(message, kind, len(plaintext)+Overhead), nil, ad, plaintext)
}

// ParseMessage reads what Format writes for a message with exactly one fold
// box, first, and kinds that never descend. The entry is not parsed. The parts
// share b's memory.
func ParseMessage(b []byte) (Message, error) {
	if len(b) > MaxMessage || len(b) < len(messageMagic) || string(b[:len(messageMagic)]) != messageMagic {
		return Message{}, fmt.Errorf("parsing a history message: it does not begin with DB1 or is too long")
	}
	entry, rest, ok := lengthPrefixed(b[len(messageMagic):])
	if !ok || len(entry) == 0 || len(entry) > 65535 {
		return Message{}, fmt.Errorf("parsing a history message: the entry is cut off or has a wrong length")
	}
	m := Message{Entry: entry}
	last := BoxKind(0)
	for len(rest) > 0 {
		box := Box{Kind: BoxKind(rest[0])}
		if box.Data, rest, ok = lengthPrefixed(rest[1:]); !ok || len(box.Data) < minBox {
			return Message{}, fmt.Errorf("parsing a history message: box %d is cut off", len(m.Boxes))
		}
		if box.Kind < last || box.Kind < BoxFold || box.Kind > BoxIdentifier || box.Kind == BoxFold && last == BoxFold {
			return Message{}, fmt.Errorf("parsing a history message: box %d has kind %d after %d", len(m.Boxes), box.Kind, last)
		}
		last = box.Kind
		m.Boxes = append(m.Boxes, box)
	}
	if len(m.Boxes) == 0 || m.Boxes[0].Kind != BoxFold {
		return Message{}, fmt.Errorf("parsing a history message: it has no fold box")
	}
	return m, nil
}

func lengthPrefixed(b []byte) (part, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n : 4+n], b[4+n:], true
}
