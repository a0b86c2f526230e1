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
	known map[string]bool             // "system aot/1"
	names map[string]events.EventName // by id
	out   []events.Stored

	recorded time.Time // zero: a second after the message before
	shared   []events.EventName
	received events.EventName // of nothing shared yet
}

var start = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

func newWorld(tb testing.TB, seed uint64) *world {
	return &world{tb: tb, rng: rand.New(rand.NewPCG(seed, 7)), known: map[string]bool{}, names: map[string]events.EventName{}}
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
	w.record(e, organization, at)
}

// tell is say for the ledger, about an organization.
func (w *world) tell(kind, organization, at, data string) {
	w.tb.Helper()
	v, err := events.ParseValue([]byte(strings.ReplaceAll(data, "'", `"`)))
	if err != nil {
		w.tb.Fatal(err)
	}
	e, err := events.CheckEvent(events.Nested(events.Object{
		{Name: "data", Value: v},
		{Name: "id", Value: events.String(fmt.Sprint(len(w.out)))},
		{Name: "source", Value: events.String("daybook")},
		{Name: "specversion", Value: events.String("1.0")},
		{Name: "time", Value: events.String(at)},
		{Name: "type", Value: events.String(events.TypePrefix + kind + events.TypeSuffix)},
	}))
	if err != nil {
		w.tb.Fatalf("%s: %v", data, err)
	}
	w.record(e, organization, at)
}

// record is what the writer does with an event.
func (w *world) record(e *events.Event, organization, at string) {
	w.tb.Helper()
	f := events.Facts{
		Name: w.name(), Organization: organization, RecordedAt: start.Add(time.Duration(len(w.out)) * time.Second),
		OccurredOn: at[:10], UntilOn: at[:10], RecordedOn: at[:10], Counterpart: w.name(),
	}
	if e.Kind.Seals {
		f.OccurredOn, f.RecordedOn = events.QuarterOf(at[:10]), events.QuarterOf(at[:10])
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
		isKnown := w.known[r.Register+" "+r.Value]
		if r.Register == events.AnyRegister {
			isKnown = slices.ContainsFunc(events.Registers(), func(register string) bool { return w.known[register+" "+r.Value] })
		}
		if !isKnown {
			f.Unresolved = append(f.Unresolved, r.Name)
		}
	}
	for range e.Named() {
		f.Tags = append(f.Tags, events.Tag(w.name()))
	}
	slices.SortFunc(f.Tags, func(a, b events.Tag) int { return strings.Compare(a.String(), b.String()) })
	w.names[e.ID] = f.Name
	of, _, _ := e.Part()
	f.PartOf = w.names[of]
	f.Digests = make([]events.Digest, e.Kind.Slots()+len(f.Tags))
	for i := range f.Digests {
		w.bytes(f.Digests[i][:])
	}
	entry, err := e.Entry(f)
	w.append(w.fold(e, f), entry, err)
	if register, id := entry.Begins(); id != "" {
		w.known[register+" "+id] = true
	}
}

// fold is the header of e, with the actor's id in reverse as her pseudonym.
func (w *world) fold(e *events.Event, f events.Facts) events.Fold {
	text := func(path string) string { v, _ := e.Data.At(path); return v.Text() }
	actor := []byte(text("actor.id"))
	slices.Reverse(actor)
	out := events.Fold{
		Actor: string(actor), Role: text("actor.role"), Unit: text("actor.unit"), OccurredAt: e.Time, RecordedAt: f.RecordedAt,
		Day: e.Given[:10], Hour: e.Time.Hour(), Sequence: -1, Dataset: text("dataset") + text("output"), HasReason: text("reasonText") != "",
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
