package intake_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// persons are subjects.persons of plates, each "PLATE" or "PLATE relation".
func persons(plates ...string) string {
	list := make([]string, len(plates))
	for i, p := range plates {
		plate, relation, _ := strings.Cut(p, " ")
		list[i] = fmt.Sprintf(`{"scheme":"plate","value":%q,"relation":%q}`, plate, "principal")
		if relation != "" {
			list[i] = strings.Replace(list[i], "principal", relation, 1)
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}

// several is data.accessed with every field about these plates.
func several(id string, plates ...string) string {
	kind, _ := events.FindKind("data.accessed")
	return said("data.accessed", id, filled(kind, true, `{"mode":"several","persons":`+persons(plates...)+`}`))
}

// boxesOf are the boxes of a kind, in their order.
func boxesOf(m events.Message, kind events.BoxKind) (out [][]byte) {
	for _, b := range m.Boxes {
		if b.Kind == kind {
			out = append(out, b.Data)
		}
	}
	return out
}

// opens opens a box with these keys.
func opens(m events.Message, kind events.BoxKind, box []byte, keys ...[]byte) ([]byte, error) {
	ad := events.HashEntry(m.Entry)
	return events.OpenBox(events.BoxKey(kind.String(), keys...), ad[:], box)
}

// keysOf are the event keys of everybody a message concerns, in the order of the
// tags.
func (h *house) keysOf(t testing.TB, m events.Message) (out [][]byte) {
	t.Helper()
	for _, p := range foldOpener(h)(t, m).Persons {
		who, ok, err := h.ring.Keyring.ByHandle(p.Handle)
		if !ok || err != nil {
			t.Fatalf("somebody's keys are not here: %v", err)
		}
		k := who.EventKey(p.Counter)
		out = append(out, k[:])
	}
	return out
}

// TestSeveral opens every box of an event about three persons with every
// combination of their keys.
func TestSeveral(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, accessed("before", "plate", "BBB")) // so that counters differ
	got := h.submit(t, several("1", "AAA", "BBB", "CCC"))
	if statuses(got) != "201" {
		t.Fatal(got[0].Problem)
	}
	h.walk(t)
	m, e := h.message(t, got[0].Position)
	kind, _ := events.FindKind("data.accessed")
	if n := len(e.Texts("_sd")); n != kind.Slots()+3 {
		t.Errorf("%d digests", n)
	}
	keys := h.keysOf(t, m)
	month := must[[]byte](t)(h.ring.FindMonthKey("city", recorded))
	hers, names, officers := boxesOf(m, events.BoxPerson), boxesOf(m, events.BoxIdentifier), boxesOf(m, events.BoxOfficers)
	if len(keys) != 3 || len(hers) != 3 || len(names) != 3 || len(officers) != 1 {
		t.Fatalf("%d keys, %d, %d and %d boxes", len(keys), len(hers), len(names), len(officers))
	}
	for i := range 3 {
		for j, key := range keys {
			if _, err := opens(m, events.BoxPerson, hers[i], key); (err == nil) != (i == j) {
				t.Errorf("the slot of %d with the key of %d: %v", i, j, err)
			}
			if _, err := opens(m, events.BoxIdentifier, names[i], month, key); (err == nil) != (i == j) {
				t.Errorf("the identifier of %d with the key of %d: %v", i, j, err)
			}
			if _, err := opens(m, events.BoxIdentifier, names[i], key); err == nil {
				t.Error("an identifier opens for officers without the month")
			}
		}
	}
	all := [][]byte{month, keys[0], keys[1], keys[2]}
	for _, some := range combinations(all) {
		_, err := opens(m, events.BoxOfficers, officers[0], some...)
		if right := slices.EqualFunc(some, all, bytes.Equal); right != (err == nil) {
			t.Errorf("the officers' box with %d keys: %v", len(some), err)
		}
	}
}

// combinations are all ordered choices of one or more of list.
func combinations(list [][]byte) (out [][][]byte) {
	for i := range list {
		rest := slices.Delete(slices.Clone(list), i, i+1)
		out = append(out, [][]byte{list[i]})
		for _, more := range combinations(rest) {
			out = append(out, append([][]byte{list[i]}, more...))
		}
	}
	return out
}

// TestSeveralErased erases one of three: what they share is gone for officers, and
// the two others read theirs.
func TestSeveralErased(t *testing.T) {
	for gone := range 3 {
		h := openHouse(t, plan{now: recorded})
		at := h.submit(t, several("1", "AAA", "BBB", "CCC"))[0].Position
		m, e := h.message(t, at)
		keys, who := h.keysOf(t, m), foldOpener(h)(t, m).Persons
		if err := h.ring.Erase(who[gone].Handle); err != nil {
			t.Fatal(err)
		}
		got := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, at))
		if got.Details != nil || !strings.Contains(got.Sealed, "destroyed") {
			t.Errorf("with one of three erased, officers read %v", got.Details)
		}
		month := must[[]byte](t)(h.ring.FindMonthKey("city", recorded))
		left := slices.Delete(slices.Clone(keys), gone, gone+1)
		for _, some := range combinations(append([][]byte{month}, left...)) {
			if _, err := opens(m, events.BoxOfficers, boxesOf(m, events.BoxOfficers)[0], some...); err == nil {
				t.Error("the officers' box opens without the key of the one erased")
			}
		}
		for i, box := range boxesOf(m, events.BoxPerson) {
			for _, key := range left {
				plain, err := opens(m, events.BoxPerson, box, key)
				if (err == nil) != bytes.Equal(key, keys[i]) {
					t.Errorf("the slot of %d: %v", i, err)
				}
				if err == nil {
					h.checkSlip(t, e, plain)
				}
			}
		}
		h.close(t)
	}
}

