package intake_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

var second = intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "city"}, Name: "fedcba9876543210"}

// berta is over whom the seals of these tests are placed.
var berta = events.Person{Scheme: "plate", Value: "BER 7", Relation: "principal"}

// ordered is an order for the case of the notary chamber.
func ordered() intake.SealOrder {
	return intake.SealOrder{Person: berta, Ground: "JudicialProceedingsImpaired", ReviewBy: "2026-12-01", Until: "2026-12-31", Case: "N-17"}
}

// use is a use of data about berta, by system in a case.
func use(id, system, caseRef string) string {
	return said("data.accessed", id, fmt.Sprintf(`{"system":%q,"operation":"Consult","outcome":"success","dataset":"city/people","caseRef":%q,`+
		`"reasonText":"why","subjects":{"mode":"single","persons":[{"scheme":"plate","value":"BER7"}]}}`, system, caseRef))
}

// trail is the handle and counter of the one person that an entry is about.
func (h *house) trail(t testing.TB, i events.Index) events.FoldPerson {
	t.Helper()
	m, _ := h.message(t, i)
	fold := foldOpener(h)(t, m)
	if len(fold.Persons) != 1 {
		t.Fatalf("entry %d is about %d persons", i, len(fold.Persons))
	}
	return fold.Persons[0]
}

// place places a seal, which must be accepted.
func (h *house) place(t testing.TB, o intake.SealOrder) intake.Placed {
	t.Helper()
	return must[intake.Placed](t)(h.desk(opening{}).PlaceSeal(t.Context(), officer, second, o))
}

// isHidden says whether the use at i is on another trail than berta's own.
func (h *house) isHidden(t testing.TB, i events.Index) bool {
	t.Helper()
	return h.trail(t, i).Handle != h.person(t, "plate", "BER7").Handle()
}

// TestSeal follows one seal from its placing to its disclosure. What was in her
// trail before stays there, what the seal covers leaves no trace in it, what is
// read of that neither, and in the end one event gives her all of it.
func TestSeal(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("o"))
	before := h.submit(t, use("1", "city/app", "N-17"))[0].Position
	placed := h.place(t, ordered())
	hers := h.person(t, "plate", "BER7")
	hidden := h.trail(t, placed.Position)
	if h.trail(t, before) != (events.FoldPerson{Handle: hers.Handle(), Counter: 1, Generation: 1, Relation: "principal"}) || hidden.Handle == hers.Handle() || hidden.Counter != 1 {
		t.Fatalf("before %v, the seal's %v", h.trail(t, before), hidden)
	}
	during := h.submit(t, use("2", "city/app", "N-17"), use("3", "city/app", "other"))
	if got := h.trail(t, during[0].Position); got.Handle != hidden.Handle || got.Counter != 2 {
		t.Errorf("a sealed use is on %v", got)
	}
	if got := h.trail(t, during[1].Position); got.Handle != hers.Handle() || got.Counter != 2 {
		t.Errorf("a use in another case is on %v", got)
	}
	read := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, during[0].Position))
	if got := h.trail(t, read.Reading); got.Handle != hidden.Handle || got.Counter != 3 {
		t.Errorf("the reading of a sealed use is on %v", got)
	}
	lifted := must[intake.Lifted](t)(h.desk(opening{}).LiftSeal(t.Context(), officer, placed.Seal))
	if got := h.trail(t, lifted.Position); got.Handle != hidden.Handle || got.Counter != 4 {
		t.Errorf("the lifting is on %v", got)
	}
	if got := h.trail(t, lifted.Disclosed); got.Handle != hers.Handle() || got.Counter != 3 {
		t.Errorf("the disclosure is on %v", got)
	}
	after := h.submit(t, use("4", "city/app", "N-17"))[0].Position
	again := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, during[0].Position))
	for i, at := range []events.Index{after, again.Reading} {
		if got := h.trail(t, at); got.Handle != hers.Handle() || got.Counter != uint64(4+i) {
			t.Errorf("after the seal entry %d is on %v", at, got)
		}
	}
	h.checkDisclosed(t, lifted.Disclosed, 3, placed, []events.Index{placed.Position, during[0].Position, read.Reading, lifted.Position})
	h.walk(t)
}

