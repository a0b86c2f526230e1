package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

func tokenCommand() *cobra.Command {
	var dir, role string
	var grant intake.Grant
	c := &cobra.Command{
		Use:   "token --role ROLE [--org ORG] [--source S]... [--rhythm PERIOD]",
		Short: "Make a bearer token; the running server takes it at once",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			grant.Role = events.Role(role)
			if err := grant.Check(); err != nil {
				return exitWith(exitUsage, "%w; see daybook token --help", err)
			}
			tokens, err := openTokens(dir)
			if err != nil {
				return err
			}
			token, err := tokens.Mint(grant)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), token)
			return nil
		},
	}
	c.PersistentFlags().StringVar(&dir, "dir", defaultDir, "the data directory")
	c.Flags().StringVar(&role, "role", "", "emitter, registrar, officer, auditor or admin")
	c.Flags().StringVar(&grant.Organization, "org", "", "the organization it speaks for; required for emitter and officer")
	c.Flags().StringArrayVar(&grant.Sources, "source", nil, "a source it may name, repeatable; default the organization's reference")
	c.Flags().StringVar(&grant.Rhythm, "rhythm", "", "for an emitter: how often it says something at least, as PT1H or P1D; when it does not, the coverage page shows that")
	c.AddCommand(tokenListCommand(&dir), tokenRevokeCommand(&dir))
	return c
}

func openTokens(dir string) (*intake.Tokens, error) {
	return intake.OpenTokens(filepath.Join(dir, "tokens"))
}

func tokenListCommand(dir *string) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tokens by name, those revoked included; the secrets are not known here",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "table" && format != "ndjson" {
				return exitWith(exitUsage, "there is no output %q: table or ndjson; see daybook token list --help", format)
			}
			tokens, err := openTokens(*dir)
			if err != nil {
				return err
			}
			list, err := tokens.List()
			if err != nil {
				return err
			}
			if format == "ndjson" {
				return tokenLines(c.OutOrStdout(), list)
			}
			return tokenTable(c.OutOrStdout(), list)
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "table", "table or ndjson")
	return c
}

func tokenTable(out io.Writer, list []intake.Named) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tROLE\tORGANIZATION\tSOURCES\tRHYTHM")
	for _, n := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, tokenStanding(n), n.Grant.Role, n.Grant.Organization, strings.Join(n.Grant.Sources, " "), n.Grant.Rhythm)
	}
	return w.Flush()
}

func tokenLines(out io.Writer, list []intake.Named) error {
	enc := json.NewEncoder(out)
	for _, n := range list {
		line := struct {
			Name  string `json:"name"`
			State string `json:"state"`
			intake.Grant
		}{n.Name, tokenStanding(n), n.Grant}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func tokenStanding(n intake.Named) string {
	if n.Revoked {
		return "revoked"
	}
	return "live"
}

func tokenRevokeCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a token, named as daybook token list names it; the running server refuses it at once",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			tokens, err := openTokens(*dir)
			if err != nil {
				return err
			}
			err = tokens.Revoke(args[0])
			if errors.Is(err, intake.ErrNoToken) {
				return fmt.Errorf("%w; daybook token list --dir %s names them", err, *dir)
			}
			return err
		},
	}
}
