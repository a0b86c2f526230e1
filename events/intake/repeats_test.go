package intake_test

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func same(a, b intake.Outcome) bool {
	return a.Position == b.Position && a.Hash == b.Hash && a.Name == b.Name
}

func TestRepeats(t *testing.T) {
	h := openHouse(t, plan{})
	first := h.submit(t, accessed("1", "", ""), accessed("2", "plate", "ABC 123"))
	if statuses(first) != "201 201" {
		t.Fatal(statuses(first))
	}
	// Spelled otherwise it is the same event: spaces, order of members, time.
	respelled := `{"data":{"subjects":{"mode":"none"},"dataset":"city/people","outcome":"succ\u0065ss","operation":"Consult","system":"city/app"},
		"time":"2026-06-25T00:30:00.000+03:00","type":"org.daybook.data.accessed.v1", "source":"city/app", "id":"1","specversion":"1.0"}`
	check := func(h *house) {
		t.Helper()
		last := h.history.Last()
		got := h.submit(t, accessed("1", "", ""), accessed("2", "plate", "ABC 123"), respelled)
		if statuses(got) != "200 200 200" || !same(got[0], first[0]) || !same(got[1], first[1]) || !same(got[2], first[0]) {
			t.Errorf("repeats: %+v, want the values of %+v", got, first)
		}
		other := h.submit(t, accessed("1", "plate", "ABC 123"), // was about nobody
			accessed("2", "", ""),           // was about her
			accessed("2", "plate", "NEW 1"), // was about another, and this one is nobody's yet
			saidAt("2026-06-24T21:30:01Z", "data.accessed", "1", `{"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/people","subjects":{"mode":"none"}}`))
		if statuses(other) != "409 409 409 409" || other[0].Problem.Pointer != "/id" {
			t.Errorf("other content under a known id: %s", statuses(other))
		}
		if h.history.Last() != last {
			t.Errorf("%d messages were added", h.history.Last()-last)
		}
	}
	check(h)
	check(h.reopen(t, plan{}))
}

func TestRepeatsInOneRequest(t *testing.T) {
	h := openHouse(t, plan{})
	got := h.submit(t, accessed("1", "example", "anna"), accessed("1", "example", "anna"), accessed("1", "", ""),
		accessed("1", "example", "anna"), accessed("2", "", ""))
	if statuses(got) != "201 200 409 200 201" || !same(got[0], got[1]) || !same(got[0], got[3]) {
		t.Errorf("%+v", got)
	}
	// entry 0, one enrolment, two events
	if h.history.Last() != 4 {
		t.Errorf("%d messages", h.history.Last())
	}
}

// TestRivalOfARefusedEvent holds that an event is in conflict with what is
// stored and with nothing else.
func TestRivalOfARefusedEvent(t *testing.T) {
	h := openHouse(t, plan{})
	long := make([]byte, 2000)
	for i := range long {
		long[i] = '"' // two bytes in the entry
	}
	text := string(long)
	tooLong := func(s string) string {
		return said("system.registered", "1", `{"system":"city/app","kind":"application","name":`+s+`,"description":`+s+`,"hostAsset":`+s+`,"place":{"address":`+s+`}}`)
	}
	quoted := string(events.String(text).Append(nil))
	got := h.submit(t, tooLong(quoted), tooLong(quoted), accessed("1", "", ""))
	if statuses(got) != "422 422 503" || got[0].Problem.Code != "entry-too-large" {
		t.Fatalf("%s: %v", statuses(got), got[0].Problem)
	}
	if got := h.submit(t, accessed("1", "", "")); statuses(got) != "201" {
		t.Errorf("again: %s", statuses(got))
	}
}

func TestRepeatsInFlight(t *testing.T) {
	x := &tap{}
	entered, release := make(chan struct{}), make(chan struct{})
	x.before = func() error {
		entered <- struct{}{}
		<-release
		return nil
	}
	h := openHouse(t, plan{tap: x})
	outcomes := make([][]intake.Outcome, 4)
	var senders sync.WaitGroup
	send := func(i int, list ...string) {
		list2 := submitted(t, list...)
		senders.Go(func() { outcomes[i], _ = h.writer.Submit(t.Context(), list2) })
	}
	send(0, accessed("1", "example", "anna"))
	<-entered // the first is with the history
	x.set(nil, nil)
	send(1, accessed("1", "example", "anna"))
	send(2, accessed("1", "example", "bert"))
	send(3, accessed("2", "example", "anna"))
	release <- struct{}{}
	senders.Wait()
	for i, want := range []string{"201", "200", "409", "201"} {
		if statuses(outcomes[i]) != want {
			t.Errorf("sender %d: %s, want %s", i, statuses(outcomes[i]), want)
		}
	}
	if !same(outcomes[0][0], outcomes[1][0]) {
		t.Errorf("%+v and %+v", outcomes[0], outcomes[1])
	}
}

// TestOneAnswerHoweverSplit holds that a repeat has the same answer
// in one request and in two.
func TestOneAnswerHoweverSplit(t *testing.T) {
	h := openHouse(t, plan{})
	list := submitted(t, accessed("1", "", ""), accessed("1", "", ""), accessed("2", "", ""), accessed("2", "", ""))
	list[1].Organization, list[3].Organization = "county", "county"
	together := must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), list[:2]))
	one := must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), list[2:3]))
	two := must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), list[3:]))
	if a, b := statuses(together), statuses(append(one, two...)); a != b {
		t.Errorf("together %s, one by one %s", a, b)
	}
}
