package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func contextCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "context",
		Short: "Remember ledgers: their keys, their policy, and how far you saw them go",
		Long: `Remember ledgers, each under a name of your own. A context has the ledger's keys, whose
cosignatures its checkpoints need, and the last checkpoint that you saw. Each use of it
compares what the ledger shows with that: a ledger that tells you another history than
before is caught, and the evidence is kept beside the context, for anyone to check.

daybook prove, verify, audit, key and policy take a context with --context NAME, or from
$` + contextVariable + `.

Exit codes: 0 as it should be; 2 misused, or no such context; 3 not valid; 4 not checked, as when the
ledger cannot be reached; 5 incomplete: fewer witnesses signed than the policy needs.`,
		Args: noSuch,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(contextAddCommand(), contextListCommand(), contextShowCommand(), contextCheckCommand(), contextMoveCommand(), contextRemoveCommand())
	return c
}

// introduction is how a ledger is first met.
type introduction struct {
	key, card, policy string
	trustFirst        bool
	told              proof.Card // what the card says, if there is one
}

func contextAddCommand() *cobra.Command {
	var f introduction
	c := &cobra.Command{
		Use:   "add NAME [URL] --key VKEY | --card CARD | --trust-first",
		Short: "Remember the ledger at URL from now on",
		Args:  arguments(1, "NAME", "URL"),
		RunE: func(c *cobra.Command, args []string) error {
			return f.add(c, args[0], strings.Join(args[1:], ""))
		},
	}
	c.Flags().StringVar(&f.key, "key", "", "the log's verifier key, from a way you trust")
	c.Flags().StringVar(&f.card, "card", "", "a trail card, which has the address, the keys and the policy: a file, or - for stdin")
	c.Flags().StringVar(&f.policy, "policy", "", "a tlog-policy file: whose cosignatures a checkpoint needs")
	c.Flags().BoolVar(&f.trustFirst, "trust-first", false, "take the key that the ledger shows now")
	return c
}

// add meets a ledger for the first time.
func (f *introduction) add(c *cobra.Command, name, address string) error {
	shelf, err := contexts()
	if err != nil {
		return err
	}
	policy, err := f.read(c)
	if err != nil {
		return err
	}
	if address = cmp.Or(address, f.told.URL); address == "" {
		return exitWith(exitUsage, "NAME URL: URL is missing, where the ledger answers; see %s --help", c.CommandPath())
	}
	server, err := client.New(address, &http.Client{Timeout: contextTimeout})
	if err != nil {
		return exitWith(exitUsage, "%w", err)
	}
	if err := f.meetKey(c, server); err != nil {
		return err
	}
	m, err := client.Remember(c.Context(), address, server, f.key, policy)
	if err != nil {
		return f.notMet(c.Context(), server, err, policy)
	}
	if f.card != "" && f.told.Index != m.Index {
		return exitWith(exitInvalid, "NOT VALID: the card has another key of the index than entry 0 of the log")
	}
	if err := shelf.Add(c.Context(), name, m); err != nil {
		return exitWith(exitUsage, "%w", err)
	}
	fmt.Fprint(c.OutOrStdout(), (&known{name, shelf, m, server}).describe())
	if policy.Met() {
		fmt.Fprintln(c.ErrOrStderr(), "No policy was given: nobody but the ledger's key is asked for. With --policy FILE, witnesses are.")
	}
	return nil
}

// read takes the key and the address from a card, and the policy from a file or card.
func (f *introduction) read(c *cobra.Command) (policy proof.Policy, err error) {
	policy = proof.NoPolicy()
	if f.card != "" {
		if f.told, err = readCard(c.InOrStdin(), f.card); err == nil {
			policy, err = proof.ParsePolicy([]byte(f.told.Policy))
		}
		if err != nil {
			return policy, exitWith(exitUnchecked, "%w", err)
		}
		if f.key != "" && f.key != f.told.Log {
			return policy, exitWith(exitUsage, "the card has another key than --key: find out which is right")
		}
		f.key = f.told.Log
	}
	given, err := readPolicy(f.policy)
	if given != nil {
		policy = *given
	}
	return policy, err
}

