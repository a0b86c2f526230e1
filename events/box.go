package events

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Overhead is how many bytes a box is longer than what it holds: 12 of nonce
// before the ciphertext and 16 of tag after it.
const Overhead = 12 + 16

var (
	errShortBox = errors.New("opening a box: shorter than its nonce and tag")
	errBox      = errors.New("opening a box: the key, the associated data or the box is not the one it was sealed with")
)

// BoxKey derives the key of the named kind of box: HKDF-SHA256 over the joined
// keys, without salt, with info "daybook/<box>/1". Each of keys is 32 bytes
// long, so joining them is unambiguous; at least one is needed.
func BoxKey(box string, keys ...[]byte) [32]byte {
	var joined []byte
	for _, k := range keys {
		joined = append(joined, k...)
	}
	out, err := hkdf.Key(sha256.New, joined, nil, "daybook/"+box+"/1", 32)
	if err != nil {
		// Only a call without keys under a FIPS-only build gets here. A zero
		// key in its place would seal for everybody.
		panic(fmt.Sprintf("events: deriving a box key: %v", err))
	}
	return [32]byte(out)
}

// SealBox encrypts plaintext for ad under key with AES-256-GCM and a fresh
// 96-bit nonce read from random, which defaults to crypto/rand when nil. The
// result is nonce ‖ ciphertext ‖ tag.
//
// Sealing again under the same key, as after a refused batch, draws another
// nonce and is safe.
func SealBox(key [32]byte, random io.Reader, ad, plaintext []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, fmt.Errorf("sealing a box: %w", err)
	}
	if random == nil {
		random = rand.Reader
	}
	nonce := make([]byte, aead.NonceSize(), len(plaintext)+Overhead)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("drawing the nonce of a box: %w", err)
	}
	return aead.Seal(nonce, nonce, plaintext, ad), nil
}

// OpenBox decrypts what [SealBox] made for the same key and ad. The error says
// nothing about which of the three is wrong, for nobody can tell.
func OpenBox(key [32]byte, ad, box []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, fmt.Errorf("opening a box: %w", err)
	}
	if len(box) < Overhead {
		return nil, errShortBox
	}
	n := aead.NonceSize()
	plaintext, err := aead.Open(nil, box[:n], box[n:], ad)
	if err != nil {
		return nil, errBox
	}
	return plaintext, nil
}

func newAEAD(key [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
