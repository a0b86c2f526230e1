package events

import (
	"crypto/aes"
	"crypto/cipher"
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
	if len(keys) == 0 {
		// A key from nothing would seal for everybody.
		panic("events: deriving a box key from no keys")
	}
	var none [sha256.Size]byte // the salt
	extracted := MAC(none[:], keys...)
	return MAC(extracted[:], []byte("daybook/"), []byte(box), []byte("/1\x01"))
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
	return c.AppendSeal(make([]byte, 0, len(plaintext)+Overhead), random, ad, plaintext)
}

// AppendSeal is Seal behind what dst has. plaintext must not lie in dst.
func (c *BoxCipher) AppendSeal(dst []byte, random io.Reader, ad, plaintext []byte) ([]byte, error) {
	if random == nil {
		random = rand.Reader
	}
	var room [12]byte
	dst = append(dst, room[:c.aead.NonceSize()]...)
	nonce := dst[len(dst)-c.aead.NonceSize():]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("drawing the nonce of a box: %w", err)
	}
	return c.aead.Seal(dst, nonce, plaintext, ad), nil
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
