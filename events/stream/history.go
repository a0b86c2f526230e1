package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/events"
)

// MaxBatch is the largest number of messages in one Append: the limit a server
// sets unless it is configured otherwise.
const MaxBatch = 1000

var (
	// ErrBatchTooLarge refuses an Append of more than MaxBatch messages. Nothing
	// was sent.
	ErrBatchTooLarge = errors.New("more messages than one batch may hold")

	// ErrMessageTooLarge refuses an Append with a message above the server's
	// payload limit. Nothing was sent.
	ErrMessageTooLarge = errors.New("message larger than the server accepts")

	// ErrNotStored means that nothing of the batch is stored or ever will be. The
	// same messages may be appended again.
	ErrNotStored = events.ErrNotStored

	// ErrStaleWriter means that someone else has appended to the stream. It is
	// final for this History.
	ErrStaleWriter = errors.New("another writer has appended to the history")

	// ErrTooFewServers means that Open cannot make a stream with as many replicas as
	// Config asks for.
	ErrTooFewServers = errors.New("there are not as many servers as the history is to be on")

	// ErrNoHistory means that there is nothing to follow.
	ErrNoHistory = errors.New("there is no history yet")

	// ErrUncertain means that it could not be learned whether a batch is stored.
	// It is final for this History.
	ErrUncertain = errors.New("it is unknown whether the batch is stored")
)

// GapError says that the history, which has no holes, has one.
type GapError struct {
	Want events.Seq // the first message that is missing
	Got  events.Seq // the message found instead; 0 when there is none
}

func (e *GapError) Error() string {
	if e.Got == 0 {
		return fmt.Sprintf("the history lacks message %d", e.Want)
	}
	return fmt.Sprintf("the history lacks message %d: message %d follows", e.Want, e.Got)
}

// Config says which stream is the history. The zero value is the default.
type Config struct {
	// Name of the stream. Default "DAYBOOK".
	Name string

	// Subject of every message. Default "daybook.history". No other stream of the
	// account may have it.
	Subject string

	// Replicas is on how many servers the stream is stored. Default 1. A stream
	// that has fewer is refused.
	Replicas int

	// Timeout bounds each wait for an answer of the server. Default 10 s. A commit
	// unanswered for this long counts as missing its acknowledgement.
	Timeout time.Duration

	// Patience is how long a History goes on asking a server that does not answer,
	// or asks another one, before it gives up: an append that nobody receives or
	// whose acknowledgement is missing, a read, and Open. Default: Timeout. A cluster needs some ten seconds
	// to choose a new leader, so a history on several servers wants more.
	Patience time.Duration

	// Tail is how many bytes of the last messages appended Replay may give from
	// memory. The default, 0, reads everything from the server, which notices at
	// once when somebody deletes what was just appended.
	Tail int

	// Healthy, if set, is asked before a batch without acknowledgement is believed
	// to be stored; its error makes Append return ErrUncertain. The embedded
	// broker's method of this name fits.
	Healthy func() error
}

func (cfg Config) withDefaults() Config {
	cfg.Name = cmp.Or(cfg.Name, "DAYBOOK")
	cfg.Subject = cmp.Or(cfg.Subject, "daybook.history")
	cfg.Replicas = cmp.Or(cfg.Replicas, 1)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	cfg.Patience = cmp.Or(cfg.Patience, cfg.Timeout)
	return cfg
}

// Message is one message of the history as it was appended.
type Message = events.Stored

// History is the stream as one writer and its readers see it. It is safe for
// concurrent use and needs no closing; the connection belongs to the caller.
type History struct {
	cfg Config
	nc  *nats.Conn

	// request sends msg and waits for the reply.
	request func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error)

	appending sync.Mutex // one batch in flight
	broken    error      // guarded by appending; why appends are refused for good

	tail tail

	mu    sync.Mutex
	last  events.Seq
	moved chan struct{} // closed when last grows
}

// Open finds the stream on nc, creates it when it is absent, and refuses one whose
// configuration (ConfigError) or content (GapError) breaks the promise.
func Open(ctx context.Context, nc *nats.Conn, cfg Config) (*History, error) {
	h := attach(nc, cfg)
	info, err := h.look(ctx, h.ensure)
	if err != nil {
		return nil, fmt.Errorf("opening the history: %w", err)
	}
	h.last = events.Seq(info.State.LastSeq)
	return h, nil
}