// checkDisclosed does what she does, with her own key alone: the i-th event of her
// trail gives her the key and the length of the hidden trail, whose entries have
// the tags of that key, and whose slots open with it.
func (h *house) checkDisclosed(t testing.TB, at events.Index, i uint64, placed intake.Placed, hidden []events.Index) {
	t.Helper()
	key := h.person(t, "plate", "BER7").EventKey(i)
	told := h.slot(t, at, key)
	root, _ := base64.RawURLEncoding.DecodeString(strings.Trim(told["key"], `"`))
	if told["seal"] != fmt.Sprintf("%q", placed.Seal) || told["events"] != fmt.Sprint(len(hidden)) || len(root) != 32 {
		t.Fatalf("she is told %v of %d events", told, len(hidden))
	}
	for n, at := range hidden {
		k := eventKey(root, uint64(n+1))
		_, e := h.message(t, at)
		if tags := e.Texts("subjects.tags"); !slices.Equal(tags, []string{tagUnder(k).String()}) {
			t.Errorf("hidden entry %d has the tags %v", at, tags)
		}
		if slot := h.slot(t, at, k); slot["subject"] == "" || slot["occurredAt"] == "" {
			t.Errorf("of hidden entry %d she sees %v", at, slot)
		}
	}
}

// slot opens her slot of an entry with the key of the event.
func (h *house) slot(t testing.TB, at events.Index, key [32]byte) map[string]string {
	t.Helper()
	m, e := h.message(t, at)
	ad := events.HashEntry(m.Entry)
	for _, box := range m.Boxes {
		if box.Kind == events.BoxPerson {
			plain := must[[]byte](t)(events.OpenBox(events.BoxKey("person", key[:]), ad[:], box.Data))
			h.checkSlip(t, e, plain)
			return shown(must[events.Slip](t)(events.ParseSlip(plain)))
		}
	}
	t.Fatalf("entry %d has no slot for a person", at)
	return nil
}

// TestSealShowsNothing holds every word of the public entries of a seal.
func TestSealShowsNothing(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("o"))
	o := ordered()
	o.Systems, o.Oral, o.Source, o.ID = []string{"city/app"}, true, "chamber", "notice 9"
	d := h.desk(opening{})
	placed := h.place(t, o)
	extended := must[intake.Placed](t)(d.ExtendSeal(t.Context(), second, officer, placed.Seal, intake.SealDates{ReviewBy: "2027-01-02"}))
	lifted := must[intake.Lifted](t)(d.LiftSeal(t.Context(), officer, placed.Seal))
	common := `"kind":%q,"occurredAt":"2026-Q2","organization":"city","recordedAt":"2026-Q2",`
	for at, want := range map[events.Index]string{
		placed.Position:   `"group":"justice",` + fmt.Sprintf(common, "seal.placed") + `"reviewIn":"2026-Q4","source":"daybook","subjects":{"mode":"single"}}`,
		extended.Position: fmt.Sprintf(common, "seal.extended") + fmt.Sprintf(`"reviewIn":"2027-Q1","seal":%q,"source":"daybook","subjects":{"mode":"single"}}`, placed.Seal),
		lifted.Position:   `"how":"officer",` + fmt.Sprintf(common, "seal.lifted") + fmt.Sprintf(`"seal":%q,"source":"daybook","subjects":{"mode":"single"}}`, placed.Seal),
		lifted.Disclosed:  `"kind":"event.disclosed","occurredAt":"2026-06-25","organization":"city","recordedAt":"2026-06-25","source":"daybook","subjects":{"mode":"single"}}`,
	} {
		_, e := h.message(t, at)
		if got := masked(t, e); got != want {
			t.Errorf("entry %d shows\n%s, want\n%s", at, got, want)
		}
	}
	details := h.readOf(t, placed.Position)
	for name, want := range map[string]string{
		"ground": `"JudicialProceedingsImpaired"`, "systems": `["city/app"]`, "caseRef": `"N-17"`, "oral": "true", "officer": `"0123456789abcdef"`,
		"approver": `"fedcba9876543210"`, "reviewBy": `"2026-12-01"`, "until": `"2026-12-31"`, "releasedBy": fmt.Sprintf("%q", h.ring.EventName("chamber", "notice 9")),
	} {
		if details[name] != want {
			t.Errorf("sealed %s is %s, want %s", name, details[name], want)
		}
	}
	if lifted := h.readOf(t, lifted.Disclosed); lifted["key"] != "" || lifted["seal"] != "" {
		t.Errorf("officers are shown of a disclosure: %v", lifted)
	}
}

