package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// bench is witnesses in this process: each remembers what it cosigned, and nothing
// makes it go back.
type bench struct {
	policy proof.Policy
	log    note.Verifier
	keys   []*proof.CosignerSigner

	mu     sync.Mutex
	last   []proof.Checkpoint
	notes  [][]byte
	silent int           // so many of the last do not answer
	asked  []events.Size // sizes, as asked for
	clock  time.Time
	alter  func([]byte) []byte // what came together
}

func newBench(t testing.TB, n int) *bench {
	t.Helper()
	b := &bench{log: logKey(t).Verifier, clock: recorded, last: make([]proof.Checkpoint, n), notes: make([][]byte, n)}
	var text, names strings.Builder
	for i := range n {
		secret := must[string](t)(proof.GenerateCosigner(fmt.Sprintf("w%d.example", i), proof.CosignerEd25519))
		b.keys = append(b.keys, must[*proof.CosignerSigner](t)(proof.ParseCosignerSigner(secret)))
		fmt.Fprintf(&text, "witness w%d %s\n", i, b.keys[i].Cosigner)
		fmt.Fprintf(&names, " w%d", i)
	}
	b.policy = must[proof.Policy](t)(proof.ParsePolicy([]byte(text.String() + "group all-of-them all" + names.String() + "\nquorum all-of-them\n")))
	return b
}

func (b *bench) Cosign(ctx context.Context, msg []byte, prove func(context.Context, events.Size) ([]proof.Hash, error)) (out []byte, held []Head, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := stated(msg)
	if err != nil {
		return nil, nil, err
	}
	b.asked = append(b.asked, c.Size)
	b.clock = b.clock.Add(time.Second)
	var lines []string
	for i, k := range b.keys[:len(b.keys)-b.silent] {
		last := b.last[i]
		if last.Size == 0 {
			last = proof.Checkpoint{Origin: c.Origin, Root: proof.EmptyRoot()}
		}
		path, err := prove(ctx, last.Size)
		if err == nil {
			err = proof.CheckConsistency(last, c, path)
		}
		if err != nil {
			held = append(held, Head{From: k.Name(), Note: b.notes[i]})
			continue
		}
		line, err := k.Cosign(c.Text(), b.clock)
		if err != nil {
			return nil, nil, err
		}
		b.last[i], b.notes[i], lines = c, msg, append(lines, line)
	}
	if len(lines) < len(b.keys) {
		return nil, held, fmt.Errorf("only %d cosigned", len(lines))
	}
	out, err = proof.AddCosignatures(msg, lines...)
	if b.alter != nil {
		out = b.alter(out)
	}
	return out, held, err
}

func (b *bench) Known(msg []byte) (time.Time, error) {
	_, by, err := b.policy.Check(msg, b.log)
	return by.At, err
}

func (b *bench) hush(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.silent = n
}

func (b *bench) sizes() []events.Size {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

func cosignedConfig(t testing.TB, dir string, h History, l Log, b *bench) Config {
	cfg := testConfig(t, dir, h, l)
	cfg.Cosigners, cfg.retry = b, time.Millisecond
	return cfg
}

// cosignedNote is msg with the signature of a witness.
func cosignedNote(t *testing.T, msg []byte) []byte {
	t.Helper()
	line := must[string](t)(newBench(t, 1).keys[0].Cosign(must[proof.Checkpoint](t)(stated(msg)).Text(), recorded))
	return must[[]byte](t)(proof.AddCosignatures(msg, line))
}

// shownIn is the published checkpoint, which a quorum has cosigned.
func shownIn(t *testing.T, dir string, b *bench) proof.Checkpoint {
	t.Helper()
	msg := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "public", checkpointPath)))
	c, _, err := b.policy.Check(msg, b.log)
	if err != nil {
		t.Fatalf("published is %q: %v", msg, err)
	}
	return c
}

