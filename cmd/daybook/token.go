package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

func tokenCommand() *cobra.Command {
	var dir, role string
	var grant intake.Grant
	c := &cobra.Command{
		Use:   "token --role ROLE [--org ORG] [--source S]...",
		Short: "Make a bearer token; the running server takes it at once",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			grant.Role = events.Role(role)
			if err := grant.Check(); err != nil {
				return exitWith(exitUsage, "%w; see daybook token --help", err)
			}
			tokens, err := intake.OpenTokens(filepath.Join(dir, "tokens"))
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
	c.Flags().StringVar(&dir, "dir", defaultDir, "the data directory")
	c.Flags().StringVar(&role, "role", "", "emitter, registrar, officer, auditor or admin")
	c.Flags().StringVar(&grant.Organization, "org", "", "the organization it speaks for; required for emitter and officer")
	c.Flags().StringArrayVar(&grant.Sources, "source", nil, "a source it may name, repeatable; default the organization's reference")
	return c
}