// masked is an entry without what is random in it: name, digests and tags.
func masked(t testing.TB, e *events.Entry) string {
	t.Helper()
	o := events.Object{}
	for _, m := range e.Fields() {
		if m.Name == "subjects" {
			inside := events.Object{}
			for _, s := range m.Value.Object() {
				if s.Name != "tags" {
					inside = inside.With(s.Name, s.Value)
				}
			}
			m.Value = events.Nested(inside)
		}
		if m.Name != "event" && m.Name != "_sd" && m.Name != "$" {
			o = append(o, m)
		}
	}
	return strings.TrimPrefix(string(o.Append(nil)), "{")
}

// TestSealCovers holds which uses fall under which seal.
func TestSealCovers(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	for name, x := range map[string]struct {
		systems  []string
		caseRef  string
		use      string
		by       string
		isHidden bool
	}{
		"everything":            {nil, "", use("%s", "city/app", "x"), "city", true},
		"of another":            {nil, "", use("%s", "city/app", "x"), "county", false},
		"system":                {[]string{"city/app"}, "", use("%s", "city/app", "x"), "city", true},
		"other system":          {[]string{"city/app"}, "", use("%s", "city/other", "x"), "city", false},
		"case":                  {nil, "N-17", use("%s", "city/app", "N-17"), "city", true},
		"other case":            {nil, "N-17", use("%s", "city/app", "N-18"), "city", false},
		"same case of another":  {nil, "N-17", use("%s", "city/app", "N-17"), "county", false},
		"system or case":        {[]string{"city/app"}, "N-17", use("%s", "city/other", "N-17"), "city", true},
		"neither system":        {[]string{"city/app"}, "N-17", use("%s", "city/other", "N-18"), "city", false},
		"one of systems":        {[]string{"city/other", "city/app"}, "", use("%s", "city/app", "x"), "city", true},
		"of a system of others": {[]string{"city/app"}, "", use("%s", "city/app", "x"), "county", false},
	} {
		o := ordered()
		o.Systems, o.Case = x.systems, x.caseRef
		placed := h.place(t, o)
		event := submitted(t, fmt.Sprintf(x.use, name))
		event[0].Organization = x.by
		at := must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), event))[0].Position
		if h.isHidden(t, at) != x.isHidden {
			t.Errorf("%s: hidden %v, want %v", name, !x.isHidden, x.isHidden)
		}
		must[intake.Lifted](t)(h.desk(opening{}).LiftSeal(t.Context(), officer, placed.Seal))
		if at := h.submit(t, use("after "+name, "city/app", "N-17"))[0].Position; h.isHidden(t, at) {
			t.Errorf("%s: a lifted seal still covers", name)
		}
	}
	h.walk(t)
}

