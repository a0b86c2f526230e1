package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/daybook-ledger/daybook/events"
)

// tape is a history in memory.
type tape struct {
	mu       sync.Mutex
	messages []events.Stored
	grown    chan struct{}
}

func newTape(messages []events.Stored) *tape {
	return &tape{messages: messages, grown: make(chan struct{})}
}

func (h *tape) append(m events.Stored) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages = append(h.messages, m)
	close(h.grown)
	h.grown = make(chan struct{})
}

func (h *tape) Last() events.Seq {
	h.mu.Lock()
	defer h.mu.Unlock()
	return events.Seq(len(h.messages))
}

func (h *tape) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		h.mu.Lock()
		last, grown := events.Seq(len(h.messages)), h.grown
		h.mu.Unlock()
		if last > after {
			return last, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (h *tape) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	h.mu.Lock()
	messages := h.messages
	h.mu.Unlock()
	return func(yield func(events.Stored, error) bool) {
		for _, m := range messages[from-1 : min(to, events.Seq(len(messages)))] {
			if ctx.Err() != nil || !yield(m, ctx.Err()) {
				return
			}
		}
	}
}

// world says events as a city would, the same for the same seed.
type world struct {
	tb    testing.TB
	rng   *rand.Rand
	known map[string]bool // "system aot/1"
	out   []events.Stored

	recorded time.Time // zero: a second after the message before
	shared   []events.EventName
	received events.EventName // of nothing shared yet
}

var start = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

func newWorld(tb testing.TB, seed uint64) *world {
	return &world{tb: tb, rng: rand.New(rand.NewPCG(seed, 7)), known: map[string]bool{}}
}

func (w *world) bytes(dst []byte) {
	for i := range dst {
		dst[i] = byte(w.rng.Uint32())
	}
}

func (w *world) name() (n events.EventName) { w.bytes(n[:]); return n }

// foldKey seals the fold headers of every world.
var foldKey = events.BoxKey(events.BoxFold.String(), make([]byte, 32))

// openFold opens what a world sealed.
func openFold(m events.Message) (events.Fold, error) {
	hash := events.HashEntry(m.Entry)
	plain, err := events.OpenBox(foldKey, hash[:], m.Boxes[0].Data)
	if err != nil {
		return events.Fold{}, err
	}
	return events.ParseFold(plain)
}

// Read lets a world's seed decide the nonces too.
func (w *world) Read(dst []byte) (int, error) { w.bytes(dst); return len(dst), nil }

// append stores an entry as the writer would.
func (w *world) append(f events.Fold, e *events.Entry, err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
	hash := events.HashEntry(e.Append(nil))
	box, err := events.SealBox(foldKey, w, hash[:], f.Format())
	if err != nil {
		w.tb.Fatal(err)
	}
	m := events.Message{Entry: e.Append(nil), Boxes: []events.Box{{Kind: events.BoxFold, Data: box}}}
	w.out = append(w.out, events.Stored{Seq: events.Seq(len(w.out) + 1), Data: m.Format()})
}

// say makes one event of a kind, with its data as JSON in loose quotes.
func (w *world) say(kind, organization, at, data string) {
	w.tb.Helper()
	submitted, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprint(len(w.out)), "source": organization, "time": at,
		"type": events.TypePrefix + kind + events.TypeSuffix,
		"data": json.RawMessage(strings.ReplaceAll(data, "'", `"`)),
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	e, err := events.ParseEvent(submitted)
	if err != nil {
		w.tb.Fatalf("%s: %v", submitted, err)
	}
	f := events.Facts{
		Name: w.name(), Organization: organization, RecordedAt: start.Add(time.Duration(len(w.out)) * time.Second),
		OccurredOn: at[:10], UntilOn: at[:10], RecordedOn: at[:10], Counterpart: w.name(),
	}
	if e.Kind.Name == "data.received" && len(w.shared) > 0 && w.rng.IntN(4) > 0 {
		f.Counterpart = w.shared[w.rng.IntN(len(w.shared))]
	}
	if e.Kind.Name == "data.shared" {
		if w.rng.IntN(6) == 0 && w.received != (events.EventName{}) {
			f.Name, w.received = w.received, events.EventName{} // it was received first
		}
		w.shared = append(w.shared, f.Name)
	}
	if e.Kind.Name == "data.received" && !slices.Contains(w.shared, f.Counterpart) {
		w.received = f.Counterpart
	}
	if !w.recorded.IsZero() {
		f.RecordedAt = w.recorded
	}
	for _, r := range e.References() {
		if !w.known[r.Register+" "+r.Value] {
			f.Unresolved = append(f.Unresolved, r.Name)
		}
	}
	if e.Mode() == "single" {
		f.Tags = []events.Tag{events.Tag(w.name())}
	}
	f.Digests = make([]events.Digest, e.Kind.Slots()+len(f.Tags))
	for i := range f.Digests {
		w.bytes(f.Digests[i][:])
	}
	entry, err := e.Entry(f)
	w.append(w.fold(e, f), entry, err)
	if id, _ := e.Data.Get(e.Kind.Object); strings.HasSuffix(kind, ".registered") {
		w.known[e.Kind.Object+" "+id.Text()] = true
	}
}

