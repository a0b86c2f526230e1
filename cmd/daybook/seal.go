package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

const sealHelp = `Place, extend, lift and list seals.

A seal is an order: from now on, uses of data about a person that an organization
records with one of the systems, or in the case, are not shown to that person.
Without systems and case it is for all that the organization records. What was
recorded before stays where it is.

Two officers of the organization order it, each with a token of their own. A seal
has a ground, a day by which it is looked at again, at most a year ahead, and an
end: the last day on which it stands, or the event that ends it, whichever comes
first. Ordered by word of mouth (--oral) it ends after thirty days, unless it is
extended in writing. When it ends, by itself or by daybook seal lift, the person is
given the key to all that it hid, with one event of the person's own trail.

The public sees the organization, the group of the ground, and the quarters of the
placing, the review and the end.`

func sealCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "seal",
		Short: "Hide uses of data from the person concerned, for a time",
		Long:  sealHelp,
		Args:  usage(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(sealPlaceCommand(), sealExtendCommand(), sealLiftCommand(), sealListCommand())
	return c
}

// sealing is one request of an officer about seals.
type sealing struct {
	url, token, approver, request string
}

func (s *sealing) flags(c *cobra.Command, approved bool) {
	c.Flags().StringVar(&s.url, "url", defaultURL, "the ledger")
	c.Flags().StringVar(&s.token, "token", "", "an officer's token")
	if approved {
		c.Flags().StringVar(&s.approver, "approver", "", "the token of a second officer of the same organization, who approves it")
		c.Flags().StringVar(&s.request, "request-id", "", "a name of this request; given again it orders nothing more")
	}
}

func (s *sealing) check(approved bool) error {
	switch {
	case s.token == "":
		return exitWith(exitUsage, "give an officer's token with --token; daybook token makes one")
	case approved && s.approver == "":
		return exitWith(exitUsage, "a second officer must approve it; give that officer's token with --approver")
	}
	return nil
}

func sealPlaceCommand() *cobra.Command {
	var s sealing
	var person, ground, caseRef, reviewBy, until, releasedBy string
	var systems []string
	var oral bool
	c := &cobra.Command{
		Use:   "place --person SCHEME:VALUE --ground G --review-by DAY (--until DAY | --released-by SOURCE:ID | --oral)",
		Short: "Place a seal, and print its name",
		Long:  sealHelp,
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(true); err != nil {
				return err
			}
			scheme, value, ok := strings.Cut(person, ":")
			if !ok || scheme == "" || value == "" {
				return exitWith(exitUsage, "say whom it is about with --person SCHEME:VALUE, as plate:ABC123")
			}
			body := events.Object{}.With("person.scheme", events.String(scheme)).With("person.value", events.String(value))
			for name, text := range map[string]string{"ground": ground, "caseRef": caseRef, "reviewBy": reviewBy, "until": until} {
				if text != "" {
					body = body.With(name, events.String(text))
				}
			}
			if len(systems) > 0 {
				body = body.With("systems", events.Strings(systems))
			}
			if oral {
				body = body.With("oral", events.Boolean(true))
			}
			if source, id, ok := strings.Cut(releasedBy, ":"); ok {
				body = body.With("releasedBy.source", events.String(source)).With("releasedBy.id", events.String(id))
			} else if releasedBy != "" {
				return exitWith(exitUsage, "--released-by is SOURCE:ID, as chamber/register:notice-17")
			}
			return s.order(c, "/v1/officer/seals", body)
		},
	}
	s.flags(c, true)
	c.Flags().StringVar(&person, "person", "", "whom it is about, as SCHEME:VALUE")
	c.Flags().StringVar(&ground, "ground", "", "why: a term of the code list justification, as CrimeInvestigationImpaired")
	c.Flags().StringVar(&caseRef, "case", "", "only what is recorded in this case")
	c.Flags().StringArrayVar(&systems, "system", nil, "only what is recorded with this system; may be repeated")
	c.Flags().StringVar(&reviewBy, "review-by", "", "the day by which it is looked at again, at most a year ahead")
	c.Flags().StringVar(&until, "until", "", "the last day on which it stands")
	c.Flags().StringVar(&releasedBy, "released-by", "", "the event that ends it, as SOURCE:ID")
	c.Flags().BoolVar(&oral, "oral", false, "nobody has written the order down: it ends after thirty days")
	return c
}

