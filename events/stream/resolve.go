package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/events"
)

// retryPause lies between two questions to a server that is not there.
const retryPause = 50 * time.Millisecond

// resolve finds out what became of b after cause took the place of its
// acknowledgement. It does not end with the caller's context: a writer that leaves
// without knowing can only stop.
func (h *History) resolve(ctx context.Context, b *batch, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.Patience)
	defer cancel()
	for {
		done, err := h.settle(ctx, b, cause)
		if done {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w, after %w", ErrUncertain, err, cause)
		}
	}
}

// settle asks once what became of b, and sends it again where its absence proves
// nothing. It is not done as long as err may be different the next time.
func (h *History) settle(ctx context.Context, b *batch, cause error) (done bool, err error) {
	if err := h.fence(ctx, b); err != nil {
		return h.nc.IsClosed(), err
	}
	first, err := h.batchOf(ctx, b.expected+1)
	switch {
	case errors.Is(err, errNoMessage) && h.cfg.Replicas == 1 && h.connection() == b.conn:
		return true, fmt.Errorf("%w: %w", ErrNotStored, cause)
	case errors.Is(err, errNoMessage):
		return h.again(ctx, b)
	case err != nil:
		return false, err
	case first != b.id:
		return true, fmt.Errorf("%w: message %d is of batch %q, after %w", ErrStaleWriter, b.expected+1, first, cause)
	}
	return true, h.confirm(ctx, b, cause)
}

// again sends b once more as it was, id included. Whichever of the two is judged
// first moves the stream's end, so that the other is refused; and should their
// messages mix on the way, they are the same messages.
func (h *History) again(ctx context.Context, b *batch) (done bool, err error) {
	ack, err := h.commit(ctx, b)
	if err == nil && ack.Error != nil {
		err = ack.Error
	}
	if err != nil {
		// Of the first sending this says nothing, so it must not pass for ErrNotStored.
		return false, fmt.Errorf("sending the batch again: %v", err) //nolint:errorlint
	}
	return true, ack.check(h.cfg.Name, b)
}

// confirm makes sure of the other end of a batch whose first message is stored,
// and that the server has no reason to show what is not durable.
func (h *History) confirm(ctx context.Context, b *batch, cause error) error {
	last, err := h.batchOf(ctx, b.last())
	if err == nil && last != b.id {
		err = fmt.Errorf("message %d is of batch %q", b.last(), last)
	}
	if err == nil && h.cfg.Healthy != nil {
		err = h.cfg.Healthy()
	}
	if err != nil {
		return fmt.Errorf("%w: %w, after %w", ErrUncertain, err, cause)
	}
	return nil
}

// fence returns once the server has judged everything sent for b before, and makes
// it abandon what it may have staged. Its own message is refused in every case: no
// batch is open under the id, or the one that is expects another sequence. Repeated,
// it does no more, so it is sent until it is answered.
func (h *History) fence(ctx context.Context, b *batch) error {
	for {
		err := h.fenceOnce(ctx, b)
		if err == nil || h.nc.IsClosed() {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return err
		}
	}
}

func (h *History) fenceOnce(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout/4)
	defer cancel()
	reply, err := h.request(ctx, &nats.Msg{
		Subject: h.cfg.Subject,
		Header: nats.Header{
			headerBatchID:  {b.id},
			headerBatchSeq: {strconv.Itoa(len(b.msgs) + 2)},
		},
	})
	if err != nil {
		return fmt.Errorf("abandoning the batch: %w", err)
	}
	var ack pubAck
	if err := decode(reply.Data, &ack); err != nil {
		return fmt.Errorf("abandoning the batch: %w", err)
	}
	if ack.Error == nil {
		return errors.New("abandoning the batch: the server did not refuse a message out of order")
	}
	return nil
}

// batchOf is the batch id that message seq carries on the stream's leader, empty if
// it carries none, and errNoMessage if the stream ends before it.
func (h *History) batchOf(ctx context.Context, seq events.Seq) (string, error) {
	m, err := h.fromLeader(ctx, seq)
	if err != nil {
		return "", err
	}
	if m.Seq != seq {
		return "", &GapError{Want: seq, Got: m.Seq}
	}
	if len(m.Header) == 0 {
		return "", nil
	}
	hdr, err := nats.DecodeHeadersMsg(m.Header)
	if err != nil {
		return "", fmt.Errorf("reading the headers of message %d: %w", seq, err)
	}
	return hdr.Get(headerBatchID), nil
}

// errNoMessage means the leader has nothing at or after the sequence asked for.
var errNoMessage = errors.New("there is no such message")

// stored is a message as the leader tells it.
type stored struct {
	Seq    events.Seq `json:"seq"`
	Header []byte     `json:"hdrs"` // as on the wire
	Data   []byte     `json:"data"`
}

// fromLeader is the first message at or after seq. Other than a direct read it is
// never answered by a replica that is behind.
func (h *History) fromLeader(ctx context.Context, seq events.Seq) (*stored, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	var answer struct {
		Error   *apiError `json:"error"`
		Message *stored   `json:"message"`
	}
	reply, err := h.request(ctx, &nats.Msg{
		Subject: "$JS.API.STREAM.MSG.GET." + h.cfg.Name,
		Data:    fmt.Appendf(nil, `{"seq":%d,"next_by_subj":%q}`, seq, h.cfg.Subject),
	})
	if err == nil {
		err = decode(reply.Data, &answer)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading message %d from the leader: %w", seq, err)
	case answer.Error != nil && answer.Error.Code == jetstream.JSErrCodeMessageNotFound:
		return nil, errNoMessage
	case answer.Error != nil:
		return nil, fmt.Errorf("reading message %d from the leader: %w", seq, answer.Error)
	case answer.Message == nil || answer.Message.Seq < seq:
		return nil, fmt.Errorf("reading message %d from the leader: the answer holds no such message", seq)
	}
	return answer.Message, nil
}
