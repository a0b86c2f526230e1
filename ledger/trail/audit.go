package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	// Dir is where the trees lie meanwhile, in a directory that is removed; the
	// default is the system's for temporary files.
	Dir string
	// Parallel is as in ledger.AuditOptions.
	Parallel int
	// Cache is as in Config.
	Cache int64

	batch int // entries that are added to the trees at a time; tests cut otherwise
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
	if opts.batch <= 0 {
		opts.batch = 4 * maxEntries
	}
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
	s, err := openTrees(dir, treeOptions{cache: opts.Cache, passing: true})
	if err != nil {
		return nil, fmt.Errorf("auditing the index: %w", err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	a := &audit{opts: opts, key: v, src: &watched{Source: src}, index: &indexLog{Source: src, signed: signed}, trees: s}
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
	key   note.Verifier
	src   *watched
	index *indexLog
	trees *trees
	batch addition

	due    *indexLeaf   // the next one, not compared yet; nil behind the last
	last   indexLeaf    // the one compared last
	items  uint64       // in both trees at last
	since  addition     // what came behind last: guess says how much of it
	before events.Index // where since begins
	found  *suspicion   // the first thing that is wrong; nothing is compared behind it
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
		err = a.finish(ctx)
	}
	if err != nil && !errors.Is(err, ledger.ErrIncomplete) {
		return nil, err
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
	of.Tags, of.Labels = a.trees.now.nTags, a.trees.now.nLabels
	r := &Report{
		Ledger: of, Last: a.last.IndexLeaf, Root: proof.EmptyRoot(), Note: a.index.signed,
		Tags: of.Tags, Labels: of.Labels, Behind: of.Tags + of.Labels - a.items,
	}
	if a.index.report != nil {
		r.Leaves, r.Root = a.index.report.Size, a.index.report.Root
	}
	return r
}

// take adds entry i to what is computed, and compares at the sizes that leaves name.
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
	a.batch.facts(i, leaf, f)
	reached := a.due != nil && a.due.Size == events.Size(i)+1
	if !reached && len(a.batch.leaves) < a.opts.batch && len(a.batch.tags)+len(a.batch.labels) < 2*a.opts.batch {
		return nil
	}
	if err := a.flush(); err != nil || !reached || a.found != nil {
		return err
	}
	a.compare()
	return a.next()
}

// flush makes what is gathered part of the trees.
func (a *audit) flush() error {
	if len(a.batch.leaves) == 0 {
		return nil
	}
	a.remember()
	err := a.trees.add(a.batch)
	a.batch = addition{leaves: a.batch.leaves[:0], tags: a.batch.tags[:0], labels: a.batch.labels[:0]}
	var twice *DuplicateError
	if errors.As(err, &twice) {
		a.found = &suspicion{place: entryPlace(twice.Second), reason: twice, prove: twice.evidence}
		return nil
	}
	return err
}

// compare holds the leaf that is due against the trees, which are as large.
func (a *audit) compare() {
	leaf, now := *a.due, &a.trees.now
	wrong := func(kind, format string, args ...any) {
		a.found = &suspicion{place: leaf.place(), reason: fmt.Errorf(format, args...)}
		if kind != "" {
			a.found.prove = func(ctx context.Context, p *prover) (*proof.Evidence, error) { return a.prove(ctx, p, kind, leaf) }
		}
	}
	items := now.nTags + now.nLabels
	switch {
	case now.root() != leaf.Root:
		wrong(proof.EvidenceIndexRoot, "it says that the ledger of %d entries has the root %v, which is %v", leaf.Size, leaf.Root, now.root())
	case now.tags != leaf.Tags:
		wrong(proof.EvidenceIndexTag, "the tags of %d entries lead to the root %v, and it says %v", leaf.Size, now.tags, leaf.Tags)
	case now.labels != leaf.Labels:
		wrong(proof.EvidenceIndexLabel, "the enrolments in %d entries lead to the root %v, and it says %v", leaf.Size, now.labels, leaf.Labels)
	case items == a.items:
		wrong("", "it covers no tag and no enrolment that the leaf before does not")
	}
	if a.found == nil {
		a.last, a.items = leaf, items
		a.since, a.before = addition{}, events.Index(leaf.Size)
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

// finish is for when the ledger is known to be whole: it takes up the rest, and reads
// the log of the index to its end, so that this is known to be whole as well.
func (a *audit) finish(ctx context.Context) error {
	if a.found == nil {
		if err := a.flush(); err != nil {
			return err
		}
	}
	if a.found == nil && a.due != nil {
		a.found = &suspicion{place: a.due.place(), reason: fmt.Errorf("%w: it covers %d entries, and %d are published", ledger.ErrIncomplete, a.due.Size, a.trees.now.size)}
	}
	for {
		if leaf, err := a.index.next(); err != nil || leaf == nil {
			return err
		}
	}
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
