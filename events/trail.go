package events

import (
	"crypto/sha256"
	"encoding/binary"
)

// EventKey is k_i of a trail whose root key is root: HMAC-SHA256(root,
// "daybook/event" ‖ u64 i), i from 1.
func EventKey(root [32]byte, i uint64) [32]byte {
	return MAC(root[:], binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
}

// Ticket is what a person shows to be given what one event has sealed for her:
// HMAC-SHA256(k_i, "daybook/ticket")[:16]. It opens nothing.
func Ticket(eventKey [32]byte) [16]byte {
	sum := MAC(eventKey[:], []byte("daybook/ticket"))
	return [16]byte(sum[:16])
}

// LabelInput is what the label of a person is the VRF output of, for an identifier
// as its scheme normalizes it: u8 len ‖ scheme ‖ u16 len ‖ value ‖ u32 generation.
func LabelInput(scheme, value string, generation uint32) []byte {
	b := append([]byte{byte(len(scheme))}, scheme...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(value))), value...)
	return binary.BigEndian.AppendUint32(b, generation)
}

// Commitment binds a label to a root key: SHA-256("daybook/commitment@1\n" ‖ label
// ‖ root).
func Commitment(label [64]byte, root [32]byte) [32]byte {
	b := append([]byte("daybook/commitment@1\n"), label[:]...)
	return sha256.Sum256(append(b, root[:]...))
}
