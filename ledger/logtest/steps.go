package logtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

func testEmpty(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 1))
	a.audit(0)
	size, root, err := log.Append(t.Context(), 0, nil)
	a.same("append nothing", size, root, err, 0)
	if root != sha256.Sum256(nil) {
		t.Errorf("the root of nothing is %x", root)
	}
	a.refused("an empty entry", 0, []byte{})
	a.append(0, 1)
	a.refused("an empty entry", 1, []byte{})
}

// testSizes goes through the sizes around which a tree changes its form: the
// powers of two and the ends of tiles.
func testSizes(t *testing.T, log Log) {
	sizes := []events.Size{5, 65279, 65280, 65281}
	for k := range 17 {
		sizes = append(sizes, 1<<k, 1<<k+1)
		if k > 1 {
			sizes = append(sizes, 1<<k-1)
		}
	}
	slices.Sort(sizes)
	a := audits(t, log, Leaves(0, 65537))
	last := events.Size(0)
	for _, n := range slices.Compact(sizes) {
		a.append(last, n)
		last = n
	}
}

func testEqual(t *testing.T, log Log) {
	a := audits(t, log, slices.Repeat([][]byte{[]byte("the same")}, 7))
	for _, part := range [][2]events.Size{{0, 2}, {2, 4}, {3, 5}, {5, 6}, {0, 7}} {
		a.append(part[0], part[1])
	}
}

// testBytes adds entries that look like something else: a leaf and a node as
// they are hashed, text that is none, a protocol message, and long ones.
func testBytes(t *testing.T, log Log) {
	entries := [][]byte{{0}, {1}, append([]byte{0}, "entry 0"...), bytes.Repeat([]byte{0xff}, 300), {0x0a, 0x02, 'h', 'i'}}
	left, right := sha256.Sum256([]byte{0, 0}), sha256.Sum256([]byte{0, 1})
	entries = append(entries, slices.Concat([]byte{1}, left[:], right[:]))
	for _, n := range []int{1, 31, 32, 33, 64, 65, 16384, 65535} {
		entries = append(entries, make([]byte, n), bytes.Repeat([]byte{'x'}, n))
	}
	a := audits(t, log, entries)
	for i := range events.Size(len(entries)) {
		a.append(i, i+1)
	}
	a.append(0, events.Size(len(entries)))
}

// testLarge adds more in one call than one gRPC message takes by default.
func testLarge(t *testing.T, log Log) {
	entries := make([][]byte, 150)
	for i := range entries {
		entries[i] = bytes.Repeat([]byte{byte(i)}, 65535)
	}
	a := audits(t, log, entries)
	a.append(0, 140)
	a.append(0, 150)
}

// testKept writes over the entries' memory after they were added: they were
// the caller's.
func testKept(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 300))
	for _, part := range [][2]events.Size{{0, 1}, {1, 260}, {200, 300}} {
		mine := Leaves(events.Index(part[0]), int(part[1]-part[0]))
		size, root, err := log.Append(t.Context(), events.Index(part[0]), mine)
		for _, entry := range mine {
			clear(entry)
		}
		a.same("append", size, root, err, part[1])
		a.audit(part[1])
	}
	a.append(0, 300)
}

func testAgain(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 400))
	a.append(0, 300)
	for _, again := range [][2]events.Size{{0, 300}, {299, 300}, {0, 1}, {100, 260}} {
		a.append(again[0], again[1])
	}
	a.append(250, 400) // overlapping
}

func testOther(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 300))
	a.append(0, 260)
	for _, index := range []events.Index{0, 100, 255, 256, 259} {
		a.refused("another entry", index, []byte("other bytes"))
		a.refused("the next entry", index, a.entries[index+1])
		a.refused("a longer entry", index, append(slices.Clone(a.entries[index]), 0))
	}
	a.refused("another entry, after one that is the same", 258, a.entries[258], []byte("other bytes"))
	a.refused("another entry, before new ones", 259, []byte("other bytes"), a.entries[260])
	a.append(260, 300)
}

func testGap(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 20))
	for _, size := range []events.Size{0, 10} {
		if size > 0 {
			a.append(0, size)
		}
		for _, first := range []events.Index{events.Index(size) + 1, events.Index(size) + 1000, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
			a.refused("an entry beyond a gap", first, []byte("entry"))
		}
	}
	a.append(10, 20)
}

