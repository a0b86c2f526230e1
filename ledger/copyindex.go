package ledger

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// OpenIndex is a copy of the log of the ledger's index, below c, with the key that entry
// 0 of c names. A leaf is shown when it covers more than the leaf before it, and states
// the root that the ledger has here at its size; whether its trees follow from the
// entries is not judged. Its Extend returns ErrNotPublished while the ledger here has
// less than a leaf covers, and a *Misbehaviour for a leaf that is wrong. The error is
// ErrNotPublished before c shows entry 0.
func (c *Copy) OpenIndex(ctx context.Context) (*Copy, error) {
	opened, err := c.Prove(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the index key: %w", err)
	}
	e, err := events.ParseEntry(opened.Extra)
	if err != nil {
		return nil, fmt.Errorf("reading the index key: %w", err)
	}
	v, err := proof.ParseVerifierKey(e.Text("keys.index"))
	if err != nil {
		return nil, fmt.Errorf("reading the index key: %w", err)
	}
	leaves := &leafJudge{of: c}
	leaves.index, err = openCopy(ctx, CopyConfig{
		Dir: filepath.Join(c.cfg.Dir, IndexPath), Key: v, From: below{c.cfg.From}, Parallel: c.cfg.Parallel,
		Beside: c.cfg.Beside + ".index", Leaves: &Leaves{Key: v, Check: isLeaf}, Agree: leaves.agree,
	}, c.files.step)
	return leaves.index, err
}

func isLeaf(_ events.Index, entry []byte) error {
	_, err := proof.ParseIndexLeaf(string(entry))
	return err
}

// below shows the log of the index that somebody shows below a ledger.
type below struct{ Source }

func (b below) Read(ctx context.Context, path string) ([]byte, error) {
	return b.Source.Read(ctx, IndexPath+"/"+path)
}

// leafJudge holds leaves against the ledger here, one after the other.
type leafJudge struct {
	of, index *Copy
	last      proof.IndexLeaf
	next      events.Index // the one behind last
}

func (j *leafJudge) agree(ctx context.Context, i events.Index, entry []byte) error {
	if err := j.before(ctx, i); err != nil {
		return err
	}
	l, err := proof.ParseIndexLeaf(string(entry))
	if err != nil {
		return err
	}
	if l.Size <= j.last.Size {
		return &Misbehaviour{Said: fmt.Sprintf("leaf %d of the index covers %d entries, and the leaf before it %d", i, l.Size, j.last.Size)}
	}
	here, _ := j.of.Checkpoint()
	if l.Size > here.Size {
		return fmt.Errorf("leaf %d of the index covers %d entries, and the ledger here has %d: %w", i, l.Size, here.Size, ErrNotPublished)
	}
	root, _, err := rootAt(j.of.public, l.Size, here)
	if err != nil {
		return fmt.Errorf("judging leaf %d of the index: %w", i, err)
	}
	if root != l.Root {
		return &Misbehaviour{Said: fmt.Sprintf("leaf %d of the index says that the ledger of %d entries has the root %v, and it has %v", i, l.Size, l.Root, root)}
	}
	j.last, j.next = l, i+1
	return nil
}

// before makes last the leaf before i, which is shown unless it was agreed to just now.
func (j *leafJudge) before(ctx context.Context, i events.Index) error {
	if i == 0 {
		j.last = proof.IndexLeaf{}
	}
	if i == 0 || j.next == i {
		return nil
	}
	b, err := j.index.public.Entry(ctx, i-1)
	if err != nil {
		return err
	}
	j.last, err = proof.ParseIndexLeaf(string(b))
	return err
}
