package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Violation says that an index does not say what follows from the entries of its
// ledger, or that the ledger has twice what may stand once.
type Violation struct {
	// Place is as that of a ledger.AuditError; of the index it begins with "index/".
	Place  string
	Reason error
	// Evidence is complete and verified: it shows the same to anyone who has the log
	// key, with everything else gone. It is nil where signed statements alone cannot
	// show it, and whoever doubts it has to audit as well.
	Evidence *proof.Evidence
}

func (v *Violation) Error() string { return fmt.Sprintf("auditing %s: %v", v.Place, v.Reason) }

// Unwrap is the reason.
func (v *Violation) Unwrap() error { return v.Reason }

// AuditOptions bound an audit. The zero value checks everything.
type AuditOptions struct {
	// Dir is where the audit keeps what it has read, in a directory that is removed:
	// some 200 bytes for each tag. The default is the system's for temporary files.
	Dir string
	// Parallel is as in ledger.AuditOptions.
	Parallel int
}

// Report is what an audit that found nothing wrong has checked.
type Report struct {
	Ledger *ledger.Report
	Leaves events.Size     // of the index log
	Last   proof.IndexLeaf // the last of them
	Root   proof.Hash      // of the index log
	Note   []byte          // its signed checkpoint; nil when no index is published
	Tags   uint64          // in the ledger
	Labels uint64
	Behind uint64 // tags and labels that no leaf covers yet
}

