package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

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
	if err := s.checkIndexJournal(cfg); err != nil {
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
	witnesses, err := cfg.ask(name, key)
	if err != nil {
		return err
	}
	cfg.seen.witnesses = witnesses
	s.index, err = trail.Open(ctx, trail.Config{
		Dir: filepath.Join(cfg.dir, "index", "trees"), Public: filepath.Join(cfg.dir, "public", ledger.IndexPath),
		Journal: journal, Elsewhere: elsewhere, Leaves: leaves, Ledger: s.anchor,
		Signer: s.keys.IndexSigner(), Key: key, Log: log, Heads: indexSeen{cfg.seen, s.keys.IndexKey()},
		Cosigners: witnesses.cosigners(), Withheld: witnesses.withheld(),
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.index.Close)
	return nil
}

// checkIndexJournal refuses to begin an index anew for a ledger that has signed
// checkpoints. What a leaf says depends on when it was made, so another index would
// contradict the one that was published, and convict who only moved a file.
func (s *system) checkIndexJournal(cfg config) error {
	if inStream(cfg.journal) || s.anchor.Signed() == 0 {
		return nil
	}
	path := cfg.journalFile(signedIndex)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("opening the index: this ledger has signed checkpoints, and there is no %s, which lies beside its journal: put it back, and %s with it; if no index of this ledger was ever published, make an empty file of that name",
			path, cfg.journalFile(indexLeaves))
	}
	return err
}

// indexSeen is what mirrors and witnesses hold of the log of the index.
type indexSeen struct {
	seen
	key string // the index key
}

// Heads asks as that of seen does; a mirror may have no index.
func (s indexSeen) Heads(ctx context.Context) ([]ledger.Head, error) {
	v, err := proof.ParseVerifierKey(s.key)
	if err != nil {
		return nil, err
	}
	heads, err := s.witnesses.heads(ctx, s.require)
	if err != nil {
		return nil, err
	}
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
