package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events/emit"
)

func emitCommand() *cobra.Command {
	var sender emit.Sender
	box := outbox{sender: &sender}
	var receipts string
	var check bool
	bulk := exporting{sender: &sender}
	c := &cobra.Command{
		Use:   "emit --token T [FILE]",
		Short: "Send CloudEvents, one JSON object a line; print a result a line",
		Long: `Send CloudEvents, one JSON object a line, and print a result for each.

With --outbox DIR every event is first kept in DIR, durable, and then sent. What
the ledger does not answer now is sent by the next run (exit code 5 says that
some is left); what it refuses is put aside in DIR/refused, its receipts are kept
in DIR/receipts, and --check --key VKEY holds them against the public log.

With --bulk FILE one event about many persons is sent, as a head and parts of up
to 850: FILE has a person a line, as SCHEME:VALUE or a JSON object of scheme,
value and perhaps relation; --head HEAD.json is the CloudEvent without subjects.
Run again it goes on, and doubles nothing; --dir DIR remembers what is answered.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case bulk.file != "" || bulk.head != "" || bulk.state != "":
				return emitBulk(c, &bulk, args, receipts, check || box.dir != "")
			case check && box.dir == "":
				return exitWith(exitUsage, "give the receipts to check with --outbox")
			case check:
				return box.check(c)
			case box.dir != "" && receipts != "":
				return exitWith(exitUsage, "--outbox keeps the receipts itself; leave --receipts away")
			}
			if sender.Token == "" {
				return exitWith(exitUsage, "give a token with --token; daybook token makes one")
			}
			in := c.InOrStdin()
			if len(args) == 1 && args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			if box.dir != "" {
				return box.send(c, in)
			}
			return emitAll(c, &sender, in, receipts)
		},
	}
	c.Flags().StringVar(&sender.URL, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&sender.Token, "token", "", "a token for the events' role and sources")
	c.Flags().StringVar(&receipts, "receipts", "", "append the signed receipts to this file")
	c.Flags().StringVar(&box.dir, "outbox", "", "keep events in this directory until they are answered")
	c.Flags().DurationVar(&box.patience, "patience", 10*time.Second, "with --outbox: how long to wait for a ledger that does not get on")
	c.Flags().BoolVar(&check, "check", false, "with --outbox: send nothing, check the kept receipts")
	c.Flags().StringVar(&box.key, "key", "", "with --check: the log's verifier key")
	c.Flags().StringVar(&bulk.file, "bulk", "", "send one event about the persons in this file")
	c.Flags().StringVar(&bulk.head, "head", "", "with --bulk: the file of the CloudEvent, without subjects")
	c.Flags().StringVar(&bulk.state, "dir", "", "with --bulk: remember in this directory what is answered, and keep the receipts there")
	return c
}

// emitBulk is emit with --bulk.
func emitBulk(c *cobra.Command, x *exporting, args []string, receipts string, other bool) error {
	switch {
	case x.file == "" || x.head == "":
		return exitWith(exitUsage, "give the persons with --bulk and the event with --head")
	case len(args) > 0 || other:
		return exitWith(exitUsage, "--bulk goes with --head, --dir, --receipts, --url and --token alone")
	case x.state != "" && receipts != "":
		return exitWith(exitUsage, "--dir keeps the receipts itself; leave --receipts away")
	case x.sender.Token == "":
		return exitWith(exitUsage, "give a token with --token; daybook token makes one")
	}
	x.receipts, x.out, x.talk = receipts, c.OutOrStdout(), c.ErrOrStderr()
	return x.run(c.Context())
}

// emitAll sends in as it reads, a batch at a time, so that a pipe of any length
// needs little memory.
func emitAll(c *cobra.Command, sender *emit.Sender, in io.Reader, receipts string) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), emit.MaxBytes)
	var batch [][]byte
	size, sent, refused := 0, 0, 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		answer, err := sender.Send(c.Context(), batch)
		if err != nil {
			return fmt.Errorf("%w; the %d events before were answered, send the rest again", err, sent)
		}
		out := json.NewEncoder(c.OutOrStdout())
		out.SetEscapeHTML(false)
		for _, r := range answer.Results {
			if !r.Accepted() {
				refused++
			}
			if err := out.Encode(r); err != nil {
				return fmt.Errorf("writing results: %w", err)
			}
		}
		sent += len(batch)
		batch, size = nil, 0
		return keepReceipt(receipts, answer.Receipt)
	}
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return exitWith(exitError, "line %d is not JSON; %d events before it were answered", sent+len(batch)+1, sent)
		}
		if len(batch) == emit.MaxBatch || size+len(line)+2 > emit.MaxBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch = append(batch, bytes.Clone(line))
		size += len(line) + 1
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	if err := flush(); err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d events were refused; the results say why", refused, sent)
	}
	return nil
}

func keepReceipt(path, receipt string) error {
	if path == "" || receipt == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keeping the receipt: %w", err)
	}
	_, err = f.WriteString(receipt + "\n")
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("keeping the receipt: %w", err)
	}
	return nil
}
