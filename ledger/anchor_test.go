package ledger

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestSplits: however the entries arrive, the directory is the same, and so is
// every checkpoint of one size.
func TestSplits(t *testing.T) {
	entries := testEntries(t, 530)
	want := files(t, forge(t, entries))
	for _, step := range []int{530, 1, 7, 256, 255, 257} {
		if step == 1 && testing.Short() {
			continue
		}
		dir, h := t.TempDir(), newHistory()
		a, err := Open(t.Context(), testConfig(t, dir, h, &memLog{}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		for n := 0; n < len(entries); n += step {
			end := min(n+step, len(entries))
			h.add(entries[n:end]...)
			if step > 1 {
				if err := a.WaitFor(ctx, events.Size(end)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := a.WaitFor(ctx, events.Size(len(entries))); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := errors.Join(<-done, a.Close(), a.Close()); err != nil {
			t.Fatal(err)
		}
		if got := files(t, filepath.Join(dir, "public")); !maps.Equal(got, want) {
			t.Fatalf("in steps of %d the public directory differs", step)
		}
	}
	if r, err := auditDir(t, forge(t, entries)); err != nil || r.Size != 530 || r.Tags != 150 || r.Labels != 1 || r.Parsed != 530 {
		t.Fatalf("audit: %+v, %v", r, err)
	}
}

// TestRestart closes and opens after every few entries, with a log that kept
// everything, forgot everything, or is ahead with what was never signed.
func TestRestart(t *testing.T) {
	entries := testEntries(t, 530)
	for name, forget := range map[string]func(*memLog, int) *memLog{
		"kept":   func(l *memLog, _ int) *memLog { return l },
		"forgot": func(*memLog, int) *memLog { return &memLog{} },
		"ahead": func(l *memLog, n int) *memLog {
			_, _, err := l.Append(t.Context(), events.Index(len(l.leaves)), entries[len(l.leaves):min(n+40, len(entries))])
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, l := t.TempDir(), &memLog{}
			for n := 1; n <= len(entries); n += 23 {
				if err := anchorTo(t, testConfig(t, dir, newHistory(entries[:n]...), l), events.Size(n)); err != nil {
					if name != "ahead" {
						t.Fatal(err)
					}
					wantError(t, err, "differ") // the log has what the history has not
				}
				l = forget(l, n)
			}
			if err := anchorTo(t, testConfig(t, dir, newHistory(entries...), l), 530); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(files(t, filepath.Join(dir, "public")), files(t, forge(t, entries))) {
				t.Fatal("the public directory differs")
			}
		})
	}
}

func TestProve(t *testing.T) {
	entries := testEntries(t, 600)
	h := newHistory(entries...)
	a, err := Open(t.Context(), testConfig(t, t.TempDir(), h, &memLog{}))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Prove(t.Context(), 0); !errors.Is(err, ErrNotPublished) {
		t.Fatal(err)
	}
	if c, msg := a.Checkpoint(); c.Size != 0 || msg != nil {
		t.Fatal("a checkpoint before the first")
	}
	if err := runTo(t, a, 600); err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		p, err := a.Prove(t.Context(), events.Index(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Verify(logKey(t).Verifier); err != nil || !bytes.Equal(p.Extra, e) {
			t.Fatalf("proof of entry %d: %v", i, err)
		}
	}
	if _, err := a.Prove(t.Context(), 600); !errors.Is(err, ErrNotPublished) {
		t.Fatal(err)
	}
	if err := a.WaitFor(t.Context(), 601); !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	wantError(t, a.Run(t.Context()), "ran already")
}

func TestReceipt(t *testing.T) {
	a, err := Open(t.Context(), testConfig(t, t.TempDir(), newHistory(), &memLog{}))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	msg, err := a.Receipt(proof.ReceiptLine{Index: 3}, proof.ReceiptLine{Index: 5})
	if err != nil {
		t.Fatal(err)
	}
	r, err := proof.OpenReceipt(msg, receiptKey(t).Verifier)
	if err != nil || r.Origin != testOrigin || len(r.Lines) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// TestStops: what Run must not sign over.
func TestStops(t *testing.T) {
	entries := testEntries(t, 20)
	cut := newHistory(entries...)
	cut.data[9] = cut.data[9][:30]
	gap := newHistory(entries...)
	gap.skip = 10
	wrong := newHistory(append(append([][]byte{}, entries[:9]...), []byte(`{"$":"daybook/entry@1"}`))...)
	foreign := newHistory(openedEntry(t, "other.example/log", newKey(t, "other.example/log", "x").vkey))
	ahead := &memLog{}
	if _, _, err := ahead.Append(t.Context(), 0, testEntries(t, 25)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		h    *memHistory
		l    *memLog
		want string
	}{
		"lie":       {newHistory(entries...), &memLog{lie: 5}, "computations of the log differ"},
		"gap":       {gap, &memLog{}, "reading message 10: the history has a gap"},
		"message":   {cut, &memLog{}, "reading message 10: parsing a history message"},
		"entry":     {wrong, &memLog{}, "reading message 10: parsing an entry"},
		"no opened": {newHistory(entries[1:]...), &memLog{}, "ledger.opened is entry 0"},
		"origin":    {foreign, &memLog{}, "entry 0 opens"},
		"ahead":     {newHistory(entries...), ahead, "computations of the log differ"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			wantError(t, anchorTo(t, testConfig(t, dir, test.h, test.l), 20), test.want)
			if got := files(t, filepath.Join(dir, "public")); got[checkpointPath] != "" {
				t.Fatal("something was published")
			}
			if j := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "journal"))); len(j) > 0 {
				t.Fatal("something was signed")
			}
		})
	}
}

// TestPublishEvery: the first entries at once, the next ones together when the
// time has come, without anything else happening.
func TestPublishEvery(t *testing.T) {
	entries := testEntries(t, 12)
	h := newHistory(entries[:2]...)
	cfg := testConfig(t, t.TempDir(), h, &memLog{})
	cfg.PublishEvery = 300 * time.Millisecond
	start := time.Now()
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	seen := 0
	for size := events.Size(0); size < 12; seen++ {
		if err := a.WaitFor(ctx, size+1); err != nil {
			t.Fatal(err)
		}
		c, _ := a.Checkpoint()
		size = c.Size
		if size == 2 {
			for _, e := range entries[2:] {
				h.add(e)
				time.Sleep(time.Millisecond)
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); seen < 2 || took < time.Duration(seen-1)*cfg.PublishEvery {
		t.Fatalf("%d checkpoints in %v", seen, took)
	}
}
