package emit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Why an event is not kept.
var (
	ErrOutboxFull = errors.New("the outbox is full: its events are not answered yet")
	ErrClosed     = errors.New("the emitter is closed")
	ErrLocked     = errors.New("another process has the outbox open")

	errBroken = errors.New("the outbox must be opened again")
)

// Config says where events wait and where they go.
type Config struct {
	Dir       string       // the outbox, made when missing; one process at a time
	URL       string       // the ledger, as http://127.0.0.1:8480
	Token     string       // for the events' role and sources
	MaxEvents int          // that may wait; 0: 1,000,000
	MaxBytes  int64        // of waiting events; 0: 1 GiB
	Client    *http.Client // nil: http.DefaultClient

	step    stepFunc // tests fail it; nil: do it
	segment int64    // bytes; 0: segmentBytes
}

// Emitter keeps events in a directory until a ledger has answered them. Its
// methods may be called by many goroutines at once.
type Emitter struct {
	cfg    Config
	sender Sender
	lock   *os.File

	disk     sync.Mutex // one group is written at a time; taken before mu
	tail     *file      // of the last segment
	receipts *file
	refused  *file

	mu      sync.Mutex
	segs    []segment // in order; the last one grows
	through uint64    // every event up to this number is answered
	at      int64     // where the next one begins in segs[0]
	group   *group    // what the next write takes
	state   State
	running bool
	ended   error // of the last Run
	stopped error // no more is kept or sent
	closed  bool
	changed chan struct{} // closed, and replaced, when any of this changes
}

// State is how far an emitter got.
type State struct {
	Waiting int   // events without an answer
	Bytes   int64 // of them
	Refused int   // events put aside since Open
	Err     error // why sending does not get on now, nil when it does
}

// group is the events that one write makes durable.
type group struct {
	text   []byte
	events int
	done   bool
	err    error
}

// Open opens the outbox in dir, for the ledger at url. It sends nothing: run
// [Emitter.Run] in a goroutine of yours, so that you know when it ends and why.
func Open(dir, url, token string) (*Emitter, error) {
	return Config{Dir: dir, URL: url, Token: token}.Open()
}

// Open opens the outbox. What a crash left unfinished is cut off or removed;
// what was kept and not answered waits to be sent.
func (c Config) Open() (*Emitter, error) {
	if c.MaxEvents == 0 {
		c.MaxEvents = 1_000_000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	if c.segment == 0 {
		c.segment = segmentBytes
	}
	if c.step == nil {
		c.step = func(_ string, do func() error) error { return do() }
	}
	e := &Emitter{
		cfg: c, sender: Sender{URL: c.URL, Token: c.Token, Client: c.Client},
		group: &group{}, changed: make(chan struct{}),
	}
	if err := e.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the outbox in %s: %w", c.Dir, err), e.Close())
	}
	return e, nil
}

func (e *Emitter) open() (err error) {
	if err := os.MkdirAll(e.cfg.Dir, 0o700); err != nil {
		return err
	}
	if e.lock, err = lockFile(filepath.Join(e.cfg.Dir, "lock")); err != nil {
		return err
	}
	if e.receipts, e.through, err = openReceipts(e.path("receipts"), e.cfg.step); err != nil {
		return err
	}
	if e.segs, err = findSegments(e.cfg.Dir, e.through); err != nil {
		return err
	}
	if len(e.segs) > 0 { // somebody may have taken the receipts away
		e.through = max(e.through, e.segs[0].first-1)
	}
	if e.refused, err = openRefused(e.path("refused"), e.through, e.cfg.step); err != nil {
		return err
	}
	if err := e.openTail(); err != nil {
		return err
	}
	if err := e.tidy(); err != nil {
		return err
	}
	if e.at, err = e.segs[0].offset(e.through + 1); err != nil {
		return err
	}
	for _, s := range e.segs {
		e.state.Waiting += int(s.count)
		e.state.Bytes += s.size
	}
	e.state.Waiting -= int(e.through + 1 - e.segs[0].first)
	e.state.Bytes -= e.at
	return nil
}

func (e *Emitter) path(name string) string { return filepath.Join(e.cfg.Dir, name) }

// openTail opens the last segment, or begins one where every event is answered.
func (e *Emitter) openTail() error {
	n := len(e.segs)
	if n == 0 || e.segs[n-1].end() <= e.through {
		return e.begin(e.through + 1)
	}
	f, err := openFile(e.segs[n-1].path, 0, e.cfg.step)
	e.tail = f
	return err
}

