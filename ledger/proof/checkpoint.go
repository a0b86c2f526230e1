package proof

import (
	"encoding/base64"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
	"golang.org/x/mod/sumdb/note"
)

// Checkpoint states what the log is at one size.
type Checkpoint struct {
	Origin string      // the log's name, which is also its key's name
	Size   events.Size // number of entries
	Root   Hash        // RFC 6962 tree hash over those entries
}

// Text is the checkpoint as note text: origin, size and root, a line each,
// without extension lines (c2sp.org/tlog-checkpoint).
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// ParseCheckpoint reads the text of a checkpoint, without signatures. It
// accepts only what [Checkpoint.Text] writes for a well-formed checkpoint.
func ParseCheckpoint(text string) (Checkpoint, error) {
	c, err := parseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("reading a checkpoint: %w", err)
	}
	return c, nil
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines, err := splitLines(text)
	if err != nil {
		return c, err
	}
	if len(lines) < 3 {
		return c, fmt.Errorf("%d lines instead of 3", len(lines))
	}
	c.Origin = lines[0]
	if err := checkOrigin(c.Origin); err != nil {
		return c, err
	}
	if c.Size, err = parseSize(lines[1]); err != nil {
		return c, fmt.Errorf("size: %w", err)
	}
	if c.Root, err = decodeHash(base64.StdEncoding, lines[2]); err != nil {
		return c, fmt.Errorf("root: %w", err)
	}
	if len(lines) > 3 {
		return c, fmt.Errorf("%d lines instead of 3", len(lines))
	}
	return c, checkTree(c, nil)
}

// SignCheckpoint returns c as a note signed by s, whose name must be the
// origin. It keeps no memory of what was signed before: the caller makes sure
// that no two checkpoints contradict each other.
func SignCheckpoint(c Checkpoint, s note.Signer) ([]byte, error) {
	text := c.Text()
	if _, err := parseCheckpoint(text); err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	if s.Name() != c.Origin {
		return nil, fmt.Errorf("signing a checkpoint: origin %q is not the key's name %q", c.Origin, s.Name())
	}
	msg, err := signNote(text, s)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return msg, nil
}

// OpenCheckpoint returns the checkpoint in a note that v signed once and whose
// origin is v's name. Signatures of other keys must be canonical and are not
// judged.
func OpenCheckpoint(msg []byte, v note.Verifier) (Checkpoint, error) {
	text, err := openNote(msg, v)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("opening a checkpoint: %w", err)
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("opening a checkpoint: %w", err)
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, fmt.Errorf("opening a checkpoint: origin %q is not the key's name %q", c.Origin, v.Name())
	}
	return c, nil
}

// Fork is evidence that the log said two things: two notes, both signed by its
// key, with one size and different roots. Whoever holds it can show it to
// anyone; [CompareCheckpoints] on the two notes finds it again.
type Fork struct {
	A, B []byte // signed checkpoints
}

// CompareCheckpoints opens two signed checkpoints of v's log and returns a
// fork if their sizes are equal and their roots are not. Without a fork it
// returns nil; checkpoints of different sizes need [CheckConsistency]. The
// error says that a note is not a checkpoint by v, so it is evidence of
// nothing.
func CompareCheckpoints(a, b []byte, v note.Verifier) (*Fork, error) {
	ca, err := OpenCheckpoint(a, v)
	if err != nil {
		return nil, fmt.Errorf("comparing checkpoints: the first: %w", err)
	}
	cb, err := OpenCheckpoint(b, v)
	if err != nil {
		return nil, fmt.Errorf("comparing checkpoints: the second: %w", err)
	}
	if ca.Size == cb.Size && ca.Root != cb.Root {
		return &Fork{A: a, B: b}, nil
	}
	return nil, nil
}
