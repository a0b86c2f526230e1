package stream

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/events"
)

const (
	headerBatchID  = "Nats-Batch-Id"
	headerBatchSeq = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"
	headerExpected = "Nats-Expected-Last-Sequence"

	// headerRoom is more than the headers above take on the wire.
	headerRoom = 256
)

// batch is one append under way.
type batch struct {
	id       string
	expected events.Seq // the writer's last sequence before it
	conn     uint64     // which connection to the server it is sent on
	msgs     [][]byte
}

func (b *batch) last() events.Seq { return b.expected + events.Seq(len(b.msgs)) }

// Append stores msgs as one batch, all or nothing, and returns the sequence of the
// first; the others follow without a gap. It returns once the batch is durable.
// Appends run one after the other.
//
// ErrBatchTooLarge, ErrMessageTooLarge and ErrNotStored leave the History as it
// was. ErrStaleWriter, ErrUncertain and an acknowledgement that contradicts the
// batch are returned again by every later Append. When ctx ends before the
// acknowledgement, Append still asks what became of the batch, for at most
// Config.Timeout, and may succeed.
func (h *History) Append(ctx context.Context, msgs [][]byte) (events.Seq, error) {
	h.appending.Lock()
	defer h.appending.Unlock()
	if h.broken != nil {
		return 0, h.broken
	}
	if err := h.admit(ctx, msgs); err != nil {
		return 0, fmt.Errorf("appending %d messages: %w", len(msgs), err)
	}
	b := &batch{id: newBatchID(), expected: h.Last(), conn: h.connection(), msgs: msgs}
	if err := h.store(ctx, b); err != nil {
		err = fmt.Errorf("appending messages %d-%d: %w", b.expected+1, b.last(), err)
		if !errors.Is(err, ErrNotStored) {
			h.broken = err
		}
		return 0, err
	}
	h.tail.add(b.expected+1, msgs)
	h.advance(b.last())
	return b.expected + 1, nil
}

// admit refuses what cannot be one batch before any of it is sent.
func (h *History) admit(ctx context.Context, msgs [][]byte) error {
	switch {
	case len(msgs) == 0:
		return errors.New("an empty batch")
	case len(msgs) > MaxBatch:
		return ErrBatchTooLarge
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrNotStored, context.Cause(ctx))
	}
	limit := h.nc.MaxPayload() - headerRoom
	for i, m := range msgs {
		if int64(len(m)) > limit {
			return fmt.Errorf("message %d of %d bytes, at most %d: %w", i+1, len(m), limit, ErrMessageTooLarge)
		}
	}
	return nil
}

// store returns nil when b is durable, ErrNotStored when it never will be, and
// anything else when this writer has to stop.
func (h *History) store(ctx context.Context, b *batch) error {
	ack, err := h.send(ctx, b)
	switch {
	case errors.Is(err, ErrNotStored):
		return err
	case err != nil:
		return h.resolve(ctx, b, err)
	}
	switch e := ack.Error; {
	case e == nil:
		return ack.check(h.cfg.Name, b)
	case e.Code == jetstream.JSErrCodeStreamWrongLastSequence,
		e.Code == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return fmt.Errorf("%w: %w", ErrStaleWriter, e)
	default:
		return h.resolve(ctx, b, e)
	}
}

// send is commit, tried again for as long as nobody was there to receive it: a
// cluster without a leader will have one soon, and who waits for the answer would
// only send the same again.
func (h *History) send(ctx context.Context, b *batch) (ack *pubAck, err error) {
	_ = h.patiently(ctx, func() error {
		if ack, err = h.commit(ctx, b); errors.Is(err, ErrNotStored) {
			return err
		}
		return nil // an answer, or the lack of one, is not for here
	})
	return ack, err
}

// commit sends the batch and waits for the answer to its last message. A batch
// whose last message was certainly not received is not stored: the server drops
// the rest by itself.
func (h *History) commit(ctx context.Context, b *batch) (*pubAck, error) {
	n := len(b.msgs)
	for i := range n - 1 {
		if err := h.nc.PublishMsg(h.message(b, i)); err != nil {
			return nil, fmt.Errorf("%w: sending message %d of %d: %w", ErrNotStored, i+1, n, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	reply, err := h.request(ctx, h.message(b, n-1))
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded):
		return nil, fmt.Errorf("%w: sending message %d of %d: %w", ErrNotStored, n, n, err)
	case err != nil:
		return nil, fmt.Errorf("waiting for the acknowledgement: %w", err)
	}
	ack := new(pubAck)
	if err := decode(reply.Data, ack); err != nil {
		return nil, err
	}
	return ack, nil
}

// message builds message i of the batch, counted from 0.
func (h *History) message(b *batch, i int) *nats.Msg {
	hdr := nats.Header{
		headerBatchID:  {b.id},
		headerBatchSeq: {strconv.Itoa(i + 1)},
	}
	if i == 0 {
		hdr[headerExpected] = []string{strconv.FormatUint(uint64(b.expected), 10)}
	}
	if i == len(b.msgs)-1 {
		hdr[headerCommit] = []string{"1"}
	}
	return &nats.Msg{Subject: h.cfg.Subject, Header: hdr, Data: b.msgs[i]}
}

// pubAck is the server's answer to a commit.
type pubAck struct {
	Stream string     `json:"stream"`
	Seq    events.Seq `json:"seq"` // of the last message
	Batch  string     `json:"batch"`
	Count  int        `json:"count"`
	Error  *apiError  `json:"error"`
}

// check holds the acknowledgement against the batch it should answer.
func (a *pubAck) check(stream string, b *batch) error {
	want := pubAck{Stream: stream, Seq: b.last(), Batch: b.id, Count: len(b.msgs)}
	if *a == want {
		return nil
	}
	return fmt.Errorf("the acknowledgement is for %d messages ending at %d of batch %q on %s, sent were %d ending at %d of batch %q on %s",
		a.Count, a.Seq, a.Batch, a.Stream, want.Count, want.Seq, want.Batch, want.Stream)
}

// connection counts the connections made on nc before the present one.
func (h *History) connection() uint64 { return h.nc.Stats().Reconnects }

// newBatchID is 128 random bits in 22 characters.
func newBatchID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(id[:])
}