// Audit checks a public log as [ledger.Audit] does, with v as its key; the log of its
// index in the same way, with the key that entry 0 names; and that each leaf of it
// covers more of the ledger than the one before, something new, no more than is
// published, and has the three roots that follow from the entries, computed again. No
// tag and no label may stand twice. It fetches nothing twice, unless to prove what is
// wrong.
//
// The error is a *Violation when the index or the ledger is not what it must be,
// though all of its files are those that were signed, and otherwise that of
// ledger.Audit, whose places begin with "index/" in the log of the index. A leaf beyond
// the ledger is a *Violation and ErrIncomplete: a newer checkpoint of the ledger may
// explain it. An index that is not there is no error: the report says so.
func Audit(ctx context.Context, src ledger.Source, v note.Verifier, opts AuditOptions) (_ *Report, err error) {
	// The index is read first: then what the ledger shows is not behind it.
	signed, err := src.Read(ctx, indexCheckpoint)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("auditing %s: %w", indexCheckpoint, context.Cause(ctx))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: fetching %s: %w", ledger.ErrIncomplete, indexCheckpoint, err)
	}
	dir, err := os.MkdirTemp(opts.Dir, "daybook-index-")
	if err != nil {
		return nil, fmt.Errorf("auditing the index: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newSpills(dir)
	if err != nil {
		return nil, fmt.Errorf("auditing the index: %w", err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	a := &audit{opts: opts, dir: dir, key: v, src: &watched{Source: src}, index: &indexLog{Source: src, signed: signed}, spills: s}
	defer a.index.close()
	return a.run(ctx)
}

// watched is a source that remembers which checkpoint it showed.
type watched struct {
	ledger.Source
	note []byte
}

func (w *watched) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := w.Source.Read(ctx, path)
	if path == "checkpoint" && err == nil {
		w.note = b
	}
	return b, err
}

// audit is one run.
type audit struct {
	opts  AuditOptions
	dir   string
	key   note.Verifier
	src   *watched
	index *indexLog

	ledger         edge
	spills         *spills
	nTags, nLabels uint64

	due   *indexLeaf // the next one, not reached yet; nil behind the last
	last  indexLeaf  // the one reached last
	items uint64     // in both trees at last
	found *suspicion // the first thing that is wrong; nothing is looked at behind it
}

// suspicion is a violation before both logs are known to be whole.
type suspicion struct {
	place  string
	reason error
	prove  func(context.Context, *prover) (*proof.Evidence, error) // unless nil
}

func (a *audit) run(ctx context.Context) (*Report, error) {
	report, err := ledger.Audit(ctx, a.src, a.key, ledger.AuditOptions{
		Parallel: a.opts.Parallel,
		Each:     a.index.announced,
		InOrder: func(i events.Index, leaf proof.Hash, f ledger.Facts) error {
			return a.take(ctx, i, leaf, f)
		},
	})
	if err == nil {
		err = a.finish()
	}
	if err != nil && !errors.Is(err, ledger.ErrIncomplete) {
		return nil, err
	}
	if bad := a.settle(ctx); bad != nil {
		return nil, bad
	}
	if v := a.violation(ctx); v != nil && (err == nil || v.Evidence != nil) {
		return nil, v // missing files do not excuse what is proved
	}
	if err != nil {
		return nil, err
	}
	return a.report(report), nil
}

func (a *audit) report(of *ledger.Report) *Report {
	of.Tags, of.Labels = a.nTags, a.nLabels
	r := &Report{
		Ledger: of, Last: a.last.IndexLeaf, Root: proof.EmptyRoot(), Note: a.index.signed,
		Tags: of.Tags, Labels: of.Labels, Behind: of.Tags + of.Labels - a.items,
	}
	if a.index.report != nil {
		r.Leaves, r.Root = a.index.report.Size, a.index.report.Root
	}
	return r
}

// take keeps what entry i holds, and compares the leaf that it completes.
func (a *audit) take(ctx context.Context, i events.Index, leaf proof.Hash, f ledger.Facts) error {
	if i == 0 {
		if err := a.index.open(ctx, a.key.Name()); err != nil {
			return err
		}
		if err := a.next(); err != nil {
			return err
		}
	}
	if a.found != nil {
		return nil
	}
	if err := a.keep(i, leaf, f); err != nil {
		return fmt.Errorf("keeping entry %d: %w", i, err)
	}
	if a.due == nil || a.due.Size != a.ledger.size {
		return nil
	}
	if err := a.reach(); err != nil {
		return err
	}
	return a.next()
}

func (a *audit) keep(i events.Index, leaf proof.Hash, f ledger.Facts) error {
	a.ledger.add(leaf)
	it := spilled{item: item{IndexItem: proof.IndexItem{Value: proof.IndexValue(i, leaf)}, at: i}, leaf: noLeaf}
	if a.due != nil {
		it.leaf = a.due.at
	}
	for _, t := range f.Tags {
		it.Label = proof.TagLabel(t)
		if err := a.spills.tags.add(it); err != nil {
			return err
		}
	}
	for _, l := range f.Labels {
		it.Label = proof.PersonLabel(l)
		if err := a.spills.labels.add(it); err != nil {
			return err
		}
	}
	a.nTags, a.nLabels = a.nTags+uint64(len(f.Tags)), a.nLabels+uint64(len(f.Labels))
	return nil
}

// reach holds the leaf that is due against the ledger, which is as large, and keeps it
// until the trees are known.
func (a *audit) reach() error {
	leaf := *a.due
	if root := a.ledger.root(); root != leaf.Root {
		a.suspect(proof.EvidenceIndexRoot, leaf, "it says that the ledger of %d entries has the root %v, which is %v", leaf.Size, leaf.Root, root)
		return nil
	}
	items := a.nTags + a.nLabels
	if items == a.items {
		a.suspect("", leaf, "it covers no tag and no enrolment that the leaf before does not")
	}
	a.last, a.items = leaf, items
	return a.spills.addLeaf(leaf)
}

// suspect notes what is wrong with a leaf, and of which kind the evidence is.
func (a *audit) suspect(kind string, leaf indexLeaf, format string, args ...any) {
	a.found = &suspicion{place: leaf.place(), reason: fmt.Errorf(format, args...)}
	if kind != "" {
		a.found.prove = func(ctx context.Context, p *prover) (*proof.Evidence, error) { return a.prove(ctx, p, kind, leaf) }
	}
}

// next fetches the leaf behind the last one, unless something is wrong already.
func (a *audit) next() error {
	if a.due = nil; a.found != nil {
		return nil
	}
	leaf, err := a.index.next()
	if err != nil || leaf == nil {
		return err
	}
	if leaf.Size <= a.last.Size {
		before, place := a.last, leaf.place()
		a.found = &suspicion{place: place, reason: fmt.Errorf("it covers %d entries, and the leaf before %d", leaf.Size, before.Size)}
		if before.Size > 0 {
			a.found.prove = func(ctx context.Context, p *prover) (*proof.Evidence, error) { return p.back(ctx, before, *leaf) }
		}
		return nil
	}
	a.due = leaf
	return nil
}

// finish is for when the ledger is known to be whole: it reads the log of the index to
// its end, so that this is known to be whole as well.
func (a *audit) finish() error {
	if a.found == nil && a.due != nil {
		a.suspect("", *a.due, "%w: it covers %d entries, and %d are published", ledger.ErrIncomplete, a.due.Size, a.ledger.size)
	}
	for {
		if leaf, err := a.index.next(); err != nil || leaf == nil {
			return err
		}
	}
}

// settle computes both trees and compares their roots with the leaves that were
// reached. What it finds comes before what was found by reading.
func (a *audit) settle(ctx context.Context) error {
	var crowns [2]*crown
	var twice *DuplicateError
	for i, t := range []tree{tags, labels} {
		g, err := growAll(ctx, t, a.spills.of(t), filepath.Join(a.dir, "growth-"+string(t)))
		if err != nil {
			return fmt.Errorf("auditing the index: %w", err)
		}
		defer g.file.Close()
		if crowns[i], err = newCrown(g); err != nil {
			return fmt.Errorf("auditing the index: %w", err)
		}
		if g.twice != nil && (twice == nil || g.twice.Second < twice.Second) {
			twice = g.twice
		}
	}
	if twice != nil {
		a.found = &suspicion{place: entryPlace(twice.Second), reason: twice, prove: twice.evidence}
	}
	return a.spills.eachLeaf(func(l indexLeaf) (more bool, err error) {
		if twice != nil && events.Index(l.Size) > twice.Second {
			return false, nil
		}
		ofTags, err := crowns[0].root(l.at)
		if err != nil {
			return false, err
		}
		ofLabels, err := crowns[1].root(l.at)
		switch {
		case err != nil:
		case ofTags != l.Tags:
			a.suspect(proof.EvidenceIndexTag, l, "the tags of %d entries lead to the root %v, and it says %v", l.Size, ofTags, l.Tags)
		case ofLabels != l.Labels:
			a.suspect(proof.EvidenceIndexLabel, l, "the enrolments in %d entries lead to the root %v, and it says %v", l.Size, ofLabels, l.Labels)
		default:
			return true, nil
		}
		return false, err
	})
}

// violation is what was found, with the evidence of it that can be made.
func (a *audit) violation(ctx context.Context) *Violation {
	if a.found == nil {
		return nil
	}
	v := &Violation{Place: a.found.place, Reason: a.found.reason}
	if a.found.prove == nil {
		return v
	}
	p := &prover{src: a.src.Source, index: a.index, key: a.key, note: a.src.note}
	e, err := a.found.prove(ctx, p)
	if err == nil && e != nil {
		_, err = e.Verify(a.key)
	}
	if err == nil {
		v.Evidence = e
	}
	return v
}
