package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// seat is a witness as it is asked: one address, and the keys it has in the policy. One
// question or look at a time uses it.
type seat struct {
	cfg    *CircleConfig
	prefix string
	who    []proof.Witness

	size    events.Size // what it cosigned last, as far as is known
	until   time.Time   // when it may be asked again
	pause   time.Duration
	failure error
	vain    bool // it refused, and then did not show why: a quorum waits for that once
}

func (s *seat) String() string { return s.who[0].Name }

// question is a checkpoint that is to be cosigned.
type question struct {
	proof.Checkpoint
	note    []byte
	prove   func(context.Context, events.Size) ([]proof.Hash, error)
	answers chan answer
}

// answer is what one witness said. One that refused first says that it is looked into.
type answer struct {
	from    *seat
	names   []string // whose keys signed
	lines   []string // of the same
	held    *ledger.Head
	err     error
	looking bool // what it holds is being fetched
	looked  bool
}

// rests is for how long it is left alone.
func (s *seat) rests() time.Duration { return s.until.Sub(s.cfg.Now()) }

// ask sends the answer.
func (s *seat) ask(ctx context.Context, q question) {
	a := s.cosign(ctx, q)
	if a.err == nil {
		s.pause, s.until, s.failure = 0, time.Time{}, nil
	} else if ctx.Err() == nil {
		s.pause = min(max(2*s.pause, s.cfg.Backoff/30), s.cfg.Backoff)
		s.until, s.failure = s.cfg.Now().Add(s.pause), a.err
	}
	q.answers <- a
}

// cosign asks, and once more when it says that it knows another size.
func (s *seat) cosign(ctx context.Context, q question) answer {
	a := answer{from: s}
	reply, err := s.submit(ctx, q, min(s.size, q.Size))
	if err == nil && reply.status == http.StatusConflict && reply.size <= q.Size {
		reply, err = s.submit(ctx, q, reply.size)
	}
	switch {
	case err != nil:
		a.err = err
	case reply.status == http.StatusOK:
		a.names, a.lines, a.err = s.read(reply.body, q.Checkpoint)
		s.size = q.Size
	case reply.status == http.StatusConflict && reply.size > q.Size, reply.status == http.StatusUnprocessableEntity:
		if a.looked = !s.vain; a.looked {
			q.answers <- answer{from: s, looking: true}
		}
		a.err = reply.err()
		held, err := s.holds(ctx)
		s.vain = err != nil
		if err != nil {
			a.err = fmt.Errorf("%w; and asked what it holds: %w", a.err, err)
		}
		a.held = held
	default:
		a.err = reply.err()
	}
	return a
}

// read takes the signature lines of its keys out of an answer.
func (s *seat) read(body []byte, c proof.Checkpoint) (names, lines []string, err error) {
	for _, w := range s.who {
		made, err := proof.Cosignatures(body, c.Text(), w.Key)
		if err != nil {
			return nil, nil, err
		}
		if len(made) > 0 { // at most one line is of one key
			names, lines = append(names, w.Name), append(lines, made[0])
		}
	}
	if len(lines) == 0 {
		return nil, nil, errors.New("its answer has no cosignature of the key that the policy names")
	}
	return names, lines, nil
}

// reply is what came back to a request.
type reply struct {
	status int
	size   events.Size // with 409
	body   []byte
}

func (r reply) err() error {
	if r.status == http.StatusConflict {
		return fmt.Errorf("it answered 409: it cosigned size %d last", r.size)
	}
	return fmt.Errorf("it answered %d: %s", r.status, firstWords(r.body))
}

// firstWords is the beginning of a body, fit to be shown.
func firstWords(b []byte) string {
	line, _, _ := strings.Cut(strings.ToValidUTF8(string(b[:min(len(b), 200)]), "?"), "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, line)
}

// submit is one add-checkpoint.
func (s *seat) submit(ctx context.Context, q question, old events.Size) (reply, error) {
	path, err := q.prove(ctx, old)
	if err != nil {
		return reply{}, err
	}
	r, err := s.send(ctx, http.MethodPost, "/add-checkpoint", Request{old, path, q.note}.Format())
	if err != nil || r.status != http.StatusConflict {
		return r, err
	}
	line, ok := bytes.CutSuffix(r.body, []byte("\n"))
	if r.size, err = parseSize(string(line)); err != nil || !ok {
		return r, fmt.Errorf("it answered 409 without a size: %s", firstWords(r.body))
	}
	s.size = r.size
	return r, nil
}

// holds is the checkpoint of this log that it shows, nil if it has none. One that the
// log's key did not sign is an error: it says nothing of the log.
func (s *seat) holds(ctx context.Context) (*ledger.Head, error) {
	sum := sha256.Sum256([]byte(s.cfg.Key.Name()))
	r, err := s.send(ctx, http.MethodGet, fmt.Sprintf("/%x/checkpoint", sum), nil)
	switch {
	case err != nil:
		return nil, err
	case r.status == http.StatusNotFound:
		return nil, nil
	case r.status != http.StatusOK:
		return nil, r.err()
	}
	c, err := proof.OpenCheckpoint(r.body, s.cfg.Key)
	if err != nil {
		return nil, err
	}
	s.size = c.Size
	return &ledger.Head{From: "the witness " + s.String(), Note: r.body}, nil
}

// send makes one request and reads the answer, of no more than a note's length.
func (s *seat) send(ctx context.Context, method, path string, body []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.prefix+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	resp, err := s.cfg.Client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxNote+1))
	if err == nil && len(b) > maxNote {
		err = fmt.Errorf("its answer has more than %d bytes", maxNote)
	}
	return reply{status: resp.StatusCode, body: b}, err
}
