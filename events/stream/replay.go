package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/events"
)

const (
	headerSeq     = "Nats-Sequence"
	headerLastSeq = "Nats-Last-Sequence"
	headerStatus  = "Status"

	statusNoMessage = "404"
	statusEnd       = "204"
	statusNobody    = "503"

	// One request asks for this much. The server keeps the writer out while it
	// answers, so more would be a pause an append could feel.
	replayMessages = 1000
	replayBytes    = 4 << 20
)

// Replay yields the messages from to min(to, Last()) in order, each once. Last is
// taken when the iteration starts. It ends with the first error, which is a
// *GapError when a message is missing. from 0 means 1. Each iteration of the
// sequence replays anew.
func (h *History) Replay(ctx context.Context, from, to events.Seq) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		r := replay{h: h, next: max(from, 1), end: min(to, h.Last()), yield: yield}
		defer r.drop()
		for r.next <= r.end && !r.stopped {
			if r.fromTail(ctx) {
				continue
			}
			// What was yielded before an error is behind r.next, so that asking again
			// repeats nothing.
			if err := h.patiently(ctx, func() error { return r.attempt(ctx) }); err != nil {
				yield(Message{}, fmt.Errorf("replaying messages %d-%d: %w", r.next, r.end, err))
				return
			}
		}
	}
}

// fromTail yields what is kept in memory of the range, and says whether there was
// any.
func (r *replay) fromTail(ctx context.Context) bool {
	msgs := r.h.tail.from(r.next, r.end)
	if len(msgs) == 0 || ctx.Err() != nil {
		return false
	}
	r.drop() // what was asked of the server comes too late
	for _, m := range msgs {
		if !r.pass(m) {
			break
		}
	}
	return true
}

// replay is one iteration. It asks for ranges of messages without their headers,
// which is three times as fast: numbers ascend, so n messages from next of which
// the last is next+n-1 are all there is in between, and the answer to a range ends
// with the number of its last. A range that does not add up is read again message
// by message from the leader, which finds the hole.
type replay struct {
	h         *History
	next, end events.Seq
	yield     func(Message, error) bool
	stopped   bool               // the consumer wants no more
	asked     *nats.Subscription // where the answer from next arrives, once asked
}

// attempt yields the next range, or leaves nothing behind that was asked.
func (r *replay) attempt(ctx context.Context) error {
	err := r.some(ctx)
	if err != nil {
		r.drop()
	}
	return err
}

// some yields the next range.
func (r *replay) some(ctx context.Context) error {
	if err := r.ask(r.next); err != nil {
		return err
	}
	data, last, err := r.receive(ctx)
	r.drop()
	if err != nil {
		return err
	}
	after := r.next + events.Seq(len(data))
	if len(data) == 0 || last != after-1 || last > r.end {
		return r.walk(ctx, max(len(data), 1))
	}
	// The server reads on while the consumer works.
	if err := r.ask(after); err != nil {
		return err
	}
	for _, d := range data {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !r.pass(d) {
			break
		}
	}
	return nil
}

// pass hands the next message to the consumer and says whether it wants more.
func (r *replay) pass(data []byte) bool {
	r.stopped = !r.yield(Message{Seq: r.next, Data: data}, nil)
	r.next++
	return !r.stopped
}

// walk yields up to n messages, each asked of the leader by itself. A replica that
// is behind, or a message lost between server and client, brings us here, too.
func (r *replay) walk(ctx context.Context, n int) error {
	for ; n > 0 && r.next <= r.end; n-- {
		m, err := r.h.exactly(ctx, r.next)
		if err != nil {
			return err
		}
		if !r.pass(m) {
			break
		}
	}
	return nil
}

// ask requests the messages from seq, unless that is done or nothing is left.
func (r *replay) ask(seq events.Seq) error {
	if r.asked != nil || seq > r.end {
		return nil
	}
	nc, inbox := r.h.nc, r.h.nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("opening an inbox: %w", err)
	}
	r.asked = sub
	// The request itself bounds what can pile up.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("opening an inbox: %w", err)
	}
	n := min(uint64(r.end-seq)+1, replayMessages)
	if err := nc.PublishRequest(r.h.directSubject(), inbox,
		fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d,"no_hdr":true}`, seq, n, replayBytes)); err != nil {
		return fmt.Errorf("requesting messages: %w", err)
	}
	return nil
}

// drop forgets what was asked and whatever of it is still under way.
func (r *replay) drop() {
	if r.asked != nil {
		// This fails only on a closed connection, which has nothing under way.
		_ = r.asked.Unsubscribe()
		r.asked = nil
	}
}

// receive collects the answer: the messages and the number of the last one.
func (r *replay) receive(ctx context.Context) (data [][]byte, last events.Seq, err error) {
	for {
		m, err := r.h.nextMsg(ctx, r.asked)
		if err != nil {
			return nil, 0, err
		}
		switch status := m.Header.Get(headerStatus); status {
		case "":
			data = append(data, m.Data)
		case statusNoMessage:
			return nil, 0, nil
		case statusNobody:
			return nil, 0, nats.ErrNoResponders
		case statusEnd:
			last, err = number(m, headerLastSeq)
			return data, last, err
		default:
			return nil, 0, fmt.Errorf("the server answered %s %s", status, m.Header.Get("Description"))
		}
	}
}

// nextMsg waits for one message at most Config.Timeout.
func (h *History) nextMsg(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// Most messages are here already, and a timer for each would cost more than
	// the message.
	if n, _, err := sub.Pending(); err != nil || n == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.cfg.Timeout)
		defer cancel()
	}
	m, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("waiting for a message: %w", err)
	}
	return m, nil
}

func (h *History) directSubject() string { return "$JS.API.DIRECT.GET." + h.cfg.Name }

// Read returns message seq, which must not be above Last. A message that should be
// there and is not is a *GapError.
func (h *History) Read(ctx context.Context, seq events.Seq) ([]byte, error) {
	if last := h.Last(); seq == 0 || seq > last {
		return nil, fmt.Errorf("reading message %d: the history ends at %d", seq, last)
	}
	var data []byte
	err := h.patiently(ctx, func() (err error) {
		data, err = h.read(ctx, seq)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading message %d: %w", seq, err)
	}
	return data, nil
}

// read asks once for message seq.
func (h *History) read(ctx context.Context, seq events.Seq) ([]byte, error) {
	timed, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	m, err := h.nc.RequestWithContext(timed, h.directSubject(), fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil {
		return nil, err
	}
	if got, err := number(m, headerSeq); err == nil && got == seq {
		return m.Data, nil
	}
	// A replica that is behind, or a hole: the leader knows.
	return h.exactly(ctx, seq)
}

// exactly is message seq from the leader; its absence is a *GapError.
func (h *History) exactly(ctx context.Context, seq events.Seq) ([]byte, error) {
	m, err := h.fromLeader(ctx, seq)
	switch {
	case errors.Is(err, errNoMessage):
		return nil, &GapError{Want: seq}
	case err != nil:
		return nil, err
	case m.Seq != seq:
		return nil, &GapError{Want: seq, Got: m.Seq}
	}
	return m.Data, nil
}

// number reads a sequence the server put into a header.
func number(m *nats.Msg, header string) (events.Seq, error) {
	n, err := strconv.ParseUint(m.Header.Get(header), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the header %s: %w", header, err)
	}
	return events.Seq(n), nil
}
