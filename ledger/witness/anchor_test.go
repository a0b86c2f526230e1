package witness

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// book is a history in memory, of leaves.
type book struct {
	mu    sync.Mutex
	moved chan struct{}
	data  [][]byte
}

func bookOf(n int, other ...int) *book {
	b := &book{moved: make(chan struct{})}
	for i := range n {
		leaf := fmt.Sprint("leaf ", i)
		for _, o := range other {
			if o == i {
				leaf += " of another history"
			}
		}
		b.data = append(b.data, []byte(leaf))
	}
	return b
}

func (b *book) Last() events.Seq {
	b.mu.Lock()
	defer b.mu.Unlock()
	return events.Seq(len(b.data))
}

func (b *book) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	if last := b.Last(); last > after {
		return last, nil
	}
	<-ctx.Done() // the books here do not grow
	return b.Last(), context.Cause(ctx)
}

func (b *book) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for seq := from; seq <= to; seq++ {
			if !yield(events.Stored{Seq: seq, Data: b.data[seq-1]}, ctx.Err()) {
				return
			}
		}
	}
}

// anchorOn runs an anchor on a directory until the size is published, until ends, or it
// stops by itself, and returns what is published then.
func (w *town) anchorOn(t *testing.T, dir string, b *book, size events.Size, until <-chan struct{}) ([]byte, error) {
	t.Helper()
	log := must[*locallog.Log](t)(locallog.Open(t.Context(), locallog.Config{Dir: filepath.Join(dir, "log")}))
	defer log.Close()
	circle := w.circle(t)
	a, err := ledger.Open(t.Context(), ledger.Config{
		Dir: filepath.Join(dir, "public"), Signer: w.log.key.Signer, Log: log, History: b, PublishEvery: time.Millisecond,
		Cosigners: circle,
		Leaves:    &ledger.Leaves{Key: w.log.key.Verifier, Check: func(events.Index, []byte) error { return nil }},
	})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	go func() {
		select {
		case <-until:
			cancel()
		case <-ctx.Done():
		}
	}()
	waited := a.WaitFor(ctx, size)
	cancel()
	err = <-done
	if err == nil && until == nil {
		err = waited
	}
	_, msg := a.Checkpoint()
	return msg, err
}

func (w *town) wantPublished(t *testing.T, msg []byte, size events.Size) {
	t.Helper()
	if c, _, err := w.policy.Check(msg, w.log.key.Verifier); err != nil || c.Size != size {
		t.Fatalf("published is %q: %v", msg, err)
	}
}

// TestLedgerKilled: a ledger that ends between its journal and its second witness shows
// after that what it showed before, and publishes the rest when both have it.
func TestLedgerKilled(t *testing.T) {
	w, dir := newTown(t, "all", 2), t.TempDir()
	first, err := w.anchorOn(t, dir, bookOf(5), 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.wantPublished(t, first, 5)
	w.down[1].Store(true)
	killed := make(chan struct{})
	go func() {
		for shown(t, w.witness[0], w.log) < 40 {
			time.Sleep(time.Millisecond)
		}
		close(killed) // the first has cosigned, the second has not
	}()
	for range 2 { // and once more while it is away
		msg, err := w.anchorOn(t, dir, bookOf(40), 40, killed)
		if err != nil || string(msg) != string(first) {
			t.Fatalf("published is %q: %v", msg, err)
		}
	}
	w.down[1].Store(false)
	msg, err := w.anchorOn(t, dir, bookOf(60), 60, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.wantPublished(t, msg, 60)
	for _, one := range w.witness {
		if got := shown(t, one, w.log); got != 60 {
			t.Fatalf("a witness is at %d", got)
		}
	}
}

// TestLedgerForks: whoever signs a second history with the same key gets no quorum for
// it, is stopped with evidence, and leaves evidence with the witnesses.
func TestLedgerForks(t *testing.T) {
	for name, test := range map[string]struct {
		first, second int
		evidence      string
	}{
		"larger":   {21, 50, proof.EvidenceInconsistent},
		"the same": {21, 21, proof.EvidenceFork},
		"smaller":  {50, 21, ""}, // the witness is ahead, and learns no path
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "all", 2)
			if _, err := w.anchorOn(t, t.TempDir(), bookOf(test.first), events.Size(test.first), nil); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			msg, err := w.anchorOn(t, dir, bookOf(test.second, 3), events.Size(test.second), nil)
			var fork *ledger.ForkError
			if !errors.As(err, &fork) || msg != nil {
				t.Fatalf("published is %q: %v", msg, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "public", "checkpoint")); !errors.Is(err, os.ErrNotExist) {
				t.Fatal("a checkpoint is there:", err)
			}
			if e := fork.Evidence(); (e == nil) != (test.evidence == "") {
				t.Fatalf("the ledger has evidence %+v", e)
			} else if e != nil {
				if _, err := e.Verify(w.log.key.Verifier); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := filepath.Glob(filepath.Join(w.witness[0].cfg.Dir, "*", "evidence-*"))
			if err != nil || (len(kept) == 1) != (test.evidence != "") {
				t.Fatalf("the witness has %v: %v", kept, err)
			}
			for _, path := range kept {
				e := must[proof.Evidence](t)(proof.ParseEvidence(must[[]byte](t)(os.ReadFile(path))))
				found, err := e.Verify(w.log.key.Verifier)
				if err != nil || found.Kind != test.evidence || !strings.Contains(found.Says, "signed") {
					t.Fatalf("%+v, %v", found, err)
				}
			}
		})
	}
}
