package intake_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/keyring"
)

const bulkFields = `"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/people",` +
	`"actor":{"id":"jo","role":"clerk","unit":"desk-1"},"sequence":%d,"subjects":`

// bulkHead is the head of a bulk event, with all that is said of everybody.
func bulkHead(id string, parts int) string {
	return said("data.accessed", id, fmt.Sprintf(`{"reasonText":"census","caseRef":"17/2026","query":"all","scope":{"count":3},`+bulkFields+`{"mode":"bulk","parts":%d}}`, 1, parts))
}

// bulkPart is part n of parts, about these plates.
func bulkPart(id, of string, n, parts int, plates ...string) string {
	return partNaming(id, of, n, parts, persons(plates...))
}

func partNaming(id, of string, n, parts int, list string) string {
	return said("data.accessed", id, fmt.Sprintf(`{`+bulkFields+`{"mode":"bulk","partOf":%q,"part":%d,"parts":%d,"persons":%s}}`, n+1, of, n, parts, list))
}

// TestBulk opens what each of four persons sees of a head and two parts: the head
// as far as her relation goes, her own name, and nothing of the others.
func TestBulk(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	got := h.submit(t, bulkHead("h", 2), bulkPart("h/1", "h", 1, 2, "AAA", "BBB incidental", "EEE minor"), bulkPart("h/2", "h", 2, 2, "CCC household", "DDD proxy"))
	if statuses(got) != "201 201 201" {
		t.Fatalf("%s: %v %v", statuses(got), got[0].Problem, got[1].Problem)
	}
	h.walk(t)
	head, headEntry := h.message(t, got[0].Position)
	if s := headEntry.Fields(); len(headEntry.Texts("subjects.tags")) != 0 || len(boxesOf(head, events.BoxPerson)) != 3 || len(boxesOf(head, events.BoxIdentifier)) != 0 {
		t.Errorf("the head is %s", s.Append(nil))
	}
	seen := 0
	for _, o := range got[1:] {
		seen += h.checkPart(t, o.Position, head, headEntry)
	}
	if seen != 5 {
		t.Errorf("%d persons", seen)
	}
}

// checkPart opens the boxes of a part with every key there is.
func (h *house) checkPart(t *testing.T, at events.Index, head events.Message, headEntry *events.Entry) int {
	t.Helper()
	m, e := h.message(t, at)
	keys, slots := h.keysOf(t, m), boxesOf(m, events.BoxPerson)
	if e.Text("subjects.partOf") != headEntry.Name().String() || len(slots) != len(keys) || len(boxesOf(m, events.BoxIdentifier)) != len(keys) {
		t.Fatalf("a part of %d boxes: %s", len(slots), e.Append(nil))
	}
	month := must[[]byte](t)(h.ring.FindMonthKey("city", recorded))
	for i, who := range foldOpener(h)(t, m).Persons {
		for j, key := range keys {
			if _, err := opens(m, events.BoxPerson, slots[i], key); (err == nil) != (i == j) {
				t.Errorf("the slot of %d with the key of %d: %v", i, j, err)
			}
			if _, err := opens(m, events.BoxIdentifier, boxesOf(m, events.BoxIdentifier)[i], month, key); (err == nil) != (i == j) {
				t.Errorf("the identifier of %d with the key of %d: %v", i, j, err)
			}
			if _, err := events.OpenDetail(head, [32]byte(key)); err == nil {
				t.Error("the head opens with somebody's event key")
			}
		}
		slip, detail, err := events.ParsePartSlip(must[[]byte](t)(opens(m, events.BoxPerson, slots[i], keys[i])))
		if err != nil || len(slip) != 1 || slip[0].Name != "subject" || !slices.Contains(e.Texts("_sd"), slip[0].Digest().String()) {
			t.Fatalf("her slot holds %v, %v", slip, err)
		}
		of := must[events.Slip](t)(events.OpenDetail(head, detail))
		names := append(h.checkSlip(t, headEntry, of.Format()), "subject")
		if slices.Sort(names); !slices.Equal(names, seenBy[who.Relation]) {
			t.Errorf("%s sees %v of the head, want %v", who.Relation, names, seenBy[who.Relation])
		}
		opened := 0
		for _, box := range boxesOf(head, events.BoxPerson) {
			if _, err := opens(head, events.BoxPerson, box, detail[:]); err == nil {
				opened++
			}
		}
		if opened != 1 {
			t.Errorf("the key of %s opens %d boxes of the head", who.Relation, opened)
		}
	}
	return len(keys)
}

