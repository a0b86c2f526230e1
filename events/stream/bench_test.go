package stream

import (
	"bytes"
	"fmt"
	"testing"
)

// entry is about what one event takes in the history.
var entry = bytes.Repeat([]byte("x"), 1500)

func filled(n int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		msgs[i] = entry
	}
	return msgs
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			_, nc := connect(b, b.TempDir())
			h := open(b, nc)
			msgs := filled(n)
			for b.Loop() {
				if _, err := h.Append(b.Context(), msgs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	_, nc := connect(b, b.TempDir())
	h := open(b, nc)
	for range 50 {
		if _, err := h.Append(b.Context(), filled(MaxBatch)); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		for _, err := range h.Replay(b.Context(), 1, h.Last()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msgs/s")
}

func BenchmarkRead(b *testing.B) {
	_, nc := connect(b, b.TempDir())
	h := open(b, nc)
	if _, err := h.Append(b.Context(), filled(MaxBatch)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := h.Read(b.Context(), 500); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendThreeServers is BenchmarkAppend with every server on this machine
// and its one disk, so a third of what three machines could do, or less.
func BenchmarkAppendThreeServers(b *testing.B) {
	h, err := Open(b.Context(), dial(b, startCluster(b)), onThree)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			msgs := filled(n)
			for b.Loop() {
				if _, err := h.Append(b.Context(), msgs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}
