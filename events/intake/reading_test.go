package intake_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// opening is the keyring as the desk sees it, with some of it gone.
type opening struct {
	keys
	noMonth, noPersons bool
}

func (o opening) FindMonth(organization string, t time.Time) ([]byte, error) {
	if o.noMonth {
		return nil, errors.New("no such key")
	}
	return o.FindMonthKey(organization, t)
}

func (o opening) ByHandle(h events.Handle) (intake.Subject, error) {
	if o.noPersons {
		return nil, nil
	}
	return o.keys.ByHandle(h)
}

func (h *house) desk(o opening) *intake.Desk {
	o.keys = h.ring
	return &intake.Desk{Writer: h.writer, Archive: h.history, Keys: o, Fold: intake.FoldOpener(h.ring.FoldKey()), Now: func() time.Time { return recorded }}
}

var officer = intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "city"}, Name: "0123456789abcdef"}

// told is what an entry says, by field, as text.
func told(e *events.Entry) map[string]string {
	out := map[string]string{}
	for _, m := range e.Fields() {
		out[m.Name] = string(m.Value.Append(nil))
	}
	return out
}

// shown are disclosures by name, as text.
func shown(list []events.Disclosure) map[string]string {
	out := map[string]string{}
	for _, d := range list {
		out[d.Name] = string(d.Value.Append(nil))
	}
	return out
}

// readOf opens the entry of a reading as the city's officer.
func (h *house) readOf(t *testing.T, i events.Index) map[string]string {
	t.Helper()
	got := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, i))
	return shown(got.Details)
}

// TestRecord holds what the public sees of a reading, and what is sealed of it.
func TestRecord(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"))
	positions := []events.Index{3, 4, 5, 9, 11, 12}
	at := must[events.Index](t)(h.desk(opening{}).Record(t.Context(), officer, "city", "trail dataset=city/people", positions))
	_, e := h.message(t, at)
	got := told(e)
	want := map[string]string{
		"kind": `"ledger.read"`, "organization": `"city"`, "role": `"officer"`, "occurredAt": `"2026-06-25"`, "recordedAt": `"2026-06-25"`,
		"count": `"2-10"`, "subjects": `{"mode":"none"}`, "source": `"daybook"`,
	}
	for _, name := range []string{"$", "_sd", "event"} { // the same on every entry
		delete(got, name)
	}
	if !maps.Equal(got, want) {
		t.Errorf("the public sees %v, want %v", got, want)
	}
	sealed := h.readOf(t, at)
	for name, v := range map[string]string{
		"reader": `"0123456789abcdef"`, "filter": `"trail dataset=city/people"`, "positions": `"3-5 9 11-12"`, "counts": `{"count":6}`, "occurredAt": `"2026-06-24T21:30:00Z"`,
	} {
		if sealed[name] != v {
			t.Errorf("%s is %s, want %s", name, sealed[name], v)
		}
	}
}

// TestRecordManyPositions holds that a long list is cut and its length is not.
func TestRecordManyPositions(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	var positions []events.Index
	for i := range 5000 {
		positions = append(positions, events.Index(3*i+1_000_000))
	}
	at := must[events.Index](t)(h.desk(opening{}).Record(t.Context(), officer, "city", "", positions))
	_, e := h.message(t, at)
	sealed := h.readOf(t, at)
	if e.Text("count") != "1k-10k" || sealed["counts"] != `{"count":5000}` || len(sealed["positions"]) < 1000 || !strings.HasPrefix(sealed["positions"], `"1000000 1000003 `) {
		t.Errorf("%s: %v", e.Text("count"), sealed)
	}
	if _, ok := sealed["filter"]; ok {
		t.Error("there is a filter where none was given")
	}
}

// TestOpen posts every kind of use with every field and opens it: the details
// are what was submitted.
func TestOpen(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	reads := events.Index(0)
	for _, kind := range events.Kinds() {
		if !kind.Open || kind.By == events.RoleLedger || kind.Seals { // a seal's events are on its own trail
			continue
		}
		event := said(kind.Name, kind.Name, filled(kind, true, anna))
		at := h.submit(t, event)[0].Position
		got := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, at))
		details := shown(got.Details)
		if got.Sealed != "" || got.Entry.Kind != kind || got.Reading <= at || details["id"] != fmt.Sprintf("%q", kind.Name) {
			t.Fatalf("%s: %q, %v", kind.Name, got.Sealed, details)
		}
		data := must[*events.Event](t)(events.ParseEvent([]byte(event))).Data
		for name, text := range details {
			if v, ok := data.At(name); ok && string(v.Append(nil)) != text {
				t.Errorf("%s: %s is %s, and %s was submitted", kind.Name, name, text, v.Append(nil))
			}
		}
		if kind.IsData() {
			reads++
			if details["subject"] != `{"relation":"principal","scheme":"plate","value":"ABC 123"}` || details["reasonText"] == "" || details["actor.id"] == "" {
				t.Errorf("%s: %v", kind.Name, details)
			}
			h.checkOnTrail(t, got.Reading, uint64(2*reads))
		}
	}
	h.walk(t)
}

