package emit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

const act = `{"specversion":"1.0","id":"export","source":"city/app","type":"org.daybook.data.accessed.v1","time":"2026-06-24T08:30:00Z",
 "data":{"system":"city/app","operation":"Query","outcome":"success","dataset":"city/people","sequence":7,"scope":{"count":1700},"lookBack":"P30D",
 "actor":{"id":"jo","role":"clerk"},"reasonText":"why","caseRef":"17","query":"all"}}`

// TestBulk holds what a head and a part say: all of it, and of a part neither text
// nor counts; and that each says it alike each time.
func TestBulk(t *testing.T) {
	b, err := NewBulk([]byte(act), 2)
	if err != nil {
		t.Fatal(err)
	}
	head, err := events.ParseEvent(b.Head())
	if err != nil {
		t.Fatal(err)
	}
	who := []events.Person{{Scheme: "plate", Value: "A1", Relation: "principal"}, {Scheme: "plate", Value: "A2", Relation: "minor"}}
	raw, err := b.Part(2, who)
	if err != nil {
		t.Fatal(err)
	}
	part, err := events.ParseEvent(raw)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := b.Part(2, who)
	if !bytes.Equal(raw, again) || !bytes.Equal(b.Head(), b.Head()) {
		t.Error("made again they differ")
	}
	given, _ := events.ParseValue([]byte(act))
	data, _ := given.Object().Get("data")
	for _, m := range data.Object() {
		if v, _ := head.Data.Get(m.Name); string(v.Append(nil)) != string(m.Value.Append(nil)) {
			t.Errorf("the head says %s %s", m.Name, v.Append(nil))
		}
	}
	var names []string
	for _, m := range part.Data {
		names = append(names, m.Name)
	}
	if want := []string{"actor", "dataset", "lookBack", "operation", "outcome", "sequence", "subjects", "system"}; !slices.Equal(names, want) {
		t.Errorf("the part says %v", names)
	}
	of, n, parts := part.Part()
	number, _ := part.Data.Get("sequence")
	if of != "export" || n != 2 || parts != 2 || part.ID != "export/part-2" || number.Int() != 9 || !slices.Equal(part.Persons(), who) || !part.Time.Equal(head.Time) {
		t.Errorf("the part is %s", raw)
	}
	if _, n, parts := head.Part(); n != 0 || parts != 2 || head.Named() != 0 {
		t.Errorf("the head is %s", b.Head())
	}
}

func TestBulkRefuses(t *testing.T) {
	refused := func(err error) bool { var p *events.Problem; return errors.As(err, &p) && p.Status == 422 }
	for _, wrong := range []string{`{`, `[]`, `{}`, `{"data":{"subjects":{}}}`, `{"id":"x","data":3}`} {
		if _, err := NewBulk([]byte(wrong), 1); !refused(err) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	for _, parts := range []int{0, -1, events.MaxParts + 1} {
		if _, err := NewBulk([]byte(act), parts); !refused(err) {
			t.Errorf("%d parts: %v", parts, err)
		}
	}
	b, err := NewBulk([]byte(act), 2)
	if err != nil {
		t.Fatal(err)
	}
	who := make([]events.Person, events.MaxPart+1)
	for i := range who {
		who[i] = events.Person{Scheme: "plate", Value: fmt.Sprint("A", i), Relation: "principal"}
	}
	for n, list := range map[int][]events.Person{0: who[:1], 3: who[:1], 1: who, 2: nil} {
		if _, err := b.Part(n, list); !refused(err) {
			t.Errorf("part %d of %d persons: %v", n, len(list), err)
		}
	}
	if _, err := b.Part(1, who[1:]); err != nil {
		t.Errorf("a full part: %v", err)
	}
}
