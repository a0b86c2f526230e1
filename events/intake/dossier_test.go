package intake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// rows finds what concerns a person by reading the whole history, as the views do.
func (h *house) rows(t testing.TB, organization string) func(events.Handle, *events.Index, int) ([]intake.Row, *events.Index, error) {
	return func(her events.Handle, after *events.Index, limit int) (out []intake.Row, next *events.Index, err error) {
		t.Helper()
		seals := map[events.Handle]events.EventName{her: {}}
		disclosed := map[events.EventName]bool{}
		var all []intake.Row
		for s, err := range h.history.Replay(t.Context(), 1, h.history.Last()) {
			if err != nil {
				return nil, nil, err
			}
			m := must[events.Message](t)(events.ParseMessage(s.Data))
			e := must[*events.Entry](t)(events.ParseEntry(m.Entry))
			fold := foldOpener(h)(t, m)
			if f := fold.Seal; f != nil && f.Of == her && e.Kind.Name == "seal.placed" {
				seals[f.Trail] = f.Name
			} else if f != nil && e.Kind.Name == "event.disclosed" {
				disclosed[f.Name] = true
			}
			for _, p := range fold.Persons {
				if seal, ok := seals[p.Handle]; ok && e.Text("organization") == organization {
					all = append(all, intake.Row{
						Position: s.Seq.Index(), Organization: organization, Kind: e.Kind.Name, Trail: p.Handle, Counter: p.Counter, Relation: p.Relation, Seal: seal,
					})
				}
			}
		}
		for _, row := range all {
			if row.Disclosed = disclosed[row.Seal]; after != nil && row.Position <= *after {
				continue
			}
			if len(out) == limit {
				last := out[len(out)-1].Position
				return out, &last, nil
			}
			out = append(out, row)
		}
		return out, nil, nil
	}
}

func (h *house) inquiry(t testing.TB, organization, value string) intake.Inquiry {
	return intake.Inquiry{Organization: organization, Person: events.Person{Scheme: "plate", Value: value}, Rows: h.rows(t, organization)}
}

// about is data.accessed with the subjects given, with everything about staff.
func about(id, subjects string) string {
	return said("data.accessed", id, `{"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/people","reasonText":"permit 17","caseRef":"17","query":"plate XYZ 9",`+
		`"actor":{"id":"jo kask","role":"clerk","unit":"desk-1"},"subjects":`+subjects+`}`)
}

const (
	abc   = `{"scheme":"plate","value":"ABC 123"}`
	xyz   = `{"scheme":"plate","value":"XYZ 9","relation":"incidental"}`
	alone = `{"mode":"single","persons":[` + abc + `]}`
)

// recordPersons submits an event about the first, one about the two, the head of a
// bulk event and its part about the two; then a seal, and one about the first that
// it hides.
func (h *house) recordPersons(t *testing.T) (hidden intake.Subject) {
	t.Helper()
	h.submit(t, registered("r"))
	head := strings.Replace(about("head", `{"mode":"bulk","parts":1}`), "plate XYZ 9", "all of them", 1)
	part := said("data.accessed", "part", `{"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/people","subjects":{"mode":"bulk","partOf":"head","part":1,"parts":1,"persons":[`+abc+`,`+xyz+`]}}`)
	for _, one := range []string{about("1", alone), about("2", `{"mode":"several","persons":[`+abc+`,`+xyz+`]}`), head, part} {
		if got := h.submit(t, one); got[0].Problem != nil {
			t.Fatal(got[0].Problem)
		}
	}
	hidden = must[intake.Subject](t)(h.ring.Hide(events.Person{Scheme: "plate", Value: "ABC 123"}, "seal/1"))
	h.sayOf(t, "seal.placed", "seal/1", hidden.Handle(), events.Object{
		{Name: "ground", Value: events.String(events.CodeJustification.Terms()[0])},
		{Name: "group", Value: events.String("justice")},
		{Name: "officer", Value: events.String("a")},
		{Name: "approver", Value: events.String("b")},
		{Name: "reviewBy", Value: events.String("2026-10-01")},
		{Name: "reviewIn", Value: events.String("2026-Q4")},
	})
	h.submit(t, about("3", alone))
	return hidden
}

func (h *house) sayOf(t *testing.T, kind, id string, trail events.Handle, data events.Object) intake.Outcome {
	t.Helper()
	person := events.Nested(events.Object{{Name: "relation", Value: events.String("principal")}, {Name: "scheme", Value: events.String("plate")}, {Name: "value", Value: events.String("ABC 123")}})
	data = data.With("subjects", events.Nested(events.Object{{Name: "mode", Value: events.String("single")}, {Name: "persons", Value: events.List(person)}}))
	out := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), intake.Own{Kind: kind, ID: id, Organization: "city", Time: recorded, Data: data, Trails: []events.Handle{trail}}))
	if out[0].Problem != nil {
		t.Fatalf("%s: %+v", kind, out[0].Problem)
	}
	return out[0]
}

