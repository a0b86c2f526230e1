package witness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Config says who witnesses what.
type Config struct {
	// Dir holds what was cosigned. It is made, and used by one process at a time. Setting
	// it back to an older copy makes the witness cosign what contradicts what it cosigned
	// since.
	Dir string
	// Signers are the witness's keys, one of each type at most. At least one.
	Signers []*proof.CosignerSigner
	// Logs are the keys of the logs that are witnessed; a log's name is its origin. One
	// log can have several, while it changes them.
	Logs []note.Verifier
	// Now is the clock; the default is time.Now.
	Now func() time.Time
	// Misbehaved, if set, is told of each new piece of evidence against a log, after it
	// was written down.
	Misbehaved func(Misbehaviour)
	// Failed, if set, is told what the disk refused while a request was served.
	Failed func(error)

	step step
}

// step does one thing that a crash can come before or after. Tests put themselves
// here.
type step func(name string, do func() error) error

func (s step) run(name string, do func() error) error {
	if s == nil {
		return do()
	}
	return s(name, do)
}

// Witness cosigns the checkpoints of logs. All its methods except Close may be called
// at any time and from everywhere.
type Witness struct {
	cfg  Config
	logs map[string]*log // by origin
	ids  map[string]*log // by the hash of the origin
	lock *os.File

	mu     sync.Mutex
	closed bool
}

// RefusedError says why a checkpoint is not cosigned, by a status of
// c2sp.org/tlog-witness.
type RefusedError struct {
	Status int         // of HTTP
	Size   events.Size // with 409: what was cosigned last
	Reason error
}

func (e *RefusedError) Error() string { return e.Reason.Error() }

// Unwrap is the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

func refuse(status int, format string, args ...any) error {
	return &RefusedError{Status: status, Reason: fmt.Errorf(format, args...)}
}

// Open takes up what was cosigned before. A state that is not of these logs and keys,
// or damaged, is refused: without it the witness could contradict itself.
func Open(cfg Config) (*Witness, error) {
	w, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the witness: %w", err)
	}
	return w, nil
}

func open(cfg Config) (*Witness, error) {
	if cfg.Dir == "" || len(cfg.Signers) == 0 {
		return nil, errors.New("it needs a directory and a key")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := ledger.LockFile(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", cfg.Dir, err)
	}
	w := &Witness{cfg: cfg, lock: lock, logs: map[string]*log{}, ids: map[string]*log{}}
	if err := w.takeUp(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return w, nil
}

func (w *Witness) takeUp() error {
	for _, v := range w.cfg.Logs {
		l := w.logs[v.Name()]
		if l == nil {
			l = newLog(v.Name(), &w.cfg)
			w.logs[l.origin], w.ids[l.id] = l, l
		}
		// A note cannot be judged by two keys that look the same in it.
		if slices.ContainsFunc(l.keys, func(k note.Verifier) bool { return k.KeyHash() == v.KeyHash() }) {
			return fmt.Errorf("the log key %s+%08x is given twice", v.Name(), v.KeyHash())
		}
		l.keys = append(l.keys, v)
	}
	for _, l := range w.logs {
		if err := l.takeUp(); err != nil {
			return fmt.Errorf("taking up what was cosigned of %s, in %s: %w", l.origin, l.dir, err)
		}
	}
	return nil
}

// Keys are the verifiers of the witness's keys.
func (w *Witness) Keys() (out []*proof.Cosigner) {
	for _, s := range w.cfg.Signers {
		out = append(out, s.Cosigner)
	}
	return out
}

// AddCheckpoint cosigns what a request of add-checkpoint asks for and returns the
// signature lines, once that is durable. The error is a *RefusedError unless the disk
// refused.
func (w *Witness) AddCheckpoint(body []byte) (lines string, err error) {
	r, err := ParseRequest(body)
	if err != nil {
		return "", refuse(400, "%w", err)
	}
	text, _, err := splitNote(r.Note)
	if err != nil {
		return "", refuse(400, "%w", err)
	}
	c, wrong, err := stated(text)
	if err != nil {
		return "", refuse(400, "%w", err)
	}
	l := w.logs[c.Origin]
	if l == nil {
		return "", refuse(404, "the log %s is not witnessed here", c.Origin)
	}
	signed, err := l.opened(r.Note)
	if err != nil {
		return "", refuse(403, "%w", err)
	}
	if r.Old > c.Size {
		return "", refuse(400, "the old size %d is above the checkpoint's, %d", r.Old, c.Size)
	}
	return l.add(candidate{c, text, signed, r, wrong})
}

// Checkpoint is the checkpoint that was cosigned last of the log with that origin hash
// (SHA-256 in hexadecimal), with the log's signature and the witness's; nil when there
// is none.
func (w *Witness) Checkpoint(_ context.Context, originHash string) []byte {
	l := w.ids[originHash]
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.last.note)
}

// Close gives the directory free. Nothing is cosigned afterwards. Closing again does
// nothing.
func (w *Witness) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	for _, l := range w.logs {
		l.mu.Lock()
		l.broken = errors.New("the witness is closed")
		l.mu.Unlock()
	}
	if err := w.lock.Close(); err != nil {
		return fmt.Errorf("closing the witness: %w", err)
	}
	return nil
}
