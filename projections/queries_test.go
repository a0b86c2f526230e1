package projections

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// said are the entries of messages, to be looked at one by one.
func said(t *testing.T, messages []events.Stored) []*events.Entry {
	t.Helper()
	out := make([]*events.Entry, len(messages))
	for i, s := range messages {
		m, err := opener(nil).parse(s, events.Seq(i+1))
		if err != nil {
			t.Fatal(err)
		}
		out[i] = m.entry
	}
	return out
}

// holds is what a filter means, without any index.
func (f Filter) holds(i int, e *events.Entry) bool {
	is := func(want, got string) bool { return want == "" || want == got && got != events.Unknown }
	return is(f.Kind, e.Kind.Name) && is(f.Organization, e.Text("organization")) && is(f.System, e.Text("system")) &&
		is(f.Dataset, e.Text("dataset")) && is(f.Day, day(e.Text("occurredAt"))) &&
		(f.After == nil || events.Index(i) > *f.After)
}

func TestFiltersFindWhatASearchOfAllFinds(t *testing.T) {
	messages := newWorld(t, 11).live(700)
	entries, v := said(t, messages), foldedViews(t, messages)
	rng := rand.New(rand.NewPCG(11, 3))
	some := func(from ...string) string { return append(from, "", "", "")[rng.IntN(len(from)+3)] }
	for range 400 {
		f := Filter{
			Kind:         some("data.accessed", "data.shared", "system.registered", "subject.enrolled", "none"),
			Organization: some("chicago", "example", "eugene-police", "none"), System: some("s", "s/1", "?"),
			Dataset: some("d", "d/2", "?", "d\x00"), Day: some("2026-06-23", "2026-06-24", "2026"), Limit: 1 + rng.IntN(40),
		}
		if rng.IntN(4) == 0 {
			first := events.Index(rng.IntN(720))
			f.After = &first
		}
		r := v.At(events.Size(rng.IntN(720)))
		r.steps = 1 + rng.IntN(300)
		var want, got []events.Index
		for i, e := range entries[:min(int(r.size), len(entries))] {
			if f.holds(i, e) {
				want = append(want, events.Index(i))
			}
		}
		shown := fmt.Sprintf("%+v at %d", f, r.size)
		for pages := 0; ; pages++ {
			found, next, err := r.Entries(f)
			if err != nil || len(found) > f.Limit || pages > len(messages) {
				t.Fatalf("%s: page %d: %d entries, %v", shown, pages, len(found), err)
			}
			for _, x := range found {
				got = append(got, x.Position)
				if !bytes.Equal(x.Entry, entries[x.Position].Append(nil)) {
					t.Fatalf("%s: entry %d is %s", shown, x.Position, x.Entry)
				}
			}
			if f.After = next; next == nil {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s: %v, want %v", shown, got, want)
		}
	}
}

func TestAPageEndsExactlyWithTheLast(t *testing.T) {
	v := foldedViews(t, newWorld(t, 12).live(30))
	last := events.Index(29)
	beyond := ^events.Index(0)
	for _, c := range []struct {
		f    Filter
		n    int
		more bool
	}{
		{Filter{Limit: 30}, 30, false},
		{Filter{Limit: 29}, 29, true},
		{Filter{}, 30, false},
		{Filter{Limit: 5000}, 30, false},
		{Filter{After: &last}, 0, false},
		{Filter{After: &beyond}, 0, false},
	} {
		found, next, err := v.Now().Entries(c.f)
		if err != nil || len(found) != c.n || (next != nil) != c.more {
			t.Errorf("%+v: %d entries, next %v, %v", c.f, len(found), next, err)
		}
	}
}

// answers is everything a reader tells about these entries, as text.
func answers(t *testing.T, r Reader, entries []*events.Entry) string {
	t.Helper()
	var out bytes.Buffer
	say := func(v any, err error) {
		if err != nil {
			v = err.Error()
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", b)
	}
	for i, e := range entries {
		say(r.Entry(events.Index(i)))
		say(r.Find(e.Name()))
	}
	say(r.Recent(7))
	say(r.Totals())
	asOf := start.AddDate(0, 1, 0)
	say(r.Sharing(ShareFilter{}))
	shares, receipts, err := r.Unmatched()
	say(shares, err)
	say(receipts, nil)
	say(r.Incomplete())
	say(r.Retention(asOf))
	say(r.Findings(asOf, FindingFilter{Limit: MaxLimit}))
	say(r.FindingCounts(asOf))
	uses, next, err := r.Trail(TrailFilter{Actor: "nna"})
	say(uses, err)
	say(next, nil)
	say(r.TrailFacets(TrailFilter{}))
	say(r.TrailFacets(TrailFilter{Organization: "chicago", From: "2026-06-18", To: "2026-06-20"}))
	for _, register := range append(events.Registers(), "none") {
		for _, organization := range []string{"", "chicago", ExampleOrganization, "none"} {
			items, next, err := r.Items(register, organization, "", 0)
			for i, item := range items {
				say(string(item.Fields.Append(nil)), nil)
				items[i].Fields = nil
			}
			say(items, err)
			say(next, nil)
		}
		for _, id := range []string{"s", "s/1", "d", "d/1", "a/1", "chicago", "g/1", "t/1", "p", "?"} {
			item, err := r.Item(register, id)
			say(string(item.Fields.Append(nil)), err)
			item.Fields = nil
			say(item, err)
		}
	}
	return out.String()
}

// TestAReaderAtASizeIsTheViewsOfThatHistory: what was folded beyond a size
// changes no answer at that size.
func TestAReaderAtASizeIsTheViewsOfThatHistory(t *testing.T) {
	messages := newWorld(t, 13).live(300)
	entries, all := said(t, messages), foldedViews(t, messages)
	for _, size := range []int{0, 1, 2, 17, 60, 150, 299, 300, 500} {
		then := foldedViews(t, messages[:min(size, len(messages))])
		if got, want := answers(t, all.At(events.Size(size)), entries), answers(t, then.Now(), entries); got != want {
			t.Errorf("at %d:\n%s\nwant\n%s", size, got, want)
		}
	}
}

func TestItemsPageThroughTheRegister(t *testing.T) {
	w := newWorld(t, 14)
	for _, id := range []string{"b", "a", "a/b", "a-b", "a.b", "ab", "a@2", "c"} {
		organization := "chicago"
		if len(id) > 1 {
			organization = "eugene-police"
		}
		w.say("dataset.registered", organization, "2026-06-24T08:30:00Z", "{'dataset':'"+id+"','title':'T'}")
	}
	// Registered again by another, c stays where it was registered first.
	w.say("dataset.registered", "eugene-police", "2026-06-24T08:30:00Z", "{'dataset':'c','title':'T'}")
	r := foldedViews(t, w.out).Now()
	for _, c := range []struct {
		organization string
		want         []string
	}{
		{"", []string{"a", "a-b", "a.b", "a/b", "a@2", "ab", "b", "c"}},
		{"chicago", []string{"a", "b", "c"}},
		{"eugene-police", []string{"a-b", "a.b", "a/b", "a@2", "ab"}},
	} {
		for limit := 1; limit < 10; limit++ {
			var got []string
			for after := ""; ; {
				items, next, err := r.Items("dataset", c.organization, after, limit)
				if err != nil || len(items) > limit {
					t.Fatalf("%d items, %v", len(items), err)
				}
				for _, item := range items {
					got = append(got, item.ID)
				}
				if after = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q by %d: %v, want %v", c.organization, limit, got, c.want)
			}
		}
	}
}

func TestTotalsEqualACount(t *testing.T) {
	messages := newWorld(t, 15).live(400)
	totals, err := foldedViews(t, messages).Now().Totals()
	if err != nil {
		t.Fatal(err)
	}
	want := Totals{Size: 400, Real: newCounts(), Example: newCounts()}
	for _, e := range said(t, messages) {
		c := &want.Real
		if e.Text("organization") == "example" {
			c = &want.Example
		}
		c.Entries++
		c.ByKind[e.Kind.Name]++
		if e.Kind.By == events.RoleLedger {
			continue // of nothing its organization did
		}
		c.ByDay[e.Text("occurredAt")[:10]]++
		if o := e.Text("organization"); o != "" {
			if c.ByOrganization[o] == nil {
				c.ByOrganization[o] = map[string]uint64{}
			}
			c.ByOrganization[o][e.Kind.Name]++
		}
	}
	if fmt.Sprint(totals) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", totals, want)
	}
	if totals.Example.Entries == 0 || totals.Real.Entries+totals.Example.Entries != 400 || totals.Real.ByOrganization["example"] != nil {
		t.Errorf("the example is not counted apart: %v", totals)
	}
}

func TestNothingIsFoundForStrangeQuestions(t *testing.T) {
	r := foldedViews(t, newWorld(t, 16).live(100)).Now()
	for _, id := range []string{"", "?", "d\x00", "\x00", "\xff", "none"} {
		if _, err := r.Item("dataset", id); !errors.Is(err, ErrNotFound) {
			t.Errorf("dataset %q: %v", id, err)
		}
		if _, err := r.Item("dataset\x00"+id, "d"); !errors.Is(err, ErrNotFound) {
			t.Errorf("register of %q: %v", id, err)
		}
		if items, _, err := r.Items("dataset\x00"+id, "", "", 0); items != nil || err != nil {
			t.Errorf("items of %q: %v %v", id, items, err)
		}
	}
	if _, err := r.Entry(^events.Index(0)); !errors.Is(err, ErrNotFound) {
		t.Errorf("the last entry there can be: %v", err)
	}
}
