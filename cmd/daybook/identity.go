package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// shownAt is the public log of a ledger at an address, or else in its data directory.
func shownAt(dir, url string) (ledger.Source, error) {
	if url != "" {
		return client.New(url, nil)
	}
	return ledger.OpenPublic(filepath.Join(dir, "public"))
}

// identity is what entry 0 says of a ledger.
func identity(ctx context.Context, source ledger.Source) (*events.Entry, error) {
	entries, err := bundleOf(ctx, source, 0, 1)
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w", unanswered(err))
	}
	return events.ParseEntry(entries[0])
}

// identityIn is what entry 0 says of the ledger in a data directory.
func identityIn(ctx context.Context, dir string) (*events.Entry, error) {
	source, err := shownAt(dir, "")
	if err != nil {
		return nil, err
	}
	return identity(ctx, source)
}

// unanswered adds to a refusal what may be done.
func unanswered(err error) error {
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return fmt.Errorf("%w; it answers at an address that begins with http://", err)
	}
	return fmt.Errorf("%w; has the ledger been started?", err)
}

// bundleOf are the first entries of bundle n: those of a partial one of this width, or of
// the full one that it became.
func bundleOf(ctx context.Context, source ledger.Source, n uint64, width int) ([][]byte, error) {
	b, err := source.Read(ctx, proof.EntriesPath(n, width))
	if errors.Is(err, fs.ErrNotExist) && width < proof.TileWidth {
		b, err = source.Read(ctx, proof.EntriesPath(n, proof.TileWidth))
	}
	if err != nil {
		return nil, err
	}
	entries, err := proof.ReadBundle(b, width)
	if err != nil {
		entries, err = proof.ReadBundle(b, proof.TileWidth)
	}
	if err != nil {
		return nil, err
	}
	return entries[:width], nil
}

// lastPolicy is the policy that a public log says was in force last: that of the last
// entry on a witness, or of entry 0. Nothing of it is verified.
func lastPolicy(ctx context.Context, source ledger.Source, first *events.Entry) (string, error) {
	msg, err := source.Read(ctx, "checkpoint")
	if err != nil {
		return "", err
	}
	text, _, _ := bytes.Cut(msg, []byte("\n\n"))
	at, err := proof.ParseCheckpoint(string(text) + "\n")
	if err != nil {
		return "", err
	}
	for size := uint64(at.Size); size > 0; size = (size - 1) / proof.TileWidth * proof.TileWidth {
		n := (size - 1) / proof.TileWidth
		entries, err := bundleOf(ctx, source, n, int(size-n*proof.TileWidth))
		if err != nil {
			return "", err
		}
		for i := len(entries) - 1; i >= 0; i-- {
			if !bytes.Contains(entries[i], []byte(`"witness.`)) {
				continue
			}
			e, err := events.ParseEntry(entries[i])
			if err != nil {
				return "", err
			}
			if e.Kind.Name == "witness.added" || e.Kind.Name == "witness.removed" {
				return e.Text("policy"), nil
			}
		}
	}
	return first.Text("policy"), nil
}

func keyCommand() *cobra.Command {
	c := identityCommand("key", "Print the log's verifier key, alone on stdout", func(c *cobra.Command, e *events.Entry, _ ledger.Source) error {
		_, err := fmt.Fprintln(c.OutOrStdout(), e.Text("keys.log"))
		return err
	})
	c.AddCommand(foldKeyCommand())
	return c
}

func policyCommand() *cobra.Command {
	return identityCommand("policy", "Print a policy file: whose cosignatures the ledger needs, by its own word, and its keys as comments", printPolicy)
}

// printPolicy prints what the server says is in force, or what the files of the public
// log do.
func printPolicy(c *cobra.Command, e *events.Entry, source ledger.Source) error {
	policy, err := policyThere(c.Context(), e, source)
	if err != nil {
		return fmt.Errorf("reading what the ledger says of itself: %w", err)
	}
	said, err := proof.ParsePolicy([]byte(policy))
	if policy = said.Text(); err == nil && strings.ContainsFunc(policy, unprintable) {
		err = errors.New("its policy has names that cannot be printed")
	}
	if err != nil {
		return fmt.Errorf("reading what the ledger says of itself: %w", err)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "# origin %s\n# log %s\n# receipt %s\n# index %s\n# vrf %s\n%s", e.Text("origin"), e.Text("keys.log"),
		e.Text("keys.receipt"), e.Text("keys.index"), e.Text("vrf"), policy)
	return err
}

// policyThere is the policy in force. A copy is asked for its files, as a directory is.
func policyThere(ctx context.Context, first *events.Entry, source ledger.Source) (string, error) {
	server, ok := source.(*client.Client)
	if !ok {
		return lastPolicy(ctx, source, first)
	}
	now, err := server.Ledger(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return lastPolicy(ctx, source, first)
	}
	return now.Policy, err
}

// unprintable says that a terminal would do something else with a letter than show it.
func unprintable(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

func identityCommand(use, short string, print func(*cobra.Command, *events.Entry, ledger.Source) error) *cobra.Command {
	var dir, url string
	var context contextFlag
	long := short + `.

Exit codes: 0 it is printed; 1 it cannot be read, or nobody answers; 2 misused; with
--context 3 not valid, 4 not checked, 5 incomplete: too few witnesses signed.`
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: usage(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
		k, err := context.open(c, "url", "dir")
		if err != nil {
			return err
		}
		var e *events.Entry
		var source ledger.Source
		if k != nil {
			source = k.server
			e, err = k.opened(c.Context())
		} else if source, err = shownAt(dir, url); err == nil {
			e, err = identity(c.Context(), source)
		}
		if err != nil {
			return err
		}
		return print(c, e, source)
	}}
	context.flag(c)
	c.Flags().StringVar(&dir, "dir", defaultDir, "the data directory")
	c.Flags().StringVar(&url, "url", "", "ask this ledger instead")
	return c
}
