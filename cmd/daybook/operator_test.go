package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// operatedLog is a log whose operator signs any size of it.
type operatedLog struct {
	t       testing.TB
	signer  note.Signer
	entries [][]byte
	stored  []tlog.Hash
}

func (l *operatedLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.stored[x]
	}
	return out, nil
}

func (l *operatedLog) add(entries ...[]byte) {
	l.t.Helper()
	for _, e := range entries {
		hashes, err := tlog.StoredHashes(int64(len(l.entries)), e, l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.entries, l.stored = append(l.entries, e), append(l.stored, hashes...)
	}
}

func (l *operatedLog) root(n int) proof.Hash {
	l.t.Helper()
	root, err := tlog.TreeHash(int64(n), l)
	if err != nil {
		l.t.Fatal(err)
	}
	return root
}

func (l *operatedLog) checkpoint(n int) []byte {
	l.t.Helper()
	msg, err := proof.SignCheckpoint(proof.Checkpoint{Origin: l.signer.Name(), Size: events.Size(n), Root: l.root(n)}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return msg
}

// file is a tile or bundle of the first n entries, nil if there is none.
func (l *operatedLog) file(path string, n int) []byte {
	t, err := proof.ParseTilePath(path)
	level := max(t.Level, 0)
	if err != nil || int(t.N)*proof.TileWidth+t.Width > n>>(8*level) {
		return nil
	}
	if t.Level == proof.EntriesLevel {
		var b []byte
		for _, e := range l.entries[int(t.N)*proof.TileWidth:][:t.Width] {
			b, _ = proof.AppendBundle(b, e)
		}
		return b
	}
	b, err := tlog.ReadTileData(tlog.Tile{H: 8, L: t.Level, N: int64(t.N), W: t.Width}, l)
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

// operator shows a ledger of its own, and its index, and can do so as it likes.
type operator struct {
	t      testing.TB
	url    string
	vkey   string
	of     liar
	cosign []*proof.CosignerSigner

	mu            sync.Mutex
	ledger, index *operatedLog
	size, leaves  int
	at            time.Time // when the witnesses sign
	quiet         bool      // they do not
	down          bool
	lie           func(path string, b []byte) []byte
	proof         []byte // of any entry that is asked for
}

const operatorOrigin = "ledger.example/log"

// newOperator is the operator of a ledger of its first entry.
func newOperator(t testing.TB, witnesses ...*proof.CosignerSigner) *operator {
	t.Helper()
	o := &operator{t: t, of: liar{t: t}, cosign: witnesses, at: time.Now()}
	_, o.vkey = o.of.key(operatorOrigin)
	o.begin()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

// begin makes both logs anew.
func (o *operator) begin() {
	logKey, _ := o.of.key(operatorOrigin)
	indexKey, index := o.of.key(proof.IndexKeyName(operatorOrigin))
	_, receipt := o.of.key(proof.ReceiptKeyName(operatorOrigin))
	e, err := events.Opened{
		RecordedAt: time.Date(2026, 6, 24, 8, 30, 0, 0, time.UTC), Origin: operatorOrigin, Log: o.vkey, Receipt: receipt, Index: index,
		VRF: make([]byte, 32), Policy: "quorum none\n", Formats: []string{events.EntryFormat},
	}.Entry()
	if err != nil {
		o.t.Fatal(err)
	}
	o.ledger, o.index = &operatedLog{t: o.t, signer: logKey}, &operatedLog{t: o.t, signer: indexKey}
	o.ledger.add(e.Append(nil))
	o.size, o.leaves = 1, 0
}

// grow records n entries, each the enrolment of a person, under numbers that begin at
// from, and shows them with a leaf of the index.
func (o *operator) grow(from, n int) {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range n {
		o.ledger.add(o.enrolled(from+i, from+i))
	}
	o.size = len(o.ledger.entries)
	o.index.add([]byte(o.leaf(o.size).Text()))
	o.leaves = len(o.index.entries)
}

// enrolled is an entry of this name that enrols a person of this number.
func (o *operator) enrolled(name, person int) []byte {
	o.t.Helper()
	var n events.EventName
	var label [64]byte
	binary.BigEndian.PutUint64(n[:], uint64(name)+1)
	binary.BigEndian.PutUint64(label[:], uint64(person)+1)
	e, err := events.Enrolled(n, time.Date(2026, 6, 24, 9, 30, 0, 0, time.UTC), []events.Pair{{Label: label}})
	if err != nil {
		o.t.Fatal(err)
	}
	return e.Append(nil)
}

// leaf is what the index says of the first n entries, without those it leaves out.
func (o *operator) leaf(n int, without ...int) proof.IndexLeaf {
	o.t.Helper()
	var tags, labels []proof.IndexItem
	for i, b := range o.ledger.entries[:n] {
		if slices.Contains(without, i) {
			continue
		}
		e, err := events.ParseEntry(b)
		if err != nil {
			o.t.Fatal(err)
		}
		f, err := ledger.FactsOf(e)
		if err != nil {
			o.t.Fatal(err)
		}
		value := proof.IndexValue(events.Index(i), proof.LeafHash(b))
		for _, tag := range f.Tags {
			tags = append(tags, proof.IndexItem{Label: proof.TagLabel(tag), Value: value})
		}
		for _, label := range f.Labels {
			labels = append(labels, proof.IndexItem{Label: proof.PersonLabel(label), Value: value})
		}
	}
	root := func(items []proof.IndexItem) proof.Hash {
		if len(items) == 0 {
			return proof.InnerNode(proof.Prefix{}, nil, nil).Hash()
		}
		slices.SortFunc(items, func(a, b proof.IndexItem) int { return bytes.Compare(a.Label[:], b.Label[:]) })
		tree, err := proof.BuildTree(items)
		if err != nil {
			o.t.Fatal(err)
		}
		return tree.Hash()
	}
	return proof.IndexLeaf{Size: events.Size(n), Root: o.ledger.root(n), Tags: root(tags), Labels: root(labels)}
}

// change does something while nobody is asking.
func (o *operator) change(do func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	do()
}

func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	var b []byte
	below, index := strings.CutPrefix(path, "index/")
	switch {
	case strings.HasPrefix(path, "v1/entries/"):
		b = o.proof
	case path == "checkpoint" && o.size > 0:
		b = o.signed(o.ledger, o.size)
	case path == "index/checkpoint" && o.leaves > 0:
		b = o.signed(o.index, o.leaves)
	case index:
		b = o.index.file(below, o.leaves)
	default:
		b = o.ledger.file(path, o.size)
	}
	if o.lie != nil && b != nil {
		b = o.lie(path, b)
	}
	if b == nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(b)
}

// signed is a checkpoint with what the witnesses sign of it.
func (o *operator) signed(l *operatedLog, n int) []byte {
	msg := l.checkpoint(n)
	if o.quiet {
		return msg
	}
	text := proof.Checkpoint{Origin: l.signer.Name(), Size: events.Size(n), Root: l.root(n)}.Text()
	for _, w := range o.cosign {
		line, err := w.Cosign(text, o.at)
		if err == nil {
			msg, err = proof.AddCosignatures(msg, line)
		}
		if err != nil {
			o.t.Error(err)
		}
	}
	return msg
}

// newWitness is a witness, and a policy that needs it.
func newWitness(t testing.TB, name string) (*proof.CosignerSigner, string) {
	t.Helper()
	secret, err := proof.GenerateCosigner(name, proof.CosignerEd25519)
	if err != nil {
		t.Fatal(err)
	}
	w, err := proof.ParseCosignerSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w, fmt.Sprintf("witness library %s\nquorum library\n", w.Cosigner.String())
}
