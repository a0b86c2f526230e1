package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// openIndex opens the completeness index over the published log.
func (s *system) openIndex(ctx context.Context, cfg config) error {
	name := proof.IndexKeyName(s.keys.Origin())
	key, err := proof.ParseVerifierKey(s.keys.IndexKey())
	if err != nil {
		return err
	}
	log, err := s.openLog(ctx, cfg, logPlace{filepath.Join("index", "log"), filepath.Join("index", "remotelog"), name})
	if err != nil {
		return err
	}
	elsewhere, err := s.openJournal(ctx, cfg, signedIndex)
	if err != nil {
		return err
	}
	leaves, err := s.openJournal(ctx, cfg, indexLeaves)
	if err != nil {
		return err
	}
	journal := journalName(cfg.journal)
	if leaves == nil {
		journal = cfg.journalFile(signedIndex)
		file, err := trail.OpenLeaves(cfg.journalFile(indexLeaves))
		if err != nil {
			return err
		}
		s.closers = append(s.closers, file.Close)
		leaves = file
	}
	s.index, err = trail.Open(ctx, trail.Config{
		Dir: filepath.Join(cfg.dir, "index", "trees"), Public: filepath.Join(cfg.dir, "public", ledger.IndexPath),
		Journal: journal, Elsewhere: elsewhere, Leaves: leaves, Ledger: s.anchor,
		Signer: s.keys.IndexSigner(), Key: key, Log: log, Heads: indexSeen{cfg.seen, s.keys.IndexKey()},
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.index.Close)
	return nil
}

// auditIndex is an audit of the log and of its index.
func auditIndex(ctx context.Context, out io.Writer, source ledger.Source, v note.Verifier) error {
	r, err := trail.Audit(ctx, source, v, trail.AuditOptions{})
	if err != nil {
		return auditError(err)
	}
	printReport(out, r.Ledger)
	if r.Leaves == 0 {
		if r.Behind > 0 {
			return exitWith(exitIncomplete, "no index is published, and %d tags and enrolments should be in one", r.Behind)
		}
		fmt.Fprintln(out, "\nNo index is published, and nothing is recorded that would be in it.")
		return nil
	}
	fmt.Fprintf(out, "\n  index    %s\n  leaves   %d, the last of size %d\n  root     %v\n  tags     %v\n  persons  %v\n",
		proof.IndexKeyName(r.Ledger.Origin), r.Leaves, r.Last.Size, r.Root, r.Last.Tags, r.Last.Labels)
	fmt.Fprintf(out, "\nChecked: both trees were computed again from the entries, and every leaf of the index has the\n"+
		"ledger's root at its size and both trees' roots there; the index is signed by the key that entry 0\n"+
		"names. %d tags and enrolments are newer than the last leaf. Not checked: which tags are whose,\n"+
		"which their keys alone can tell.\n", r.Behind)
	return nil
}

// indexSeen is what mirrors hold of the log of the index.
type indexSeen struct {
	seen
	key string // the index key
}

// Heads asks the mirrors as that of seen does; a mirror may have no index.
func (s indexSeen) Heads(ctx context.Context) ([]ledger.Head, error) {
	v, err := proof.ParseVerifierKey(s.key)
	if err != nil {
		return nil, err
	}
	var heads []ledger.Head
	for _, url := range s.mirrors {
		c, err := client.New(url, &http.Client{Timeout: mirrorTimeout})
		var msg []byte
		if err == nil {
			msg, err = c.Read(ctx, ledger.IndexPath+"/checkpoint")
		}
		if err == nil {
			_, err = proof.OpenCheckpoint(msg, v)
		}
		switch {
		case err == nil:
			heads = append(heads, ledger.Head{From: "the mirror " + url, Note: msg})
		case errors.Is(err, fs.ErrNotExist):
		case s.require || ctx.Err() != nil:
			return nil, fmt.Errorf("asking the mirror %s about the index: %w", url, err)
		default:
			slog.Warn("a mirror could not say what it has seen of the index", "mirror", url, "error", err)
		}
	}
	return heads, nil
}
