package projections

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

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
		is(f.Kind, m.entry.Kind.Name) && is(f.Role, m.fold.Role) && is(f.Unit, m.fold.Unit) &&
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
			Kind: some("data.shared"), Role: some("lead"), Unit: some("u/1", "u"),
		}
		r := v.At(events.Size(rng.IntN(640)))
		var want, got []events.Index
		days, roles, kinds, organizations := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
		for _, m := range all[:min(int(r.size), len(all))] {
			if f.holds(m) {
				want = append(want, m.position)
				days[m.fold.Day]++
				kinds[m.entry.Kind.Name]++
				organizations[m.entry.Text("organization")]++
				if m.fold.Role != "" {
					roles[m.fold.Role]++
				}
			}
		}
		shown := fmt.Sprintf("%+v at %d", f, r.size)
		facets, err := r.TrailFacets(f)
		if err != nil || !facets.Complete || facets.Uses != len(want) || !maps.Equal(facets.Days, days) ||
			!maps.Equal(facets.Roles, roles) || !maps.Equal(facets.Kinds, kinds) || !maps.Equal(facets.Organizations, organizations) {
			t.Fatalf("%s: facets %+v, %v; want %v %v %v %v", shown, facets, err, days, roles, kinds, organizations)
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
					m.entry.Text("organization"), m.entry.Kind.Name, m.entry.Text("system"), m.fold.Dataset, m.fold.Actor,
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

// withoutParts leaves out the parts of bulk events, whose heads speak for them.
func withoutParts(all []message) []message {
	return slices.DeleteFunc(slices.Clone(all), func(m message) bool { return isPart(m.entry) })
}

// receives says that m is a receipt of the share by its recipient, or by anybody
// when the recipient is unknown.
func receives(m message, share *events.Entry) bool {
	to := share.Text("recipient")
	return m.entry.Text("counterpart") == share.Name().String() && (to == events.Unknown || to == m.entry.Text("organization"))
}

func TestSharingEqualsACount(t *testing.T) {
	messages := newWorld(t, 32).live(600)
	all, v := observed(t, messages), foldedViews(t, messages)
	rng := rand.New(rand.NewPCG(32, 3))
	some := func(from ...string) string { return append(from, "", "")[rng.IntN(len(from)+2)] }
	for range 80 {
		f := ShareFilter{
			Organization: some("chicago", "example"), Recipient: some("chicago", "?"), Dataset: some("d", "?"),
			DisclosureClass: some("routine", "exigent"), LegalStandard: some("warrant"), Agreement: some("g/1"), From: some("2026-06", "2026-07"), To: some("2026-06", "2026-05"),
			Limit: MaxLimit,
		}
		r := v.At(events.Size(rng.IntN(640)))
		got, err := r.Sharing(f)
		if err != nil {
			t.Fatal(err)
		}
		is := func(want, got string) bool { return want == "" || want == got }
		totals, n, received := map[string]uint64{}, 0, 0
		for _, m := range withoutParts(all[:min(int(r.size), len(all))]) {
			e := m.entry
			month := day(e.Text("occurredAt") + "       ")[:7]
			if e.Kind.Name != "data.shared" || !is(f.Organization, e.Text("organization")) || !is(f.Recipient, e.Text("recipient")) ||
				!is(f.Dataset, e.Text("dataset")) || !is(f.DisclosureClass, e.Text("disclosureClass")) || !is(f.LegalStandard, e.Text("legalStandard")) || !is(f.Agreement, e.Text("agreement")) ||
				month < f.From || f.To != "" && month > f.To {
				continue
			}
			totals[fmt.Sprint(month, e.Text("organization"), e.Text("recipient"), e.Text("dataset"), e.Text("disclosureClass"), e.Text("legalStandard"), e.Text("agreement"))]++
			if n >= len(got.Shares) || got.Shares[n].Position != m.position || got.Shares[n].Name != e.Name() {
				t.Fatalf("%+v at %d: share %d is missing", f, r.size, m.position)
			}
			if at := slices.IndexFunc(all, func(m message) bool { return !isPart(m.entry) && receives(m, e) }); at >= 0 && at < int(r.size) {
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
			key := fmt.Sprint(x.Month, x.Organization, x.Recipient, x.Dataset, x.DisclosureClass, x.LegalStandard, x.Agreement)
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
		upTo := withoutParts(all[:min(size, len(all))])
		var wantShares, wantReceipts, gotShares, gotReceipts []events.Index
		met := map[events.Index]bool{} // shares and receipts whose other side is there
		for _, share := range upTo {
			if share.entry.Kind.Name != "data.shared" {
				continue
			}
			if at := slices.IndexFunc(upTo, func(m message) bool { return receives(m, share.entry) }); at >= 0 {
				met[share.position], met[upTo[at].position] = true, true
				matched++
			} else {
				wantShares = append(wantShares, share.position)
			}
		}
		first := map[string]bool{}
		for _, m := range upTo {
			key := m.entry.Text("counterpart") + m.entry.Text("organization")
			if m.entry.Kind.Name == "data.received" && !first[key] && !met[m.position] {
				wantReceipts = append(wantReceipts, m.position)
			}
			if m.entry.Kind.Name == "data.received" {
				first[key] = true
			}
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

var pseudonym = regexp.MustCompile(`\bnna\b`)

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
	_, _, person := public.Now().Person(events.Handle{1}, "", nil, 0)
	for _, err := range []error{trail, facets, findings, counts, person} {
		if !errors.Is(err, ErrNotKept) {
			t.Error(err)
		}
	}
	for line := range strings.Lines(dump(t, public)) {
		if strings.HasPrefix(line, `"a`) || strings.HasPrefix(line, `"f`) || strings.HasPrefix(line, `"p`) || pseudonym.MatchString(line) {
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
	// A local day, as of a reading, places nothing.
	w.tell("ledger.read", "chicago", "2026-06-20T00:00:00Z", "{'role':'officer','count':3,'reader':'ann','subjects':{'mode':'none'}}")
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