// disclose lifts the seal and gives her what it hid.
func (h *house) disclose(t *testing.T, hidden intake.Subject) {
	t.Helper()
	name := events.String(h.ring.EventName(intake.LedgerSource, "seal/1").String())
	h.sayOf(t, "seal.lifted", "lifted", hidden.Handle(), events.Object{{Name: "seal", Value: name}, {Name: "how", Value: events.String("officer")}, {Name: "officer", Value: events.String("a")}})
	h.sayOf(t, "event.disclosed", "disclosed", hidden.Of(), events.Object{{Name: "seal", Value: name}, {Name: "events", Value: events.Integer(3)}})
}

// tagged are the tags that the entry at i shows.
func (h *house) tagged(t *testing.T, i events.Index) []string {
	_, e := h.message(t, i)
	return e.Texts("subjects.tags")
}

func TestDossier(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.recordPersons(t)
	her := h.person(t, "plate", "ABC 123")
	got := must[intake.Dossier](t)(h.desk(opening{}).Dossier(t.Context(), officer, h.inquiry(t, "city", "abc123")))
	var lines []string
	for _, m := range got.Matters {
		d := shown(m.Details)
		line := fmt.Sprintf("%s others=%d seal=%t actor=%s query=%s role=%s who=%s", m.Kind, m.Others, m.Hidden(), d["actor.id"], d["query"], d["actor.role"], d["subject"])
		if m.Head != nil {
			line += " head=" + shown(m.HeadDetails)["query"]
		}
		lines = append(lines, line)
	}
	who := `{"relation":"principal","scheme":"plate","value":"ABC 123"}`
	want := []string{
		`data.accessed others=0 seal=false actor="jo kask" query="plate XYZ 9" role="clerk" who=` + who,
		`data.accessed others=1 seal=false actor= query= role="clerk" who=` + who,
		`data.accessed others=1 seal=false actor= query= role= who=` + who + ` head="all of them"`,
		`seal.placed others=0 seal=true actor= query= role= who=`,
		`data.accessed others=0 seal=true actor= query= role= who=`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the dossier is\n%s", strings.Join(lines, "\n"))
	}
	// What is hidden is not opened, so that nothing next to her reading tells of it.
	if len(got.Readings) != 1 || !slices.Equal(h.tagged(t, got.Readings[0]), []string{events.Tag(her.Tag(4)).String()}) || h.history.Last().Index() != got.Readings[0] {
		t.Errorf("the readings are %v", got.Readings)
	}
	if m := got.Matters[4]; m.Sealed == "" || len(m.Details) > 0 {
		t.Errorf("what is hidden is opened: %+v", m)
	}
	for i, want := range []map[string]string{{"positions": `"3 5-7"`, "filter": `"person"`}} {
		sealed := h.readOf(t, got.Readings[i])
		for name, v := range want {
			if sealed[name] != v {
				t.Errorf("reading %d: %s is %s, want %s", i, name, sealed[name], v)
			}
		}
	}
}

func TestDossierPages(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.recordPersons(t)
	q := h.inquiry(t, "city", "ABC 123")
	all, _, err := q.Rows(h.person(t, "plate", "ABC 123").Handle(), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	// Each page is read, which concerns her again: the log as it stood has an end.
	q.Rows = func(_ events.Handle, after *events.Index, limit int) (page []intake.Row, next *events.Index, err error) {
		for _, row := range all {
			switch {
			case after != nil && row.Position <= *after:
			case len(page) == limit:
				return page, &page[limit-1].Position, nil
			default:
				page = append(page, row)
			}
		}
		return page, nil, nil
	}
	q.Limit = 2
	total := 0
	for pages := 1; ; pages++ {
		got := must[intake.Dossier](t)(h.desk(opening{}).Dossier(t.Context(), officer, q))
		total += len(got.Matters)
		if q.After = got.Next; got.Next == nil {
			if pages != 3 || total != 5 {
				t.Errorf("%d on %d pages", total, pages)
			}
			break
		}
		if len(got.Matters) != 2 {
			t.Errorf("a page has %d", len(got.Matters))
		}
	}
}

// TestDossierOfNobody holds that somebody unknown, and somebody of whom only
// another organization has anything, are answered and recorded alike.
func TestDossierOfNobody(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.recordPersons(t)
	county := intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "county"}, Name: "county"}
	d := h.desk(opening{})
	var entries []map[string]string
	for _, value := range []string{"ABC 123", "QQQ 1"} {
		got := must[intake.Dossier](t)(d.Dossier(t.Context(), county, h.inquiry(t, "county", value)))
		if len(got.Matters) != 0 || got.Next != nil || len(got.Readings) != 1 {
			t.Fatalf("%s: %+v", value, got)
		}
		_, e := h.message(t, got.Readings[0])
		entry := told(e)
		if entry["subjects"] != `{"mode":"none"}` {
			t.Errorf("the reading names somebody: %s", entry["subjects"])
		}
		delete(entry, "_sd")
		delete(entry, "event")
		entries = append(entries, entry)
	}
	if fmt.Sprint(entries[0]) != fmt.Sprint(entries[1]) {
		t.Errorf("somebody known is told apart:\n%v\n%v", entries[0], entries[1])
	}
	if who := must[intake.Subject](t)(h.ring.Find(events.Person{Scheme: "plate", Value: "QQQ 1"})); who != nil {
		t.Error("asking made keys")
	}
	last := h.history.Last()
	if _, err := d.Dossier(t.Context(), county, h.inquiry(t, "city", "ABC 123")); !errors.Is(err, intake.ErrMayNotRead) {
		t.Errorf("another organization reads: %v", err)
	}
	if _, err := d.Statement(t.Context(), county, h.inquiry(t, "city", "ABC 123")); !errors.Is(err, intake.ErrMayNotRead) {
		t.Errorf("another organization makes a statement: %v", err)
	}
	if _, err := d.Dossier(t.Context(), officer, h.inquiry(t, "city", "")); !errors.Is(err, intake.ErrIdentifier) {
		t.Errorf("no identifier: %v", err)
	}
	if h.history.Last() != last {
		t.Error("a refusal was recorded as a reading")
	}
}

