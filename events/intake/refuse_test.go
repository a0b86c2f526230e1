package intake_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// TestRefused has a writer that is told to take nothing for a while. Every way in
// hears why, repeats too; what is wrong with an event is said as always.
func TestRefused(t *testing.T) {
	var closed atomic.Bool
	why := &events.Problem{Status: 503, Code: "checkpoint-overdue", Detail: "later"}
	h := openHatch(t, plan{refuse: func() *events.Problem {
		if closed.Load() {
			return why
		}
		return nil
	}}, false)
	token := h.tokens[events.Emitter]
	nc := h.dial(t, token)
	if a, _ := ask(t, nc, token, accessed("1", "", "")); a.code != 201 {
		t.Fatalf("while open: %s", a.body)
	}
	last := h.history.Last()
	closed.Store(true)
	for _, id := range []string{"1", "2"} {
		a, header := ask(t, nc, token, accessed(id, "", ""))
		if a.code != 503 || header.Get("Retry-After") == "" || a.result.Title != "checkpoint-overdue" || header.Get("Nats-Service-Error") != "checkpoint-overdue" {
			t.Errorf("over NATS: %v %s", header, a.body)
		}
	}
	var p *events.Problem
	if _, err := h.writer.Say(t.Context(), onboarded("1")); !errors.As(err, &p) || p != why {
		t.Errorf("the ledger itself: %v", err)
	}
	if a, _ := ask(t, nc, token, strings.Replace(accessed("3", "", ""), "Consult", "Consulted", 1)); a.code != 422 {
		t.Errorf("a malformed event: %s", a.body)
	}
	if h.history.Last() != last || h.writer.Queued() != 0 {
		t.Errorf("%d messages and %d waiting instead of %d and none", h.history.Last(), h.writer.Queued(), last)
	}
	closed.Store(false)
	if a, _ := ask(t, nc, token, accessed("2", "", "")); a.code != 201 {
		t.Errorf("when open again: %s", a.body)
	}
}

// TestQueued counts what waits for a writer that does not run.
func TestQueued(t *testing.T) {
	d := openDoor(t, plan{idle: true}, false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.post(t, d.tokens[events.Emitter], "/v1/events", typeBatch, "["+accessed("1", "", "")+","+accessed("2", "", "")+"]")
	}()
	for d.writer.Queued() != 2 {
		time.Sleep(time.Millisecond)
	}
	d.stopIdle(t)
	<-done
	if n := d.writer.Queued(); n != 0 {
		t.Errorf("%d wait for a writer that has stopped", n)
	}
}
