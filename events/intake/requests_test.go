package intake_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// mentions finds what concerns a person by reading the whole history.
type mentions struct{ h *house }

func (m mentions) Mentions(ctx context.Context, her events.Handle) (out []intake.Mention, err error) {
	trails := []events.Handle{her}
	open := intake.FoldOpener(m.h.ring.FoldKey())
	for s, err := range m.h.history.Replay(ctx, 1, m.h.history.Last()) {
		if err != nil {
			return nil, err
		}
		msg, err := events.ParseMessage(s.Data)
		if err != nil {
			return nil, err
		}
		e, err := events.ParseEntry(msg.Entry)
		if err != nil {
			return nil, err
		}
		fold, err := open(msg)
		if err != nil {
			return nil, err
		}
		if fold.Seal != nil && fold.Seal.Of == her {
			trails = append(trails, fold.Seal.Trail)
		}
		for _, p := range fold.Persons {
			if slices.Contains(trails, p.Handle) && len(e.Kind.Fields) > 0 {
				out = append(out, intake.Mention{Position: s.Seq.Index(), Organization: e.Text("organization"), Kind: e.Kind.Name})
			}
		}
	}
	return out, nil
}

// copies promises that copies of keys are gone after a time.
type copies struct{ keep time.Duration }

func (e copies) ShredName(h events.Handle) [16]byte {
	sum := sha256.Sum256(append([]byte("daybook/shredded@1\n"), h[:]...))
	return [16]byte(sum[:16])
}

func (e copies) BackupsUntil(now time.Time) (time.Time, error) {
	if e.keep == 0 {
		return time.Time{}, nil
	}
	return now.Add(e.keep), nil
}

// office is a desk that takes requests.
func (h *house) office(keep time.Duration) *intake.Desk {
	d := h.desk(opening{})
	d.Mentions, d.Ending = mentions{h}, copies{keep}
	return d
}

var (
	anna2 = events.Person{Scheme: "plate", Value: "abc 123"}
	other = intake.Reader{Grant: intake.Grant{Role: events.Officer, Organization: "county"}, Name: "fedcba9876543210"}
)

// refusal is the code of a refusal, "" for none.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var p *events.Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &p):
		return p.Code
	case errors.Is(err, intake.ErrMayNotRead):
		return "may-not"
	}
	t.Fatal(err)
	return ""
}

func shared(id, recipient, dataset string) string {
	return said("data.shared", id, `{"recipient":"`+recipient+`","dataset":"`+dataset+`","subjects":{"mode":"single","persons":[{"scheme":"plate","value":"ABC 123"}]}}`)
}

// of says events for another organization.
func of(organization string, list []intake.Submitted) []intake.Submitted {
	for i := range list {
		list[i].Organization = organization
	}
	return list
}

