package stream

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/events"
)

// storedMessages is how many messages the server has.
func storedMessages(t testing.TB, h *History) events.Seq {
	t.Helper()
	info, err := h.ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return events.Seq(info.State.LastSeq)
}

func TestStaleWriter(t *testing.T) {
	for _, n := range []int{1, 2, 1000} {
		_, nc := connect(t, t.TempDir())
		h, stale := open(t, nc), open(t, nc)
		mustAppend(t, h, 2)
		for range 2 {
			if _, err := stale.Append(t.Context(), numbered(1, n)); !errors.Is(err, ErrStaleWriter) {
				t.Fatalf("batch of %d: %v, want ErrStaleWriter", n, err)
			}
			if got := storedMessages(t, h); got != 2 {
				t.Fatalf("batch of %d: the stream holds %d messages, want 2", n, got)
			}
		}
		if stale.Last() != 0 {
			t.Errorf("the stale writer claims %d messages", stale.Last())
		}
		mustAppend(t, h, 1)
		checkReplay(t, h, 1, 3, 1, 3)
	}
}

func TestConcurrentAppends(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := h.Append(t.Context(), [][]byte{{1}, {2}, {3}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := storedMessages(t, h); got != 120 || h.Last() != got {
		t.Fatalf("%d messages stored, %d acknowledged, want 120", got, h.Last())
	}
	for m, err := range h.Replay(t.Context(), 1, 120) {
		if want := byte(m.Seq-1)%3 + 1; err != nil || m.Data[0] != want {
			t.Fatalf("message %d is %v, want %d; %v", m.Seq, m.Data, want, err)
		}
	}
}

// isCommit tells the last message of a batch from the other requests.
func isCommit(m *nats.Msg) bool { return m.Header.Get(headerCommit) != "" }

// loseAck lets the commit through and loses what the server answers.
func loseAck(h *History) {
	request := h.request
	h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		reply, err := request(ctx, m)
		if isCommit(m) && err == nil {
			return nil, nats.ErrTimeout
		}
		return reply, err
	}
}

// loseCommit drops the commit on its way to the server.
func loseCommit(h *History) {
	request := h.request
	h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		if isCommit(m) {
			return nil, nats.ErrTimeout
		}
		return request(ctx, m)
	}
}

func TestMissingAckStored(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	loseAck(h)
	for _, n := range []int{1, 2, 1000} {
		mustAppend(t, h, n)
	}
	checkReplay(t, h, 1, 1003, 1, 1003)
}

func TestMissingAckNotStored(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	mustAppend(t, h, 1)
	request := h.request
	for _, n := range []int{1, 2, 999, 1000} {
		loseCommit(h)
		if _, err := h.Append(t.Context(), numbered(2, n)); !errors.Is(err, ErrNotStored) {
			t.Fatalf("batch of %d: %v, want ErrNotStored", n, err)
		}
		h.request = request
		if got := storedMessages(t, h); got != 1 || h.Last() != 1 {
			t.Fatalf("batch of %d: the stream holds %d, the writer knows %d, want 1", n, got, h.Last())
		}
	}
	mustAppend(t, h, 1000)
	checkReplay(t, h, 1, 1001, 1, 1001)
}

// After the fence a commit that arrives late finds no batch to commit.
func TestFenceAbandonsTheBatch(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	var late *nats.Msg
	request := h.request
	h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		if isCommit(m) {
			late = m
			return nil, nats.ErrTimeout
		}
		return request(ctx, m)
	}
	if _, err := h.Append(t.Context(), numbered(1, 3)); !errors.Is(err, ErrNotStored) {
		t.Fatal(err)
	}
	reply, err := request(t.Context(), late)
	if err != nil || !strings.Contains(string(reply.Data), "incomplete") {
		t.Fatalf("the late commit was answered %s, %v", reply.Data, err)
	}
	if got := storedMessages(t, h); got != 0 {
		t.Fatalf("the late commit stored %d messages", got)
	}
}

func TestMissingAckOtherWriter(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h, other := open(t, nc), open(t, nc)
	mustAppend(t, other, 1)
	loseAck(h)
	for range 2 {
		if _, err := h.Append(t.Context(), numbered(1, 2)); !errors.Is(err, ErrStaleWriter) {
			t.Fatalf("%v, want ErrStaleWriter", err)
		}
	}
	if got := storedMessages(t, h); got != 1 {
		t.Fatalf("the stream holds %d messages, want 1", got)
	}
}

// A foreign message without a batch counts as another writer, too.
func TestMissingAckForeignMessage(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	if _, err := nc.Request(h.cfg.Subject, []byte("foreign"), time.Second); err != nil {
		t.Fatal(err)
	}
	loseCommit(h)
	if _, err := h.Append(t.Context(), numbered(1, 2)); !errors.Is(err, ErrStaleWriter) {
		t.Fatalf("%v, want ErrStaleWriter", err)
	}
}

