package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// RepairJournal replaces the journal's last whole line, which is damaged, by
// the published checkpoint: the same one, as nothing is published that is not
// journalled. It does so only if a Check of what results finds no difference
// between history, journal and checkpoint. The damaged journal is kept beside
// it, under the name returned. A crash leaves the old or the new journal.
func RepairJournal(ctx context.Context, cfg CheckConfig) (kept string, err error) {
	lock, err := LockFile(cfg.Journal)
	if err != nil {
		return "", fmt.Errorf("repairing the journal %s: %w", cfg.Journal, err)
	}
	defer lock.Close()
	kept, err = repairJournal(ctx, cfg, lock)
	if err != nil {
		return "", fmt.Errorf("repairing the journal %s: %w", cfg.Journal, err)
	}
	return kept, nil
}

func repairJournal(ctx context.Context, cfg CheckConfig, old *os.File) (string, error) {
	msg, err := readFile(filepath.Join(cfg.Dir, checkpointPath), maxNote)
	if err != nil {
		return "", fmt.Errorf("the published checkpoint is to take the line's place: %w", err)
	}
	shown := published{note: bare(msg)}
	if shown.Checkpoint, err = stated(msg); err != nil {
		return "", fmt.Errorf("the published checkpoint is to take the line's place: %w", err)
	}
	keep, err := lastLineAt(old)
	if err != nil {
		return "", err
	}
	temporary := cfg.Journal + ".new"
	if err := writeJournal(temporary, io.NewSectionReader(old, 0, keep), shown.line()); err != nil {
		return "", err
	}
	cfg.Journal, cfg.Log, cfg.IgnoreFiles = temporary, nil, true
	if _, err := Check(ctx, cfg); err != nil {
		return "", errors.Join(fmt.Errorf("with the published checkpoint in the place of its last line it still differs, and is left as it is: %w", err), os.Remove(temporary))
	}
	path := old.Name()
	kept := path + ".damaged"
	if err := os.Link(path, kept); err != nil {
		return "", errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return "", err
	}
	return kept, syncPath(filepath.Dir(path))
}

// lastLineAt is where the last whole line of the journal begins.
func lastLineAt(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	start := max(0, info.Size()-journalTail)
	tail := make([]byte, info.Size()-start)
	if _, err := f.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	end := bytes.LastIndexByte(tail, '\n')
	if end < 0 {
		return 0, errors.New("it has no whole line")
	}
	return start + int64(bytes.LastIndexByte(tail[:end], '\n')) + 1, nil
}

func writeJournal(path string, lines io.Reader, last string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, lines)
	if err == nil {
		_, err = io.WriteString(f, last)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
