package proof

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"filippo.io/mldsa"
	"golang.org/x/mod/sumdb/note"
)

// The signature types of cosigners' keys (c2sp.org/tlog-cosignature).
const (
	CosignerEd25519 byte = 0x04
	CosignerMLDSA44 byte = 0x06
)

// maxCosignerName is the most bytes the name of a cosigner can have: the message
// that ML-DSA-44 signs has the name behind one byte of length.
const maxCosignerName = 255

// secretPrefix opens a cosigner's secret key as that of a signed note's key.
const secretPrefix = "PRIVATE+KEY+"

// Cosigner verifies the cosignatures of one key of a witness. As a note.Verifier it
// judges notes whose text is a checkpoint.
type Cosigner struct {
	name string
	hash uint32
	key  []byte // the type, and the public key
	pq   *mldsa.PublicKey
}

// ParseCosignerKey reads the verifier key of a witness, "name+hash+keydata" with a
// type of c2sp.org/tlog-cosignature, in the one form String writes.
func ParseCosignerKey(vkey string) (*Cosigner, error) {
	c, err := parseCosignerKey(vkey)
	if err == nil && c.String() != vkey {
		err = errors.New("it is not in its one form, or its hash is not that of its key")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of a witness: %w", err)
	}
	return c, nil
}

func parseCosignerKey(vkey string) (*Cosigner, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	_, key64, ok := strings.Cut(rest, "+")
	if !ok {
		return nil, errors.New("it is not a name, a hash and a key")
	}
	key, err := decode(base64.StdEncoding, key64)
	if err != nil {
		return nil, err
	}
	return newCosigner(name, key)
}

// newCosigner is the cosigner of a name with a key behind its type.
func newCosigner(name string, key []byte) (*Cosigner, error) {
	if name == "" || len(name) > maxCosignerName || !utf8.ValidString(name) ||
		strings.Contains(name, "+") || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, fmt.Errorf("%.60q is no name of a witness", name)
	}
	c := &Cosigner{name: name, key: key}
	switch {
	case len(key) == 1+ed25519.PublicKeySize && key[0] == CosignerEd25519:
	case len(key) == 1+mldsa.MLDSA44PublicKeySize && key[0] == CosignerMLDSA44:
		var err error
		if c.pq, err = mldsa.NewPublicKey(mldsa.MLDSA44(), key[1:]); err != nil {
			return nil, fmt.Errorf("reading an ML-DSA-44 key: %w", err)
		}
	case len(key) > 0 && key[0] == 1:
		return nil, errors.New("it signs notes of its own, as a log's key does, and a witness's key cosigns")
	default:
		return nil, errors.New("it is neither an Ed25519 nor an ML-DSA-44 cosigner's key")
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	c.hash = binary.BigEndian.Uint32(sum[:])
	return c, nil
}

// Name is the name of the key.
func (c *Cosigner) Name() string { return c.name }

// KeyHash is the identifier that its signature lines have.
func (c *Cosigner) KeyHash() uint32 { return c.hash }

// String is the verifier key.
func (c *Cosigner) String() string {
	return fmt.Sprintf("%s+%08x+%s", c.name, c.hash, base64.StdEncoding.EncodeToString(c.key))
}

// Type is the signature type of the key.
func (c *Cosigner) Type() byte { return c.key[0] }

// Verify says whether sig is a cosignature of the checkpoint whose text is msg.
func (c *Cosigner) Verify(msg, sig []byte) bool {
	_, err := c.signedAt(string(msg), sig)
	return err == nil
}