// TestCircles holds that whoever shares a box of the head sees the same by the
// table of relations.
func TestCircles(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	for i, relation := range events.CodeRelation.Terms() {
		of, part := fmt.Sprint("h", i), fmt.Sprint("p", i)
		got := h.submit(t, bulkHead(of, 1), bulkPart(part, of, 1, 1, "AAA "+relation))
		m, _ := h.message(t, got[1].Position)
		_, detail, err := events.ParsePartSlip(must[[]byte](t)(opens(m, events.BoxPerson, boxesOf(m, events.BoxPerson)[0], h.keysOf(t, m)[0])))
		if err != nil {
			t.Fatal(err)
		}
		head, _ := h.message(t, got[0].Position)
		for _, d := range must[events.Slip](t)(events.OpenDetail(head, detail)) {
			if !events.Sees(relation, d.Name) {
				t.Errorf("%s is shown %s", relation, d.Name)
			}
		}
	}
}

func TestBulkRefusals(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	county := func(list []intake.Submitted) []intake.Submitted { list[0].Organization = "county"; return list }
	if got := h.submit(t, bulkPart("early", "h", 1, 3, "AAA"), bulkHead("h", 3), accessed("no-head", "", "")); statuses(got) != "422 201 201" || got[0].Problem.Code != "unknown-head" {
		t.Fatalf("%s: %v", statuses(got), got[0].Problem)
	}
	shared := strings.Replace(strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), "data.accessed", "data.altered", 1), `"system":"city/app","operation":"Consult","outcome":"success",`, "", 1)
	for name, x := range map[string]struct {
		list          []intake.Submitted
		code, pointer string
	}{
		"another number":       {submitted(t, bulkPart("x", "h", 1, 2, "AAA")), "other-head", "/data/subjects/partOf"},
		"another kind":         {submitted(t, shared), "other-head", "/data/subjects/partOf"},
		"another organization": {county(submitted(t, bulkPart("x", "h", 1, 3, "AAA"))), "other-head", "/data/subjects/partOf"},
		"of no head":           {submitted(t, bulkPart("x", "no-head", 1, 3, "AAA")), "unknown-head", "/data/subjects/partOf"},
		"of nothing":           {submitted(t, bulkPart("x", "nothing", 1, 3, "AAA")), "unknown-head", "/data/subjects/partOf"},
		"of itself":            {submitted(t, bulkPart("x", "x", 1, 3, "AAA")), "unknown-head", "/data/subjects/partOf"},
		"another outcome":      {submitted(t, strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), `"outcome":"success"`, `"outcome":"denied"`, 1)), "other-head", "/data/outcome"},
		"more than the head":   {submitted(t, strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), `"sequence"`, `"lookBack":"P1D","sequence"`, 1)), "other-head", "/data/lookBack"},
		"less than the head":   {submitted(t, strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), `"dataset":"city/people",`, ``, 1)), "other-head", "/data/dataset"},
		"with a reason":        {submitted(t, strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), `"sequence"`, `"reasonText":"why","sequence"`, 1)), "malformed", "/data/reasonText"},
		"with a case":          {submitted(t, strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), `"sequence"`, `"caseRef":"17","sequence"`, 1)), "malformed", "/data/caseRef"},
		"with a query":         {submitted(t, strings.Replace(bulkPart("x", "h", 1, 3, "AAA"), `"sequence"`, `"query":"x","sequence"`, 1)), "malformed", "/data/query"},
	} {
		last := h.history.Last()
		got := must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), x.list))[0]
		if got.Status != 422 || got.Problem.Code != x.code || got.Problem.Pointer != x.pointer || h.history.Last() != last {
			t.Errorf("%s: %d %v", name, got.Status, got.Problem)
		}
	}
	if n := len(must[[]intake.Standing](t)(h.book.Seals())); n != 0 {
		t.Errorf("%d seals", n)
	}
}

// TestPartAfterItsReferences holds that a part says what its head said, though the
// register knows more of it by then.
func TestPartAfterItsReferences(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, bulkHead("h", 2))
	h = h.reopen(t, plan{now: recorded})
	got := h.submit(t, said("dataset.registered", "d", `{"dataset":"city/people","title":"t"}`), bulkPart("h/1", "h", 1, 2, "AAA"))
	if statuses(got) != "201 201" {
		t.Fatal(got[1].Problem)
	}
	if _, e := h.message(t, got[1].Position); e.Text("dataset") != "city/people" {
		t.Errorf("the part is %s", e.Append(nil))
	}
}

