package v1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/projections"
)

// Ledger is the published log.
type Ledger interface {
	// Checkpoint is the published checkpoint and its signed note, which is
	// empty before the first.
	Checkpoint() (proof.Checkpoint, []byte)
	// Prove proves that the published log holds the entry at position i.
	Prove(ctx context.Context, i events.Index) (proof.Proof, error)
	// ProveAll proves several, in order, under one checkpoint.
	ProveAll(ctx context.Context, positions []events.Index) ([]proof.Proof, error)
}

// Shown is what may be shown to anyone: what the published checkpoint covers,
// and nothing that was recorded after it. It is safe for concurrent use.
type Shown struct {
	Views  *projections.Views
	Ledger Ledger
	// SignedAt is when the published checkpoint was published, zero when that is
	// not known. Nil: never known. Checkpoints themselves bear no time.
	SignedAt func() time.Time
	// Publishing is how the log is published at the moment. Nil: not known.
	Publishing func() Publishing
	// Now is what elapsed time is judged by: what is due, what is overdue. Nil:
	// time.Now.
	Now func() time.Time

	mu     sync.Mutex
	totals projections.Totals // of the size they were counted for
	size   events.Size

	findingsMu sync.Mutex
	findings   counted

	coverageMu sync.Mutex
	coverage   covered

	sealsMu sync.Mutex
	seals   sealsShown
}

// Reader answers from the published entries. One answer to one request uses one
// reader, so that its parts agree.
func (s *Shown) Reader() (projections.Reader, events.Size) {
	c, _ := s.Ledger.Checkpoint()
	return s.Views.At(c.Size), c.Size
}

// Published is when the checkpoint was published, if that is known.
func (s *Shown) Published() (time.Time, bool) {
	if s.SignedAt == nil {
		return time.Time{}, false
	}
	t := s.SignedAt()
	return t, !t.IsZero()
}

// Totals counts the published entries, once for each size.
func (s *Shown) Totals() (projections.Totals, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, size := s.Reader()
	if size == s.size && s.totals.Size == size && size > 0 {
		return s.totals, nil
	}
	t, err := r.Totals()
	if err != nil {
		return t, err
	}
	s.totals, s.size = t, size
	return t, nil
}

// Entry finds a published entry by its position or the name of its event. The
// error is a *events.Problem, or says that the views cannot be read.
func (s *Shown) Entry(ref string) (projections.Found, error) {
	r, size := s.Reader()
	i, err := position(r, ref)
	if err == nil {
		var entry []byte
		if entry, err = r.Entry(i); err == nil {
			return projections.Found{Position: i, Entry: entry}, nil
		}
	}
	if !errors.Is(err, projections.ErrNotFound) {
		return projections.Found{}, err
	}
	return projections.Found{}, s.missing(ref, size)
}

// missing tells what is recorded and not published yet, which will be found in
// a moment, from what is not there.
func (s *Shown) missing(ref string, size events.Size) error {
	now := s.Views.Now()
	i, err := position(now, ref)
	if err == nil {
		_, err = now.Entry(i)
	}
	behind := s.Views.Cursor().Size() < size
	if err == nil || behind && errors.Is(err, projections.ErrNotFound) {
		return NotPublished()
	}
	if errors.Is(err, projections.ErrNotFound) {
		return NotFound("no entry has this position or event name")
	}
	return err
}

func position(r projections.Reader, ref string) (events.Index, error) {
	if i, ok := parsePosition(ref); ok {
		return i, nil
	}
	name, ok := events.ParseEventName(ref)
	if !ok {
		return 0, projections.ErrNotFound
	}
	return r.Find(name)
}

// parsePosition reads a decimal number in its one form.
func parsePosition(s string) (events.Index, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return events.Index(n), err == nil && n < uint64(proof.MaxSize) && strconv.FormatUint(n, 10) == s
}

// Opened is entry 0, which states the log's name and keys.
func (s *Shown) Opened() (*events.Entry, error) {
	r, size := s.Reader()
	b, err := r.Entry(0)
	if errors.Is(err, projections.ErrNotFound) || size == 0 {
		return nil, NotPublished()
	}
	if err != nil {
		return nil, err
	}
	e, err := events.ParseEntry(b)
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w", err)
	}
	return e, nil
}

// refused writes err, whichever kind it is.
func refused(w http.ResponseWriter, r *http.Request, err error) {
	var p *events.Problem
	switch {
	case errors.As(err, &p):
		Refuse(w, p)
	case errors.Is(err, ledger.ErrNotPublished):
		Refuse(w, NotPublished())
	default:
		Fail(w, r, err)
	}
}

// Policy is whose cosignatures a checkpoint needs by the ledger's own word, as
// tlog-policy: what it said of its witnesses last, or what entry 0 says.
func (s *Shown) Policy() (string, error) {
	reader, _ := s.Reader()
	w, err := reader.Witnesses()
	if err != nil || w.Policy != "" {
		return w.Policy, err
	}
	e, err := s.Opened()
	if err != nil {
		return "", err
	}
	return e.Text("policy"), nil
}
