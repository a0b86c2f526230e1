package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// identity is what entry 0 says of a ledger.
func identity(ctx context.Context, dir, url string) (*events.Entry, error) {
	var source ledger.Source
	var err error
	if url != "" {
		source, err = client.New(url, nil)
	} else {
		source, err = ledger.OpenPublic(filepath.Join(dir, "public"))
	}
	if err != nil {
		return nil, err
	}
	b, err := source.Read(ctx, proof.EntriesPath(0, 1))
	if errors.Is(err, fs.ErrNotExist) { // the first bundle may be full
		b, err = source.Read(ctx, proof.EntriesPath(0, proof.TileWidth))
	}
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w; has the ledger been started?", err)
	}
	n := 1
	entries, err := proof.ReadBundle(b, n)
	if err != nil {
		n = proof.TileWidth
		entries, err = proof.ReadBundle(b, n)
	}
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w", err)
	}
	return events.ParseEntry(entries[0])
}

func keyCommand() *cobra.Command {
	c := identityCommand("key", "Print the log's verifier key, alone on stdout", func(out io.Writer, e *events.Entry) {
		fmt.Fprintln(out, e.Text("keys.log"))
	})
	c.AddCommand(foldKeyCommand())
	return c
}

func policyCommand() *cobra.Command {
	return identityCommand("policy", "Print the ledger's keys and whose cosignatures it needs", func(out io.Writer, e *events.Entry) {
		fmt.Fprintf(out, "origin %s\nlog %s\nreceipt %s\nindex %s\nvrf %s\n%s", e.Text("origin"), e.Text("keys.log"),
			e.Text("keys.receipt"), e.Text("keys.index"), e.Text("vrf"), e.Text("policy"))
	})
}

func identityCommand(use, short string, print func(io.Writer, *events.Entry)) *cobra.Command {
	var dir, url string
	c := &cobra.Command{Use: use, Short: short, Args: usage(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
		e, err := identity(c.Context(), dir, url)
		if err != nil {
			return err
		}
		print(c.OutOrStdout(), e)
		return nil
	}}
	c.Flags().StringVar(&dir, "dir", defaultDir, "the data directory")
	c.Flags().StringVar(&url, "url", "", "ask this ledger instead")
	return c
}

func proveCommand() *cobra.Command {
	var url, out string
	c := &cobra.Command{
		Use:   "prove POSITION|EVENT",
		Short: "Fetch the proof of one entry, a .tlog-proof that verifies offline",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			source, err := client.New(url, nil)
			if err != nil {
				return err
			}
			p, err := source.Proof(c.Context(), args[0])
			if err != nil {
				return err
			}
			if out == "" {
				_, err = c.OutOrStdout().Write(p.Format())
				return err
			}
			return os.WriteFile(out, p.Format(), 0o644)
		},
	}
	c.Flags().StringVar(&url, "url", defaultURL, "the ledger")
	c.Flags().StringVarP(&out, "output", "o", "", "write to this file instead of stdout")
	return c
}

// verifier reads a --key flag.
func verifier(key string) (note.Verifier, error) {
	if key == "" {
		return nil, exitWith(exitUsage, "give the log's verifier key with --key; daybook key prints it")
	}
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		return nil, exitWith(exitUnchecked, "reading the key: %w", err)
	}
	return v, nil
}

// maxProofFile is above any proof but a trail's bundle.
const maxProofFile = 1 << 20

func verifyCommand() *cobra.Command {
	var key, card string
	c := &cobra.Command{
		Use:   "verify FILE --key VKEY | --card CARD",
		Short: "Check a proof, an entry that a person gave you, evidence, or what you kept of your trail, offline, and say what was checked",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if card != "" {
				return verifyBundle(c, args[0], card)
			}
			v, err := verifier(key)
			if err != nil {
				return err
			}
			b, err := readLimited(args[0], maxBundleFile)
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			if len(bytes.TrimSpace(b)) == 0 {
				return exitWith(exitIncomplete, "the file is empty: nothing was checked")
			}
			return verify(c.OutOrStdout(), b, v)
		},
	}
	c.Flags().StringVar(&card, "card", "", "of what you kept of your trail: your card, a file or - for stdin")
	c.Flags().StringVar(&key, "key", "", "the verifier key: the log's, or of evidence about the index alone the index key")
	return c
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the proof: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("reading the proof: %w", err)
	}
	return b, nil
}

func verify(out io.Writer, b []byte, v note.Verifier) error {
	if proof.IsBundle(b) {
		return exitWith(exitUsage, "this is what somebody kept of a trail: give the card it is of, with --card")
	}
	if proof.IsEvidence(b) {
		return verifyEvidence(out, b, v)
	}
	if proof.IsPresentation(b) {
		return verifyPresentation(out, b, v)
	}
	p, err := proof.ParseProof(b)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: %w", err)
	}
	c, err := p.Verify(v)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: %w", err)
	}
	entry, err := events.ParseEntry(p.Extra)
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: the log has this entry, and it is no Daybook entry: %w", err)
	}
	fmt.Fprintf(out, "VALID: 1 entry checked\n\n")
	printEntry(out, p, c, entry)
	fmt.Fprintf(out, "\nChecked: the entry's bytes hash to a leaf; %d hashes lead from it to the root of the\n", len(p.Path))
	fmt.Fprintf(out, "log at size %d; the root is signed by the key you gave. Not checked: that anyone but\n", c.Size)
	fmt.Fprintf(out, "the log has seen this root, and what the %d private digests commit to.\n", len(entry.Texts("_sd")))
	return nil
}