func TestDossierIsNotGivenUnrecorded(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.recordPersons(t)
	h.close(t)
	h.idle = true
	h = h.reopen(t, h.plan)
	h.writer = intake.NewWriter(intake.Config{
		History: h.history, Book: h.book, People: h.ring, Keys: h.ring, Refuse: func() *events.Problem { return &events.Problem{Status: 503, Code: "no"} },
	})
	d := h.desk(opening{})
	if got, err := d.Dossier(t.Context(), officer, h.inquiry(t, "city", "ABC 123")); !errors.Is(err, intake.ErrNotRecorded) || got.Matters != nil {
		t.Errorf("%v: %+v", err, got)
	}
	if got, err := d.Statement(t.Context(), officer, h.inquiry(t, "city", "ABC 123")); !errors.Is(err, intake.ErrNotRecorded) || got.Lines != nil {
		t.Errorf("%v: %+v", err, got)
	}
}

// checkLine holds a line against its entry, as she would.
func checkLine(t *testing.T, l intake.Line) {
	t.Helper()
	mac := hmac.New(sha256.New, l.EventKey[:])
	mac.Write([]byte("tag"))
	if tag := events.Tag(mac.Sum(nil)).String(); !slices.Contains(l.Entry.Texts("subjects.tags"), tag) {
		t.Errorf("line %d: its key makes no tag of the entry", l.Position)
	}
	digests := l.Entry.Texts("_sd")
	if l.Head != nil {
		digests = append(digests, l.Head.Texts("_sd")...)
	}
	for _, d := range append(slices.Clone(l.Hers), l.HeadHers...) {
		if !slices.Contains(digests, d.Digest().String()) {
			t.Errorf("line %d: the entry does not commit to %s", l.Position, d.Name)
		}
		if slices.Contains([]string{"actor.id", "reasonText", "caseRef", "query", "id", "reader", "filter", "positions", "officer", "approver"}, d.Name) {
			t.Errorf("line %d tells %s", l.Position, d.Name)
		}
	}
}

func TestStatement(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	hidden := h.recordPersons(t)
	her := h.person(t, "plate", "ABC 123")
	before := must[intake.Told](t)(h.desk(opening{}).Statement(t.Context(), officer, h.inquiry(t, "city", "ABC 123")))
	if len(before.Lines) != 3 || before.Lines[2].Head == nil || shown(before.Lines[2].HeadHers)["actor.role"] != `"clerk"` {
		t.Errorf("the statement has %+v", before.Lines)
	}
	if tags := h.tagged(t, before.Reading); !slices.Equal(tags, []string{events.Tag(her.Tag(4)).String()}) {
		t.Errorf("the reading has the tags %v", tags)
	}
	h.disclose(t, hidden)
	after := must[intake.Told](t)(h.desk(opening{}).Statement(t.Context(), officer, h.inquiry(t, "city", "ABC 123")))
	var kinds []string
	for _, l := range append(before.Lines, after.Lines...) {
		checkLine(t, l)
	}
	for _, l := range after.Lines {
		kinds = append(kinds, l.Kind)
	}
	if got := strings.Join(kinds, " "); got != "data.accessed data.accessed data.accessed seal.placed data.accessed ledger.read seal.lifted event.disclosed" {
		t.Errorf("the statement has %s", got)
	}
	// Of what others are concerned by too, the incidental person learns when it was.
	other := must[intake.Told](t)(h.desk(opening{}).Statement(t.Context(), officer, h.inquiry(t, "city", "XYZ 9")))
	if len(other.Lines) != 2 || len(other.Lines[0].Hers) != 2 || shown(other.Lines[0].Hers)["occurredAt"] == "" {
		t.Errorf("the other's statement has %+v", other.Lines)
	}
	if len(other.Lines) == 2 && len(other.Lines[1].HeadHers) != 1 {
		t.Errorf("an incidental person of a part is told %v", shown(other.Lines[1].HeadHers))
	}
}
