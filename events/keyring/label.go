package keyring

import (
	"crypto/sha512"
	"fmt"

	vrf "filippo.io/mostly-harmless/vrf-r255"
	"github.com/gtank/ristretto255"
)

// labeling computes VRF outputs alone. The library computes the proof with each,
// which takes three times as long and which the ledger has no use for: it shows a
// label, and proves one to nobody but whose it is, by the root key beside it.
type labeling struct {
	scalar *ristretto255.Scalar
	salt   []byte // the public key
}

const vrfSuite = "\xffc2sp.org/vrf-r255"

func newLabeling(scalar []byte) (*labeling, error) {
	key, err := vrf.NewPrivateKey(scalar)
	if err != nil {
		return nil, err
	}
	x, err := ristretto255.NewScalar().SetCanonicalBytes(scalar)
	return &labeling{x, key.PublicKey().Bytes()}, err
}

// label is vrf.PrivateKey.Prove(input).Hash(), by C2SP vrf-r255 and RFC 9381:
//
//	H     = one-way map of SHA-512(suite ‖ 0x82 ‖ public key ‖ input)
//	label = SHA-512(suite ‖ 0x03 ‖ scalar·H ‖ 0x00)
func (l *labeling) label(input []byte) ([64]byte, error) {
	uniform := sha512.Sum512(append(append([]byte(vrfSuite+"\x82"), l.salt...), input...))
	h, err := ristretto255.NewIdentityElement().SetUniformBytes(uniform[:])
	if err != nil {
		return [64]byte{}, fmt.Errorf("computing a label: %w", err)
	}
	gamma := ristretto255.NewIdentityElement().ScalarMult(l.scalar, h)
	return sha512.Sum512(append(append([]byte(vrfSuite+"\x03"), gamma.Bytes()...), 0)), nil
}
