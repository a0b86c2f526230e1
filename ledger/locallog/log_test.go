package locallog

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// reopening is a Log that can be opened again.
type reopening struct {
	*Log
	cfg Config
}

func (r reopening) Reopen(t *testing.T) logtest.Log {
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return openLog(t, r.cfg)
}

func (r reopening) client() trillian.TrillianLogClient {
	return trillian.NewTrillianLogClient(direct{r.rpc})
}

func (r reopening) Inclusion(ctx context.Context, index events.Index, size events.Size) ([][32]byte, error) {
	resp, err := r.client().GetInclusionProof(ctx, &trillian.GetInclusionProofRequest{
		LogId: r.tree.TreeId, LeafIndex: int64(index), TreeSize: int64(size),
	})
	return hashes32(resp.GetProof()), err
}

func (r reopening) Consistency(ctx context.Context, from, to events.Size) ([][32]byte, error) {
	resp, err := r.client().GetConsistencyProof(ctx, &trillian.GetConsistencyProofRequest{
		LogId: r.tree.TreeId, FirstTreeSize: int64(from), SecondTreeSize: int64(to),
	})
	return hashes32(resp.GetProof()), err
}

func (r reopening) Entries(ctx context.Context, first events.Index, n int) ([][]byte, error) {
	resp, err := r.client().GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{
		LogId: r.tree.TreeId, StartIndex: int64(first), Count: int64(n),
	})
	entries := make([][]byte, len(resp.GetLeaves()))
	for i, leaf := range resp.GetLeaves() {
		entries[i] = leaf.LeafValue
	}
	return entries, err
}

func hashes32(proof *trillian.Proof) [][32]byte {
	hashes := make([][32]byte, len(proof.GetHashes()))
	for i, hash := range proof.GetHashes() {
		hashes[i] = [32]byte(hash)
	}
	return hashes
}

func openLog(t testing.TB, cfg Config) reopening {
	t.Helper()
	l, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return reopening{l, cfg}
}

func TestLogOnDisk(t *testing.T) {
	logtest.Run(t, func(t *testing.T) logtest.Log { return openLog(t, Config{Dir: t.TempDir()}) })
}

func mustAppend(t *testing.T, l *Log, first events.Index, leaves [][]byte) (events.Size, [32]byte) {
	t.Helper()
	size, root, err := l.Append(t.Context(), first, leaves)
	if err != nil {
		t.Fatal(err)
	}
	return size, root
}

// The disk may keep any part of what was not fsynced. Whatever it keeps, the
// log opens at a head that was returned or whose Append was under way, and
// goes on to the right roots.
func TestCrash(t *testing.T) {
	var ref logtest.Reference
	ref.Add(t, logtest.Leaves(0, 3000)...)
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 0))
		fs := vfs.NewCrashableMem()
		l := openLog(t, Config{Dir: "log", FS: fs})
		returned := events.Size(0)
		for range 1 + rng.IntN(6) {
			n := 1 + rng.IntN(300)
			returned, _ = mustAppend(t, l.Log, events.Index(returned), logtest.Leaves(events.Index(returned), n))
		}
		// The clones are taken while an Append is under way.
		under := events.Size(300)
		clones := crashDuring(fs, rng, func() {
			if _, _, err := l.Append(context.Background(), events.Index(returned), logtest.Leaves(events.Index(returned), int(under))); err != nil {
				t.Error(err)
			}
		})
		for _, clone := range clones {
			checkAfterCrash(t, clone, &ref, returned, returned+under)
		}
	}
}

// crashDuring clones the file system as it would be after a crash, before,
// while and after f runs.
func crashDuring(fs *vfs.MemFS, rng *rand.Rand, f func()) []*vfs.MemFS {
	done := make(chan struct{})
	var clones []*vfs.MemFS
	clone := func() {
		clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
	}
	clone()
	go func() { defer close(done); f() }()
	for range 4 {
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Microsecond)
		clone()
	}
	<-done
	clone()
	return clones
}

func checkAfterCrash(t *testing.T, fs *vfs.MemFS, ref *logtest.Reference, least, most events.Size) {
	t.Helper()
	l := openLog(t, Config{Dir: "log", FS: fs})
	size, root, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if size != least && size != most {
		t.Fatalf("after the crash the log has %d entries, want %d or %d", size, least, most)
	}
	if root != ref.Root(t, size) {
		t.Fatalf("after the crash the root of %d entries is wrong", size)
	}
	// A shorter Append than the one interrupted does not take the rest along.
	for _, n := range []int{1, 9, 500} {
		next, root := mustAppend(t, l.Log, events.Index(size), logtest.Leaves(events.Index(size), n))
		if next != size+events.Size(n) || root != ref.Root(t, next) {
			t.Fatalf("appending %d entries after the crash at %d gives size %d, root %x", n, size, next, root)
		}
		size = next
	}
}

// The leaves have no fsync of their own. When the write-ahead log changes
// files between them and their root, they are on disk all the same.
func TestCrashAfterRotation(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := openLog(t, Config{Dir: "log", FS: fs})
	leaves := make([][]byte, 1200)
	for i := range leaves {
		leaves[i] = bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 30000)
	}
	size, root := mustAppend(t, l.Log, 0, leaves)
	l = openLog(t, Config{Dir: "log", FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if again, head, err := l.Head(t.Context()); err != nil || again != size || head != root {
		t.Fatalf("after the crash: size %d, root %x, %v", again, head, err)
	}
	mustAppend(t, l.Log, 0, leaves)
	mustAppend(t, l.Log, events.Index(size), logtest.Leaves(0, 1))
}

// A crash between the two transactions of an Append leaves leaves beyond the
// tree; a shorter Append takes only its own.
func TestInterruptedAppend(t *testing.T) {
	var ref logtest.Reference
	ref.Add(t, logtest.Leaves(0, 600)...)
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, 100))
	if err := l.add(t.Context(), 100, logtest.Leaves(100, 400)); err != nil {
		t.Fatal(err)
	}
	l = l.Reopen(t).(reopening)
	for _, part := range [][2]events.Size{{50, 100}, {100, 110}, {110, 400}, {300, 600}} {
		first, end := part[0], part[1]
		size, root := mustAppend(t, l.Log, events.Index(first), logtest.Leaves(events.Index(first), int(end-first)))
		if size != end || root != ref.Root(t, end) {
			t.Fatalf("appending %d-%d gives size %d, root %x", first, end-1, size, root)
		}
	}
}