// notMet says why a ledger is not remembered.
func (f *introduction) notMet(ctx context.Context, server *client.Client, err error, policy proof.Policy) error {
	var unreachable *url.Error
	var refused *client.Refusal
	_, few := asQuorum(err)
	switch {
	case few:
		return unwitnessed(err, policy)
	case errors.As(err, &unreachable), errors.As(err, &refused):
		return exitWith(exitUnchecked, "%w", err)
	}
	ours, _, _ := strings.Cut(f.key, "+")
	if msg, failed := server.Read(ctx, "checkpoint"); failed == nil && firstLine(msg) != ours {
		return exitWith(exitUnchecked, "the ledger there signs as %.200q, and the key is that of %s: it may be of another ledger", firstLine(msg), ours)
	}
	return refuse(err)
}

// meetKey has a key, or says why it needs one.
func (f *introduction) meetKey(c *cobra.Command, server *client.Client) error {
	switch {
	case f.key != "" && f.trustFirst:
		return exitWith(exitUsage, "--trust-first is for who has no key: leave it away")
	case f.key != "":
		_, err := verifier(f.key)
		return err
	case !f.trustFirst:
		return exitWith(exitUsage, "give the log's key with --key, or a card that has it with --card: whoever answers at the address could show a key of his own. Get it on paper, from a card, or from somebody who uses the ledger. With --trust-first the key is taken that is shown now; then you find out later if it was not the one that others see, and not today")
	}
	l, err := server.Ledger(c.Context())
	if err != nil {
		return exitWith(exitUnchecked, "%w", err)
	}
	f.key = l.Keys.Log
	if strings.ContainsFunc(f.key, unprintable) {
		return exitWith(exitInvalid, "NOT VALID: the ledger shows %.200q, which is no key of a log", f.key)
	}
	fmt.Fprintf(c.ErrOrStderr(), "The key is taken as it was shown: %s\nFrom now on this ledger cannot tell you another history. Whether it tells others the same one you\nlearn when somebody shows you this key, or a proof that daybook verify --context accepts.\n", f.key)
	return nil
}

func contextListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what is remembered", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			shelf, err := contexts()
			if err != nil {
				return err
			}
			names, err := shelf.Names()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, name := range names {
				k, err := openContext(name)
				if err != nil {
					fmt.Fprintf(w, "%s\t%s\n", name, oneLine(err.Error()))
					continue
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, k.memory.Origin(), counted(uint64(k.memory.Checkpoint().Size), "entry", "entries"), k.memory.URL)
			}
			return w.Flush()
		},
	}
}

func contextShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show what is remembered of one ledger; nobody is asked", Args: arguments(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := openContext(args[0])
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), k.describe())
			return nil
		},
	}
}

func contextCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check NAME", Short: "Compare what the ledger shows now with what is remembered, and remember that", Args: arguments(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := openContext(args[0])
			if err != nil {
				return err
			}
			before := k.memory.Checkpoint().Size
			if _, err := k.meet(c.Context()); err != nil {
				return err
			}
			out := c.OutOrStdout()
			fmt.Fprintf(out, "CONSISTENT: %s goes on from the %s you knew\n\n", k.memory.Origin(), counted(uint64(before), "entry", "entries"))
			fmt.Fprintf(out, "  %-13s %s\n  %-13s %s\n", "log", k.state(), "index", k.index())
			said := &claims{}
			said.check("both checkpoints are signed by the keys you know")
			said.check("hashes of the log lead from what you knew to what is shown now")
			if k.memory.Policy.Met() {
				said.doubt("that others are shown the same")
			} else {
				said.check("enough witnesses of your policy cosigned it")
			}
			said.doubt("any entry, which daybook audit does")
			said.print(out)
			return nil
		},
	}
}

func contextMoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "move NAME URL", Short: "Say that a ledger answers elsewhere now; it must go on from what you know", Args: arguments(2, "NAME", "URL"),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := openContext(args[0])
			if err != nil {
				return err
			}
			if k.server, err = client.New(args[1], &http.Client{Timeout: contextTimeout}); err != nil {
				return exitWith(exitUsage, "%w", err)
			}
			err = k.shelf.Use(c.Context(), k.name, func(m *client.Memory) error {
				m.URL = strings.TrimRight(args[1], "/")
				return m.Meet(c.Context(), k.server)
			})
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "%s answers at %s now, and goes on from what you knew\n", k.name, strings.TrimRight(args[1], "/"))
			}
			return k.judge(err)
		},
	}
}

func contextRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forget a ledger; evidence that was kept stays", Args: arguments(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			shelf, err := contexts()
			if err != nil {
				return err
			}
			if err := shelf.Remove(c.Context(), args[0]); err != nil {
				return notRemembered(err)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is forgotten; evidence that was kept of it stays in %s\n", args[0], shelf.Dir)
			return nil
		},
	}
}
