package witness

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// The files of evidence, each with a number behind its name: what convicts, and pairs of
// notes of which it is not known whether they contradict each other.
const (
	evidenceName = "evidence-"
	unprovenName = "unproven-"
)

// maxEvidence is how many files of each are kept of a log. More would show nothing
// new, and anybody can send notes that are unproven.
const maxEvidence = 64

// maxEvidenceFile is the most bytes such a file has.
const maxEvidenceFile = 1 << 20

// Misbehaviour is what a log was found to have signed.
type Misbehaviour struct {
	Origin string
	File   string // where it is written down
	// Says is what cannot be, a sentence without a full stop; empty when it is not
	// known whether both notes contradict each other.
	Says string
}

// compare writes down how c contradicts what was cosigned last, if it does. The error
// is of the disk alone.
func (l *log) compare(c candidate) error {
	if l.last.note == nil || c.wrong {
		return nil
	}
	last, err := l.opened(l.last.note) // without our own time on it each pair is one
	if err != nil {
		return err
	}
	e := proof.Evidence{Kind: proof.EvidenceFork, Notes: [][]byte{last, c.signed}}
	switch {
	case c.Size == l.last.Size && c.Root != l.last.Root:
		return l.keep(e)
	case c.Old != l.last.Size || c.Old == 0 || c.Size <= c.Old:
		return nil
	case proof.CheckConsistency(l.last.Checkpoint, c.Checkpoint, c.Path) == nil:
		return nil
	}
	beginning, known := proof.ConsistencyBeginning(c.Path, c.Old, c.Checkpoint)
	if known && beginning != l.last.Root {
		e.Kind, e.Beginning, e.Path = proof.EvidenceInconsistent, beginning, c.Path
	} else {
		e.Kind = ""
	}
	return l.keep(e)
}

// keep writes evidence down if it convicts one of the log's keys, and otherwise the
// notes, one after the other. Each is written once.
func (l *log) keep(e proof.Evidence) error {
	name, says := unprovenName, ""
	b := bytes.Join(e.Notes, []byte("\n"))
	for _, v := range l.keys {
		if found, err := e.Verify(v); err == nil {
			name, says, b = evidenceName, found.Says, e.Format()
		}
	}
	if l.evidence[sha256.Sum256(b)] || l.counts[name] >= maxEvidence {
		return nil
	}
	path := filepath.Join(l.dir, name+strconv.Itoa(l.counts[name]+1))
	err := l.write(path+".new", b)
	if err == nil {
		err = l.cfg.step.run("rename evidence", func() error { return os.Rename(path+".new", path) })
	}
	if err == nil {
		err = syncPath(l.dir)
	}
	if err != nil {
		return fmt.Errorf("writing down evidence: %w", err)
	}
	l.evidence[sha256.Sum256(b)] = true
	l.counts[name]++
	if l.cfg.Misbehaved != nil {
		l.cfg.Misbehaved(Misbehaviour{Origin: l.origin, File: path, Says: says})
	}
	return nil
}

// countEvidence reads what is written down already.
func (l *log) countEvidence() error {
	files, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		for _, name := range []string{evidenceName, unprovenName} {
			rest, ok := strings.CutPrefix(f.Name(), name)
			n, err := strconv.Atoi(rest)
			if !ok || err != nil {
				continue
			}
			b, err := readFile(filepath.Join(l.dir, f.Name()), maxEvidenceFile)
			if err != nil {
				return err
			}
			l.evidence[sha256.Sum256(b)] = true
			l.counts[name] = max(l.counts[name], n)
		}
	}
	return nil
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New("it is too long")
	}
	return b, err
}
