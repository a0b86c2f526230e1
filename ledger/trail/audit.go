package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Violation says that an index is not what the ledger leads to, or that the ledger
// has something twice. The key of the log or of the index signed it.
type Violation struct {
	Kind      string         // of the evidence that shows it, as proof.EvidenceIndexRoot
	Leaf      events.Index   // of the index log, where one is wrong
	Positions []events.Index // entries of the ledger that contradict each other
	Reason    error
}

func (v *Violation) Error() string { return fmt.Sprintf("auditing the index: %v", v.Reason) }

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
}

// Report is what an audit that found nothing wrong has checked.
type Report struct {
	Ledger *ledger.Report
	Leaves events.Size     // of the index log; 0 when there is none yet
	Last   proof.IndexLeaf // the last of them
	Root   proof.Hash      // of the index log
	Note   []byte          // its signed checkpoint
	Tags   uint64          // in the ledger
	Labels uint64
	Behind uint64 // tags and labels that no leaf covers yet
}

// Audit checks a public log as [ledger.Audit] does, with v as its key, and the log of
// its index: signature, tiles, the form of each leaf, that sizes ascend, that each
// leaf has the ledger's root at its size, and both trees' roots there, computed again
// from the entries. No tag and no label may stand twice.
//
// The error is a *Violation when the index is wrong, and otherwise that of
// ledger.Audit. An index that is not there is no error: the report says so.
func Audit(ctx context.Context, src ledger.Source, v note.Verifier, opts AuditOptions) (*Report, error) {
	dir, err := os.MkdirTemp(opts.Dir, "daybook-index-")
	if err != nil {
		return nil, fmt.Errorf("auditing the index: %w", err)
	}
	t, err := openTrees(dir, treeOptions{cache: opts.Cache, passing: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	a := &auditor{src: below{src: src}, trees: t, report: &Report{}}
	err = a.run(ctx, src, v, opts)
	if a.stop != nil {
		a.stop()
	}
	if err = errors.Join(err, t.close(), os.RemoveAll(dir)); err != nil {
		return nil, err
	}
	return a.report, nil
}

// auditor is one audit. The trees are computed beside the ledger's own.
type auditor struct {
	src    below
	trees  *trees
	report *Report
	opened *events.Entry // entry 0

	more    addition // entries that are not in the trees yet
	next    func() (proof.IndexLeaf, error, bool)
	stop    func()
	leaf    *proof.IndexLeaf // the next that is to be compared
	at      events.Index     // its position
	edge    edge             // of the index log, from the leaves compared
	covered uint64           // items at the last leaf that was compared
	found   error            // what is wrong with the index, unless the ledger is
}

func (a *auditor) run(ctx context.Context, src ledger.Source, v note.Verifier, opts AuditOptions) error {
	// The index's checkpoint is read before the ledger's, which then covers all its
	// leaves.
	msg, err := a.src.src.Read(ctx, ledger.IndexPath+"/checkpoint")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: fetching the checkpoint of the index: %w", ledger.ErrIncomplete, err)
	}
	a.src.note = msg
	a.report.Ledger, err = ledger.Audit(ctx, src, v, ledger.AuditOptions{
		Parallel: opts.Parallel,
		Each: func(i events.Index, e *events.Entry) {
			if i == 0 {
				a.opened = e
			}
		},
		InOrder: func(i events.Index, leaf proof.Hash, f ledger.Facts) error {
			if a.found == nil {
				a.found = a.take(ctx, i, leaf, f)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	if a.found == nil {
		a.found = a.finish()
	}
	return a.found
}

// take adds entry i, once the leaves are compared that end before it.
func (a *auditor) take(ctx context.Context, i events.Index, leaf proof.Hash, f ledger.Facts) error {
	if i == 0 {
		if err := a.begin(ctx); err != nil {
			return err
		}
	}
	if err := a.compare(events.Size(i)); err != nil {
		return err
	}
	a.more.facts(i, leaf, f)
	if len(a.more.leaves) >= maxEntries || len(a.more.tags)+len(a.more.labels) >= maxItems {
		return a.flush()
	}
	return nil
}

func (a *auditor) flush() error {
	err := a.trees.add(a.more)
	a.more = addition{}
	if dup := new(DuplicateError); errors.As(err, &dup) {
		kind := proof.EvidenceDuplicateTag
		if dup.Person {
			kind = proof.EvidenceDuplicateLabel
		}
		return &Violation{Kind: kind, Positions: []events.Index{dup.First, dup.Second}, Reason: dup}
	}
	return err
}

// begin audits the log of the index by itself, with the key that entry 0 names, and
// is then at its first leaf.
func (a *auditor) begin(ctx context.Context) error {
	if a.src.note == nil {
		return nil
	}
	key, err := proof.ParseVerifierKey(a.opened.Text("keys.index"))
	if err != nil {
		return err
	}
	r, err := ledger.Audit(ctx, a.src, key, ledger.AuditOptions{Leaves: Leaves(key)})
	if err != nil {
		return fmt.Errorf("the log of the index: %w", err)
	}
	a.report.Leaves, a.report.Root, a.report.Note = r.Size, r.Root, r.Note
	a.next, a.stop = iter.Pull2(a.src.leaves(ctx, r.Size))
	return a.advance()
}

// advance is at the next leaf, if there is one.
func (a *auditor) advance() error {
	l, err, more := a.next()
	if err != nil || !more {
		a.leaf = nil
		return err
	}
	if last := a.report.Last; l.Size <= last.Size {
		return &Violation{Kind: proof.EvidenceIndexBack, Leaf: a.at, Reason: fmt.Errorf("leaf %d is of size %d, and the one before of %d", a.at, l.Size, last.Size)}
	}
	a.leaf = &l
	return nil
}

// compare holds the leaf of that size, if there is one, against what the entries lead
// to.
func (a *auditor) compare(size events.Size) error {
	if a.leaf == nil || a.leaf.Size != size {
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	l, now := *a.leaf, &a.trees.now
	for _, c := range []struct {
		kind, what   string
		says, leadto proof.Hash
	}{
		{proof.EvidenceIndexRoot, "the ledger", l.Root, now.root()},
		{proof.EvidenceIndexTag, "the tree over tags", l.Tags, now.tags},
		{proof.EvidenceIndexLabel, "the tree over enrolments", l.Labels, now.labels},
	} {
		if c.says != c.leadto {
			return &Violation{Kind: c.kind, Leaf: a.at, Reason: fmt.Errorf("leaf %d says that %s has root %v at size %d, and the entries lead to %v", a.at, c.what, c.says, size, c.leadto)}
		}
	}
	a.edge.add(proof.LeafHash([]byte(l.Text())))
	a.report.Last, a.covered = l, now.nTags+now.nLabels
	a.at++
	return a.advance()
}

// finish compares the ends.
func (a *auditor) finish() error {
	if err := a.compare(a.report.Ledger.Size); err != nil {
		return err
	}
	if err := a.flush(); err != nil {
		return err
	}
	if a.leaf != nil {
		return fmt.Errorf("%w: leaf %d of the index is of size %d, and the checkpoint of the ledger that was shown of %d", ledger.ErrIncomplete, a.at, a.leaf.Size, a.report.Ledger.Size)
	}
	if a.report.Leaves > 0 && a.edge.root() != a.report.Root {
		return fmt.Errorf("%w: the leaves of the index were shown in two versions", ledger.ErrIncomplete)
	}
	r, now := a.report, &a.trees.now
	r.Tags, r.Labels = now.nTags, now.nLabels
	r.Ledger.Tags, r.Ledger.Labels = now.nTags, now.nLabels
	r.Behind = r.Tags + r.Labels - a.covered
	return nil
}

// below is the log of the index, at one checkpoint, within the files of the ledger.
type below struct {
	src  ledger.Source
	note []byte
}

func (b below) Read(ctx context.Context, path string) ([]byte, error) {
	if path == "checkpoint" {
		return b.note, nil
	}
	return b.src.Read(ctx, ledger.IndexPath+"/"+path)
}

// leaves are the leaves of the log in order.
func (b below) leaves(ctx context.Context, size events.Size) iter.Seq2[proof.IndexLeaf, error] {
	return func(yield func(proof.IndexLeaf, error) bool) {
		for first := events.Size(0); first < size; first += proof.TileWidth {
			width := int(min(proof.TileWidth, size-first))
			bundle, err := b.Read(ctx, proof.EntriesPath(uint64(first)/proof.TileWidth, width))
			if err != nil {
				yield(proof.IndexLeaf{}, fmt.Errorf("%w: fetching leaves of the index: %w", ledger.ErrIncomplete, err))
				return
			}
			entries, err := proof.ReadBundle(bundle, width)
			for i := 0; err == nil && i < len(entries); i++ {
				var l proof.IndexLeaf
				if l, err = proof.ParseIndexLeaf(string(entries[i])); err == nil && !yield(l, nil) {
					return
				}
			}
			if err != nil {
				yield(proof.IndexLeaf{}, err)
				return
			}
		}
	}
}
