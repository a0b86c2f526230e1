package trail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/witness"
)

// TestKilledUnderWitnesses kills a ledger and its index at some question to their
// witnesses, before these heard of it or after, lets the policy change and files get
// lost between starts, and holds after each that no size was signed twice and what is
// published never went back. No witness sees anything wrong, and at the end the index
// is whole.
func TestKilledUnderWitnesses(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 2
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { newKilling(t, uint64(seed)).run() })
	}
}

// killing is one ledger on its way through some starts.
type killing struct {
	*testing.T
	*world
	rand     *rand.Rand
	policies []string
	signed   map[string]string // journal and size to the note
	shown    [2]events.Size    // of the ledger and of the index
}

func newKilling(t *testing.T, seed uint64) *killing {
	k := &killing{T: t, world: newWorld(t, 3), rand: rand.New(rand.NewPCG(seed, 7)), signed: map[string]string{}}
	one, other := k.invite("one"), k.invite("other")
	k.policies = []string{
		"quorum none\n", one + "quorum one\n", other + "quorum other\n",
		one + other + "group both all one other\nquorum both\n", one + other + "group either any one other\nquorum either\n",
	}
	return k
}

// invite starts a witness, and returns its line in a policy.
func (k *killing) invite(name string) string {
	secret := must[string](k)(proof.GenerateCosigner(name+".example/w", proof.CosignerEd25519))
	signer := must[*proof.CosignerSigner](k)(proof.ParseCosignerSigner(secret))
	who := must[*witness.Witness](k)(witness.Open(witness.Config{
		Dir: k.TempDir(), Signers: []*proof.CosignerSigner{signer}, Logs: []note.Verifier{logKey(k).Verifier, indexKey(k).Verifier},
		Misbehaved: func(m witness.Misbehaviour) { k.Errorf("%s: %+v", name, m) },
	}))
	k.Cleanup(func() { who.Close() })
	server := httptest.NewServer(who.Handler())
	k.Cleanup(server.Close)
	return fmt.Sprintf("witness %s %s %s\n", name, signer.Cosigner, server.URL)
}

func (k *killing) run() {
	const starts = 8
	for start := range starts {
		k.grow(3 + start*k.rand.IntN(12))
		if start < starts-1 {
			k.start(&killer{at: int64(k.rand.IntN(6)), after: k.rand.IntN(2) == 0, killed: make(chan struct{})})
		} else {
			k.start(&killer{at: -1})
		}
		k.look()
		k.lose()
	}
	if err := checkIndex(k.T, k.world); err != nil {
		k.Fatal(err)
	}
}

// start opens the ledger under some policy, and closes it when it was killed or has
// indexed everything.
func (k *killing) start(killer *killer) {
	policy := must[proof.Policy](k)(proof.ParsePolicy([]byte(k.policies[k.rand.IntN(len(k.policies))])))
	circle := func(v note.Verifier) ledger.Cosigners {
		return killed{must[*witness.Circle](k)(witness.NewCircle(witness.CircleConfig{Policy: policy, Key: v, Backoff: 30 * time.Millisecond})), killer}
	}
	k.ledger, k.change = nil, nil
	if len(policy.Witnesses) > 0 {
		k.ledger = func(c *ledger.Config) { c.Cosigners = circle(logKey(k).Verifier) }
		k.change = func(c *Config) { c.Cosigners, c.RefreshEvery = circle(indexKey(k).Verifier), 20*time.Millisecond }
	}
	if err := k.open(nil); err != nil {
		k.Fatal(err)
	}
	err := k.indexedOr(killer.killed, k.covered())
	if err := errors.Join(err, k.close()); err != nil {
		k.Fatal(err)
	}
}

// look holds what was signed and what is shown against what was before.
func (k *killing) look() {
	for i, log := range []struct {
		journal, dir string
		key          note.Verifier
	}{{"journal", "public", logKey(k).Verifier}, {"journal.index", "public/index", indexKey(k).Verifier}} {
		journal, err := os.ReadFile(filepath.Join(k.dir, log.journal))
		if err != nil {
			k.Fatal(err)
		}
		for line := range strings.Lines(string(journal)) {
			if size, rest, ok := strings.Cut(line, " "); ok {
				if was, ok := k.signed[log.journal+size]; ok && was != rest {
					k.Fatalf("%s has two notes of size %s", log.journal, size)
				}
				k.signed[log.journal+size] = rest
			}
		}
		msg, err := os.ReadFile(filepath.Join(k.dir, log.dir, "checkpoint"))
		if os.IsNotExist(err) {
			continue // it was killed before it showed anything again
		}
		if err != nil {
			k.Fatal(err)
		}
		c := must[proof.Checkpoint](k)(proof.OpenCheckpoint(msg, log.key))
		if c.Size < k.shown[i] {
			k.Fatalf("%s went from %d to %d", log.dir, k.shown[i], c.Size)
		}
		k.shown[i] = c.Size
	}
}

// lose deletes one of the files that are made again.
func (k *killing) lose() {
	var err error
	switch k.rand.IntN(5) {
	case 0:
		err = os.RemoveAll(filepath.Join(k.dir, "public", "checkpoint"))
	case 1:
		err = os.RemoveAll(filepath.Join(k.dir, "public", "index", "checkpoint"))
	case 2:
		err = os.RemoveAll(filepath.Join(k.dir, "index", "trees"))
	}
	if err != nil {
		k.Fatal(err)
	}
}

// killer ends everything at one of the questions.
type killer struct {
	at     int64
	after  bool // the witnesses heard it
	asked  atomic.Int64
	killed chan struct{}
}

// killed are witnesses whose answer may never come back.
type killed struct {
	ledger.Cosigners
	by *killer
}

func (k killed) Cosign(ctx context.Context, msg []byte, prove func(context.Context, events.Size) ([]proof.Hash, error)) ([]byte, []ledger.Head, error) {
	if k.by.asked.Add(1)-1 != k.by.at {
		return k.Cosigners.Cosign(ctx, msg, prove)
	}
	if k.by.after {
		_, _, _ = k.Cosigners.Cosign(ctx, msg, prove)
	}
	close(k.by.killed)
	<-ctx.Done()
	return nil, nil, ctx.Err()
}
