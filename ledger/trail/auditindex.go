package trail

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

const indexCheckpoint = ledger.IndexPath + "/checkpoint"

// indexLeaf is a leaf and its position in the log of the index.
type indexLeaf struct {
	proof.IndexLeaf
	at events.Index
}

func (l indexLeaf) place() string { return ledger.IndexPath + "/" + entryPlace(l.at) }

// entryPlace is where an entry lies, as a ledger.AuditError says it.
func entryPlace(i events.Index) string {
	return fmt.Sprintf("%s entry %d", proof.EntriesPath(uint64(i)/proof.TileWidth, proof.TileWidth), i)
}

// indexLog is the log of the index as a log of its own, whose leaves are asked for
// one by one while an audit of it goes on.
type indexLog struct {
	ledger.Source
	signed []byte // the checkpoint that was read first: all leaves are of it; nil for none
	vkey   string
	key    note.Verifier // of vkey
	report *ledger.Report

	pull func() (indexLeaf, error, bool)
	stop func()
}

// Read reads below index/.
func (x *indexLog) Read(ctx context.Context, path string) ([]byte, error) {
	if path = ledger.IndexPath + "/" + path; path == indexCheckpoint {
		return x.signed, nil
	}
	return x.Source.Read(ctx, path)
}

// announced notes the index key that entry 0 names. Nothing else calls at that entry.
func (x *indexLog) announced(i events.Index, e *events.Entry) {
	if i == 0 {
		x.vkey = e.Text("keys.index")
	}
}

// open begins to read, once entry 0 is known.
func (x *indexLog) open(ctx context.Context, origin string) (err error) {
	if x.signed == nil {
		x.pull = func() (indexLeaf, error, bool) { return indexLeaf{}, nil, false }
		return nil
	}
	if x.key, err = proof.ParseVerifierKey(x.vkey); err == nil && x.key.Name() != proof.IndexKeyName(origin) {
		err = fmt.Errorf("it names an index key of %s", x.key.Name())
	}
	if err != nil {
		return &ledger.AuditError{Place: entryPlace(0), Reason: err}
	}
	x.pull, x.stop = iter.Pull2(x.leaves(ctx))
	return nil
}

var errEnough = errors.New("nobody asks for more")

// leaves yields the leaves in order. After the last it audits what is left, and yields
// why the log is not what its checkpoint says.
func (x *indexLog) leaves(ctx context.Context) iter.Seq2[indexLeaf, error] {
	return func(yield func(indexLeaf, error) bool) {
		report, err := ledger.Audit(ctx, x, x.key, ledger.AuditOptions{
			Leaves: Leaves(x.key),
			InOrder: func(i events.Index, _ proof.Hash, f ledger.Facts) error {
				leaf, err := proof.ParseIndexLeaf(string(f.Leaf))
				if err == nil && !yield(indexLeaf{leaf, i}, nil) {
					err = errEnough
				}
				return err
			},
		})
		var bad *ledger.AuditError
		switch {
		case errors.Is(err, errEnough):
			return
		case errors.Is(err, ledger.ErrNothingChecked): // it is signed, and empty
		case errors.As(err, &bad):
			yield(indexLeaf{}, &ledger.AuditError{Place: ledger.IndexPath + "/" + bad.Place, Reason: bad.Reason})
		case err != nil:
			yield(indexLeaf{}, fmt.Errorf("the index: %w", err))
		default:
			x.report = report
		}
	}
}

// next is the next leaf, nil when there are no more and the log is whole.
func (x *indexLog) next() (*indexLeaf, error) {
	leaf, err, ok := x.pull()
	if err != nil || !ok {
		return nil, err
	}
	return &leaf, nil
}

func (x *indexLog) close() {
	if x.stop != nil {
		x.stop()
	}
}
