package intake_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/keyring"
)

func (h *house) person(t testing.TB, scheme, value string) *keyring.Person {
	t.Helper()
	p, ok, err := h.ring.Lookup(keyring.Identifier{Scheme: scheme, Value: value})
	if !ok || err != nil {
		t.Fatalf("nobody is known as %s", scheme)
	}
	return p
}

// walk reads the whole history and checks every rule about tags: exactly one on
// a single-person entry, one for each person of several and of a part, none
// elsewhere; sorted, enrolled before, label and commitment those of the keyring,
// and numbered 1, 2, 3 … for each person, by the key of the generation enrolled last.
func (h *house) walk(t testing.TB) map[events.Handle]uint64 {
	t.Helper()
	counts := map[events.Handle]uint64{}
	enrolled := map[events.Handle]uint32{}
	open := foldOpener(h)
	for i := range events.Index(h.history.Last()) {
		m, e := h.message(t, i)
		fold := open(t, m)
		if e.Kind.Name == "subject.enrolled" {
			h.checkPairs(t, e, fold, enrolled, counts)
			continue
		}
		tags := e.Texts("subjects.tags")
		if len(tags) != len(fold.Persons) || !tagged(e, len(tags)) || !slices.IsSorted(tags) {
			t.Fatalf("entry %d has tags %v for %d persons", i, tags, len(fold.Persons))
		}
		for j, p := range fold.Persons {
			who, ok, _ := h.ring.Keyring.ByHandle(p.Handle)
			if !ok || enrolled[p.Handle] == 0 || enrolled[p.Handle] != p.Generation {
				t.Fatalf("entry %d: she is not enrolled (%v), in generation %d", i, ok, p.Generation)
			}
			counts[p.Handle]++
			if want := events.Tag(who.At(p.Generation).Tag(counts[p.Handle])).String(); p.Counter != counts[p.Handle] || tags[j] != want {
				t.Fatalf("entry %d has tag %d %s, want %d %s", i, p.Counter, tags[j], counts[p.Handle], want)
			}
		}
	}
	return counts
}

// tagged says whether an entry of this mode may have n tags.
func tagged(e *events.Entry, n int) bool {
	_, isPart := e.Value("subjects.part")
	switch mode := e.Text("subjects.mode"); {
	case mode == "single":
		return n == 1
	case mode == "several":
		return n >= 2 && n <= 10
	case isPart:
		return n >= 1 && n <= events.MaxPart
	}
	return n == 0
}

func (h *house) checkPairs(t testing.TB, e *events.Entry, fold events.Fold, enrolled map[events.Handle]uint32, counts map[events.Handle]uint64) {
	t.Helper()
	pairs, _ := e.Value("pairs")
	want := map[string]string{}
	for _, p := range fold.Persons {
		who, ok, _ := h.ring.Keyring.ByHandle(p.Handle)
		before := enrolled[p.Handle]
		if !ok || before > 0 && p.Generation != before+1 || p.Counter != counts[p.Handle] {
			t.Fatalf("generation %d after %d, or unknown (%v), counter %d", p.Generation, before, ok, p.Counter)
		}
		enrolled[p.Handle] = p.Generation
		who = who.At(p.Generation)
		label, commitment := who.Label(), who.Commitment()
		want[base64.RawURLEncoding.EncodeToString(label[:])] = base64.RawURLEncoding.EncodeToString(commitment[:])
	}
	if n := len(pairs.Items()); n != len(fold.Persons) || n == 0 {
		t.Fatalf("%d pairs for %d persons", n, len(fold.Persons))
	}
	for _, pair := range pairs.Items() {
		label, _ := pair.Object().Get("label")
		commitment, _ := pair.Object().Get("commitment")
		if got, ok := want[label.Text()]; !ok || got != commitment.Text() {
			t.Fatalf("pair %s %s is not the keyring's", label.Text(), commitment.Text())
		}
	}
}

func TestTrails(t *testing.T) {
	h := openHouse(t, plan{})
	got := h.submit(t, accessed("1", "plate", "abc-123"), accessed("2", "plate", "XYZ 9"), accessed("3", "plate", "ABC 123"), accessed("4", "", ""))
	if statuses(got) != "201 201 201 201" {
		t.Fatal(statuses(got))
	}
	// Entry 0, then one enrolment of both, then the four.
	if got[0].Position != 2 || got[3].Position != 5 {
		t.Errorf("positions %d-%d", got[0].Position, got[3].Position)
	}
	first := h.person(t, "plate", "a b c 1 2 3")
	counts := h.walk(t)
	if len(counts) != 2 || counts[first.Handle()] != 2 {
		t.Errorf("counts %v", counts)
	}
	h = h.reopen(t, plan{})
	h.submit(t, accessed("5", "plate", "ABC123"))
	h.submit(t, accessed("6", "plate", "ABC123"), accessed("7", "plate", "new1"), accessed("8", "plate", "ABC123"))
	if counts = h.walk(t); len(counts) != 3 || counts[first.Handle()] != 5 {
		t.Errorf("counts %v after a restart", counts)
	}
}

func TestMalformedIdentifier(t *testing.T) {
	h := openHouse(t, plan{})
	got := h.submit(t, accessed("1", "plate", "AB*"), accessed("2", "nonsense", "x"), accessed("3", "plate", "AB1"))
	if statuses(got) != "422 422 201" || got[0].Problem.Pointer != "/data/subjects/persons/0" {
		t.Errorf("%s %v", statuses(got), got[0].Problem)
	}
	h.walk(t)
}

// TestManyNewPersons enrols more than one entry and one batch hold.
func TestManyNewPersons(t *testing.T) {
	h := openHouse(t, plan{})
	var list []string
	for i := range 1200 {
		list = append(list, accessed(fmt.Sprint(i), "example", fmt.Sprint("person ", i)))
	}
	for _, o := range h.submit(t, list...) {
		if o.Status != 201 {
			t.Fatal(o)
		}
	}
	if counts := h.walk(t); len(counts) != 1200 {
		t.Errorf("%d persons", len(counts))
	}
}
