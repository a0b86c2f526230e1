package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

func spotCommand() *cobra.Command {
	var f auditorFlags
	var sample int
	var after uint64
	c := &cobra.Command{
		Use:   "spot URL --token AUDITOR --org ORGANIZATION --key VKEY --sample N",
		Short: "For auditors of all: have entries opened that nobody chose, and check what they hold",
		Long: "Commit to the entries there are, announce it on record, and wait for a checkpoint that covers\n" +
			"the announcement. Its hash chooses entries that have tags; the ledger has to open each of them,\n" +
			"which is recorded in the trails of whom it concerns.",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if sample < 1 {
				return exitWith(exitUsage, "say with --sample how many entries are to be opened")
			}
			auditor, v, head, err := f.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			if after > uint64(head.Size) {
				return exitWith(exitUsage, "--after %d: the log has %d entries", after, head.Size)
			}
			s := &spot{auditor: auditor, key: v, head: head, size: head.Size, want: sample, out: c.OutOrStdout()}
			if after > 0 {
				s.size = events.Size(after)
			}
			return s.run(c.Context())
		},
	}
	f.add(c)
	c.Flags().IntVar(&sample, "sample", 0, "how many entries to have opened")
	c.Flags().Uint64Var(&after, "after", 0, "only entries before this size of the log; default all there are")
	return c
}

// spot is one spot check.
type spot struct {
	auditor client.Auditor
	key     note.Verifier
	head    proof.Checkpoint
	size    events.Size // committed to
	want    int
	out     io.Writer

	mu     sync.Mutex
	tagged []events.Index  // before size
	ended  map[string]bool // organizations and months whose key was destroyed
	failed []string

	opened, erased, kept int
}

func (s *spot) run(ctx context.Context) error {
	fmt.Fprintf(s.out, "Committed to the first %d entries of %s; the log has %d, with the root\n%s.\n", s.size, s.head.Origin, s.head.Size,
		base64.StdEncoding.EncodeToString(s.head.Root[:]))
	reading, err := s.auditor.Announce(ctx, s.size, s.want)
	if err != nil {
		return exitWith(exitUnchecked, "%w", err)
	}
	fmt.Fprintf(s.out, "Announced by entry %d.\n", reading)
	later, err := s.later(ctx, reading)
	if err != nil {
		return err
	}
	s.ended = map[string]bool{}
	_, err = ledger.Audit(ctx, s.auditor, s.key, ledger.AuditOptions{Each: s.see, Begins: []proof.Checkpoint{s.head, later}})
	if err != nil {
		return auditError(err)
	}
	slices.Sort(s.tagged)
	drawn := proof.Sample(proof.SpotSeed(later), uint64(len(s.tagged)), s.want)
	fmt.Fprintf(s.out, "Drawn by the checkpoint of %d entries: %d of the %d that concern somebody by name.\n\n", later.Size, len(drawn), len(s.tagged))
	for _, n := range drawn {
		if err := s.check(ctx, s.tagged[n]); err != nil {
			return err
		}
	}
	return s.print(len(drawn))
}