// TestCosigned: what is published has its quorum, the journal has none of it, and the
// rest is as without witnesses, for the auditor, a check and the next start.
func TestCosigned(t *testing.T) {
	entries := testEntries(t, 300)
	dir, b, l := t.TempDir(), newBench(t, 2), &memLog{}
	for _, size := range []events.Size{3, 250, 300} {
		cfg := cosignedConfig(t, dir, newHistory(entries[:size]...), l, b)
		if err := anchorTo(t, cfg, size); err != nil {
			t.Fatal(err)
		}
		if c := shownIn(t, dir, b); c.Size != size {
			t.Fatalf("published is %d", c.Size)
		}
		r, err := Check(t.Context(), CheckConfig{Dir: cfg.Dir, Journal: filepath.Join(dir, "journal"), History: boxed(entries[:size]...)})
		if err != nil || len(r.Notes) > 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if r, err := auditDir(t, filepath.Join(dir, "public")); err != nil || r.Size != 300 {
		t.Fatal(r, err)
	}
	if j := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "journal"))); bytes.Count(j, []byte("\n")) != 3 {
		t.Fatalf("the journal is %q", j)
	}
	got, want := files(t, filepath.Join(dir, "public")), files(t, forge(t, entries))
	if string(bare([]byte(got[checkpointPath]))) != want[checkpointPath] {
		t.Fatal("the checkpoint is another one")
	}
	delete(got, checkpointPath)
	delete(want, checkpointPath)
	if !maps.Equal(got, want) {
		t.Fatal("the public directory differs")
	}
	if err := anchorTo(t, testConfig(t, dir, newHistory(entries...), l), 300); err != nil { // without witnesses any more
		t.Fatal(err)
	}
	shownIn(t, dir, b) // and what is there stays
}

// TestWithheld: below the quorum events go on being integrated and signed, and nothing
// is published until there is one.
func TestWithheld(t *testing.T) {
	entries := testEntries(t, 30)
	dir, b, h := t.TempDir(), newBench(t, 2), newHistory(entries[:5]...)
	b.hush(1)
	cfg := cosignedConfig(t, dir, h, &memLog{}, b)
	withheld := make(chan events.Size, 1000)
	cfg.Withheld = func(size events.Size, err error) {
		if !strings.Contains(err.Error(), " cosigned") {
			t.Error(err)
		}
		withheld <- size
	}
	a := must[*Anchor](t)(Open(t.Context(), cfg))
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	until := func(size events.Size) {
		t.Helper()
		for limit := time.After(20 * time.Second); ; {
			select {
			case got := <-withheld:
				if got == size {
					return
				}
			case err := <-done:
				t.Fatalf("it ended: %v", err)
			case <-limit:
				t.Fatalf("size %d was not withheld", size)
			}
		}
	}
	until(5)
	until(5) // asked again, though nothing is new
	h.add(entries[5:9]...)
	until(9)
	if c, msg := a.Checkpoint(); c.Size > 0 || msg != nil {
		t.Fatalf("published is %q", msg)
	}
	if _, err := a.Prove(ctx, 0); !errors.Is(err, ErrNotPublished) {
		t.Fatal(err)
	}
	b.hush(0)
	if err := a.WaitFor(ctx, 9); err != nil {
		t.Fatal(err)
	}
	if c := shownIn(t, dir, b); c.Size != 9 {
		t.Fatalf("published is %d", c.Size)
	}
	b.hush(2)
	h.add(entries[9:]...)
	until(30)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(b.sizes()) {
		t.Fatalf("asked for %v", b.sizes())
	}
	if c, _ := a.Checkpoint(); c.Size != 9 {
		t.Fatalf("published is %d", c.Size)
	}
	for size, lines := range journalled(t, dir) {
		if lines != 1 {
			t.Fatalf("size %d is journalled %d times", size, lines)
		}
	}
}

func journalled(t *testing.T, dir string) map[events.Size]int {
	t.Helper()
	out := map[events.Size]int{}
	for p, err := range journalLines(filepath.Join(dir, "journal")) {
		if err != nil {
			t.Fatal(err)
		}
		out[p.Size]++
	}
	return out
}

// TestOpenWithheld: what was journalled without a quorum is not published by a start;
// what was published stays, and Run begins with asking for the other.
func TestOpenWithheld(t *testing.T) {
	entries := testEntries(t, 300)
	dir, b, l := t.TempDir(), newBench(t, 2), &memLog{}
	if err := anchorTo(t, cosignedConfig(t, dir, newHistory(entries[:5]...), l, b), 5); err != nil {
		t.Fatal(err)
	}
	withhold(t, cosignedConfig(t, dir, newHistory(entries[:260]...), l, b), b)
	b.asked = nil
	cfg := cosignedConfig(t, dir, newHistory(entries...), l, b)
	a := must[*Anchor](t)(Open(t.Context(), cfg))
	defer a.Close()
	if c, msg := a.Checkpoint(); c.Size != 5 || string(msg) != string(must[[]byte](t)(os.ReadFile(filepath.Join(cfg.Dir, checkpointPath)))) {
		t.Fatalf("a start published %q", msg)
	}
	if p, err := a.Prove(t.Context(), 4); err != nil || !bytes.Equal(p.Extra, entries[4]) {
		t.Fatal(err)
	}
	if _, err := a.Prove(t.Context(), 5); !errors.Is(err, ErrNotPublished) {
		t.Fatal(err)
	}
	if err := runTo(t, a, 300); err != nil {
		t.Fatal(err)
	}
	if got := b.sizes(); got[0] != 260 {
		t.Fatalf("asked for %v", got)
	}
	if c := shownIn(t, dir, b); c.Size != 300 {
		t.Fatalf("published is %d", c.Size)
	}
}