// signedAt is the time that a cosignature of text states.
func (c *Cosigner) signedAt(text string, sig []byte) (time.Time, error) {
	bad := fmt.Errorf("the cosignature of %s is not valid", c.name)
	if len(sig) < 8 {
		return time.Time{}, bad
	}
	seconds := binary.BigEndian.Uint64(sig)
	if seconds == 0 || seconds > math.MaxInt64 {
		return time.Time{}, bad
	}
	msg, err := cosigned(c.Type(), c.name, text, seconds)
	if err != nil {
		return time.Time{}, err
	}
	if c.pq != nil {
		if mldsa.Verify(c.pq, msg, sig[8:], nil) != nil {
			return time.Time{}, bad
		}
	} else if len(sig) != 8+ed25519.SignatureSize || !ed25519.Verify(c.key[1:], msg, sig[8:]) {
		return time.Time{}, bad
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// cosigned is the message that a cosigner signs: of Ed25519 the text under a header
// and a time, of ML-DSA-44 the structure cosigned_message of the whole tree.
func cosigned(kind byte, name, text string, seconds uint64) ([]byte, error) {
	if kind == CosignerEd25519 {
		return []byte("cosignature/v1\ntime " + strconv.FormatUint(seconds, 10) + "\n" + text), nil
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	out := append([]byte("subtree/v1\n\x00"), byte(len(name)))
	out = binary.BigEndian.AppendUint64(append(out, name...), seconds)
	out = append(append(out, byte(len(c.Origin))), c.Origin...)
	out = binary.BigEndian.AppendUint64(out, 0)
	out = binary.BigEndian.AppendUint64(out, uint64(c.Size))
	return append(out, c.Root[:]...), nil
}

// CosignerSigner cosigns checkpoints. It keeps no memory of what it signed: the
// witness makes sure that no two of them contradict each other.
type CosignerSigner struct {
	*Cosigner
	seed []byte
	pq   *mldsa.PrivateKey
}

// GenerateCosigner makes a key of a type and returns it as the text that
// ParseCosignerSigner reads, which is a secret.
func GenerateCosigner(name string, kind byte) (secret string, err error) {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // it never fails
	s, err := newCosignerSigner(name, kind, seed)
	if err != nil {
		return "", fmt.Errorf("making the key of a witness: %w", err)
	}
	return s.secret(), nil
}

// ParseCosignerSigner reads what GenerateCosigner makes.
func ParseCosignerSigner(secret string) (*CosignerSigner, error) {
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	name, rest, ok2 := strings.Cut(rest, "+")
	_, key64, ok3 := strings.Cut(rest, "+")
	key, err := decode(base64.StdEncoding, key64)
	if !ok || !ok2 || !ok3 || err != nil || len(key) != 33 {
		return nil, errors.New("reading the secret key of a witness: it is none")
	}
	s, err := newCosignerSigner(name, key[0], key[1:])
	if err == nil && s.secret() != secret {
		err = errors.New("it is not in its one form")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the secret key of a witness: %w", err)
	}
	return s, nil
}

func newCosignerSigner(name string, kind byte, seed []byte) (s *CosignerSigner, err error) {
	s = &CosignerSigner{seed: seed}
	var public []byte
	switch kind {
	case CosignerEd25519:
		public = ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	case CosignerMLDSA44:
		if s.pq, err = mldsa.NewPrivateKey(mldsa.MLDSA44(), seed); err != nil {
			return nil, err
		}
		public = s.pq.PublicKey().Bytes()
	default:
		return nil, fmt.Errorf("there are no cosigners of type %d", kind)
	}
	s.Cosigner, err = newCosigner(name, append([]byte{kind}, public...))
	return s, err
}

func (s *CosignerSigner) secret() string {
	key := base64.StdEncoding.EncodeToString(append([]byte{s.Type()}, s.seed...))
	return fmt.Sprintf("%s%s+%08x+%s", secretPrefix, s.name, s.hash, key)
}

// String says whose key it is; the secret is not in it.
func (s *CosignerSigner) String() string { return "secret key of " + s.Cosigner.String() }

// Cosign is the signature line, with its newline, by which s says that at a time, in
// whole seconds, the checkpoint with this text was the largest it knew.
func (s *CosignerSigner) Cosign(text string, at time.Time) (string, error) {
	if _, err := parseCheckpoint(text); err != nil {
		return "", fmt.Errorf("cosigning: %w", err)
	}
	if at.Unix() <= 0 {
		return "", errors.New("cosigning: the time is before 1970")
	}
	msg, err := cosigned(s.Type(), s.name, text, uint64(at.Unix()))
	if err != nil {
		return "", fmt.Errorf("cosigning: %w", err)
	}
	var sig []byte
	if s.pq == nil {
		sig = ed25519.Sign(ed25519.NewKeyFromSeed(s.seed), msg)
	} else if sig, err = s.pq.SignDeterministic(msg, nil); err != nil { // so that what is said has one form here too
		return "", fmt.Errorf("cosigning: %w", err)
	}
	out := binary.BigEndian.AppendUint32(nil, s.hash)
	out = append(binary.BigEndian.AppendUint64(out, uint64(at.Unix())), sig...)
	return signaturePrefix + s.name + " " + base64.StdEncoding.EncodeToString(out) + "\n", nil
}

// Cosignatures are the signature lines, each with its newline, of a witness's answer
// to add-checkpoint (c2sp.org/tlog-witness) that one of the keys made for text. Lines
// of other keys are left out, as that specification demands.
func Cosignatures(answer []byte, text string, keys ...*Cosigner) (lines []string, err error) {
	if _, err := splitNote(append([]byte(text+"\n"), answer...)); err != nil {
		return nil, fmt.Errorf("reading the answer of a witness: %w", err)
	}
	for line := range strings.Lines(string(answer)) {
		k, sig, err := parseSignature(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("reading the answer of a witness: %w", err)
		}
		for _, c := range keys {
			if (keyID{c.name, c.hash}) != k {
				continue
			}
			if _, err := c.signedAt(text, sig); err != nil {
				return nil, fmt.Errorf("reading the answer of a witness: %w", err)
			}
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// AddCosignatures is the note msg with further signature lines. Those of keys that
// are there already take their place if they state a newer time, and are left out
// otherwise: an old answer, given again, sets no time back.
func AddCosignatures(msg []byte, lines ...string) ([]byte, error) {
	text, err := splitNote(msg)
	if err != nil {
		return nil, fmt.Errorf("adding cosignatures: %w", err)
	}
	further, err := timesOf(lines)
	if err != nil {
		return nil, fmt.Errorf("adding cosignatures: %w", err)
	}
	out := []byte(text + "\n")
	for line := range strings.Lines(string(msg[len(text)+1:])) {
		k, sig, err := parseSignature(strings.TrimSuffix(line, "\n"))
		if err != nil {
			continue
		}
		if at, ok := further[k]; !ok || statedTime(sig) > at {
			out = append(out, line...)
			delete(further, k)
		}
	}
	for _, line := range lines {
		if k, _, err := parseSignature(strings.TrimSuffix(line, "\n")); err == nil && has(further, k) {
			out = append(out, line...)
		}
	}
	if _, err := splitNote(out); err != nil {
		return nil, fmt.Errorf("adding cosignatures: %w", err)
	}
	return out, nil
}

// timesOf are the times that cosignatures state, by their keys.
func timesOf(lines []string) (map[keyID]uint64, error) {
	out := map[keyID]uint64{}
	for _, line := range lines {
		k, sig, err := parseSignature(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		out[k] = statedTime(sig)
	}
	return out, nil
}

// statedTime is the time that a cosignature states, unverified.
func statedTime(sig []byte) uint64 {
	if len(sig) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(sig)
}

func has(m map[keyID]uint64, k keyID) bool { _, ok := m[k]; return ok }

var _ note.Verifier = (*Cosigner)(nil)
