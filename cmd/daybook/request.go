package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func requestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "request",
		Short: "Record what a person asked for and what became of it; list what is due",
		Args:  usage(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(receiveCommand(), decideCommand(), answerRequestCommand(), listRequestsCommand())
	return c
}

// spoken is where the ledger keeps what an officer said.
type spoken struct {
	Event    string `json:"event"`
	Position int    `json:"position"`
}

func receiveCommand() *cobra.Command {
	var a asking
	var person, request, received string
	c := &cobra.Command{
		Use:   "receive --person SCHEME:VALUE --request KIND --token T",
		Short: "Record that a person asked for something; print the request's name",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			said, err := a.receive(c, person, request, received)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), said.Event)
			return nil
		},
	}
	a.flags(c)
	c.Flags().StringVar(&person, "person", "", "who asks, as SCHEME:VALUE")
	c.Flags().StringVar(&request, "request", "", "access, rectification, erasure, restriction, portability or objection")
	c.Flags().StringVar(&received, "received", "", "when it came, as 2026-06-24T08:30:00Z; default now")
	return c
}

func (a *asking) receive(c *cobra.Command, person, request, received string) (out spoken, _ error) {
	who, err := personOf(person)
	if err != nil {
		return out, err
	}
	body := map[string]any{"person": who, "request": request}
	if received != "" {
		body["received"] = received
	}
	return out, a.post(c.Context(), "/v1/officer/requests", body, &out)
}

// decision is what came of one, as the ledger says it.
type decision struct {
	spoken
	Notice struct {
		Source string `json:"source"`
		ID     string `json:"id"`
	} `json:"notice"`
	Erased *struct {
		Deleted      int    `json:"deleted"`
		Shredded     int    `json:"shredded"`
		BackupsUntil string `json:"backupsUntil"`
		Entries      int    `json:"entries"`
		Tell         []struct {
			Organization string `json:"organization"`
			Recipient    string `json:"recipient"`
			Dataset      string `json:"dataset"`
			Position     int    `json:"position"`
		} `json:"tell"`
	} `json:"erased"`
}

func decideCommand() *cobra.Command {
	var a asking
	var what, ground, statement string
	c := &cobra.Command{
		Use:   "decide REQUEST --decision D --token T",
		Short: "Decide a request; an erasure that is granted destroys the person's keys",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := a.decide(c, args[0], what, ground, statement)
			if err != nil {
				return err
			}
			d.print(c.OutOrStdout())
			return nil
		},
	}
	a.flags(c)
	a.joinedFlag(c)
	c.Flags().StringVar(&what, "decision", "", "granted, partly, refused, or extended by two months")
	c.Flags().StringVar(&ground, "ground", "", "why it is refused or granted partly, as LegallyExempted")
	c.Flags().StringVar(&statement, "statement", "", "what the person is told; sealed")
	return c
}

func (a *asking) decide(c *cobra.Command, request, what, ground, statement string) (out decision, _ error) {
	body := map[string]string{"decision": what}
	for name, text := range map[string]string{"ground": ground, "statement": statement} {
		if text != "" {
			body[name] = text
		}
	}
	return out, a.post(c.Context(), "/v1/officer/requests/"+url.PathEscape(request)+"/decision", body, &out)
}

// print says what was destroyed, where copies may be and for how long, and who has
// to be told.
func (d decision) print(out io.Writer) {
	fmt.Fprintf(out, "decided    entry %d\n", d.Position)
	e := d.Erased
	if e == nil {
		return
	}
	fmt.Fprintf(out, "deleted    entry %d: the details of %d entries open for nobody any more\n", e.Deleted, e.Entries)
	fmt.Fprintf(out, "destroyed  entry %d, the last of the person's trail: her keys\n", e.Shredded)
	fmt.Fprintf(out, "backups    no copy of these keys that the ledger made is left after %s\n", e.BackupsUntil)
	if len(e.Tell) == 0 {
		fmt.Fprintf(out, "to tell    nobody: her data was not shared\n")
		return
	}
	fmt.Fprintf(out, "to tell    open until each says so itself, in a data.received or data.deleted whose counterpart has the source %s and\n"+
		"           the id %s, or you say so with daybook request answer --recipient:\n", d.Notice.Source, d.Notice.ID)
	for _, t := range e.Tell {
		what := t.Dataset
		if what == "" {
			what = "data that cannot be named"
		}
		fmt.Fprintf(out, "           %s, of %s, by %s (entry %d)\n", t.Recipient, what, t.Organization, t.Position)
	}
}

