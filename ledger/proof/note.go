package proof

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// maxNote is the most bytes a signed note can have. A receipt for the 1,000
// events of the largest request fits, as do more than ten post-quantum
// cosignatures on a checkpoint.
const maxNote = 64 << 10

// maxSignatures is the most signature lines a note can have.
const maxSignatures = 100

// signaturePrefix opens every signature line: an em dash and a space.
const signaturePrefix = "— "

// ParseVerifierKey reads a verifier key "name+hash+keydata" as written by
// golang.org/x/mod/sumdb/note. Unlike note.NewVerifier it refuses every
// spelling but the one written: upper-case hexadecimal, spare base64 bits.
func ParseVerifierKey(vkey string) (note.Verifier, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("reading the verifier key: %w", err)
	}
	_, hash, _ := strings.Cut(vkey, "+")
	hash, key64, _ := strings.Cut(hash, "+")
	if _, err := decode(base64.StdEncoding, key64); err != nil {
		return nil, fmt.Errorf("reading the verifier key: %w", err)
	}
	if hash != fmt.Sprintf("%08x", v.KeyHash()) {
		return nil, fmt.Errorf("reading the verifier key: the key hash %q is not in lower case", hash)
	}
	return v, nil
}

// keyID is what a signature line says about its key.
type keyID struct {
	name string
	hash uint32
}

// splitNote returns the text of a signed note, with its final newline, without
// verifying a signature. Every signature line must be canonical and no key may
// appear twice.
func splitNote(msg []byte) (string, error) {
	if len(msg) > maxNote {
		return "", fmt.Errorf("the note has %d bytes, more than %d", len(msg), maxNote)
	}
	if !utf8.Valid(msg) {
		return "", errors.New("the note is not UTF-8")
	}
	if bytes.ContainsFunc(msg, func(r rune) bool { return r < ' ' && r != '\n' }) {
		return "", errors.New("the note has a control character")
	}
	split := bytes.LastIndex(msg, []byte("\n\n"))
	if split < 0 || split+2 == len(msg) {
		return "", errors.New("the note has no signature")
	}
	lines, err := splitLines(string(msg[split+2:]))
	if err != nil {
		return "", err
	}
	if len(lines) > maxSignatures {
		return "", fmt.Errorf("the note has %d signatures, more than %d", len(lines), maxSignatures)
	}
	seen := make(map[keyID]bool)
	for _, line := range lines {
		k, _, err := parseSignature(line)
		if err != nil {
			return "", err
		}
		if seen[k] {
			return "", fmt.Errorf("key %s+%08x has more than one signature", k.name, k.hash)
		}
		seen[k] = true
	}
	return string(msg[:split+1]), nil
}

// parseSignature reads one signature line, without its newline, and returns the
// signature behind the hash of its key. The name of the key may be anything signed
// notes allow, since it need not be ours.
func parseSignature(line string) (keyID, []byte, error) {
	rest, ok := strings.CutPrefix(line, signaturePrefix)
	name, b64, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return keyID{}, nil, fmt.Errorf("%.60q is not a signature line", line)
	}
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) || strings.Contains(name, "+") {
		return keyID{}, nil, fmt.Errorf("%.60q is not a key name", name)
	}
	sig, err := decode(base64.StdEncoding, b64)
	if err != nil {
		return keyID{}, nil, fmt.Errorf("signature of %s: %w", name, err)
	}
	if len(sig) < 5 {
		return keyID{}, nil, fmt.Errorf("signature of %s: only %d bytes", name, len(sig))
	}
	return keyID{name, binary.BigEndian.Uint32(sig)}, sig[4:], nil
}

// openNote returns the text of a note that v signed.
func openNote(msg []byte, v note.Verifier) (string, error) {
	if _, err := splitNote(msg); err != nil {
		return "", err
	}
	n, err := note.Open(msg, note.VerifierList(v))
	var unsigned *note.UnverifiedNoteError
	if errors.As(err, &unsigned) {
		return "", fmt.Errorf("no signature by key %s+%08x", v.Name(), v.KeyHash())
	}
	if err != nil {
		return "", err
	}
	return n.Text, nil
}

// signNote signs text, and refuses to make a note nobody would open.
func signNote(text string, s note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return nil, err
	}
	if _, err := splitNote(msg); err != nil {
		return nil, err
	}
	return msg, nil
}
