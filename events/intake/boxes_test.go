package intake_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

func foldOpener(h *house) func(testing.TB, events.Message) events.Fold {
	open := intake.FoldOpener(h.ring.FoldKey())
	return func(t testing.TB, m events.Message) events.Fold { return must[events.Fold](t)(open(m)) }
}

// sample is a value that fits f, or "" where the test gives it.
func sample(f events.Field) string {
	v := map[events.Type]string{
		events.Reference: `"city/` + strings.ReplaceAll(f.Path, ".", "-") + `"`, events.Date: `"2026-06-24"`,
		events.Instant: `"2026-06-24T22:30:00Z"`, events.Period: `"P30D"`, events.Count: `7`, events.Number: `12`,
		events.Named: `"AAAAAAAAAAAAAAAAAAAAAA"`, events.Key: `"` + strings.Repeat("A", 43) + `"`, events.Quarter: `"2026-Q4"`, events.Month: `"2026-06"`,
		events.WitnessKey: `"library.example+00000000+BAAA"`, events.Policy: `"witness library library.example+00000000+BAAA\nquorum library\n"`,
		events.Flag: `true`, events.Hash: `"` + strings.Repeat("0a", 32) + `"`, events.Link: `"https://example.org/x"`, events.Decimal: `"41.878"`,
		events.Zone: `"Europe/Tallinn"`, events.Prose: `"text for ` + f.Path + `"`, events.Line: `"line for ` + f.Path + `"`,
		events.Persons: `{"mode":"none"}`, events.Name: `{"organization":"city","source":"city/app","id":"x"}`,
	}[f.Type]
	if f.Type == events.Coded {
		v = `"` + f.Code.Terms()[0] + `"`
	}
	if f.Path == "organization" {
		return `"city"` // the token's
	}
	if f.List {
		return "[" + v + "]"
	}
	return v
}

// filled is data for kind with every field, or the required ones alone.
func filled(kind *events.Kind, all bool, subjects string) string {
	nested := map[string][]string{}
	for _, f := range kind.Fields {
		parent, name, isNested := strings.Cut(f.Path, ".")
		if !isNested {
			parent, name = "", parent
		}
		v := sample(f)
		if f.Path == "subjects" {
			v = subjects
		}
		if all || f.Required || parent != "" && parent == kind.Needs {
			nested[parent] = append(nested[parent], fmt.Sprintf("%q:%s", name, v))
		}
	}
	for _, parent := range slices.Sorted(maps.Keys(nested)) {
		if parent != "" {
			nested[""] = append(nested[""], fmt.Sprintf("%q:{%s}", parent, strings.Join(nested[parent], ",")))
		}
	}
	return "{" + strings.Join(nested[""], ",") + "}"
}

const anna = `{"mode":"single","persons":[{"scheme":"plate","value":"ABC 123","relation":"principal"}]}`

// TestBoxes posts every open kind, full and sparse, and opens every box with
// every key.
func TestBoxes(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, accessed("before", "plate", "ABC 123"), accessed("other", "plate", "XYZ"))
	for _, kind := range events.Kinds() {
		if !kind.Open || kind.By == events.RoleLedger || kind.Seals { // a seal's events are on its own trail
			continue
		}
		for _, subjects := range []string{anna, `{"mode":"none"}`, `{"mode":"unknown"}`} {
			for _, all := range []bool{true, false} {
				if !kind.IsData() && subjects != anna {
					continue
				}
				id := fmt.Sprint(kind.Name, all, len(subjects))
				got := h.submit(t, said(kind.Name, id, filled(kind, all, subjects)))
				if statuses(got) != "201" {
					t.Fatalf("%s: %v", kind.Name, got[0].Problem)
				}
				h.checkBoxes(t, got[0].Position, all)
			}
		}
	}
	h.walk(t)
}

