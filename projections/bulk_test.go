package projections

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// head says the head of a bulk event and returns its id.
func (w *world) head(organization, at string, parts int) string {
	id := fmt.Sprint(len(w.out))
	w.say("data.shared", organization, at, fmt.Sprintf("{'dataset':'d','recipient':'nobody','sequence':%d,'subjects':{'mode':'bulk','parts':%d}}", len(w.out), parts))
	return id
}

func (w *world) part(organization, at, of string, part, parts int) {
	w.say("data.shared", organization, at, fmt.Sprintf("{'dataset':'d','recipient':'nobody','sequence':%d,'subjects':{'mode':'bulk','partOf':'%s','part':%d,'parts':%d,"+
		"'persons':[{'scheme':'plate','value':'A'},{'scheme':'plate','value':'B'}]}}", len(w.out), of, part, parts))
}

// manyBulks are bulk events whose parts come in any order, some never.
func manyBulks(t *testing.T, seed uint64) []events.Stored {
	w := newWorld(t, seed)
	w.open()
	type owed struct {
		head        string
		part, parts int
	}
	var left []owed
	r := rand.New(rand.NewPCG(seed, 3))
	for len(w.out) < 150 {
		if len(left) == 0 || r.IntN(6) == 0 {
			parts := 1 + r.IntN(12)
			id := w.head("chicago", "2026-06-24T08:30:00Z", parts)
			for part := range parts {
				left = append(left, owed{id, part + 1, parts})
			}
			continue
		}
		i := r.IntN(len(left))
		x := left[i]
		left = slices.Delete(left, i, i+1)
		w.part("chicago", "2026-06-24T08:30:00Z", x.head, x.part, x.parts)
	}
	return w.out
}

// incompleteIn is what a careful reader of the entries finds missing, by the heads'
// positions.
func incompleteIn(entries []*events.Entry) map[events.Index]string {
	missing := map[string]map[int64]bool{}
	at := map[string]events.Index{}
	for i, e := range entries {
		parts, bulk := e.Value("subjects.parts")
		part, isPart := e.Value("subjects.part")
		switch {
		case !bulk:
		case isPart:
			delete(missing[e.Text("subjects.partOf")], part.Int())
		default:
			name := e.Name().String()
			at[name], missing[name] = events.Index(i), map[int64]bool{}
			for n := range parts.Int() {
				missing[name][n+1] = true
			}
		}
	}
	out := map[events.Index]string{}
	for name, list := range missing {
		if len(list) > 0 {
			out[at[name]] = fmt.Sprint(list)
		}
	}
	return out
}

// TestIncompleteAtAnySize asks after each entry which parts are missing.
func TestIncompleteAtAnySize(t *testing.T) {
	messages := manyBulks(t, 71)
	entries, v := said(t, messages), foldedViews(t, messages)
	for size := range len(messages) + 1 {
		got := map[events.Index]string{}
		list, err := v.At(events.Size(size)).Incomplete()
		for _, b := range list {
			missing := map[int64]bool{}
			for _, g := range b.Missing {
				for n := g[0]; n <= g[1]; n++ {
					missing[n] = true
				}
			}
			got[b.Position] = fmt.Sprint(missing)
			if e := entries[b.Position]; b.Name != e.Name() || b.Source != "chicago" || b.Organization != "chicago" || b.Kind != "data.shared" || b.Day != "2026-06-24" {
				t.Fatalf("%+v of %s", b, e.Append(nil))
			}
		}
		if want := incompleteIn(entries[:size]); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("at %d: %v %v\nwant %v", size, got, err, want)
		}
	}
}

// TestBulkInAnySplit folds the same messages in other batches, and again.
func TestBulkInAnySplit(t *testing.T) {
	messages := manyBulks(t, 72)
	want := dump(t, foldedViews(t, messages))
	v := opened(t, vfs.NewMem())
	for n := 0; n < len(messages); n += 1 + n%7 {
		catchUp(t, v, newTape(messages), events.Seq(n))
	}
	catchUp(t, v, newTape(messages), events.Seq(len(messages)))
	if dump(t, v) != want {
		t.Error("other batches leave other keys or values")
	}
}

