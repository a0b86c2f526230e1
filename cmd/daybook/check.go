package main

import (
	"bytes"
	"cmp"
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

func proveCommand() *cobra.Command {
	var url, out string
	var context contextFlag
	c := &cobra.Command{
		Use:   "prove POSITION|EVENT",
		Short: "Fetch the proof of one entry, a .tlog-proof that verifies offline",
		Long: `Fetch the proof of one entry, a .tlog-proof that verifies offline. With --context NAME it
is verified and compared with what you know of that ledger before.

Exit codes: 0 it is here; 1 there is none, or nobody answers; 2 misused; with --context 3
not valid, 4 not checked, 5 incomplete: too few witnesses signed.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := context.open(c, "url")
			if err != nil {
				return err
			}
			p, err := fetchProof(c.Context(), k, url, args[0])
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
	context.flag(c)
	return c
}

// fetchProof asks the ledger at url; or one that is known, and then verifies the proof
// and compares its checkpoint with what is known.
func fetchProof(ctx context.Context, k *known, url, entry string) (proof.Proof, error) {
	if k == nil {
		source, err := client.New(url, nil)
		if err != nil {
			return proof.Proof{}, err
		}
		p, err := source.Proof(ctx, entry)
		if refused := new(client.Refusal); errors.As(err, &refused) && errors.Is(err, fs.ErrNotExist) && refused.Detail == "" {
			err = fmt.Errorf("%w; if that is a copy of the log, it has files only: ask the ledger itself", err)
		}
		return p, err
	}
	p, err := k.server.Proof(ctx, entry)
	if err != nil {
		return p, err
	}
	if _, err := p.Verify(k.memory.LogKey()); err != nil {
		return p, refuse(err)
	}
	_, _, few := k.memory.Policy.Check(p.Note, k.memory.LogKey())
	if _, ok := asQuorum(few); few != nil && !ok {
		return p, refuse(few)
	}
	_, err = k.meet(ctx, p.Note) // which convicts also where too few signed
	if e := new(exit); few != nil && !(errors.As(err, &e) && e.code == exitInvalid) {
		err = unwitnessed(few, k.memory.Policy)
	}
	return p, err
}

// verifier reads a --key flag.
func verifier(key string) (note.Verifier, error) {
	if key == "" {
		return nil, exitWith(exitUsage, "give the log's verifier key with --key; daybook key prints it")
	}
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		return nil, exitWith(exitUsage, "reading the key: %w", err)
	}
	return v, nil
}

// maxProofFile is above any proof but a trail's bundle.
const maxProofFile = 1 << 20

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	return b, nil
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
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit URL|DIR --key VKEY [--index [--evidence FILE]]",
		Short: "Check the whole public log: every entry, every hash, the signature; and the completeness index",
		Long: `Check the whole public log: every entry, every hash, the signature; and with --index the
completeness index. With --context NAME it is also compared with what you know of that
ledger, and must have the cosignatures that the context asks for.

Exit codes: 0 valid; 2 misused; 3 not valid; 4 not checked, as when nothing can be read;
5 incomplete: something is missing, nothing is published, or too few witnesses signed.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := f.context.open(c, "key")
			if err != nil {
				return err
			}
			if len(args) == 0 && k == nil {
				return exitWith(exitUsage, "give the address or directory of a public log, or --context; see daybook audit --help")
			}
			return f.run(c, k, args)
		},
	}
	c.Flags().StringVar(&f.key, "key", "", "the log's verifier key")
	f.context.flag(c)
	c.Flags().BoolVar(&f.index, "index", false, "compute the completeness index again, too, and compare every leaf of its log")
	c.Flags().StringVar(&f.evidence, "evidence", "", "write what convicts the ledger to this new file, which daybook verify opens")
	return c
}

// auditFlags are what an audit is of.
type auditFlags struct {
	key, evidence string
	index         bool
	context       contextFlag
}

// run audits where args say, or the ledger that is known.
func (f *auditFlags) run(c *cobra.Command, k *known, args []string) error {
	if f.evidence != "" && !f.index {
		return exitWith(exitUsage, "--evidence is for what --index finds")
	}
	where := strings.Join(args, "")
	if k != nil {
		f.key = k.memory.Log
		where = cmp.Or(where, k.memory.URL)
	}
	v, err := verifier(f.key)
	if err != nil {
		return err
	}
	source, err := auditSource(where)
	if err == nil {
		err = reachable(c.Context(), source)
	}
	if err != nil {
		return exitWith(exitUnchecked, "%w", err)
	}
	w, report := &overheard{Source: source}, &bytes.Buffer{}
	err = f.audit(c.Context(), report, w, v, trust{known: k}.whose())
	if k != nil && report.Len() > 0 { // what does not meet its policy is not said to be valid
		if worse := k.confirm(c.Context(), report, w.notes); worse != nil {
			return worse
		}
	}
	_, failed := report.WriteTo(c.OutOrStdout())
	return errors.Join(err, failed)
}

func (f *auditFlags) audit(ctx context.Context, out io.Writer, source ledger.Source, v note.Verifier, whose string) error {
	if f.index {
		return auditIndex(ctx, out, source, v, f.evidence, whose)
	}
	report, err := ledger.Audit(ctx, source, v, ledger.AuditOptions{})
	if err != nil {
		return auditError(err)
	}
	printReport(out, report, whose)
	return nil
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

func printReport(out io.Writer, r *ledger.Report, whose string) {
	fmt.Fprintf(out, "VALID: %d entries checked\n\n", r.Size)
	fmt.Fprintf(out, "  log      %s\n  size     %d\n  root     %s\n  tiles    %d\n  tags     %d\n  persons  %d enrolled\n",
		r.Origin, r.Size, r.Root, r.Tiles, r.Tags, r.Labels)
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		fmt.Fprintf(out, "  %7d  %s\n", r.Kinds[kind], kind)
	}
	fmt.Fprintln(out)
	fill(out, "Checked: every entry is well formed and hashes to its leaf; every tile and the root follow "+
		"from the leaves; the root is signed by "+whose+"; no event name, tag or person stands "+
		"twice. Not checked: that others were shown the same log, and what private digests commit to.")
}