// testAtOnce appends the same entries from several sides: each is told the
// same, or what holds more of them.
func testAtOnce(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 1000))
	var sides sync.WaitGroup
	for side := range 4 {
		sides.Go(func() {
			for first := events.Size(0); first < 1000; {
				end := min(first+events.Size(100+50*side), 1000)
				size, root, err := log.Append(t.Context(), events.Index(first), a.entries[first:end])
				if err != nil || size < end || root != a.ref.Root(t, size) {
					t.Errorf("append %d-%d: size %d, root %x, %v", first, end-1, size, root, err)
					return
				}
				first = end
			}
		})
	}
	sides.Wait()
	a.audit(1000)
}

// testHeads asks for the head while entries are added: every head is one of
// the log's, and none goes back.
func testHeads(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 3000))
	added := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for last := events.Size(0); ; {
				size, root, err := log.Head(t.Context())
				if err != nil || size < last || size > 3000 || root != a.ref.Root(t, size) {
					t.Errorf("head after size %d: size %d, root %x, %v", last, size, root, err)
					return
				}
				last = size
				select {
				case <-added:
					return
				default:
				}
			}
		})
	}
	for first := events.Size(0); first < 3000; first += 60 {
		size, root, err := log.Append(t.Context(), events.Index(first), a.entries[first:first+60])
		a.same("append", size, root, err, first+60)
	}
	close(added)
	readers.Wait()
	a.audit(3000)
}

// testCancelled gives up calls. Whether they were made is open, that the same
// call can be made again is not.
func testCancelled(t *testing.T, log Log) {
	a := audits(t, log, Leaves(0, 2000))
	for first := events.Size(0); first < 2000; first += 500 {
		ctx, cancel := context.WithCancel(t.Context())
		if first == 0 {
			cancel()
		}
		go cancel()
		size, root, err := log.Append(ctx, events.Index(first), a.entries[first:first+500])
		if err == nil {
			a.same("a cancelled append", size, root, err, first+500)
		}
		a.append(first, first+500)
	}
}

func testReopened(t *testing.T, log Log) {
	if _, ok := log.(Reopener); !ok {
		t.Skip("this log cannot be opened again")
	}
	a := audits(t, log, Leaves(0, 70000))
	last := events.Size(0)
	for _, n := range []events.Size{0, 1, 255, 256, 300, 66000, 70000} {
		a.log = a.log.(Reopener).Reopen(t)
		a.audit(last)
		if n > last {
			a.append(last, n)
		}
		last = n
	}
}

// testSplits appends the same entries to several logs in different calls.
func testSplits(t *testing.T, open func(t *testing.T) Log) {
	const n = 2000
	rng := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{n, 1000, 300, 60} {
		a := audits(t, open(t), Leaves(0, n))
		for last := events.Size(0); last < n; {
			next := min(last+1+events.Size(rng.IntN(most)), n)
			if most == n {
				next = n
			}
			a.append(last, next)
			last = next
		}
	}
}

// testWalks does everything above in random order.
func testWalks(t *testing.T, open func(t *testing.T) Log) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			a := audits(t, open(t), Leaves(0, 2500))
			rng := rand.New(rand.NewPCG(seed, 3))
			for range 40 {
				a.walk(rng)
			}
		})
	}
}

func (a *auditor) walk(rng *rand.Rand) {
	a.t.Helper()
	most := events.Size(len(a.entries))
	before := events.Size(rng.Uint64N(uint64(a.seen) + 1)) // at most the size
	switch rng.IntN(6) {
	case 0, 1:
		a.append(a.seen, min(a.seen+1+events.Size(rng.IntN(120)), most))
	case 2:
		a.append(before, min(before+events.Size(rng.IntN(200)), most))
	case 3:
		if before < a.seen {
			a.refused("another entry", events.Index(before), []byte("other bytes"))
		}
	case 4:
		a.refused("an entry beyond a gap", events.Index(a.seen)+1+events.Index(rng.IntN(300)), []byte("entry"))
	default:
		if r, ok := a.log.(Reopener); ok {
			a.log = r.Reopen(a.t)
		}
		a.audit(a.seen)
	}
}