func TestMissingAckUncertain(t *testing.T) {
	sick := errors.New("the disk is on fire")
	for name, spoil := range map[string]func(h *History){
		"no answer at all": func(h *History) {
			h.request = func(context.Context, *nats.Msg) (*nats.Msg, error) { return nil, nats.ErrTimeout }
		},
		"stored by a sick server": func(h *History) {
			loseAck(h)
			h.cfg.Healthy = func() error { return sick }
		},
		"absent on one of several replicas": func(h *History) {
			loseCommit(h)
			h.cfg.Replicas = 3
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, nc := connect(t, t.TempDir())
			h := open(t, nc)
			request := h.request
			h.cfg.Timeout, h.cfg.Patience = 200*time.Millisecond, 300*time.Millisecond
			spoil(h)
			if _, err := h.Append(t.Context(), numbered(1, 2)); !errors.Is(err, ErrUncertain) {
				t.Fatalf("%v, want ErrUncertain", err)
			}
			h.request, h.cfg.Healthy = request, nil
			if _, err := h.Append(t.Context(), numbered(1, 2)); !errors.Is(err, ErrUncertain) {
				t.Fatalf("then %v, want ErrUncertain again", err)
			}
			if h.Last() != 0 {
				t.Errorf("%d messages count as acknowledged", h.Last())
			}
		})
	}
}

// A connection made anew in between voids the proof of absence, and so do several
// replicas: the batch is sent again, until one of the two is judged.
func TestMissingAckSentAgain(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, h *History){
		"after a reconnect": func(t *testing.T, h *History) {
			if err := h.nc.ForceReconnect(); err != nil {
				t.Error(err)
			}
		},
		"several replicas": func(_ *testing.T, h *History) { h.cfg.Replicas = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			_, nc := connect(t, t.TempDir())
			h := open(t, nc)
			mustAppend(t, h, 1)
			request := h.request
			lost := 0
			h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
				if isCommit(m) && lost < 2 {
					lost++
					spoil(t, h)
					return nil, nats.ErrTimeout
				}
				return request(ctx, m)
			}
			mustAppend(t, h, 3)
			mustAppend(t, h, 1)
			checkReplay(t, h, 1, 5, 1, 5)
			if got := storedMessages(t, h); lost != 2 || got != 5 {
				t.Fatalf("after %d lost commits the stream holds %d messages, want 5", lost, got)
			}
		})
	}
}

// A batch that was sent again may be stored by the first sending all the same: the
// second is refused then, and the first is found.
func TestMissingAckBothSendingsArrive(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	h.cfg.Replicas = 3
	request := h.request
	var late *nats.Msg
	h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		switch {
		case !isCommit(m):
		case late == nil:
			late = m
			return nil, nats.ErrTimeout
		default: // the first commit arrives just before the second
			if _, err := request(ctx, late); err != nil {
				t.Error(err)
			}
		}
		return request(ctx, m)
	}
	mustAppend(t, h, 3)
	checkReplay(t, h, 1, 3, 1, 3)
	if got := storedMessages(t, h); got != 3 {
		t.Fatalf("the stream holds %d messages, want 3", got)
	}
}

// A caller in a hurry still learns the truth.
func TestShortContext(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	ctx, cancel := context.WithCancel(t.Context())
	request := h.request
	h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		if isCommit(m) {
			if err := nc.PublishMsg(m); err != nil {
				t.Error(err)
			}
			cancel()
		}
		return request(ctx, m)
	}
	if first, err := h.Append(ctx, numbered(1, 500)); first != 1 || err != nil {
		t.Fatalf("Append = %d, %v", first, err)
	}
	h.request = request
	if _, err := h.Append(ctx, numbered(501, 1)); !errors.Is(err, ErrNotStored) || !errors.Is(err, context.Canceled) {
		t.Fatalf("Append with an ended context: %v", err)
	}
	mustAppend(t, h, 1)
	checkReplay(t, h, 1, 501, 1, 501)
}

func TestContradictingAck(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	request := h.request
	h.request = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		reply, err := request(ctx, m)
		if err == nil {
			reply.Data = []byte(strings.Replace(string(reply.Data), `"seq":2`, `"seq":3`, 1))
		}
		return reply, err
	}
	for range 2 {
		if _, err := h.Append(t.Context(), numbered(1, 2)); err == nil || errors.Is(err, ErrNotStored) {
			t.Fatalf("an acknowledgement of another sequence: %v", err)
		}
	}
	if h.Last() != 0 {
		t.Errorf("%d messages count as acknowledged", h.Last())
	}
}
