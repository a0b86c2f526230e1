package trail

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const origin = "ledger.example/log"

type pair struct {
	note.Signer
	note.Verifier
	vkey string
}

// keyOf makes a key pair from its public name: the same in every run.
func keyOf(t testing.TB, name string) pair {
	t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + name))
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	if err != nil {
		t.Fatal(err)
	}
	return pair{s, v, vkey}
}

func logKey(t testing.TB) pair   { return keyOf(t, origin) }
func indexKey(t testing.TB) pair { return keyOf(t, proof.IndexKeyName(origin)) }

func nameOf(i int) (n events.EventName) {
	binary.BigEndian.PutUint64(n[:], uint64(i)+1)
	return n
}

// tagOf is the tag of entry i, and outputOf the label of whom it enrols.
func tagOf(i int) events.Tag  { return events.Tag(nameOf(i)) }
func outputOf(i int) [64]byte { return [64]byte{byte(i), byte(i >> 8), byte(i >> 16), 1} }
func enrols(i int) bool       { return i%10 == 1 }
func concerns(i int) bool     { return i > 0 && i%10 > 1 && i%10 < 8 }
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var recorded = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

// entryOf is entry i of every ledger here: most have a tag, some enrol somebody,
// some neither.
func entryOf(t testing.TB, i int) []byte {
	t.Helper()
	switch {
	case i == 0:
		return must[*events.Entry](t)(events.Opened{
			Name: nameOf(0), RecordedAt: recorded, Origin: origin, Log: logKey(t).vkey,
			Receipt: keyOf(t, proof.ReceiptKeyName(origin)).vkey, Index: indexKey(t).vkey,
			VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
		}.Entry()).Append(nil)
	case enrols(i):
		return must[*events.Entry](t)(events.Enrolled(nameOf(i), recorded, []events.Pair{{Label: outputOf(i)}})).Append(nil)
	case concerns(i):
		return tagged(t, i, tagOf(i))
	}
	return said(t, i, "dataset.registered", fmt.Sprintf(`{"dataset":"example/d%d","title":"a \"tags\":[\"text\"] b"}`, i))
}

func tagged(t testing.TB, i int, tags ...events.Tag) []byte {
	return said(t, i, "data.accessed", `{"system":"example/reader","operation":"Query","outcome":"unstated",
		"subjects":{"mode":"single","persons":[{"scheme":"plate","value":"ABC 123"}]}}`, tags...)
}

func said(t testing.TB, i int, kind, data string, tags ...events.Tag) []byte {
	t.Helper()
	e := must[*events.Event](t)(events.ParseEvent(fmt.Appendf(nil,
		`{"specversion":"1.0","id":"1","source":"example","time":"2026-06-24T08:30:00Z","type":"org.daybook.%s.v1","data":%s}`, kind, data)))
	digests := make([]events.Digest, e.Kind.Slots()+len(tags))
	for n := range digests {
		digests[n] = sha256.Sum256(fmt.Append(nil, i, n))
	}
	return must[*events.Entry](t)(e.Entry(events.Facts{
		Name: nameOf(i), Organization: "example", OccurredOn: "2026-06-24", RecordedOn: "2026-06-24",
		RecordedAt: recorded, Tags: tags, Digests: digests,
	})).Append(nil)
}

// book is a history in memory.
type book struct {
	mu    sync.Mutex
	moved chan struct{}
	data  [][]byte
}

func bookOf(entries ...[]byte) *book {
	b := &book{moved: make(chan struct{})}
	b.add(entries...)
	return b
}

func (b *book) add(entries ...[]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		b.data = append(b.data, events.Message{Entry: e, Boxes: []events.Box{{Kind: events.BoxFold, Data: make([]byte, 28)}}}.Format())
	}
	close(b.moved)
	b.moved = make(chan struct{})
}

func (b *book) Last() events.Seq {
	b.mu.Lock()
	defer b.mu.Unlock()
	return events.Seq(len(b.data))
}

func (b *book) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		b.mu.Lock()
		last, moved := events.Seq(len(b.data)), b.moved
		b.mu.Unlock()
		if last > after {
			return last, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
	}
}

func (b *book) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for seq := from; seq <= to; seq++ {
			b.mu.Lock()
			data := b.data[seq-1]
			b.mu.Unlock()
			if !yield(events.Stored{Seq: seq, Data: data}, ctx.Err()) {
				return
			}
		}
	}
}

