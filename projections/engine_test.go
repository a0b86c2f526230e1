package projections

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// TestAnyBatchSplitGivesTheSameContents also closes and opens between batches.
func TestAnyBatchSplitGivesTheSameContents(t *testing.T) {
	for seed := range uint64(8) {
		messages := newWorld(t, seed).live(250)
		want := dump(t, foldedViews(t, messages))
		rng := rand.New(rand.NewPCG(seed, 1))
		fs, h := vfs.NewMem(), newTape(messages)
		v := opened(t, fs)
		for v.Cursor() < h.Last() {
			catchUp(t, v, h, min(h.Last(), v.Cursor()+events.Seq(1+rng.IntN(60))))
			if rng.IntN(3) > 0 {
				continue
			}
			before := v.Cursor()
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			if v = opened(t, fs); v.Cursor() != before {
				t.Fatalf("seed %d: closed at %d, opened at %d", seed, before, v.Cursor())
			}
		}
		if got := dump(t, v); got != want {
			t.Fatalf("seed %d: folded in parts:\n%s\nat once:\n%s", seed, got, want)
		}
	}
}

func TestCrashLosesWholeBatchesOnly(t *testing.T) {
	for seed := range uint64(8) {
		messages := newWorld(t, seed).live(200)
		want := dump(t, foldedViews(t, messages))
		rng := rand.New(rand.NewPCG(seed, 2))
		fs, h := vfs.NewCrashableMem(), newTape(messages)
		crashes := 0
		for {
			v := opened(t, fs)
			if crashes == 6 {
				catchUp(t, v, h, h.Last())
				if got := dump(t, v); got != want {
					t.Fatalf("seed %d: after crashes:\n%s\nwithout:\n%s", seed, got, want)
				}
				break
			}
			before := v.Cursor()
			for range 1 + rng.IntN(8) {
				catchUp(t, v, h, min(h.Last(), v.Cursor()+events.Seq(1+rng.IntN(10))))
				if rng.IntN(3) == 0 {
					if _, err := v.db.AsyncFlush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			crashes++
			if again := opened(t, fs.CrashClone(vfs.CrashCloneCfg{})); again.Cursor() < before || again.Cursor() > v.Cursor() {
				t.Fatalf("seed %d: opened at %d and crashed at %d, it is at %d", seed, before, v.Cursor(), again.Cursor())
			}
		}
	}
}

func TestRaisedVersionFoldsThatViewAgain(t *testing.T) {
	messages := newWorld(t, 3).live(150)
	h, fs := newTape(messages), vfs.NewMem()
	folds := map[string]int{}
	views := func(raised int64) []view {
		all := append(allViews(), officersViews()...)
		for i, w := range all {
			all[i].fold = func(b *batch, m *message) error { folds[w.name]++; return w.fold(b, m) }
		}
		all[1].version += raised
		return all
	}
	old := append(views(0), view{"gone", 1, "g", func(b *batch, m *message) error {
		b.set(number([]byte("g"), m.position), nil)
		return nil
	}})
	each := func(n, register int) map[string]int {
		out := map[string]int{"register": register}
		for _, w := range views(0) {
			if w.name != "register" && n > 0 {
				out[w.name] = n
			}
		}
		return out
	}
	for _, step := range []struct {
		views  []view
		cursor events.Seq
		to     events.Seq
		again  map[string]int
	}{
		{old, 0, 120, each(120, 120)},
		{views(0), 120, 120, map[string]int{}},
		{views(1), 0, 150, each(30, 150)},
		{views(0), 0, 150, each(0, 150)},
	} {
		v, err := openViews(Config{FS: fs, Dir: "views", Open: openFold}, step.views)
		if err != nil {
			t.Fatal(err)
		}
		if v.Cursor() != step.cursor {
			t.Errorf("the cursor is %d, want %d", v.Cursor(), step.cursor)
		}
		clear(folds)
		catchUp(t, v, h, step.to)
		if fmt.Sprint(folds) != fmt.Sprint(step.again) {
			t.Errorf("folded %v, want %v", folds, step.again)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if dump(t, opened(t, fs)) != dump(t, foldedViews(t, messages)) {
		t.Error("something of an older version is left")
	}
}

func TestUnknownLayoutIsFoldedAgain(t *testing.T) {
	messages := newWorld(t, 4).live(50)
	for _, key := range []string{layoutKey, viewPrefix + "entries", "!other"} {
		fs := vfs.NewMem()
		v := opened(t, fs)
		catchUp(t, v, newTape(messages), 50)
		if err := errors.Join(v.db.Set([]byte(key), []byte("daybook/views@9"), pebble.NoSync), v.db.Set([]byte("zz"), nil, pebble.NoSync), v.Close()); err != nil {
			t.Fatal(err)
		}
		if v = opened(t, fs); v.Cursor() != 0 {
			t.Errorf("%s: the cursor is %d", key, v.Cursor())
		}
		catchUp(t, v, newTape(messages), 50)
		if dump(t, v) != dump(t, foldedViews(t, messages)) {
			t.Errorf("%s: something of the other layout is left", key)
		}
	}
}

func TestMalformedMessageStopsFolding(t *testing.T) {
	messages := newWorld(t, 5).live(40)
	for name, spoil := range map[string]func(*events.Stored){
		"not a message": func(s *events.Stored) { s.Data = []byte("DB2\n") },
		"entry":         func(s *events.Stored) { s.Data = []byte(strings.Replace(string(s.Data), `"event"`, `"evenT"`, 1)) },
		"gap":           func(s *events.Stored) { s.Seq++ },
	} {
		spoilt := append([]events.Stored{}, messages...)
		spoil(&spoilt[16])
		v := opened(t, vfs.NewMem())
		err := v.CatchUp(t.Context(), newTape(spoilt), 40)
		if err == nil || !strings.Contains(err.Error(), "17") {
			t.Errorf("%s: %v", name, err)
		}
		if err = v.Run(t.Context(), newTape(spoilt)); err == nil || v.Cursor() != 16 {
			t.Errorf("%s: run ends with %v at %d", name, err, v.Cursor())
		}
		catchUp(t, v, newTape(messages), 40)
		if dump(t, v) != dump(t, foldedViews(t, messages)) {
			t.Errorf("%s: the stop left something behind", name)
		}
	}
}

func TestShorterHistoryIsRefused(t *testing.T) {
	messages := newWorld(t, 6).live(30)
	v := foldedViews(t, messages)
	if err := v.Run(t.Context(), newTape(messages[:29])); !errors.Is(err, ErrAhead) {
		t.Errorf("another history: %v", err)
	}
	if err := v.CatchUp(t.Context(), newTape(messages), 31); err == nil {
		t.Error("a history that ends early is taken for whole")
	}
	catchUp(t, v, newTape(messages), 12)
	if v.Cursor() != 30 {
		t.Errorf("the cursor went to %d", v.Cursor())
	}
}

func TestRunFollows(t *testing.T) {
	messages := newWorld(t, 7).live(1200)
	h := newTape(messages[:1100:1100])
	v := opened(t, vfs.NewMem())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- v.Run(ctx, h) }()
	if err := v.WaitFor(ctx, 1100); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages[1100:] {
		h.append(m)
	}
	if err := v.WaitFor(ctx, 1200); err != nil {
		t.Fatal(err)
	}
	if err := v.CatchUp(ctx, h, 1200); err == nil {
		t.Error("two fold at once")
	}
	short, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	if err := v.WaitFor(short, 1201); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for what never comes: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("run ends with %v", err)
	}
	if dump(t, v) != dump(t, foldedViews(t, messages)) {
		t.Error("following gives other contents")
	}
}

func TestClosedViewsAnswerNothing(t *testing.T) {
	messages := newWorld(t, 8).live(20)
	v := foldedViews(t, messages)
	waited := make(chan error)
	go func() { waited <- v.WaitFor(context.Background(), 99) }()
	if err := errors.Join(v.Close(), v.Close()); err != nil {
		t.Fatal(err)
	}
	r := v.Now()
	_, entry := r.Entry(0)
	_, find := r.Find(events.EventName{})
	_, recent := r.Recent(1)
	_, _, entries := r.Entries(Filter{})
	_, item := r.Item("dataset", "d")
	_, _, items := r.Items("dataset", "", "", 0)
	_, totals := r.Totals()
	fold := v.CatchUp(t.Context(), newTape(newWorld(t, 8).live(21)), 21)
	for i, err := range []error{<-waited, entry, find, recent, entries, item, items, totals, fold, v.Dump(&strings.Builder{})} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// BenchmarkRebuild folds a history of searches, as most of a real one is.
func BenchmarkRebuild(b *testing.B) {
	for name, say := range map[string]func(w *world){
		"data": func(w *world) { w.use(pick(w, "chicago", "eugene-police"), "s/1", "d/1", "2026-06-24T08:30:00Z") },
		"register": func(w *world) {
			w.register("chicago", fmt.Sprint("s/", len(w.out)), fmt.Sprint("d/", len(w.out)), "2026-06-24T08:30:00Z")
		},
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, 1)
			for len(w.out) < 100_000 {
				say(w)
			}
			b.ResetTimer()
			for b.Loop() {
				v, err := Open(Config{Dir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				catchUp(b, v, newTape(w.out), events.Seq(len(w.out)))
				if err := v.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(w.out))/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
