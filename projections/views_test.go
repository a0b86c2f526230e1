package projections

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// observed are the messages of a world with their fold headers.
func observed(t *testing.T, messages []events.Stored) []message {
	t.Helper()
	out := make([]message, len(messages))
	for i, s := range messages {
		var err error
		if out[i], err = opener(openFold).parse(s, events.Seq(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// holds is what a filter means, without any index.
func (f TrailFilter) holds(m message) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return m.entry.Kind.IsData() && is(f.Organization, m.entry.Text("organization")) && is(f.System, m.entry.Text("system")) &&
		is(f.Dataset, m.fold.Dataset) && is(f.Actor, m.fold.Actor) && is(f.Day, m.fold.Day) &&
		m.fold.Day >= f.From && (f.To == "" || m.fold.Day <= f.To) && (f.After == nil || m.position > *f.After)
}

func TestTrailFindsWhatASearchOfAllFinds(t *testing.T) {
	messages := newWorld(t, 31).live(600)
	all, v := observed(t, messages), foldedViews(t, messages)
	rng := rand.New(rand.NewPCG(31, 3))
	some := func(from ...string) string { return append(from, "", "")[rng.IntN(len(from)+2)] }
	for range 120 {
		f := TrailFilter{
			Organization: some("chicago", "example", "none"), System: some("s", "s/1", "?"), Dataset: some("d", "d/2", "?"),
			Actor: some("nna", "bob", "ann"), Day: some("2026-06-23", "2026"), From: some("2026-06-17", "2026-06-20"),
			To: some("2026-06-19", "2026-06-24"), Limit: 1 + rng.IntN(40),
		}
		r := v.At(events.Size(rng.IntN(640)))
		var want, got []events.Index
		days := map[string]int{}
		for _, m := range all[:min(int(r.size), len(all))] {
			if f.holds(m) {
				want = append(want, m.position)
				days[m.fold.Day]++
			}
		}
		shown := fmt.Sprintf("%+v at %d", f, r.size)
		facets, err := r.TrailFacets(f)
		if err != nil || !facets.Complete || facets.Uses != len(want) || !maps.Equal(facets.Days, days) {
			t.Fatalf("%s: facets %+v, %v; want %v", shown, facets, err, days)
		}
		r.steps = 1 + rng.IntN(200)
		if few, err := r.TrailFacets(f); err != nil || few.Uses > facets.Uses || few.Complete && few.Uses < facets.Uses {
			t.Fatalf("%s: %d of %d uses are taken for all, %v", shown, few.Uses, facets.Uses, err)
		}
		for pages := 0; ; pages++ {
			uses, next, err := r.Trail(f)
			if err != nil || len(uses) > f.Limit || pages > len(messages) {
				t.Fatalf("%s: page %d: %d uses, %v", shown, pages, len(uses), err)
			}
			for _, u := range uses {
				m := all[u.Position]
				got = append(got, u.Position)
				want := Use{
					Found{m.position, m.raw},
					m.entry.Text("organization"), m.entry.Text("system"), m.fold.Dataset, m.fold.Actor,
					m.fold.Role, m.fold.Unit, m.fold.Day, m.fold.Hour, m.fold.HasReason,
				}
				if fmt.Sprintf("%+v", u) != fmt.Sprintf("%+v", want) {
					t.Fatalf("%s: %+v, want %+v", shown, u, want)
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

func TestSharingEqualsACount(t *testing.T) {
	messages := newWorld(t, 32).live(600)
	all, v := observed(t, messages), foldedViews(t, messages)
	rng := rand.New(rand.NewPCG(32, 3))
	some := func(from ...string) string { return append(from, "", "")[rng.IntN(len(from)+2)] }
	for range 80 {
		f := ShareFilter{
			Organization: some("chicago", "example"), Recipient: some("chicago", "?"), Dataset: some("d", "?"),
			DisclosureClass: some("routine", "exigent"), LegalStandard: some("warrant"), From: some("2026-06", "2026-07"), To: some("2026-06", "2026-05"),
			Limit: MaxLimit,
		}
		r := v.At(events.Size(rng.IntN(640)))
		got, err := r.Sharing(f)
		if err != nil {
			t.Fatal(err)
		}
		is := func(want, got string) bool { return want == "" || want == got }
		totals, n, received := map[string]uint64{}, 0, 0
		for _, m := range all[:min(int(r.size), len(all))] {
			e := m.entry
			month := day(e.Text("occurredAt") + "       ")[:7]
			if e.Kind.Name != "data.shared" || !is(f.Organization, e.Text("organization")) || !is(f.Recipient, e.Text("recipient")) ||
				!is(f.Dataset, e.Text("dataset")) || !is(f.DisclosureClass, e.Text("disclosureClass")) || !is(f.LegalStandard, e.Text("legalStandard")) ||
				month < f.From || f.To != "" && month > f.To {
				continue
			}
			totals[fmt.Sprint(month, e.Text("organization"), e.Text("recipient"), e.Text("dataset"), e.Text("disclosureClass"), e.Text("legalStandard"))]++
			if n >= len(got.Shares) || got.Shares[n].Position != m.position || got.Shares[n].Name != e.Name() {
				t.Fatalf("%+v at %d: share %d is missing", f, r.size, m.position)
			}
			if at := slices.IndexFunc(all, func(m message) bool { return m.entry.Text("counterpart") == e.Name().String() }); at >= 0 && at < int(r.size) {
				received++
				if by := got.Shares[n].ReceivedBy; by == nil || *by != events.Index(at) {
					t.Fatalf("share %d is received by %v, want %d", m.position, by, at)
				}
			} else if got.Shares[n].ReceivedBy != nil {
				t.Fatalf("share %d is received", m.position)
			}
			n++
		}
		if n != len(got.Shares) || got.Next != nil || uint64(n) != got.Real+got.Example {
			t.Fatalf("%+v at %d: %d shares, %d and %d counted, want %d", f, r.size, len(got.Shares), got.Real, got.Example, n)
		}
		for _, x := range got.Totals {
			key := fmt.Sprint(x.Month, x.Organization, x.Recipient, x.Dataset, x.DisclosureClass, x.LegalStandard)
			if totals[key] != x.Count {
				t.Errorf("%s: %d, want %d", key, x.Count, totals[key])
			}
			delete(totals, key)
		}
		if len(totals) > 0 {
			t.Errorf("%+v: totals lack %v", f, totals)
		}
	}
}

func TestUnmatchedBothWays(t *testing.T) {
	messages := newWorld(t, 33).live(500)
	all, v := observed(t, messages), foldedViews(t, messages)
	matched := 0
	for size := 0; size < 520; size += 13 {
		upTo := all[:min(size, len(all))]
		shared, received := map[string]bool{}, map[string]bool{}
		for _, m := range upTo {
			shared[m.entry.Name().String()] = m.entry.Kind.Name == "data.shared"
			received[m.entry.Text("counterpart")] = true
		}
		var wantShares, wantReceipts, gotShares, gotReceipts []events.Index
		first := map[string]bool{}
		for _, m := range upTo {
			of := m.entry.Text("counterpart")
			switch {
			case m.entry.Kind.Name == "data.shared" && !received[m.entry.Name().String()]:
				wantShares = append(wantShares, m.position)
			case of != "" && !shared[of] && !first[of]:
				wantReceipts = append(wantReceipts, m.position)
			case of != "":
				matched++
			}
			first[of] = true
		}
		shares, receipts, err := v.At(events.Size(size)).Unmatched()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shares {
			gotShares = append(gotShares, s.Position)
		}
		for _, x := range receipts {
			gotReceipts = append(gotReceipts, x.Position)
		}
		if !slices.Equal(gotShares, wantShares) || !slices.Equal(gotReceipts, wantReceipts) {
			t.Errorf("at %d: %v %v, want %v %v", size, gotShares, gotReceipts, wantShares, wantReceipts)
		}
	}
	if matched == 0 {
		t.Error("nothing ever matches")
	}
}

func TestRetention(t *testing.T) {
	w := newWorld(t, 34)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		w.say("dataset.registered", "chicago", "2026-01-01T00:00:00Z", "{'dataset':'"+id+"','title':'T'}")
	}
	set := func(id, on, rule string) {
		w.say("retention.set", "chicago", on+"T00:00:00Z", "{'dataset':'"+id+"',"+rule+"}")
	}
	deleted := func(id, on, trigger string) {
		w.say("data.deleted", "chicago", on+"T00:00:00Z", "{'dataset':'"+id+"','method':'Erase','trigger':'"+trigger+"','subjects':{'mode':'none'}}")
	}
	set("a", "2026-01-31", "'period':'P1M'")
	set("b", "2026-01-31", "'period':'P1Y'")
	set("b", "2026-02-10", "'period':'P30D','method':'Erase'")
	w.say("data.collected", "chicago", "2026-01-20T00:00:00Z", "{'dataset':'b','system':'s','subjects':{'mode':'none'}}")
	set("c", "2026-01-31", "'period':'P10D'")
	deleted("c", "2026-02-20", "retention-end")
	deleted("c", "2026-02-10", "policy") // told late
	deleted("c", "2026-02-28", "person-request")
	set("d", "2026-01-31", "'period':'P1D','trigger':'case-closed'")
	deleted("e", "2026-02-01", "policy") // without a rule
	set("f", "2026-01-31", "'period':'P1D'")
	w.say("dataset.retired", "chicago", "2026-02-01T00:00:00Z", "{'dataset':'f','on':'2026-02-02'}")
	deleted("f", "2026-02-03", "decommission")
	r := foldedViews(t, w.out).Now()
	for _, c := range []struct{ on, want string }{
		{"2026-02-18", "a 2026-02-28 due b 2026-02-19 due c 2026-03-02 done d  untold f  done"},
		{"2026-02-28", "a 2026-02-28 due b 2026-02-19 overdue c 2026-03-02 done d  untold f  done"},
		{"2026-03-02", "a 2026-02-28 overdue b 2026-02-19 overdue c 2026-03-02 due d  untold f  done"},
		{"2026-03-03", "a 2026-02-28 overdue b 2026-02-19 overdue c 2026-03-02 overdue d  untold f  done"},
	} {
		asOf, _ := dayOn(c.on)
		list, err := r.Retention(asOf)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range list {
			got = append(got, d.Dataset, d.Due, string(d.Status))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("on %s: %s, want %s", c.on, strings.Join(got, " "), c.want)
		}
		counts, err := r.FindingCounts(asOf)
		if n := strings.Count(c.want, "overdue"); err != nil || counts["chicago"][RuleAge] != n {
			t.Errorf("on %s: %v, %v", c.on, counts, err)
		}
	}
	// The evening of the day before is still the day before.
	list, err := r.Retention(time.Date(2026, 3, 2, 23, 0, 0, 0, time.FixedZone("", -8*3600)))
	if c := list[2]; err != nil || c.Status != Due || c.Deleted != "2026-02-20" || c.Deletions != 2 || *c.DeletedBy != 11 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestPeriodsInCalendarTerms(t *testing.T) {
	for _, c := range []struct{ from, period, later, earlier string }{
		{"2026-01-31", "P1M", "2026-02-28T00:00:00", "2025-12-31T00:00:00"},
		{"2024-02-29", "P1Y", "2025-02-28T00:00:00", "2023-02-28T00:00:00"},
		{"2024-02-29", "P4Y", "2028-02-29T00:00:00", "2020-02-29T00:00:00"},
		{"2026-03-31", "P1M1D", "2026-05-01T00:00:00", "2026-02-27T00:00:00"},
		{"2026-06-24", "P2W", "2026-07-08T00:00:00", "2026-06-10T00:00:00"},
		{"2026-06-24", "PT36H", "2026-06-25T12:00:00", "2026-06-22T12:00:00"},
		{"2026-06-24", "P1Y6M", "2027-12-24T00:00:00", "2024-12-24T00:00:00"},
		{"2026-06-24", "P0D", "2026-06-24T00:00:00", "2026-06-24T00:00:00"},
		{"2026-06-24", "PT90M30S", "2026-06-24T01:30:30", "2026-06-23T22:29:30"},
		{"2026-06-24", "P5000Y", "7026-06-24T00:00:00", ""},
		{"2026-06-24", "P9000Y", "", ""},
		{"2026-06-24", "P999999999Y999999999M999999999W999999999DT999999999H", "", ""},
		{"2026-06-24", "PT999999999999999999999H", "", ""},
		{"2026-06-24", "1Y", "", ""},
		{"2026-06-24", "P1", "", ""},
		{"2026-06-24", "PY", "", ""},
	} {
		from, _ := dayOn(c.from)
		show := func(at time.Time, ok bool) string {
			if !ok {
				return ""
			}
			return at.Format("2006-01-02T15:04:05")
		}
		if got := show(later(from, c.period)); got != c.later {
			t.Errorf("%s + %s = %s, want %s", c.from, c.period, got, c.later)
		}
		if got := show(earlier(from, c.period)); got != c.earlier {
			t.Errorf("%s - %s = %s, want %s", c.from, c.period, got, c.earlier)
		}
	}
}

func TestOfficersViewsNeedTheFoldKey(t *testing.T) {
	messages := newWorld(t, 35).live(120)
	h, fs := newTape(messages), vfs.NewMem()
	v := opened(t, fs)
	catchUp(t, v, h, 100)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	public, err := Open(Config{Dir: "views", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if public.Cursor() != 100 {
		t.Errorf("the public views were folded again: %d", public.Cursor())
	}
	catchUp(t, public, h, 120)
	_, _, trail := public.Now().Trail(TrailFilter{})
	_, facets := public.Now().TrailFacets(TrailFilter{})
	_, findings := public.Now().Findings(start, FindingFilter{})
	_, counts := public.Now().FindingCounts(start)
	for _, err := range []error{trail, facets, findings, counts} {
		if !errors.Is(err, ErrNotKept) {
			t.Error(err)
		}
	}
	for line := range strings.Lines(dump(t, public)) {
		if strings.HasPrefix(line, `"a`) || strings.HasPrefix(line, `"f`) || strings.Contains(line, "nna") {
			t.Fatalf("of the officers' views is left: %s", line)
		}
	}
	if err := public.Close(); err != nil {
		t.Fatal(err)
	}
	v = opened(t, fs)
	catchUp(t, v, h, 120)
	if dump(t, v) != dump(t, foldedViews(t, messages)) {
		t.Error("with the key again, the contents are others")
	}
	v, err = Open(Config{Dir: "views", FS: vfs.NewMem(), Open: func(m events.Message) (events.Fold, error) {
		if string(m.Entry) == string(observed(t, messages)[20].raw) {
			return events.Fold{}, errors.New("another key")
		}
		return openFold(m)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.CatchUp(t.Context(), h, 120); err == nil || !strings.Contains(err.Error(), "21") || v.Cursor() != 20 {
		t.Errorf("a header under another key: %v at %d", err, v.Cursor())
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

func TestAsOfIsTheEndOfADay(t *testing.T) {
	w := newWorld(t, 36)
	for i := range 3 {
		w.recorded = start.AddDate(0, 0, 2*i) // 24, 26 and 28 June
		w.say("dataset.registered", "chicago", "2026-01-01T00:00:00Z", fmt.Sprintf("{'dataset':'d','title':'T%d'}", i))
		w.say("data.deleted", "chicago", "2026-06-01T00:00:00Z", "{'dataset':'d','method':'Erase','trigger':'policy','subjects':{'mode':'none'}}")
	}
	v := foldedViews(t, w.out)
	for day, want := range map[string]string{
		"2026-06-23": "", "2026-06-24": "T0", "2026-06-25": "T0", "2026-06-26": "T1", "2026-06-28": "T2", "2027": "T2", "": "",
	} {
		r, err := v.Now().AsOf(day)
		if err != nil {
			t.Fatal(err)
		}
		item, err := r.Item("dataset", "d")
		if title := (values{item.Fields}).text("title"); title != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", day, title, err)
		}
	}
	if r, err := v.At(2).AsOf("2027-01-01"); err != nil || r.size != 2 {
		t.Errorf("as of a day the reader has %d, %v", r.size, err)
	}
}
