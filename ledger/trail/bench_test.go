package trail

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// BenchmarkAdd adds tags in batches to trees on a disk that hold that many already.
// -benchtime 1x is one batch.
func BenchmarkAdd(b *testing.B) {
	for _, held := range []int{0, 1_000_000, 5_000_000} {
		for _, batch := range []int{1000, 10_000} {
			b.Run(fmt.Sprintf("held=%d/batch=%d", held, batch), func(b *testing.B) {
				if testing.Short() && held > 0 {
					b.Skip("it takes long to fill")
				}
				s, err := openTrees(b.TempDir(), treeOptions{})
				if err != nil {
					b.Fatal(err)
				}
				defer s.close()
				at := 0
				add := func(n int) {
					if err := s.add(addition{leaves: make([]proof.Hash, n), tags: numbered(at, n)}); err != nil {
						b.Fatal(err)
					}
					at += n
				}
				filling := time.Now()
				for at < held {
					add(250_000)
				}
				filled := time.Since(filling)
				b.ResetTimer()
				for b.Loop() {
					add(batch)
				}
				b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "tags/s")
				if held > 0 {
					b.ReportMetric(float64(held)/filled.Seconds(), "filling-tags/s")
				}
				var mem runtime.MemStats
				runtime.ReadMemStats(&mem)
				b.ReportMetric(float64(mem.HeapInuse)/1e6, "heap-MB")
				m := s.db.Metrics()
				b.ReportMetric(float64(m.DiskSpaceUsage())/1e6, "disk-MB")
			})
		}
	}
}