// look takes up a stream that holds what the history needs, as find tells it.
func (h *History) look(ctx context.Context, find func(context.Context) (*jetstream.StreamInfo, error)) (*jetstream.StreamInfo, error) {
	var info *jetstream.StreamInfo
	err := h.patiently(ctx, func() (err error) {
		info, err = find(ctx)
		return err
	})
	if err == nil {
		err = checkConfig(info.Config, h.cfg)
	}
	if err == nil {
		err = checkState(info.State)
	}
	if err != nil {
		return nil, err
	}
	// It may have more replicas than asked for, and then absence proves nothing.
	h.cfg.Replicas = info.Config.Replicas
	return info, nil
}

// attach makes the value without looking at the stream.
func attach(nc *nats.Conn, cfg Config) *History {
	return &History{
		cfg:     cfg.withDefaults(),
		nc:      nc,
		request: nc.RequestMsgWithContext,
		tail:    tail{limit: cfg.Tail},
		moved:   make(chan struct{}),
	}
}

// ensure returns the stream's configuration and state, read from the server.
func (h *History) ensure(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	js, err := jetstream.New(h.nc)
	if err != nil {
		return nil, fmt.Errorf("reaching the stream %s: %w", h.cfg.Name, err)
	}
	s, err := js.Stream(ctx, h.cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, wanted(h.cfg))
		if err != nil {
			return nil, fmt.Errorf("creating the stream %s on %d servers: %w", h.cfg.Name, h.cfg.Replicas, tooFew(err))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("looking up the stream %s: %w", h.cfg.Name, err)
	}
	return state(ctx, s)
}

// tooFew marks the refusal of a cluster that is smaller than the stream wants, or of
// a single server.
func tooFew(err error) error {
	if code := refusal(err); code == codeNoPeers || code == codeNotCluster {
		return fmt.Errorf("%w: %w", ErrTooFewServers, err)
	}
	return err
}

// find is ensure for who must not create anything.
func (h *History) find(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	js, err := jetstream.New(h.nc)
	if err != nil {
		return nil, fmt.Errorf("reaching the stream %s: %w", h.cfg.Name, err)
	}
	s, err := js.Stream(ctx, h.cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = ErrNoHistory
	}
	if err != nil {
		return nil, fmt.Errorf("looking up the stream %s: %w", h.cfg.Name, err)
	}
	return state(ctx, s)
}

// state is what the server says of the stream now.
func state(ctx context.Context, s jetstream.Stream) (*jetstream.StreamInfo, error) {
	info, err := s.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the stream's state: %w", err)
	}
	return info, nil
}

// Configuration is the stream's configuration as the server reports it now.
func (h *History) Configuration(ctx context.Context) (jetstream.StreamConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	js, err := jetstream.New(h.nc)
	if err != nil {
		return jetstream.StreamConfig{}, fmt.Errorf("reading the history's configuration: %w", err)
	}
	s, err := js.Stream(ctx, h.cfg.Name)
	if err != nil {
		return jetstream.StreamConfig{}, fmt.Errorf("reading the history's configuration: %w", err)
	}
	return s.CachedInfo().Config, nil
}

// Last is the last sequence whose acknowledgement this History holds; after Open
// it is the stream's last. Zero means the history is empty.
func (h *History) Last() events.Seq {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// Wait returns Last as soon as it is above after.
func (h *History) Wait(ctx context.Context, after events.Seq) (events.Seq, error) {
	for {
		h.mu.Lock()
		last, moved := h.last, h.moved
		h.mu.Unlock()
		if last > after {
			return last, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return last, fmt.Errorf("waiting for message %d: %w", after+1, context.Cause(ctx))
		}
	}
}

// advance makes everything up to last visible to readers.
func (h *History) advance(last events.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = last
	close(h.moved)
	h.moved = make(chan struct{})
}

// apiError is how the server words a refusal.
type apiError struct {
	Code        jetstream.ErrorCode `json:"err_code"`
	Description string              `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("the server refused: %s (%d)", e.Description, e.Code)
}

// decode reads a JSON answer strictly enough for our purpose: it must be JSON.
func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return nil
}
