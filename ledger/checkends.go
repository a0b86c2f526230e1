package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// tornError is an end of the journal as a crash leaves it.
type tornError struct{ line uint64 }

func (e *tornError) Error() string { return fmt.Sprintf("ends within line %d", e.line) }

// journalLines yields the lines of a journal file in order and checks their
// form and that sizes ascend; not the signatures. It ends with the first error,
// which is a *tornError for what the next start cuts off.
func journalLines(path string) iter.Seq2[published, error] {
	return func(yield func(published, error) bool) {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(published{}, err)
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, journalTail)
		var last published
		for n := uint64(1); ; n++ {
			text, err := in.ReadSlice('\n')
			if errors.Is(err, io.EOF) && len(text) == 0 {
				return
			}
			var p published
			if err == nil {
				p, err = nextLine(text, last)
			}
			switch {
			case errors.Is(err, io.EOF), err != nil && bytes.IndexByte(text, 0) >= 0 && onlyTorn(in):
				err = &tornError{n}
			case err != nil:
				err = &Difference{PartJournal, fmt.Sprintf("journal line %d", n), err}
			}
			if !yield(p, err) || err != nil {
				return
			}
			last = p
		}
	}
}

func nextLine(text []byte, last published) (published, error) {
	p, err := parseLine(text)
	switch {
	case err != nil:
		return p, err
	case p.Size <= last.Size:
		return p, fmt.Errorf("size %d follows size %d", p.Size, last.Size)
	case last.Size > 0 && p.Origin != last.Origin:
		return p, fmt.Errorf("it is of %s, the line before of %s", p.Origin, last.Origin)
	}
	return p, nil
}

// onlyTorn says that every further line has a zero byte as well or is cut off.
func onlyTorn(in *bufio.Reader) bool {
	for {
		text, err := in.ReadSlice('\n')
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if bytes.IndexByte(text, 0) < 0 {
			return false
		}
	}
}

// compareLine holds a journalled checkpoint against the tree of its size.
func (c *check) compareLine(p published) error {
	place := fmt.Sprintf("journalled size %d", p.Size)
	if _, err := proof.OpenCheckpoint(p.note, c.key); err != nil {
		return &Difference{PartJournal, place, err}
	}
	if root := c.tree.root(); root != p.Root {
		return &Difference{PartSigned, place, fmt.Errorf("signed is root %v, the history leads to %v", p.Root, root)}
	}
	c.listed = c.listed || continues(c.shown.note, p.note)
	return nil
}

// seenHead is a checkpoint somebody holds, not verified yet.
type seenHead struct {
	Head
	c proof.Checkpoint
}

func (c *check) surveyHeads(ctx context.Context) error {
	if c.cfg.Heads == nil {
		return nil
	}
	heads, err := c.cfg.Heads.Heads(ctx)
	if err != nil {
		return fmt.Errorf("asking who else has seen this log: %w", err)
	}
	for _, h := range heads {
		s, err := stated(h.Note)
		if err != nil {
			return fmt.Errorf("reading the checkpoint that %s holds: %w", h.From, err)
		}
		if s.Size > 0 {
			c.heads = append(c.heads, seenHead{h, s})
		}
	}
	slices.SortFunc(c.heads, func(a, b seenHead) int { return cmp.Compare(a.c.Size, b.c.Size) })
	return nil
}

// compareHeads holds those checkpoints of others against the tree that have
// its size.
func (c *check) compareHeads() error {
	for len(c.heads) > 0 && c.heads[0].c.Size == c.tree.size {
		h := c.heads[0]
		c.heads = c.heads[1:]
		if _, err := proof.OpenCheckpoint(h.Note, c.key); err != nil {
			return fmt.Errorf("reading the checkpoint that %s holds: %w", h.From, err)
		}
		if root := c.tree.root(); root != h.c.Root {
			return &Difference{PartSeen, h.From, fmt.Errorf("it holds a checkpoint of size %d with root %v, the history leads to %v", h.c.Size, h.c.Root, root)}
		}
		if h.c.Size > c.signed.Size {
			c.ahead = &Difference{PartBehind, h.From, fmt.Errorf("it holds a checkpoint of size %d, the journal ends at %d", h.c.Size, c.signed.Size)}
		}
	}
	return nil
}

