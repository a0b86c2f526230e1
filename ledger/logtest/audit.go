package logtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

// An auditor follows one log through a test, and trusts only what it computed
// itself from the entries.
type auditor struct {
	t       *testing.T
	log     Log
	entries [][]byte // all that the log will ever hold
	ref     *Reference
	seen    events.Size // at the last audit
	rng     *rand.Rand
}

// audits begins following a log that is empty and will hold entries.
func audits(t *testing.T, log Log, entries [][]byte) *auditor {
	ref := new(Reference)
	ref.Add(t, entries...)
	return &auditor{t: t, log: log, entries: entries, ref: ref, rng: rand.New(rand.NewPCG(uint64(len(entries)), 7))}
}

// append adds the entries from first up to end, and audits.
func (a *auditor) append(first, end events.Size) {
	a.t.Helper()
	size, root, err := a.log.Append(a.t.Context(), events.Index(first), a.entries[first:end])
	a.same(fmt.Sprintf("append %d-%d", first, end-1), size, root, err, max(end, a.seen))
	a.audit(size)
}

// refused appends what must not be accepted, and audits.
func (a *auditor) refused(what string, first events.Index, leaves ...[]byte) {
	a.t.Helper()
	if _, _, err := a.log.Append(a.t.Context(), first, leaves); err == nil {
		a.t.Errorf("%s at %d was accepted", what, first)
	}
	a.audit(a.seen)
}

func (a *auditor) same(what string, size events.Size, root [32]byte, err error, want events.Size) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s: %v", what, err)
	}
	if size != want || root != a.ref.Root(a.t, want) {
		a.t.Fatalf("%s: size %d, root %x; want %d, %x", what, size, root, want, a.ref.Root(a.t, want))
	}
}

// audit checks that the log has that size, the root of its entries, and, where
// it proves, proofs that hold.
func (a *auditor) audit(want events.Size) {
	a.t.Helper()
	size, root, err := a.log.Head(a.t.Context())
	a.same("head", size, root, err, want)
	if p, ok := a.log.(Prover); ok && size > 0 {
		a.consistency(p, max(a.seen, 1), size)
		a.consistency(p, 1+events.Size(a.rng.Uint64N(uint64(size))), size)
		for _, index := range []uint64{0, uint64(size) - 1, a.rng.Uint64N(uint64(size))} {
			a.inclusion(p, events.Index(index), size)
			a.inclusion(p, events.Index(index), events.Size(index)+1+events.Size(a.rng.Uint64N(uint64(size)-index)))
			a.read(p, events.Index(index), int(min(uint64(size)-index, 3)))
		}
	}
	a.seen = size
}

func (a *auditor) inclusion(p Prover, index events.Index, size events.Size) {
	a.t.Helper()
	path, err := p.Inclusion(a.t.Context(), index, size)
	if err == nil {
		leaf := tlog.RecordHash(a.entries[index])
		err = tlog.CheckRecord(hashes(path), int64(size), a.ref.Root(a.t, size), int64(index), leaf)
	}
	if err != nil {
		a.t.Fatalf("inclusion of %d in %d: %v", index, size, err)
	}
}

func (a *auditor) consistency(p Prover, from, to events.Size) {
	a.t.Helper()
	path, err := p.Consistency(a.t.Context(), from, to)
	if err == nil && from != to { // nothing proves a size consistent with itself
		err = tlog.CheckTree(hashes(path), int64(to), a.ref.Root(a.t, to), int64(from), a.ref.Root(a.t, from))
	}
	if err != nil {
		a.t.Fatalf("consistency of %d with %d: %v", from, to, err)
	}
}

func (a *auditor) read(p Prover, first events.Index, n int) {
	a.t.Helper()
	entries, err := p.Entries(a.t.Context(), first, n)
	if err != nil || len(entries) != n {
		a.t.Fatalf("entries %d-%d: %d, %v", first, first+events.Index(n)-1, len(entries), err)
	}
	for i, entry := range entries {
		if !bytes.Equal(entry, a.entries[int(first)+i]) {
			a.t.Fatalf("entry %d is not the one that was added", int(first)+i)
		}
	}
}

func hashes(path [][32]byte) []tlog.Hash {
	out := make([]tlog.Hash, len(path))
	for i, hash := range path {
		out[i] = hash
	}
	return out
}
