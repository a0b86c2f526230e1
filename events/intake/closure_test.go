package intake_test

import (
	"errors"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

var auditor = intake.Reader{Grant: intake.Grant{Role: events.Auditor}, Name: "fedcba9876543210"}

// closure asks a desk for one, and holds it against the entries of the history.
func (h *house) closure(t *testing.T, d *intake.Desk) (proof.Closed, []proof.ClosureLine) {
	t.Helper()
	size := h.history.Last().Size()
	c := proof.NewClosure(size)
	var lines []proof.ClosureLine
	begun := false
	err := d.Closure(t.Context(), auditor, intake.Closing{Organization: "city", Size: size}, func(at events.Index) error {
		begun = true
		if _, e := h.message(t, at); e.Kind.Name != "ledger.read" || at != events.Index(size) {
			t.Errorf("entry %d is %s", at, e.Kind.Name)
		}
		return nil
	}, func(l proof.ClosureLine) error {
		if !begun {
			t.Error("told before it is recorded")
		}
		c.Take(l)
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range events.Index(size) {
		_, e := h.message(t, i)
		c.See(i, e)
	}
	return c.Finish(), lines
}

// TestClosure is over a person with two generations, a seal, an erasure, and the
// erased person again.
func TestClosure(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	d := h.counter()
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"), accessed("2", "plate", "XYZ 9"))
	must[intake.Issued](t)(d.RotateTrail(t.Context(), officer, anna2))
	h.sealOver(t, "city", "seal 1")
	h.submit(t, accessed("3", "plate", "ABC 123"), accessed("4", "plate", "XYZ 9"))
	gone := events.Person{Scheme: "plate", Value: "XYZ 9"}
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, gone, "erasure", recorded))
	must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
	h.submit(t, accessed("5", "plate", "XYZ 9"))
	got, lines := h.closure(t, d)
	if len(got.Faults) > 0 || got.Trails != 4 || got.Hidden != 1 || got.Lifted != 0 || got.Ended != 1 || got.Turned != 1 || got.Unused != 0 {
		t.Errorf("%+v", got)
	}
	again, other := h.closure(t, d)
	if len(again.Faults) > 0 || again.Tags != got.Tags {
		t.Errorf("again: %+v", again)
	}
	for i, l := range lines {
		for _, e := range l.Enrols {
			for _, o := range other[i].Enrols {
				if e.Trail == o.Trail {
					t.Error("a trail has one name in two closures")
				}
			}
		}
	}
}

// TestClosureOfASealOverWhoCameBack is honest: her hidden trail begins in the
// generation she has since she was erased.
func TestClosureOfASealOverWhoCameBack(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	d := h.counter()
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
	h.submit(t, accessed("2", "plate", "ABC 123"))
	h.sealOver(t, "city", "seal 1")
	h.submit(t, accessed("3", "plate", "ABC 123"))
	got, _ := h.closure(t, d)
	if len(got.Faults) > 0 || got.Trails != 3 || got.Hidden != 1 || got.Ended != 1 {
		t.Errorf("%+v", got)
	}
}

func TestClosureIsForAuditorsOfAll(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	at := h.submit(t, accessed("1", "plate", "ABC 123"))[0].Position
	d := h.counter()
	last := h.history.Last()
	for _, by := range []intake.Reader{officer, {Grant: intake.Grant{Role: events.Auditor, Organization: "city"}}, {Grant: intake.Grant{Role: events.Admin}}, {}} {
		q := intake.Closing{Organization: "city", Size: 1}
		err := d.Closure(t.Context(), by, q, func(events.Index) error { t.Error("begun"); return nil }, nil)
		_, announced := d.Announce(t.Context(), by, q, 3)
		_, opened := d.Leaf(t.Context(), by, at)
		for _, err := range []error{err, announced, opened} {
			if !errors.Is(err, intake.ErrMayNotRead) {
				t.Errorf("%+v: %v", by.Grant, err)
			}
		}
	}
	for _, size := range []events.Size{0, last.Size() + 1} {
		err := d.Closure(t.Context(), auditor, intake.Closing{Organization: "city", Size: size}, func(events.Index) error { t.Error("begun"); return nil }, nil)
		if refusal(t, err) != "malformed" {
			t.Errorf("over %d entries: %v", size, err)
		}
	}
	if h.history.Last() != last {
		t.Error("a refusal is recorded as a reading")
	}
}

// TestClosureFindsAnotherKey holds that a history whose keys are others' is not closed.
func TestClosureFindsAnotherKey(t *testing.T) {
	h, strangers := openHouse(t, plan{now: recorded}), openHouse(t, plan{now: recorded})
	h.submit(t, accessed("1", "plate", "ABC 123"))
	strangers.submit(t, accessed("1", "plate", "ABC 123"))
	d := h.counter()
	d.Keys = impostor{h.ring, must[intake.Subject](t)(strangers.ring.Find(anna2))}
	err := d.Closure(t.Context(), auditor, intake.Closing{Organization: "city", Size: h.history.Last().Size()},
		func(events.Index) error { return nil }, func(proof.ClosureLine) error { return nil })
	if !errors.Is(err, intake.ErrNotClosed) {
		t.Error(err)
	}
}

// impostor finds the same keys whoever is asked for.
type impostor struct {
	keys
	who intake.Subject
}

func (i impostor) ByHandle(events.Handle) (intake.Subject, error) { return i.who, nil }

// TestLeaf opens every entry with tags: to an auditor each tag has its key, or the
// entry that destroyed it.
func TestLeaf(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	d := h.counter()
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"), accessed("2", "plate", "XYZ 9"))
	must[intake.Issued](t)(d.RotateTrail(t.Context(), officer, anna2))
	gone := events.Person{Scheme: "plate", Value: "XYZ 9"}
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, gone, "erasure", recorded))
	erased := must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
	keys, ends := 0, 0
	for i := range events.Index(h.history.Last()) {
		_, e := h.message(t, i)
		tags := e.Texts("subjects.tags")
		if len(tags) == 0 {
			continue
		}
		leaf := must[intake.Leaf](t)(d.Leaf(t.Context(), auditor, i))
		if len(leaf.Tags) != len(tags) || leaf.Reading != h.history.Last().Index() {
			t.Fatalf("entry %d has %d tags, %d opened; read at %d", i, len(tags), len(leaf.Tags), leaf.Reading)
		}
		for n, tag := range leaf.Tags {
			switch {
			case tag.Key != nil && events.Tag(proof.TagOf(*tag.Key)).String() == tags[n] && tag.Shredded == nil:
				keys++
			case tag.Key == nil && tag.Shredded != nil && *tag.Shredded == erased.Erased.Shredded.Position:
				ends++
			default:
				t.Errorf("entry %d: tag %d has %+v", i, n, tag)
			}
		}
		if (leaf.Sealed == "") != (leaf.Tags[0].Key != nil) {
			t.Errorf("entry %d: sealed %q", i, leaf.Sealed)
		}
	}
	if keys != 3 || ends != 5 {
		t.Errorf("%d keys and %d ends", keys, ends)
	}
}
