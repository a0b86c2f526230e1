package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

const (
	bundleFormat = "daybook/bundle@1"

	// maxBundle bounds a bundle, in bytes, and maxHeld the entries in it.
	maxBundle = 64 << 20
	maxHeld   = 1 << 16
)

// Bundle is what a person keeps of her trail: everything that was recorded under
// it up to one state of the index, and the proof that this is all. It has what she
// may see of each entry in clear, and none of her keys: [Bundle.Verify] needs her
// card.
type Bundle struct {
	Entries []Held // entry 0, enrolments, hers, and the heads of hers; positions ascend
	Nodes   []Hash // of the ledger's tree, as EntryNodes has them for Index.Leaf.Size
	Note    []byte // the signed checkpoint of the ledger, verbatim
	Index   IndexProof
}

// Held is one entry of a bundle.
type Held struct {
	Position events.Index
	Entry    []byte
	Open     []events.Disclosure // what of it was opened for her, none twice
}

// IsBundle says that b begins as a bundle does, of whatever version.
func IsBundle(b []byte) bool { return bytes.HasPrefix(b, []byte("daybook/bundle@")) }

// Format writes b as a file. It does not check b: [ParseBundle] refuses the file of
// one that is not well-formed.
func (b Bundle) Format() []byte {
	out := []byte(bundleFormat + "\n")
	for _, h := range b.Entries {
		out = strconv.AppendUint(out, uint64(h.Position), 10)
		out = append(append(append(out, '\n'), h.Entry...), '\n')
		for _, d := range h.Open {
			// The JSON text that a disclosure is the base64url of.
			text, _ := base64.RawURLEncoding.DecodeString(d.Encode())
			out = append(append(out, text...), '\n')
		}
	}
	nodes := make([]byte, 0, len(b.Nodes)*len(Hash{}))
	for _, h := range b.Nodes {
		nodes = append(nodes, h[:]...)
	}
	out = base64.RawURLEncoding.AppendEncode(append(out, "nodes "...), nodes)
	out = append(append(out, "\n\n"...), b.Note...)
	return append(out, b.Index.Format()...)
}

// ParseBundle reads what Format writes and nothing else. It checks the form of
// everything in it but the entries, and verifies nothing.
func ParseBundle(file []byte) (Bundle, error) {
	b, err := parseBundle(file)
	if err == nil && !bytes.Equal(b.Format(), file) {
		err = errors.New("not in its canonical form")
	}
	if err != nil {
		return Bundle{}, fmt.Errorf("reading a bundle: %w", err)
	}
	return b, nil
}

func parseBundle(file []byte) (b Bundle, err error) {
	if len(file) > maxBundle {
		return b, fmt.Errorf("%d bytes, more than %d", len(file), maxBundle)
	}
	body, ok := bytes.CutPrefix(file, []byte(bundleFormat+"\n"))
	if !ok {
		return b, errors.New("it is not " + bundleFormat)
	}
	head, rest, ok := bytes.Cut(body, []byte("\n\n"))
	at := bytes.Index(rest, []byte("\n"+indexProofFormat+"\n"))
	if !ok || at < 0 {
		return b, errors.New("it has no checkpoint, or no proof of the index")
	}
	b.Note = bytes.Clone(rest[:at+1])
	text, err := splitNote(b.Note)
	if err == nil {
		_, err = parseCheckpoint(text)
	}
	if err != nil {
		return b, fmt.Errorf("checkpoint: %w", err)
	}
	if b.Index, err = ParseIndexProof(rest[at+1:]); err != nil {
		return b, err
	}
	return b, b.parseHead(strings.Split(string(head), "\n"))
}

// parseHead reads the entries and the nodes.
func (b *Bundle) parseHead(lines []string) error {
	for len(lines) > 1 {
		h, n, err := parseHeld(lines)
		if err == nil && len(b.Entries) > 0 && h.Position <= b.Entries[len(b.Entries)-1].Position {
			err = errors.New("the positions do not ascend")
		}
		if err == nil && len(b.Entries) == maxHeld {
			err = fmt.Errorf("more than %d", maxHeld)
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", len(b.Entries)+1, err)
		}
		b.Entries, lines = append(b.Entries, h), lines[n:]
	}
	encoded, ok := "", false
	if len(lines) == 1 {
		encoded, ok = strings.CutPrefix(lines[0], "nodes ")
	}
	if !ok {
		return errors.New("it has no nodes")
	}
	nodes, err := decode(base64.RawURLEncoding, encoded)
	if err != nil || len(nodes)%len(Hash{}) != 0 {
		return errors.New("the nodes are not whole hashes in base64url")
	}
	b.Nodes = make([]Hash, len(nodes)/len(Hash{}))
	for i := range b.Nodes {
		b.Nodes[i] = Hash(nodes[i*len(Hash{}):])
	}
	return nil
}

// parseHeld reads an entry and says how many lines it has.
func parseHeld(lines []string) (h Held, n int, err error) {
	if h.Position, err = parseIndex(lines[0]); err != nil {
		return h, 0, err
	}
	if len(lines[1]) > MaxEntry || !strings.HasPrefix(lines[1], "{") {
		return h, 0, errors.New("no entry follows its position")
	}
	h.Entry = []byte(lines[1])
	seen := map[string]bool{}
	for n = 2; n < len(lines) && strings.HasPrefix(lines[n], "["); n++ {
		d, err := events.ParseDisclosure(base64.RawURLEncoding.EncodeToString([]byte(lines[n])))
		if err != nil {
			return h, 0, err
		}
		if seen[lines[n]] {
			return h, 0, errors.New("a disclosure is there twice")
		}
		seen[lines[n]] = true
		h.Open = append(h.Open, d)
	}
	return h, n, nil
}

// String says only how much is held.
func (b Bundle) String() string { return fmt.Sprintf("bundle(sealed, %d entries)", len(b.Entries)) }

// GoString is String.
func (b Bundle) GoString() string { return b.String() }

// LogValue is String.
func (b Bundle) LogValue() slog.Value { return slog.StringValue(b.String()) }
