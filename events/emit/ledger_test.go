package emit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// TestLedger is a small ledger in memory: it accepts an event once, promises it
// a position with a signed receipt, and serves a public log. Of source "other"
// it takes nothing. Its entries, but for the first, are the events themselves.
type TestLedger struct {
	URL string
	Key note.Verifier // the log's

	mu          sync.Mutex
	log, signer note.Signer // of checkpoints and of receipts
	receipt     note.Verifier
	at          map[string]int // by id
	ids         []string       // in order
	entries     [][]byte
	hashes      tlogHashes
	hidden      int   // how many of the last entries are not published
	busy        []int // statuses of the next requests; 0 loses an answer
	most        int   // events a request may have; 0: any
	clock       time.Time
	requests    int
	server      *httptest.Server
}

type tlogHashes []tlog.Hash

func (h tlogHashes) ReadHashes(places []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(places))
	for i, at := range places {
		out[i] = h[at]
	}
	return out, nil
}

// key is a signing key made from a name, the same in every run.
func key(name string) (note.Signer, note.Verifier, string) {
	seed := sha256.Sum256([]byte(name))
	secret, public, err := note.GenerateKey(strings.NewReader(string(seed[:])+string(seed[:])), name)
	if err != nil {
		panic(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		panic(err)
	}
	verifier, err := proof.ParseVerifierKey(public)
	if err != nil {
		panic(err)
	}
	return signer, verifier, public
}

// NewTestLedger starts a ledger.
func NewTestLedger() *TestLedger {
	l := &TestLedger{at: map[string]int{}, clock: time.Now()}
	var logKey, receiptKey string
	l.log, l.Key, logKey = key("test.example")
	l.signer, l.receipt, receiptKey = key("test.example/receipt")
	_, _, indexKey := key("test.example/index")
	first, err := events.Opened{
		RecordedAt: time.Unix(1, 0), Origin: "test.example", Log: logKey, Receipt: receiptKey, Index: indexKey,
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry()
	if err != nil {
		panic(err)
	}
	l.add(first.Append(nil))
	l.server = httptest.NewServer(l)
	l.URL = l.server.URL
	return l
}

func startLedger(t testing.TB) *TestLedger {
	l := NewTestLedger()
	t.Cleanup(l.Close)
	return l
}

func (l *TestLedger) Close() { l.server.Close() }

func (l *TestLedger) add(entry []byte) {
	more, err := tlog.StoredHashes(int64(len(l.entries)), entry, l.hashes)
	if err != nil {
		panic(err)
	}
	l.entries, l.hashes = append(l.entries, entry), append(l.hashes, more...)
}

func (l *TestLedger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Method == http.MethodGet {
		l.get(w, strings.TrimPrefix(r.URL.Path, "/"))
		return
	}
	l.requests++
	status := http.StatusOK
	if len(l.busy) > 0 {
		status, l.busy = l.busy[0], l.busy[1:]
	}
	var batch []json.RawMessage
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &batch)
	}
	switch {
	case err != nil:
		status = http.StatusBadRequest
	case r.Header.Get("Authorization") != "Bearer token":
		status = http.StatusUnauthorized
	case l.most > 0 && len(batch) > l.most:
		status = http.StatusRequestEntityTooLarge
	}
	if status != http.StatusOK && status != 0 {
		http.Error(w, "no", status)
		return
	}
	answer := l.take(batch)
	if status == 0 {
		http.Error(w, "lost", http.StatusBadGateway)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (l *TestLedger) take(batch []json.RawMessage) (answer Answer) {
	var lines []proof.ReceiptLine
	for _, raw := range batch {
		e, err := events.ParseEvent(raw)
		if err != nil || e.Source == "other" {
			answer.Results = append(answer.Results, Result{Status: 403, Problem: json.RawMessage(`{"title":"source"}`)})
			continue
		}
		i, ok := l.at[e.ID]
		status := 200
		if !ok {
			i, status = len(l.entries), 201
			l.at[e.ID], l.ids = i, append(l.ids, e.ID)
			l.add(slices.Clone(raw))
		}
		position, hash := uint64(i), events.HashEntry(l.entries[i])
		lines = append(lines, proof.ReceiptLine{Index: events.Index(i), EntryHash: hash})
		answer.Results = append(answer.Results, Result{Status: status, Position: &position, EntryHash: hash.String()})
	}
	if len(lines) > 0 {
		slices.SortFunc(lines, func(a, b proof.ReceiptLine) int { return int(a.Index) - int(b.Index) })
		b, err := proof.SignReceipt(proof.Receipt{Origin: "test.example", Time: l.clock, Lines: slices.Compact(lines)}, l.signer)
		if err != nil {
			panic(err)
		}
		answer.Receipt = string(b)
	}
	return answer
}

// get serves the public log.
func (l *TestLedger) get(w http.ResponseWriter, path string) {
	size := len(l.entries) - l.hidden
	if path == "checkpoint" {
		root, err := tlog.TreeHash(int64(size), l.hashes)
		if err != nil {
			panic(err)
		}
		b, err := proof.SignCheckpoint(proof.Checkpoint{Origin: "test.example", Size: events.Size(size), Root: root}, l.log)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(b)
		return
	}
	t, err := proof.ParseTilePath(path)
	if err != nil || t.Level == proof.EntriesLevel && int(t.N)*proof.TileWidth+t.Width > size {
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	if t.Level != proof.EntriesLevel {
		b, err := tlog.ReadTileData(tlog.Tile{H: 8, L: t.Level, N: int64(t.N), W: t.Width}, l.hashes)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(b)
		return
	}
	var b []byte
	for i := range t.Width {
		if b, err = proof.AppendBundle(b, l.entries[int(t.N)*proof.TileWidth+i]); err != nil {
			panic(err)
		}
	}
	_, _ = w.Write(b)
}

// got is the ids the ledger has, in order.
func (l *TestLedger) got() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// access is an event with an id made from n.
func access(n int) Event {
	return Event{ID: fmt.Sprint("e", n), Source: "desk", Kind: "data.accessed", Data: map[string]any{
		"system": "city/app", "operation": "Consult", "outcome": "success", "subjects": map[string]any{"mode": "none"},
	}}
}
