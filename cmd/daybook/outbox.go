package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
)

// outbox is daybook emit with a directory that outlives it.
type outbox struct {
	dir      string
	key      string
	patience time.Duration
	sender   *emit.Sender
}

// keptAtOnce is how many events share one fsync.
const keptAtOnce = 1000

// open opens the directory for fn, and closes it behind it.
func (o *outbox) open(fn func(*emit.Emitter) error) error {
	e, err := emit.Open(o.dir, o.sender.URL, o.sender.Token)
	if err != nil {
		return err
	}
	return errors.Join(fn(e), e.Close())
}

// send keeps the events in in, a line each, while those kept are sent.
func (o *outbox) send(c *cobra.Command, in io.Reader) error {
	return o.open(func(e *emit.Emitter) error {
		ctx, stop := context.WithCancel(c.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		malformed, err := o.keep(ctx, c.OutOrStdout(), in, e)
		if err == nil {
			err = o.flush(ctx, e) // which tells why Run ended, if it did
		}
		stop()
		<-ended
		if err != nil {
			return err
		}
		state := e.State()
		fmt.Fprintf(c.ErrOrStderr(), "every event in %s is answered\n", o.dir)
		if state.Refused > 0 {
			err = fmt.Errorf("%d events were refused; %s says why", state.Refused, filepath.Join(o.dir, "refused"))
		}
		if malformed > 0 {
			err = errors.Join(err, fmt.Errorf("%d lines are no events and were not kept; the results say why", malformed))
		}
		return err
	})
}

// keep puts the lines of in into the outbox, and prints a result for each that
// no ledger would take.
func (o *outbox) keep(ctx context.Context, out io.Writer, in io.Reader, e *emit.Emitter) (malformed int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), emit.MaxBytes)
	var batch [][]byte
	n, first := 0, 1
	flush := func() error {
		err := e.EmitJSON(ctx, batch...)
		for errors.Is(err, emit.ErrOutboxFull) && e.State().Waiting > 0 {
			if err = o.flush(ctx, e); err == nil {
				err = e.EmitJSON(ctx, batch...)
			}
		}
		if err != nil {
			return fmt.Errorf("%w; from line %d on nothing is kept", err, first)
		}
		batch, first = nil, n+1
		return nil
	}
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var problem *events.Problem
		if _, err := events.ParseEvent(line); errors.As(err, &problem) {
			malformed++
			if err := json.NewEncoder(out).Encode(map[string]any{"line": n, "status": problem.Status, "problem": problem}); err != nil {
				return malformed, fmt.Errorf("writing results: %w", err)
			}
			continue
		}
		if batch = append(batch, bytes.Clone(line)); len(batch) == keptAtOnce {
			if err := flush(); err != nil {
				return malformed, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return malformed, errors.Join(fmt.Errorf("reading events: %w", err), flush())
	}
	return malformed, flush()
}

// flush waits while the ledger answers, and no longer than patience when it
// does not.
func (o *outbox) flush(ctx context.Context, e *emit.Emitter) error {
	for {
		before := e.State().Waiting
		wait, cancel := context.WithTimeout(ctx, o.patience)
		err := e.Flush(wait)
		state := e.State()
		late := wait.Err() != nil && errors.Is(err, wait.Err())
		cancel()
		switch {
		case err == nil:
			return nil
		case !late: // Run has ended
			return fmt.Errorf("%w; %d events are kept in %s", err, state.Waiting, o.dir)
		case ctx.Err() == nil && state.Waiting < before:
		case state.Err != nil:
			return exitWith(exitIncomplete, "%d events are kept in %s; run this again and they are sent: %w", state.Waiting, o.dir, state.Err)
		default:
			return exitWith(exitIncomplete, "%d events are kept in %s; run this again and they are sent", state.Waiting, o.dir)
		}
	}
}

// check holds the receipts kept in the directory against the published log.
func (o *outbox) check(c *cobra.Command) error {
	v, err := verifier(o.key)
	if err != nil {
		return err
	}
	return o.open(func(e *emit.Emitter) error {
		until := time.Now().Add(o.patience)
		for {
			report, err := e.CheckReceipts(c.Context(), v)
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			if report.Pending > report.Overdue && len(report.Broken) == 0 && time.Now().Before(until) {
				time.Sleep(200 * time.Millisecond) // a checkpoint is on its way
				continue
			}
			return printReceipts(c.OutOrStdout(), report)
		}
	})
}

// printReceipts says what was checked; its error is the verdict.
func printReceipts(out io.Writer, r *emit.Report) error {
	for _, v := range r.Broken {
		fmt.Fprintf(out, "BROKEN: position %d was promised to another entry\n\n%s\n%s\n", v.Line.Index, v.Receipt, v.Proof.Format())
	}
	for _, text := range r.Unsigned {
		fmt.Fprintf(out, "NOT SIGNED by the receipt key of the log:\n\n%s\n", text)
	}
	switch {
	case len(r.Broken) > 0:
		return exitWith(exitInvalid, "the log breaks %d promises; above is the evidence, which others can check", len(r.Broken))
	case len(r.Unsigned) > 0:
		return exitWith(exitInvalid, "%d receipts are not signed by the ledger", len(r.Unsigned))
	case r.Overdue > 0:
		return exitWith(exitIncomplete, "%d promises are older than a day and not published", r.Overdue)
	case r.Pending > 0:
		return exitWith(exitIncomplete, "%d promises are kept, %d are not published yet; check again later", r.Kept, r.Pending)
	case r.Damaged > 0:
		return exitWith(exitIncomplete, "%d promises are kept, %d receipts are damaged here", r.Kept, r.Damaged)
	case r.Kept == 0:
		return exitWith(exitIncomplete, "there are no receipts: nothing was checked")
	}
	fmt.Fprintf(out, "VALID: %d promises checked\n\nChecked: each receipt is signed by the key that the log's first entry names, and the log\n"+
		"at size %d, signed by the key you gave, holds at each position the entry promised.\n", r.Kept, r.Size)
	return nil
}