func answerRequestCommand() *cobra.Command {
	var a asking
	var recipient string
	c := &cobra.Command{
		Use:   "answer REQUEST --token T [--recipient ORGANIZATION]",
		Short: "Record that the person was answered, or that a recipient was told of her erasure",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			body := map[string]string{}
			if recipient != "" {
				body["recipient"] = recipient
			}
			var out spoken
			if err := a.post(c.Context(), "/v1/officer/requests/"+url.PathEscape(args[0])+"/answer", body, &out); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "answered   entry %d\n", out.Position)
			return nil
		},
	}
	a.flags(c)
	c.Flags().StringVar(&recipient, "recipient", "", "the organization that was told")
	return c
}

// dues are the requests of an organization, as the ledger lists them.
type dues struct {
	Requests []struct {
		spoken
		Request  string `json:"request"`
		Received string `json:"received"`
		Due      string `json:"due"`
		Overdue  bool   `json:"overdue"`
		Decision string `json:"decision"`
		Answered *int   `json:"answered"`
	} `json:"requests"`
	Tasks []struct {
		Request   string `json:"request"`
		Recipient string `json:"recipient"`
		Shares    int    `json:"shares"`
		Closed    *int   `json:"closed"`
	} `json:"tasks"`
}

func listRequestsCommand() *cobra.Command {
	var a asking
	var format string
	c := &cobra.Command{
		Use:   "list --token T",
		Short: "List requests by the day they are due, and whom to tell of erasures",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var raw json.RawMessage
			if err := a.post(c.Context(), "/v1/officer/requests", nil, &raw); err != nil {
				return err
			}
			switch format {
			case "json":
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", raw)
				return err
			case "table":
			default:
				return exitWith(exitUsage, "-o is table or json")
			}
			var d dues
			if err := json.Unmarshal(raw, &d); err != nil {
				return fmt.Errorf("reading the ledger's answer: %w", err)
			}
			return d.print(c.OutOrStdout())
		},
	}
	a.flags(c)
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return c
}

func (d dues) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "REQUEST\tASKED FOR\tRECEIVED\tDUE\tSTANDS")
	for _, x := range d.Requests {
		stands := x.Decision
		switch {
		case x.Overdue:
			stands = "OVERDUE"
		case stands == "":
			stands = "open"
		case x.Answered != nil:
			stands += ", answered"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", x.Event, x.Request, x.Received, x.Due, stands)
	}
	if len(d.Tasks) > 0 {
		fmt.Fprintln(w, "\nTO TELL\tOF\tSHARES\tSTANDS")
	}
	for _, x := range d.Tasks {
		stands := "open"
		if x.Closed != nil {
			stands = fmt.Sprintf("told, entry %d", *x.Closed)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", x.Recipient, x.Request, x.Shares, stands)
	}
	return w.Flush()
}

func eraseCommand() *cobra.Command {
	var a asking
	var person, statement string
	c := &cobra.Command{
		Use:   "erase --person SCHEME:VALUE --token T",
		Short: "Erase a person: record the request, grant it, destroy her keys, and say whom to tell",
		Long: `Erase a person: record the request, grant it, destroy her keys, and say whom to tell.

Afterwards nobody opens what was recorded about her, here or from a copy put back;
every proof given before still verifies. It is for good.`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			said, err := a.receive(c, person, "erasure", "")
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "request    %s, entry %d\n", said.Event, said.Position)
			d, err := a.decide(c, said.Event, "granted", "", statement)
			if err != nil {
				var p *problem
				if errors.As(err, &p) {
					err = fmt.Errorf("%w; the request is on record, go on with: daybook request decide %s --decision granted", err, said.Event)
				}
				return err
			}
			d.print(c.OutOrStdout())
			return nil
		},
	}
	a.flags(c)
	a.joinedFlag(c)
	c.Flags().StringVar(&person, "person", "", "who is erased, as SCHEME:VALUE")
	c.Flags().StringVar(&statement, "statement", "", "what the person is told; sealed, and destroyed with the rest")
	return c
}

func correctCommand() *cobra.Command {
	var a asking
	var reason, statement string
	c := &cobra.Command{
		Use:   "correct POSITION|EVENT --reason R --statement TEXT --token T",
		Short: "Record that an entry is wrong, and what is right; both stay",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			var out spoken
			body := map[string]string{"reason": reason, "statement": statement}
			if err := a.post(c.Context(), "/v1/officer/entries/"+url.PathEscape(args[0])+"/correction", body, &out); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "corrected  entry %d\n", out.Position)
			return nil
		},
	}
	a.flags(c)
	c.Flags().StringVar(&reason, "reason", "correction", "correction, update, merge, migration, person-request, court-order or policy")
	c.Flags().StringVar(&statement, "statement", "", "what is right; sealed for whom it concerns and for officers")
	return c
}
