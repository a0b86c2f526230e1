package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const testOrigin = "ledger.example/log"

type testKey struct {
	note.Signer
	note.Verifier
	vkey string
}

// newKey makes a key pair from public words: the same in every run.
func newKey(t testing.TB, name, words string) testKey {
	t.Helper()
	seed := sha256.Sum256([]byte("public test data, protects nothing: " + words))
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
	return testKey{s, v, vkey}
}

func logKey(t testing.TB) testKey     { return newKey(t, testOrigin, "log") }
func receiptKey(t testing.TB) testKey { return newKey(t, testOrigin+"/receipt", "receipt") }

func nameOf(i int) (n events.EventName) {
	binary.BigEndian.PutUint64(n[:], uint64(i)+1)
	return n
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

var recorded = time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC)

func openedEntry(t testing.TB, origin, vkey string) []byte {
	t.Helper()
	return must[*events.Entry](t)(events.Opened{
		Name: nameOf(0), RecordedAt: recorded, Origin: origin,
		Log: vkey, Receipt: receiptKey(t).vkey, Index: newKey(t, testOrigin+"/index", "index").vkey,
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry()).Append(nil)
}

func enrolledEntry(t testing.TB, name events.EventName, label byte) []byte {
	t.Helper()
	return must[*events.Entry](t)(events.Enrolled(name, recorded, []events.Pair{{Label: [64]byte{label}}})).Append(nil)
}

func accessedEntry(t testing.TB, name events.EventName, tag events.Tag) []byte {
	t.Helper()
	return saidEntry(t, "data.accessed", `{"system":"example/reader","operation":"Query","outcome":"unstated",
		"subjects":{"mode":"single","persons":[{"scheme":"plate","value":"ABC 123"}]}}`, name, tag)
}

func saidEntry(t testing.TB, kind, data string, name events.EventName, tags ...events.Tag) []byte {
	t.Helper()
	e := must[*events.Event](t)(events.ParseEvent(fmt.Appendf(nil,
		`{"specversion":"1.0","id":"1","source":"example","time":"2026-06-24T08:30:00Z","type":"org.daybook.%s.v1","data":%s}`, kind, data)))
	digests := make([]events.Digest, e.Kind.Slots()+len(tags))
	for i := range digests {
		digests[i] = sha256.Sum256(fmt.Append(nil, name, i))
	}
	return must[*events.Entry](t)(e.Entry(events.Facts{
		Name: name, Organization: "example", OccurredOn: "2026-06-24", RecordedOn: "2026-06-24",
		RecordedAt: recorded, Tags: tags, Digests: digests,
	})).Append(nil)
}

// testEntries are the first n entries of a ledger that holds every shape.
func testEntries(t testing.TB, n int) [][]byte {
	t.Helper()
	out := make([][]byte, n)
	for i := range out {
		switch {
		case i == 0:
			out[i] = openedEntry(t, testOrigin, logKey(t).vkey)
		case i == 2:
			out[i] = enrolledEntry(t, nameOf(i), 1)
		case i%5 == 3:
			out[i] = accessedEntry(t, nameOf(i), events.Tag(nameOf(i)))
		case i%50 == 6:
			out[i] = sharedEntry(t, nameOf(i), `{"mode":"several","persons":[{"scheme":"example","value":"1"},{"scheme":"example","value":"2"}]}`, twoTags(i)...)
		case i%50 == 16:
			out[i] = sharedEntry(t, nameOf(i), `{"mode":"bulk","parts":1}`)
		case i%50 == 26:
			out[i] = sharedEntry(t, nameOf(i), `{"mode":"bulk","part":1,"partOf":"1","parts":1,"persons":[{"scheme":"example","value":"1"},{"scheme":"example","value":"2"}]}`, twoTags(i)...)
		default:
			out[i] = saidEntry(t, "dataset.registered", fmt.Sprintf(`{"dataset":"example/d%d","title":"Readings"}`, i), nameOf(i))
		}
	}
	return out
}

func sharedEntry(t testing.TB, name events.EventName, subjects string, tags ...events.Tag) []byte {
	t.Helper()
	return saidEntry(t, "data.shared", `{"dataset":"example/d","recipient":"county","subjects":`+subjects+`}`, name, tags...)
}

// twoTags are two tags of entry i, in their order.
func twoTags(i int) []events.Tag {
	first, second := events.Tag(nameOf(i)), events.Tag(nameOf(1_000_000+i))
	if first.String() > second.String() {
		return []events.Tag{second, first}
	}
	return []events.Tag{first, second}
}

func message(entry []byte) []byte {
	return events.Message{Entry: entry, Boxes: []events.Box{{Kind: events.BoxFold, Data: make([]byte, 28)}}}.Format()
}

// memHistory is a history in memory.
type memHistory struct {
	mu    sync.Mutex
	moved chan struct{}
	data  [][]byte
	skip  events.Seq // a message that is missing
}

func newHistory(entries ...[]byte) *memHistory {
	h := &memHistory{moved: make(chan struct{})}
	h.add(entries...)
	return h
}

func (h *memHistory) add(entries ...[]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range entries {
		h.data = append(h.data, message(e))
	}
	close(h.moved)
	h.moved = make(chan struct{})
}

func (h *memHistory) Last() events.Seq {
	h.mu.Lock()
	defer h.mu.Unlock()
	return events.Seq(len(h.data))
}

func (h *memHistory) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		h.mu.Lock()
		last, moved := events.Seq(len(h.data)), h.moved
		h.mu.Unlock()
		if last > after {
			return last, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return last, fmt.Errorf("waiting: %w", context.Cause(ctx))
		}
	}
}