func TestRepeatedPerson(t *testing.T) {
	h := openHouse(t, plan{})
	last := h.history.Last()
	got := h.submit(t, several("1", "AB-12", "CD34", "ab.12"), bulkHead("2", 1), bulkPart("3", "2", 1, 1, "AB12", "ab-12"))
	if statuses(got) != "422 201 422" {
		t.Fatal(statuses(got))
	}
	for _, i := range []int{0, 2} {
		if p := got[i].Problem; p.Code != "repeated-person" || p.Pointer != "/data/subjects/persons/"+fmt.Sprint(2-i/2) {
			t.Errorf("%v", p)
		}
	}
	if n := h.history.Last() - last; n != 1 {
		t.Errorf("%d messages were added", n)
	}
	h.walk(t)
}

func TestSeveralLimits(t *testing.T) {
	h := openHouse(t, plan{})
	var plates []string
	for i := range 10 {
		plates = append(plates, fmt.Sprint("P", i))
	}
	if got := h.submit(t, several("10", plates...), several("2", "P1", "P2")); statuses(got) != "201 201" {
		t.Errorf("%s: %v", statuses(got), got[0].Problem)
	}
	for _, wrong := range [][]string{append(plates, "P11"), {"P1"}, {}} {
		_, err := events.ParseEvent([]byte(several("x", wrong...)))
		var p *events.Problem
		if !errors.As(err, &p) || p.Status != 422 || p.Pointer != "/data/subjects/persons" {
			t.Errorf("%d persons: %v", len(wrong), err)
		}
	}
	h.walk(t)
}

// seenBy is what each relation sees of an access with every field, by name.
var seenBy = map[string][]string{
	"principal":  {"actor.role", "actor.unit", "occurredAt", "recordedAt", "sequence", "subject"},
	"minor":      {"actor.role", "actor.unit", "occurredAt", "recordedAt", "sequence", "subject"},
	"household":  {"occurredAt", "recordedAt", "subject"},
	"proxy":      {"occurredAt", "recordedAt", "subject"},
	"incidental": {"occurredAt", "subject"},
}

// TestRelations names somebody of every relation in one event: each sees her own
// list, and no name but her own.
func TestRelations(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	var plates []string
	for _, relation := range events.CodeRelation.Terms() {
		plates = append(plates, strings.ToUpper(relation)+" "+relation)
	}
	got := h.submit(t, several("1", plates...))
	if statuses(got) != "201" || len(plates) != len(seenBy) {
		t.Fatalf("%d relations: %v", len(plates), got[0].Problem)
	}
	m, e := h.message(t, got[0].Position)
	keys, boxes := h.keysOf(t, m), boxesOf(m, events.BoxPerson)
	for i, p := range foldOpener(h)(t, m).Persons {
		plain := must[[]byte](t)(opens(m, events.BoxPerson, boxes[i], keys[i]))
		if names := h.checkSlip(t, e, plain); !slices.Equal(names, seenBy[p.Relation]) {
			t.Errorf("%s sees %v, want %v", p.Relation, names, seenBy[p.Relation])
		}
		for _, d := range must[events.Slip](t)(events.ParseSlip(plain)) {
			want := fmt.Sprintf(`{"relation":%q,"scheme":"plate","value":%q}`, p.Relation, strings.ToUpper(p.Relation))
			if d.Name == "subject" && string(d.Value.Append(nil)) != want {
				t.Errorf("%s is told of %s", p.Relation, d.Value.Append(nil))
			}
		}
	}
}

// TestOpenSeveral holds that an officer reads what all share and all their names,
// and that the reading takes the next tag of each.
func TestOpenSeveral(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, accessed("before", "plate", "BBB"))
	at := h.submit(t, several("1", "AAA", "BBB incidental", "CCC"))[0].Position
	got := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, at))
	var names []string
	for _, d := range got.Details {
		if d.Name == "subject" {
			names = append(names, string(d.Value.Append(nil)))
		}
	}
	slices.Sort(names)
	want := []string{
		`{"relation":"incidental","scheme":"plate","value":"BBB"}`,
		`{"relation":"principal","scheme":"plate","value":"AAA"}`, `{"relation":"principal","scheme":"plate","value":"CCC"}`,
	}
	if details := shown(got.Details); !slices.Equal(names, want) || details["reasonText"] == "" || details["actor.id"] == "" {
		t.Errorf("%v, %v", names, details)
	}
	m, e := h.message(t, got.Reading)
	counts := map[string]uint64{}
	for _, p := range foldOpener(h)(t, m).Persons {
		who, _, _ := h.ring.Keyring.ByHandle(p.Handle)
		for _, plate := range []string{"AAA", "BBB", "CCC"} {
			if who == h.person(t, "plate", plate) {
				counts[plate+" "+p.Relation] = p.Counter
			}
		}
	}
	if e.Kind.Name != "ledger.read" || e.Text("subjects.mode") != "several" || e.Text("count") != "1" ||
		counts["AAA principal"] != 2 || counts["BBB incidental"] != 3 || counts["CCC principal"] != 2 || len(counts) != 3 {
		t.Errorf("the reading is %s of %v", e.Append(nil), counts)
	}
	h.walk(t)
}
