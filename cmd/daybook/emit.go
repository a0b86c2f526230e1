package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events/emit"
)

func emitCommand() *cobra.Command {
	var sender emit.Sender
	var receipts string
	c := &cobra.Command{
		Use:   "emit --token T [FILE]",
		Short: "Send CloudEvents, one JSON object a line; print a result a line",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
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
			return emitAll(c, &sender, in, receipts)
		},
	}
	c.Flags().StringVar(&sender.URL, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&sender.Token, "token", "", "a token for the events' role and sources")
	c.Flags().StringVar(&receipts, "receipts", "", "append the signed receipts to this file")
	return c
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
