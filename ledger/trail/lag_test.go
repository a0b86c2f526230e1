package trail

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// paced is a log that was published before and comes out again at a rate, a
// checkpoint each tick.
type paced struct {
	public *ledger.Public
	roots  []proof.Hash // at each tick
	each   events.Size  // entries a tick
	tick   time.Duration
	begun  time.Time
}

func (p *paced) Public() *ledger.Public { return p.public }

func (p *paced) at() int { return min(int(time.Since(p.begun)/p.tick), len(p.roots)) }

func (p *paced) Checkpoint() (proof.Checkpoint, []byte) {
	n := p.at()
	if n == 0 {
		return proof.Checkpoint{}, nil
	}
	return proof.Checkpoint{Origin: origin, Size: events.Size(n) * p.each, Root: p.roots[n-1]}, nil
}

func (p *paced) WaitFor(ctx context.Context, size events.Size) error {
	due := p.begun.Add(time.Duration((size+p.each-1)/p.each) * p.tick)
	select {
	case <-time.After(time.Until(due)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// BenchmarkLag feeds an index that holds a million tags with 10,000 tagged entries a
// second, and takes the time from each checkpoint of the ledger to the published leaf
// that covers it.
func BenchmarkLag(b *testing.B) {
	const rate, seconds, tick = 10_000, 6, 50 * time.Millisecond
	w := &world{t: b, dir: b.TempDir(), book: bookOf(entryOf(b, 0))}
	p := &paced{each: rate / 20, tick: tick}
	var e edge
	var entries [][]byte
	for i := 1; i < rate*seconds; i++ {
		entries = append(entries, tagged(b, i, tagOf(i)))
	}
	w.book.add(entries...)
	for i, entry := range slices.Concat([][]byte{entryOf(b, 0)}, entries) {
		if e.add(proof.LeafHash(entry)); (i+1)%int(p.each) == 0 {
			p.roots = append(p.roots, e.root())
		}
	}
	anchor, err := ledger.Open(b.Context(), ledger.Config{
		Dir: filepath.Join(w.dir, "public"), Signer: logKey(b).Signer, Receipts: keyOf(b, proof.ReceiptKeyName(origin)).Signer,
		PublishEvery: time.Millisecond, Log: w.log("log"), History: w.book,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- anchor.Run(ctx) }()
	if err := anchor.WaitFor(ctx, rate*seconds); err != nil {
		b.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if err := anchor.Close(); err != nil {
		b.Fatal(err)
	}
	p.public = must[*ledger.Public](b)(ledger.OpenPublic(filepath.Join(w.dir, "public")))
	s := must[*trees](b)(openTrees(filepath.Join(w.dir, "trees"), treeOptions{}))
	for at := 1 << 40; at < 1<<40+1_000_000; at += 20_000 {
		if err := s.add(addition{tags: numbered(at, 20_000)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		b.Fatal(err)
	}
	w.leaves = must[*LeafFile](b)(OpenLeaves(filepath.Join(w.dir, "leaves")))
	x := must[*Index](b)(Open(b.Context(), Config{
		Dir: filepath.Join(w.dir, "trees"), Public: filepath.Join(w.dir, "index"), Journal: filepath.Join(w.dir, "journal.index"),
		Leaves: w.leaves, Ledger: p, Signer: indexKey(b).Signer, Key: indexKey(b).Verifier,
		Log: must[*locallog.Log](b)(locallog.Open(b.Context(), locallog.Config{Dir: filepath.Join(w.dir, "indexlog")})),
	}))
	b.ResetTimer()
	lags := feed(b, x, p)
	b.ReportMetric(float64(lags[len(lags)/2].Milliseconds()), "lag-p50-ms")
	b.ReportMetric(float64(lags[len(lags)*99/100].Milliseconds()), "lag-p99-ms")
	b.ReportMetric(float64(lags[len(lags)-1].Milliseconds()), "lag-max-ms")
	b.ReportMetric(float64(x.Progress().Leaves), "leaves")
}

// feed runs the index over the paced log and returns the lag of each checkpoint,
// ascending.
func feed(b *testing.B, x *Index, p *paced) (lags []time.Duration) {
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	p.begun = time.Now()
	go func() { ended <- x.Run(ctx) }()
	for n := 1; n <= len(p.roots); {
		time.Sleep(time.Millisecond)
		for covered := x.Progress().Size; n <= len(p.roots) && events.Size(n)*p.each <= covered; n++ {
			lags = append(lags, time.Since(p.begun.Add(time.Duration(n)*p.tick)))
		}
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	slices.Sort(lags)
	return lags
}