// TestPartsHaveADay: a head is found when the day after it is over, with what is
// missing by then, and no longer when that came.
func TestPartsHaveADay(t *testing.T) {
	w := newWorld(t, 73)
	w.say("organization.registered", "chicago", "2026-06-01T00:00:00Z", "{'organization':'chicago','name':'C','kind':'city','timeZone':'Asia/Tokyo'}")
	id := w.head("chicago", "2026-06-24T00:00:00Z", 9)
	other := w.head("chicago", "2026-06-24T00:00:00Z", 1)
	for _, part := range []int{2, 5, 6} {
		w.part("chicago", "2026-06-24T00:00:00Z", id, part, 9)
	}
	w.part("chicago", "2026-06-24T00:00:00Z", other, 1, 1)
	before := events.Size(len(w.out))
	for _, part := range []int{1, 3, 4, 7, 8, 9} {
		w.part("chicago", "2026-06-30T00:00:00Z", id, part, 9)
	}
	v := foldedViews(t, w.out)
	names := map[string]string{}
	for at, found := range map[string]bool{"2026-06-24T12:00:00Z": false, "2026-06-25T14:59:00Z": false, "2026-06-25T15:01:00Z": true, "2026-07-20T00:00:00Z": true} {
		asOf, _ := time.Parse(time.RFC3339, at)
		list, err := v.At(before).Findings(asOf, FindingFilter{Rule: RuleSequence})
		if err != nil || (len(list) == 1) != found {
			t.Fatalf("at %s: %+v, %v", at, list, err)
		}
		for _, f := range list {
			if f.Code != "parts" || f.Count != 6 || f.Evidence["missing"] != "1 3-4 7-9" || f.Evidence["parts"] != "9" || f.Evidence["source"] != "chicago" || f.First != 1 || f.FirstDay != "2026-06-24" {
				t.Errorf("at %s: %+v", at, f)
			}
			names[f.ID] = at
		}
		if list, err := v.Now().Findings(asOf, FindingFilter{Rule: RuleSequence}); err != nil || len(list) != 0 {
			t.Errorf("when all came: %+v, %v", list, err)
		}
	}
	if earlier, _ := v.At(before-3).Findings(start.AddDate(1, 0, 0), FindingFilter{Rule: RuleSequence}); len(earlier) != 2 || names[earlier[0].ID]+names[earlier[1].ID] == "" {
		t.Errorf("with less of it there the matter is another: %+v, %v", earlier, names)
	}
	counts, err := v.At(before).FindingCounts(start.AddDate(1, 0, 0))
	if err != nil || counts["chicago"][RuleSequence] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
}

// TestPartsAreNoMatterOfTheirOwn: of a bulk share the head is the share, and the
// head is judged.
func TestPartsAreNoMatterOfTheirOwn(t *testing.T) {
	w := newWorld(t, 74)
	id := w.head("chicago", "2026-06-24T00:00:00Z", 40)
	for part := range 40 {
		w.part("chicago", "2026-06-24T00:00:00Z", id, part+1, 40)
	}
	v := foldedViews(t, w.out)
	sharing, err := v.Now().Sharing(ShareFilter{})
	if err != nil || sharing.Real != 1 || len(sharing.Shares) != 1 {
		t.Errorf("%d shares, %v", sharing.Real, err)
	}
	list, err := v.Now().Findings(start.AddDate(1, 0, 0), FindingFilter{})
	var got []string
	for _, f := range list {
		got = append(got, fmt.Sprint(f.Rule, f.Code, f.Count))
	}
	slices.Sort(got)
	if err != nil || strings.Join(got, " ") != "14not-received1 1reference1 3basis1 4no-agreement1" {
		t.Errorf("%v, %v", got, err)
	}
}
