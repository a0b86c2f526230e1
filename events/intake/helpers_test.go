package intake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/keyring"
	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
)

// keys shows the keyring to the writer, as the program does.
type keys struct{ *keyring.Keyring }

type subject struct{ *keyring.Person }

func (s subject) At(generation uint32) intake.Subject {
	if p := s.Person.At(generation); p != nil {
		return subject{p}
	}
	return nil
}

func (s subject) Tag(i uint64) events.Tag { return s.Person.Tag(i) }
func (s subject) Pair() events.Pair {
	return events.Pair{Label: s.Label(), Commitment: s.Commitment()}
}

func (k keys) EventName(source, id string) events.EventName { return k.Keyring.EventName(source, id) }

func (k keys) Content(canonical []byte, named []intake.Subject) events.Digest {
	people := make([]*keyring.Person, len(named))
	for i, who := range named {
		people[i] = who.(subject).Person
	}
	return k.Keyring.Content(canonical, people...)
}

func (k keys) Shared(organization string, t time.Time) (fold, month []byte, err error) {
	if organization != "" {
		month, err = k.MonthKey(organization, t)
	}
	return k.FoldKey(), month, err
}

func (k keys) FindMonth(organization string, t time.Time) ([]byte, error) {
	return k.FindMonthKey(organization, t)
}

func (k keys) Find(p events.Person) (intake.Subject, error) {
	id, err := (keyring.Identifier{Scheme: p.Scheme, Value: p.Value}).Normalize()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", intake.ErrIdentifier, err)
	}
	return found(k.Lookup(id))
}

func (k keys) ByHandle(h events.Handle) (intake.Subject, error) {
	return found(k.Keyring.ByHandle(h))
}

// found is nil for nobody, which a nil *Person in an interface would not be.
func found(who *keyring.Person, ok bool, err error) (intake.Subject, error) {
	if !ok || err != nil {
		return nil, err
	}
	return subject{who}, nil
}

func (k keys) Prepare(ps []events.Person, taken func([64]byte) (bool, error)) ([]intake.Subject, error) {
	ids := make([]keyring.Identifier, len(ps))
	for i, p := range ps {
		ids[i] = keyring.Identifier{Scheme: p.Scheme, Value: p.Value}
	}
	people, err := k.Keyring.Prepare(ids, taken)
	if errors.Is(err, keyring.ErrIdentifier) || errors.Is(err, keyring.ErrScheme) {
		err = fmt.Errorf("%w: %w", intake.ErrIdentifier, err)
	}
	if err != nil {
		return nil, err
	}
	out := make([]intake.Subject, len(people))
	for i, p := range people {
		out[i] = subject{p}
	}
	return out, nil
}

func (k keys) Hide(p events.Person, seal string) (intake.Subject, error) {
	id, err := (keyring.Identifier{Scheme: p.Scheme, Value: p.Value}).Normalize()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", intake.ErrIdentifier, err)
	}
	of, ok, err := k.Lookup(id)
	if err != nil || !ok {
		return nil, errors.Join(err, errors.New("opening a hidden trail: there are no keys of whose it is to be"))
	}
	who, err := k.PrepareSeal(of, id, seal, nil)
	return subject{who}, err
}

func (k keys) PrepareNext(p events.Person, after uint32, taken func([64]byte) (bool, error)) (intake.Subject, error) {
	who, err := k.Keyring.PrepareNext(identifier(p), after, taken)
	return subject{who}, err
}

func (k keys) ProveLabel(p events.Person, generation uint32) ([80]byte, error) {
	return k.Keyring.ProveLabel(identifier(p), generation)
}

func identifier(p events.Person) keyring.Identifier {
	return keyring.Identifier{Scheme: p.Scheme, Value: p.Value}
}

// plan says how a house differs from the usual one.
type plan struct {
	dir      string    // default: a new one
	keys     string    // the keyring's directory, default inside dir
	rand     io.Reader // where keys come from, default crypto/rand
	tap      *tap      // between writer and history
	now      time.Time // default: the real clock
	maxQueue int
	idle     bool // the writer does not run
	refuse   func() *events.Problem
	nats     *intake.Tokens // the history's server also listens, for these
	months   *ending        // the writer's keys go through it
}