// TestErase tells the whole story of one erasure.
func TestErase(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"), accessed("2", "plate", "XYZ 9"), shared("3", "city", "city/people"), shared("4", "acme", "city/people"))
	d := h.office(48 * time.Hour)
	her := h.person(t, "plate", "ABC123").Handle()
	root := h.person(t, "plate", "ABC123").Root()
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded.Add(-time.Hour)))
	got := must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted", Statement: "As you asked."}))
	e := got.Erased
	if e == nil || e.BackupsUntil != "2026-06-27" || e.Entries != 4 || len(e.Tell) != 2 {
		t.Fatalf("erased %+v", e)
	}
	if e.Tell[0] != (intake.Recipient{Organization: "city", Recipient: "city", Dataset: "city/people", Position: e.Tell[0].Position}) || e.Tell[1].Recipient != "acme" || e.Tell[1].Dataset != "city/people" {
		t.Errorf("to tell: %+v", e.Tell)
	}
	if h.history.Last().Index() != e.Shredded.Position || e.Deleted.Position != e.Shredded.Position-1 || got.Position != e.Deleted.Position-1 {
		t.Errorf("the last three are %d %d %d of %d", got.Position, e.Deleted.Position, e.Shredded.Position, h.history.Last())
	}
	if who := must[intake.Subject](t)(h.ring.ByHandle(her)); who != nil {
		t.Error("her keys are still here")
	}
	h.checkEnd(t, her, root, e.Shredded.Position)
	// Said again it answers as before, and otherwise it is a conflict.
	again := must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
	if again.Said != got.Said || again.Erased == nil || again.Erased.Shredded != e.Shredded || again.Erased.BackupsUntil != e.BackupsUntil {
		t.Errorf("again: %+v, %+v", again, again.Erased)
	}
	if _, err := d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "refused", Ground: "LegallyExempted"}); refusal(t, err) != "decided" {
		t.Errorf("decided otherwise: %v", err)
	}
	// What is answered to a recipient later names nobody.
	answered := must[intake.Said](t)(d.Answer(t.Context(), officer, received.Name, "acme"))
	if _, entry := h.message(t, answered.Position); entry.Text("subjects.mode") != "none" || entry.Text("about") != received.Name.String() {
		t.Errorf("answered: %s", entry.Append(nil))
	}
	if once := must[intake.Said](t)(d.Answer(t.Context(), officer, received.Name, "acme")); once != answered {
		t.Error("an answer is said twice")
	}
	h.checkAfterErasing(t, her)
}

// TestReadingOfErased holds that what an officer was about to read when she was
// erased makes her no new keys.
func TestReadingOfErased(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	her := h.person(t, "plate", "ABC123").Handle()
	d := h.office(0)
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
	last := h.history.Last()
	out := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), intake.Own{
		Kind: "ledger.read", ID: "late", Organization: "city", Time: recorded, Trails: []events.Handle{her}, Data: events.Object{
			{Name: "count", Value: events.Integer(1)},
			{Name: "role", Value: events.String("officer")},
			{Name: "subjects", Value: must[events.Value](t)(events.ParseValue([]byte(anna)))},
		},
	}))
	if out[0].Status != 409 || out[0].Problem.Code != "trail-ended" || h.history.Last() != last {
		t.Errorf("a reading after the end: %+v", out[0])
	}
	if who := must[intake.Subject](t)(h.ring.Find(anna2)); who != nil {
		t.Error("she has keys again")
	}
}

// checkEnd holds that tags 1 … n of a trail are in the history, the last on its
// key.shredded, and that tag n+1 is nowhere.
func (h *house) checkEnd(t *testing.T, her events.Handle, root [32]byte, end events.Index) {
	t.Helper()
	found := map[string]events.Index{}
	for i := range h.history.Last().Size() {
		_, e := h.message(t, events.Index(i))
		for _, tag := range e.Texts("subjects.tags") {
			found[tag] = events.Index(i)
		}
	}
	n, last := uint64(0), events.Index(0)
	for {
		at, ok := found[tagOf(root, n+1).String()]
		if !ok {
			break
		}
		n, last = n+1, at
	}
	_, e := h.message(t, last)
	if last != end || e.Kind.Name != "key.shredded" || n != 8 { // access, two shares, request, reading, and the three of the end
		t.Errorf("the trail ends with tag %d at %d, %s", n, last, e.Kind.Name)
	}
}

// checkAfterErasing holds that an old event is recognized and enrols nobody, that
// a new one enrols her next generation, and that nothing old opens.
func (h *house) checkAfterErasing(t *testing.T, her events.Handle) {
	t.Helper()
	before := h.history.Last()
	for _, body := range []string{accessed("1", "plate", "ABC 123"), said("data.accessed", "1", `{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"none"}}`)} {
		if again := h.submit(t, body); again[0].Status != 200 || again[0].Position != 3 || h.history.Last() != before {
			t.Errorf("an old event is answered %+v", again[0])
		}
	}
	if opened := must[intake.Opened](t)(h.desk(opening{}).Open(t.Context(), officer, 3)); opened.Sealed == "" || len(opened.Details) != 0 {
		t.Errorf("it opens: %v", opened.Details)
	}
	before = h.history.Last()
	fresh := h.submit(t, accessed("new", "plate", "ABC 123"))
	if fresh[0].Status != 201 || h.history.Last() != before+2 {
		t.Fatalf("a new event is answered %+v", fresh[0])
	}
	next := h.person(t, "plate", "ABC123")
	if next.Generation() != 2 || next.Handle() == her {
		t.Errorf("she is generation %d", next.Generation())
	}
}

