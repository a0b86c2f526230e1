package projections

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// clerk is a world in which requests are dealt with.
type clerk struct{ *world }

// note records an event of the day about the persons of handles, and returns its
// name. The data is JSON in loose quotes, to which subjects are added.
func (w clerk) note(kind, organization, day, data string, counterpart events.EventName, seal *events.FoldSeal, handles ...events.Handle) events.EventName {
	w.tb.Helper()
	f := ownFold()
	f.Day, f.Seal = day, seal
	facts := events.Facts{Name: w.name(), Organization: organization, RecordedAt: start, OccurredOn: day, UntilOn: day, RecordedOn: day, Counterpart: counterpart}
	mode := []string{"none", "single", "several"}[min(len(handles), 2)]
	persons := []map[string]string{}
	for i, h := range handles {
		persons = append(persons, map[string]string{"scheme": "email", "value": fmt.Sprint(i, "@example.org")})
		f.Persons = append(f.Persons, events.FoldPerson{Handle: h, Counter: 1, Relation: "principal"})
		facts.Tags = append(facts.Tags, events.Tag(w.name()))
	}
	slices.SortFunc(facts.Tags, func(a, b events.Tag) int { return strings.Compare(a.String(), b.String()) })
	all := map[string]any{}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(data, "'", `"`)), &all); err != nil {
		w.tb.Fatal(err)
	}
	all["subjects"] = map[string]any{"mode": mode, "persons": persons}
	if handles == nil {
		all["subjects"] = map[string]any{"mode": mode}
	}
	text, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprint(len(w.out)), "source": "daybook", "time": day + "T08:30:00Z",
		"type": events.TypePrefix + kind + events.TypeSuffix, "data": all,
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	e, err := events.ParseEvent(text)
	if err != nil {
		w.tb.Fatalf("%s: %v", kind, err)
	}
	if e.Kind.Seals {
		facts.OccurredOn, facts.RecordedOn = events.QuarterOf(day), events.QuarterOf(day)
	}
	facts.Digests = make([]events.Digest, e.Kind.Slots()+len(handles))
	for i := range facts.Digests {
		w.bytes(facts.Digests[i][:])
	}
	entry, err := e.Entry(facts)
	w.append(f, entry, err)
	return facts.Name
}

var nobody events.EventName

func (w clerk) shares(organization, recipient string, handles ...events.Handle) {
	w.note("data.shared", organization, "2026-06-01", "{'recipient':'"+recipient+"','dataset':'d'}", nobody, nil, handles...)
}

func (w clerk) receives(organization, request, day string, h events.Handle) events.EventName {
	return w.note("request.received", organization, day, "{'request':'"+request+"'}", nobody, nil, h)
}

func (w clerk) decides(organization, decision string, about events.EventName, handles ...events.Handle) events.EventName {
	return w.note("request.decided", organization, "2026-06-20", "{'about':'"+about.String()+"','decision':'"+decision+"'}", nobody, nil, handles...)
}

func (w clerk) answers(organization, recipient string, about events.EventName) {
	more := ""
	if recipient != "" {
		more = ",'recipient':'" + recipient + "'"
	}
	w.note("request.answered", organization, "2026-06-21", "{'about':'"+about.String()+"'"+more+"}", nobody, nil)
}

func (w clerk) shreds(organization string, h events.Handle) {
	w.note("key.shredded", organization, "2026-06-20", "{'what':'person','shred':'AAAAAAAAAAAAAAAAAAAAAA'}", nobody, nil, h)
}

