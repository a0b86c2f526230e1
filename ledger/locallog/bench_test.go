//go:build unix

package locallog

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// entrySize is that of a public entry with its digests.
const entrySize = 600

// benchEntries are n entries no compression makes smaller.
func benchEntries(rng *rand.ChaCha8, n int) [][]byte {
	buf := make([]byte, n*entrySize)
	rng.Read(buf)
	entries := make([][]byte, n)
	for i := range entries {
		entries[i] = buf[i*entrySize:][:entrySize:entrySize]
	}
	return entries
}

// BenchmarkLog grows one log and measures it at several sizes: appends, each
// fsynced, and inclusion proofs of random entries.
func BenchmarkLog(b *testing.B) {
	sizes := []int{0, 100_000, 1_000_000, 5_000_000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	cfg := Config{Dir: b.TempDir()}
	l := openLog(b, cfg)
	rng := rand.NewChaCha8([32]byte{1})
	first := events.Index(0)
	for _, size := range sizes {
		for int(first) < size {
			entries := benchEntries(rng, min(size-int(first), 10_000))
			first = benchAppend(b, l.Log, first, entries)
		}
		settle(b, l.store)
		for _, batch := range []int{1, 10, 100, 1000, 4096, 10_000} {
			b.Run(fmt.Sprintf("append/leaves=%d/batch=%d", size, batch), func(b *testing.B) {
				first = benchAppends(b, l.Log, first, benchEntries(rng, batch))
			})
		}
		for name, cache := range map[string]int64{"cold": 1, "default": 0, "warm": 1 << 30} {
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			cfg.TileCache = cache
			l = openLog(b, cfg)
			settle(b, l.store)
			b.Run(fmt.Sprintf("inclusion/leaves=%d/%s", size, name), func(b *testing.B) {
				benchProofs(b, l, int(first), name == "warm")
			})
		}
	}
}

// settle waits for the compactions that growing left behind.
func settle(b *testing.B, s *store) {
	for quiet, end := 0, time.Now().Add(time.Minute); quiet < 10 && time.Now().Before(end); quiet++ {
		time.Sleep(20 * time.Millisecond)
		if m := s.db.Metrics(); m.Compact.NumInProgress > 0 || m.Flush.NumInProgress > 0 {
			quiet = 0
		}
	}
}

func benchAppend(b *testing.B, l *Log, first events.Index, entries [][]byte) events.Index {
	size, _, err := l.Append(b.Context(), first, entries)
	if err != nil {
		b.Fatal(err)
	}
	return events.Index(size)
}

// benchAppends appends the same entries at ever new places.
func benchAppends(b *testing.B, l *Log, first events.Index, entries [][]byte) events.Index {
	start, cpu := first, processorTime(b)
	for n := uint64(0); b.Loop(); n++ {
		for i := range entries {
			binary.BigEndian.PutUint64(entries[i], n)
		}
		first = benchAppend(b, l, first, entries)
	}
	b.ReportMetric(float64(first-start)/b.Elapsed().Seconds(), "leaves/s")
	b.ReportMetric(float64((processorTime(b)-cpu).Nanoseconds())/float64(first-start), "cpu-ns/leaf")
	b.ReportMetric(resident(b), "MiB")
	return first
}

// benchProofs proves random entries at the size of the log. Warm, those are of
// a part of it that was read before.
func benchProofs(b *testing.B, l reopening, size int, warm bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	among := size
	if warm {
		among = min(size, 100_000)
		for index := 0; index < among; index += tileWidth {
			benchProof(b, l, index, size)
		}
	}
	var took []time.Duration
	cpu := processorTime(b)
	for b.Loop() {
		start := time.Now()
		benchProof(b, l, rng.IntN(among), size)
		took = append(took, time.Since(start))
	}
	b.ReportMetric(float64((processorTime(b)-cpu).Microseconds())/float64(len(took)), "cpu-µs/op")
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(resident(b), "MiB")
}

func benchProof(b *testing.B, l reopening, index, size int) {
	if _, err := l.Inclusion(b.Context(), events.Index(index), events.Size(size)); err != nil {
		b.Fatal(err)
	}
}

// processorTime is what this process has used of all processors, flushes and
// compactions included. It says more than the clock where others use them too.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// resident is the memory of this process, as far as the system says it.
func resident(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kib float64
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscan(after, &kib); err != nil {
		b.Log(err)
	}
	return kib / 1024
}
