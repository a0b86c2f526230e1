package emit

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// sent is an emitter whose 600 events are answered, and their ledger.
func sent(t *testing.T, l *TestLedger) *Emitter {
	t.Helper()
	e := openAt(t, Config{Dir: t.TempDir(), URL: l.URL})
	list := make([]Event, 600)
	for n := range list {
		list[n] = access(n)
	}
	emitAll(t, e, list...)
	started(t, e)
	flush(t, e)
	return e
}

func TestABrokenPromiseConvicts(t *testing.T) {
	l := startLedger(t)
	e := sent(t, l)
	l.mu.Lock() // the ledger rewrites one entry, consistently
	entries := l.entries
	l.entries, l.hashes = nil, nil
	for i, entry := range entries {
		if i == 300 {
			entry = []byte("something else")
		}
		l.add(entry)
	}
	l.mu.Unlock()
	r, err := e.CheckReceipts(t.Context(), l.Key)
	if err != nil || r.Kept != 599 || len(r.Broken) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	v := r.Broken[0]
	if err := v.Verify(l.Key, l.receipt); err != nil || v.Line.Index != 300 {
		t.Errorf("the evidence does not convict: %v", err)
	}
	v.Proof.Extra = entries[300]
	if v.Verify(l.Key, l.receipt) == nil {
		t.Error("changed evidence convicts")
	}
	v = r.Broken[0]
	v.Line.Index = 299
	if v.Verify(l.Key, l.receipt) == nil {
		t.Error("another promise convicts")
	}
}

func TestUnpublishedPromisesArePending(t *testing.T) {
	l := startLedger(t)
	l.clock = time.Now().Add(-25 * time.Hour)
	e := sent(t, l)
	l.mu.Lock()
	l.clock, l.hidden = time.Now(), 10
	l.mu.Unlock()
	emitAll(t, e, access(600))
	flush(t, e)
	r, err := e.CheckReceipts(t.Context(), l.Key)
	if err != nil || r.Kept != 591 || r.Pending != 10 || r.Overdue != 9 || len(r.Broken) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReceiptsOfAnotherKey(t *testing.T) {
	l := startLedger(t)
	l.signer, _, _ = key("test.example/other")
	l.signer = renamed{l.signer}
	e := sent(t, l)
	r, err := e.CheckReceipts(t.Context(), l.Key)
	if err != nil || len(r.Unsigned) != 1 || r.Kept != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// renamed signs under the name of the receipt key, with another.
type renamed struct {
	s interface {
		Sign([]byte) ([]byte, error)
		KeyHash() uint32
	}
}

func (r renamed) Name() string                     { return "test.example/receipt" }
func (r renamed) KeyHash() uint32                  { return r.s.KeyHash() }
func (r renamed) Sign(text []byte) ([]byte, error) { return r.s.Sign(text) }

// TestLiesOfAServerAreNoVerdict: bytes that do not lead to the signed root are
// an error, neither a kept promise nor a broken one.
func TestLiesOfAServerAreNoVerdict(t *testing.T) {
	l := startLedger(t)
	e := sent(t, l)
	l.mu.Lock()
	l.entries[300] = []byte("something else")
	l.mu.Unlock()
	if r, err := e.CheckReceipts(t.Context(), l.Key); err == nil {
		t.Errorf("believed: %+v", r)
	}
	_, other, _ := key("other.example")
	if r, err := e.CheckReceipts(t.Context(), other); err == nil {
		t.Errorf("believed another key: %+v", r)
	}
	l.Close()
	if r, err := e.CheckReceipts(t.Context(), l.Key); err == nil {
		t.Errorf("nobody is there: %+v", r)
	}
}

// TestEachReceipt reads what an open outbox keeps, and counts what is damaged.
func TestEachReceipt(t *testing.T) {
	l := startLedger(t)
	e := sent(t, l)
	count := func() (promises, damaged int) {
		damaged, err := EachReceipt(e.cfg.Dir, func(msg []byte) error {
			r, err := proof.OpenReceipt(msg, l.receipt)
			promises += len(r.Lines)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return promises, damaged
	}
	if promises, damaged := count(); promises != 600 || damaged != 0 {
		t.Errorf("%d promises, %d damaged", promises, damaged)
	}
	path := e.path("receipts")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[40] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if promises, damaged := count(); promises >= 600 || damaged != 1 {
		t.Errorf("of a damaged file: %d promises, %d damaged", promises, damaged)
	}
	stop := errors.New("enough")
	if _, err := EachReceipt(e.cfg.Dir, func([]byte) error { return stop }); len(bytes.Split(b, []byte("\n"))) > 2 && !errors.Is(err, stop) {
		t.Errorf("an error of the reader: %v", err)
	}
	if _, err := EachReceipt(t.TempDir(), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where nothing is kept: %v", err)
	}
}
