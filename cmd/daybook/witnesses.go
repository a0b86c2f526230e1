package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/witness"
)

// maxPolicyFile is the most bytes a policy file can have.
const maxPolicyFile = 64 << 10

// remindEvery is how often the log says that a checkpoint waits for its witnesses.
const remindEvery = time.Minute

// withoutWitnesses is what --policy says in place of a file to ask nobody.
const withoutWitnesses = "none"

// readPolicy sets the policy that a file says; without a file nobody is needed.
func (c *config) readPolicy(path string) error {
	c.policy, c.policyUnsaid = proof.NoPolicy(), path == ""
	if path == "" || path == withoutWitnesses {
		return nil
	}
	text, err := readLimited(path, maxPolicyFile+1)
	if err != nil {
		return exitWith(exitUnchecked, "reading the policy: %w", err)
	}
	if c.policy, err = proof.ParsePolicy(text); err != nil {
		return exitWith(exitUnchecked, "%s: %w", path, err)
	}
	if !events.IsPolicy(c.policy.Text()) { // it would be followed, and never said
		return exitWith(exitUnchecked, "%s: the ledger says its policy in its own entries, which have no room for this one: names are of a-z 0-9 . _ / @ -, up to 96, keys have names of such and capital letters, and without addresses and comments it has at most 8192 bytes, four ML-DSA-44 keys or so", path)
	}
	return nil
}

// keepsPolicy refuses to go on without the witnesses that the ledger said it has, unless
// that was asked for: it would say for ever that they were removed, and publish what no
// card takes that asks for them. The views are brought up to the history first, as those
// of a crash may not know.
func (s *system) keepsPolicy(ctx context.Context) error {
	if err := s.views.CatchUp(ctx, s.history, s.history.Last()); err != nil {
		return err
	}
	said, err := s.views.Now().Witnesses()
	if err != nil || said.Policy == "" {
		return err
	}
	p, err := proof.ParsePolicy([]byte(said.Policy))
	if err != nil {
		return fmt.Errorf("reading who cosigns: %w", err)
	}
	if p.Met() {
		return nil
	}
	return exitWith(exitUsage, "this ledger has witnesses, and its quorum is %s: give their policy with --policy FILE, which daybook policy --dir prints but for their addresses; or --policy %s to go on without, which the ledger then says for ever", p.Quorum, withoutWitnesses)
}

// circle is the witnesses of one log, as the parts of the ledger use them.
type circle struct {
	asked *witness.Circle // nil: there are none
	log   string          // in what is logged
	told  *atomic.Bool    // that a checkpoint waits
}

// ask gathers the witnesses that the policy has for the log that v verifies.
func (c config) ask(log string, v note.Verifier) (circle, error) {
	someone := slices.ContainsFunc(c.policy.Witnesses, func(w proof.Witness) bool { return w.URL != "" })
	if quorum := c.policy.Quorum; !someone && (quorum == "" || quorum == proof.NoPolicy().Quorum) {
		return circle{log: log}, nil
	}
	asked, err := witness.NewCircle(witness.CircleConfig{Policy: c.policy, Key: v})
	if err != nil {
		return circle{}, fmt.Errorf("%w; the policy of --policy says where each of them is, behind its key", err)
	}
	return circle{asked, log, &atomic.Bool{}}, nil
}

// cosigners are who must have cosigned what is published; nil when nobody is asked.
func (c circle) cosigners() ledger.Cosigners {
	if c.asked == nil {
		return nil
	}
	return attended{c.asked, c}
}

// attended are witnesses of whom it is said, too, when they have answered again.
type attended struct {
	ledger.Cosigners
	circle circle
}

func (a attended) Cosign(ctx context.Context, msg []byte, prove func(context.Context, events.Size) ([]proof.Hash, error)) ([]byte, []ledger.Head, error) {
	msg, held, err := a.Cosigners.Cosign(ctx, msg, prove)
	if err == nil && a.circle.told.Swap(false) {
		slog.Info("the witnesses have answered: the checkpoint that waited is published", "log", a.circle.log)
	}
	return msg, held, err
}

// withheld says, not at every attempt, why nothing is published.
func (c circle) withheld() func(events.Size, error) {
	var said time.Time
	return func(size events.Size, reason error) {
		if time.Since(said) < remindEvery {
			return
		}
		said = time.Now()
		c.told.Store(true)
		slog.Warn("a checkpoint waits for its witnesses; events are taken meanwhile, and published once they have answered",
			"log", c.log, "size", size, "reason", reason)
	}
}

// heads is what the witnesses hold. One that does not answer knows nothing that could
// stop us, unless all are required.
func (c circle) heads(ctx context.Context, require bool) ([]ledger.Head, error) {
	if c.asked == nil {
		return nil, nil
	}
	heads, err := c.asked.Heads(ctx)
	if err != nil && (require || ctx.Err() != nil) {
		return nil, fmt.Errorf("%w; bring it back, or start without --require-mirror if nothing can have been published since it was last asked", err)
	}
	if err != nil {
		slog.Warn("a witness could not say what it has seen; --require-mirror makes that stop the start", "log", c.log, "reason", err)
	}
	return heads, nil
}

// keepEvidence writes down what err shows of two histories that were signed, and says
// where.
func keepEvidence(dir string, err error) error {
	var fork *ledger.ForkError
	if !errors.As(err, &fork) || fork.Evidence() == nil {
		return err
	}
	b := fork.Evidence().Format()
	path := filepath.Join(dir, fmt.Sprintf("evidence-%x", sha256.Sum256(b))[:len("evidence-")+16])
	if writeErr := replaceFile(path, func(w io.Writer) error { _, err := w.Write(b); return err }); writeErr != nil {
		return errors.Join(err, fmt.Errorf("writing down the evidence: %w", writeErr))
	}
	return fmt.Errorf("%w; %s is the evidence, and daybook verify shows what of", err, path)
}