// ending is where a test ends the months of all organizations.
type ending struct {
	keys
	months atomic.Bool
}

func (e *ending) FindMonth(organization string, t time.Time) ([]byte, error) {
	if e.months.Load() {
		return nil, fs.ErrNotExist
	}
	return e.keys.FindMonth(organization, t)
}

// house is everything around one writer, on one directory, all of it real.
type house struct {
	plan
	ring    keys
	broker  *broker.Broker
	nc      *nats.Conn
	history *stream.History
	book    *intake.Book
	writer  *intake.Writer
	closers []func() error
	ended   chan error // what Run returned
}

var recorded = time.Date(2026, 6, 24, 21, 30, 0, 0, time.UTC)

func openHouse(t testing.TB, p plan) *house {
	t.Helper()
	if p.dir == "" {
		p.dir = t.TempDir()
	}
	if p.keys == "" {
		p.keys = filepath.Join(p.dir, "keys")
	}
	h := &house{plan: p, ended: make(chan error, 1)}
	t.Cleanup(func() { h.close(t) })
	ring := must[*keyring.Keyring](t)(keyring.Open(keyring.Config{Dir: p.keys, Rand: p.rand}))
	h.ring = keys{ring}
	cfg := broker.Config{Dir: filepath.Join(p.dir, "history")}
	if p.nats != nil {
		cfg.Listen, cfg.Authenticate = "127.0.0.1:0", func(_, password string) (broker.Client, bool) {
			allowed, ok := p.nats.Subjects(password)
			return broker.Client(allowed), ok
		}
	}
	b := must[*broker.Broker](t)(broker.Open(cfg))
	h.broker = b
	h.closers = append(h.closers, ring.Close, b.Close)
	h.nc = must[*nats.Conn](t)(b.Connect())
	h.history = must[*stream.History](t)(stream.Open(t.Context(), h.nc, stream.Config{Healthy: b.Healthy}))
	h.begin(t)
	h.book = must[*intake.Book](t)(intake.OpenBook(filepath.Join(p.dir, "book")))
	h.closers = append(h.closers, h.book.Close)
	if err := h.book.CatchUp(t.Context(), h.history, intake.FoldOpener(h.ring.FoldKey())); err != nil {
		t.Fatal(err)
	}
	h.run()
	return h
}

func (h *house) begin(t testing.TB) {
	t.Helper()
	if h.history.Last() > 0 {
		return
	}
	first := must[[]byte](t)(intake.Begin(h.ring, events.Opened{
		RecordedAt: recorded, Origin: h.ring.Origin(), Log: h.ring.LogKey(), Receipt: h.ring.ReceiptKey(),
		Index: h.ring.IndexKey(), VRF: h.ring.VRFKey(), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}))
	must[events.Seq](t)(h.history.Append(t.Context(), [][]byte{first}))
}

// run makes and starts the writer.
func (h *house) run() {
	cfg := intake.Config{History: h.history, Book: h.book, People: h.ring, Keys: h.ring, MaxQueue: h.maxQueue, Refuse: h.refuse}
	if h.months != nil {
		h.months.keys = h.ring
		cfg.Keys = h.months
	}
	if h.tap != nil {
		h.tap.History = h.history
		cfg.History = h.tap
	}
	if !h.now.IsZero() {
		cfg.Now = func() time.Time { return h.now }
	}
	h.writer = intake.NewWriter(cfg)
	if h.idle {
		return
	}
	h.start()
}

// start starts the writer.
func (h *house) start() {
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		h.ended <- h.writer.Run(ctx)
	}()
	h.closers = append(h.closers, func() error { cancel(); <-stopped; return nil })
}

