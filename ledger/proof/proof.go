package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"golang.org/x/mod/sumdb/note"
)

// proofHeader is the first line of a proof file.
const proofHeader = "c2sp.org/tlog-proof@v1\n"

// maxProof is the most bytes a proof file can have.
const maxProof = 256 << 10

// Proof is a proof file (c2sp.org/tlog-proof), conventionally named
// *.tlog-proof: that the log holds an entry at a position.
type Proof struct {
	Extra []byte       // the entry; nothing in it is believed before Verify
	Index events.Index // position of the entry
	Path  []Hash       // inclusion path, from the leaf's sibling to the root's child
	Note  []byte       // the signed checkpoint, verbatim
}

// Format writes the proof file. It does not check p: [ParseProof] refuses the
// file of a proof that is not well-formed.
func (p Proof) Format() []byte {
	b := []byte(proofHeader)
	if len(p.Extra) > 0 {
		b = append(b, "extra "...)
		b = base64.StdEncoding.AppendEncode(b, p.Extra)
		b = append(b, '\n')
	}
	b = append(b, "index "...)
	b = strconv.AppendUint(b, uint64(p.Index), 10)
	b = append(b, '\n')
	for _, h := range p.Path {
		b = base64.StdEncoding.AppendEncode(b, h[:])
		b = append(b, '\n')
	}
	b = append(b, '\n')
	return append(b, p.Note...)
}

// ParseProof reads a proof file. It checks the form of every line, those of
// the checkpoint and its signatures included, and verifies nothing.
func ParseProof(b []byte) (Proof, error) {
	p, err := parseProof(b)
	if err == nil && !bytes.Equal(p.Format(), b) {
		err = errors.New("not in its canonical form")
	}
	if err != nil {
		return Proof{}, fmt.Errorf("reading a proof: %w", err)
	}
	return p, nil
}

func parseProof(b []byte) (p Proof, err error) {
	if len(b) > maxProof {
		return p, fmt.Errorf("%d bytes, more than %d", len(b), maxProof)
	}
	body, ok := bytes.CutPrefix(b, []byte(proofHeader))
	if !ok {
		return p, fmt.Errorf("the first line is not %q", proofHeader[:len(proofHeader)-1])
	}
	head, msg, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return p, errors.New("no empty line before the checkpoint")
	}
	if err := p.parseHead(strings.Split(string(head), "\n")); err != nil {
		return p, err
	}
	p.Note = bytes.Clone(msg)
	text, err := splitNote(msg)
	if err != nil {
		return p, fmt.Errorf("checkpoint: %w", err)
	}
	if _, err := parseCheckpoint(text); err != nil {
		return p, fmt.Errorf("checkpoint: %w", err)
	}
	return p, nil
}

// parseHead reads the lines between the first one and the empty one.
func (p *Proof) parseHead(lines []string) (err error) {
	if b64, ok := strings.CutPrefix(lines[0], "extra "); ok {
		if p.Extra, err = decode(base64.StdEncoding, b64); err != nil {
			return fmt.Errorf("extra: %w", err)
		}
		if len(p.Extra) == 0 || len(p.Extra) > MaxEntry {
			return fmt.Errorf("extra: %d bytes instead of 1 to %d", len(p.Extra), MaxEntry)
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("no index line")
	}
	if p.Index, err = parseIndex(lines[0][len("index "):]); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	path := lines[1:]
	if len(path) > maxPath {
		return fmt.Errorf("path has %d hashes, more than %d", len(path), maxPath)
	}
	for i, line := range path {
		h, err := decodeHash(base64.StdEncoding, line)
		if err != nil {
			return fmt.Errorf("hash %d of the path: %w", i+1, err)
		}
		p.Path = append(p.Path, h)
	}
	return nil
}

// Verify returns the signed checkpoint if v, the log's key, signed it and the
// bytes in Extra are the log's entry at Index. Only then may Extra be
// believed. A proof without extra is an error.
func (p Proof) Verify(v note.Verifier) (Checkpoint, error) {
	if len(p.Extra) == 0 {
		return Checkpoint{}, errors.New("verifying a proof: it carries no entry (no extra line)")
	}
	c, err := OpenCheckpoint(p.Note, v)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifying a proof: %w", err)
	}
	if err := CheckInclusion(p.Extra, p.Index, p.Path, c); err != nil {
		return Checkpoint{}, fmt.Errorf("verifying a proof: %w", err)
	}
	return c, nil
}
