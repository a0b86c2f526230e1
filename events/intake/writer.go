package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

const (
	// maxMessages is the most the history's server takes in a batch. An event that
	// names somebody new is preceded by an enrolment, which up to 400 share.
	maxMessages = 1000
	maxGather   = 997
	// maxBatchBytes bounds the submitted bytes of one batch, see Submitted.Size.
	maxBatchBytes = 8 << 20
	// maxQueueBytes bounds what waits, as submitted: a part of a bulk event is as
	// long as a hundred others.
	maxQueueBytes = 256 << 20
)

// Config is what a writer needs.
type Config struct {
	History  History
	Book     *Book
	People   People
	Keys     Keys
	Now      func() time.Time // default time.Now
	MaxQueue int              // events waiting before doors answer 429; default 20,000
	// Refuse says why no events are taken now, nil when they are. What is queued
	// by then is written all the same. Nil: they always are.
	Refuse func() *events.Problem
}

// ErrQueueFull says that more events wait than the writer is allowed to hold.
var ErrQueueFull = errors.New("queueing events: the queue is full")

// ErrStopped says that the writer takes nothing any more.
var ErrStopped = errors.New("queueing events: the writer has stopped")

// Submitted is one event with the organization its token speaks for.
type Submitted struct {
	Event        *events.Event
	Organization string
	Size         int // bytes as submitted
	// Trails are those that take the event, for the persons it names in order: of
	// what the ledger says itself, which knows whose matter is hidden. None means
	// that the seals decide.
	Trails []events.Handle

	together *bundle // with others, or nil
}

// Outcome is what became of one submitted event.
type Outcome struct {
	Status   int // 201 accepted, 200 a repeat; otherwise Problem says why
	Position events.Index
	Name     events.EventName
	Hash     events.Digest
	Problem  *events.Problem
}

// Writer is the one writer of a history.
type Writer struct {
	cfg Config

	mu      sync.Mutex
	queue   []*waiting
	bytes   int // of the queue, as submitted
	stopped bool
	wake    chan struct{}

	locations map[string]*time.Location // of Run
}

// waiting is one event in the queue and where its outcome goes.
type waiting struct {
	Submitted
	name     events.EventName // from firsts on
	matter   string           // of the head of a bulk event or a part: the head's case, from partOf on
	outcome  *Outcome
	done     *sync.WaitGroup
	finished bool
	repeats  []*waiting // the same event again, later in the group
	rivals   []*waiting // other content under the same id, later in the group
}

// weight is about how much of a batch w takes, in submitted bytes. What names many
// persons grows most, by boxes for each.
func (w *waiting) weight() int { return w.Size + 400*w.Event.Named() }

// enrolments is how many entries enrol so many persons.
func enrolments(persons int) int { return (persons + events.MaxPairs - 1) / events.MaxPairs }

// finish answers w and whoever waited for it; the first answer stands. A rival
// is in conflict only with what is stored.
func (w *waiting) finish(o Outcome) {
	if w.finished {
		return
	}
	w.finished = true
	*w.outcome = o
	w.done.Done()
	if o.Status == 201 {
		o.Status = 200
	}
	for _, r := range w.repeats {
		r.finish(o)
	}
	lost := conflict()
	if o.Problem != nil {
		lost = refused(unavailable("another event came under this id and was not accepted"))
	}
	for _, r := range w.rivals {
		r.finish(lost)
	}
}

// NewWriter makes a writer; Run starts it.
func NewWriter(cfg Config) *Writer {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxQueue == 0 {
		cfg.MaxQueue = 20000
	}
	return &Writer{cfg: cfg, wake: make(chan struct{}, 1), locations: map[string]*time.Location{}}
}