// TestErasePostponed refuses while a seal stands over her, and says nothing of it.
func TestErasePostponed(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	d := h.office(0)
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	h.sealOver(t, "county", "secret ground")
	last := h.history.Last()
	_, err := d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"})
	if refusal(t, err) != "postponed" || strings.Contains(err.Error(), "county") || h.history.Last() != last {
		t.Errorf("%v, and %d messages more", err, h.history.Last()-last)
	}
	// It can be extended meanwhile.
	if _, err := d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "extended"}); err != nil {
		t.Error(err)
	}
}

// sealOver puts a seal of organization over anna.
func (h *house) sealOver(t *testing.T, organization, id string) {
	t.Helper()
	out := must[[]intake.Outcome](t)(h.writer.Say(t.Context(), h.sealOrder(t, organization, id)))
	if out[0].Status != 201 {
		t.Fatalf("placing a seal: %+v", out[0])
	}
}

// sealOrder is what places a seal of organization over anna.
func (h *house) sealOrder(t *testing.T, organization, id string) intake.Own {
	t.Helper()
	hidden := must[intake.Subject](t)(h.ring.Hide(anna2, id))
	return intake.Own{
		Kind: "seal.placed", ID: id, Organization: organization, Time: recorded, Trails: []events.Handle{hidden.Handle()}, Data: events.Object{
			{Name: "group", Value: events.String("justice")},
			{Name: "ground", Value: events.String("JudicialProceedingsImpaired")},
			{Name: "reviewIn", Value: events.String("2026-Q4")},
			{Name: "reviewBy", Value: events.String("2026-12-01")},
			{Name: "officer", Value: events.String("a")},
			{Name: "approver", Value: events.String("b")},
			{Name: "subjects", Value: must[events.Value](t)(events.ParseValue([]byte(`{"mode":"single","persons":[{"scheme":"plate","value":"ABC 123"}]}`)))},
		},
	}
}

// TestEraseOthers refuses to end what another organization recorded, until one of
// its officers joins.
func TestEraseOthers(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	county := of("county", submitted(t, strings.ReplaceAll(shared("5", "acme", "county/cars"), "city/app", "county/app")))
	must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), county))
	d := h.office(0)
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	decision := intake.Decision{Request: received.Name, Decision: "granted"}
	for _, joined := range [][]intake.Reader{nil, {officer}, {{Grant: intake.Grant{Role: events.Auditor}}}, {{Grant: intake.Grant{Role: events.Emitter, Organization: "county"}}}} {
		decision.Joined = joined
		if _, err := d.Decide(t.Context(), officer, decision); refusal(t, err) != "other-organizations" || !strings.Contains(err.Error(), "county") {
			t.Errorf("joined by %v: %v", joined, err)
		}
	}
	decision.Joined = []intake.Reader{other}
	got := must[intake.Decided](t)(d.Decide(t.Context(), officer, decision))
	if len(got.Erased.Tell) != 1 || got.Erased.Tell[0].Organization != "county" || got.Erased.Tell[0].Dataset != "county/cars" {
		t.Errorf("to tell: %+v", got.Erased.Tell)
	}
	// Their officer answers for what they shared, and nobody in other matters.
	if _, err := d.Answer(t.Context(), other, received.Name, "acme"); err != nil {
		t.Error(err)
	}
	if _, err := d.Answer(t.Context(), other, received.Name, ""); refusal(t, err) != "may-not" {
		t.Errorf("another organization answers her: %v", err)
	}
}

