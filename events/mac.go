package events

import "crypto/sha256"

// MAC is HMAC-SHA256 of the joined parts under a key of at most 64 bytes, as all
// keys here are. Every event needs a score of them, most of a few bytes: this one
// allocates nothing for those.
func MAC(key []byte, parts ...[]byte) [32]byte {
	const block = sha256.BlockSize
	if len(key) > block {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	var pad [block]byte
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	var room [512]byte
	message := append(room[:0], pad[:]...)
	for _, p := range parts {
		message = append(message, p...)
	}
	inner := sha256.Sum256(message)
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	var outer [block + sha256.Size]byte
	copy(outer[:], pad[:])
	copy(outer[block:], inner[:])
	return sha256.Sum256(outer[:])
}

// TagOf is the tag that an event key stands behind: HMAC(key, "tag")[:16].
func TagOf(eventKey [32]byte) Tag {
	sum := MAC(eventKey[:], []byte("tag"))
	return Tag(sum[:16])
}
