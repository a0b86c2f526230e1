package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// History is what views are folded from.
type History interface {
	// Last is the sequence of the last message that may be folded.
	Last() events.Seq
	// Wait returns Last as soon as it is greater than after.
	Wait(ctx context.Context, after events.Seq) (events.Seq, error)
	// Replay gives the messages from ≤ seq ≤ to in order, without a gap. Their
	// data stays as it is after the next one is asked for.
	Replay(ctx context.Context, from, to events.Seq) iter.Seq2[events.Stored, error]
}

// ErrAhead says that the views were folded from more messages than the history
// has, so from another one. Deleting their directory is the remedy.
var ErrAhead = errors.New("the views are ahead of the history; delete their directory to fold them again")

const (
	batchMessages = 1000
	batchBytes    = 4 << 20
)

// Run folds what h has and then what it gets, until ctx ends or something stops
// it. It returns an error always.
func (v *Views) Run(ctx context.Context, h History) error {
	if err := v.begin(h); err != nil {
		return err
	}
	defer v.folding.Unlock()
	for {
		last, err := h.Wait(ctx, v.Cursor())
		if err != nil {
			return fmt.Errorf("folding the views: %w", err)
		}
		if err := v.foldTo(ctx, h, last); err != nil {
			return err
		}
	}
}

// CatchUp folds the messages up to and including to, and returns at once when
// they are folded already. It must not run beside Run.
func (v *Views) CatchUp(ctx context.Context, h History, to events.Seq) error {
	if err := v.begin(h); err != nil {
		return err
	}
	defer v.folding.Unlock()
	return v.foldTo(ctx, h, to)
}

// begin takes the lock folding, unless it returns an error.
func (v *Views) begin(h History) error {
	if !v.folding.TryLock() {
		return errors.New("folding the views: they are being folded already")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.cursors {
		if last := h.Last(); c > last {
			v.folding.Unlock()
			return fmt.Errorf("folding the views: a view is at %d, the history at %d: %w", c, last, ErrAhead)
		}
	}
	return nil
}

// message is one message of the history as the views see it.
type message struct {
	seq      events.Seq
	position events.Index
	entry    *events.Entry
	raw      []byte       // of the entry
	fold     *events.Fold // the opened header, where officers' views are kept
}

// foldTo folds one chunk while the next is read and parsed.
func (v *Views) foldTo(ctx context.Context, h History, to events.Seq) error {
	from := v.Cursor() + 1
	if from > to {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	chunks := make(chan chunk, 1)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(chunks)
		read(ctx, h, v.opener, from, to, chunks)
	})
	defer reader.Wait()
	defer cancel()
	for c := range chunks {
		if len(c.messages) > 0 {
			if err := v.fold(c.messages); err != nil {
				return fmt.Errorf("folding messages %d-%d: %w", c.messages[0].seq, c.messages[len(c.messages)-1].seq, err)
			}
		}
		if c.err != nil {
			return fmt.Errorf("folding the views: %w", c.err)
		}
	}
	return nil
}

// chunk is what one Pebble batch takes; err is why no more follow.
type chunk struct {
	messages []message
	err      error
}

// read sends the messages from … to in chunks. A chunk with an error is the last.
func read(ctx context.Context, h History, open opener, from, to events.Seq, chunks chan<- chunk) {
	var stored []events.Stored
	size, next := 0, from
	send := func(err error) bool {
		c := parseAll(stored, next-events.Seq(len(stored)), open)
		if c.err == nil {
			c.err = err
		}
		stored, size = nil, 0
		select {
		case chunks <- c:
			return c.err == nil
		case <-ctx.Done():
			return false
		}
	}
	for s, err := range h.Replay(ctx, from, to) {
		if err != nil {
			send(err)
			return
		}
		stored = append(stored, s)
		size += len(s.Data)
		next++
		if (len(stored) == batchMessages || size >= batchBytes) && !send(nil) {
			return
		}
	}
	if next != to+1 {
		send(errors.Join(fmt.Errorf("the history ends before message %d of %d", next, to), ctx.Err()))
		return
	}
	send(nil)
}

// parseAll parses and opens messages, the first of which must be from, on every
// processor: most of a rebuild's time goes here. Of several faults the first
// counts.
func parseAll(stored []events.Stored, from events.Seq, open opener) chunk {
	messages := make([]message, len(stored))
	workers := min(runtime.GOMAXPROCS(0), 1+len(stored)/64)
	faults := make([]error, workers)
	stops := make([]int, workers)
	var parsing sync.WaitGroup
	for w := range workers {
		parsing.Go(func() {
			end := len(stored) * (w + 1) / workers
			for i := len(stored) * w / workers; i < end && faults[w] == nil; i++ {
				messages[i], faults[w] = open.parse(stored[i], from+events.Seq(i))
				stops[w] = i
			}
		})
	}
	parsing.Wait()
	for w, err := range faults {
		if err != nil {
			return chunk{messages[:stops[w]], err}
		}
	}
	return chunk{messages: messages}
}

// opener opens fold headers; nil leaves them closed.
type opener func(events.Message) (events.Fold, error)

func (open opener) parse(s events.Stored, want events.Seq) (message, error) {
	if s.Seq != want {
		return message{}, fmt.Errorf("the history gives message %d where %d is due", s.Seq, want)
	}
	m, err := events.ParseMessage(s.Data)
	if err != nil {
		return message{}, fmt.Errorf("reading message %d: %w", s.Seq, err)
	}
	e, err := events.ParseEntry(m.Entry)
	if err != nil {
		return message{}, fmt.Errorf("reading message %d: %w", s.Seq, err)
	}
	out := message{seq: s.Seq, position: s.Seq.Index(), entry: e, raw: m.Entry}
	if open == nil {
		return out, nil
	}
	fold, err := open(m)
	if err != nil {
		return message{}, fmt.Errorf("reading message %d: %w", s.Seq, err)
	}
	out.fold = &fold
	return out, nil
}

// fold writes what messages mean and the cursors in one batch. A crash before or
// in it leaves the database as it was.
func (v *Views) fold(messages []message) error {
	done, err := v.use()
	if err != nil {
		return err
	}
	defer done()
	b := newBatch(v.db)
	defer b.close()
	last := messages[len(messages)-1].seq
	for i, w := range v.views {
		if v.cursors[i] >= last {
			continue
		}
		for j := range messages {
			if messages[j].seq <= v.cursors[i] {
				continue
			}
			if err := w.fold(b, &messages[j]); err != nil {
				return fmt.Errorf("view %s, message %d: %w", w.name, messages[j].seq, err)
			}
		}
		b.set([]byte(viewPrefix+w.name), record{w.prefix, w.version, last}.append(nil))
	}
	if err := b.commit(); err != nil {
		return err
	}
	v.advance(last)
	return nil
}