// withhold runs an anchor until its checkpoint is journalled and refused.
func withhold(t *testing.T, cfg Config, b *bench) {
	t.Helper()
	b.hush(1)
	defer b.hush(0)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cfg.Withheld = func(events.Size, error) { cancel() }
	a := must[*Anchor](t)(Open(ctx, cfg))
	if err := errors.Join(a.Run(ctx), a.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestOpenShown: the published checkpoint, if it stays, is held against the journal.
func TestOpenShown(t *testing.T) {
	entries := testEntries(t, 300)
	other := append([][]byte{}, entries...)
	other[2] = saidEntry(t, "dataset.registered", `{"dataset":"example/other","title":"Other"}`, nameOf(2))
	for name, test := range map[string]struct {
		shown func(is []byte) []byte
		want  string
	}{
		"as it was":         {func(is []byte) []byte { return is }, ""},
		"none":              {func([]byte) []byte { return nil }, ""},
		"not cosigned":      {bare, ""}, // from before there were witnesses
		"another history":   {func([]byte) []byte { return headOf(t, other[:5]).Note }, "damaged at checkpoint"},
		"another key":       {func(is []byte) []byte { return bytes.Replace(is, []byte("=\n— w0"), []byte("A=\n— w0"), 1) }, "damaged at checkpoint"},
		"noise behind":      {func(is []byte) []byte { return append(bytes.Clone(is), "noise\n"...) }, "damaged at checkpoint"},
		"beyond journal":    {func([]byte) []byte { return headOf(t, entries[:270]).Note }, "the journal is another one"},
		"another journal's": {func([]byte) []byte { return headOf(t, other[:260]).Note }, "not the journalled one"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, b, l := t.TempDir(), newBench(t, 2), &memLog{}
			if err := anchorTo(t, cosignedConfig(t, dir, newHistory(entries[:5]...), l, b), 5); err != nil {
				t.Fatal(err)
			}
			withhold(t, cosignedConfig(t, dir, newHistory(entries[:260]...), l, b), b)
			path := filepath.Join(dir, "public", checkpointPath)
			shown := test.shown(must[[]byte](t)(os.ReadFile(path)))
			if shown == nil {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(path, shown, 0o644); err != nil {
				t.Fatal(err)
			}
			cfg := cosignedConfig(t, dir, newHistory(entries...), l, b)
			if test.want != "" {
				before := files(t, dir)
				_, err := Open(t.Context(), cfg)
				wantError(t, err, test.want)
				if !maps.Equal(before, files(t, dir)) {
					t.Fatal("a refused directory was changed")
				}
				return
			}
			a := must[*Anchor](t)(Open(t.Context(), cfg))
			defer a.Close()
			if _, msg := a.Checkpoint(); !bytes.Equal(msg, shown) {
				t.Fatalf("shown is %q", msg)
			}
			if err := runTo(t, a, 300); err != nil {
				t.Fatal(err)
			}
			shownIn(t, dir, b)
		})
	}
}

// TestRefresh: an idle log's cosignatures are renewed, for the same checkpoint.
func TestRefresh(t *testing.T) {
	dir, b := t.TempDir(), newBench(t, 2)
	cfg := cosignedConfig(t, dir, newHistory(testEntries(t, 5)...), &memLog{}, b)
	if err := anchorTo(t, testConfig(t, dir, cfg.History, cfg.Log), 5); err != nil { // before there were witnesses
		t.Fatal(err)
	}
	cfg.RefreshEvery = 20 * time.Millisecond
	a := must[*Anchor](t)(Open(t.Context(), cfg))
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var times []time.Time
	for i := 0; len(times) < 3; i++ {
		_, msg := a.Checkpoint()
		if at, err := b.Known(msg); err == nil && (len(times) == 0 || at.After(times[len(times)-1])) {
			times = append(times, at)
		}
		if len(times) == 2 {
			b.hush(1) // for a while
			time.AfterFunc(30*time.Millisecond, func() { b.hush(0) })
		}
		if time.Sleep(time.Millisecond); i > 10_000 {
			t.Fatalf("renewed %d times", len(times))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if c := shownIn(t, dir, b); c.Size != 5 || len(journalled(t, dir)) != 1 {
		t.Fatalf("published is %d", c.Size)
	}
	if _, err := auditDir(t, filepath.Join(dir, "public")); err != nil {
		t.Fatal(err)
	}
}

// TestRefreshAfterFuture: a witness whose clock is ahead does not keep an idle log, opened
// again, from being cosigned anew.
func TestRefreshAfterFuture(t *testing.T) {
	dir, b := t.TempDir(), newBench(t, 1)
	b.clock = time.Now().AddDate(50, 0, 0)
	cfg := cosignedConfig(t, dir, newHistory(testEntries(t, 5)...), &memLog{}, b)
	cfg.RefreshEvery = time.Hour
	if err := anchorTo(t, cfg, 5); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	asked := len(b.asked)
	b.mu.Unlock()
	cfg.RefreshEvery = 20 * time.Millisecond
	a := must[*Anchor](t)(Open(t.Context(), cfg))
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for i := 0; len(b.sizes()) == asked; i++ {
		if time.Sleep(time.Millisecond); i > 5_000 {
			t.Error("nobody is asked again")
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestCosignersFork: a witness who holds another history, or more of this one, ends the
// anchor with both notes, and nothing of it is published.
func TestCosignersFork(t *testing.T) {
	entries := testEntries(t, 300)
	other := append([][]byte{}, entries...)
	other[7] = saidEntry(t, "dataset.registered", `{"dataset":"example/other","title":"Other"}`, nameOf(7))
	for name, test := range map[string]struct {
		theirs [][]byte
		want   string
	}{
		"another": {other[:260], "two histories were signed with this key"},
		"ahead":   {entries, "this directory was set back"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, b := t.TempDir(), newBench(t, 2)
			head := headOf(t, test.theirs)
			b.notes[1] = head.Note
			b.last[1] = must[proof.Checkpoint](t)(stated(head.Note))
			err := anchorTo(t, cosignedConfig(t, dir, newHistory(entries[:280]...), &memLog{}, b), 280)
			wantError(t, err, test.want)
			var fork *ForkError
			if !errors.As(err, &fork) || !bytes.Equal(fork.TheirNote, head.Note) || fork.Ours.Size != 280 {
				t.Fatalf("%+v", fork)
			}
			if _, err := os.Stat(filepath.Join(dir, "public", checkpointPath)); !errors.Is(err, os.ErrNotExist) {
				t.Fatal("it was published", err)
			}
		})
	}
}

// TestCosignersWrong: who asks does not decide what is published.
func TestCosignersWrong(t *testing.T) {
	entries := testEntries(t, 9)
	for name, alter := range map[string]func([]byte) []byte{
		"below":   bare,
		"another": func([]byte) []byte { return headOf(t, entries[:8]).Note },
		"nothing": func([]byte) []byte { return nil },
		"noise":   func(msg []byte) []byte { return append(msg, "noise\n"...) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, b := t.TempDir(), newBench(t, 2)
			b.alter = alter
			cfg := cosignedConfig(t, dir, newHistory(entries...), &memLog{}, b)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			cfg.Withheld = func(events.Size, error) { cancel() }
			a := must[*Anchor](t)(Open(ctx, cfg))
			if err := errors.Join(a.Run(ctx), a.Close()); err != nil {
				t.Fatal(err)
			}
			if c, _ := a.Checkpoint(); c.Size > 0 {
				t.Fatal("it was published")
			}
		})
	}
}

// TestFaultsCosigned kills an anchor with witnesses at every step, theirs included, as
// TestFaults does. They remember all that they cosigned.
func TestFaultsCosigned(t *testing.T) {
	entries := testEntries(t, 259)
	names := map[string]bool{}
	for _, mode := range []string{"failed", "persisted", "spoiled"} {
		for n := 1; ; n++ {
			if testing.Short() && n%3 > 0 {
				continue
			}
			f := &fault{n: n, done: mode != "failed"}
			dir, w := t.TempDir(), &witness{notes: map[events.Size]string{}, entries: entries, looks: n}
			b, l := newBench(t, 2), &memLog{}
			for _, size := range []int{3, 259} {
				cfg := cosignedConfig(t, dir, newHistory(entries[:size]...), l, b)
				cfg.step = f.step
				err := anchorTo(t, cfg, events.Size(size))
				w.look(t, dir)
				if err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%s %d: %v", mode, n, err)
				}
				if err == nil {
					continue
				}
				if mode == "spoiled" {
					spoil(t, dir)
				}
				killAgain(t, dir, cfg, events.Size(size), n, w)
				shownIn(t, dir, b)
			}
			if f.seen < n {
				break
			}
			names[f.name] = true
			if c := shownIn(t, dir, b); c.Size != 259 {
				t.Fatalf("published is %d", c.Size)
			}
		}
	}
	for _, name := range []string{"sync journal", "ask witnesses", "write checkpoint", "rename checkpoint", "sync checkpoint"} {
		if !names[name] && !testing.Short() {
			t.Errorf("never killed at %q", name)
		}
	}
}
