package projections

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// reports says what services, and the ledger about them, would say at random.
func (w *world) reports(n int) []events.Stored {
	w.open()
	w.say("organization.registered", "city", "2026-06-01T00:00:00Z", "{'organization':'city','name':'City','kind':'city','timeZone':'America/Chicago'}")
	for i := range 4 {
		w.say("system.registered", "city", "2026-06-01T00:00:00Z", fmt.Sprintf("{'system':'s/%d','name':'S','kind':'camera'}", i))
	}
	for len(w.out) < n {
		organization, day := pick(w, "city", "county", ExampleOrganization), 15+w.rng.IntN(10)
		at := fmt.Sprintf("2026-06-%02dT03:30:00Z", day)
		emitter := "{'emitter':'" + organization + "'"
		switch w.rng.IntN(12) {
		case 0:
			w.say("emitter.onboarded", organization, at, emitter+pick(w, "", ",'rhythm':'PT1H'", ",'rhythm':'P3D'")+"}")
		case 1:
			w.say("emitter.counted", organization, at, emitter+fmt.Sprintf(",'on':'2026-06-%02d','count':%d,'unnamed':1,'missing':%d}", day, w.rng.IntN(9), w.rng.IntN(3)))
		case 2:
			w.say("emitter.silent", organization, at, emitter+",'since':'2026-06-"+fmt.Sprint(day)+"'}")
		case 3:
			w.say("emitter.gap", organization, at, emitter+",'missing':7}")
		case 4:
			w.say("emitter.offboarded", organization, at, emitter+"}")
		default:
			w.use(organization, pick(w, "s/1", "s/2", "s/9"), "d", at)
		}
	}
	return w.out
}

// asOfReports is a moment that is another day in Chicago.
var asOfReports = time.Date(2026, 6, 26, 4, 0, 0, 0, time.UTC)

// TestCoverageAtAnySize: what is read at a size is what views folded up to there
// say, and a recount of the entries.
func TestCoverageAtAnySize(t *testing.T) {
	for seed := range uint64(4) {
		messages := newWorld(t, seed).reports(160)
		all := foldedViews(t, messages)
		grown := opened(t, vfs.NewMem())
		for size := 1; size <= len(messages); size += 13 {
			catchUp(t, grown, newTape(messages), events.Seq(size))
			got, want := coverage(t, all.At(events.Size(size)), asOfReports), coverage(t, grown.Now(), asOfReports)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, size %d:\n%+v\nfolded up to there:\n%+v", seed, size, got, want)
			}
			recount(t, got, messages[:size])
		}
	}
}