// checkBoxes opens the boxes of one message with each of the keys there are.
func (h *house) checkBoxes(t *testing.T, at events.Index, all bool) {
	t.Helper()
	m, e := h.message(t, at)
	fold := foldOpener(h)(t, m)
	month := must[[]byte](t)(h.ring.FindMonthKey("city", recorded))
	otherMonth := must[[]byte](t)(h.ring.MonthKey("city", recorded.AddDate(0, 1, 0)))
	otherOrganization := must[[]byte](t)(h.ring.MonthKey("county", recorded))
	right := map[events.BoxKind][][]byte{events.BoxFold: {h.ring.FoldKey()}, events.BoxOfficers: {month}}
	wrong := [][][]byte{{h.ring.FoldKey()}, {month}, {otherMonth}, {otherOrganization}, {make([]byte, 32)}}
	digests := e.Kind.Slots()
	if len(fold.Persons) == 1 {
		who, _ := h.ring.ByHandle(fold.Persons[0].Handle)
		k, next := who.EventKey(fold.Persons[0].Counter), who.EventKey(fold.Persons[0].Counter+1)
		x := h.person(t, "plate", "XYZ").EventKey(fold.Persons[0].Counter)
		right[events.BoxPerson] = [][]byte{k[:]}
		right[events.BoxOfficers] = [][]byte{month, k[:]}
		right[events.BoxIdentifier] = [][]byte{month, k[:]}
		wrong = append(wrong, [][]byte{k[:]}, [][]byte{month, k[:]}, [][]byte{k[:], month}, [][]byte{next[:]}, [][]byte{month, next[:]},
			[][]byte{otherMonth, k[:]}, [][]byte{otherOrganization, k[:]}, [][]byte{x[:]}, [][]byte{month, x[:]})
		digests++
	}
	if got := e.Texts("_sd"); len(got) != digests || !slices.IsSorted(got) || len(slices.Compact(got)) != digests {
		t.Fatalf("%s has %d digests, want %d", e.Kind.Name, len(got), digests)
	}
	if len(m.Boxes) != len(right) {
		t.Fatalf("%s has %d boxes, want %d", e.Kind.Name, len(m.Boxes), len(right))
	}
	ad := events.HashEntry(m.Entry)
	slips := map[events.BoxKind][]string{}
	for _, box := range m.Boxes {
		plain, err := events.OpenBox(events.BoxKey(box.Kind.String(), right[box.Kind]...), ad[:], box.Data)
		if err != nil {
			t.Fatalf("%s: the %s box: %v", e.Kind.Name, box.Kind, err)
		}
		for _, keys := range wrong {
			opens := slices.EqualFunc(keys, right[box.Kind], bytes.Equal)
			_, err := events.OpenBox(events.BoxKey(box.Kind.String(), keys...), ad[:], box.Data)
			if (err == nil) != opens {
				t.Fatalf("%s: the %s box opens with other keys", e.Kind.Name, box.Kind)
			}
		}
		if _, err := events.OpenBox(events.BoxKey("other", right[box.Kind]...), ad[:], box.Data); err == nil {
			t.Fatalf("the %s box opens as another", box.Kind)
		}
		if box.Kind != events.BoxFold {
			slips[box.Kind] = h.checkSlip(t, e, plain)
		}
	}
	checkSlips(t, e, slips, all)
}