// world is a ledger and its index in one directory.
type world struct {
	t      testing.TB
	dir    string
	book   *book
	anchor *ledger.Anchor
	index  *Index
	leaves *LeafFile
	stop   context.CancelFunc
	ended  chan error
	closes []func() error
	change func(*Config) // of the index, before it is opened
	ledger func(*ledger.Config)
}

func newWorld(t testing.TB, entries int) *world {
	w := &world{t: t, dir: t.TempDir(), book: bookOf()}
	w.grow(entries)
	return w
}

// grow records entries up to n.
func (w *world) grow(n int) {
	for i := int(w.book.Last()); i < n; i++ {
		w.book.add(entryOf(w.t, i))
	}
}

func (w *world) log(name string) *locallog.Log {
	l := must[*locallog.Log](w.t)(locallog.Open(w.t.Context(), locallog.Config{Dir: filepath.Join(w.dir, name)}))
	w.closes = append(w.closes, l.Close)
	return l
}

// open opens both and runs them.
func (w *world) open(s step) (err error) {
	w.t.Helper()
	ctx := w.t.Context()
	of := ledger.Config{
		Dir: filepath.Join(w.dir, "public"), Signer: logKey(w.t).Signer, Receipts: keyOf(w.t, proof.ReceiptKeyName(origin)).Signer,
		PublishEvery: time.Millisecond, Log: w.log("log"), History: w.book,
	}
	if w.ledger != nil {
		w.ledger(&of)
	}
	if w.anchor, err = ledger.Open(ctx, of); err != nil {
		return err
	}
	w.closes = append(w.closes, w.anchor.Close)
	if w.leaves, err = openLeaves(filepath.Join(w.dir, "journal.leaves"), s); err != nil {
		return err
	}
	w.closes = append(w.closes, w.leaves.Close)
	cfg := Config{
		Dir: filepath.Join(w.dir, "index", "trees"), Public: filepath.Join(w.dir, "public", "index"),
		Journal: filepath.Join(w.dir, "journal.index"), Leaves: w.leaves, Ledger: w.anchor,
		Signer: indexKey(w.t).Signer, Key: indexKey(w.t).Verifier, Log: w.log("index/log"), Every: time.Millisecond, step: s,
	}
	if w.change != nil {
		w.change(&cfg)
	}
	if w.index, err = Open(ctx, cfg); err != nil {
		return err
	}
	w.closes = append(w.closes, w.index.Close)
	ctx, w.stop = context.WithCancel(ctx)
	w.ended = make(chan error, 2)
	go func() { w.ended <- w.anchor.Run(ctx) }()
	go func() { w.ended <- w.index.Run(ctx) }()
	return nil
}

// close stops both; the error is the first that ended one of them.
func (w *world) close() error {
	var errs []error
	if w.stop != nil {
		w.stop()
		errs = append(errs, <-w.ended, <-w.ended)
	}
	for i := len(w.closes) - 1; i >= 0; i-- {
		errs = append(errs, w.closes[i]())
	}
	w.closes, w.stop = nil, nil
	return errors.Join(errs...)
}

// indexed waits until the last leaf covers all tags and labels of the first size
// entries, or something ended.
func (w *world) indexed(size events.Size) error {
	w.t.Helper()
	return w.indexedOr(nil, size)
}

// indexedOr waits for killed as well.
func (w *world) indexedOr(killed <-chan struct{}, size events.Size) error {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		if p := w.index.Progress(); p.Size >= size && p.Waiting.IsZero() {
			return nil
		}
		select {
		case <-killed:
			return nil
		case err := <-w.ended:
			w.ended <- err
			return cmpError(err)
		case <-limit:
			return fmt.Errorf("the index is at %+v after 20 s", w.index.Progress())
		case <-time.After(time.Millisecond):
		}
	}
}

func cmpError(err error) error {
	if err == nil {
		return errors.New("it ended")
	}
	return err
}

// run opens, indexes everything there is and closes.
func (w *world) run(s step) error {
	w.t.Helper()
	err := w.open(s)
	if err == nil {
		err = w.indexed(w.covered())
	}
	return errors.Join(err, w.close())
}

// covered is the size behind the last entry that the index has something of.
func (w *world) covered() events.Size {
	n := int(w.book.Last())
	for n > 0 && !enrols(n-1) && !concerns(n-1) {
		n--
	}
	return events.Size(n)
}