// fold is the header of e, with the actor's id in reverse as her pseudonym.
func (w *world) fold(e *events.Event, f events.Facts) events.Fold {
	text := func(path string) string { v, _ := e.Data.At(path); return v.Text() }
	actor := []byte(text("actor.id"))
	slices.Reverse(actor)
	out := events.Fold{
		Actor: string(actor), Role: text("actor.role"), Unit: text("actor.unit"), OccurredAt: e.Time, RecordedAt: f.RecordedAt,
		Day: e.Given[:10], Hour: e.Time.Hour(), Sequence: -1, Dataset: text("dataset"), HasReason: text("reasonText") != "",
	}
	if v, ok := e.Data.Get("sequence"); ok {
		out.Sequence = v.Int()
	}
	return out
}

// ownFold is the header of the ledger's own entries.
func ownFold() events.Fold { return events.Fold{OccurredAt: start, RecordedAt: start, Sequence: -1} }

func (w *world) open() {
	e, err := events.Opened{
		Name: w.name(), RecordedAt: start, Origin: "localhost/test", Log: "log", Receipt: "receipt", Index: "index",
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry()
	w.append(ownFold(), e, err)
}

func (w *world) enrol() {
	var p events.Pair
	w.bytes(p.Label[:])
	w.bytes(p.Commitment[:])
	e, err := events.Enrolled(w.name(), start, []events.Pair{p})
	w.append(ownFold(), e, err)
}

func pick(w *world, from ...string) string { return from[w.rng.IntN(len(from))] }

// live says n events of every open kind at random.
func (w *world) live(n int) []events.Stored {
	w.open()
	for len(w.out) < n {
		organization := pick(w, "eugene-police", "array-of-things", "chicago", ExampleOrganization)
		at := fmt.Sprintf("2026-06-%02dT%02d:30:00Z", 15+w.rng.IntN(14), w.rng.IntN(24))
		system, dataset := pick(w, "s/1", "s/2", "s", "s-3"), pick(w, "d/1", "d/2", "d/3", "d")
		switch w.rng.IntN(3) {
		case 0:
			w.register(organization, system, dataset, at)
		default:
			w.use(organization, system, dataset, at)
		}
	}
	return w.out
}

func (w *world) register(organization, system, dataset, at string) {
	title := fmt.Sprintf("'Title “%d”'", w.rng.IntN(100))
	said := [][2]string{
		{"organization.registered", "{'organization':'" + organization + "','name':" + title + ",'kind':'city','timeZone':'America/Chicago'}"},
		{"system.registered", "{'system':'" + system + "','name':" + title + ",'kind':'camera','model':'s-3','datasets':['" + dataset + "'],'place':{'lat':'41.8','lon':'-87.6'}}"},
		{"system.changed", "{'system':'" + system + "','starts':'2026-01-01','ends':'" + pick(w, "2026-06-18", "2026-07-01") + "','place':{'lat':'41.9'}}"},
		{"system.moved", "{'system':'" + system + "','place':{'address':" + title + "}}"},
		{"system.decommissioned", "{'system':'" + system + "','on':'" + pick(w, "2026-06-20", "2026-07-01") + "','mediaSanitized':true}"},
		{"dataset.registered", "{'dataset':'" + dataset + "','title':" + title + ",'access':{'open':false,'restricted':'privacy'}}"},
		{"dataset.reclassified", "{'dataset':'" + dataset + "','classification':'" + pick(w, "Public", "Sensitive", "Private") + "','pii':'" + pick(w, "none", "direct") + "'}"},
		{"dataset.retired", "{'dataset':'" + dataset + "'}"},
		{"retention.set", "{'dataset':'" + dataset + "','period':'" + pick(w, "P30D", "P1M", "PT36H", "P2D") + "','method':'Erase'}"},
		{"activity.registered", "{'activity':'a/1','title':" + title + ",'systems':['" + system + "'],'subjectsExpected':'" + pick(w, "none", "bulk") + "'}"},
		{"activity.superseded", "{'activity':'a/1','datasets':['" + dataset + "'],'purposes':['" + pick(w, purposes...) + "']}"},
		{"activity.superseded", "{'activity':'a/1','" + pick(w, "legalBasis':'"+legalBasis, "authority':'ORS 1.2") + "'}"},
	}
	if w.known["organization "+organization] {
		said = append(said, [2]string{"organization.changed", "{'organization':'" + organization + "','contact':" + title + "}"})
	}
	one := said[w.rng.IntN(len(said))]
	w.say(one[0], organization, at, one[1])
}

var (
	purposes   = events.CodePurpose.Terms()[:3]
	legalBasis = events.CodeLegalBasis.Terms()[0]
)

func (w *world) use(organization, system, dataset, at string) {
	subjects := pick(w, "{'mode':'none'}", "{'mode':'unknown'}", "{'mode':'single','persons':[{'scheme':'email','value':'x@example.org'}]}")
	both := "'dataset':'" + dataset + "','subjects':" + subjects
	for _, more := range []string{
		",'activity':'a/1'", ",'actor':{'id':'" + pick(w, "ann", "bob") + "','unit':'u/1'}", ",'purpose':'" + pick(w, purposes...) + "'",
		",'sequence':" + fmt.Sprint(w.rng.IntN(120)), ",'reasonText':'why'", ",'legalBasis':'" + legalBasis + "'",
	} {
		if w.rng.IntN(2) == 0 {
			both += more
		}
	}
	switch w.rng.IntN(8) {
	case 0:
		w.say("data.collected", organization, at, "{"+both+",'system':'"+system+"','records':40}")
	case 1, 2:
		more := pick(w, "", ",'disclosureClass':'routine'", ",'disclosureClass':'exigent','legalStandard':'warrant'")
		w.say("data.shared", organization, at, "{"+both+more+",'recipient':'"+pick(w, "chicago", "eugene-police", "nobody")+"'}")
	case 3:
		w.say("data.deleted", organization, at, "{"+both+",'method':'Erase','trigger':'"+pick(w, "retention-end", "person-request")+"'}")
	case 4:
		w.enrol()
	case 5:
		w.say("data.received", organization, at, "{"+both+",'counterpart':{'organization':'chicago','source':'chicago','id':'1'}}")
	default:
		w.say("data.accessed", organization, at, "{"+both+",'system':'"+system+"','operation':'Query','outcome':'"+pick(w, "unstated", "denied")+
			"','lookBack':'"+pick(w, "P30D", "PT1H", "P1Y")+"'}")
	}
}

// opened opens views in fs, which the test closes.
func opened(tb testing.TB, fs vfs.FS) *Views {
	tb.Helper()
	v, err := Open(Config{Dir: "views", FS: fs, Open: openFold})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := v.Close(); err != nil {
			tb.Error(err)
		}
	})
	return v
}

func catchUp(tb testing.TB, v *Views, h History, to events.Seq) {
	tb.Helper()
	if err := v.CatchUp(tb.Context(), h, to); err != nil {
		tb.Fatal(err)
	}
}

// foldedViews are views of all messages, folded at once.
func foldedViews(tb testing.TB, messages []events.Stored) *Views {
	tb.Helper()
	v := opened(tb, vfs.NewMem())
	catchUp(tb, v, newTape(messages), events.Seq(len(messages)))
	return v
}

func dump(tb testing.TB, v *Views) string {
	tb.Helper()
	var out strings.Builder
	if err := v.Dump(&out); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}
