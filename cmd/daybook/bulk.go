package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
)

// requestParts is how many parts travel together: enough to share a write to the
// disk, few enough that a request with new persons is answered within a second or
// two.
const requestParts = 4

// exporting sends one bulk event: its head, and then parts of the persons in a
// file, several requests at a time.
type exporting struct {
	sender    *emit.Sender
	file      string // of persons, one a line
	head      string // file of the CloudEvent without subjects
	state     string // directory that remembers what is answered, "" for none
	receipts  string // file for the receipts, "" for none
	out, talk io.Writer

	bulk *emit.Bulk
	list bulkList
	done bulkState
	bar  *progressbar.ProgressBar

	mu                          sync.Mutex // guards what follows while requests are under way
	accepted, repeated, refused int
	why                         error // the first part that was refused
}

// run sends what is not answered yet. Its error says how to go on.
func (x *exporting) run(ctx context.Context) error {
	started := time.Now()
	if err := x.prepare(); err != nil {
		return err
	}
	defer x.done.close()
	x.bar = x.progress()
	err := x.sendHead(ctx)
	if err == nil {
		err = x.sendParts(ctx)
	}
	_ = x.bar.Finish()
	took := time.Since(started)
	fmt.Fprintf(x.talk, "%d persons in %d parts: %d of %d events accepted, %d there before, %d refused; in %v, %.0f persons/s\n", x.list.count, x.list.parts(),
		x.accepted, x.list.parts()+1, x.repeated+x.done.before, x.refused, took.Round(time.Millisecond), float64(x.list.count)/took.Seconds())
	switch {
	case err != nil:
		return exitWith(exitIncomplete, "%w; run the same command again to go on: what was accepted is not doubled", err)
	case x.refused > 0:
		return fmt.Errorf("%d parts were refused, first %w", x.refused, x.why)
	case x.receipts != "":
		fmt.Fprintf(x.talk, "the receipts are in %s\n", x.receipts)
	default:
		fmt.Fprintln(x.talk, "no receipt was kept; --receipts FILE or --dir DIR keeps them, also when you run the same command again")
	}
	return nil
}

// prepare reads both files once: how many parts there are is part of every event.
func (x *exporting) prepare() error {
	head, err := os.ReadFile(x.head)
	if err != nil {
		return fmt.Errorf("reading the head: %w", err)
	}
	if x.list, err = countPersons(x.file); err != nil {
		return err
	}
	if x.bulk, err = emit.NewBulk(head, x.list.parts()); err != nil {
		return fmt.Errorf("reading the head %s: %w", x.head, err)
	}
	if x.state == "" {
		return nil
	}
	x.receipts = x.state + "/receipts"
	sum := sha256.Sum256(append(x.bulk.Head(), x.list.sum...))
	x.done, err = openBulkState(x.state, hex.EncodeToString(sum[:]))
	return err
}

// progress is a bar over the persons, on a terminal alone.
func (x *exporting) progress() *progressbar.ProgressBar {
	f, isFile := x.talk.(*os.File)
	return progressbar.NewOptions(x.list.count,
		progressbar.OptionSetWriter(x.talk), progressbar.OptionSetVisibility(isFile && terminal(f)),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("persons"),
		progressbar.OptionSetDescription("sending"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// sendHead sends the head, which every part needs, before anything else.
func (x *exporting) sendHead(ctx context.Context) error {
	if x.done.has(0) {
		return nil
	}
	if err := x.send(ctx, shipment{parts: []int{0}, events: [][]byte{x.bulk.Head()}}); err != nil {
		return fmt.Errorf("sending the head: %w", err)
	}
	if x.refused > 0 {
		return fmt.Errorf("the head was refused: %w; when %s is another list than before, give the head another id", x.why, x.file)
	}
	return nil
}

// shipment is some parts that travel together.
type shipment struct {
	parts   []int // their numbers; 0 is the head
	events  [][]byte
	size    int
	persons int
}

func (x *exporting) sendParts(ctx context.Context) error {
	f, err := os.Open(x.file)
	if err != nil {
		return fmt.Errorf("reading persons: %w", err)
	}
	defer f.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	var next shipment
	flush := func() {
		r := next
		next = shipment{}
		if len(r.parts) > 0 && ctx.Err() == nil {
			group.Go(func() error { return x.send(ctx, r) })
		}
	}
	sum := sha256.New()
	err = eachPart(f, sum, func(n int, list []events.Person) error {
		if x.done.has(n) {
			_ = x.bar.Add(len(list))
			return ctx.Err()
		}
		event, err := x.bulk.Part(n, list)
		if err != nil {
			return err
		}
		if len(next.parts) == requestParts || next.size+len(event)+2 > emit.MaxBytes {
			flush()
		}
		next.parts, next.events = append(next.parts, n), append(next.events, event)
		next.size, next.persons = next.size+len(event)+1, next.persons+len(list)
		return ctx.Err()
	})
	flush()
	if sent := group.Wait(); sent != nil {
		return sent // it may be what ended the reading
	}
	if err == nil && !bytes.Equal(sum.Sum(nil), x.list.sum) {
		return fmt.Errorf("%s was changed while it was sent", x.file)
	}
	return err
}

// send sends one shipment and prints a result a line.
func (x *exporting) send(ctx context.Context, r shipment) error {
	answer, err := x.sender.Send(ctx, r.events)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	_ = x.bar.Add(r.persons)
	out := json.NewEncoder(x.out)
	out.SetEscapeHTML(false)
	var taken []int
	for i, result := range answer.Results {
		switch {
		case result.Status == 201:
			x.accepted++
		case result.Accepted():
			x.repeated++
		default:
			x.refused++
			if x.why == nil {
				x.why = fmt.Errorf("part %d %s", r.parts[i], whyRefused(result))
			}
		}
		if result.Accepted() {
			taken = append(taken, r.parts[i])
		}
		if err := out.Encode(partResult{r.parts[i], result}); err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
	}
	// The receipt first: a crash in between has the parts sent again, for another.
	if err := keepReceipt(x.receipts, answer.Receipt); err != nil {
		return err
	}
	return x.done.add(taken)
}

// partResult is the ledger's answer for a part; the head is part 0.
type partResult struct {
	Part int `json:"part"`
	emit.Result
}