// close closes the house, last part first; again does nothing.
func (h *house) close(t testing.TB) {
	for i := len(h.closers) - 1; i >= 0; i-- {
		if err := h.closers[i](); err != nil {
			t.Error(err)
		}
	}
	h.closers = nil
}

// reopen closes the house and opens it on the same directory.
func (h *house) reopen(t testing.TB, p plan) *house {
	t.Helper()
	h.close(t)
	p.dir, p.keys = h.dir, h.keys
	return openHouse(t, p)
}

// anchor opens a real ledger on the house's history; it publishes only when
// running.
func (h *house) anchor(t testing.TB, running bool) *ledger.Anchor {
	t.Helper()
	local := must[*locallog.Log](t)(locallog.Open(t.Context(), locallog.Config{Dir: filepath.Join(h.dir, "log")}))
	a := must[*ledger.Anchor](t)(ledger.Open(t.Context(), ledger.Config{
		Dir: filepath.Join(h.dir, "public"), PublishEvery: time.Millisecond, Log: local, History: h.history,
		Signer: h.ring.LogSigner(), Receipts: h.ring.ReceiptSigner(),
	}))
	h.closers = append(h.closers, local.Close, a.Close)
	if running {
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan error, 1)
		go func() { stopped <- a.Run(ctx) }()
		h.closers = append(h.closers, func() error { cancel(); <-stopped; return nil })
	}
	return a
}

// tap is a history with a word before and after each append.
type tap struct {
	intake.History
	mu            sync.Mutex
	before, after func() error
}

func (x *tap) Append(ctx context.Context, msgs [][]byte) (events.Seq, error) {
	x.mu.Lock()
	before, after := x.before, x.after
	x.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return 0, err
		}
	}
	seq, err := x.History.Append(ctx, msgs)
	if err == nil && after != nil {
		err = after()
	}
	return seq, err
}

func (x *tap) set(before, after func() error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.before, x.after = before, after
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// said is one event as JSON, at half past nine in the evening.
func said(kind, id, data string) string {
	return saidAt("2026-06-24T21:30:00Z", kind, id, data)
}

func saidAt(at, kind, id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"city/app","type":"org.daybook.%s.v1","time":%q,"data":%s}`, id, kind, at, data)
}

// accessed is data.accessed about one person, or about nobody.
func accessed(id, scheme, value string) string {
	subjects := `{"mode":"none"}`
	if value != "" {
		subjects = fmt.Sprintf(`{"mode":"single","persons":[{"scheme":%q,"value":%q}]}`, scheme, value)
	}
	return said("data.accessed", id, `{"system":"city/app","operation":"Consult","outcome":"success","dataset":"city/people","subjects":`+subjects+`}`)
}

func registered(id string) string {
	return said("organization.registered", id, `{"organization":"city","name":"The City","kind":"city","timeZone":"Europe/Tallinn"}`)
}

// submitted reads events for the organization city.
func submitted(t testing.TB, list ...string) []intake.Submitted {
	t.Helper()
	out := make([]intake.Submitted, len(list))
	for i, s := range list {
		out[i] = intake.Submitted{Event: must[*events.Event](t)(events.ParseEvent([]byte(s))), Organization: "city", Size: len(s)}
	}
	return out
}

// submit posts events as one request, past the door.
func (h *house) submit(t testing.TB, list ...string) []intake.Outcome {
	t.Helper()
	return must[[]intake.Outcome](t)(h.writer.Submit(t.Context(), submitted(t, list...)))
}

// statuses is the statuses of outcomes in one line.
func statuses(list []intake.Outcome) string {
	out := make([]string, len(list))
	for i, o := range list {
		out[i] = fmt.Sprint(o.Status)
	}
	return strings.Join(out, " ")
}

// message reads one message of the history.
func (h *house) message(t testing.TB, i events.Index) (events.Message, *events.Entry) {
	t.Helper()
	m := must[events.Message](t)(events.ParseMessage(must[[]byte](t)(h.history.Read(t.Context(), i.Seq()))))
	return m, must[*events.Entry](t)(events.ParseEntry(m.Entry))
}