// begin begins a segment whose first event is number first. A crash leaves an
// empty one, or none.
func (e *Emitter) begin(first uint64) error {
	var f *file
	err := e.cfg.step("create segment", func() (err error) {
		f, err = openFile(segmentPath(e.cfg.Dir, first), os.O_TRUNC, e.cfg.step)
		return err
	})
	if f == nil {
		return err
	}
	if err == nil {
		err = e.cfg.step("sync directory", func() error { return syncDir(e.cfg.Dir) })
	}
	if err != nil { // the name may come back after a crash
		f.Close()
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	if e.tail != nil {
		e.tail.Close()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tail = f
	e.segs = append(e.segs, segment{path: f.Name(), first: first})
	return nil
}

// Emit keeps the events, all or none, and returns when they are durable here; a
// [events.Problem] says what no ledger would take. The ledger's answer comes
// later. Any other error than a problem, [ErrOutboxFull] and ctx's leaves open
// whether the events are kept; an event with an id may be emitted again. A write
// that has begun does not heed ctx.
func (e *Emitter) Emit(ctx context.Context, list ...Event) error {
	raw := make([][]byte, len(list))
	now := time.Now()
	for i, event := range list {
		var err error
		if raw[i], err = event.fill(now); err != nil {
			return err
		}
	}
	return e.EmitJSON(ctx, raw...)
}

// EmitJSON is [Emitter.Emit] for structured CloudEvents 1.0 objects.
func (e *Emitter) EmitJSON(ctx context.Context, list ...[]byte) error {
	if err := ctx.Err(); err != nil || len(list) == 0 {
		return err
	}
	var text []byte
	for i, raw := range list {
		payload, err := check(raw)
		if err != nil && len(list) > 1 {
			err = fmt.Errorf("event %d of %d: %w", i+1, len(list), err)
		}
		if err != nil {
			return err
		}
		text = appendLine(text, payload)
	}
	if err := e.keep(text, len(list)); err != nil {
		return fmt.Errorf("keeping %d events: %w", len(list), err)
	}
	return nil
}

// keep puts lines into the group that gathers while another is written. The
// first of the group to get the disk writes for all.
func (e *Emitter) keep(text []byte, n int) error {
	e.mu.Lock()
	g := e.group
	switch {
	case e.stopped != nil:
		e.mu.Unlock()
		return e.stopped
	case e.state.Waiting+n > e.cfg.MaxEvents || e.state.Bytes+int64(len(text)) > e.cfg.MaxBytes:
		e.mu.Unlock()
		return ErrOutboxFull
	}
	g.text, g.events = append(g.text, text...), g.events+n
	e.state.Waiting, e.state.Bytes = e.state.Waiting+n, e.state.Bytes+int64(len(text))
	e.mu.Unlock()

	e.disk.Lock()
	defer e.disk.Unlock()
	if !g.done {
		e.commit()
	}
	return g.err
}

// commit writes the group that gathered, with the disk held.
func (e *Emitter) commit() {
	e.mu.Lock()
	g, stopped, last := e.group, e.stopped, e.segs[len(e.segs)-1]
	e.group = &group{}
	e.mu.Unlock()
	if g.err = stopped; g.err == nil && last.size >= e.cfg.segment {
		g.err = e.begin(last.end())
	}
	if g.err == nil {
		g.err = e.tail.append("outbox", g.text)
	}
	g.done = true

	e.mu.Lock()
	defer e.mu.Unlock()
	if g.err != nil {
		e.state.Waiting, e.state.Bytes = e.state.Waiting-g.events, e.state.Bytes-int64(len(g.text))
		e.stop(g.err)
		return
	}
	s := &e.segs[len(e.segs)-1]
	s.count, s.size = s.count+uint64(g.events), e.tail.size
	e.tell()
}

// stop ends everything when err leaves the disk in doubt; mu is held.
func (e *Emitter) stop(err error) {
	if errors.Is(err, errBroken) && e.stopped == nil {
		e.stopped = err
	}
	e.tell()
}

// tell wakes who waits for a change; mu is held.
func (e *Emitter) tell() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// State is how far e got.
func (e *Emitter) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// Flush waits until every event kept so far is answered: accepted, or refused
// and put aside. It needs a [Emitter.Run], and returns the error that ended it.
func (e *Emitter) Flush(ctx context.Context) error {
	e.mu.Lock()
	target := e.segs[len(e.segs)-1].end() - 1
	for e.through < target {
		if err := errors.Join(e.stopped, e.ended); err != nil {
			e.mu.Unlock()
			return err
		}
		changed, waiting, why := e.changed, target-e.through, e.state.Err
		e.mu.Unlock()
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting for the answers to %d events: %w", waiting, ctx.Err()), why)
		case <-changed:
		}
		e.mu.Lock()
	}
	e.mu.Unlock()
	return nil
}

// Close lets the directory go. It waits for the write under way; a Run ends.
func (e *Emitter) Close() error {
	e.disk.Lock()
	defer e.disk.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed, e.stopped = true, ErrClosed
	e.tell()
	var err error
	for _, f := range []*file{e.tail, e.receipts, e.refused} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if e.lock != nil { // last: until here the directory is ours
		err = errors.Join(err, e.lock.Close())
	}
	return err
}