// TestEraseRaces records something about her between the looks of an erasure: it
// looks again, and what came later stays behind nobody's last event.
func TestEraseRaces(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{now: recorded, tap: x})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"), shared("2", "acme", "city/people"))
	d := h.office(0)
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	late := 0
	x.set(func() error {
		if late++; late == 1 { // before the reading of her details is stored
			go func() {
				_, _ = h.writer.Submit(context.Background(), submitted(t, accessed("late", "plate", "ABC 123")))
			}()
			for h.writer.Queued() == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		return nil
	}, nil)
	got := must[intake.Decided](t)(d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}))
	_, e := h.message(t, h.history.Last().Index())
	if e.Kind.Name != "key.shredded" || got.Erased.Entries != 5 { // with the late one and the first reading
		t.Errorf("%d entries ended, the last is %s", got.Erased.Entries, e.Kind.Name)
	}
}

// TestDecide holds what a decision needs, and who may take it.
func TestDecide(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	h.submit(t, registered("r"))
	d := h.office(0)
	ctx := t.Context()
	received := must[intake.Said](t)(d.Receive(ctx, officer, anna2, "access", recorded))
	_, e := h.message(t, received.Position)
	if e.Kind.Name != "request.received" || e.Text("request") != "access" || len(e.Texts("subjects.tags")) != 1 {
		t.Errorf("received: %s", e.Append(nil))
	}
	for _, x := range []struct {
		by       intake.Reader
		decision intake.Decision
		want     string
	}{
		{officer, intake.Decision{Decision: "refused"}, "missing-field"},
		{officer, intake.Decision{Decision: "partly"}, "missing-field"},
		{officer, intake.Decision{Decision: "granted", Ground: "LegallyExempted"}, "malformed"},
		{officer, intake.Decision{Decision: "perhaps"}, "malformed"},
		{officer, intake.Decision{Decision: "refused", Ground: "because"}, "malformed"},
		{other, intake.Decision{Decision: "granted"}, "may-not"},
		{intake.Reader{Grant: intake.Grant{Role: events.Auditor}}, intake.Decision{Decision: "granted"}, "may-not"},
		{officer, intake.Decision{Request: e.Name(), Decision: "granted", Statement: strings.Repeat("x", 2001)}, "malformed"},
	} {
		if x.decision.Request == (events.EventName{}) {
			x.decision.Request = received.Name
		}
		if _, err := d.Decide(ctx, x.by, x.decision); refusal(t, err) != x.want {
			t.Errorf("%s by %s: %v, want %s", x.decision.Decision, x.by.Grant.Role, err, x.want)
		}
	}
	if _, err := d.Decide(ctx, officer, intake.Decision{Request: events.EventName{1}, Decision: "granted"}); refusal(t, err) != "not-found" {
		t.Errorf("a request that was never received: %v", err)
	}
	for _, decision := range []string{"extended", "extended", "granted"} {
		if _, err := d.Decide(ctx, officer, intake.Decision{Request: received.Name, Decision: decision}); err != nil {
			t.Errorf("%s: %v", decision, err)
		}
	}
	if _, err := d.Decide(ctx, officer, intake.Decision{Request: received.Name, Decision: "extended"}); refusal(t, err) != "decided" {
		t.Errorf("extended after it was granted: %v", err)
	}
	answered := must[intake.Said](t)(d.Answer(ctx, officer, received.Name, ""))
	if counts := h.walk(t); len(counts) != 1 || counts[h.person(t, "plate", "ABC123").Handle()] != 4 {
		t.Errorf("her trail has %v", counts)
	}
	if got := h.readOf(t, answered.Position); got["officer"] != `"0123456789abcdef"` || got["subject"] == "" {
		t.Errorf("answered: %v", got)
	}
	if _, err := d.Receive(ctx, officer, anna2, "access", recorded.Add(time.Hour)); refusal(t, err) != "malformed" {
		t.Errorf("received in the future: %v", err)
	}
	if _, err := d.Receive(ctx, officer, events.Person{Scheme: "plate", Value: "AB*"}, "access", recorded); refusal(t, err) != "malformed" {
		t.Errorf("nobody's plate: %v", err)
	}
}

