package intake_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// places finds tags by reading the whole history, as the index does.
type places struct {
	*house
	t testing.TB
}

func (p places) Positions(ctx context.Context, tags []events.Tag) (map[events.Tag]events.Index, error) {
	out := map[events.Tag]events.Index{}
	for s, err := range p.history.Replay(ctx, 1, p.history.Last()) {
		if err != nil {
			return nil, err
		}
		_, e := p.message(p.t, s.Seq.Index())
		for _, text := range e.Texts("subjects.tags") {
			if tag, ok := events.ParseTag(text); ok && slices.Contains(tags, tag) {
				out[tag] = s.Seq.Index()
			}
		}
	}
	return out, nil
}

// claim asks with an event key, as its holder does.
func claim(key [32]byte) intake.Claim {
	return intake.Claim{Tag: events.TagOf(key), Ticket: events.Ticket(key)}
}

func (h *house) claims(t *testing.T, o opening, list ...intake.Claim) []*intake.Slot {
	t.Helper()
	return must[[]*intake.Slot](t)(h.desk(o).Slots(t.Context(), places{h, t}, list))
}

// TestSlots: she is given all that is sealed for her, and can open it; somebody who
// knows a tag and not its key is given nothing, and not told why.
func TestSlots(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	hidden := h.recordPersons(t)
	her := h.person(t, "plate", "ABC 123")
	var list []intake.Claim
	for i := range uint64(4) {
		list = append(list, claim(her.EventKey(i+1)))
	}
	got := h.claims(t, opening{}, list...)
	for i, slot := range got[:3] {
		if slot == nil {
			t.Fatalf("event %d has no slot", i+1)
		}
		msg, e := h.message(t, slot.Position)
		ad := events.HashEntry(msg.Entry)
		key := her.EventKey(uint64(i) + 1)
		plain := must[[]byte](t)(events.OpenBox(events.BoxKey("person", key[:]), ad[:], slot.Box))
		if !strings.Contains(string(plain), "disclosures") || (slot.HeadAt != nil) != (e.Text("subjects.partOf") != "") {
			t.Errorf("event %d at %d: %q, head at %v", i+1, slot.Position, plain, slot.HeadAt)
		}
		if slot.HeadAt == nil {
			continue
		}
		_, detail, err := events.ParsePartSlip(plain)
		head, _ := h.message(t, *slot.HeadAt)
		for i := range slot.Heads {
			head.Boxes = append(head.Boxes, events.Box{Kind: events.BoxPerson, Data: slot.Heads[i]})
		}
		if open, openErr := events.OpenDetail(head, detail); err != nil || openErr != nil || len(open) == 0 {
			t.Errorf("the head: %d details, %v, %v", len(open), err, openErr)
		}
	}
	if got[3] != nil {
		t.Error("an event that there is not has a slot")
	}
	other := h.person(t, "plate", "XYZ 9")
	for name, c := range map[string]intake.Claim{
		"another's ticket": {Tag: list[1].Tag, Ticket: events.Ticket(other.EventKey(1))},
		"the next ticket":  {Tag: list[0].Tag, Ticket: list[1].Ticket},
		"no ticket":        {Tag: list[0].Tag},
		"no tag":           {Ticket: list[0].Ticket},
	} {
		if h.claims(t, opening{}, c)[0] != nil {
			t.Errorf("%s opens a slot", name)
		}
	}
	if h.claims(t, opening{noPersons: true}, list[0])[0] != nil {
		t.Error("a slot is given without keys")
	}
	sealed := h.claims(t, opening{}, claim(hidden.EventKey(1)), claim(hidden.EventKey(2)))
	if sealed[0] == nil || sealed[1] == nil {
		t.Error("who has the key of a hidden trail is not given its slots")
	}
}

// TestSlotsAreNoEvents: what she reads herself is not recorded.
func TestSlotsAreNoEvents(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.recordPersons(t)
	last := h.history.Last()
	h.claims(t, opening{}, claim(h.person(t, "plate", "ABC 123").EventKey(1)))
	if h.history.Last() != last {
		t.Error("her own reading is recorded")
	}
}
