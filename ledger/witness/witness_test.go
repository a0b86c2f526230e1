package witness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

var errKilled = errors.New("killed here")

// TestCrash kills a witness before and after each step of many requests. What was
// answered is never taken back, and what is shown continues it.
func TestCrash(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h, forked := newHistory(t, key, 20), newHistory(t, key, 20, 0)
	names := map[string]bool{}
	for _, done := range []bool{false, true} {
		for n, killed := 1, "begin"; killed != ""; n++ {
			cfg := testConfig(t, t.TempDir(), key.Verifier)
			seen := 0
			killed = ""
			cfg.step = func(name string, do func() error) error {
				if seen++; seen != n {
					return do()
				}
				killed = name
				names[name] = true
				if done {
					return errors.Join(do(), errKilled)
				}
				return errKilled
			}
			var answered events.Size
			for size := events.Size(5); size <= 19; size += 7 {
				w := must[*Witness](t)(Open(cfg))
				last := shown(t, w, h)
				if last < answered {
					t.Fatalf("after %q it shows %d, and %d was answered", killed, last, answered)
				}
				for range 2 { // the second time, as a log does that got no answer
					if _, err := w.AddCheckpoint(h.request(t, last, size)); err == nil {
						answered = size
						break
					}
				}
				if now := shown(t, w, h); now > 0 {
					if _, err := w.AddCheckpoint(forked.request(t, now, now+1)); err == nil {
						t.Fatalf("after %q it cosigned another history", killed)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, want := range []string{"write checkpoint.new", "rename", "sync directory", "write evidence-1.new", "rename evidence"} {
		if !names[want] {
			t.Errorf("never killed at %q", want)
		}
	}
}

// TestBroken: when nobody knows what the disk holds, nothing more is cosigned, and after
// another start it goes on from what is there.
func TestBroken(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h := newHistory(t, key, 20)
	for at, broken := range map[string]bool{"write checkpoint.new": false, "rename": true, "sync directory": true} {
		cfg := testConfig(t, t.TempDir(), key.Verifier)
		fails := true
		cfg.step = func(name string, do func() error) error {
			if name == at && fails {
				return errors.Join(do(), errKilled)
			}
			return do()
		}
		w := must[*Witness](t)(Open(cfg))
		if _, err := w.AddCheckpoint(h.request(t, 0, 5)); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		fails = false
		if _, err := w.AddCheckpoint(h.request(t, 0, 7)); (err != nil) != broken || errors.As(err, new(*RefusedError)) {
			t.Fatalf("after %q: %v", at, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = openWitness(t, cfg)
		if _, err := w.AddCheckpoint(h.request(t, shown(t, w, h), 9)); err != nil {
			t.Fatal(err)
		}
	}
}

// shown is the size that a witness shows of h, which it cosigned.
func shown(t *testing.T, w *Witness, h *history) events.Size {
	t.Helper()
	msg := w.Checkpoint(t.Context(), idOf(h.key.Signer.Name()))
	if msg == nil {
		return 0
	}
	c, err := proof.OpenCheckpoint(msg, h.key.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	if c != h.at(t, c.Size) {
		t.Fatalf("it shows another history at size %d", c.Size)
	}
	if _, _, err := policyOf(t, "any", w.Keys()[0].String()).Check(msg, h.key.Verifier); err != nil {
		t.Fatal(err)
	}
	return c.Size
}

// TestRace: whatever many ask for at once, the sizes that are cosigned never go back,
// and no two of them contradict each other.
func TestRace(t *testing.T) {
	key, second := newKey(t, testOrigin, "log"), newKey(t, "second.example", "log")
	logs := []*history{newHistory(t, key, 200), newHistory(t, second, 200)}
	w := openWitness(t, testConfig(t, t.TempDir(), key.Verifier, second.Verifier))
	var group sync.WaitGroup
	for worker := range 8 {
		r := rand.New(rand.NewPCG(7, uint64(worker)))
		group.Go(func() {
			h := logs[worker%2]
			id := idOf(h.key.Signer.Name())
			var highest events.Size
			for range 30 {
				old := shown(t, w, h)
				if old < highest {
					t.Errorf("size %d is shown after %d", old, highest)
				}
				if old == 200 {
					return
				}
				size := min(old+events.Size(r.IntN(4)), 200)
				_, err := w.AddCheckpoint(h.request(t, old, size))
				if status := statusOf(t, err); status == 200 {
					highest = max(highest, size)
				} else if status != 409 {
					t.Errorf("answered %d: %v", status, err)
				}
				_ = w.Checkpoint(t.Context(), id)
			}
		})
	}
	group.Wait()
}

// TestTimes: the time on a newer cosignature is not earlier, whatever the clock does,
// also after a start.
func TestTimes(t *testing.T) {
	h := newHistory(t, newKey(t, testOrigin, "log"), 9)
	cfg := testConfig(t, t.TempDir(), h.key.Verifier)
	now := testNow
	cfg.Now = func() time.Time { return now }
	policy := policyOf(t, "any", cfg.Signers[0].Cosigner.String())
	for i, test := range []struct{ clock, want time.Duration }{
		{0, 0}, {time.Hour, time.Hour}, {time.Minute, time.Hour}, {-time.Hour, time.Hour}, {2 * time.Hour, 2 * time.Hour},
	} {
		w := must[*Witness](t)(Open(cfg))
		now = testNow.Add(test.clock)
		if _, err := w.AddCheckpoint(h.request(t, events.Size(i), events.Size(i+1))); err != nil {
			t.Fatal(err)
		}
		_, by, err := policy.Check(w.Checkpoint(t.Context(), idOf(testOrigin)), h.key.Verifier)
		if err != nil || !by.At.Equal(testNow.Add(test.want)) {
			t.Fatalf("at %v it says %v: %v", test.clock, by.At, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRollback: what is not the witness's own state stops the start, and a witness set
// back whole does not notice, as its documentation says.
func TestRollback(t *testing.T) {
	h := newHistory(t, newKey(t, testOrigin, "log"), 20)
	cfg := testConfig(t, t.TempDir(), h.key.Verifier)
	path := filepath.Join(cfg.Dir, idOf(testOrigin), "checkpoint")
	add := func(old, size events.Size) (state []byte) {
		t.Helper()
		w := must[*Witness](t)(Open(cfg))
		defer w.Close()
		if _, err := w.AddCheckpoint(h.request(t, old, size)); err != nil {
			t.Fatal(err)
		}
		return must[[]byte](t)(os.ReadFile(path))
	}
	first, second := add(0, 5), add(5, 9)
	for name, test := range map[string]struct {
		state []byte
		want  string
	}{
		"torn":           {second[:len(second)-9], "not say what this witness cosigned"},
		"empty":          {nil, "malformed note"},
		"flipped":        {[]byte(strings.Replace(string(second), "\n9\n", "\n8\n", 1)), "invalid signature"},
		"not cosigned":   {h.note(t, 9), "no key of this witness"},
		"not signed":     {[]byte(h.at(t, 9).Text()), "malformed note"},
		"another's":      {newHistory(t, newKey(t, "other.example", "log"), 9).note(t, 9), "no key of the log"},
		"two together":   {append(append([]byte{}, first...), second...), "not say what this witness cosigned"},
		"too long":       {make([]byte, maxNote+1), "too long"},
		"its own":        {second, ""},
		"its own, older": {first, ""},
	} {
		if err := os.WriteFile(path, test.state, 0o644); err != nil {
			t.Fatal(err)
		}
		w, err := Open(cfg)
		if test.want != "" {
			wantError(t, err, test.want)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Open(cfg); !errors.Is(err, ledger.ErrLocked) {
			t.Fatalf("opened twice: %v", err)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, second, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Signers = []*proof.CosignerSigner{newSigner(t, "library.example/witness", proof.CosignerEd25519)}
	_, err := Open(cfg)
	wantError(t, err, "no key of this witness cosigned it")
	for _, bad := range []Config{{}, {Dir: cfg.Dir}, {Signers: cfg.Signers}} {
		if _, err := Open(bad); err == nil {
			t.Fatal("opened without a directory or a key")
		}
	}
}

// TestEvidence: what a log signed against itself is written down so that it convicts,
// each once; what shows nothing is kept as a pair.
func TestEvidence(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h, forked := newHistory(t, key, 40), newHistory(t, key, 40, 3)
	cfg := testConfig(t, t.TempDir(), key.Verifier)
	var told []Misbehaviour
	cfg.Misbehaved = func(m Misbehaviour) { told = append(told, m) }
	for range 2 { // the second time it starts with what is written down
		w := must[*Witness](t)(Open(cfg))
		last := shown(t, w, h)
		for _, r := range [][]byte{
			h.request(t, last, 11), h.request(t, 11, 11), // cosigned, twice
			forked.request(t, 11, 11), forked.request(t, 5, 11), // another root at one size, whatever the old one
			forked.request(t, 11, 30),                                   // begins otherwise
			Request{11, h.path(t, 10, 30), forked.note(t, 30)}.Format(), // no path
			Request{11, nil, h.note(t, 20)}.Format(),
		} {
			_, _ = w.AddCheckpoint(r)
			_, _ = w.AddCheckpoint(r)
		}
		if got := shown(t, w, h); got != 11 {
			t.Fatalf("it went on to %d", got)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 4 {
		t.Fatalf("told of %d: %+v", len(told), told)
	}
	for i, want := range []string{"evidence-1", "evidence-2", "unproven-1", "unproven-2"} {
		if filepath.Base(told[i].File) != want {
			t.Fatalf("piece %d is %+v", i, told[i])
		}
		b := must[[]byte](t)(os.ReadFile(told[i].File))
		e, err := proof.ParseEvidence(b)
		if i > 1 {
			if err == nil || strings.Count(string(b), testOrigin+"\n") != 2 || told[i].Says != "" {
				t.Fatalf("%s is %q", want, b)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		found, err := e.Verify(key.Verifier)
		if err != nil || found.Says != told[i].Says || found.Kind != []string{proof.EvidenceFork, proof.EvidenceInconsistent}[i] {
			t.Fatalf("%s: %+v, %v", want, found, err)
		}
	}
}

// TestEvidenceBound: a stranger cannot fill the disk, nor keep evidence out by it.
func TestEvidenceBound(t *testing.T) {
	key := newKey(t, testOrigin, "log")
	h := newHistory(t, key, 200)
	cfg := testConfig(t, t.TempDir(), key.Verifier)
	told := 0
	cfg.Misbehaved = func(Misbehaviour) { told++ }
	w := openWitness(t, cfg)
	if _, err := w.AddCheckpoint(h.request(t, 0, 11)); err != nil {
		t.Fatal(err)
	}
	for i := range events.Size(maxEvidence + 20) {
		_, err := w.AddCheckpoint(Request{11, nil, h.note(t, 20+i)}.Format())
		if statusOf(t, err) != 422 {
			t.Fatal(err)
		}
	}
	if told != maxEvidence {
		t.Fatalf("%d pairs are kept", told)
	}
	if _, err := w.AddCheckpoint(newHistory(t, key, 11, 3).request(t, 11, 11)); statusOf(t, err) != 422 || told != maxEvidence+1 {
		t.Fatalf("%d pieces, %v", told, err)
	}
}

// TestTwoKeys: while a log changes its key, checkpoints of either are cosigned. One key
// twice is refused at the start: no checkpoint could be judged by it.
func TestTwoKeys(t *testing.T) {
	old, next := newKey(t, testOrigin, "log"), newKey(t, testOrigin, "next")
	w := openWitness(t, testConfig(t, t.TempDir(), old.Verifier, next.Verifier))
	for i, key := range []testKey{old, next, old} {
		if _, err := w.AddCheckpoint(newHistory(t, key, 9).request(t, events.Size(i), events.Size(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	msg := w.Checkpoint(t.Context(), idOf(testOrigin))
	if _, err := proof.OpenCheckpoint(msg, old.Verifier); err != nil {
		t.Fatal(err)
	}
	_, err := Open(testConfig(t, t.TempDir(), old.Verifier, next.Verifier, old.Verifier))
	wantError(t, err, "is given twice")
}

func ExampleRequest() {
	fmt.Printf("%q\n", Request{Old: 3, Path: []proof.Hash{{1}}, Note: []byte("…")}.Format())
	// Output: "old 3\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n…"
}
