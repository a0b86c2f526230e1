package emit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The limits of one request, which the door enforces too.
const (
	MaxBatch = 1000
	MaxBytes = 1 << 20
)

// Sender posts events to one ledger. The zero Client and Attempts take
// http.DefaultClient and 8; a wait between attempts is at most 10 s.
type Sender struct {
	URL      string // as http://127.0.0.1:8480
	Token    string
	Client   *http.Client
	Attempts int
}

// Result is the ledger's answer for one event.
type Result struct {
	Status    int             `json:"status"`
	Position  *uint64         `json:"position,omitempty"`
	Event     string          `json:"event,omitempty"`
	EntryHash string          `json:"entryHash,omitempty"`
	Problem   json.RawMessage `json:"problem,omitempty"` // RFC 9457, when refused
}

// Accepted says that the event is in the history, now or before.
func (r Result) Accepted() bool { return r.Status == 200 || r.Status == 201 }

// Answer is the ledger's answer to a batch.
type Answer struct {
	Results []Result `json:"results"`
	Receipt string   `json:"receipt,omitempty"` // signed note, for all accepted
}

// RefusedError is an answer that is final for the whole request, as a token
// that the ledger does not know.
type RefusedError struct {
	Status int
	Body   string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the ledger answered %d: %s", e.Status, e.Body)
}

// Send posts batch, structured CloudEvents as JSON objects, and returns one
// result for each. Events the ledger could not take for now, alone or with the
// whole request, are sent again.
func (s *Sender) Send(ctx context.Context, batch [][]byte) (Answer, error) {
	attempts := s.Attempts
	if attempts == 0 {
		attempts = 8
	}
	var err error
	for i := range attempts {
		var answer Answer
		var wait time.Duration
		answer, wait, err = s.post(ctx, batch)
		var refused *RefusedError
		if err == nil || errors.As(err, &refused) {
			return answer, err
		}
		if wait == 0 {
			wait = min(100*time.Millisecond<<i, 10*time.Second)
		}
		select {
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		case <-time.After(wait):
		}
	}
	return Answer{}, fmt.Errorf("sending %d events, %d times: %w", len(batch), attempts, err)
}

// post tries once. Wait is how long the ledger asks to be left alone.
func (s *Sender) post(ctx context.Context, batch [][]byte) (answer Answer, wait time.Duration, err error) {
	body := append(append([]byte{'['}, bytes.Join(batch, []byte{','})...), ']')
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(s.URL, "/")+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return answer, 0, &RefusedError{Body: err.Error()}
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	req.Header.Set("Authorization", "Bearer "+s.Token)
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return answer, 0, fmt.Errorf("reading the answer: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return answer, min(time.Duration(seconds)*time.Second, 10*time.Second), fmt.Errorf("the ledger answered %d", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return answer, 0, &RefusedError{resp.StatusCode, strings.TrimSpace(string(text))}
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Results) != len(batch) {
		return answer, 0, fmt.Errorf("reading the answer: it is not one result for each of %d events", len(batch))
	}
	for _, r := range answer.Results {
		if r.Status == http.StatusTooManyRequests || r.Status >= 500 {
			return answer, time.Second, errors.New("the ledger could not take some events for now")
		}
	}
	return answer, 0, nil
}

// Batches cuts events into requests within the limits, in order.
func Batches(events [][]byte) [][][]byte {
	var out [][][]byte
	start, size := 0, 0
	for i, e := range events {
		if i > start && (i-start == MaxBatch || size+len(e)+2 > MaxBytes) {
			out = append(out, events[start:i])
			start, size = i, 0
		}
		size += len(e) + 1
	}
	if start < len(events) {
		out = append(out, events[start:])
	}
	return out
}