func sealExtendCommand() *cobra.Command {
	var s sealing
	var reviewBy, until string
	c := &cobra.Command{
		Use:   "extend SEAL --review-by DAY [--until DAY]",
		Short: "Give a seal other dates, in writing",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(true); err != nil {
				return err
			}
			body := events.Object{}
			for name, text := range map[string]string{"reviewBy": reviewBy, "until": until} {
				if text != "" {
					body = body.With(name, events.String(text))
				}
			}
			return s.order(c, "/v1/officer/seals/"+url.PathEscape(args[0])+"/extend", body)
		},
	}
	s.flags(c, true)
	c.Flags().StringVar(&reviewBy, "review-by", "", "the day by which it is looked at again, at most a year ahead")
	c.Flags().StringVar(&until, "until", "", "the last day on which it stands; none leaves the event that ends it")
	return c
}

func sealLiftCommand() *cobra.Command {
	var s sealing
	c := &cobra.Command{
		Use:   "lift SEAL",
		Short: "End a seal, and disclose to the person what it hid",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(false); err != nil {
				return err
			}
			var lifted struct{ Position, Disclosed events.Index }
			if err := s.ask(c.Context(), http.MethodPost, "/v1/officer/seals/"+url.PathEscape(args[0])+"/lift", nil, &lifted); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "lifted by entry %d; entry %d gives the person the key to what was hidden\n", lifted.Position, lifted.Disclosed)
			return nil
		},
	}
	s.flags(c, false)
	return c
}

// order sends an order about a seal and prints the seal's name.
func (s *sealing) order(c *cobra.Command, path string, body events.Object) error {
	var said struct {
		Seal     string
		Position events.Index
		ReviewIn string
		Repeated bool
	}
	if err := s.ask(c.Context(), http.MethodPost, path, body, &said); err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout(), said.Seal)
	was := ""
	if said.Repeated {
		was = " was there before, and"
	}
	fmt.Fprintf(c.ErrOrStderr(), "the seal%s stands by entry %d; the public sees that it is looked at again in %s\n", was, said.Position, said.ReviewIn)
	return nil
}

// ask sends a request and reads the answer into into. A refusal is an error.
func (s *sealing) ask(ctx context.Context, method, path string, body events.Object, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(s.url, "/")+path, bytes.NewReader(body.Append(nil)))
	if err != nil {
		return exitWith(exitUsage, "reading the address of the ledger: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range map[string]string{v1.ApproverHeader: s.approver, v1.RequestHeader: s.request} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking the ledger: %w; give another address with --url", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return json.Unmarshal(answer, into)
	}
	var p struct{ Code, Title, Detail, Pointer string }
	if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the ledger answered %d", resp.StatusCode)
	}
	if p.Pointer != "" {
		p.Detail = strings.TrimPrefix(p.Pointer, "/") + " " + p.Detail
	}
	return fmt.Errorf("refused (%s): %s", p.Title, p.Detail)
}

// listed is a seal as the ledger lists it.
type listed struct {
	Seal, Group, PlacedOn, ReviewBy, LastDay string
	Position                                 events.Index
	Overdue, Oral, OneCase, Awaits           bool
	Systems                                  []string
}

func sealListCommand() *cobra.Command {
	var s sealing
	var organization, format string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the seals that stand, by the day of their review; that is recorded",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(false); err != nil {
				return err
			}
			if format != "table" && format != "json" {
				return exitWith(exitUsage, "there is no output %q: table or json; see daybook seal list --help", format)
			}
			path := "/v1/officer/seals"
			if organization != "" {
				path += "?organization=" + url.QueryEscape(organization)
			}
			var raw json.RawMessage
			if err := s.ask(c.Context(), http.MethodGet, path, nil, &raw); err != nil {
				return err
			}
			if format == "json" {
				_, err := fmt.Fprintln(c.OutOrStdout(), string(bytes.TrimSpace(raw)))
				return err
			}
			var got struct {
				AsOf    string
				Seals   []listed
				Reading events.Index
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				return fmt.Errorf("reading the answer: %w", err)
			}
			err := printSeals(c.OutOrStdout(), got.Seals)
			fmt.Fprintf(c.ErrOrStderr(), "%d seals stand as of %s; entry %d says that they were listed\n", len(got.Seals), got.AsOf, got.Reading)
			return err
		},
	}
	s.flags(c, false)
	c.Flags().StringVar(&organization, "org", "", "whose seals; an auditor of all names one")
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return c
}

func printSeals(out io.Writer, list []listed) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SEAL\tENTRY\tGROUP\tPLACED\tREVIEW BY\tLAST DAY\tFOR")
	for _, s := range list {
		review, last, of := s.ReviewBy, s.LastDay, strings.Join(s.Systems, " ")
		if s.Overdue {
			review += " overdue"
		}
		if s.Oral {
			last += " oral"
		}
		if s.Awaits {
			last = strings.TrimSpace(last + " or an event")
		}
		if s.OneCase {
			of = strings.TrimSpace(of + " a case")
		}
		if of == "" {
			of = "everything"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", s.Seal, s.Position, s.Group, s.PlacedOn, review, last, of)
	}
	return w.Flush()
}
