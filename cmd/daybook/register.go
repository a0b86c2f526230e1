package main

import (
	"bytes"
	"cmp"
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
  # day: 2026-06-24       as of which the document says it; otherwise --at, or now
  organizations: […]      datasets: […]     systems: […]     activities: […]
  retention: […]          policies: […]     agreements: […]  grants: […]
  assessments: […]

daybook register template prints what an object of a list has, with its grammar.

What the register does not have is registered, and what it has otherwise is
changed; one line says each difference:

  + system city/cam-1 "North gate"                 not in the register
  ~ system city/cam-2 name: Old → New              another value
  - system city/cam-3 ended 2026-06-24             the file gives it an end
  ? system city/cam-1 operator: no register has …  shown as unknown by the ledger

Objects and fields that the file leaves out stay as they are: nothing ends for
being absent. Another place is a move when starts is later than in the register,
and a correction otherwise. Retention, policies and grants are one statement, said
whole; an assessment is said once, and never changed. The order of
a list says nothing, and coordinates count to six decimals. A move happens on the
day of the new start, an end on its own, and the rest as of the document's day.

With --map the file is an edition of a register as another system keeps it, CSV or
JSON: the map says what each row states, and the rest is the same.

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
	var mapping string
	var a applying
	c := &cobra.Command{
		Use:   "apply FILE --token T [--map NAME|PROGRAM.jq]",
		Short: "Print how the register differs from a file, and append what is missing",
		Long:  registerHelp,
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if sender.Token == "" && !a.dry {
				return exitWith(exitUsage, "give a registrar's token with --token, or --dry-run; daybook token makes one")
			}
			if _, err := time.Parse(time.DateOnly, a.day); err != nil && a.day != "" {
				return exitWith(exitUsage, "--at must be a day as 2026-06-24")
			}
			a.path, a.out, a.talk = args[0], c.OutOrStdout(), c.ErrOrStderr()
			if err := a.connect(&sender); err != nil {
				return err
			}
			return a.file(c.Context(), mapping)
		},
	}
	c.Flags().StringVar(&sender.URL, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&sender.Token, "token", "", "a registrar's token for the file's sources")
	c.Flags().StringVar(&mapping, "map", "", "the file is an edition, CSV or JSON; the name of its map, or a program ending in .jq")
	c.Flags().StringVar(&a.day, "at", "", "the day as of which the file says it, where it does not say its own; default now")
	c.Flags().BoolVar(&a.dry, "dry-run", false, "print the differences and send nothing")
	return c
}

// applying is one run of register apply.
type applying struct {
	path   string
	day    string // of what names no day of its own, "" for now
	dry    bool
	reader *client.Client
	sender *emit.Sender
	out    io.Writer
	talk   io.Writer

	sent  totals
	zones map[string]*time.Location // by organization
}

// connect says which ledger is read and written.
func (a *applying) connect(sender *emit.Sender) error {
	reader, err := client.New(sender.URL, sender.Client)
	if err != nil {
		return exitWith(exitUsage, "%w", err)
	}
	a.reader, a.sender = reader, sender
	return nil
}

// file applies a register file, or with a map an edition.
func (a *applying) file(ctx context.Context, mapping string) error {
	in, err := os.ReadFile(a.path)
	if err != nil {
		return fmt.Errorf("reading the register file: %w", err)
	}
	read := func() ([]*wanted, error) { return readRegister(in) }
	if mapping != "" {
		m, err := loadMap(mapping)
		if err != nil {
			return exitWith(exitUsage, "%w", err)
		}
		if !m.Edition {
			return exitWith(exitUsage, "the map %s tells events and no edition of a register; daybook import takes it", m.Name)
		}
		read = func() ([]*wanted, error) {
			e := edition{mapping: m}
			return e.read(ctx, bytes.NewReader(in))
		}
	}
	all, err := read()
	if err != nil {
		return a.located(err)
	}
	if err := a.apply(ctx, all); err != nil {
		return err
	}
	switch n := a.sent.events; {
	case n == 0:
		fmt.Fprintf(a.talk, "nothing to do: the register says what %s says\n", a.path)
	case a.dry:
		fmt.Fprintf(a.talk, "events to append: %d; nothing was sent\n", n)
	default:
		fmt.Fprintf(a.talk, "events applied: %d\n", n)
	}
	return nil
}

