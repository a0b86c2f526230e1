package emit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const (
	firstWait = 100 * time.Millisecond
	maxWait   = 30 * time.Second

	// attemptTime ends a request that the network swallowed.
	attemptTime = time.Minute
)

// Run sends what waits, in order, until ctx ends or e is closed; then it returns
// nil. A ledger
// that is busy or out of reach is tried again for ever. An answer that is final
// for the whole request, as a token the ledger does not know, ends Run with a
// [*RefusedError]; the events are kept. One Run at a time.
func (e *Emitter) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.running {
		e.mu.Unlock()
		return errors.New("sending events: it runs already")
	}
	e.running, e.ended = true, nil
	e.mu.Unlock()

	err := e.run(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) || errors.Is(err, ErrClosed) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("sending events: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running, e.ended = false, err
	e.tell()
	return err
}

func (e *Emitter) run(ctx context.Context) error {
	limit, failed := MaxBatch, 0
	for {
		batch, end, err := e.next(ctx, limit)
		if err != nil {
			return err
		}
		answer, wait, err := e.attempt(ctx, batch)
		if err == nil {
			err = e.record(batch, end, answer)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.report(err)
		var refused *RefusedError
		switch {
		case err == nil:
			limit, failed = MaxBatch, 0
		case errors.As(err, &refused) && refused.divisible() && len(batch) > 1:
			limit = len(batch) / 2 // one of them is the cause, and will be alone
		case errors.As(err, &refused), errors.Is(err, errBroken), errors.Is(err, ErrClosed):
			return err
		default:
			if err := sleep(ctx, max(wait, backOff(failed))); err != nil {
				return err
			}
			failed++
		}
	}
}

// backOff is a random time, so that many emitters do not come back at once.
func backOff(failed int) time.Duration {
	full := min(firstWait<<min(failed, 10), maxWait)
	return full/2 + rand.N(full/2)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// report keeps err for [Emitter.State], and ends everything if it must.
func (e *Emitter) report(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.Err = err
	e.stop(err)
}

// next waits for events, and is the first of those without an answer.
func (e *Emitter) next(ctx context.Context, limit int) (batch [][]byte, end int64, err error) {
	for {
		e.mu.Lock()
		s, at, left, stopped, changed := e.segs[0], e.at, e.segs[0].end() > e.through+1, e.stopped, e.changed
		e.mu.Unlock()
		switch {
		case stopped != nil:
			return nil, 0, stopped
		case ctx.Err() != nil:
			return nil, 0, ctx.Err()
		case left:
			return s.read(at, limit)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// divisible says that one event may be the cause.
func (e *RefusedError) divisible() bool {
	return e.Status == http.StatusBadRequest || e.Status == http.StatusRequestEntityTooLarge || e.Status == http.StatusUnprocessableEntity
}

// attempt sends once. A request of one event that is refused as such is an
// answer.
func (e *Emitter) attempt(ctx context.Context, batch [][]byte) (Answer, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	answer, wait, err := e.sender.post(ctx, batch)
	var refused *RefusedError
	if errors.As(err, &refused) && refused.divisible() && len(batch) == 1 {
		return Answer{Results: []Result{{Status: refused.Status, Problem: jsonOf(refused.Body)}}}, 0, nil
	}
	if err == nil {
		err = answer.check()
	}
	return answer, wait, err
}

// jsonOf is text, as a JSON string unless it is JSON.
func jsonOf(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	b, _ := json.Marshal(text) // a string always does
	return b
}

// check says that every result is final, and that the receipt promises what the
// results say. The events are forgotten for this answer, so it must be whole;
// its signature is judged by [Emitter.CheckReceipts].
func (a Answer) check() error {
	promised := map[proof.ReceiptLine]bool{}
	if a.Receipt != "" {
		text, _, _ := strings.Cut(a.Receipt, "\n\n")
		r, err := proof.ParseReceipt(text + "\n")
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		for _, line := range r.Lines {
			promised[line] = true
		}
	}
	for i, r := range a.Results {
		hash, ok := events.ParseDigest(r.EntryHash)
		switch {
		case r.Accepted() && r.Position != nil && ok && promised[proof.ReceiptLine{Index: events.Index(*r.Position), EntryHash: hash}]:
		case r.Accepted():
			return fmt.Errorf("reading the answer: event %d is accepted without a receipt", i)
		case r.Status < 400 || r.Status > 499:
			return fmt.Errorf("reading the answer: event %d has the status %d", i, r.Status)
		}
	}
	return nil
}

// record makes an answer durable, and then forgets the events: first those
// refused, then the receipt, which also says how far we are. A crash before the
// receipt has the batch sent again.
func (e *Emitter) record(batch [][]byte, end int64, a Answer) error {
	e.disk.Lock()
	defer e.disk.Unlock()
	e.mu.Lock()
	through, stopped := e.through, e.stopped
	e.mu.Unlock()
	if stopped != nil {
		return stopped
	}
	before := e.refused.size
	aside, refused := asideOf(batch, through, a)
	if refused > 0 {
		if err := e.refused.append("refused", aside); err != nil {
			return fmt.Errorf("putting refused events aside: %w", err)
		}
	}
	through += uint64(len(batch))
	line, err := marshal(promise{through, a.Receipt})
	if err == nil {
		err = e.receipts.append("receipts", appendLine(nil, line))
	}
	if err != nil { // the batch comes again, and so do those put aside
		if undo := e.refused.cut(before); undo != nil {
			err = fmt.Errorf("%w: %w", errBroken, errors.Join(err, undo))
		}
		return fmt.Errorf("keeping the receipt: %w", err)
	}
	e.mu.Lock()
	e.state.Waiting, e.state.Bytes = e.state.Waiting-len(batch), e.state.Bytes-(end-e.at)
	e.state.Refused += refused
	e.through, e.at = through, end
	e.mu.Unlock()
	return e.tidy()
}

// asideOf is the lines of what a refuses of the batch behind number through.
func asideOf(batch [][]byte, through uint64, a Answer) (text []byte, n int) {
	for i, r := range a.Results {
		if r.Accepted() {
			continue
		}
		if len(r.Problem) > maxProblem {
			r.Problem = nil
		}
		line, err := marshal(Refused{through + uint64(i) + 1, r.Status, r.Problem, batch[i]})
		if err != nil { // both were JSON when they were read
			line = fmt.Appendf(nil, `{"number":%d,"status":%d,"event":null}`, through+uint64(i)+1, r.Status)
		}
		text, n = appendLine(text, line), n+1
	}
	return text, n
}

// marshal leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}

// tidy removes segments that are answered, since they hold what services know
// of people; the last one too, when nothing waits, for an empty one that keeps
// the count. The disk is held.
func (e *Emitter) tidy() error {
	for {
		e.mu.Lock()
		s, last := e.segs[0], len(e.segs) == 1
		keep := s.end() > e.through+1 || s.count == 0 && last || last && e.group.events > 0
		e.mu.Unlock()
		if keep {
			return nil
		}
		if last {
			if err := e.begin(s.end()); err != nil {
				return fmt.Errorf("beginning a segment: %w", err)
			}
		}
		if err := e.cfg.step("remove segment", func() error { return os.Remove(s.path) }); err != nil {
			return fmt.Errorf("%w: removing what is answered: %w", errBroken, err)
		}
		e.mu.Lock()
		e.segs, e.at = e.segs[1:], 0
		e.mu.Unlock()
	}
}