// printEntry prints what the public sees of an entry that was proved.
func printEntry(out io.Writer, p proof.Proof, c proof.Checkpoint, entry *events.Entry) {
	fmt.Fprintf(out, "  %-13s %d of the log %s\n", "position", p.Index, c.Origin)
	for _, name := range []string{"event", "kind", "organization", "system", "occurredAt", "recordedAt", "corrects", "about", "seal", "what", "month"} {
		if s := entry.Text(name); s != "" {
			fmt.Fprintf(out, "  %-13s %s\n", name, s)
		}
	}
	if words := concerned(entry); words != "" {
		fmt.Fprintf(out, "  %-13s %s\n", "persons", words)
	}
	fmt.Fprintf(out, "  %-13s %s\n", "entry hash", events.HashEntry(p.Extra))
}

// concerned says whom an entry concerns, as far as it tells, and "" when it is
// not about persons.
func concerned(e *events.Entry) string {
	number := func(path string) int64 { v, _ := e.Value(path); return v.Int() }
	tags := len(e.Texts("subjects.tags"))
	switch e.Text("subjects.mode") {
	case "none":
		return "nobody in particular"
	case "unknown":
		return "not named"
	case "single":
		return "1, by a tag that her key recognizes"
	case "several":
		return fmt.Sprintf("%d, by tags that their keys recognize", tags)
	case "bulk":
		if tags > 0 {
			return fmt.Sprintf("%d, by tags that their keys recognize; part %d of %d of the event %s",
				tags, number("subjects.part"), number("subjects.parts"), e.Text("subjects.partOf"))
		}
		return fmt.Sprintf("many, named in %d parts that follow", number("subjects.parts"))
	}
	return ""
}

func auditCommand() *cobra.Command {
	var key, evidence string
	var index bool
	c := &cobra.Command{
		Use:   "audit URL|DIR --key VKEY [--index [--evidence FILE]]",
		Short: "Check the whole public log: every entry, every hash, the signature; and the completeness index",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if evidence != "" && !index {
				return exitWith(exitUsage, "--evidence is for what --index finds")
			}
			v, err := verifier(key)
			if err != nil {
				return err
			}
			source, err := auditSource(args[0])
			if err == nil {
				err = reachable(c.Context(), source)
			}
			if err != nil {
				return exitWith(exitUnchecked, "%w", err)
			}
			if index {
				return auditIndex(c.Context(), c.OutOrStdout(), source, v, evidence)
			}
			report, err := ledger.Audit(c.Context(), source, v, ledger.AuditOptions{})
			if err != nil {
				return auditError(err)
			}
			printReport(c.OutOrStdout(), report)
			return nil
		},
	}
	c.Flags().StringVar(&key, "key", "", "the log's verifier key")
	c.Flags().BoolVar(&index, "index", false, "compute the completeness index again, too, and compare every leaf of its log")
	c.Flags().StringVar(&evidence, "evidence", "", "write what convicts the ledger to this new file, which daybook verify opens")
	return c
}

func auditSource(where string) (ledger.Source, error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return client.New(where, nil)
	}
	if info, err := os.Stat(filepath.Join(where, "public")); err == nil && info.IsDir() {
		where = filepath.Join(where, "public") // a whole data directory was given
	}
	return ledger.OpenPublic(where)
}

// reachable says why not even a checkpoint can be asked for: then nothing is
// incomplete, since nothing could begin. A log without one is there, and empty.
func reachable(ctx context.Context, source ledger.Source) error {
	_, err := source.Read(ctx, "checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// auditError gives an audit's failure its exit code.
func auditError(err error) error {
	var bad *ledger.AuditError
	var index *trail.Violation
	switch {
	case errors.Is(err, ledger.ErrIncomplete), errors.Is(err, ledger.ErrNothingChecked):
		return exitWith(exitIncomplete, "%w", err)
	case errors.As(err, &bad), errors.As(err, &index):
		return exitWith(exitInvalid, "NOT VALID: %w", err)
	}
	return exitWith(exitUnchecked, "%w", err)
}

func printReport(out io.Writer, r *ledger.Report) {
	fmt.Fprintf(out, "VALID: %d entries checked\n\n", r.Size)
	fmt.Fprintf(out, "  log      %s\n  size     %d\n  root     %s\n  tiles    %d\n  tags     %d\n  persons  %d enrolled\n",
		r.Origin, r.Size, r.Root, r.Tiles, r.Tags, r.Labels)
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		fmt.Fprintf(out, "  %7d  %s\n", r.Kinds[kind], kind)
	}
	fmt.Fprintf(out, "\nChecked: every entry is well formed and hashes to its leaf; every tile and the root follow\n"+
		"from the leaves; the root is signed by the key you gave; no event name, tag or person stands\n"+
		"twice. Not checked: that others were shown the same log, and what private digests commit to.\n")
}
