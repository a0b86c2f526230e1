package intake_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/stream"
)

// once is nil after its first call.
func once(err error) func() error {
	return func() error {
		e := err
		err = nil
		return e
	}
}

// TestNotStored lets the history refuse one batch before storing it: nothing is
// acknowledged, and the same events get the same tags later.
func TestNotStored(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{tap: x})
	h.submit(t, accessed("0", "plate", "ABC"))
	list := []string{accessed("1", "plate", "ABC"), accessed("2", "plate", "NEW"), accessed("2", "plate", "NEW"), accessed("2", "", ""), registered("r"), accessed("0", "plate", "ABC")}
	x.set(once(fmt.Errorf("the disk is away: %w", events.ErrNotStored)), nil)
	last := h.history.Last()
	got := h.submit(t, list...)
	if statuses(got) != "503 503 503 503 503 200" || h.history.Last() != last {
		t.Fatalf("%s, %d messages after %d", statuses(got), h.history.Last(), last)
	}
	minted := h.person(t, "plate", "NEW").Commitment()
	got = h.submit(t, list...)
	if statuses(got) != "201 201 200 409 201 200" {
		t.Fatal(statuses(got))
	}
	if h.person(t, "plate", "NEW").Commitment() != minted {
		t.Error("a pending key was replaced")
	}
	if counts := h.walk(t); counts[h.person(t, "plate", "ABC").Handle()] != 2 || counts[h.person(t, "plate", "NEW").Handle()] != 1 {
		t.Errorf("counts %v", counts)
	}
	select {
	case err := <-h.ended:
		t.Errorf("the writer stopped: %v", err)
	default:
	}
}

// TestUncertain loses the answer to a batch that is stored: the writer stops,
// and the next one finds the events where they are.
func TestUncertain(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{tap: x})
	h.submit(t, accessed("0", "plate", "ABC"))
	x.set(nil, once(errors.New("the line is cut")))
	list := []string{accessed("1", "plate", "ABC"), accessed("2", "plate", "NEW")}
	got := h.submit(t, list...)
	if statuses(got) != "503 503" {
		t.Fatal(statuses(got))
	}
	if err := <-h.ended; err == nil {
		t.Error("the writer ended without an error")
	}
	if _, err := h.writer.Submit(t.Context(), submitted(t, list...)); !errors.Is(err, intake.ErrStopped) {
		t.Errorf("after it stopped: %v", err)
	}
	last := h.history.Last()
	h = h.reopen(t, plan{})
	again := h.submit(t, list...)
	if statuses(again) != "200 200" || h.history.Last() != last {
		t.Errorf("again: %s", statuses(again))
	}
	h.submit(t, accessed("3", "plate", "ABC"), accessed("4", "plate", "NEW"))
	if counts := h.walk(t); counts[h.person(t, "plate", "ABC").Handle()] != 3 || counts[h.person(t, "plate", "NEW").Handle()] != 2 {
		t.Errorf("counts %v", counts)
	}
}

// TestStaleWriter lets somebody else append to the stream.
func TestStaleWriter(t *testing.T) {
	h := openHouse(t, plan{})
	h.submit(t, accessed("0", "plate", "ABC"))
	other := must[*stream.History](t)(stream.Open(t.Context(), h.nc, stream.Config{}))
	stolen := must[[]byte](t)(h.history.Read(t.Context(), 2))
	must[events.Seq](t)(other.Append(t.Context(), [][]byte{stolen}))
	got := h.submit(t, accessed("1", "plate", "ABC"))
	if statuses(got) != "503" {
		t.Fatal(statuses(got))
	}
	if err := <-h.ended; !errors.Is(err, stream.ErrStaleWriter) {
		t.Errorf("the writer ended with %v", err)
	}
	if _, err := h.writer.Submit(t.Context(), submitted(t, accessed("2", "", ""))); !errors.Is(err, intake.ErrStopped) {
		t.Errorf("after it stopped: %v", err)
	}
	if now := must[*stream.History](t)(stream.Open(t.Context(), h.nc, stream.Config{})); now.Last() != other.Last() {
		t.Errorf("%d messages, want %d", now.Last(), other.Last())
	}
}

func TestQueueFull(t *testing.T) {
	h := openHouse(t, plan{idle: true, maxQueue: 3})
	var senders sync.WaitGroup
	list := submitted(t, accessed("1", "", ""), accessed("2", "", ""))
	senders.Go(func() { _, _ = h.writer.Submit(t.Context(), list) })
	for { // until the two wait
		_, err := h.writer.Submit(t.Context(), submitted(t, accessed("3", "", ""), accessed("4", "", ""), accessed("5", "", ""), accessed("6", "", "")))
		if !errors.Is(err, intake.ErrQueueFull) {
			t.Fatalf("four into a queue of three: %v", err)
		}
		if h.queued(t) {
			break
		}
	}
	h.idle = false
	h.stopIdle(t)
	senders.Wait()
}

// queued says that two more events do not fit, trying with a context that has
// ended, so that nothing waits.
func (h *house) queued(t *testing.T) bool {
	t.Helper()
	time.Sleep(time.Millisecond)
	ctx, cancel := contextThatEnded()
	defer cancel()
	_, err := h.writer.Submit(ctx, submitted(t, accessed("7", "", ""), accessed("8", "", "")))
	return errors.Is(err, intake.ErrQueueFull)
}

// stopIdle runs a writer that never ran with a context that has ended: what
// waits is answered.
func (h *house) stopIdle(t *testing.T) {
	t.Helper()
	ctx, cancel := contextThatEnded()
	defer cancel()
	if err := h.writer.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestStopping holds that whatever waits when the writer stops is answered.
func TestStopping(t *testing.T) {
	h := openHouse(t, plan{idle: true})
	var senders sync.WaitGroup
	outcomes := make([]string, 50)
	for i := range outcomes {
		list := submitted(t, accessed(fmt.Sprint(i), "", ""))
		senders.Go(func() {
			got, err := h.writer.Submit(t.Context(), list)
			outcomes[i] = fmt.Sprint(statuses(got), err)
		})
	}
	h.stopIdle(t)
	senders.Wait()
	for _, o := range outcomes {
		if o != "201<nil>" && o != "503<nil>" && o != fmt.Sprint("", intake.ErrStopped) {
			t.Errorf("answered %s", o)
		}
	}
}
