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

// BoxCipher seals and opens boxes under one key, which it prepares once. Any
// number of goroutines may use it.
type BoxCipher struct{ aead cipher.AEAD }

// NewBoxCipher prepares key.
func NewBoxCipher(key [32]byte) (*BoxCipher, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("preparing a box key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("preparing a box key: %w", err)
	}
	return &BoxCipher{aead}, nil
}

// Seal encrypts plaintext for ad with AES-256-GCM and a fresh 96-bit nonce read
// from random, which defaults to crypto/rand when nil. The result is
// nonce ‖ ciphertext ‖ tag.
//
// Sealing again under the same key, as after a refused batch, draws another
// nonce and is safe.
func (c *BoxCipher) Seal(random io.Reader, ad, plaintext []byte) ([]byte, error) {
	if random == nil {
		random = rand.Reader
	}
	nonce := make([]byte, c.aead.NonceSize(), len(plaintext)+Overhead)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("drawing the nonce of a box: %w", err)
	}
	return c.aead.Seal(nonce, nonce, plaintext, ad), nil
}

// Open decrypts what Seal made for the same key and ad. The error says nothing
// about which of the three is wrong, for nobody can tell.
func (c *BoxCipher) Open(ad, box []byte) ([]byte, error) {
	if len(box) < Overhead {
		return nil, errShortBox
	}
	n := c.aead.NonceSize()
	plaintext, err := c.aead.Open(nil, box[:n], box[n:], ad)
	if err != nil {
		return nil, errBox
	}
	return plaintext, nil
}

// SealBox is [BoxCipher.Seal] for a key used once.
func SealBox(key [32]byte, random io.Reader, ad, plaintext []byte) ([]byte, error) {
	c, err := NewBoxCipher(key)
	if err != nil {
		return nil, err
	}
	return c.Seal(random, ad, plaintext)
}

// OpenBox is [BoxCipher.Open] for a key used once.
func OpenBox(key [32]byte, ad, box []byte) ([]byte, error) {
	c, err := NewBoxCipher(key)
	if err != nil {
		return nil, err
	}
	return c.Open(ad, box)
}
