package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// ErrRollback means that a log is shown smaller than it was signed before. By itself it
// is no misbehaviour of who signs: an old copy is shown, or a server was set back.
var ErrRollback = errors.New("the log is shown smaller than it was before")

// Compare holds the signed checkpoint of a log against one that was seen before; both
// are notes that v signed. It returns nil, nil if the log goes on from before, and
// evidence, complete and verified, if the two cannot be of one log. Source is asked for
// tiles of the larger log, none of which is believed before it leads to the signed root.
// With before nil, now is opened and no more.
//
// The error is ErrRollback when now is smaller, and also ErrIncomplete when what it
// takes to tell whether it is a beginning of before could not be read. Without rollback
// it is ErrIncomplete when the tiles could not be read, and an *AuditError when they are
// not those that were signed: who shows them hides what the log is.
func Compare(ctx context.Context, before, now []byte, v note.Verifier, source Source) (*proof.Evidence, error) {
	shown, err := proof.OpenCheckpoint(now, v)
	if err != nil {
		return nil, fmt.Errorf("comparing with what was seen before: %w", err)
	}
	if before == nil {
		return nil, nil
	}
	seen, err := proof.OpenCheckpoint(before, v)
	if err != nil {
		return nil, fmt.Errorf("comparing with what was seen before: reading that: %w", err)
	}
	var found *proof.Evidence
	switch {
	case seen.Size == shown.Size:
		var fork *proof.Fork
		if fork, err = proof.CompareCheckpoints(before, now, v); fork != nil {
			e := fork.Evidence()
			found = &e
		}
	case seen.Size < shown.Size:
		found, err = begins(ctx, published{seen, before}, published{shown, now}, source)
	default:
		if found, err = begins(ctx, published{shown, now}, published{seen, before}, source); found == nil {
			err = errors.Join(fmt.Errorf("%w: %d entries, and before %d", ErrRollback, shown.Size, seen.Size), err)
		}
	}
	if err == nil && found != nil {
		_, err = found.Verify(v)
	}
	if err != nil {
		return nil, fmt.Errorf("comparing with what was seen before: %w", err)
	}
	return found, nil
}

// begins returns evidence unless the larger log begins with the smaller.
func begins(ctx context.Context, small, large published, source Source) (*proof.Evidence, error) {
	if small.Size == 0 {
		return nil, nil
	}
	hashes, reason := signedHashes(ctx, large.Checkpoint, source)
	root, err := tlog.TreeHash(int64(small.Size), hashes)
	if err != nil {
		return nil, reason(err)
	}
	if root == small.Root {
		return nil, nil
	}
	path, err := tlog.ProveTree(int64(large.Size), int64(small.Size), hashes)
	if err != nil {
		return nil, reason(err)
	}
	return &proof.Evidence{
		Kind: proof.EvidenceInconsistent, Notes: [][]byte{small.note, large.note}, Beginning: root, Path: path,
	}, nil
}

// signedHashes are the hashes of the log that c states, each of which leads to its root.
// What comes with them makes of an error the reason: a tile that could not be read, or
// tiles that are not those that were signed.
func signedHashes(ctx context.Context, c proof.Checkpoint, source Source) (_ tlog.HashReader, reason func(error) error) {
	var unread error
	read := func(t proof.Tile) ([]byte, error) {
		b, err := readPartial(ctx, source, t)
		if err != nil {
			unread = err
		}
		return b, err
	}
	return proof.SignedHashes(c, read), func(err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case unread != nil:
			return fmt.Errorf("%w: fetching tiles: %w", ErrIncomplete, unread)
		}
		return &AuditError{Place: "tile", Reason: err}
	}
}

// readPartial reads a tile or bundle. A partial one need not be there any more once it
// is full: then it is the beginning of that.
func readPartial(ctx context.Context, source Source, t proof.Tile) ([]byte, error) {
	b, err := source.Read(ctx, t.Path())
	if !errors.Is(err, fs.ErrNotExist) || t.Width == proof.TileWidth {
		return b, err
	}
	full, missing := source.Read(ctx, placeOf(t))
	if missing != nil {
		return nil, err
	}
	if t.Level == proof.EntriesLevel {
		return bundlePrefix(full, t.Width), nil
	}
	return full[:min(len(full), t.Width*tlog.HashSize)], nil
}
