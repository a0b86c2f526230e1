package ledger

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// inOrder yields what do returns for first … end-1, in this order. Several are done at a
// time, and no more than that are held. It ends with the first error, or the context's.
func inOrder[T any](ctx context.Context, first, end uint64, parallel int, do func(context.Context, uint64) (T, error)) iter.Seq2[T, error] {
	type result struct {
		out T
		err error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		queue := make(chan chan result, parallel-1)
		group.Go(func() {
			defer close(queue)
			for n := first; n < end; n++ {
				done := make(chan result, 1)
				select {
				case queue <- done:
				case <-ctx.Done():
					return
				}
				group.Go(func() {
					out, err := do(ctx, n)
					done <- result{out, err}
				})
			}
		})
		for done := range queue {
			if r := <-done; !yield(r.out, r.err) || r.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			var none T
			yield(none, fmt.Errorf("reading the log: %w", context.Cause(ctx)))
		}
	}
}
