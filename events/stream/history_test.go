package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
)

func TestMain(m *testing.M) {
	runNode()
	goleak.VerifyTestMain(m)
}

// connect starts a server on dir and returns a connection to it.
func connect(t testing.TB, dir string) (*broker.Broker, *nats.Conn) {
	t.Helper()
	b, err := broker.Open(broker.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	return b, nc
}

func open(t testing.TB, nc *nats.Conn) *History {
	t.Helper()
	h, err := Open(t.Context(), nc, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// numbered is n messages that say which they are, counted from first.
func numbered(first, n int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		msgs[i] = fmt.Appendf(nil, "message %d", first+i)
	}
	return msgs
}

func mustAppend(t testing.TB, h *History, n int) {
	t.Helper()
	want := h.Last() + 1
	got, err := h.Append(t.Context(), numbered(int(want), n))
	if err != nil {
		t.Fatal(err)
	}
	if got != want || h.Last() != want+events.Seq(n)-1 {
		t.Fatalf("appended %d messages from %d to %d, want from %d", n, got, h.Last(), want)
	}
}

// checkReplay replays from..to and demands exactly first..last.
func checkReplay(t testing.TB, h *History, from, to, first, last events.Seq) {
	t.Helper()
	next := first
	for m, err := range h.Replay(t.Context(), from, to) {
		if err != nil {
			t.Fatalf("Replay(%d, %d): %v", from, to, err)
		}
		if want := fmt.Appendf(nil, "message %d", next); m.Seq != next || !bytes.Equal(m.Data, want) {
			t.Fatalf("Replay(%d, %d) yielded %d %q, want %d %q", from, to, m.Seq, m.Data, next, want)
		}
		next++
	}
	if next != last+1 {
		t.Fatalf("Replay(%d, %d) ended at %d, want %d", from, to, next-1, last)
	}
}

func TestAppendReplay(t *testing.T) {
	dir := t.TempDir()
	b, nc := connect(t, dir)
	h := open(t, nc)
	if h.Last() != 0 {
		t.Fatalf("an empty history ends at %d", h.Last())
	}
	checkReplay(t, h, 0, 100, 1, 0)
	for _, n := range []int{1, 2, 999, 1000, 1} {
		mustAppend(t, h, n)
	}
	const last = 2003
	check := func(h *History) {
		t.Helper()
		if h.Last() != last {
			t.Fatalf("the history ends at %d, want %d", h.Last(), last)
		}
		for _, r := range [][4]events.Seq{
			{0, last, 1, last},
			{1, ^events.Seq(0), 1, last},
			{1, 1, 1, 1},
			{2, 1001, 2, 1001},
			{1003, 2002, 1003, 2002},
			{last, last, last, last},
			{last + 1, last + 9, last + 1, last},
			{5, 4, 5, 4},
		} {
			checkReplay(t, h, r[0], r[1], r[2], r[3])
		}
	}
	check(h)

	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, nc = connect(t, dir)
	h = open(t, nc)
	check(h)
	mustAppend(t, h, 3)
	checkReplay(t, h, last, last+3, last, last+3)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAppendRefusesBadBatches(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	if _, err := h.Append(t.Context(), nil); err == nil {
		t.Error("an empty batch was accepted")
	}
	if _, err := h.Append(t.Context(), numbered(1, MaxBatch+1)); !errors.Is(err, ErrBatchTooLarge) {
		t.Errorf("a batch of %d: %v", MaxBatch+1, err)
	}
	big := make([]byte, nc.MaxPayload())
	if _, err := h.Append(t.Context(), [][]byte{{1}, big}); !errors.Is(err, ErrMessageTooLarge) {
		t.Errorf("a message of %d bytes: %v", len(big), err)
	}
	// The largest that is let through must be one the server takes.
	msg := big[:nc.MaxPayload()-headerRoom]
	if _, err := h.Append(t.Context(), [][]byte{msg}); err != nil {
		t.Errorf("a message of %d bytes: %v", len(msg), err)
	}
	if got, err := h.Read(t.Context(), 1); err != nil || len(got) != len(msg) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// A replay in requests cut by their byte limit still yields every message.
func TestReplayLargeMessages(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	const n = 20
	msgs := make([][]byte, n)
	for i := range msgs {
		msgs[i] = bytes.Repeat([]byte{byte(i)}, replayBytes/8)
	}
	if _, err := h.Append(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for m, err := range h.Replay(t.Context(), 1, n) {
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Data, msgs[seen]) {
			t.Fatalf("message %d differs", m.Seq)
		}
		seen++
	}
	if seen != n {
		t.Fatalf("replayed %d of %d", seen, n)
	}
}

func TestReplayStops(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	mustAppend(t, h, 1000)
	mustAppend(t, h, 1000)
	before := nc.NumSubscriptions()
	for m, err := range h.Replay(t.Context(), 1, 2000) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Seq == 10 {
			break
		}
	}
	if n := nc.NumSubscriptions(); n != before {
		t.Errorf("%d subscriptions are left", n-before)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for m, err := range h.Replay(ctx, 1, 2000) {
		if last = err; m.Seq == 10 {
			cancel()
		}
		if m.Seq > 10 {
			t.Fatalf("a cancelled replay yielded message %d", m.Seq)
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("a cancelled replay ended with %v", last)
	}
}

func TestRead(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	mustAppend(t, h, 3)
	for seq := events.Seq(1); seq <= 3; seq++ {
		got, err := h.Read(t.Context(), seq)
		if want := fmt.Sprintf("message %d", seq); err != nil || string(got) != want {
			t.Errorf("Read(%d) = %q, %v", seq, got, err)
		}
	}
	for _, seq := range []events.Seq{0, 4} {
		if _, err := h.Read(t.Context(), seq); err == nil {
			t.Errorf("Read(%d) succeeded", seq)
		}
	}
}

// What another writer stores is not visible here before it is known here.
func TestReadersStopAtTheAcknowledged(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h, other := open(t, nc), open(t, nc)
	mustAppend(t, other, 5)
	checkReplay(t, h, 1, 5, 1, 0)
	if _, err := h.Read(t.Context(), 1); err == nil {
		t.Error("read a message that was not acknowledged to this writer")
	}
}

func TestWait(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	got := make(chan events.Seq)
	for range 3 {
		go func() {
			last, err := h.Wait(t.Context(), 1)
			if err != nil {
				t.Error(err)
			}
			got <- last
		}()
	}
	mustAppend(t, h, 1)
	select {
	case last := <-got:
		t.Fatalf("Wait(1) returned %d", last)
	case <-time.After(20 * time.Millisecond):
	}
	mustAppend(t, h, 2)
	for range 3 {
		if last := <-got; last != 3 {
			t.Errorf("Wait(1) returned %d, want 3", last)
		}
	}
	if last, err := h.Wait(t.Context(), 0); last != 3 || err != nil {
		t.Errorf("Wait(0) = %d, %v", last, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Wait(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait(3) ended with %v", err)
	}
}