// finish compares the ends: of the history, the journal, what is published and
// the log.
func (c *check) finish(ctx context.Context) error {
	if c.covered > c.tree.size {
		return &Difference{
			PartEnd, fmt.Sprintf("message %d", c.tree.size+1),
			fmt.Errorf("the history ends before it, and a checkpoint of size %d is signed", c.covered),
		}
	}
	if c.badLine != nil {
		return c.badLine
	}
	if c.key == nil && (c.shown.note != nil || len(c.heads) > 0) {
		return &Difference{PartEnd, "message 1", errors.New("the history is empty, and there are checkpoints of this log")}
	}
	if len(c.heads) > 0 {
		h := c.heads[0]
		if _, err := proof.OpenCheckpoint(h.Note, c.key); err != nil {
			return fmt.Errorf("reading the checkpoint that %s holds: %w", h.From, err)
		}
		return &Difference{PartSeen, h.From, fmt.Errorf("it holds a checkpoint of size %d, the history ends at %d", h.c.Size, c.tree.size)}
	}
	if c.ahead != nil {
		return c.ahead
	}
	if err := c.finishShown(); err != nil {
		return err
	}
	if n := c.tree.size - c.signed.Size; n > 0 {
		c.remark("%d messages are in no checkpoint yet; the next start signs one", n)
	}
	c.report.LogSize = c.log.size
	return c.log.finish(ctx, &c.tree)
}

// finishShown judges the checkpoint file.
func (c *check) finishShown() error {
	wrong := func(part Part, format string, args ...any) error {
		return &Difference{part, checkpointPath, fmt.Errorf(format, args...)}
	}
	if c.shown.note == nil {
		if c.signed.Size > 0 {
			c.remark("no checkpoint is published; the next start publishes the journalled one of size %d", c.signed.Size)
		}
		return nil
	}
	if _, err := proof.OpenCheckpoint(c.shown.note, c.key); err != nil {
		return wrong(PartCheckpoint, "%w", err)
	}
	switch {
	case c.shown.Size > c.signed.Size:
		return wrong(PartBehind, "its size is %d, the journal ends at %d", c.shown.Size, c.signed.Size)
	case !c.listed:
		return wrong(PartSeen, "it is signed, of size %d, and no line of the journal", c.shown.Size)
	case c.shown.Size < c.signed.Size:
		c.remark("the journalled checkpoint of size %d is not published yet; the next start does that, with witnesses once they have cosigned it", c.signed.Size)
	}
	return nil
}

// logCheck gives a log the entries it says it has.
type logCheck struct {
	log   Log
	size  events.Size
	root  proof.Hash
	batch [][]byte
	first events.Size // of the batch
	bytes int
}

func (l *logCheck) begin(ctx context.Context, log Log) (err error) {
	if l.log = log; log == nil {
		return nil
	}
	if l.size, l.root, err = log.Head(ctx); err != nil {
		return &Difference{PartLog, "its head", err}
	}
	return nil
}

// add takes the last entry of t.
func (l *logCheck) add(ctx context.Context, entry []byte, t *tree) error {
	if l.log == nil || t.size > l.size {
		return nil
	}
	l.batch, l.bytes = append(l.batch, entry), l.bytes+len(entry)
	if len(l.batch) == maxBatch || l.bytes > maxBatchBytes || t.size == l.size {
		if _, _, err := l.log.Append(ctx, events.Index(l.first), l.batch); err != nil {
			return &Difference{PartLog, fmt.Sprintf("its entries %d-%d", l.first, t.size-1), err}
		}
		l.first, l.batch, l.bytes = t.size, nil, 0
	}
	if t.size < l.size {
		return nil
	}
	if root := t.root(); root != l.root {
		return &Difference{PartLog, "its head", fmt.Errorf("its root at size %d is %v, the history leads to %v", l.size, proof.Hash(l.root), root)}
	}
	return nil
}

func (l *logCheck) finish(ctx context.Context, t *tree) error {
	if l.log != nil && l.size > t.size {
		return &Difference{PartLog, "its head", fmt.Errorf("it has %d entries, the history %d", l.size, t.size)}
	}
	return ctx.Err()
}
