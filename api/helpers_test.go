package api_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/api"
	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "api.example/log"

var recorded = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

// key makes a key pair from public words, the same in every run.
func key(t testing.TB, name string) (note.Signer, string) {
	t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + name))
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	check(t, err)
	v, err := proof.ParseVerifierKey(vkey)
	check(t, err)
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	check(t, err)
	return s, vkey
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// history keeps messages in memory.
type history struct {
	mu       sync.Mutex
	messages []events.Stored
	moved    chan struct{}
}

func (h *history) append(entry []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seq := events.Seq(len(h.messages) + 1)
	m := events.Message{Entry: entry, Boxes: []events.Box{{Kind: events.BoxFold, Data: make([]byte, 28)}}}
	h.messages = append(h.messages, events.Stored{Seq: seq, Data: m.Format()})
	close(h.moved)
	h.moved = make(chan struct{})
}

func (h *history) state() ([]events.Stored, chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.messages, h.moved
}

func (h *history) Last() events.Seq { m, _ := h.state(); return events.Seq(len(m)) }

func (h *history) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		m, moved := h.state()
		if last := events.Seq(len(m)); last > after {
			return last, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (h *history) Replay(_ context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	m, _ := h.state()
	return func(yield func(events.Stored, error) bool) {
		for _, s := range m[from-1 : to] {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// secondLog computes the tree by the book, beside the anchor.
type secondLog struct{ hashes []tlog.Hash }

func (l *secondLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func (l *secondLog) size() int64 {
	n := int64(0)
	for tlog.StoredHashCount(n) < int64(len(l.hashes)) {
		n++
	}
	return n
}

func (l *secondLog) Head(context.Context) (events.Size, [32]byte, error) {
	n := l.size()
	root, err := tlog.TreeHash(n, l)
	return events.Size(n), root, err
}

func (l *secondLog) Append(ctx context.Context, first events.Index, leaves [][]byte) (events.Size, [32]byte, error) {
	for i, leaf := range leaves[uint64(l.size())-uint64(first):] {
		hashes, err := tlog.StoredHashes(l.size(), leaf, l)
		if err != nil {
			return 0, [32]byte{}, fmt.Errorf("leaf %d: %w", i, err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
	return l.Head(ctx)
}

// world is a whole ledger in this process, without the writer.
type world struct {
	t       testing.TB
	history *history
	views   *projections.Views
	anchor  *ledger.Anchor
	known   map[string]bool
	handler http.Handler
	door    http.HandlerFunc
	vkey    string
	signed  time.Time
	pace    func() v1.Publishing // nil: not known
	now     time.Time

	opened func() (web.Trail, error) // what every card leads to

	counterpart events.EventName // of what data.received speaks of
	head        events.EventName // of the bulk event said last
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, history: &history{moved: make(chan struct{})}, known: map[string]bool{}, signed: recorded, now: recorded.Add(12 * time.Second)}
	w.door = func(out http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			out.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprintf(out, "door %d", len(b))
	}
	signer, vkey := key(t, origin)
	receipts, receiptKey := key(t, origin+"/receipt")
	_, indexKey := key(t, origin+"/index")
	w.vkey = vkey
	var err error
	w.views, err = projections.Open(projections.Config{Dir: filepath.Join(dir, "views"), Open: openFold})
	check(t, err)
	w.anchor, err = ledger.Open(t.Context(), ledger.Config{
		Dir: filepath.Join(dir, "public"), Signer: signer, Receipts: receipts, PublishEvery: time.Millisecond, Log: &secondLog{}, History: w.history,
	})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.anchor.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		check(t, w.anchor.Close())
		check(t, w.views.Close())
	})
	w.serve(w.anchor, w.anchor.Public())
	w.append(events.Opened{
		Name: w.name(), RecordedAt: recorded, Origin: origin, Log: vkey, Receipt: receiptKey, Index: indexKey,
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry())
	return w
}

// serve makes the handler over a ledger.
func (w *world) serve(l v1.Ledger, files api.Files) {
	w.t.Helper()
	var err error
	w.handler, err = api.New(api.Config{
		Views: w.views, Ledger: l, Files: files, LogKey: w.vkey,
		Door:     http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.door(out, r) }),
		SignedAt: func() time.Time { return w.signed }, Publishing: w.pace, Now: func() time.Time { return w.now },
		Index: memoryIndex{w}, Slots: memorySlots{w}, Trails: opener{w},
	})
	check(w.t, err)
}

// frozenLedger is a ledger whose publishing stands still.
type frozenLedger struct {
	*ledger.Anchor
	at proof.Checkpoint
}

func (l frozenLedger) Checkpoint() (proof.Checkpoint, []byte) {
	if l.Anchor == nil {
		return proof.Checkpoint{}, nil
	}
	_, msg := l.Anchor.Checkpoint()
	return l.at, msg
}

func (w *world) name() events.EventName {
	sum := sha256.Sum256(fmt.Append(nil, "event", w.history.Last()))
	return events.EventName(sum[:16])
}

func (w *world) append(e *events.Entry, err error) {
	w.t.Helper()
	check(w.t, err)
	w.history.append(e.Append(nil))
}

// say records one event of a kind for an organization, as the writer would.
func (w *world) say(organization, kind, at, data string) {
	w.t.Helper()
	w.record(organization, fmt.Appendf(nil, `{"specversion":"1.0","id":"secret id","source":"%s","time":%q,"type":"org.daybook.%s.v1","data":%s}`, organization, at, kind, data))
}

func (w *world) record(organization string, event []byte) {
	w.t.Helper()
	e, err := events.ParseEvent(event)
	check(w.t, err)
	if v, ok := e.Data.Get("organization"); ok && organization == "" {
		organization = v.Text()
	}
	f := events.Facts{
		Name: w.name(), Organization: organization, Counterpart: w.counterpart, RecordedAt: recorded, RecordedOn: "2026-06-24",
		OccurredOn: e.Time.In(pacific).Format(time.DateOnly), Digests: make([]events.Digest, e.Kind.Slots()),
	}
	if v, ok := e.Data.Get("occurredUntil"); ok {
		f.UntilOn = v.Text()[:10]
	}
	if e.Kind.Seals {
		f.OccurredOn, f.RecordedOn = events.QuarterOf(f.OccurredOn), events.QuarterOf(f.RecordedOn)
	}
	switch of, _, parts := e.Part(); {
	case of != "":
		f.PartOf = w.head
	case parts > 0:
		w.head = f.Name
	}
	for i := range e.Named() {
		sum := sha256.Sum256(fmt.Append(nil, "tag", w.history.Last(), i))
		f.Tags = append(f.Tags, events.Tag(sum[:16]))
		f.Digests = append(f.Digests, events.Digest{})
	}
	slices.SortFunc(f.Tags, func(a, b events.Tag) int { return strings.Compare(a.String(), b.String()) })
	for i := range f.Digests {
		f.Digests[i] = sha256.Sum256(fmt.Append(nil, "digest", w.history.Last(), i))
	}
	for _, r := range e.References() {
		if !w.known[r.Register+"/"+r.Value] {
			f.Unresolved = append(f.Unresolved, r.Name)
		}
	}
	if object := e.Kind.Object; object != "" {
		v, _ := e.Data.Get(object)
		w.known[object+"/"+v.Text()], w.known[events.AnyRegister+"/"+v.Text()] = true, true
	}
	slices.Sort(f.Unresolved)
	w.append(e.Entry(f))
}

var pacific = time.FixedZone("PDT", -7*3600)

// publish waits until everything recorded is folded and published.
func (w *world) publish() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.fold()
	check(w.t, w.anchor.WaitFor(ctx, w.history.Last().Size()))
}

func (w *world) fold() {
	w.t.Helper()
	check(w.t, w.views.CatchUp(context.Background(), w.history, w.history.Last()))
}

// get asks as a program does.
func (w *world) get(path string) *httptest.ResponseRecorder { return w.do(http.MethodGet, path, "") }

func (w *world) do(method, path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://daybook.example"+path, bytes.NewReader(nil))
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}