// checkOnTrail holds that a reading is the i-th event of anna's trail and that
// her slot in it opens with the key of that event.
func (h *house) checkOnTrail(t *testing.T, at events.Index, i uint64) {
	t.Helper()
	m, e := h.message(t, at)
	who := h.person(t, "plate", "ABC123")
	if e.Kind.Name != "ledger.read" || !slices.Equal(e.Texts("subjects.tags"), []string{events.Tag(who.Tag(i)).String()}) || e.Text("count") != "1" {
		t.Fatalf("the reading is %s", e.Append(nil))
	}
	key, ad := who.EventKey(i), events.HashEntry(m.Entry)
	for _, box := range m.Boxes {
		if box.Kind != events.BoxPerson {
			continue
		}
		plain := must[[]byte](t)(events.OpenBox(events.BoxKey("person", key[:]), ad[:], box.Data))
		names := h.checkSlip(t, e, plain)
		if !slices.Equal(names, []string{"occurredAt", "recordedAt", "subject"}) {
			t.Errorf("of the reading she sees %v", names)
		}
		return
	}
	t.Error("the reading has no slot for her")
}

// TestOpenForOthers walks every role of every organization: nobody else reads,
// and a refused request leaves no entry.
func TestOpenForOthers(t *testing.T) {
	h := openHouse(t, plan{})
	at := h.submit(t, accessed("1", "plate", "ABC 123"))[0].Position
	for _, role := range []events.Role{events.Emitter, events.Registrar, events.Officer, events.Auditor, events.Admin, events.RoleLedger, ""} {
		for _, organization := range []string{"city", "county", ""} {
			r := intake.Reader{Grant: intake.Grant{Role: role, Organization: organization}, Name: "x"}
			may := role == events.Officer && organization == "city" || role == events.Auditor && organization != "county"
			last := h.history.Last()
			_, openErr := h.desk(opening{}).Open(t.Context(), r, at)
			_, recordErr := h.desk(opening{}).Record(t.Context(), r, "city", "f", nil)
			grew := h.history.Last() - last
			if may && (openErr != nil || recordErr != nil || grew != 2) ||
				!may && (!errors.Is(openErr, intake.ErrMayNotRead) || !errors.Is(recordErr, intake.ErrMayNotRead) || grew != 0) {
				t.Errorf("%s of %q: %v, %v, %d entries", role, organization, openErr, recordErr, grew)
			}
		}
	}
}

// TestNothingOpensUnrecorded stops the writer, and breaks the history, before a
// reading.
func TestNothingOpensUnrecorded(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{tap: x})
	at := h.submit(t, accessed("1", "plate", "ABC 123"))[0].Position
	last := h.history.Last()
	x.set(func() error { return errors.New("the history is gone") }, nil)
	for range 2 { // while it breaks, and when it has stopped
		got, err := h.desk(opening{}).Open(t.Context(), officer, at)
		if !errors.Is(err, intake.ErrNotRecorded) || got.Details != nil {
			t.Errorf("unrecorded, %v opened with %v", got.Details, err)
		}
		if _, err := h.desk(opening{}).Record(t.Context(), officer, "city", "f", nil); !errors.Is(err, intake.ErrNotRecorded) {
			t.Errorf("unrecorded, a search is answered with %v", err)
		}
	}
	if h.history.Last() != last {
		t.Error("something was recorded all the same")
	}
}

// TestOpenWaits holds that nothing is handed out before the reading is durable.
func TestOpenWaits(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{tap: x})
	at := h.submit(t, accessed("1", "plate", "ABC 123"))[0].Position
	held := make(chan struct{})
	x.set(func() error { <-held; return nil }, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := h.desk(opening{}).Open(ctx, officer, at)
	close(held)
	if err == nil || got.Details != nil {
		t.Errorf("before the reading is durable, %v opened", got.Details)
	}
}

