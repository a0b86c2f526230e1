package intake_test

import (
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

func onboarded(id string) intake.Own {
	return intake.Own{
		Kind: "emitter.onboarded", ID: id, Organization: "city", Time: recorded,
		Data: events.Object{{Name: "emitter", Value: events.String("city/app")}},
	}
}

// TestSay holds what the ledger says itself to the rules of every event: it is
// one entry, and saying it again adds nothing.
func TestSay(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	first := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), onboarded("1"), onboarded("2")))
	again := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), onboarded("1")))
	if statuses(first) != "201 201" || statuses(again) != "200" || again[0].Position != first[0].Position {
		t.Fatalf("said %s, then %s", statuses(first), statuses(again))
	}
	_, e := h.message(t, first[0].Position)
	if e.Kind.Name != "emitter.onboarded" || e.Text("source") != intake.LedgerSource || e.Text("emitter") != "city/app" {
		t.Errorf("the entry is %s", e.Append(nil))
	}
	h.walk(t)
}

// TestSayOfTheWholeLedger says what no organization is named in: it has a fold
// header and nothing else sealed, and the writer goes on.
func TestSayOfTheWholeLedger(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	rotated := intake.Own{Kind: "key.rotated", ID: "1", Time: recorded, Data: events.Object{{Name: "what", Value: events.String("master")}}}
	out := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), rotated, onboarded("2")))
	if statuses(out) != "201 201" {
		t.Fatalf("said %s", statuses(out))
	}
	m, e := h.message(t, out[0].Position)
	if _, named := e.Value("organization"); named || len(m.Boxes) != 1 || m.Boxes[0].Kind != events.BoxFold {
		t.Errorf("the entry is %s with %d boxes", e.Append(nil), len(m.Boxes))
	}
	h.walk(t)
}

// TestSayIsForTheLedger holds that it says its own kinds and no others, and
// nothing that is not well formed.
func TestSayIsForTheLedger(t *testing.T) {
	h := openHouse(t, plan{})
	last := h.history.Last()
	for name, change := range map[string]func(*intake.Own){
		"does not say this kind": func(o *intake.Own) {
			o.Kind, o.Data = "data.anonymized", events.Object{
				{Name: "dataset", Value: events.String("d")},
				{Name: "subjects", Value: events.Nested(events.Object{{Name: "mode", Value: events.String("none")}})},
				{Name: "technique", Value: events.String("noise")},
			}
		},
		"unknown-kind":    func(o *intake.Own) { o.Kind = "emitter.promoted" },
		"missing-field":   func(o *intake.Own) { o.Data = nil },
		"no organization": func(o *intake.Own) { o.Organization = "The City" },
		"/id":             func(o *intake.Own) { o.ID = "" },
	} {
		own := onboarded("1")
		change(&own)
		if _, err := h.writer.Say(t.Context(), onboarded("0"), own); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kind := range []string{"ledger.opened", "subject.enrolled"} { // written past the doors
		if _, err := h.writer.Say(t.Context(), intake.Own{Kind: kind, ID: "1", Organization: "city", Time: recorded}); err == nil {
			t.Errorf("%s may be said", kind)
		}
	}
	if h.history.Last() != last {
		t.Errorf("%d entries came of it", h.history.Last()-last)
	}
}
