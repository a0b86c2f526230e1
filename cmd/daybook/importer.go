package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/adapt"
	"github.com/daybook-ledger/daybook/events/emit"
)

// What an import keeps in memory: chunks of rows being mapped, and batches
// being sent. Rows are kept until their events are answered, for the rejects.
const (
	chunkRows  = 128
	chunkBytes = 1 << 20
	heldBytes  = 8 << 20
	inFlight   = 4
)

// importer is one run of the import command.
type importer struct {
	mapping   *adapt.Map
	sender    emit.Sender
	path      string // "-" is standard input
	day       string // of an edition of a register, "" for now
	rejectsTo string
	dry       bool
	out, talk io.Writer

	rejects    rejects
	totals     totals
	registered events.Index // the last event of the register, of batches that travel alone
	sending    errgroup.Group
	batch      batch
	stop       context.CancelCauseFunc // the first failure ends the rest
}

// totals are guarded by rejects.mu while batches are in flight.
type totals struct{ rows, events, accepted, repeated, refused, rejected int }

// take counts an event that the ledger has.
func (t *totals) take(r emit.Result) {
	if r.Status == 201 {
		t.accepted++
	} else {
		t.repeated++
	}
}

// mapped is a row and what it told.
type mapped struct {
	row    adapt.Row
	events []adapt.Event
	err    error
}

// chunk is some rows, mapped when done is closed.
type chunk struct {
	rows []mapped
	done chan struct{}
}

// batch is what is sent together; rows has the row of each event.
type batch struct {
	events   [][]byte
	rows     []adapt.Row
	size     int
	held     int
	register bool
}

// pump reads, maps on every processor, and sends in the order of the file. The
// queue of chunks is what bounds the memory. When reading cannot go on, what
// was read before is sent all the same.
func (im *importer) pump(ctx context.Context, in io.Reader) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	im.stop = stop
	im.sending.SetLimit(inFlight)
	queue := make(chan *chunk, 2*runtime.GOMAXPROCS(0))
	work := make(chan *chunk)
	var group errgroup.Group
	var readErr error
	group.Go(func() error {
		defer close(queue)
		defer close(work)
		readErr = im.read(ctx, in, queue, work)
		return nil
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for c := range work {
				im.apply(ctx, c)
				close(c.done)
			}
			return nil
		})
	}
	if err := im.collect(ctx, queue); err != nil {
		stop(err)
	}
	_ = im.sending.Wait() // its first error is the cause
	_ = group.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return readErr
}

// read cuts the file into chunks and hands each to the queue and to a worker.
func (im *importer) read(ctx context.Context, in io.Reader, queue, work chan<- *chunk) error {
	c := &chunk{done: make(chan struct{})}
	size := 0
	hand := func() error {
		for _, to := range []chan<- *chunk{queue, work} {
			select {
			case to <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		c, size = &chunk{done: make(chan struct{})}, 0
		return nil
	}
	for row, err := range adapt.Rows(in, im.mapping.Format) {
		if err != nil {
			return errors.Join(err, hand())
		}
		c.rows = append(c.rows, mapped{row: row})
		if size += row.Size(); len(c.rows) == chunkRows || size > chunkBytes {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	return hand()
}

func (im *importer) apply(ctx context.Context, c *chunk) {
	for i := range c.rows {
		m := &c.rows[i]
		if m.err = m.row.Problem; m.err == nil {
			m.events, m.err = im.mapping.Apply(ctx, m.row.Value)
		}
	}
}

// collect takes the chunks in order and sends what they told.
func (im *importer) collect(ctx context.Context, queue <-chan *chunk) error {
	for c := range queue {
		select {
		case <-c.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for i := range c.rows {
			if err := im.take(ctx, &c.rows[i]); err != nil {
				return err
			}
		}
	}
	return im.flush(ctx)
}

// take puts the events of one row into the batch, or the row to the rejects.
func (im *importer) take(ctx context.Context, m *mapped) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	im.count(func(t *totals) { t.rows++ })
	if m.err != nil {
		im.count(func(t *totals) { t.rejected++ })
		return im.rejects.add(m.row, m.err.Error())
	}
	for _, e := range m.events {
		text, err := e.Text()
		if err != nil {
			return fmt.Errorf("writing an event of line %d: %w", m.row.Line, err)
		}
		if err := im.put(ctx, m.row, text, e.OfRegister()); err != nil {
			return err
		}
	}
	return nil
}

// put adds one event. What an event of the register says must be known to
// those after it, so such a batch travels alone.
func (im *importer) put(ctx context.Context, row adapt.Row, text []byte, register bool) error {
	im.count(func(t *totals) { t.events++ })
	if im.dry {
		_, err := fmt.Fprintf(im.out, "%s\n", text)
		return err
	}
	b := &im.batch
	full := len(b.events) == emit.MaxBatch || b.size+len(text)+2 > emit.MaxBytes || b.held > heldBytes
	if len(b.events) > 0 && (full || b.register != register) {
		if err := im.flush(ctx); err != nil {
			return err
		}
	}
	b.events, b.rows = append(b.events, text), append(b.rows, row.Kept())
	b.size += len(text) + 1
	b.held += row.Size()
	b.register = register
	return nil
}

// flush sends the batch; one of the register is answered before it returns.
func (im *importer) flush(ctx context.Context) error {
	b := im.batch
	im.batch = batch{}
	if len(b.events) == 0 {
		return nil
	}
	if b.register {
		if err := im.sending.Wait(); err != nil {
			return err
		}
		return im.send(ctx, b)
	}
	im.sending.Go(func() error {
		err := im.send(ctx, b)
		if err != nil {
			im.stop(err)
		}
		return err
	})
	return nil
}

func (im *importer) send(ctx context.Context, b batch) error {
	answer, err := im.sender.Send(ctx, b.events)
	if err != nil {
		return err
	}
	for i, r := range answer.Results {
		switch {
		case r.Accepted():
			im.count(func(t *totals) { t.take(r) })
			if b.register && r.Position != nil {
				im.registered = max(im.registered, events.Index(*r.Position))
			}
		default:
			im.count(func(t *totals) { t.refused++ })
			if err := im.rejects.add(b.rows[i], whyRefused(r)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *importer) count(add func(*totals)) {
	im.rejects.mu.Lock()
	defer im.rejects.mu.Unlock()
	add(&im.totals)
}

// whyRefused is the ledger's reason in the words a problem of our own has.
func whyRefused(r emit.Result) string {
	var p struct{ Title, Detail, Pointer string }
	if err := json.Unmarshal(r.Problem, &p); err != nil || p.Title == "" {
		return fmt.Sprintf("the ledger answered %d", r.Status)
	}
	return "refused: " + (&events.Problem{Code: p.Title, Detail: p.Detail, Pointer: p.Pointer}).Error()
}

// rejects are the rows that were not taken, appended to a file as they come.
type rejects struct {
	mu    sync.Mutex
	file  *os.File
	first string
}

// open makes a file only its owner may read: rows hold what their source held.
func (r *rejects) open(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the rejects: %w", err)
	}
	r.file = f
	return nil
}

func (r *rejects) add(row adapt.Row, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == "" {
		r.first = fmt.Sprintf("line %d: %s", row.Line, reason)
	}
	if r.file == nil {
		return nil
	}
	line, err := json.Marshal(struct {
		Line   int             `json:"line"`
		Reason string          `json:"reason"`
		Row    json.RawMessage `json:"row"`
	}{row.Line, reason, row.Raw()})
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keeping a reject: %w", err)
	}
	return nil
}

func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("keeping the rejects: %w", err)
	}
	r.file = nil
	return nil
}