func TestClockStepsBack(t *testing.T) {
	var ref logtest.Reference
	ref.Add(t, logtest.Leaves(0, 100)...)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem(), Now: func() time.Time { return now }})
	size := events.Size(0)
	for i, step := range []time.Duration{0, time.Second, -time.Hour, 0, -time.Hour, 2 * time.Hour, -80 * 365 * 24 * time.Hour, 280 * 365 * 24 * time.Hour} {
		if i%2 == 1 {
			l = l.Reopen(t).(reopening)
		}
		now = now.Add(step)
		next, root := mustAppend(t, l.Log, events.Index(size), logtest.Leaves(events.Index(size), 10))
		if root != ref.Root(t, next) {
			t.Fatalf("after the step %v the root is wrong", step)
		}
		size = next
	}
	now = time.Time{}
	mustAppend(t, l.Log, events.Index(size), logtest.Leaves(events.Index(size), 1))
}

// A clock that walks at random, also between restarts and after crashes,
// never stops the log, and every root is younger than the one before.
func TestClockWalks(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	now := time.Now()
	fs := vfs.NewCrashableMem()
	cfg := Config{Dir: "log", FS: fs, Now: func() time.Time {
		now = now.Add(time.Duration(rng.Int64N(int64(2*time.Hour))) - time.Hour)
		return now
	}}
	l := openLog(t, cfg)
	last := int64(0)
	for i := range 300 {
		switch {
		case i%20 == 10:
			l = l.Reopen(t).(reopening)
		case i%20 == 19:
			fs = fs.CrashClone(vfs.CrashCloneCfg{})
			cfg.FS = fs
			l = openLog(t, cfg)
		}
		mustAppend(t, l.Log, events.Index(i), logtest.Leaves(events.Index(i), 1))
		if at := l.store.state(l.tree.TreeId).rootTime.Load(); at <= last {
			t.Fatalf("root %d is of %d, the one before of %d", i, at, last)
		} else {
			last = at
		}
	}
}

// Entries that together exceed what one request takes, and single ones of the
// greatest size, arrive whole.
func TestLargeEntries(t *testing.T) {
	var ref logtest.Reference
	leaves := make([][]byte, 200)
	for i := range leaves {
		leaves[i] = bytes.Repeat([]byte{byte(i)}, 65535)
	}
	leaves[150] = make([]byte, maxChunk+1)
	ref.Add(t, leaves...)
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	size, root := mustAppend(t, l.Log, 0, leaves)
	if size != 200 || root != ref.Root(t, 200) {
		t.Fatalf("size %d, root %x", size, root)
	}
}

func TestChunk(t *testing.T) {
	big := make([]byte, maxChunk)
	for _, test := range []struct {
		leaves [][]byte
		want   int
	}{
		{[][]byte{big, big}, 1},
		{[][]byte{{1}, big}, 1},
		{[][]byte{{1}, {2}, {3}}, 3},
		{[][]byte{big[:maxChunk/2-leafOverhead], big[:maxChunk/2-leafOverhead], {1}}, 2},
	} {
		if got := chunk(test.leaves); got != test.want {
			t.Errorf("%d leaves, first of %d bytes: chunk of %d, want %d", len(test.leaves), len(test.leaves[0]), got, test.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, 3))
	_, _, err := l.Append(t.Context(), 1, [][]byte{[]byte("entry 1"), []byte("else")})
	if want := "adding entries 1-2: entry 2 is stored with other bytes"; err == nil || err.Error() != want {
		t.Errorf("other bytes: %v, want %q", err, want)
	}
	if _, _, err := l.Append(t.Context(), 3, [][]byte{{}}); err == nil {
		t.Error("an empty entry was accepted")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	l.tree.TreeId++ // another tree than the one stored
	if _, _, err := l.Head(t.Context()); err == nil || bytes.Contains([]byte(err.Error()), []byte("code =")) {
		t.Errorf("a missing tree: %v", err)
	}
	l.tree.TreeId--
	state, unlock, err := l.store.lock(t.Context(), l.tree.TreeId)
	if err != nil || state == nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, _, err := l.Append(cancelled, 3, logtest.Leaves(3, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("appending while another writes, cancelled: %v", err)
	}
}

func TestClose(t *testing.T) {
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				if g%2 == 0 {
					l.Head(context.Background())
				} else {
					l.Append(context.Background(), events.Index(i), logtest.Leaves(events.Index(i), 1))
				}
			}
		})
	}
	time.Sleep(2 * time.Millisecond)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if _, _, err := l.Head(t.Context()); err == nil {
		t.Error("a closed log has a head")
	}
	if _, _, err := l.Append(t.Context(), 0, nil); err == nil {
		t.Error("a closed log takes entries")
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	openLog(t, Config{Dir: dir})
	if l, err := Open(t.Context(), Config{Dir: dir}); err == nil {
		l.Close()
		t.Error("one directory was opened twice")
	}
}