func coverage(t *testing.T, r Reader, asOf time.Time) Coverage {
	t.Helper()
	c, err := r.Coverage(asOf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recount counts the uses in messages without a view.
func recount(t *testing.T, c Coverage, messages []events.Stored) {
	t.Helper()
	days := map[sourceName]map[string]DayCount{}
	for _, m := range messages {
		got, err := opener(nil).parse(m, m.Seq)
		if err != nil {
			t.Fatal(err)
		}
		if e := got.entry; e.Kind.IsData() {
			unnamed := uint64(0)
			if e.Text("subjects.mode") == "unknown" {
				unnamed = 1
			}
			addUse(days, sourceName{e.Text("organization"), e.Text("source")}, e.Text("recordedAt"), 1, unnamed)
		}
	}
	for _, s := range c.Sources {
		want := days[sourceName{s.Organization, s.Name}]
		sum := DayCount{}
		for _, d := range s.Days {
			if d != want[d.Day] {
				t.Errorf("%s on %s: %+v, want %+v", s.Name, d.Day, d, want[d.Day])
			}
			sum.Events, sum.Unnamed = sum.Events+d.Events, sum.Unnamed+d.Unnamed
		}
		if len(s.Days) != len(want) || sum.Events != s.Events || sum.Unnamed != s.Unnamed {
			t.Errorf("%s: %d days, %d events, %d unnamed; want %v", s.Name, len(s.Days), s.Events, s.Unnamed, want)
		}
		delete(days, sourceName{s.Organization, s.Name})
	}
	if len(days) > 0 {
		t.Errorf("sources are missing: %v", days)
	}
}

func TestCoverageSplitsAndRestarts(t *testing.T) {
	messages := newWorld(t, 9).reports(200)
	want := dump(t, foldedViews(t, messages))
	rng, fs, h := rand.New(rand.NewPCG(1, 1)), vfs.NewMem(), newTape(messages)
	v := opened(t, fs)
	for v.Cursor() < h.Last() {
		catchUp(t, v, h, min(h.Last(), v.Cursor()+events.Seq(1+rng.IntN(30))))
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		v = opened(t, fs)
	}
	if got := dump(t, v); got != want {
		t.Fatalf("folded in parts:\n%s\nat once:\n%s", got, want)
	}
}

// TestCoverageOfASource follows one source through its life.
func TestCoverageOfASource(t *testing.T) {
	w := newWorld(t, 1)
	w.open()
	w.say("organization.registered", "city", "2026-06-01T00:00:00Z", "{'organization':'city','name':'City','kind':'city','timeZone':'America/Chicago'}")
	w.say("system.registered", "city", "2026-06-01T00:00:00Z", "{'system':'s/1','name':'S','kind':'camera'}")
	w.say("system.registered", "city", "2026-06-01T00:00:00Z", "{'system':'s/2','name':'S','kind':'camera'}")
	w.say("system.decommissioned", "city", "2026-06-01T00:00:00Z", "{'system':'s/2','on':'2026-06-02'}")
	use := func(day, mode string, sequence int) {
		w.say("data.collected", "city", day+"T12:00:00Z", fmt.Sprintf("{'system':'s/1','dataset':'d','sequence':%d,'subjects':{'mode':'%s'}}", sequence, mode))
	}
	use("2026-06-03", "none", 1)
	w.say("emitter.onboarded", "city", "2026-06-05T02:00:00Z", "{'emitter':'city','rhythm':'PT1H'}")
	use("2026-06-06", "unknown", 2)
	use("2026-06-06", "none", 6)
	w.say("emitter.counted", "city", "2026-06-07T06:00:00Z", "{'emitter':'city','on':'2026-06-06','count':2,'unnamed':1,'missing':3}")
	w.say("emitter.silent", "city", "2026-06-08T06:00:00Z", "{'emitter':'city','since':'2026-06-06'}")
	w.say("emitter.offboarded", "city", "2026-06-20T01:00:00Z", "{'emitter':'city'}")
	w.say("emitter.onboarded", "city", "2026-06-22T12:00:00Z", "{'emitter':'city'}")
	v := foldedViews(t, w.out)
	at := func(size events.Size, asOf string) Source {
		t.Helper()
		moment, err := time.Parse(time.RFC3339, asOf)
		if err != nil {
			t.Fatal(err)
		}
		c := coverage(t, v.At(size), moment)
		if len(c.Sources) == 0 {
			return Source{}
		}
		return c.Sources[0]
	}
	for _, step := range []struct {
		size   events.Size
		asOf   string
		status SourceStatus
		heard  string
	}{
		{6, "2026-06-04T12:00:00Z", Unannounced, "2026-06-03"},
		{7, "2026-06-05T12:00:00Z", Connected, "2026-06-04"}, // the evening before, there
		{9, "2026-06-08T04:00:00Z", Connected, "2026-06-06"}, // still the 7th
		{9, "2026-06-08T06:00:00Z", Silent, "2026-06-06"},
		{12, "2026-06-20T06:00:00Z", Offboarded, "2026-06-06"},
		{13, "2027-06-22T06:00:00Z", Connected, "2026-06-22"}, // without a rhythm
	} {
		if s := at(step.size, step.asOf); s.Status != step.status || s.Heard != step.heard {
			t.Errorf("of %d entries at %s: %s, heard %s; want %s, %s", step.size, step.asOf, s.Status, s.Heard, step.status, step.heard)
		}
	}
	if s := at(9, "2026-06-08T06:00:00Z"); s.SilentBy != nil || s.CountedBy != nil || s.Missing != 0 {
		t.Errorf("said before it was: %+v", s)
	}
	s := at(11, "2026-06-08T06:00:00Z")
	if s.SilentBy == nil || *s.SilentBy != 10 || *s.CountedBy != 9 || *s.AnnouncedBy != 6 || s.Counted != (LedgerCount{"2026-06-06", 2, 1, 3}) || s.Missing != 3 {
		t.Errorf("%+v", s)
	}
	if s = at(13, "2026-06-23T06:00:00Z"); s.Since != "2026-06-04" || s.Connected != "2026-06-22" || s.Ended != "" || s.Rhythm != "" || s.SilentBy != nil {
		t.Errorf("connected again: %+v", s)
	}
	if s := at(12, "2026-06-23T06:00:00Z"); s.Ended != "2026-06-19" || s.Events != 3 || s.Unnamed != 1 || s.First != "2026-06-03" || s.Last != "2026-06-06" {
		t.Errorf("disconnected: %+v", s)
	}
	checkReach(t, v)
	checkSilence(t, v)
	checkNumbers(t, v)
}

func checkReach(t *testing.T, v *Views) {
	t.Helper()
	for size, unheard := range map[events.Size]int{5: 1, 6: 0} {
		c := coverage(t, v.At(size), start)
		if len(c.Systems) != 1 || c.Systems[0].Registered != 1 || len(c.Systems[0].Unheard) != unheard {
			t.Errorf("of %d entries: systems %+v, want %d unheard", size, c.Systems, unheard)
		}
	}
}

// checkSilence: rule 9 finds the silence, names it alike on every day, and no
// other.
func checkSilence(t *testing.T, v *Views) {
	t.Helper()
	silent := func(size events.Size, day int) (out []Finding) {
		found, err := v.At(size).Findings(time.Date(2026, 6, day, 12, 0, 0, 0, time.UTC), FindingFilter{Rule: RuleSequence})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Code == "silent" {
				out = append(out, f)
			}
		}
		return out
	}
	if one := silent(9, 7); len(one) != 0 {
		t.Errorf("found too early: %+v", one)
	}
	one, two := silent(9, 8), silent(11, 15)
	if len(one) != 1 || len(two) != 1 || one[0].ID != two[0].ID {
		t.Fatalf("found %+v, then %+v", one, two)
	}
	if f := one[0]; f.Evidence["source"] != "city" || f.Evidence["since"] != "2026-06-06" || f.First != 6 || f.FirstDay != "2026-06-06" {
		t.Errorf("%+v", f)
	}
	if rest := silent(12, 25); len(rest) != 0 {
		t.Errorf("a source that ended: %+v", rest)
	}
}

func checkNumbers(t *testing.T, v *Views) {
	t.Helper()
	for size, want := range map[events.Size]uint64{8: 0, 9: 3, 13: 3} {
		if n, err := v.At(size).Missing("city", "city"); n != want || err != nil {
			t.Errorf("of %d entries: %d missing, %v; want %d", size, n, err, want)
		}
	}
	got, err := v.Now().Ranges("city", "city")
	if want := [][2]int64{{1, 2}, {6, 6}}; err != nil || !reflect.DeepEqual(got.Whole(), want) || got.Lost != 0 {
		t.Errorf("%v, %v, want %v", got.Whole(), err, want)
	}
	for _, name := range []string{"other", "a\x00b"} {
		if _, err := v.Now().Ranges("city", name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestDue: the last day of a rhythm, in days as the public sees them.
func TestDue(t *testing.T) {
	for rhythm, want := range map[string]string{
		"": "", "PT1H": "2026-02-01", "P1D": "2026-02-01", "PT36H": "2026-02-02", "P1W": "2026-02-07", "P1M": "2026-02-28", "P9999Y": "", "x": "",
	} {
		if got := (&Source{Heard: "2026-01-31", Rhythm: rhythm}).due(); got != want {
			t.Errorf("%s: %s, want %s", rhythm, got, want)
		}
	}
	for _, pair := range [][2]string{{"PT1H", "P1D"}, {"PT59M", "PT1H"}, {"P30D", "P1M"}, {"P1Y", ""}} {
		if !ShorterRhythm(pair[0], pair[1]) || ShorterRhythm(pair[1], pair[0]) {
			t.Errorf("%v", pair)
		}
	}
}