// apply prints the differences and appends what makes the register say all.
func (a *applying) apply(ctx context.Context, all []*wanted) error {
	now, err := a.today(ctx, all)
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
	if a.sent.events = len(changes); len(changes) == 0 || a.dry {
		return nil
	}
	return a.send(ctx, changes, now)
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
	if slices.ContainsFunc(all, func(w *wanted) bool { return w.of.noted() }) {
		return out, a.noted(ctx, out)
	}
	return out, nil
}

// noted adds the assessments that the ledger has: no register shows them, but
// their entries do.
func (a *applying) noted(ctx context.Context, now today) error {
	filter := client.Filter{Kind: "assessment.recorded"}
	for {
		entries, next, err := a.reader.Entries(ctx, filter)
		if err != nil {
			return err
		}
		for _, e := range entries {
			entry, err := events.ParseEntry(e.Raw)
			if err != nil {
				return fmt.Errorf("reading entry %d: %w", e.Position, err)
			}
			now[assessment(entry.Value)] = &client.Item{}
		}
		if filter.After = next; next == nil {
			return nil
		}
	}
}

// foundZones are the zones of the organizations that a file registers.
func foundZones(changes []*change) map[string]*time.Location {
	zones := map[string]*time.Location{}
	for _, c := range changes {
		name, _ := c.data.Get("timeZone")
		if z, err := time.LoadLocation(name.Text()); err == nil && name.Text() != "" {
			zones[c.want.id] = z
		}
	}
	return zones
}

// send appends the changes in order, and returns when the register shows them.
// It stops behind a request with a refusal, since later events may lean on it.
func (a *applying) send(ctx context.Context, changes []*change, now today) error {
	lines := make([][]byte, len(changes))
	a.zones = foundZones(changes)
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
				refused, a.sent.refused = refused+1, a.sent.refused+1
				fmt.Fprintf(a.talk, "%s:%d: %s refused: %s\n", a.path, changes[done+i].want.line(why.Pointer), changes[done+i].kind, why.Detail)
				continue
			}
			a.sent.take(r)
			if r.Position != nil {
				last = max(last, events.Index(*r.Position))
			}
		}
		if done += len(batch); refused > 0 {
			return fmt.Errorf("applying %s: %d of %d events were refused", a.path, refused, done)
		}
	}
	if last == 0 {
		return nil // all of it was there
	}
	return awaited(ctx, a.reader, last, a.talk)
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

// timeOf is when a change happened: on its day or its document's as it begins
// where its organization is, or now.
func (a *applying) timeOf(ctx context.Context, c *change, now today) (time.Time, error) {
	day := c.day
	for _, other := range []string{c.want.asOf, a.day} {
		if day == "" {
			day = other
		}
	}
	if day == "" {
		return time.Now().UTC(), nil
	}
	organization := c.want.organization
	if item := now[c.want.object()]; item != nil && item.Organization != "" {
		organization = item.Organization
	}
	zone, err := a.zone(ctx, organization)
	if err != nil {
		return time.Time{}, err
	}
	return time.ParseInLocation(time.DateOnly, day, zone)
}

// zone is where an organization is, as the register or else the file has it, or
// UTC.
func (a *applying) zone(ctx context.Context, organization string) (*time.Location, error) {
	if z := a.zones[organization]; z != nil || organization == "" {
		return cmp.Or(z, time.UTC), nil
	}
	org, err := a.reader.Item(ctx, "organization", organization)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	name, _ := org.Fields.Get("timeZone")
	z, err := time.LoadLocation(name.Text()) // "" is UTC
	if err != nil {
		z = time.UTC
	}
	a.zones[organization] = z
	return z, nil
}

// shownWithin is how long shown waits for a checkpoint.
const shownWithin = 10 * time.Second

// shown waits until the ledger shows what was appended at position at, so that
// a program that reads it next finds it there; false when it takes longer.
func shown(ctx context.Context, reader *client.Client, at events.Index) (bool, error) {
	before := max(at, 1) - 1 // the ledger's own first entry is at 0
	for end := time.Now().Add(shownWithin); time.Now().Before(end); {
		entries, _, err := reader.Entries(ctx, client.Filter{After: &before, Limit: 1})
		if err == nil && len(entries) > 0 {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false, nil
}

// awaited tells who waited in vain.
func awaited(ctx context.Context, reader *client.Client, at events.Index, talk io.Writer) error {
	ok, err := shown(ctx, reader, at)
	if err == nil && !ok {
		fmt.Fprintln(talk, "the register will show it after the next checkpoint")
	}
	return err
}
