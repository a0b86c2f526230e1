package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
)

const registerHelp = `Make the register say what a file says.

A register file is YAML. Each document names a source of the token, and lists
objects as they should be:

  source: city/register
  # organization: city    only with a token that speaks for no organization itself
  organizations: […]      datasets: […]     systems: […]     activities: […]
  retention: […]

daybook register template prints what an object of a list has, with its grammar.

What the register does not have is registered, and what it has otherwise is
changed; one line says each difference:

  + system city/cam-1 "North gate"                 not in the register
  ~ system city/cam-2 name: Old → New              another value
  - system city/cam-3 ended 2026-06-24             the file gives it an end
  ? system city/cam-1 operator: no register has …  shown as unknown by the ledger

Objects and fields that the file leaves out stay as they are: nothing ends for
being absent. Another place is a move when starts is later than in the register,
and a correction otherwise. Retention is one statement, said whole. The order of
a list says nothing, and coordinates count to six decimals.

Applying a file again adds nothing, also when the first answer was lost. Exit
codes: 0 applied or nothing to do, 1 refused, 2 usage or a bad file.`

func registerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "register",
		Short: "Keep the register as a file",
		Long:  registerHelp,
		Args:  usage(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(registerApplyCommand(), registerTemplateCommand())
	return c
}

func registerApplyCommand() *cobra.Command {
	var sender emit.Sender
	var dry bool
	c := &cobra.Command{
		Use:   "apply FILE.yaml --token T",
		Short: "Print how the register differs from a file, and append what is missing",
		Long:  registerHelp,
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if sender.Token == "" && !dry {
				return exitWith(exitUsage, "give a registrar's token with --token, or --dry-run; daybook token makes one")
			}
			return applyFile(c, &sender, args[0], dry)
		},
	}
	c.Flags().StringVar(&sender.URL, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&sender.Token, "token", "", "a registrar's token for the file's sources")
	c.Flags().BoolVar(&dry, "dry-run", false, "print the differences and send nothing")
	return c
}

func applyFile(c *cobra.Command, sender *emit.Sender, path string, dry bool) error {
	in, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the register file: %w", err)
	}
	reader, err := client.New(sender.URL, sender.Client)
	if err != nil {
		return exitWith(exitUsage, "%w", err)
	}
	a := applying{path: path, reader: reader, sender: sender, out: c.OutOrStdout(), talk: c.ErrOrStderr()}
	all, err := readRegister(in)
	if err != nil {
		return a.located(err)
	}
	now, err := a.today(c.Context(), all)
	if err != nil {
		return err
	}
	changes, err := differences(all, now)
	if err != nil {
		return a.located(err)
	}
	for _, change := range changes {
		for _, line := range change.words {
			fmt.Fprintln(a.out, line)
		}
	}
	switch {
	case len(changes) == 0:
		fmt.Fprintf(a.talk, "nothing to do: the register says what %s says\n", path)
		return nil
	case dry:
		fmt.Fprintf(a.talk, "events to append: %d; nothing was sent\n", len(changes))
		return nil
	}
	return a.send(c.Context(), changes, now)
}

// applying is one run of register apply.
type applying struct {
	path   string
	reader *client.Client
	sender *emit.Sender
	out    io.Writer
	talk   io.Writer
}

// located puts the file's name before an error that has a line in it.
func (a *applying) located(err error) error {
	var at *lineError
	if !errors.As(err, &at) {
		return err
	}
	return exitWith(exitUsage, "%s:%d: %s", a.path, at.line, at.text)
}

// today asks the ledger for every object that all names.
func (a *applying) today(ctx context.Context, all []*wanted) (today, error) {
	out := today{}
	for _, w := range all {
		for _, o := range append(w.refersTo(), w.object()) {
			if _, asked := out[o]; asked || !slices.Contains(events.Registers(), o.register) {
				continue
			}
			item, err := a.reader.Item(ctx, o.register, o.id)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				out[o] = nil
			case err != nil:
				return nil, err
			default:
				out[o] = &item
			}
		}
	}
	return out, nil
}

// send appends the changes in order, and returns when the register shows them.
// It stops behind a request with a refusal, since later events may lean on it.
func (a *applying) send(ctx context.Context, changes []*change, now today) error {
	lines := make([][]byte, len(changes))
	for i, c := range changes {
		at, err := a.timeOf(ctx, c, now)
		if err != nil {
			return err
		}
		data := c.data
		if c.want.organization != "" && c.want.of.register != "organization" {
			data = data.With("organization", events.String(c.want.organization))
		}
		lines[i] = envelope(c.kind, c.id(), c.want.source, at.Format(time.RFC3339), data).Append(nil)
	}
	done := 0
	var last events.Index
	var lastOf object
	for _, batch := range emit.Batches(lines) {
		answer, err := a.sender.Send(ctx, batch)
		var refusal *emit.RefusedError
		switch {
		case errors.As(err, &refusal):
			return fmt.Errorf("applying %s after %d events: %w", a.path, done, err)
		case err != nil:
			return fmt.Errorf("applying %s after %d events: %w; apply it again", a.path, done, err)
		}
		refused := 0
		for i, r := range answer.Results {
			why, ok := accepted(r)
			if !ok {
				refused++
				fmt.Fprintf(a.talk, "%s:%d: %s refused: %s\n", a.path, changes[done+i].want.line(why.Pointer), changes[done+i].kind, why.Detail)
			} else if r.Position != nil && events.Index(*r.Position) >= last {
				last, lastOf = events.Index(*r.Position), changes[done+i].want.object()
			}
		}
		if done += len(batch); refused > 0 {
			return fmt.Errorf("applying %s: %d of %d events were refused", a.path, refused, done)
		}
	}
	fmt.Fprintf(a.talk, "events applied: %d\n", done)
	if lastOf.id == "" {
		return nil // all of it was there
	}
	return a.await(ctx, lastOf, last)
}

// accepted says that the ledger has the event, and why not. An id speaks for
// what an event says about which state, so one that the ledger has with other
// content is the same event said at another time, whose answer was lost.
func accepted(r emit.Result) (why events.Problem, ok bool) {
	if r.Accepted() || r.Status == 409 {
		return why, true
	}
	var p struct{ Detail, Pointer string }
	if err := json.Unmarshal(r.Problem, &p); err != nil || p.Detail == "" {
		p.Detail = fmt.Sprintf("the ledger answered %d", r.Status)
	}
	return events.Problem{Status: r.Status, Detail: p.Detail, Pointer: p.Pointer}, false
}

// timeOf is when a change happened: now, or on its day as it begins where its
// organization is.
func (a *applying) timeOf(ctx context.Context, c *change, now today) (time.Time, error) {
	if c.day == "" {
		return time.Now().UTC(), nil
	}
	zone := time.UTC
	org, err := a.reader.Item(ctx, "organization", now[c.want.object()].Organization)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, err
	}
	name, _ := org.Fields.Get("timeZone")
	if z, err := time.LoadLocation(name.Text()); err == nil {
		zone = z
	}
	return time.ParseInLocation(time.DateOnly, c.day, zone)
}

// shownWithin is how long await waits for a checkpoint.
const shownWithin = 10 * time.Second

// await waits until the register shows what was appended at position at, so
// that a program that reads it next finds it there.
func (a *applying) await(ctx context.Context, o object, at events.Index) error {
	for end := time.Now().Add(shownWithin); time.Now().Before(end); {
		item, err := a.reader.Item(ctx, o.register, o.id)
		if err == nil && item.Latest.Position >= at {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	fmt.Fprintln(a.talk, "the register will show it after the next checkpoint")
	return nil
}