// TestSealedForGood holds that what cannot be opened says why, and that asking is
// recorded all the same.
func TestSealedForGood(t *testing.T) {
	h := openHouse(t, plan{})
	h.submit(t, registered("r"))
	hers := h.submit(t, accessed("1", "plate", "ABC 123"))[0].Position
	nobodys := h.submit(t, accessed("2", "", ""))[0].Position
	for name, x := range map[string]struct {
		opening
		at     events.Index
		sealed string
	}{
		"her keys":      {opening{noPersons: true}, hers, "destroyed"},
		"the month's":   {opening{noMonth: true}, hers, "month"},
		"that of all":   {opening{noMonth: true}, nobodys, "month"},
		"nobody's keys": {opening{noPersons: true}, nobodys, ""},
	} {
		got, err := h.desk(x.opening).Open(t.Context(), officer, x.at)
		if err != nil || (x.sealed == "") != (got.Sealed == "") || !strings.Contains(got.Sealed, x.sealed) || (got.Sealed != "") != (got.Details == nil) {
			t.Errorf("%s: %v, %q with %d details", name, err, got.Sealed, len(got.Details))
		}
		if _, e := h.message(t, got.Reading); e.Kind.Name != "ledger.read" || len(e.Texts("subjects.tags")) != 0 {
			t.Errorf("%s: the reading is %s", name, e.Append(nil))
		}
	}
}

// flipped is an archive in which one box of one message has a bit changed, or
// holds what another entry commits to.
type flipped struct {
	intake.Archive
	change func(events.Message) events.Message
}

func (f flipped) Read(ctx context.Context, seq events.Seq) ([]byte, error) {
	data, err := f.Archive.Read(ctx, seq)
	if err != nil {
		return nil, err
	}
	m, err := events.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	m = f.change(m)
	return m.Format(), nil
}

// TestOpenUncommitted seals a detail with the right keys that the entry does not
// commit to: nobody is told what cannot be proved.
func TestOpenUncommitted(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	at := h.submit(t, accessed("1", "", ""))[0].Position
	month := must[[]byte](t)(h.ring.FindMonthKey("city", recorded))
	d := h.desk(opening{})
	d.Archive = flipped{h.history, func(m events.Message) events.Message {
		ad := events.HashEntry(m.Entry)
		slip := events.Slip{{Name: "reasonText", Value: events.String("another reason")}}
		for i := range m.Boxes {
			if m.Boxes[i].Kind == events.BoxOfficers {
				m.Boxes[i].Data = must[[]byte](t)(events.SealBox(events.BoxKey("officers", month), rand.Reader, ad[:], slip.Format()))
			}
		}
		return m
	}}
	if got, err := d.Open(t.Context(), officer, at); err == nil || !strings.Contains(err.Error(), "does not commit to reasonText") {
		t.Errorf("%v opened with %v", shown(got.Details), err)
	}
}

func TestOpenCorrupted(t *testing.T) {
	h := openHouse(t, plan{})
	at := h.submit(t, accessed("1", "plate", "ABC 123"))[0].Position
	other, _ := h.message(t, h.submit(t, accessed("2", "plate", "ABC 123"))[0].Position)
	last := h.history.Last()
	for _, kind := range []events.BoxKind{events.BoxFold, events.BoxOfficers, events.BoxIdentifier} {
		for name, put := range map[string]func(data []byte, i int) []byte{
			"a bit flipped":     func(data []byte, _ int) []byte { data[len(data)-20] ^= 1; return data },
			"cut":               func(data []byte, _ int) []byte { return data[:28] },
			"of another's turn": func(_ []byte, i int) []byte { return other.Boxes[i].Data },
		} {
			d := h.desk(opening{})
			d.Archive = flipped{h.history, func(m events.Message) events.Message {
				for i := range m.Boxes {
					if m.Boxes[i].Kind == kind {
						m.Boxes[i].Data = put(slices.Clone(m.Boxes[i].Data), i)
					}
				}
				return m
			}}
			got, err := d.Open(t.Context(), officer, at)
			if err == nil || errors.Is(err, intake.ErrMayNotRead) || got.Details != nil {
				t.Errorf("the %s box %s: %v, %d details", kind, name, err, len(got.Details))
			}
		}
	}
	if _, err := h.desk(opening{}).Open(t.Context(), officer, last.Index()+7); err == nil {
		t.Error("an entry opens that is not there")
	}
	if h.history.Last() != last {
		t.Errorf("%d readings came of it", h.history.Last()-last)
	}
}