// TestTasks erases somebody and has everybody told.
func TestTasks(t *testing.T) {
	w := clerk{newWorld(t, 5)}
	w.open()
	for _, o := range []string{"acme", "lab", "clinic", "city", "county"} {
		w.say("organization.registered", o, "2026-06-01T08:00:00Z", "{'organization':'"+o+"','name':'"+o+"','kind':'city','timeZone':'Europe/Tallinn'}")
	}
	her, hidden, other := events.Handle(w.name()), events.Handle(w.name()), events.Handle(w.name())
	w.shares("city", "acme", her)
	w.shares("city", "acme", her, other)
	w.shares("city", "city", her)
	w.shares("county", "lab", her)
	w.shares("city", "school", other)
	w.note("seal.placed", "city", "2026-06-02", "{'group':'justice','reviewIn':'2026-Q4'}", nobody, &events.FoldSeal{Of: her, Trail: hidden}, hidden)
	w.shares("city", "clinic", hidden)
	request := w.receives("city", "erasure", "2026-06-03", her)
	decided := w.decides("city", "granted", request, her)
	w.shreds("city", her)
	told := func(want string) {
		t.Helper()
		v := foldedViews(t, w.out)
		list, err := v.Now().Tasks("")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range list {
			if x.Request != request {
				t.Errorf("a task of another request: %+v", x)
			}
			got = append(got, fmt.Sprintf("%s>%s %d %t", x.Organization, x.Recipient, x.Shares, x.Closed != nil))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("tasks %s, want %s", strings.Join(got, ", "), want)
		}
		if of, err := v.Now().Tasks("county"); err != nil || len(of) != 1 {
			t.Errorf("the county's tasks are %v, %v", of, err)
		}
		w.forgotten(v, her, hidden)
	}
	told("city>acme 2 false, city>clinic 1 false, county>lab 1 false")
	// An answer of another organization, or that names another event, closes nothing.
	w.answers("school", "acme", request)
	w.answers("county", "acme", request)
	w.note("data.received", "school", "2026-06-22", "{'counterpart':{'organization':'city','source':'daybook','id':'x'},'dataset':'d'}", decided, nil)
	told("city>acme 2 false, city>clinic 1 false, county>lab 1 false")
	w.answers("city", "acme", request)
	w.note("data.received", "lab", "2026-06-22", "{'counterpart':{'organization':'city','source':'daybook','id':'x'},'dataset':'d'}", decided, nil)
	told("city>clinic 1 false, city>acme 2 true, county>lab 1 true")
	w.note("data.deleted", "clinic", "2026-06-22", "{'counterpart':{'organization':'city','source':'daybook','id':'x'},'dataset':'d','method':'Erase','trigger':'person-request'}", decided, nil)
	told("city>acme 2 true, city>clinic 1 true, county>lab 1 true")
	// Who confirms to have been told received no data that nobody shared.
	_, receipts, err := foldedViews(t, w.out).Now().Unmatched()
	if err != nil || len(receipts) != 0 {
		t.Errorf("receipts of nothing: %+v, %v", receipts, err)
	}
}

// forgotten holds that the views have nothing under the handles.
func (w clerk) forgotten(v *Views, handles ...events.Handle) {
	w.tb.Helper()
	all := dump(w.tb, v)
	for _, h := range handles {
		if strings.Contains(all, strings.Trim(fmt.Sprintf("%q", h[:]), `"`)) {
			w.tb.Error("the views still have a handle")
		}
	}
}

// TestRequestClocks holds by when a request has to be decided, in the zone of the
// organization, and the finding of rule 12.
func TestRequestClocks(t *testing.T) {
	w := clerk{newWorld(t, 6)}
	w.open()
	w.say("organization.registered", "city", "2026-01-01T08:00:00Z", "{'organization':'city','name':'c','kind':'city','timeZone':'Pacific/Auckland'}")
	her := events.Handle(w.name())
	late := w.receives("city", "access", "2026-01-31", her)
	extended := w.receives("city", "access", "2026-01-31", her)
	w.decides("city", "extended", extended, her)
	refused := w.receives("city", "objection", "2026-01-31", her)
	w.decides("city", "refused", refused, her)
	w.answers("city", "", refused)
	v := foldedViews(t, w.out)
	for _, x := range []struct {
		at   string
		late int
	}{{"2026-02-28T10:59:59Z", 0}, {"2026-02-28T11:00:00Z", 1}, {"2026-04-30T11:59:59Z", 1}, {"2026-04-30T12:00:00Z", 2}} {
		asOf, _ := time.Parse(time.RFC3339, x.at)
		list, err := v.Now().Requests(asOf, "city")
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		if list[0].Name != late || list[0].Due != "2026-02-28" || list[1].Name != extended || list[1].Due != "2026-04-30" || list[1].Extended == nil ||
			list[2].Decision != "refused" || list[2].Answered == nil || list[2].Overdue {
			t.Errorf("requests %+v", list)
		}
		found, err := v.Now().Findings(asOf, FindingFilter{Organization: "city", Rule: RuleClock})
		if err != nil || len(found) != x.late {
			t.Fatalf("%s: %d are late, want %d: %v", x.at, len(found), x.late, err)
		}
		for _, f := range found {
			if f.Evidence["request"] != "access" || f.Evidence["received"] != "2026-01-31" || len(f.Positions) != 1 {
				t.Errorf("found %+v", f)
			}
		}
	}
	if of, err := v.Now().Requests(time.Now(), "county"); err != nil || len(of) != 0 {
		t.Errorf("another organization's requests: %v, %v", of, err)
	}
}

