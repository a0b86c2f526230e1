package intake_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

func TestUnknownReferences(t *testing.T) {
	h := openHouse(t, plan{})
	system := said("system.registered", "s", `{"system":"city/app","name":"App","kind":"application","datasets":["city/people","city/none"]}`)
	dataset := said("dataset.registered", "d", `{"dataset":"city/people","title":"People"}`)
	got := h.submit(t, accessed("1", "", ""), system, accessed("2", "", ""), dataset, accessed("3", "", ""), registered("o"), accessed("4", "", ""),
		accessed("5", "plate", "ABC"))
	for i, want := range []struct{ system, dataset, unresolved string }{
		0: {"?", "?", "dataset organization system"},
		1: {"city/app", "", "datasets/0 datasets/1 organization"},
		2: {"city/app", "?", "dataset organization"},
		4: {"city/app", "city/people", "organization"},
		6: {"city/app", "city/people", ""},
		7: {"city/app", "", ""}, // the dataset of one person's event is private
	} {
		if i == 3 || i == 5 {
			continue
		}
		_, e := h.message(t, got[i].Position)
		if e.Text("system") != want.system || e.Text("dataset") != want.dataset || strings.Join(e.Texts("unresolved"), " ") != want.unresolved {
			t.Errorf("event %d: system %q dataset %q unresolved %v", i, e.Text("system"), e.Text("dataset"), e.Texts("unresolved"))
		}
	}
	_, e := h.message(t, got[1].Position)
	if texts := e.Texts("datasets"); !slices.Equal(texts, []string{"?", "?"}) {
		t.Errorf("datasets %v", texts)
	}
	// The book knows what the batch knew, after a restart too.
	h = h.reopen(t, plan{})
	got = h.submit(t, accessed("6", "", ""))
	if _, e = h.message(t, got[0].Position); len(e.Texts("unresolved")) != 0 {
		t.Errorf("unresolved %v", e.Texts("unresolved"))
	}
}

// TestDatasetIsHidden holds that the dataset of one person's event stands
// nowhere in its entry, known or not.
func TestDatasetIsHidden(t *testing.T) {
	h := openHouse(t, plan{})
	h.submit(t, said("dataset.registered", "d", `{"dataset":"city/people","title":"People"}`))
	got := h.submit(t, accessed("1", "plate", "ABC"), accessed("2", "", ""))
	for i, hidden := range []bool{true, false} {
		m, e := h.message(t, got[i].Position)
		if strings.Contains(string(m.Entry), "people") == hidden || slices.Contains(e.Texts("unresolved"), "dataset") {
			t.Errorf("event %d: %s", i, m.Entry)
		}
	}
}

func (h *house) days(t testing.TB, i events.Index) string {
	t.Helper()
	_, e := h.message(t, i)
	return e.Text("occurredAt") + " " + e.Text("recordedAt") + " " + strings.Join(e.Texts("unresolved"), " ")
}

// TestLocalDays follows one organization through its zones: an evening in UTC is
// the next day in Tallinn and the same day in Los Angeles.
func TestLocalDays(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	zone := func(id, zone string) string {
		return said("organization.changed", id, `{"organization":"city","timeZone":"`+zone+`"}`)
	}
	nobody := func(id string) string {
		return said("data.deleted", id, `{"dataset":"city/people","method":"Erase","trigger":"retention-end","subjects":{"mode":"none"}}`)
	}
	h.submit(t, said("dataset.registered", "d", `{"dataset":"city/people","title":"People"}`))
	got := h.submit(t, nobody("1"), zone("early", "Asia/Tokyo"), nobody("2"), registered("r"), nobody("3"), zone("late", "America/Los_Angeles"), nobody("4"))
	const utc, tallinn = "2026-06-24 2026-06-24 ", "2026-06-25 2026-06-25 "
	for i, want := range map[int]string{0: utc + "organization", 2: utc + "organization", 4: tallinn, 6: utc} {
		if got := h.days(t, got[i].Position); got != want {
			t.Errorf("event %d: %q, want %q", i, got, want)
		}
	}
	h = h.reopen(t, plan{now: recorded})
	got = h.submit(t, nobody("5"), saidAt("2026-06-25T06:59:59Z", "data.collected", "6",
		`{"dataset":"city/people","system":"x","occurredUntil":"2026-06-25T07:00:00Z","subjects":{"mode":"none"}}`))
	if got := h.days(t, got[0].Position); got != utc {
		t.Errorf("after a restart %q", got)
	}
	_, e := h.message(t, got[1].Position)
	if e.Text("occurredAt") != "2026-06-24" || e.Text("occurredUntil") != "2026-06-25" {
		t.Errorf("from %s until %s", e.Text("occurredAt"), e.Text("occurredUntil"))
	}
}

// TestEdgesOfTime holds that a time whose local day has no name is refused, and
// that the history stays readable.
func TestEdgesOfTime(t *testing.T) {
	h := openHouse(t, plan{})
	h.submit(t, said("organization.registered", "r", `{"organization":"city","name":"C","kind":"city","timeZone":"Pacific/Kiritimati"}`))
	data := `{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"none"}}`
	got := h.submit(t, saidAt("9999-12-31T23:00:00Z", "data.accessed", "1", data), saidAt("0001-01-01T00:00:00Z", "data.accessed", "2", data),
		saidAt("2026-06-24T21:30:00.123456789+14:00", "data.accessed", "3", data))
	if statuses(got) != "422 422 201" { // in the year 1 that island was behind UTC
		t.Errorf("%s: %+v", statuses(got), got)
	}
	h.reopen(t, plan{}).walk(t)
}
