package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
)

// personFlags are what every question about one person takes.
type personFlags struct {
	asking
	person, organization string
}

func (f *personFlags) add(c *cobra.Command) {
	f.flags(c)
	c.Flags().StringVar(&f.person, "person", "", "whom it is about, as SCHEME:VALUE, for example plate:ABC123")
	c.Flags().StringVar(&f.organization, "org", "", "whose records, for the token of an auditor of all")
}

// personQuestion is a body of the API, which never has an identifier in an address.
type personQuestion struct {
	Person       whom          `json:"person"`
	Organization string        `json:"organization,omitempty"`
	After        *events.Index `json:"after,omitempty"`
}

func (f *personFlags) question() (personQuestion, error) {
	who, err := personOf(f.person)
	return personQuestion{Person: who, Organization: f.organization}, err
}

// shownEntry is one entry of a dossier.
type shownEntry struct {
	Position  events.Index
	Kind      string
	Relation  string
	UnderSeal string
	Others    int
	Entry     json.RawMessage
	Details   []shownDetail
	Sealed    string
	Head      *struct {
		Position events.Index
		Details  []shownDetail
	}
}

type shownDetail struct {
	Name  string
	Value json.RawMessage
}

// shownPerson is a dossier, all pages of it.
type shownPerson struct {
	Organization string            `json:"organization"`
	Entries      []json.RawMessage `json:"entries"`
	Readings     []events.Index    `json:"readings"`
}

func showCommand() *cobra.Command {
	var f personFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "show --person SCHEME:VALUE --token TOKEN",
		Short: "For officers: show what is recorded about one person, which puts the reading on record",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := f.question()
			if err != nil {
				return err
			}
			all, err := f.dossier(c.Context(), q)
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(c.OutOrStdout())
				out.SetEscapeHTML(false)
				return out.Encode(all)
			}
			return printPerson(c.OutOrStdout(), all)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// dossier asks for page after page. Asking is recorded in her trail as well, which
// so grows by far less than a page each time.
func (f *personFlags) dossier(ctx context.Context, q personQuestion) (*shownPerson, error) {
	all := &shownPerson{Entries: []json.RawMessage{}}
	for {
		page := struct {
			shownPerson
			Next *events.Index `json:"next"`
		}{}
		if err := f.post(ctx, "/v1/officer/person", q, &page); err != nil {
			return nil, err
		}
		all.Organization = page.Organization
		all.Entries = append(all.Entries, page.Entries...)
		all.Readings = append(all.Readings, page.Readings...)
		if q.After = page.Next; page.Next == nil {
			return all, nil
		}
	}
}

func printPerson(out io.Writer, all *shownPerson) error {
	list := make([]shownEntry, len(all.Entries))
	sealed := 0
	for i, raw := range all.Entries {
		if err := json.Unmarshal(raw, &list[i]); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if list[i].UnderSeal != "" {
			sealed++
		}
	}
	switch len(list) {
	case 0:
		fmt.Fprintf(out, "%s recorded nothing about this person, or nobody is known by this identifier.\n", all.Organization)
	case 1:
		fmt.Fprintf(out, "%s recorded one entry about this person.\n", all.Organization)
	default:
		fmt.Fprintf(out, "%s recorded %d entries about this person.\n", all.Organization, len(list))
	}
	if sealed > 0 {
		fmt.Fprintf(out, "%d of them under seal: the person does not see these.\n", sealed)
	}
	fmt.Fprintf(out, "That you read this is on record as %s.\n", joinPositions(all.Readings))
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POSITION\tDAY\tKIND\tSYSTEM\tRELATION\tSEEN BY HER")
	for _, e := range list {
		entry, err := events.ParseEntry(e.Entry)
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		seen := "yes"
		if e.UnderSeal != "" {
			seen = "under seal"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Position, entry.Text("occurredAt"), e.Kind, dash(entry.Text("system")), e.Relation, seen)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	for _, e := range list {
		e.print(out)
	}
	return nil
}

func (e *shownEntry) print(out io.Writer) {
	fmt.Fprintf(out, "\nEntry %d, %s\n", e.Position, e.Kind)
	if e.Sealed != "" {
		fmt.Fprintf(out, "  The details cannot be opened: %s.\n", e.Sealed)
	}
	printDetails(out, e.Details)
	if e.Others > 0 {
		fmt.Fprintf(out, "  It concerns others too (%d); what is sealed about all of them is opened with the entry.\n", e.Others)
	}
	if e.Head != nil {
		fmt.Fprintf(out, "  It is part of entry %d, which says for all parts:\n", e.Head.Position)
		printDetails(out, e.Head.Details)
	}
}

func printDetails(out io.Writer, list []shownDetail) {
	for _, d := range list {
		text := string(d.Value)
		var s string
		if json.Unmarshal(d.Value, &s) == nil {
			text = s
		}
		fmt.Fprintf(out, "  %-13s %s\n", d.Name, oneLine(text))
	}
}

// oneLine keeps what somebody wrote from looking like lines of ours.
func oneLine(s string) string { return legible(strings.Join(strings.Fields(s), " ")) }

// legible has a question mark for everything that a terminal would not show.
func legible(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '?'
		}
		return r
	}, s)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// joinPositions is "entry 9", "entries 9 and 10".
func joinPositions(list []events.Index) string {
	out, last := "", len(list)-1
	for i, p := range list {
		switch {
		case i > 0 && i == last:
			out += " and "
		case i > 0:
			out += ", "
		}
		out += fmt.Sprint(p)
	}
	if last == 0 {
		return "entry " + out
	}
	return "entries " + out
}

func statementCommand() *cobra.Command {
	var f personFlags
	var format, out string
	formats := []string{"html", "json", "csv"}
	c := &cobra.Command{
		Use:   "statement --person SCHEME:VALUE --token TOKEN --out FILE",
		Short: "For officers: make the statement for one person, with proofs, which is put on record",
		Long: "Make what an organization tells a person of what it recorded about them. The JSON holds\n" +
			"the proofs and the keys of single entries, so it is for the person alone.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := f.question()
			if err == nil && !slices.Contains(formats, format) {
				err = exitWith(exitUsage, "--format is one of %s", strings.Join(formats, ", "))
			}
			if err != nil {
				return err
			}
			answer, err := f.answer(c.Context(), "/v1/officer/statement."+format, q)
			if err != nil {
				return err
			}
			return writeFor(c, out, answer)
		},
	}
	f.add(c)
	c.Flags().StringVar(&format, "format", "html", "html to print, json with the proofs, or csv")
	c.Flags().StringVarP(&out, "out", "o", "", "write to this file instead of stdout; nobody else can read it")
	return c
}

// writeFor writes what one person alone should have.
func writeFor(c *cobra.Command, path string, b []byte) error {
	if path == "" {
		_, err := c.OutOrStdout().Write(b)
		return err
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s is written\n", path)
	return nil
}
