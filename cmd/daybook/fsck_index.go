package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// indexCheck is what a check of a stopped ledger's index found.
type indexCheck struct {
	leaves events.Size
	size   events.Size // of the last leaf
	notes  []string
}

// checkIndex compares the journal of leaves with all that was made of it, and then
// every leaf with the trees that the public log leads to. The ledger itself must have
// been checked. Every difference is one in the index.
func (s *stopped) checkIndex(ctx context.Context, ignoreFiles bool) (out indexCheck, err error) {
	defer func() {
		if d := new(ledger.Difference); errors.As(err, &d) && d.Part != ledger.PartIndex {
			err = &ledger.Difference{Part: ledger.PartIndex, Place: "index: " + d.Place, Reason: fmt.Errorf("%s: %w", d.Part, d.Reason)}
		}
	}()
	e, err := identityIn(ctx, s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return out, nil // nothing is published, so nothing is indexed
	}
	if err != nil {
		return out, err
	}
	key, err := proof.ParseVerifierKey(e.Text("keys.index"))
	if err != nil {
		return out, err
	}
	cfg := ledger.CheckConfig{
		Dir: filepath.Join(s.dir, "public", ledger.IndexPath), Journal: s.journal + signedIndex.suffix,
		History: trail.ReadLeaves(s.journal + indexLeaves.suffix), Leaves: trail.Leaves(key), IgnoreFiles: ignoreFiles,
	}
	if log := filepath.Join(s.dir, "index", "log"); isDir(log) {
		l, err := locallog.Open(ctx, locallog.Config{Dir: log})
		if err != nil {
			return out, &ledger.Difference{Part: ledger.PartLog, Place: log, Reason: err}
		}
		defer l.Close()
		cfg.Log = l
	}
	r, err := ledger.Check(ctx, cfg)
	if err != nil {
		return out, err
	}
	for _, note := range r.Notes {
		out.notes = append(out.notes, "index: "+note)
	}
	if ignoreFiles {
		return out, nil
	}
	return out, s.checkTrees(ctx, e, &out)
}

// checkTrees computes the trees again from the public log.
func (s *stopped) checkTrees(ctx context.Context, opened *events.Entry, out *indexCheck) error {
	key, err := proof.ParseVerifierKey(opened.Text("keys.log"))
	if err != nil {
		return err
	}
	public, err := ledger.OpenPublic(filepath.Join(s.dir, "public"))
	if err != nil {
		return err
	}
	r, err := trail.Audit(ctx, public, key, trail.AuditOptions{})
	if v := new(trail.Violation); errors.As(err, &v) {
		return &ledger.Difference{Part: ledger.PartIndex, Place: v.Place, Reason: v.Reason}
	}
	if errors.Is(err, ledger.ErrNothingChecked) {
		return nil
	}
	if err != nil {
		return err
	}
	out.leaves, out.size = r.Leaves, r.Last.Size
	if r.Leaves == 0 && r.Behind > 0 || r.Behind > 0 && r.Last.Size < r.Ledger.Size {
		out.notes = append(out.notes, fmt.Sprintf("index: %d tags and enrolments are in no leaf yet; the next start makes one", r.Behind))
	}
	return nil
}

// rebuildIndex sets the trees aside, and the files of the index once its journals are
// known to lead to what was signed of it.
func (s *stopped) rebuildIndex(ctx context.Context, out io.Writer) error {
	return s.rebuild(ctx, out, ledger.PartIndex, "the index", func() error {
		if err := s.setAside(out, "index"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		_, err := s.checkIndex(ctx, true)
		if rest := (*ledger.Difference)(nil); errors.As(err, &rest) {
			return exitWith(exitInvalid, "%w: what the files of the index would be made from differs, too, and they stay; see daybook recover %s", rest, s.dir)
		}
		if err != nil {
			return err
		}
		return s.setAside(out, filepath.Join("public", ledger.IndexPath))
	})
}