// TestSealInOneBatch places, uses and lifts with nothing durable in between: an
// event falls under what stands before it in the batch.
func TestSealInOneBatch(t *testing.T) {
	h := openHouse(t, plan{now: recorded, idle: true})
	must[[]intake.Subject](t)(h.ring.Prepare([]events.Person{berta}, nil))
	hidden := must[intake.Subject](t)(h.ring.Hide(berta, "seal/1"))
	name := h.ring.EventName("daybook", "seal/1")
	subjects := events.Nested(events.Object{{Name: "mode", Value: events.String("single")}, {Name: "persons", Value: events.List(events.Nested(berta.Object()))}})
	own := func(kind, id string, data events.Object) intake.Submitted {
		e := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"daybook","type":"org.daybook.%s.v1","time":"2026-06-24T21:30:00Z","data":%s}`,
			id, kind, data.With("subjects", subjects).Append(nil))
		return intake.Submitted{Event: must[*events.Event](t)(events.ParseEvent([]byte(e))), Organization: "city", Trails: []events.Handle{hidden.Handle()}}
	}
	dates := events.Object{}.With("reviewIn", events.String("2026-Q4")).With("reviewBy", events.String("2026-12-01"))
	about := events.Object{}.With("seal", events.String(name.String()))
	list := []intake.Submitted{
		submitted(t, use("1", "city/app", "x"))[0],
		own("seal.placed", "seal/1", dates.With("group", events.String("crime")).With("ground", events.String("CrimeDetectionImpaired"))),
		submitted(t, use("2", "city/app", "x"))[0],
		own("seal.lifted", "l", about.With("how", events.String("officer"))),
		submitted(t, use("3", "city/app", "x"))[0],
		own("seal.extended", "e", dates.With("seal", events.String(name.String()))),
		own("seal.lifted", "l2", about.With("how", events.String("date"))),
	}
	done := make(chan []intake.Outcome)
	go func() { done <- must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), list)) }()
	for h.writer.Queued() < len(list) {
		time.Sleep(time.Millisecond)
	}
	h.idle = false
	h.start()
	got := <-done
	if statuses(got) != "201 201 201 201 201 409 409" {
		t.Fatal(statuses(got))
	}
	if h.isHidden(t, got[0].Position) || !h.isHidden(t, got[2].Position) || h.isHidden(t, got[4].Position) {
		t.Error("an event does not fall under what stands before it")
	}
	h.walk(t)
}

// TestSealOrders refuses what is no order, by its field.
func TestSealOrders(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("o"), accessed("here", "", ""))
	county := intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "county"}, Name: "of the county"}
	auditor := intake.Reader{Grant: intake.Grant{Role: events.Auditor, Organization: "city"}, Name: "an auditor"}
	emitter := intake.Reader{Grant: intake.Grant{Role: events.Emitter, Organization: "city"}, Name: "an emitter"}
	last := h.history.Last()
	for name, x := range map[string]struct {
		by, approver intake.Reader
		change       func(*intake.SealOrder)
		status       int
		code         string
		pointer      string
	}{
		"alone":              {officer, intake.Reader{}, nil, 422, "approver", ""},
		"by the same":        {officer, officer, nil, 422, "same-approver", ""},
		"of the county":      {officer, county, nil, 403, "approver", ""},
		"an auditor":         {officer, auditor, nil, 403, "approver", ""},
		"an emitter":         {officer, emitter, nil, 403, "approver", ""},
		"by an auditor":      {auditor, second, nil, 403, "role", ""},
		"by an emitter":      {emitter, second, nil, 403, "role", ""},
		"no ground":          {officer, second, func(o *intake.SealOrder) { o.Ground = "" }, 422, "malformed", "/ground"},
		"no such ground":     {officer, second, func(o *intake.SealOrder) { o.Ground = "crime" }, 422, "malformed", "/ground"},
		"no review":          {officer, second, func(o *intake.SealOrder) { o.ReviewBy = "" }, 422, "malformed", "/reviewBy"},
		"a review past":      {officer, second, func(o *intake.SealOrder) { o.ReviewBy = "2026-06-24" }, 422, "malformed", "/reviewBy"},
		"a review too late":  {officer, second, func(o *intake.SealOrder) { o.ReviewBy = "2027-06-26" }, 422, "malformed", "/reviewBy"},
		"no such day":        {officer, second, func(o *intake.SealOrder) { o.ReviewBy = "2026-11-31" }, 422, "malformed", "/reviewBy"},
		"an end past":        {officer, second, func(o *intake.SealOrder) { o.Until = "2026-06-24" }, 422, "malformed", "/until"},
		"no end":             {officer, second, func(o *intake.SealOrder) { o.Until = "" }, 422, "missing-field", "/until"},
		"released already":   {officer, second, func(o *intake.SealOrder) { o.Source, o.ID = "city/app", "here" }, 422, "released", "/releasedBy"},
		"half a release":     {officer, second, func(o *intake.SealOrder) { o.Source = "city/app" }, 422, "malformed", "/releasedBy"},
		"no reference":       {officer, second, func(o *intake.SealOrder) { o.Systems = []string{"A B"} }, 422, "malformed", "/systems/0"},
		"a case of lines":    {officer, second, func(o *intake.SealOrder) { o.Case = "a\nb" }, 422, "malformed", "/caseRef"},
		"nobody's number":    {officer, second, func(o *intake.SealOrder) { o.Person.Value = "*" }, 422, "malformed", "/person/value"},
		"nobody's scheme":    {officer, second, func(o *intake.SealOrder) { o.Person.Scheme = "star sign" }, 422, "malformed", "/person/value"},
		"a person of nobody": {officer, second, func(o *intake.SealOrder) { o.Person = events.Person{} }, 422, "malformed", "/person/value"},
	} {
		o := ordered()
		if x.change != nil {
			x.change(&o)
		}
		_, err := h.desk(opening{}).PlaceSeal(t.Context(), x.by, x.approver, o)
		var p *events.Problem
		if !errors.As(err, &p) || p.Status != x.status || p.Code != x.code || p.Pointer != x.pointer {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.history.Last() != last {
		t.Error("a refused order left an entry")
	}
	o := ordered()
	o.ReviewBy, o.Until = "2027-06-25", "2026-06-25" // a year ahead in Tallinn, and today
	h.place(t, o)
}

// TestSealAgain orders the same twice, at other times: it is one seal.
func TestSealAgain(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	o := ordered()
	o.Request = "request 1"
	first := h.place(t, o)
	d := h.desk(opening{})
	d.Now = func() time.Time { return recorded.AddDate(2, 0, 0) } // when its dates are past
	again, err := d.PlaceSeal(t.Context(), officer, second, o)
	if err != nil || !again.Repeated || again.Seal != first.Seal || again.Position != first.Position || first.Repeated {
		t.Errorf("again: %+v, %v", again, err)
	}
	changed := o
	changed.Case = "another"
	var p *events.Problem
	if _, err := h.desk(opening{}).PlaceSeal(t.Context(), officer, second, changed); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("another order under the same request: %v", err)
	}
	other := must[intake.Placed](t)(h.desk(opening{}).PlaceSeal(t.Context(), second, officer, o))
	if other.Repeated || other.Seal == first.Seal {
		t.Error("the request of another token is taken for a repeat")
	}
	dates := intake.SealDates{ReviewBy: "2026-09-01", Until: "2026-09-09", Request: "request 2"}
	x := must[intake.Placed](t)(h.desk(opening{}).ExtendSeal(t.Context(), officer, second, first.Seal, dates))
	y := must[intake.Placed](t)(h.desk(opening{}).ExtendSeal(t.Context(), officer, second, first.Seal, dates))
	if x.Position != y.Position || x.Repeated || !y.Repeated {
		t.Errorf("extended twice: %+v, %+v", x, y)
	}
	l := must[intake.Lifted](t)(h.desk(opening{}).LiftSeal(t.Context(), officer, first.Seal))
	m := must[intake.Lifted](t)(h.desk(opening{}).LiftSeal(t.Context(), second, first.Seal))
	if l != m {
		t.Errorf("lifted twice: %+v, %+v", l, m)
	}
	county := intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "county"}, Name: "county"}
	for _, seal := range []events.EventName{first.Seal, other.Seal, {}} {
		if _, err := h.desk(opening{}).LiftSeal(t.Context(), county, seal); !errors.As(err, &p) || p.Status != 404 {
			t.Errorf("lifting the seal of another organization: %v", err)
		}
	}
}

// TestSealEnds lets time pass, or what a seal waits for happen.
func TestSealEnds(t *testing.T) {
	day := func(text string) time.Time { return must[time.Time](t)(time.Parse(time.RFC3339, text)) }
	for name, x := range map[string]struct {
		change   func(*intake.SealOrder)
		extended string    // until, "" for not extended
		stands   time.Time // the last moment, in Tallinn
		over     time.Time
		how      string
	}{
		"a day":               {func(o *intake.SealOrder) { o.Until = "2026-07-10" }, "", day("2026-07-10T20:59:59Z"), day("2026-07-10T21:00:00Z"), "date"},
		"longer":              {func(o *intake.SealOrder) { o.Until = "2026-07-10" }, "2026-08-01", day("2026-08-01T20:59:59Z"), day("2026-08-01T21:00:00Z"), "date"},
		"shorter":             {func(o *intake.SealOrder) {}, "2026-07-01", day("2026-07-01T20:59:59Z"), day("2026-07-01T21:00:00Z"), "date"},
		"by word of mouth":    {func(o *intake.SealOrder) { o.Oral, o.Until = true, "" }, "", day("2026-07-25T20:59:59Z"), day("2026-07-25T21:00:00Z"), "lapse"},
		"whatever was said":   {func(o *intake.SealOrder) { o.Oral = true }, "", day("2026-07-25T20:59:59Z"), day("2026-07-25T21:00:00Z"), "lapse"},
		"less was said":       {func(o *intake.SealOrder) { o.Oral, o.Until = true, "2026-07-02" }, "", day("2026-07-02T20:59:59Z"), day("2026-07-02T21:00:00Z"), "date"},
		"written down later":  {func(o *intake.SealOrder) { o.Oral = true }, "2026-09-01", day("2026-09-01T20:59:59Z"), day("2026-09-01T21:00:00Z"), "date"},
		"when it is released": {func(o *intake.SealOrder) { o.Until, o.Source, o.ID = "", "city/app", "release" }, "", day("2046-07-02T20:59:59Z"), time.Time{}, "release"},
	} {
		h := openHouse(t, plan{now: recorded})
		h.submit(t, registered("o"))
		o := ordered()
		x.change(&o)
		placed := h.place(t, o)
		d := h.desk(opening{})
		if x.extended != "" {
			must[intake.Placed](t)(d.ExtendSeal(t.Context(), officer, second, placed.Seal, intake.SealDates{ReviewBy: "2026-07-01", Until: x.extended}))
		}
		d.Now = func() time.Time { return x.stands }
		if n := must[int](t)(d.Lapse(t.Context())); n != 0 {
			t.Errorf("%s: ended too early", name)
		}
		if d.Now = func() time.Time { return x.over }; x.how == "release" {
			h.submit(t, accessed("release", "", ""))
		}
		last := h.history.Last()
		for want := range slices.Values([]int{1, 0}) {
			if n := must[int](t)(d.Lapse(t.Context())); n != want {
				t.Errorf("%s: %d ended, want %d", name, n, want)
			}
		}
		// Of her own trail the disclosure is the first event: she is enrolled with it.
		_, e := h.message(t, last.Index()+1)
		if h.history.Last() != last+3 || e.Kind.Name != "seal.lifted" || e.Text("how") != x.how {
			t.Errorf("%s: %d entries, %s", name, h.history.Last()-last, e.Append(nil))
		}
		h.close(t)
	}
}

// TestSealCrash dies between the lifting and the disclosure, in every way: after
// the next start it is disclosed, once.
func TestSealCrash(t *testing.T) {
	for name, x := range map[string]struct {
		stored bool // the disclosure was, and nobody was told
		how    error
	}{
		"before it was stored": {false, fmt.Errorf("no place: %w", events.ErrNotStored)},
		"killed before":        {false, errors.New("killed")},
		"killed after":         {true, errors.New("killed")},
	} {
		tapped := &tap{}
		h := openHouse(t, plan{now: recorded, tap: tapped})
		placed := h.place(t, ordered())
		used := h.submit(t, use("1", "city/app", "N-17"))[0].Position
		n := 0
		fail := func() error {
			if n++; n == 2 {
				return x.how
			}
			return nil
		}
		if tapped.set(fail, nil); x.stored {
			tapped.set(nil, fail)
		}
		if _, err := h.desk(opening{}).LiftSeal(t.Context(), officer, placed.Seal); err == nil {
			t.Fatalf("%s: nothing was amiss", name)
		}
		tapped.set(nil, nil)
		h = h.reopen(t, plan{now: recorded, tap: &tap{}})
		for range 2 {
			must[int](t)(h.desk(opening{}).Lapse(t.Context()))
		}
		h = h.reopen(t, plan{now: recorded})
		if left := must[[]intake.Standing](t)(h.book.Seals()); len(left) != 0 {
			t.Errorf("%s: %d seals are left", name, len(left))
		}
		var disclosed []events.Index
		for i := range events.Index(h.history.Last()) {
			if _, e := h.message(t, i); e.Kind.Name == "event.disclosed" {
				disclosed = append(disclosed, i)
			}
		}
		if len(disclosed) != 1 {
			t.Fatalf("%s: disclosed %d times", name, len(disclosed))
		}
		lifted := must[intake.Lifted](t)(h.desk(opening{}).LiftSeal(t.Context(), officer, placed.Seal))
		h.checkDisclosed(t, disclosed[0], 1, placed, []events.Index{placed.Position, used, lifted.Position})
		if at := h.submit(t, use("2", "city/app", "N-17"))[0].Position; h.isHidden(t, at) {
			t.Errorf("%s: the seal still covers", name)
		}
		h.walk(t)
	}
}

// TestSealOutlivesItsMonth lifts a seal when the key of the month in which it was
// placed is gone: whom it is over is in the slot that only that person's keys open.
func TestSealOutlivesItsMonth(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	placed := h.place(t, ordered())
	d := h.desk(opening{noMonth: true})
	must[intake.Placed](t)(d.ExtendSeal(t.Context(), officer, second, placed.Seal, intake.SealDates{ReviewBy: "2026-09-01", Until: "2026-09-09"}))
	must[intake.Lifted](t)(d.LiftSeal(t.Context(), officer, placed.Seal))
	h.walk(t)
}

// TestSealsListed holds what officers see in the list, and that it is recorded.
func TestSealsListed(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("o"))
	o := ordered()
	late := h.place(t, o)
	o.ReviewBy, o.Oral, o.Case, o.Systems = "2026-07-01", true, "", []string{"city/b", "city/a", "city/b"}
	early := h.place(t, o)
	d := h.desk(opening{})
	d.Now = func() time.Time { return recorded.AddDate(0, 0, 7) }
	list, asOf, reading, err := d.Seals(t.Context(), officer, "city")
	if err != nil || len(list) != 2 || asOf != "2026-07-02" {
		t.Fatal(list, asOf, err)
	}
	want := intake.SealState{
		Seal: early.Seal, Position: early.Position, Group: "justice", PlacedOn: "2026-06-25", ReviewBy: "2026-07-01", Overdue: true,
		LastDay: "2026-07-25", Oral: true, Systems: []string{"city/a", "city/b"},
	}
	if fmt.Sprint(list[0]) != fmt.Sprint(want) || list[1].Seal != late.Seal || list[1].Overdue || !list[1].OneCase || list[1].LastDay != "2026-12-31" {
		t.Errorf("the list is %+v", list)
	}
	if sealed := h.readOf(t, reading); sealed["filter"] != `"seals"` || sealed["positions"] != fmt.Sprintf(`"%d %d"`, late.Position, early.Position) {
		t.Errorf("the reading says %v", sealed)
	}
	county := intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "county"}, Name: "county"}
	if _, _, _, err := d.Seals(t.Context(), county, "city"); !errors.Is(err, intake.ErrMayNotRead) {
		t.Errorf("another county's officer: %v", err)
	}
	if list, _, _, err := d.Seals(t.Context(), county, "county"); err != nil || len(list) != 0 {
		t.Errorf("the county has %v, %v", list, err)
	}
}

// TestSealEndsWithHerKeys: what nobody can open has nobody to be disclosed to.
func TestSealEndsWithHerKeys(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, use("1", "city/app", "N-17"))
	placed := h.place(t, ordered())
	hers := h.person(t, "plate", "BER7").Handle()
	shredded := intake.Own{Kind: "key.shredded", ID: "erase", Organization: "city", Time: recorded, Data: events.Object{}.
		With("what", events.String("person")).With("subjects", events.Nested(events.Object{{Name: "mode", Value: events.String("single")}, {Name: "persons", Value: events.List(events.Nested(berta.Object()))}}))}
	if out := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), shredded)); out[0].Problem != nil {
		t.Fatal(out[0].Problem)
	}
	if n := must[int](t)(h.desk(opening{}).Lapse(t.Context())); n != 0 {
		t.Errorf("%d seals ended", n)
	}
	var p *events.Problem
	if _, err := h.desk(opening{}).LiftSeal(t.Context(), officer, placed.Seal); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("lifting: %v", err)
	}
	if at := h.submit(t, use("2", "city/app", "N-17"))[0].Position; h.trail(t, at).Handle == hers || h.trail(t, at).Counter != 1 {
		t.Errorf("the next use is on %v", h.trail(t, at))
	}
	if bytes.Contains([]byte(fmt.Sprint(must[[]intake.Standing](t)(h.book.Seals()))), placed.Seal[:]) {
		t.Error("the seal still stands")
	}
}

// eventKey and tagOf are a trail's keys as their format has them, made from its
// root alone.
func eventKey(root []byte, i uint64) [32]byte {
	m := hmac.New(sha256.New, root)
	m.Write(binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
	return [32]byte(m.Sum(nil))
}

func tagUnder(key [32]byte) events.Tag {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte("tag"))
	return events.Tag(m.Sum(nil)[:16])
}

// TestTwoSealsInOneBatch holds that a seal goes on covering when another is placed
// over the same person in the batch of the event.
func TestTwoSealsInOneBatch(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	o := ordered()
	o.Case = ""
	h.place(t, o) // for all that the city does
	hidden := must[intake.Subject](t)(h.ring.Hide(berta, "seal/other"))
	data := `{"reviewIn":"2026-Q4","reviewBy":"2026-12-01","group":"crime","ground":"CrimeDetectionImpaired",` +
		`"subjects":{"mode":"single","persons":[` + string(events.Nested(berta.Object()).Append(nil)) + `]}}`
	other := intake.Submitted{
		Event: must[*events.Event](t)(events.ParseEvent([]byte(`{"specversion":"1.0","id":"seal/other","source":"daybook",` +
			`"type":"org.daybook.seal.placed.v1","time":"2026-06-24T21:30:00Z","data":` + data + `}`))),
		Organization: "county", Trails: []events.Handle{hidden.Handle()},
	}
	got := must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), []intake.Submitted{other, submitted(t, use("1", "city/app", "x"))[0]}))
	if statuses(got) != "201 201" || !h.isHidden(t, got[1].Position) {
		t.Errorf("%s: the use stands in her own trail", statuses(got))
	}
}

// TestNearestSeal holds that the seal for a case takes its events from one for all.
func TestNearestSeal(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	all := ordered()
	all.Case = ""
	h.place(t, all)
	h.place(t, ordered())
	list := must[[]intake.Standing](t)(h.book.Seals())
	at := h.submit(t, use("1", "city/app", ordered().Case))[0].Position
	m, _ := h.message(t, at)
	trail := foldOpener(h)(t, m).Persons[0].Handle
	for _, s := range list {
		if (s.Trail == trail) != (s.Case != "") {
			t.Errorf("the event is in the trail of a seal with the case %q: %v", s.Case, s.Trail == trail)
		}
	}
}

// TestBundleIsWhole holds that nothing of what is said together stands when one of
// it was said before in other words.
func TestBundleIsWhole(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	own := func(id string, days int) intake.Own {
		return intake.Own{Kind: "key.rotated", ID: id, Time: recorded.AddDate(0, 0, days), Data: events.Object{{Name: "what", Value: events.String("master")}}}
	}
	must[[]intake.Outcome](t)(h.writer.Say(t.Context(), own("a", 0)))
	last := h.history.Last()
	if got := must[[]intake.Outcome](t)(h.writer.SayTogether(t, own("a", 1), own("b", 1))); statuses(got) != "409 409" || h.history.Last() != last {
		t.Errorf("a conflict first: %s", statuses(got))
	}
	if got := must[[]intake.Outcome](t)(h.writer.SayTogether(t, own("b", 1), own("a", 1))); statuses(got) != "409 409" || h.history.Last() != last {
		t.Errorf("a conflict last: %s", statuses(got))
	}
	if got := must[[]intake.Outcome](t)(h.writer.SayTogether(t, own("b", 1), own("c", 1))); statuses(got) != "201 201" {
		t.Errorf("two new ones: %s", statuses(got))
	}
}
