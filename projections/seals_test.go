package projections

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// sealing says what is said of seals.
type sealing struct{ *world }

const sealSubjects = "'subjects':{'mode':'single','persons':[{'scheme':'email','value':'x@example.org'}]}"

// place says seal.placed and returns its public name.
func (w sealing) place(organization, at, group, review string) string {
	ground := map[string]string{"crime": "CrimePreventionImpaired", "justice": "JudicialProceedingsImpaired"}[group]
	w.tell("seal.placed", organization, at, "{'group':'"+group+"','ground':'"+ground+"','reviewBy':'"+review+"','reviewIn':'"+events.QuarterOf(review)+
		"','until':'2028-01-01','caseRef':'MARKER case','systems':['marker/system'],"+sealSubjects+"}")
	return w.last().Name().String()
}

func (w sealing) extend(organization, at, seal, review string) {
	w.tell("seal.extended", organization, at, "{'seal':'"+seal+"','reviewBy':'"+review+"','reviewIn':'"+events.QuarterOf(review)+"',"+sealSubjects+"}")
}

func (w sealing) lift(organization, at, seal, how string) {
	w.tell("seal.lifted", organization, at, "{'seal':'"+seal+"','how':'"+how+"',"+sealSubjects+"}")
}

// last is the entry said last.
func (w sealing) last() *events.Entry {
	m, err := events.ParseMessage(w.out[len(w.out)-1].Data)
	if err != nil {
		w.tb.Fatal(err)
	}
	e, err := events.ParseEntry(m.Entry)
	if err != nil {
		w.tb.Fatal(err)
	}
	return e
}

// shownSeals is what a reader says of seals, in a few words a line.
func shownSeals(t *testing.T, r Reader, asOf string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, asOf)
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.Seals(at)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, s := range all {
		fmt.Fprintf(&out, "%s: %d stand", s.Organization, s.Standing)
		for _, q := range s.Quarters {
			fmt.Fprintf(&out, "; %s +%d-%d=%d %v %v", q.Quarter, q.Placed, q.Lifted, q.Standing, q.ByGroup, q.ByEnd)
		}
		for _, x := range s.Overdue {
			fmt.Fprintf(&out, "; overdue %d %s %s %s said by %d", x.Position, x.Group, x.PlacedIn, x.ReviewIn, x.SaidBy)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func TestSeals(t *testing.T) {
	w := sealing{newWorld(t, 50)}
	w.open()
	w.say("organization.registered", "chicago", "2026-01-01T00:00:00Z", "{'organization':'chicago','name':'Chicago','kind':'city','timeZone':'America/Chicago'}")
	a := w.place("chicago", "2026-02-01T00:00:00Z", "crime", "2026-04-01")
	b := w.place("chicago", "2026-03-01T00:00:00Z", "justice", "2026-06-30")
	w.place("eugene", "2026-03-01T00:00:00Z", "crime", "2026-03-02") // 4
	w.extend("chicago", "2026-04-02T00:00:00Z", a, "2026-09-30")
	w.lift("chicago", "2026-05-01T00:00:00Z", b, "release")
	w.lift("chicago", "2026-05-02T00:00:00Z", b, "date") // 7: it is lifted
	w.lift("eugene", "2026-05-02T00:00:00Z", a, "officer")
	w.extend("eugene", "2026-05-02T00:00:00Z", a, "2029-09-30")
	w.lift("chicago", "2026-05-02T00:00:00Z", "AAAAAAAAAAAAAAAAAAAAAA", "date") // 10: of no seal
	v := foldedViews(t, w.out)
	placed := "chicago: 2 stand; 2026-Q1 +2-0=2 map[crime:1 justice:1] map[]"
	chicago := "chicago: 1 stand; 2026-Q1 +2-0=2 map[crime:1 justice:1] map[]; 2026-Q2 +0-1=1 map[] map[release:1]"
	eugene := "eugene: 1 stand; 2026-Q1 +1-0=1 map[crime:1] map[]"
	late := "; overdue 4 crime 2026-Q1 2026-Q1 said by 4\n"
	for _, x := range []struct {
		size events.Size
		asOf string
		want string
	}{
		{11, "2026-03-31T23:59:59Z", chicago + "\n" + eugene + "\n"},
		{11, "2026-04-01T00:00:00Z", chicago + "\n" + eugene + late},
		{11, "2026-10-01T04:59:59Z", chicago + "\n" + eugene + late}, // still September in Chicago
		{11, "2026-10-01T05:00:00Z", chicago + "; overdue 2 crime 2026-Q1 2026-Q3 said by 5\n" + eugene + late},
		{5, "2026-07-01T05:00:00Z", placed + "; overdue 2 crime 2026-Q1 2026-Q2 said by 2; overdue 3 justice 2026-Q1 2026-Q2 said by 3\n" + eugene + late},
		{4, "2026-04-01T00:00:00Z", placed + "\n"},
		{1, "2030-04-01T00:00:00Z", ""},
	} {
		if got := shownSeals(t, v.At(x.size), x.asOf); got != x.want {
			t.Errorf("of %d entries at %s:\n%swant\n%s", x.size, x.asOf, got, x.want)
		}
	}
	asOf := time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC)
	list, err := v.Now().Findings(asOf, FindingFilter{Rule: RuleSeal})
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if f := list[0]; f.Organization != "chicago" || f.Evidence["seal"] != a || f.Evidence["reviewIn"] != "2026-Q3" || f.LastDay != "2026-09-30" || fmt.Sprint(f.Positions) != "[2 5]" || f.Last != 5 {
		t.Errorf("the finding is %+v", f)
	}
	if counts, err := v.Now().FindingCounts(asOf); err != nil || counts["eugene"][RuleSeal] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
	totals, err := v.Now().Totals()
	if err != nil || len(totals.Real.ByDay) != 1 { // the organization's; a quarter is no day
		t.Errorf("%v, %v", totals.Real.ByDay, err)
	}
}

// TestSealsPublicAlone holds that the view is the same for who has no key to fold
// headers, and that it has nothing that is sealed.
func TestSealsPublicAlone(t *testing.T) {
	w := sealing{newWorld(t, 51)}
	w.open()
	w.lift("chicago", "2026-05-01T00:00:00Z", w.place("chicago", "2026-02-01T00:00:00Z", "crime", "2026-04-01"), "lapse")
	w.place("chicago", "2026-02-01T00:00:00Z", "justice", "2026-04-01")
	withKey, without := dump(t, foldedViews(t, w.out)), dump(t, publicViews(t, w.out))
	for _, line := range strings.Split(withKey, "\n") {
		if strings.HasPrefix(line, `"ls`) && !strings.Contains(without, line) {
			t.Errorf("without the key there is no %s", line)
		}
	}
	if strings.Count(without, "\"ls") != 3 {
		t.Errorf("the view is\n%s", without)
	}
	for _, secret := range []string{"Impaired", "MARKER", "marker", "2028-01-01", "2026-04-01"} {
		if strings.Contains(withKey, secret) {
			t.Errorf("the views have %q", secret)
		}
	}
}

// publicViews are those that need no key.
func publicViews(t *testing.T, messages []events.Stored) *Views {
	t.Helper()
	v, err := Open(Config{Dir: "views", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	catchUp(t, v, newTape(messages), events.Seq(len(messages)))
	return v
}
