package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
)

const (
	indexFormat      = "daybook/index@1"
	indexProofFormat = "daybook/index-proof@1"
)

// IndexKeyName is the name of the key that signs the index of a log, and the
// origin of the index log.
func IndexKeyName(origin string) string { return origin + "/index" }

// IndexLeaf is one leaf of the index log: the roots of both prefix trees over the
// first Size entries of the ledger.
type IndexLeaf struct {
	Size   events.Size // of the ledger
	Root   Hash        // of the ledger at Size
	Tags   Hash        // of the tree over tags
	Labels Hash        // of the tree over enrolments
}

// Text is the leaf as the index log has it.
func (l IndexLeaf) Text() string {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s\n%d\n%s\n%s\n%s\n", indexFormat, l.Size, b64(l.Root[:]), b64(l.Tags[:]), b64(l.Labels[:]))
}

// ParseIndexLeaf reads what [IndexLeaf.Text] writes and nothing else.
func ParseIndexLeaf(text string) (IndexLeaf, error) {
	l, err := parseIndexLeaf(text)
	if err != nil {
		return IndexLeaf{}, fmt.Errorf("reading a leaf of the index: %w", err)
	}
	return l, nil
}

func parseIndexLeaf(text string) (l IndexLeaf, err error) {
	lines, err := splitLines(text)
	if err != nil {
		return l, err
	}
	if len(lines) != 5 || lines[0] != indexFormat {
		return l, errors.New("it is not " + indexFormat + ", a size and three hashes")
	}
	if l.Size, err = parseSize(lines[1]); err != nil {
		return l, fmt.Errorf("size: %w", err)
	}
	for i, h := range []*Hash{&l.Root, &l.Tags, &l.Labels} {
		if *h, err = decodeHash(base64.StdEncoding, lines[2+i]); err != nil {
			return l, err
		}
	}
	return l, nil
}

// IndexProof answers for labels what the last leaf of a published index has: each
// is there, with a value, or is not there.
type IndexProof struct {
	Leaf   IndexLeaf
	Path   []Hash // inclusion of the leaf, the last of the index log
	Tags   *Node  // root of the tree over tags, pruned; nil when nothing was asked of it
	Labels *Node  // of the tree over enrolments, likewise
	Note   []byte // the signed checkpoint of the index log, verbatim
}

// Verify returns the leaf if v, the index key, signed the checkpoint, the leaf is
// the last of that log, and both trees have the roots it states.
func (p IndexProof) Verify(v note.Verifier) (Checkpoint, error) {
	c, err := p.verify(v)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifying an index proof: %w", err)
	}
	return c, nil
}

func (p IndexProof) verify(v note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Note, v)
	if err != nil {
		return c, err
	}
	if c.Size == 0 {
		return c, errors.New("the index log is empty")
	}
	if err := CheckInclusion([]byte(p.Leaf.Text()), events.Index(c.Size-1), p.Path, c); err != nil {
		return c, err
	}
	for _, tree := range []struct {
		name  string
		root  *Node
		state Hash
	}{{"tags", p.Tags, p.Leaf.Tags}, {"enrolments", p.Labels, p.Leaf.Labels}} {
		if tree.root != nil && tree.root.Hash() != tree.state {
			return c, fmt.Errorf("the tree over %s does not have the root that is signed", tree.name)
		}
	}
	return c, nil
}

// maxIndexProof bounds the file of an index proof, in bytes.
const maxIndexProof = 3*maxPruned + maxNote

// Format writes the proof as text.
func (p IndexProof) Format() []byte {
	var b strings.Builder
	b.WriteString(indexProofFormat + "\n" + p.Leaf.Text())
	for _, h := range p.Path {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	for _, tree := range []struct {
		name string
		root *Node
	}{{"tags", p.Tags}, {"labels", p.Labels}} {
		if tree.root != nil {
			b.WriteString(tree.name + " " + base64.RawURLEncoding.EncodeToString(AppendTree(nil, tree.root)) + "\n")
		}
	}
	b.WriteString("\n")
	return append([]byte(b.String()), p.Note...)
}

// ParseIndexProof reads what [IndexProof.Format] writes and nothing else. It
// verifies nothing.
func ParseIndexProof(b []byte) (IndexProof, error) {
	p, err := parseIndexProof(b)
	if err != nil {
		return IndexProof{}, fmt.Errorf("reading an index proof: %w", err)
	}
	return p, nil
}

func parseIndexProof(b []byte) (p IndexProof, err error) {
	if len(b) > maxIndexProof {
		return p, fmt.Errorf("it has %d bytes, more than %d", len(b), maxIndexProof)
	}
	head, msg, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return p, errors.New("it has no checkpoint")
	}
	p.Note = []byte(msg)
	text, err := splitNote(p.Note)
	if err == nil {
		_, err = ParseCheckpoint(text)
	}
	if err != nil {
		return p, err
	}
	lines := strings.Split(head, "\n")
	if len(lines) < 6 || lines[0] != indexProofFormat {
		return p, errors.New("it is not " + indexProofFormat)
	}
	if p.Leaf, err = parseIndexLeaf(strings.Join(lines[1:6], "\n") + "\n"); err != nil {
		return p, err
	}
	return p, p.parseTrees(lines[6:])
}

// parseTrees reads the path and the trees.
func (p *IndexProof) parseTrees(lines []string) error {
	for len(lines) > 0 && !strings.Contains(lines[0], " ") {
		h, err := decodeHash(base64.StdEncoding, lines[0])
		if err != nil {
			return err
		}
		if p.Path, lines = append(p.Path, h), lines[1:]; len(p.Path) > maxPath {
			return fmt.Errorf("more than %d hashes", maxPath)
		}
	}
	for _, tree := range []struct {
		name string
		root **Node
	}{{"tags ", &p.Tags}, {"labels ", &p.Labels}} {
		if len(lines) == 0 || !strings.HasPrefix(lines[0], tree.name) {
			continue
		}
		b, err := decode(base64.RawURLEncoding, lines[0][len(tree.name):])
		if err != nil {
			return err
		}
		if *tree.root, err = ParseTree(b); err != nil {
			return err
		}
		lines = lines[1:]
	}
	if len(lines) > 0 {
		return fmt.Errorf("%.40q has no place here", lines[0])
	}
	return nil
}