// busy deals with n matters at random.
func (w clerk) busy(n int) {
	w.open()
	var open []string
	handles := []events.Handle{events.Handle(w.name()), events.Handle(w.name()), events.Handle(w.name())}
	requests := []events.EventName{}
	organization := func() string { return pick(w.world, "city", "county") }
	for len(w.out) < n {
		i := w.rng.IntN(len(handles))
		switch k := w.rng.IntN(12); {
		case k < 4:
			w.shares(organization(), pick(w.world, "acme", "lab", "city"), handles[i])
		case k < 6 || len(requests) == 0:
			requests = append(requests, w.receives(organization(), pick(w.world, "erasure", "access"), "2026-06-03", handles[i]))
		case k < 8:
			about := requests[w.rng.IntN(len(requests))]
			name := w.decides(organization(), pick(w.world, "granted", "refused", "extended"), about, handles[i])
			open = append(open, name.String())
		case k == 8:
			w.answers(organization(), pick(w.world, "", "acme", "lab"), requests[w.rng.IntN(len(requests))])
		case k == 9 && len(open) > 0:
			name, _ := events.ParseEventName(open[w.rng.IntN(len(open))])
			w.note("data.received", pick(w.world, "acme", "lab"), "2026-06-22", "{'counterpart':{'organization':'city','source':'daybook','id':'x'},'dataset':'d'}", name, nil)
		case k == 10:
			hidden := events.Handle(w.name())
			w.note("seal.placed", "city", "2026-06-02", "{'group':'justice','reviewIn':'2026-Q4'}", nobody, &events.FoldSeal{Of: handles[i], Trail: hidden}, hidden)
			w.shares("city", "lab", hidden)
		default:
			w.shreds("city", handles[i])
			handles[i] = events.Handle(w.name())
		}
	}
}

// TestRequestsAtAnySize folds in any split and holds that each size of the log
// answers as if folding had stopped there.
func TestRequestsAtAnySize(t *testing.T) {
	w := clerk{newWorld(t, 9)}
	w.busy(900)
	whole := foldedViews(t, w.out)
	want := dump(t, whole)
	rng := rand.New(rand.NewPCG(9, 9))
	v := opened(t, vfs.NewMem())
	h := newTape(w.out)
	for at := 0; at < len(w.out); {
		at = min(len(w.out), at+1+rng.IntN(40))
		catchUp(t, v, h, events.Seq(at))
		for _, of := range []string{"", "city", "county"} {
			a, errA := v.Now().Requests(start, of)
			b, errB := whole.At(events.Size(at)).Requests(start, of)
			if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
				t.Fatalf("at %d requests of %q are %+v, want %+v (%v %v)", at, of, b, a, errA, errB)
			}
			x, errX := v.Now().Tasks(of)
			y, errY := whole.At(events.Size(at)).Tasks(of)
			if errX != nil || errY != nil || !reflect.DeepEqual(x, y) {
				t.Fatalf("at %d tasks of %q are %+v, want %+v (%v %v)", at, of, y, x, errX, errY)
			}
		}
	}
	if got := dump(t, v); got != want {
		t.Error("another split folds to something else")
	}
	if tasks, _ := whole.Now().Tasks(""); len(tasks) < 10 {
		t.Errorf("only %d tasks: the test shows little", len(tasks))
	}
}

// TestCorrections finds what corrects an entry, at each size of the log.
func TestCorrections(t *testing.T) {
	w := clerk{newWorld(t, 7)}
	w.open()
	her := events.Handle(w.name())
	wrong := w.note("data.accessed", "city", "2026-06-01", "{'system':'s','operation':'Query','outcome':'success'}", nobody, nil, her)
	for range 2 {
		w.note("event.corrected", "city", "2026-06-02", "{'corrects':'"+wrong.String()+"','reason':'correction'}", nobody, nil, her)
	}
	v := foldedViews(t, w.out)
	for size, want := range [][]events.Index{0: nil, 2: nil, 3: {2}, 4: {2, 3}} {
		got, err := v.At(events.Size(size)).Corrections(wrong)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("at %d it is corrected by %v, want %v (%v)", size, got, want, err)
		}
	}
}