// TestCorrect holds that a correction points back, and concerns whom the entry
// concerns on the trail that took it.
func TestCorrect(t *testing.T) {
	h := openHouse(t, plan{now: recorded})
	several := said("data.accessed", "s", `{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"several","persons":[{"scheme":"plate","value":"ABC 123"},{"scheme":"plate","value":"XYZ 9","relation":"incidental"}]}}`)
	got := h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"), several, accessed("3", "", ""))
	d := h.office(0)
	h.sealOver(t, "city", "s1")
	hidden := must[intake.Subject](t)(h.ring.Hide(anna2, "s1"))
	under := h.submit(t, accessed("4", "plate", "ABC 123"))[0]
	for i, want := range []int{0, 1, 2, 0} {
		said := must[intake.Said](t)(d.Correct(t.Context(), officer, got[i].Position, "correction", "It was another day."))
		_, e := h.message(t, said.Position)
		_, wrong := h.message(t, got[i].Position)
		if e.Text("corrects") != wrong.Name().String() || len(e.Texts("subjects.tags")) != want {
			t.Errorf("correction of %d: %s", i, e.Append(nil))
		}
	}
	said := must[intake.Said](t)(d.Correct(t.Context(), officer, under.Position, "correction", "It was another day."))
	if _, e := h.message(t, said.Position); e.Texts("subjects.tags")[0] != hidden.Tag(3).String() { // placed, the event, this
		t.Errorf("what corrects a hidden event has another tag: %s", e.Append(nil))
	}
	if _, err := d.Correct(t.Context(), other, got[0].Position, "correction", "x"); refusal(t, err) != "may-not" {
		t.Errorf("another organization corrects: %v", err)
	}
	if _, err := d.Correct(t.Context(), officer, 0, "correction", "x"); refusal(t, err) != "not-corrected" {
		t.Errorf("entry 0 is corrected: %v", err)
	}
	if _, err := d.Correct(t.Context(), officer, got[0].Position, "because", "x"); refusal(t, err) != "malformed" {
		t.Errorf("a reason of no list: %v", err)
	}
	noMonth := h.desk(opening{noMonth: true})
	if _, err := noMonth.Correct(t.Context(), officer, got[1].Position, "correction", "x"); refusal(t, err) != "not-kept" {
		t.Errorf("without the month's key: %v", err)
	}
}

// tagOf derives a tag from a root key alone, as its owner can.
func tagOf(root [32]byte, i uint64) events.Tag {
	key := hash(root[:], binary.BigEndian.AppendUint64([]byte("daybook/event"), i))
	return events.Tag(hash(key, []byte("tag"))[:16])
}

func hash(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)[:32]
}

// TestCrashBeforeShredding ends the writer when key.shredded is durable and her
// keys are not destroyed yet: the order is carried out at the next start, before
// anything is taken.
func TestCrashBeforeShredding(t *testing.T) {
	x := &tap{}
	h := openHouse(t, plan{now: recorded, tap: x})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	d := h.office(0)
	her := h.person(t, "plate", "ABC123").Handle()
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	x.set(nil, func() error { return errors.New("the power is cut") })
	decision := intake.Decision{Request: received.Name, Decision: "granted"}
	if _, err := d.Decide(t.Context(), officer, decision); refusal(t, err) != "unavailable" {
		t.Fatalf("it is not known what became of it, and the answer is %v", err)
	}
	_, e := h.message(t, h.history.Last().Index())
	if who := must[intake.Subject](t)(h.ring.ByHandle(her)); who == nil || e.Kind.Name != "key.shredded" {
		t.Fatalf("the crash is elsewhere: the last entry is %s", e.Kind.Name)
	}
	h = h.reopen(t, plan{now: recorded})
	done := must[events.Seq](t)(h.ring.Replayed())
	if upTo := must[events.Seq](t)(h.book.Shred(done, h.ring)); upTo != h.history.Last() {
		t.Errorf("carried out up to %d of %d", upTo, h.history.Last())
	}
	if who := must[intake.Subject](t)(h.ring.ByHandle(her)); who != nil {
		t.Error("her keys are still here")
	}
	// Said again, it answers what was done.
	again := must[intake.Decided](t)(h.office(0).Decide(t.Context(), officer, decision))
	if again.Erased == nil || again.Erased.Shredded.Position != h.history.Last().Index() {
		t.Errorf("again: %+v", again)
	}
	h.checkAfterErasing(t, her)
}

