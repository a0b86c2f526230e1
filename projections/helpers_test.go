package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
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

// append stores an entry as the writer would, its box sealed with noise.
func (w *world) append(e *events.Entry, err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
	box := make([]byte, 28+w.rng.IntN(60))
	w.bytes(box)
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
	w.append(e.Entry(f))
	if id, _ := e.Data.Get(e.Kind.Object); strings.HasSuffix(kind, ".registered") {
		w.known[e.Kind.Object+" "+id.Text()] = true
	}
}

func (w *world) open() {
	w.append(events.Opened{
		Name: w.name(), RecordedAt: start, Origin: "localhost/test", Log: "log", Receipt: "receipt", Index: "index",
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry())
}

func (w *world) enrol() {
	var p events.Pair
	w.bytes(p.Label[:])
	w.bytes(p.Commitment[:])
	w.append(events.Enrolled(w.name(), start, []events.Pair{p}))
}

func pick(w *world, from ...string) string { return from[w.rng.IntN(len(from))] }

// live says n events of every open kind at random.
func (w *world) live(n int) []events.Stored {
	w.open()
	for len(w.out) < n {
		organization := pick(w, "eugene-police", "array-of-things", "chicago", ExampleOrganization)
		at := pick(w, "2026-06-23", "2026-06-24", "2026-06-25") + "T08:30:00Z"
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
		{"system.changed", "{'system':'" + system + "','starts':'2026-01-01','place':{'lat':'41.9'}}"},
		{"system.moved", "{'system':'" + system + "','place':{'address':" + title + "}}"},
		{"system.decommissioned", "{'system':'" + system + "','on':'2026-07-01','mediaSanitized':true}"},
		{"dataset.registered", "{'dataset':'" + dataset + "','title':" + title + ",'access':{'open':false,'restricted':'privacy'}}"},
		{"dataset.reclassified", "{'dataset':'" + dataset + "','classification':'Private'}"},
		{"dataset.retired", "{'dataset':'" + dataset + "'}"},
		{"retention.set", "{'dataset':'" + dataset + "','period':'P30D','method':'Erase'}"},
		{"activity.registered", "{'activity':'a/1','title':" + title + ",'systems':['" + system + "']}"},
		{"activity.superseded", "{'activity':'a/1','datasets':['" + dataset + "']}"},
	}
	if w.known["organization "+organization] {
		said = append(said, [2]string{"organization.changed", "{'organization':'" + organization + "','contact':" + title + "}"})
	}
	one := said[w.rng.IntN(len(said))]
	w.say(one[0], organization, at, one[1])
}

func (w *world) use(organization, system, dataset, at string) {
	subjects := pick(w, "{'mode':'none'}", "{'mode':'unknown'}", "{'mode':'single','persons':[{'scheme':'email','value':'x@example.org'}]}")
	both := "'dataset':'" + dataset + "','subjects':" + subjects
	switch w.rng.IntN(6) {
	case 0:
		w.say("data.collected", organization, at, "{"+both+",'system':'"+system+"','records':40}")
	case 1:
		w.say("data.shared", organization, at, "{"+both+",'recipient':'chicago'}")
	case 2:
		w.say("data.deleted", organization, at, "{"+both+",'method':'Erase','trigger':'retention-end'}")
	case 3:
		w.enrol()
	default:
		w.say("data.accessed", organization, at, "{"+both+",'system':'"+system+"','operation':'Query','outcome':'unstated','reasonText':'why'}")
	}
}

// opened opens views in fs, which the test closes.
func opened(tb testing.TB, fs vfs.FS) *Views {
	tb.Helper()
	v, err := Open(Config{Dir: "views", FS: fs})
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
