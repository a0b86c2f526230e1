package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// mirrorTimeout bounds the wait for one mirror at the start.
const mirrorTimeout = 10 * time.Second

// seen is what others hold of this log: files that somebody kept, mirrors and
// witnesses. It implements ledger.Heads.
type seen struct {
	files, mirrors []string
	require        bool   // without all mirrors and witnesses nothing is signed
	key            string // the log's verifier key
	witnesses      circle
}

// Heads reads the files, which must be there and be ours, and asks the witnesses and
// mirrors. One that does not answer, or not with a checkpoint of this log, knows
// nothing that could stop us; unless all of them are required.
func (s seen) Heads(ctx context.Context) ([]ledger.Head, error) {
	heads, err := s.witnesses.heads(ctx, s.require)
	if err != nil {
		return nil, err
	}
	for _, path := range s.files {
		h, err := lastSeen(path)
		if err != nil {
			return nil, err
		}
		heads = append(heads, h...)
	}
	if len(s.mirrors) == 0 {
		return heads, nil
	}
	v, err := proof.ParseVerifierKey(s.key)
	if err != nil {
		return nil, err
	}
	for _, url := range s.mirrors {
		h, err := mirrorHead(ctx, url, v)
		switch {
		case err == nil:
			heads = append(heads, h)
		case s.require || ctx.Err() != nil:
			return nil, fmt.Errorf("asking the mirror %s: %w; bring it back, or start without --require-mirror if nothing can have been published since it was last asked", url, err)
		default:
			slog.Warn("a mirror could not say what it has seen of this log; --require-mirror makes that stop the start", "mirror", url, "error", err)
		}
	}
	return heads, nil
}

// mirrorHead fetches a mirror's checkpoint, as a copy of the public log shows it.
func mirrorHead(ctx context.Context, url string, v note.Verifier) (ledger.Head, error) {
	c, err := client.New(url, &http.Client{Timeout: mirrorTimeout})
	if err != nil {
		return ledger.Head{}, err
	}
	msg, err := c.Read(ctx, "checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.Head{}, errors.New("it has no checkpoint")
	}
	if err != nil {
		return ledger.Head{}, err
	}
	if _, err := proof.OpenCheckpoint(msg, v); err != nil {
		return ledger.Head{}, err
	}
	return ledger.Head{From: "the mirror " + url, Note: msg}, nil
}

// lastSeen reads a file of checkpoints that somebody kept: signed notes one
// after the other, or one proof file, whose checkpoint counts.
//
//	file = proof / *(note *LF)
//
// A note ends with the last of its signature lines, which begin with a dash.
func lastSeen(path string) ([]ledger.Head, error) {
	b, err := readLimited(path, maxProofFile)
	if err == nil && len(b) == maxProofFile {
		err = fmt.Errorf("it is longer than %d bytes; its last lines are enough", maxProofFile-1)
	}
	var heads []ledger.Head
	if p, proofErr := proof.ParseProof(b); err == nil && proofErr == nil {
		return []ledger.Head{{From: path, Note: p.Note}}, nil
	}
	for b = bytes.TrimLeft(b, "\n"); err == nil && len(b) > 0; b = bytes.TrimLeft(b, "\n") {
		end := noteEnd(b)
		if end == 0 {
			err = errors.New("it does not end with a signed checkpoint")
		}
		heads = append(heads, ledger.Head{From: path, Note: b[:end]})
		b = b[end:]
	}
	if err == nil && len(heads) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was last seen in %s: %w; give the checkpoints as they were kept, /checkpoint of a ledger or mirror is one", path, err)
	}
	return heads, nil
}

// noteEnd is where the signed note that b begins with ends, 0 if it does not.
func noteEnd(b []byte) int {
	const dash = "— "
	end := bytes.Index(b, []byte("\n\n"+dash))
	if end < 0 {
		return 0
	}
	for end += 2; bytes.HasPrefix(b[end:], []byte(dash)); {
		line := bytes.IndexByte(b[end:], '\n')
		if line < 0 {
			return 0
		}
		end += line + 1
	}
	return end
}

// isDir says whether a directory is there.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
