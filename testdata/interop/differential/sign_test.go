package differential

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// seedOf is the secret of a key of the vectors, which is made of public words.
func seedOf(words string) [32]byte {
	return sha256.Sum256([]byte("public test data, protects nothing: " + words))
}

// secretOf is the secret key of a name, as golang.org/x/mod reads it. It stands apart
// by key type, and so need not have the hash of it.
func secretOf(vkey, words string, kind byte) string {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, _, _ := strings.Cut(rest, "+")
	seed := seedOf(words)
	return fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, base64.StdEncoding.EncodeToString(append([]byte{kind}, seed[:]...)))
}

func signerOf(t testing.TB, vkey, words string) note.Signer {
	t.Helper()
	s, err := note.NewSigner(secretOf(vkey, words, 1))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// line is a signature line.
func line(name string, hash uint32, sig []byte) string {
	b := append(binary.BigEndian.AppendUint32(nil, hash), sig...)
	return "— " + name + " " + base64.StdEncoding.EncodeToString(b) + "\n"
}

// resigned is a note with the text of another, signed by s alone. A note without
// signatures stays as it is.
func resigned(file []byte, s note.Signer) []byte {
	i := bytes.LastIndex(file, []byte("\n\n"))
	if i < 0 {
		return file
	}
	return sign(file[:i+1], s)
}

func sign(text []byte, s note.Signer) []byte {
	sig, err := s.Sign(text)
	if err != nil {
		return text
	}
	return append(append(bytes.Clone(text), '\n'), line(s.Name(), s.KeyHash(), sig)...)
}

// rerooted is a proof whose checkpoint has the root to which its entry and path lead,
// if any program can say which that is.
func rerooted(file []byte, s note.Signer) []byte {
	var p fproof.TLogProof
	i := bytes.Index(file, []byte("\n\n"))
	if i < 0 || p.Unmarshal(file) != nil {
		return file
	}
	lines := strings.SplitN(string(file[i+2:]), "\n", 4)
	if len(lines) < 4 {
		return file
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return file
	}
	path := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		path[i] = p.Hashes[i][:]
	}
	h := rfc6962.DefaultHasher
	root, err := merkle.RootFromInclusionProof(h, p.Index, size, h.HashLeaf(p.ExtraData), path)
	if err != nil {
		return file
	}
	lines[2] = base64.StdEncoding.EncodeToString(root)
	text := strings.Join(lines, "\n")
	if j := strings.LastIndex(text, "\n\n"); j >= 0 {
		text = text[:j+1]
	}
	return append(bytes.Clone(file[:i+2]), sign([]byte(text), s)...)
}

// witness cosigns what it is given.
type witness struct {
	name string
	hash uint32
	seed [32]byte
	pq   *fnote.SubtreeSigner // of ML-DSA-44
}

func newWitness(t testing.TB, vkey string) witness {
	t.Helper()
	name, rest, _ := strings.Cut(vkey, "+")
	hash, err := strconv.ParseUint(rest[:8], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	w := witness{name: name, hash: uint32(hash), seed: seedOf(name)}
	if len(rest) > 1000 {
		if w.pq, err = fnote.NewMLDSASigner(secretOf(vkey, name, 6)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// line is the cosignature of a text, which need be no checkpoint, at a time.
func (w witness) line(text []byte, seconds uint64) string {
	sig := binary.BigEndian.AppendUint64(nil, seconds)
	if w.pq == nil {
		key := ed25519.NewKeyFromSeed(w.seed[:])
		return line(w.name, w.hash, append(sig, ed25519.Sign(key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text))...))
	}
	lines := strings.SplitN(string(text), "\n", 4)
	if len(lines) < 4 {
		return ""
	}
	size, _ := strconv.ParseUint(lines[1], 10, 64)
	root, _ := base64.StdEncoding.DecodeString(lines[2])
	sig, err := w.pq.SignSubtree(seconds, lines[0], 0, size, root)
	if err != nil {
		return ""
	}
	return line(w.name, w.hash, sig)
}

// keyHash is the hash in a verifier key.
func keyHash(name string, key []byte) string {
	h := sha256.Sum256(append([]byte(name+"\n"), key...))
	return fmt.Sprintf("%x", h[:4])
}