// TestPartAgain holds that a part comes once, and that sending it again is a
// repeat, in one request and after a restart.
func TestPartAgain(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	first := h.submit(t, bulkHead("h", 2), bulkPart("h/1", "h", 1, 2, "AAA"), bulkPart("other", "h", 1, 2, "AAA"), bulkPart("h/1", "h", 1, 2, "AAA"))
	if statuses(first) != "201 201 409 200" || first[2].Problem.Pointer != "/data/subjects/part" {
		t.Fatalf("%s: %v", statuses(first), first[2].Problem)
	}
	for range 2 {
		last := h.history.Last()
		got := h.submit(t, bulkPart("other", "h", 1, 2, "BBB"), bulkHead("h", 2), bulkPart("h/1", "h", 1, 2, "AAA"), bulkPart("h/1", "h", 1, 2, "BBB"), bulkHead("h", 3))
		if statuses(got) != "409 200 200 409 409" || !same(got[1], first[0]) || !same(got[2], first[1]) || h.history.Last() != last {
			t.Errorf("again: %s", statuses(got))
		}
		h = h.reopen(t, plan{now: recorded})
	}
	if got := h.submit(t, bulkPart("other", "h", 2, 2, "BBB")); statuses(got) != "201" {
		t.Errorf("the other part: %v", got[0].Problem)
	}
	h.walk(t)
}

// TestFullPart fills a part up to its limit, with identifiers as long as they may
// be, and beyond.
func TestFullPart(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	naming := func(n int, fill string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = string(events.Person{Scheme: "example", Value: fmt.Sprintf("%0128d", i), Relation: "incidental"}.Object().Append(nil))
			list[i] = strings.Replace(list[i], strings.Repeat("0", 124), strings.Repeat(fill, 124), 1)
		}
		return partNaming("h/1", "h", 1, 1, "["+strings.Join(list, ",")+"]")
	}
	h.submit(t, bulkHead("h", 1))
	if got := h.submit(t, naming(events.MaxPart, `\\`)); statuses(got) != "422" || got[0].Problem.Code != "too-large" {
		t.Errorf("identifiers that grow twice: %s %v", statuses(got), got[0].Problem)
	}
	got := h.submit(t, naming(events.MaxPart, "x"))
	if statuses(got) != "201" {
		t.Fatal(got[0].Problem)
	}
	m, e := h.message(t, got[0].Position)
	if n := len(m.Format()); n > events.MaxMessage || len(m.Entry) > 65535 || len(e.Texts("subjects.tags")) != events.MaxPart {
		t.Errorf("%d bytes, the entry %d", n, len(m.Entry))
	}
	_, err := events.ParseEvent([]byte(naming(events.MaxPart+1, "x")))
	if p, ok := err.(*events.Problem); !ok || p.Status != 422 || p.Pointer != "/data/subjects/persons" {
		t.Errorf("one person more: %v", err)
	}
	h.walk(t)
}

// TestPartsLater holds that parts may come after a restart and in a later month,
// with what the head says opening to those they name, and that the book folded
// from the history is the one that was written.
func TestPartsLater(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	head := h.submit(t, bulkHead("h", 3), bulkPart("h/1", "h", 1, 3, "AAA"))[0].Position
	h = h.reopen(t, plan{now: recorded.AddDate(0, 1, 12)})
	at := h.submit(t, bulkPart("h/2", "h", 2, 3, "BBB"))
	if statuses(at) != "201" {
		t.Fatal(at[0].Problem)
	}
	m, _ := h.message(t, at[0].Position)
	_, detail, err := events.ParsePartSlip(must[[]byte](t)(opens(m, events.BoxPerson, boxesOf(m, events.BoxPerson)[0], h.keysOf(t, m)[0])))
	if err != nil {
		t.Fatal(err)
	}
	headMessage, headEntry := h.message(t, head)
	h.checkSlip(t, headEntry, must[events.Slip](t)(events.OpenDetail(headMessage, detail)).Format())
	h.close(t)
	incremental := dump(t, h.dir)
	if err := os.RemoveAll(filepath.Join(h.dir, "book")); err != nil {
		t.Fatal(err)
	}
	h = h.reopen(t, plan{now: recorded.AddDate(0, 1, 12)})
	if got := h.submit(t, bulkPart("other", "h", 1, 3, "CCC")); statuses(got) != "409" {
		t.Errorf("the rebuilt book has not the first part: %s", statuses(got))
	}
	h.close(t)
	if rebuilt := dump(t, h.dir); !maps.Equal(incremental, rebuilt) {
		t.Errorf("%d keys rebuilt, %d incrementally, or other values", len(rebuilt), len(incremental))
	}
}

