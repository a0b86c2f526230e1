package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const (
	// maxPath is the most hashes a consistency proof can have, and maxRequest the most
	// bytes of a request: those, and the largest note.
	maxPath    = 63
	maxRequest = maxNote + (maxPath+2)*48
	maxNote    = 64 << 10
)

// Request asks a witness to cosign a checkpoint (add-checkpoint of
// c2sp.org/tlog-witness).
type Request struct {
	Old  events.Size  // what the witness cosigned last
	Path []proof.Hash // from there to the checkpoint
	Note []byte       // the checkpoint, signed by its log
}

// Format is the body of the request.
func (r Request) Format() []byte {
	b := fmt.Appendf(nil, "old %d\n", r.Old)
	for _, h := range r.Path {
		b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
	}
	return append(append(b, '\n'), r.Note...)
}

// ParseRequest reads what Format writes and nothing else. Of the note it checks the
// form, with every signature line, and no signature.
func ParseRequest(b []byte) (Request, error) {
	r, err := parseRequest(b)
	if err == nil && !bytes.Equal(r.Format(), b) {
		err = errors.New("it is not in its one form")
	}
	if err == nil {
		_, _, err = splitNote(r.Note)
	}
	if err != nil {
		return Request{}, fmt.Errorf("reading a request: %w", err)
	}
	return r, nil
}

func parseRequest(b []byte) (r Request, err error) {
	if len(b) > maxRequest {
		return r, fmt.Errorf("it has more than %d bytes", maxRequest)
	}
	head, msg, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return r, errors.New("no empty line is before a checkpoint")
	}
	r.Note = bytes.Clone(msg)
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	if !ok {
		return r, errors.New("it does not begin with the old size")
	}
	if r.Old, err = parseSize(size); err != nil {
		return r, err
	}
	if len(lines)-1 > maxPath {
		return r, fmt.Errorf("the proof has %d hashes, more than %d", len(lines)-1, maxPath)
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(h) != len(proof.Hash{}) {
			return r, fmt.Errorf("%.60q is not a hash in base64", line)
		}
		r.Path = append(r.Path, proof.Hash(h))
	}
	return r, nil
}

// parseSize reads a size as a request and a 409 have it.
func parseSize(s string) (events.Size, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != s || events.Size(n) > proof.MaxSize {
		return 0, fmt.Errorf("%.40q is not a size", s)
	}
	return events.Size(n), nil
}

// splitNote is the text of a signed note and its signature lines, every one of them
// well-formed.
func splitNote(msg []byte) (text, lines string, err error) {
	split := bytes.LastIndex(msg, []byte("\n\n"))
	if split < 0 {
		return "", "", errors.New("the note has no signature")
	}
	text, lines = string(msg[:split+1]), string(msg[split+2:])
	_, err = proof.Cosignatures([]byte(lines), text) // of no key: their form alone
	return text, lines, err
}

// stated is the checkpoint that a note's text says. That of no entries may have a wrong
// root, which is then judged as a wrong proof is.
func stated(text string) (c proof.Checkpoint, wrong bool, err error) {
	if c, err = proof.ParseCheckpoint(text); err == nil {
		return c, false, nil
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[1] != "0" {
		return c, false, err
	}
	root, rootErr := base64.StdEncoding.DecodeString(lines[2])
	if rootErr != nil || len(root) != len(proof.Hash{}) || base64.StdEncoding.EncodeToString(root) != lines[2] {
		return c, false, err
	}
	empty := proof.Checkpoint{Origin: lines[0], Root: proof.EmptyRoot()}
	c, err = proof.ParseCheckpoint(empty.Text())
	c.Root = proof.Hash(root)
	return c, true, err
}