func (h *memHistory) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error] {
	return func(yield func(events.Stored, error) bool) {
		for seq := from; seq <= min(to, h.Last()); seq++ {
			h.mu.Lock()
			data := h.data[seq-1]
			h.mu.Unlock()
			if seq != h.skip && !yield(events.Stored{Seq: seq, Data: data}, ctx.Err()) {
				return
			}
		}
	}
}

// memLog is a log of RFC 6962 in memory.
type memLog struct {
	mu     sync.Mutex
	leaves [][]byte
	hashes []tlog.Hash
	lie    events.Size // from this size on the root is wrong; 0 is never
}

func (l *memLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func (l *memLog) Head(context.Context) (events.Size, [32]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head()
}

func (l *memLog) head() (events.Size, [32]byte, error) {
	root, err := tlog.TreeHash(int64(len(l.leaves)), l)
	if l.lie > 0 && len(l.leaves) >= int(l.lie) {
		root[0] ^= 1
	}
	return events.Size(len(l.leaves)), root, err
}

func (l *memLog) Append(_ context.Context, first events.Index, leaves [][]byte) (events.Size, [32]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, leaf := range leaves {
		at := int(first) + i
		if at > len(l.leaves) {
			return 0, [32]byte{}, errors.New("a gap")
		}
		if at < len(l.leaves) {
			if !bytes.Equal(l.leaves[at], leaf) {
				return 0, [32]byte{}, fmt.Errorf("entry %d has other bytes", at)
			}
			continue
		}
		hashes, err := tlog.StoredHashes(int64(at), leaf, l)
		if err != nil {
			return 0, [32]byte{}, err
		}
		l.leaves, l.hashes = append(l.leaves, leaf), append(l.hashes, hashes...)
	}
	return l.head()
}

func testConfig(t testing.TB, dir string, h History, l Log) Config {
	return Config{
		Dir: filepath.Join(dir, "public"), Signer: logKey(t).Signer, Receipts: receiptKey(t).Signer,
		PublishEvery: time.Microsecond, Log: l, History: h,
	}
}

// anchorTo runs an anchor until size is published, and closes it.
func anchorTo(t testing.TB, cfg Config, size events.Size) error {
	t.Helper()
	a, err := Open(t.Context(), cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	return runTo(t, a, size)
}

func runTo(t testing.TB, a *Anchor, size events.Size) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	limit, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	err := a.WaitFor(limit, size)
	cancel()
	if run := <-done; run != nil {
		return run
	}
	return err
}

// files are all files below dir.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func auditDir(t testing.TB, dir string) (*Report, error) {
	t.Helper()
	p, err := OpenPublic(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Audit(t.Context(), p, logKey(t).Verifier, AuditOptions{})
}

// forge writes and signs any entries at all.
func forge(t testing.TB, entries [][]byte) string {
	t.Helper()
	dir := t.TempDir()
	w := newWriter(dir, nil)
	if err := errors.Join(w.write(w.add(entries)), w.sync()); err != nil {
		t.Fatal(err)
	}
	c := proof.Checkpoint{Origin: testOrigin, Size: w.tree.size, Root: w.tree.root()}
	if err := w.replace(must[[]byte](t)(proof.SignCheckpoint(c, logKey(t).Signer))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func wantError(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Fatalf("error %v, want one that says %q", err, part)
	}
}
