package vectest

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Trust is what a file is verified with, as the script's verify takes it.
type Trust struct {
	Key    string `json:"key,omitempty"`    // a verifier key
	Card   string `json:"card,omitempty"`   // the text of a card
	Policy string `json:"policy,omitempty"` // the text of a policy
}

// Vector is a file with the verdict that every verifier must come to.
type Vector struct {
	Name   string
	Format string // of index.tsv, or entry, disclosure, presentation or evidence
	Accept bool
	File   []byte
	Trust  Trust
}

// PostQuantum says that v is a checkpoint with an ML-DSA-44 cosignature. The script does
// not check these: where one is needed it says that nothing could be checked, and
// where none is, one that is not valid does no harm.
func (v Vector) PostQuantum() bool {
	const size = 3000 // characters, of a line with a signature of 2,420 bytes
	return v.Format == "cosigned" && slices.ContainsFunc(strings.Split(string(v.File), "\n"), func(line string) bool { return len(line) > size })
}

// Load reads the vectors in dir, which is testdata/vectors.
func Load(dir string) ([]Vector, error) {
	l := loader{dir: dir}
	l.indexed()
	l.listed("entries", "entry")
	l.listed("disclosures", "disclosure")
	l.listed("presentations", "presentation")
	l.listed("evidence", "evidence")
	l.listed("trails", "bundle")
	if l.err != nil {
		return nil, fmt.Errorf("reading the vectors: %w", l.err)
	}
	return l.out, nil
}

// loader keeps the first error.
type loader struct {
	dir string
	out []Vector
	err error
}

func (l *loader) read(name string) []byte {
	b, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(name)))
	if l.err == nil {
		l.err = err
	}
	return b
}

func (l *loader) rows(name string) [][]string {
	r := csv.NewReader(strings.NewReader(string(l.read(name))))
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if l.err == nil {
		l.err = err
	}
	return rows[min(1, len(rows)):]
}

// indexed takes the files that index.tsv names.
func (l *loader) indexed() {
	keys := map[string]string{}
	for _, row := range l.rows("keys.tsv") {
		keys[row[0]] = row[1]
	}
	card, policy := string(l.read("accept/card-ann.card")), string(l.read("accept/policy-two-of-three.policy"))
	for _, row := range l.rows("index.tsv") {
		v := Vector{row[0], row[1], row[2] == "accept", l.read(row[0]), Trust{Key: keys[row[1]]}}
		switch v.Format {
		case "bundle":
			v.Trust = Trust{Card: card}
		case "cosigned":
			v.Trust.Policy = policy
		}
		l.out = append(l.out, v)
	}
}

// listed takes those of a JSON file.
func (l *loader) listed(file, format string) {
	var list struct {
		VKey    string
		Vectors []struct{ Name, Verdict, Card, File, Text, Bytes string }
	}
	if err := json.Unmarshal(l.read(file+".json"), &list); err != nil && l.err == nil {
		l.err = err
	}
	for _, v := range list.Vectors {
		value, err := base64.RawURLEncoding.DecodeString(v.Bytes)
		if err != nil && l.err == nil {
			l.err = err
		}
		value = append(value, v.Text+v.File...)
		l.out = append(l.out, Vector{file + " " + v.Name, format, v.Verdict == "accept", value, Trust{Key: list.VKey, Card: v.Card}})
	}
}

// Judge is what Go says of a file: nil when it holds.
func Judge(format string, file []byte, with Trust) (err error) {
	switch format {
	case "entry":
		_, err = events.ParseEntry(file)
	case "disclosure":
		_, err = events.ParseDisclosure(string(file))
	case "card":
		_, err = proof.ParseCard(file)
	case "policy":
		_, err = proof.ParsePolicy(file)
	case "bundle":
		err = judgeBundle(file, with)
	default:
		err = judgeSigned(format, file, with)
	}
	return err
}

func judgeBundle(file []byte, with Trust) error {
	card, err := proof.ParseCard([]byte(with.Card))
	if err != nil {
		return err
	}
	b, err := proof.ParseBundle(file)
	if err == nil {
		_, err = b.Verify(card)
	}
	return err
}

// judgeSigned judges what a key alone verifies.
func judgeSigned(format string, file []byte, with Trust) error {
	v, err := proof.ParseVerifierKey(with.Key)
	if err != nil {
		return err
	}
	switch format {
	case "checkpoint":
		_, err = proof.OpenCheckpoint(file, v)
	case "cosigned":
		var p proof.Policy
		if p, err = proof.ParsePolicy([]byte(with.Policy)); err == nil {
			_, _, err = p.Check(file, v)
		}
	case "receipt":
		_, err = proof.OpenReceipt(file, v)
	case "proof":
		var p proof.Proof
		if p, err = proof.ParseProof(file); err == nil {
			_, err = p.Verify(v)
		}
	case "presentation":
		var p proof.Presentation
		if p, err = proof.ParsePresentation(file); err == nil {
			_, err = p.Verify(v)
		}
	case "index-proof":
		var p proof.IndexProof
		if p, err = proof.ParseIndexProof(file); err == nil {
			_, err = p.Verify(v)
		}
	case "evidence":
		var e proof.Evidence
		if e, err = proof.ParseEvidence(file); err == nil {
			_, err = e.Verify(v)
		}
	default:
		err = fmt.Errorf("there is no format %q", format)
	}
	return err
}