// later waits for a checkpoint that covers the announcement: nobody could know its
// root when the auditor committed to the entries.
func (s *spot) later(ctx context.Context, reading events.Index) (proof.Checkpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		c, err := checkpointOf(ctx, s.auditor, s.key)
		if err == nil && uint64(c.Size) > uint64(reading) {
			return c, nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("no checkpoint covers the announcement yet: %w", context.Cause(ctx))
			}
			return c, exitWith(exitIncomplete, "%w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// see notes which entries have tags, and which months' keys were destroyed.
func (s *spot) see(i events.Index, e *events.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if uint64(i) < uint64(s.size) && len(e.Texts("subjects.tags")) > 0 {
		s.tagged = append(s.tagged, i)
	}
	if e.Kind.Name == "key.shredded" && e.Text("what") == "month" {
		s.ended[e.Text("organization")+" "+e.Text("month")] = true
	}
}

// check has one entry opened.
func (s *spot) check(ctx context.Context, i events.Index) error {
	p, err := s.auditor.Proof(ctx, strconv.FormatUint(uint64(i), 10))
	if err == nil {
		_, err = p.Verify(s.key)
	}
	var entry *events.Entry
	if err == nil {
		entry, err = events.ParseEntry(p.Extra)
	}
	if err == nil && p.Index != i {
		err = fmt.Errorf("entry %d came instead", p.Index)
	}
	var leaf client.Leaf
	if err == nil {
		leaf, err = s.auditor.Leaf(ctx, i)
	}
	if ctx.Err() != nil {
		return exitWith(exitIncomplete, "%w", context.Cause(ctx))
	}
	gone := 0
	if err == nil {
		gone, err = s.leaf(ctx, i, entry, leaf)
	}
	switch {
	case err != nil:
		s.failed = append(s.failed, fmt.Sprintf("entry %d: %v", i, err))
		fmt.Fprintf(s.out, "  entry %-8d FAILED  %v\n", i, err)
	case gone > 0:
		s.erased++
		fmt.Fprintf(s.out, "  entry %-8d erased  the keys of %s it concerns were destroyed\n", i, count(uint64(gone), "person", "persons"))
	case leaf.Sealed != "":
		s.kept++
		fmt.Fprintf(s.out, "  entry %-8d tags    %s\n", i, oneLine(leaf.Sealed))
	default:
		s.opened++
		fmt.Fprintf(s.out, "  entry %-8d opened  %s, %s\n", i, entry.Kind.Name, count(uint64(len(leaf.Disclosures)), "field", "fields"))
	}
	return nil
}

// leaf holds what was opened against the entry, and says for how many of its tags
// the keys are destroyed.
func (s *spot) leaf(ctx context.Context, i events.Index, entry *events.Entry, leaf client.Leaf) (gone int, err error) {
	tags := entry.Texts("subjects.tags")
	if len(leaf.Tags) != len(tags) {
		return 0, fmt.Errorf("it has %d tags, and %d were explained", len(tags), len(leaf.Tags))
	}
	for n, t := range leaf.Tags {
		switch {
		case t.Shredded != nil && t.EventKey == "":
			if err := s.shredded(ctx, i, *t.Shredded); err != nil {
				return gone, err
			}
			gone++
		default:
			key, err := base64.RawURLEncoding.Strict().DecodeString(t.EventKey)
			if err != nil || len(key) != 32 || proof.TagOf([32]byte(key)).String() != tags[n] {
				return gone, fmt.Errorf("no key makes tag %d, and no entry says that it was destroyed", n)
			}
		}
	}
	if gone > 0 {
		return gone, nil
	}
	return 0, s.details(entry, leaf)
}

// shredded holds that the entry at at destroyed somebody's keys, behind entry i.
func (s *spot) shredded(ctx context.Context, i, at events.Index) error {
	p, err := s.auditor.Proof(ctx, strconv.FormatUint(uint64(at), 10))
	if err == nil {
		_, err = p.Verify(s.key)
	}
	if err != nil {
		return fmt.Errorf("its keys are said to be destroyed by entry %d: %w", at, err)
	}
	e, err := events.ParseEntry(p.Extra)
	if err != nil || p.Index != at || at < i || e.Kind.Name != "key.shredded" || e.Text("what") != "person" {
		return fmt.Errorf("its keys are said to be destroyed by entry %d, which does not say so", at)
	}
	return nil
}

// details holds that the entry commits to each field that was opened, and that it is
// opened about whom it is, unless the key of its month is destroyed.
func (s *spot) details(entry *events.Entry, leaf client.Leaf) error {
	digests := map[string]bool{}
	for _, text := range entry.Texts("_sd") {
		digests[text] = true
	}
	subjects := 0
	for _, text := range leaf.Disclosures {
		d, err := events.ParseDisclosure(text)
		if err != nil {
			return err
		}
		digest := d.Digest().String()
		if !digests[digest] {
			return fmt.Errorf("it does not commit to %s, or that was opened twice", d.Name)
		}
		delete(digests, digest)
		if d.Name == "subject" {
			subjects++
		}
	}
	_, part := entry.Value("subjects.part")
	switch {
	case leaf.Sealed != "" && !s.monthEnded(entry):
		return fmt.Errorf("its details were not opened: %.100q; and no entry says that the key of its month was destroyed", leaf.Sealed)
	case leaf.Sealed == "" && !part && subjects != len(leaf.Tags):
		return errors.New("whom it concerns was not opened")
	}
	return nil
}

// monthEnded says whether the key of the month in which entry was recorded is
// destroyed. The entry has the local day, which may be in the next month.
func (s *spot) monthEnded(entry *events.Entry) bool {
	on, err := time.Parse(time.DateOnly, entry.Text("recordedAt")[:min(10, len(entry.Text("recordedAt")))])
	if err != nil {
		return false
	}
	for _, day := range []int{-1, 0, 1} {
		if s.ended[entry.Text("organization")+" "+on.AddDate(0, 0, day).Format("2006-01")] {
			return true
		}
	}
	return false
}

func (s *spot) print(drawn int) error {
	fmt.Fprintf(s.out, "\n%d drawn: %d opened, %d of which the details are not kept, %d erased, %d failed.\n", drawn, s.opened+s.kept, s.kept, s.erased, len(s.failed))
	if drawn == len(s.tagged) {
		fmt.Fprintf(s.out, "All of them were drawn.\n")
	} else {
		fmt.Fprintf(s.out, "If 1 %% of the entries could not be opened, this had found one with a probability of %.1f %%;\n"+
			"if 0.1 %%, of %.1f %%.\n", 100*proof.Detection(0.01, drawn), 100*proof.Detection(0.001, drawn))
	}
	fmt.Fprintf(s.out, "\nChecked: a later checkpoint chose the entries; keys make their tags; they commit to what was\n"+
		"opened. Weak: a ledger that tries out what to record before it signs has some choice in what is\n"+
		"drawn, whoever cosigns what it shows then. Not checked: that what was recorded is true, and of\n"+
		"erased entries what they held, and that the keys that were destroyed are theirs.\n")
	if len(s.failed) > 0 {
		return exitWith(exitInvalid, "FAILED: %s could not be opened as published", count(uint64(len(s.failed)), "entry", "entries"))
	}
	return nil
}
