package logtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
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
		{"again", testAgain},
		{"other bytes", testOther},
		{"gap", testGap},
		{"reopened", testReopened},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	t.Run("splits", func(t *testing.T) { testSplits(t, open) })
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

// reference is a Reference over the first n Leaves.
func reference(t *testing.T, n int) *Reference {
	r := new(Reference)
	r.Add(t, Leaves(0, n)...)
	return r
}

func check(t *testing.T, what string, size events.Size, root [32]byte, err error, wantSize events.Size, wantRoot [32]byte) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if size != wantSize || root != wantRoot {
		t.Fatalf("%s: size %d, root %x; want %d, %x", what, size, root, wantSize, wantRoot)
	}
}

func checkHead(t *testing.T, log Log, ref *Reference, n events.Size) {
	t.Helper()
	size, root, err := log.Head(t.Context())
	check(t, "head", size, root, err, n, ref.Root(t, n))
}

func appendAll(t *testing.T, log Log, ref *Reference, first, end events.Size) {
	t.Helper()
	size, root, err := log.Append(t.Context(), events.Index(first), Leaves(events.Index(first), int(end-first)))
	check(t, fmt.Sprintf("append %d-%d", first, end-1), size, root, err, end, ref.Root(t, end))
}

func testEmpty(t *testing.T, log Log) {
	checkHead(t, log, new(Reference), 0)
	size, root, err := log.Append(t.Context(), 0, nil)
	check(t, "append nothing", size, root, err, 0, sha256.Sum256(nil))
}

func testSizes(t *testing.T, log Log) {
	ref := reference(t, 65537)
	last := events.Size(0)
	for _, n := range []events.Size{
		1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 511, 512, 513,
		1023, 1024, 1025, 4096, 65279, 65280, 65281, 65535, 65536, 65537,
	} {
		appendAll(t, log, ref, last, n)
		checkHead(t, log, ref, n)
		last = n
	}
}

func testEqual(t *testing.T, log Log) {
	ref := new(Reference)
	for i := range events.Size(3) {
		leaves := [][]byte{[]byte("the same"), []byte("the same")}
		ref.Add(t, leaves...)
		size, root, err := log.Append(t.Context(), events.Index(2*i), leaves)
		check(t, "append equal entries", size, root, err, 2*i+2, ref.Root(t, 2*i+2))
	}
}

func testAgain(t *testing.T, log Log) {
	ref := reference(t, 400)
	appendAll(t, log, ref, 0, 300)
	for _, again := range [][2]events.Size{{0, 300}, {299, 300}, {0, 1}, {100, 260}} {
		first, end := again[0], again[1]
		size, root, err := log.Append(t.Context(), events.Index(first), Leaves(events.Index(first), int(end-first)))
		check(t, fmt.Sprintf("append %d-%d again", first, end-1), size, root, err, 300, ref.Root(t, 300))
	}
	appendAll(t, log, ref, 250, 400) // overlapping
}

func testOther(t *testing.T, log Log) {
	ref := reference(t, 300)
	appendAll(t, log, ref, 0, 260)
	for _, index := range []events.Index{0, 100, 259} {
		if _, _, err := log.Append(t.Context(), index, [][]byte{[]byte("other bytes")}); err == nil {
			t.Errorf("entry %d was replaced", index)
		}
		checkHead(t, log, ref, 260)
	}
	mixed := append(Leaves(258, 1), []byte("other bytes"))
	if _, _, err := log.Append(t.Context(), 258, mixed); err == nil {
		t.Error("entry 259 was replaced, after one that is the same")
	}
	checkHead(t, log, ref, 260)
	appendAll(t, log, ref, 260, 300)
}

func testGap(t *testing.T, log Log) {
	ref := reference(t, 20)
	for _, size := range []events.Size{0, 10} {
		if size > 0 {
			appendAll(t, log, ref, 0, size)
		}
		for _, first := range []events.Index{events.Index(size) + 1, events.Index(size) + 1000, 1 << 62, 1<<64 - 1} {
			if _, _, err := log.Append(t.Context(), first, Leaves(first, 1)); err == nil {
				t.Errorf("at size %d, entry %d was accepted", size, first)
			}
		}
		checkHead(t, log, ref, size)
	}
	appendAll(t, log, ref, 10, 20)
}

func testReopened(t *testing.T, log Log) {
	ref := reference(t, 70000)
	last := events.Size(0)
	checkHead(t, log, ref, 0)
	for _, n := range []events.Size{0, 1, 255, 256, 300, 66000, 70000} {
		r, ok := log.(Reopener)
		if !ok {
			t.Skip("this log cannot be opened again")
		}
		log = r.Reopen(t)
		checkHead(t, log, ref, last)
		if n > last {
			appendAll(t, log, ref, last, n)
		}
		last = n
	}
}

// testSplits appends the same entries to several logs in different calls.
func testSplits(t *testing.T, open func(t *testing.T) Log) {
	const n = 2000
	ref := reference(t, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{n, 1000, 300, 60} {
		log := open(t)
		for last := events.Size(0); last < n; {
			next := min(last+1+events.Size(rng.IntN(most)), n)
			if most == n {
				next = n
			}
			appendAll(t, log, ref, last, next)
			last = next
		}
		checkHead(t, log, ref, n)
	}
}
