package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// fetchTimeout bounds the wait for one file of a log, the largest of which has 16 MiB.
const fetchTimeout = 2 * time.Minute

// copying keeps a copy of a ledger and of its index, as anyone can who has the log key.
type copying struct {
	from   ledger.Source
	key    note.Verifier
	policy *proof.Policy // nil takes whatever is signed
	ledger *ledger.Copy
	index  *ledger.Copy // nil before there is an entry and an index
}

// trouble is why a copy does not go on.
type trouble struct {
	alert    string          // of which sort, in a word
	code     int             // what the program ends with when it cannot wait
	final    bool            // nothing that comes later can explain it
	evidence *proof.Evidence // nil where there is none
	err      error
}

func (t *trouble) Error() string { return t.err.Error() }
func (t *trouble) Unwrap() error { return t.err }

// verdict is what the program ends with, in one of the words that verify has for it.
func (t *trouble) verdict() string {
	switch {
	case t.final || t.alert == alertCosignatures && t.code == exitInvalid:
		return "NOT VALID: " + t.alert
	case t.alert == alertCosignatures:
		return "INCOMPLETE: " + t.alert
	}
	return t.alert
}

// The sorts of trouble a copy can have, beside the kinds of evidence.
const (
	alertUnreachable  = "unreachable"
	alertIncomplete   = "incomplete" // something that the checkpoint covers is not shown
	alertSignature    = "signature"
	alertCosignatures = "cosignatures"
	alertRollback     = "rollback"
	alertDamaged      = "damaged" // what is shown is not what was signed
	alertIndex        = "index"
)

// copySource is where a log is copied from.
func copySource(where string) (ledger.Source, error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return client.New(where, &http.Client{Timeout: fetchTimeout})
	}
	return auditSource(where)
}

// readPolicy reads a policy file, "" is none.
func readPolicy(path string) (*proof.Policy, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, exitWith(exitUnchecked, "reading the policy: %w", err)
	}
	p, err := proof.ParsePolicy(b)
	if err != nil {
		return nil, exitWith(exitUnchecked, "%s: %w", path, err)
	}
	return &p, nil
}

