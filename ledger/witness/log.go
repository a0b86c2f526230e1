package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// checkpointName is the file of the checkpoint cosigned last, in the log's directory.
const checkpointName = "checkpoint"

// log is what the witness knows of one log. Whoever compares and changes that holds
// mu in between.
type log struct {
	cfg    *Config
	origin string
	id     string // of the origin, in paths
	dir    string
	keys   []note.Verifier

	mu       sync.Mutex
	last     cosigned
	broken   error             // why nothing more is cosigned: what the disk holds is not known
	evidence map[[32]byte]bool // by the hash of its file
	counts   map[string]int    // of evidence, by the name of its files
}

// cosigned is a checkpoint with the log's signatures and the witness's; note is nil
// when there is none.
type cosigned struct {
	proof.Checkpoint
	note []byte
	at   time.Time
}

// candidate is a checkpoint that its log signed, to be judged by what was cosigned.
type candidate struct {
	proof.Checkpoint
	text   string
	signed []byte // the note with the signatures of the log alone
	Request
	wrong bool // of no entries, with a root that is not of none
}

func newLog(origin string, cfg *Config) *log {
	sum := sha256.Sum256([]byte(origin))
	id := hex.EncodeToString(sum[:])
	return &log{
		cfg: cfg, origin: origin, id: id, dir: filepath.Join(cfg.Dir, id),
		evidence: map[[32]byte]bool{}, counts: map[string]int{},
	}
}

// opened is a note with those of its signatures that the log's keys made. At least one
// must be there, and none under their names may be wrong.
func (l *log) opened(msg []byte) ([]byte, error) {
	n, err := note.Open(msg, note.VerifierList(l.keys...))
	var unsigned *note.UnverifiedNoteError
	if errors.As(err, &unsigned) {
		return nil, fmt.Errorf("no key of the log %s signed it", l.origin)
	}
	if err != nil {
		return nil, err
	}
	out := n.Text + "\n"
	for _, s := range n.Sigs {
		out += "— " + s.Name + " " + s.Base64 + "\n"
	}
	return []byte(out), nil
}

// takeUp reads what was cosigned last, and makes it durable once more: it may have been
// renamed just before a crash, and is shown from now on.
func (l *log) takeUp() error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	if err := syncPath(l.cfg.Dir); err != nil {
		return err
	}
	if err := l.countEvidence(); err != nil {
		return err
	}
	path := filepath.Join(l.dir, checkpointName)
	msg, err := readFile(path, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.last, err = l.verified(msg); err != nil {
		return fmt.Errorf("%s does not say what this witness cosigned: %w; put it back as it was, no earlier copy: without it the witness could contradict itself", checkpointName, err)
	}
	if err := syncPath(path); err != nil {
		return err
	}
	return syncPath(l.dir)
}

// verified reads a note that the log and at least one key of the witness signed.
func (l *log) verified(msg []byte) (cosigned, error) {
	if _, err := l.opened(msg); err != nil {
		return cosigned{}, err
	}
	text, _, err := splitNote(msg)
	if err != nil {
		return cosigned{}, err
	}
	c, err := proof.ParseCheckpoint(text)
	if err != nil {
		return cosigned{}, err
	}
	if c.Origin != l.origin {
		return cosigned{}, fmt.Errorf("it is of the log %s", c.Origin)
	}
	at, err := l.signedAt(msg)
	return cosigned{c, msg, at}, err
}

// signedAt is the latest time at which a key of the witness cosigned a note that was
// opened.
func (l *log) signedAt(msg []byte) (at time.Time, err error) {
	p := proof.Policy{Quorum: "none"}
	for _, s := range l.cfg.Signers {
		p.Witnesses = append(p.Witnesses, proof.Witness{Name: s.String(), Key: s.Cosigner})
	}
	for _, v := range l.keys {
		_, by, checkErr := p.Check(msg, v)
		if checkErr != nil {
			err = checkErr
			continue
		}
		for _, c := range by.By {
			if c.At.After(at) {
				at = c.At
			}
		}
	}
	if at.IsZero() {
		return at, errors.Join(err, errors.New("no key of this witness cosigned it"))
	}
	return at, nil
}

// add cosigns c if it continues what was cosigned last.
func (l *log) add(c candidate) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return "", l.broken
	}
	if err := l.judge(c); err != nil {
		return "", err
	}
	// The clock may have gone back; a time on what is newer may not.
	at := time.Unix(max(l.cfg.Now().Unix(), l.last.at.Unix()), 0)
	var lines strings.Builder
	for _, s := range l.cfg.Signers {
		line, err := s.Cosign(c.text, at)
		if err != nil {
			return "", err
		}
		lines.WriteString(line)
	}
	next := cosigned{c.Checkpoint, append(c.signed, lines.String()...), at}
	if err := l.persist(next.note); err != nil {
		return "", fmt.Errorf("writing down what is cosigned: %w", err)
	}
	l.last = next
	return lines.String(), nil
}

// judge returns nil if c continues what was cosigned last. What shows that the log
// signed two histories is written down.
func (l *log) judge(c candidate) error {
	if err := l.compare(c); err != nil {
		return err
	}
	switch {
	case c.Old != l.last.Size:
		return &RefusedError{409, l.last.Size, fmt.Errorf("size %d was cosigned last, not %d", l.last.Size, c.Old)}
	case c.wrong:
		return refuse(422, "the root of a log without entries is another")
	}
	// The root of no entries is that of no checkpoint, too.
	last := l.last.Checkpoint
	if last.Size == 0 {
		last = proof.Checkpoint{Origin: l.origin, Root: proof.EmptyRoot()}
	}
	if err := proof.CheckConsistency(last, c.Checkpoint, c.Path); err != nil {
		return refuse(422, "%w", err)
	}
	return nil
}

// persist makes msg the state. A crash leaves the one before or this one, whole. What
// fails before the renaming leaves the one before; after that nobody knows.
func (l *log) persist(msg []byte) error {
	path := filepath.Join(l.dir, checkpointName)
	if err := l.write(path+".new", msg); err != nil {
		return err
	}
	err := l.cfg.step.run("rename", func() error { return os.Rename(path+".new", path) })
	if err == nil {
		err = l.cfg.step.run("sync directory", func() error { return syncPath(l.dir) })
	}
	if err != nil {
		l.broken = fmt.Errorf("nothing more of %s is cosigned until the witness is started again: %w", l.origin, err)
	}
	return err
}

// write makes a file with data, durably but for its name.
func (l *log) write(path string, data []byte) error {
	return l.cfg.step.run("write "+filepath.Base(path), func() error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Sync(), f.Close())
	})
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