// TestPartOfAMonthEnded holds that no part follows a head whose details nobody
// can be given any more.
func TestPartOfAMonthEnded(t *testing.T) {
	ended := &ending{}
	h := openHouse(t, plan{now: recorded, months: ended})
	h.submit(t, bulkHead("h", 2), bulkPart("h/1", "h", 1, 2, "AAA"))
	ended.months.Store(true)
	if got := h.submit(t, bulkPart("h/2", "h", 2, 2, "AAA")); statuses(got) != "422" || got[0].Problem.Code != "unknown-head" {
		t.Errorf("%s: %v", statuses(got), got[0].Problem)
	}
}

// TestOpenPart holds that officers read a part without any name, that the reading
// names nobody, and that the head has the rest.
func TestOpenPart(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	at := h.submit(t, bulkHead("h", 1), bulkPart("h/1", "h", 1, 1, "AAA", "BBB"))
	for i, want := range [][]string{
		{"actor.id", "actor.role", "actor.unit", "caseRef", "counts", "id", "occurredAt", "query", "reasonText", "recordedAt", "sequence", "unresolved"},
		{"actor.id", "actor.role", "actor.unit", "id", "occurredAt", "recordedAt", "sequence", "unresolved"},
	} {
		got := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, at[i].Position))
		if names := slices.Sorted(maps.Keys(shown(got.Details))); !slices.Equal(names, want) {
			t.Errorf("of %d officers read %v", i, names)
		}
		if _, e := h.message(t, got.Reading); e.Kind.Name != "ledger.read" || e.Text("subjects.mode") != "none" {
			t.Errorf("the reading is %s", e.Append(nil))
		}
	}
}

// TestSealOfAHeadsCase places a seal for the case that a head names: whom its
// parts name falls under it, and nobody else.
func TestSealOfAHeadsCase(t *testing.T) {
	for _, name := range []string{"17/2026", "18/2026"} {
		h := openHouse(t, plan{now: recorded})
		person := events.Person{Scheme: "plate", Value: "AAA", Relation: "principal"}
		must[[]intake.Subject](t)(h.ring.Prepare([]events.Person{person}, nil))
		hidden := must[intake.Subject](t)(h.ring.Hide(person, "seal/1"))
		text := func(s string) events.Value { return events.String(s) }
		group, ground := events.CodeSealGroup.Terms()[0], events.CodeJustification.Terms()[0]
		placed := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), intake.Own{
			Kind: "seal.placed", ID: "seal/1", Organization: "city", Time: recorded, Trails: []events.Handle{hidden.Handle()},
			Data: events.Object{
				{Name: "caseRef", Value: text(name)},
				{Name: "ground", Value: text(ground)},
				{Name: "group", Value: text(group)},
				{Name: "reviewIn", Value: text("2026-Q4")},
				{Name: "subjects", Value: events.Nested(events.Object{{Name: "mode", Value: text("single")}, {Name: "persons", Value: events.List(events.Nested(person.Object()))}})},
			},
		}))
		if statuses(placed) != "201" {
			t.Fatal(placed[0].Problem)
		}
		h.submit(t, bulkHead("h", 2), bulkPart("h/1", "h", 1, 2, "AAA", "BBB"))
		h = h.reopen(t, plan{now: recorded})
		h.submit(t, bulkPart("h/2", "h", 2, 2, "AAA"))
		her, hers := h.person(t, "plate", "AAA"), uint64(0)
		for i := range events.Index(h.history.Last()) {
			m, e := h.message(t, i)
			for _, p := range foldOpener(h)(t, m).Persons {
				if p.Handle == her.Handle() && e.Kind.Name == "data.accessed" {
					hers++
				}
			}
		}
		if want := map[string]uint64{"17/2026": 0, "18/2026": 2}[name]; hers != want {
			t.Errorf("with a seal for %s her own trail has %d tags of the head of 17/2026", name, hers)
		}
	}
}

// TestManyParts sends parts about more new persons than one batch enrols.
func TestManyParts(t *testing.T) {
	h := openHouse(t, plan{})
	list := []string{bulkHead("h", 6)}
	for part := range 6 {
		plates := make([]string, 800)
		for i := range plates {
			plates[i] = fmt.Sprint("P", part*800+i)
		}
		list = append(list, bulkPart(fmt.Sprint("h/", part+1), "h", part+1, 6, plates...))
	}
	started := time.Now()
	for _, o := range h.submit(t, list...) {
		if o.Status != 201 {
			t.Fatal(o.Problem)
		}
	}
	t.Logf("4,800 new persons in %v", time.Since(started))
	if counts := h.walk(t); len(counts) != 4800 {
		t.Errorf("%d persons", len(counts))
	}
	if _, ok, _ := h.ring.Lookup(keyring.Identifier{Scheme: "plate", Value: "p-4799"}); !ok {
		t.Error("the last is nobody")
	}
}