// Submit queues list and waits until each event is durable or refused. The
// outcomes are in the order of list. When ctx ends first, the events are still
// written: only the answer is lost. An error that is a *events.Problem is from
// Config.Refuse.
func (w *Writer) Submit(ctx context.Context, list []Submitted) ([]Outcome, error) {
	if w.cfg.Refuse != nil && len(list) > 0 {
		if p := w.cfg.Refuse(); p != nil {
			return nil, p
		}
	}
	outcomes := make([]Outcome, len(list))
	done := new(sync.WaitGroup)
	done.Add(len(list))
	size := 0
	for _, s := range list {
		size += s.Size
	}
	w.mu.Lock()
	switch {
	case w.stopped:
		w.mu.Unlock()
		return nil, ErrStopped
	case len(w.queue)+len(list) > w.cfg.MaxQueue, len(w.queue) > 0 && w.bytes+size > maxQueueBytes:
		w.mu.Unlock()
		return nil, ErrQueueFull
	}
	for i := range list {
		w.queue = append(w.queue, &waiting{Submitted: list[i], outcome: &outcomes[i], done: done})
	}
	w.bytes += size
	w.mu.Unlock()
	w.signal()
	finished := make(chan struct{})
	go func() { done.Wait(); close(finished) }()
	select {
	case <-finished:
		return outcomes, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Queued is how many events wait for the next batch.
func (w *Writer) Queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run writes batches until ctx ends or the history refuses this writer. It
// answers everything still queued with 503 before it returns.
func (w *Writer) Run(ctx context.Context) error {
	defer w.drain()
	for {
		group := w.gather()
		if len(group) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-w.wake:
			}
			continue
		}
		if err := w.write(ctx, group); err != nil {
			return fmt.Errorf("writing events: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// gather takes the head of the queue, up to one batch.
func (w *Writer) gather() []*waiting {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, size, persons, rotated := 0, 0, 0, 0
	for n < len(w.queue) && n < maxGather {
		item := w.queue[n]
		size, persons = size+item.weight(), persons+item.Event.Named()
		if item.Event.Kind.Name == "trail.rotated" {
			rotated++ // an enrolment of its own stands behind it
		}
		if n > 0 && (size > maxBatchBytes || n+1+enrolments(persons)+rotated > maxMessages) {
			break
		}
		n++
		// Nothing else may stand in a batch behind the last event of a trail.
		if item.Event.Kind.Name == "key.shredded" {
			break
		}
	}
	n = whole(w.queue, n)
	group := append([]*waiting{}, w.queue[:n]...)
	for _, item := range group {
		w.bytes -= item.Size
	}
	w.queue = append(w.queue[:0:0], w.queue[n:]...)
	return group
}

func (w *Writer) drain() {
	w.mu.Lock()
	w.stopped = true
	left := w.queue
	w.queue = nil
	w.mu.Unlock()
	refuseAll(left, unavailable("the ledger is stopping"))
}

func unavailable(why string) *events.Problem {
	return &events.Problem{Status: 503, Code: "unavailable", Detail: why + "; nothing was accepted, send it again"}
}

func refuseAll(group []*waiting, p *events.Problem) {
	for _, item := range group {
		item.finish(Outcome{Status: p.Status, Problem: p})
	}
}

// errStopping marks errors after which this writer must not go on.
var errStopping = errors.New("the writer stops")

// write takes one group to its outcomes. An error means the writer stops.
func (w *Writer) write(ctx context.Context, group []*waiting) error {
	plan, err := w.plan(group)
	if err != nil {
		refuseAll(group, unavailable("the ledger cannot read its keys or its book"))
		return err
	}
	notes, err := w.store(ctx, plan)
	switch {
	case errors.Is(err, errStopping):
		refuseAll(group, uncertain())
		return err
	case err != nil:
		refuseAll(group, unavailable("the history did not take the batch"))
		return nil
	}
	if err := w.cfg.Book.apply(notes); err != nil {
		refuseAll(group, uncertain())
		return err
	}
	// The entry is the order to destroy: had the keys gone first, a crash would
	// leave nobody who could say so under her last tag. A crash here is made good
	// before the doors open again, see Shred.
	if err := w.shred(notes); err != nil {
		refuseAll(group, uncertain())
		return err
	}
	plan.answer(notes)
	return nil
}

func uncertain() *events.Problem {
	return &events.Problem{Status: 503, Code: "unavailable", Detail: "it is not known whether this was stored; send it again with the same id"}
}

// store seals and appends a plan, and tells what the book must note.
func (w *Writer) store(ctx context.Context, p *plan) ([]noted, error) {
	if len(p.fresh) == 0 {
		return nil, nil
	}
	msgs, notes, err := w.seal(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStopping, err)
	}
	// The batch is stored or not whatever happens to the caller, so the end of
	// ctx must not leave it in doubt.
	first, err := w.cfg.History.Append(context.WithoutCancel(ctx), msgs)
	switch {
	case errors.Is(err, events.ErrNotStored):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errStopping, err)
	}
	for i := range notes {
		notes[i].seq = first + events.Seq(i)
	}
	return notes, nil
}