func openCopying(ctx context.Context, c copying, dir string, talk io.Writer) (*copying, error) {
	var err error
	c.ledger, err = ledger.OpenCopy(ctx, ledger.CopyConfig{Dir: dir, Key: c.key, From: c.from, Progress: copyBar(talk)})
	if err == nil {
		err = c.openIndex(ctx)
	}
	if damage := new(ledger.DamageError); errors.As(err, &damage) {
		err = fmt.Errorf("%w; what is in %s can be deleted, and is then fetched again", err, dir)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return &c, nil
}

func (c *copying) close() (err error) {
	for _, l := range []*ledger.Copy{c.index, c.ledger} {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
	}
	return err
}

// openIndex opens the copy of the index, as soon as the ledger says who signs it.
func (c *copying) openIndex(ctx context.Context) error {
	if at, _ := c.ledger.Checkpoint(); at.Size == 0 || c.index != nil {
		return nil
	}
	var err error
	c.index, err = c.ledger.OpenIndex(ctx)
	return err
}

// copyBar is a bar over entries that are fetched, on a terminal alone.
func copyBar(talk io.Writer) func(done, all events.Size) {
	f, isFile := talk.(*os.File)
	if !isFile || !terminal(f) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, all events.Size) {
		if bar == nil || bar.GetMax64() != int64(all) {
			bar = progressbar.NewOptions64(int64(all), progressbar.OptionSetWriter(f),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("entries"),
				progressbar.OptionSetDescription("copying"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set64(int64(done)) // a terminal that is gone stops no copy
	}
}

// step takes what is newer, of the ledger and then of its index. The error is a *trouble
// unless this machine failed, or ctx ended.
func (c *copying) step(ctx context.Context) error {
	// The index is asked for first: then what the ledger shows is not behind it.
	index, err := c.checkpoint(ctx, ledger.IndexPath+"/checkpoint")
	if err != nil {
		return err
	}
	msg, err := c.checkpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	if msg == nil {
		return &trouble{alert: alertUnreachable, code: exitIncomplete, err: errors.New("nothing is published there")}
	}
	if err := c.take(ctx, c.ledger, msg, c.judge); err != nil {
		return err
	}
	return c.takeIndex(ctx, index)
}

// checkpoint reads one of the two checkpoints; nil says that there is none.
func (c *copying) checkpoint(ctx context.Context, path string) ([]byte, error) {
	msg, err := c.from.Read(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, &trouble{alert: alertUnreachable, code: exitUnchecked, err: err}
	}
	return msg, nil
}

// take takes a checkpoint of one of the two logs, if the policy does. Judge says what an
// error of the copy means.
func (c *copying) take(ctx context.Context, log *ledger.Copy, msg []byte, judge func(context.Context, error) error) error {
	at, err := proof.OpenCheckpoint(msg, log.Key())
	if err != nil {
		return &trouble{alert: alertSignature, code: exitInvalid, err: err}
	}
	now, ours := log.Checkpoint()
	known := now.Size > 0 && at == now && newestOf(log) == now
	if c.policy == nil {
		if known { // others may strip it of cosignatures
			return nil
		}
		return judge(ctx, log.Extend(ctx, msg))
	}
	_, theirs, err := c.cosigned(log, msg)
	if err != nil {
		if worse := judge(ctx, log.Compare(ctx, msg)); worse != nil {
			return worse
		}
		few := &trouble{alert: alertCosignatures, code: exitInvalid, err: unmet(err, *c.policy)}
		if _, ok := asQuorum(err); ok {
			few.code = exitIncomplete
		}
		return few
	}
	if known && !theirs.At.After(c.cosignedAt(log, ours)) {
		return nil
	}
	return judge(ctx, log.Extend(ctx, msg))
}

// newestOf is the newest checkpoint that a copy was given, which may not be shown yet: one
// that is smaller goes back, though it is the one that is shown here.
func newestOf(log *ledger.Copy) proof.Checkpoint {
	c, err := proof.OpenCheckpoint(log.Seen(), log.Key())
	if err != nil {
		return proof.Checkpoint{}
	}
	return c
}

// cosigned checks a checkpoint of one of the two logs. A policy says which ledgers it
// accepts; of one that it does, it accepts the index.
func (c *copying) cosigned(log *ledger.Copy, msg []byte) (proof.Checkpoint, proof.Cosigned, error) {
	p := *c.policy
	if log == c.index {
		p.Logs = nil
	}
	return p.Check(msg, log.Key())
}

// cosignedAt is when a quorum knew a checkpoint, zero when there is none or no policy.
func (c *copying) cosignedAt(log *ledger.Copy, msg []byte) time.Time {
	if c.policy == nil || msg == nil {
		return time.Time{}
	}
	_, cosigned, err := c.cosigned(log, msg)
	if err != nil {
		return time.Time{}
	}
	return cosigned.At
}

// takeIndex takes a checkpoint of the index, nil when none is shown.
func (c *copying) takeIndex(ctx context.Context, msg []byte) error {
	if err := c.openIndex(ctx); err != nil {
		return err
	}
	if c.index == nil { // without an entry nobody says whose index it is
		return nil
	}
	if at, _ := c.index.Checkpoint(); msg == nil && at.Size > 0 {
		return &trouble{alert: alertRollback, code: exitIncomplete, err: fmt.Errorf("no index is shown, and before there was one of %d leaves", at.Size)}
	}
	if msg == nil {
		return nil
	}
	return c.take(ctx, c.index, msg, c.judgeIndex)
}

// judgeIndex is as judge. A leaf that is ahead of the ledger here waits for it, and
// somebody hides what it covers: the index was asked for first.
func (c *copying) judgeIndex(ctx context.Context, err error) error {
	if errors.Is(err, ledger.ErrNotPublished) && ctx.Err() == nil {
		return &trouble{alert: alertIncomplete, code: exitIncomplete, err: err}
	}
	if found := new(ledger.Misbehaviour); errors.As(err, &found) {
		return &trouble{alert: alertIndex, code: exitInvalid, final: true, evidence: c.ofIndex(ctx, found), err: err}
	}
	return c.judge(ctx, err)
}

// ofIndex is evidence about the index that needs the log key alone, nil if there is none.
func (c *copying) ofIndex(ctx context.Context, found *ledger.Misbehaviour) *proof.Evidence {
	if found.Evidence == nil {
		return c.audited(ctx)
	}
	opened, err := c.ledger.Prove(ctx, 0)
	if err != nil {
		return found.Evidence
	}
	e := *found.Evidence
	e.Opened = &opened
	if _, err := e.Verify(c.key); err != nil {
		return found.Evidence
	}
	return &e
}

// audited is what an audit of the ledger that is here, with the index that is shown
// there, finds against it.
func (c *copying) audited(ctx context.Context) *proof.Evidence {
	_, err := trail.Audit(ctx, hereAndThere{c.ledger.Public(), c.from}, c.key, trail.AuditOptions{})
	if wrong := new(trail.Violation); errors.As(err, &wrong) {
		return wrong.Evidence
	}
	return nil
}

// hereAndThere shows the ledger of one source and the index of another.
type hereAndThere struct{ ledger, index ledger.Source }

func (h hereAndThere) Read(ctx context.Context, path string) ([]byte, error) {
	if strings.HasPrefix(path, ledger.IndexPath+"/") {
		return h.index.Read(ctx, path)
	}
	return h.ledger.Read(ctx, path)
}

// judge says what an error of a copy means.
func (c *copying) judge(ctx context.Context, err error) error {
	found, wrong := new(ledger.Misbehaviour), new(ledger.AuditError)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &found):
		return &trouble{alert: found.Evidence.Kind, code: exitInvalid, final: true, evidence: found.Evidence, err: err}
	case errors.Is(err, ledger.ErrRollback):
		return &trouble{alert: alertRollback, code: exitIncomplete, err: err}
	case errors.As(err, &wrong):
		return &trouble{alert: alertDamaged, code: exitInvalid, err: err}
	case errors.Is(err, ledger.ErrIncomplete):
		return &trouble{alert: alertIncomplete, code: exitIncomplete, err: err}
	}
	return err
}

// writeEvidence writes evidence to a new file: path, or if that is there and holds
// something else the first of path-2, path-3 and so on that is not. A crash leaves
// the whole file or none under that name.
func writeEvidence(path string, e *proof.Evidence) (string, error) {
	text, name := e.Format(), path
	f, err := os.CreateTemp(filepath.Dir(path), ".evidence-*")
	if err != nil {
		return "", fmt.Errorf("writing the evidence: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("writing the evidence: %w", err)
	}
	for n := 2; ; n++ {
		err := os.Link(f.Name(), name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("writing the evidence: %w", err)
		}
		if b, err := readLimited(name, maxProofFile+1); err == nil && bytes.Equal(b, text) {
			return name, nil
		}
		name = fmt.Sprintf("%s-%d", path, n)
	}
}
