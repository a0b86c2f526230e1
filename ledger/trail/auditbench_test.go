package trail

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// benchTown is the public directory of a ledger of n entries. They are made from one
// by putting other bytes of the same form in, since making them takes longest.
func benchTown(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	like := tagged(b, 1, tagOf(1))
	s, err := openTrees(b.TempDir(), treeOptions{passing: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	entries := [][]byte{entryOf(b, 0)}
	leaves := [][]byte{}
	a := addition{}
	a.facts(0, proof.LeafHash(entries[0]), ledger.Facts{})
	for i := 1; i < n; i++ {
		e := bytes.ReplaceAll(like, []byte(nameOf(1).String()), []byte(nameOf(i).String()))
		entries = append(entries, bytes.ReplaceAll(e, []byte(tagOf(1).String()), []byte(tagOf(i).String())))
		a.facts(events.Index(i), proof.LeafHash(entries[i]), ledger.Facts{Tags: []events.Tag{tagOf(i)}})
		if (i+1)%10_000 == 0 {
			if err := s.add(a); err != nil {
				b.Fatal(err)
			}
			l := proof.IndexLeaf{Size: s.now.size, Root: s.now.root(), Tags: s.now.tags, Labels: s.now.labels}
			a, leaves = addition{}, append(leaves, []byte(l.Text()))
		}
	}
	publish(b, dir, logKey(b).Signer, entries)
	publish(b, filepath.Join(dir, ledger.IndexPath), indexKey(b).Signer, leaves)
	b.Logf("%d entries of %d bytes, %d leaves", n, len(like), len(leaves))
	return dir
}

// watchHeap notes the most memory that is in use until stop is called.
func watchHeap(most *int64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*most = max(*most, int64(m.HeapInuse))
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }
}

// BenchmarkAudit audits a ledger in which each entry but the first has a tag, with a
// leaf for each 10,000 entries.
func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if testing.Short() && n > 200_000 {
				b.Skip("it takes long to make")
			}
			dir := benchTown(b, n)
			runtime.GC() // of what making it took
			b.ResetTimer()
			var size, most int64
			for b.Loop() {
				opts := AuditOptions{Dir: b.TempDir()}
				stop := watchHeap(&most)
				report, err := Audit(b.Context(), must[*ledger.Public](b)(ledger.OpenPublic(dir)), logKey(b).Verifier, opts)
				stop()
				if err != nil {
					b.Fatal(err)
				}
				size = int64(report.Ledger.Size)
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(most)/1e6, "most-heap-MB")
		})
	}
}
