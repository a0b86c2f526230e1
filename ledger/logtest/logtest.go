package logtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
)

// A Log is what is tested.
type Log interface {
	// Head is the size and the RFC 6962 root.
	Head(ctx context.Context) (events.Size, [32]byte, error)
	// Append adds leaves from first on, and returns size and root after.
	Append(ctx context.Context, first events.Index, leaves [][]byte) (events.Size, [32]byte, error)
}

// A Reopener is a Log that can be closed and opened again with what it holds.
// A log that is not one is not tested for it.
type Reopener interface {
	Log
	// Reopen closes the log and returns it opened again.
	Reopen(t *testing.T) Log
}

// A Prover is a Log that also proves, and gives back, what it holds. After
// every step of the suite a log that is one is audited by its own proofs.
type Prover interface {
	Log
	// Inclusion is the RFC 6962 audit path of an entry in the tree of size.
	Inclusion(ctx context.Context, index events.Index, size events.Size) ([][32]byte, error)
	// Consistency is the RFC 6962 proof between two sizes, 0 < from <= to.
	Consistency(ctx context.Context, from, to events.Size) ([][32]byte, error)
	// Entries are n entries from first on, all of them in the log.
	Entries(ctx context.Context, first events.Index, n int) ([][]byte, error)
}

// Run runs the suite. Each call of open returns a log of its own, empty; open
// registers its closing with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Log) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Log)
	}{
		{"empty", testEmpty},
		{"sizes", testSizes},
		{"equal entries", testEqual},
		{"any bytes", testBytes},
		{"large", testLarge},
		{"kept", testKept},
		{"again", testAgain},
		{"other bytes", testOther},
		{"gap", testGap},
		{"at once", testAtOnce},
		{"heads meanwhile", testHeads},
		{"cancelled", testCancelled},
		{"reopened", testReopened},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	t.Run("splits", func(t *testing.T) { testSplits(t, open) })
	t.Run("walks", func(t *testing.T) { testWalks(t, open) })
}

// Leaves are n distinct entries, those from first on.
func Leaves(first events.Index, n int) [][]byte {
	leaves := make([][]byte, n)
	for i := range leaves {
		leaves[i] = fmt.Appendf(nil, "entry %d", first+events.Index(i))
	}
	return leaves
}

// A Reference computes the roots a log must have, one size after the other.
type Reference struct {
	hashes []tlog.Hash
	size   events.Size
}

// ReadHashes implements tlog.HashReader.
func (r *Reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(r.hashes)) {
			return nil, fmt.Errorf("reading hash %d of %d", index, len(r.hashes))
		}
		hashes[i] = r.hashes[index]
	}
	return hashes, nil
}

// Add takes the next leaves in.
func (r *Reference) Add(t testing.TB, leaves ...[]byte) {
	t.Helper()
	for _, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(r.size), leaf, r)
		if err != nil {
			t.Fatal(err)
		}
		r.hashes = append(r.hashes, hashes...)
		r.size++
	}
}

// Root is the root of the first n leaves.
func (r *Reference) Root(t testing.TB, n events.Size) [32]byte {
	t.Helper()
	if n == 0 {
		return sha256.Sum256(nil)
	}
	root, err := tlog.TreeHash(int64(n), r)
	if err != nil {
		t.Fatal(err)
	}
	return root
}