// TestEndIsOneBatch queues an erasure where a batch would end in the middle of it:
// all of it goes into the next one.
func TestEndIsOneBatch(t *testing.T) {
	x := &batches{}
	h := openHouse(t, plan{now: recorded, tap: &tap{}})
	h.submit(t, registered("r"), accessed("1", "plate", "ABC 123"))
	d := h.office(0)
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	held, release := make(chan bool), make(chan bool)
	var once sync.Once
	h.tap.set(func() error { once.Do(func() { close(held); <-release }); return nil }, nil)
	h.tap.History = x.of(h.tap.History)
	var group sync.WaitGroup
	send := func(n int, prefix string) {
		var list []string
		for i := range n {
			list = append(list, accessed(fmt.Sprint(prefix, i), "", ""))
		}
		group.Go(func() { _, _ = h.writer.Submit(context.Background(), submitted(t, list...)) })
	}
	send(1, "first")
	<-held
	send(996, "fill") // a batch takes 997
	for h.writer.Queued() < 996 {
		time.Sleep(time.Millisecond)
	}
	var erased intake.Decided
	var err error
	group.Go(func() {
		erased, err = d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"})
	})
	for h.writer.Queued() < 999 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	group.Wait()
	if err != nil || erased.Erased == nil {
		t.Fatal(err)
	}
	if sizes := fmt.Sprint(x.sizes); sizes != "[1 996 3]" {
		t.Errorf("the batches have %s messages", sizes)
	}
}

// batches notes how large batches are.
type batches struct {
	intake.History
	sizes []int
}

func (b *batches) of(h intake.History) *batches { b.History = h; return b }

func (b *batches) Append(ctx context.Context, msgs [][]byte) (events.Seq, error) {
	b.sizes = append(b.sizes, len(msgs))
	return b.History.Append(ctx, msgs)
}

// TestSealBetweenTheLooks places a seal after an erasure has looked for one: the
// writer looks again, and nothing is destroyed that a seal hides.
func TestSealBetweenTheLooks(t *testing.T) {
	h := openHouse(t, plan{now: recorded, tap: &tap{}})
	h.submit(t, registered("r"), shared("2", "acme", "city/people"))
	d := h.office(0)
	received := must[intake.Said](t)(d.Receive(t.Context(), officer, anna2, "erasure", recorded))
	order := h.sealOrder(t, "city", "s1")
	var once sync.Once
	h.tap.set(func() error { // before the reading of her details is stored
		once.Do(func() {
			go func() { _, _ = h.writer.Say(context.WithoutCancel(t.Context()), order) }()
			for h.writer.Queued() == 0 {
				time.Sleep(time.Millisecond)
			}
		})
		return nil
	}, nil)
	if _, err := d.Decide(t.Context(), officer, intake.Decision{Request: received.Name, Decision: "granted"}); refusal(t, err) != "postponed" {
		t.Errorf("under a seal she is erased: %v", err)
	}
	h.person(t, "plate", "ABC123")
	for i := range h.history.Last().Size() {
		if _, e := h.message(t, events.Index(i)); e.Kind.Name == "data.deleted" || e.Kind.Name == "request.decided" {
			t.Errorf("entry %d says %s", i, e.Kind.Name)
		}
	}
}