// checkSlip holds that every disclosure has its digest in the entry.
func (h *house) checkSlip(t testing.TB, e *events.Entry, plain []byte) (names []string) {
	t.Helper()
	for _, d := range must[events.Slip](t)(events.ParseSlip(plain)) {
		if !slices.Contains(e.Texts("_sd"), d.Digest().String()) {
			t.Fatalf("%s: the digest of %s is not in the entry", e.Kind.Name, d.Name)
		}
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

// checkSlips holds who sees what.
func checkSlips(t *testing.T, e *events.Entry, slips map[events.BoxKind][]string, all bool) {
	t.Helper()
	officers := []string{"id"}
	person := []string{"subject"}
	single := e.Text("subjects.mode") == "single"
	_, hasSequence := e.Kind.Field("sequence")
	if all && hasSequence {
		officers, person = append(officers, "sequence"), append(person, "sequence")
	}
	if e.Kind.Coarse {
		officers, person = append(officers, "occurredAt", "recordedAt"), append(person, "occurredAt", "recordedAt")
	}
	for _, f := range e.Kind.Fields {
		if hidden := f.Class == events.SealedAll || f.Class == events.Officers; !e.Kind.IsData() && all && hidden {
			officers = append(officers, f.Path)
			if f.Class == events.SealedAll {
				person = append(person, f.Path)
			}
		}
	}
	if e.Kind.IsData() {
		for _, f := range e.Kind.Fields {
			if f.Register == "dataset" && single && (all || f.Required) {
				officers, person = append(officers, f.Path), append(person, f.Path)
			}
		}
	}
	if all && e.Kind.IsData() {
		officers = append(officers, "actor.id", "actor.role", "actor.unit", "reasonText", "caseRef")
		person = append(person, "actor.role", "actor.unit")
		if e.Kind.Name == "data.accessed" {
			officers = append(officers, "query")
		}
		if slices.ContainsFunc(e.Kind.Fields, func(f events.Field) bool { return f.Type == events.Count }) {
			officers = append(officers, "counts")
		}
	}
	if len(slices.DeleteFunc(e.Texts("unresolved"), func(s string) bool { return s == "organization" })) > 0 {
		officers = append(officers, "unresolved")
	}
	slices.Sort(officers)
	slices.Sort(person)
	if !slices.Equal(slips[events.BoxOfficers], officers) {
		t.Errorf("%s: officers see %v, want %v", e.Kind.Name, slips[events.BoxOfficers], officers)
	}
	if single && !slices.Equal(slips[events.BoxPerson], person) {
		t.Errorf("%s: she sees %v, want %v", e.Kind.Name, slips[events.BoxPerson], person)
	}
	if single && !slices.Equal(slips[events.BoxIdentifier], []string{"subject"}) {
		t.Errorf("%s: the identifier box holds %v", e.Kind.Name, slips[events.BoxIdentifier])
	}
}

// TestIncidentalPerson holds that somebody met by chance learns when, and
// nothing about the matter she was met in.
func TestIncidentalPerson(t *testing.T) {
	h := openHouse(t, plan{})
	kind, _ := events.FindKind("data.accessed")
	got := h.submit(t, said("data.accessed", "1", filled(kind, true, strings.Replace(anna, "principal", "incidental", 1))))
	m, e := h.message(t, got[0].Position)
	k := h.person(t, "plate", "ABC123").EventKey(1)
	ad := events.HashEntry(m.Entry)
	plain := must[[]byte](t)(events.OpenBox(events.BoxKey("person", k[:]), ad[:], m.Boxes[1].Data))
	if names := h.checkSlip(t, e, plain); !slices.Equal(names, []string{"occurredAt", "subject"}) {
		t.Errorf("she sees %v", names)
	}
}

func TestFold(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"))
	own := strings.Replace(anna, "ABC 123", "LINE FOR ACTOR.ID", 1)
	own = strings.Replace(own, `"plate"`, `"example"`, 1)
	kind, _ := events.FindKind("data.accessed")
	data := strings.Replace(filled(kind, true, own), "line for actor.id", "LINE FOR ACTOR.ID", 1)
	got := h.submit(t, said("data.accessed", "1", data), accessed("2", "example", "anna"))
	m, _ := h.message(t, got[0].Position)
	f := foldOpener(h)(t, m)
	actor := must[string](t)(h.ring.Pseudonym("city", "actor", "LINE FOR ACTOR.ID"))
	caseRef := must[string](t)(h.ring.Pseudonym("city", "case", "line for caseRef"))
	if f.Actor != actor || f.Case != caseRef || f.Role != "city/actor-role" || f.Unit != "city/actor-unit" || f.Sequence != 12 ||
		f.Dataset != "city/dataset" || !f.HasReason || !f.OwnData || f.Day != "2026-06-25" || f.Hour != 0 ||
		!f.OccurredAt.Equal(recorded) || !f.RecordedAt.Equal(recorded) {
		t.Errorf("fold header %+v", f)
	}
	m, _ = h.message(t, got[1].Position)
	if f := foldOpener(h)(t, m); f.Actor != "" || f.Case != "" || f.Sequence != -1 || f.HasReason || f.OwnData || f.RecordedAt.Location() != time.UTC {
		t.Errorf("fold header %+v", f)
	}
}
