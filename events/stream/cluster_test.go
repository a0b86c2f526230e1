package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/stream/clustertest"
)

// nodeVariable makes the test's binary a server of a cluster.
const nodeVariable = "DAYBOOK_TEST_NODE"

// runNode is the binary's other life.
func runNode() {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(clustertest.Node(os.Args[1]))
	}
}

func startCluster(t testing.TB) *clustertest.Cluster {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := clustertest.Start(clustertest.Config{Dir: t.TempDir(), Command: []string{self}, Env: []string{nodeVariable + "=1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func dial(t testing.TB, c *clustertest.Cluster) *nats.Conn {
	t.Helper()
	nc, err := Connect(t.Context(), Remote{URL: c.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

var onThree = Config{Replicas: 3, Timeout: 2 * time.Second, Patience: time.Minute}

// load appends batches of its own numbering until it is stopped, and remembers what
// was acknowledged where.
type load struct {
	t       *testing.T
	h       *History
	acked   map[string]events.Seq
	refused int // batches that were certainly not stored
	slowest time.Duration
	stopped error // why it ended before it was told to
}

func (l *load) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		size := 1 + n%50
		msgs := make([][]byte, size)
		for i := range msgs {
			msgs[i] = fmt.Appendf(nil, "batch %d.%d of %d", n, i, size)
		}
		began := time.Now()
		first, err := l.h.Append(context.WithoutCancel(ctx), msgs)
		l.slowest = max(l.slowest, time.Since(began))
		switch {
		case errors.Is(err, ErrNotStored):
			l.refused++
			time.Sleep(20 * time.Millisecond)
		case err != nil:
			l.stopped = err
			return
		}
		if err == nil {
			for i, m := range msgs {
				l.acked[string(m)] = first + events.Seq(i)
			}
		}
	}
}

// checkAll reads the whole history with fresh eyes: every acknowledged message is
// where it was acknowledged, nothing stands twice, and every batch is whole.
func (l *load) checkAll(h *History) {
	l.t.Helper()
	var all []string
	for m, err := range h.Replay(l.t.Context(), 1, h.Last()) {
		if err != nil {
			l.t.Fatal(err)
		}
		all = append(all, string(m.Data))
	}
	for m, seq := range l.acked {
		if uint64(seq) > uint64(len(all)) || all[seq-1] != m {
			l.t.Fatalf("%q was acknowledged at %d and is not there; the history has %d messages", m, seq, len(all))
		}
	}
	for i := 0; i < len(all); {
		name, size, _ := strings.Cut(all[i], " of ")
		n, err := strconv.Atoi(size)
		if err != nil || i+n > len(all) {
			l.t.Fatalf("message %d is %q, of %d", i+1, all[i], len(all))
		}
		for k := range n {
			if want := strings.TrimSuffix(name, ".0") + fmt.Sprintf(".%d of %d", k, n); all[i+k] != want {
				l.t.Fatalf("message %d is %q, want %q", i+k+1, all[i+k], want)
			}
		}
		i += n
	}
	slices.Sort(all)
	if unique := len(slices.Compact(slices.Clone(all))); unique != len(all) {
		l.t.Fatalf("%d of %d messages are doubled", len(all)-unique, len(all))
	}
}

// The leader of the stream is killed under load, more than once. The writer goes on
// with the next leader, nothing that was acknowledged is lost and nothing is doubled.
func TestLeaderKilledUnderLoad(t *testing.T) {
	t.Parallel() // most of it is waiting for elections
	c := startCluster(t)
	h, err := Open(t.Context(), dial(t, c), onThree)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Configuration(t.Context()); err != nil || got.Replicas != 3 {
		t.Fatalf("the stream has %d replicas, %v", got.Replicas, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	l := &load{t: t, h: h, acked: map[string]events.Seq{}}
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx) })
	for range 3 {
		goOn(t, h, 500)
		leader, err := c.Leader("DAYBOOK")
		if err == nil {
			err = c.Kill(leader)
		}
		if err != nil {
			t.Fatal(err)
		}
		goOn(t, h, 500) // two of three servers suffice
		if err := c.Run(leader); err != nil {
			t.Fatal(err)
		}
	}
	goOn(t, h, 500)
	stop()
	running.Wait()
	if l.stopped != nil {
		t.Errorf("the writer stopped: %v", l.stopped)
	}
	t.Logf("%d messages acknowledged, %d batches refused, the slowest took %v", len(l.acked), l.refused, l.slowest)
	again, err := Open(t.Context(), dial(t, c), onThree)
	if err != nil {
		t.Fatal(err)
	}
	if again.Last() != h.Last() {
		t.Errorf("the history ends at %d, the writer at %d", again.Last(), h.Last())
	}
	l.checkAll(again)
}

// All servers are killed at once and started again. The writer goes on, or says that
// it does not know and is started again, as one would; either way everything that was
// acknowledged is there once.
func TestAllServersKilled(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	h, err := Open(t.Context(), dial(t, c), onThree)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	l := &load{t: t, h: h, acked: map[string]events.Seq{}}
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx) })
	goOn(t, h, 500)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.RunAll(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Leader("DAYBOOK"); err != nil {
		t.Fatal(err)
	}
	stop() // ends after the batch under way
	running.Wait()
	if l.stopped != nil && !errors.Is(l.stopped, ErrUncertain) {
		t.Errorf("the writer stopped: %v", l.stopped)
	}
	t.Logf("%d messages acknowledged, the slowest batch took %v, stopped: %v", len(l.acked), l.slowest, l.stopped)
	again, err := Open(t.Context(), dial(t, c), onThree)
	if err != nil {
		t.Fatal(err)
	}
	l.checkAll(again)
	mustAppend(t, again, 3)
}

// While a majority is away nothing is stored and nobody is told otherwise; the same
// writer goes on when it is back.
func TestMajorityAway(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	hurried := onThree
	hurried.Timeout, hurried.Patience = 500*time.Millisecond, time.Second
	h, err := Open(t.Context(), dial(t, c), onThree)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, h, 10)
	leader, err := c.Leader("DAYBOOK")
	if err != nil {
		t.Fatal(err)
	}
	away := []int{(leader + 1) % 3, (leader + 2) % 3}
	for _, i := range away {
		if err := c.Kill(i); err != nil {
			t.Fatal(err)
		}
	}
	h.cfg = hurried
	_, err = h.Append(t.Context(), numbered(11, 5))
	if !errors.Is(err, ErrUncertain) && !errors.Is(err, ErrNotStored) || h.Last() != 10 {
		t.Fatalf("with one of three servers: %v, acknowledged up to %d", err, h.Last())
	}
	if err := c.RunAll(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), dial(t, c), onThree)
	if err != nil {
		t.Fatal(err)
	}
	if last := again.Last(); last != 10 && last != 15 {
		t.Fatalf("the history ends at %d: a part of a batch is stored", last)
	}
	mustAppend(t, again, 5)
	checkReplay(t, again, 1, again.Last(), 1, again.Last())
}

// goOn waits for n more acknowledged messages.
func goOn(t *testing.T, h *History, n events.Seq) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := h.Wait(ctx, h.Last()+n-1); err != nil {
		t.Fatal(err)
	}
}
