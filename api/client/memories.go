package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/ledger"
)

// Memories are the memories of one user, each in a file of a directory.
type Memories struct{ Dir string }

// ErrNoMemory says that nothing is remembered under a name.
var ErrNoMemory = errors.New("nothing is remembered under that name")

// The ends of the files of a memory: what is remembered, and what is locked while it
// is used.
const (
	memoryFile = ".context"
	lockedFile = ".lock"
)

// lockWait is how long it takes until a memory in use is looked at again.
const lockWait = 20 * time.Millisecond

// checkName accepts what is a name on every system and cannot lead elsewhere.
func checkName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	if name == "" || len(name) > 64 || strings.Trim(name, letters+"-._") != "" || !strings.ContainsAny(name[:1], letters) {
		return fmt.Errorf("%.80q is no name for a ledger: take small letters, digits, and - . or _ between them", name)
	}
	return nil
}

func (s Memories) path(name, end string) string { return filepath.Join(s.Dir, name+end) }

// Names are those under which something is remembered, sorted.
func (s Memories) Names() (out []string, err error) {
	list, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the memories: %w", err)
	}
	for _, f := range list {
		if name, ok := strings.CutSuffix(f.Name(), memoryFile); ok && checkName(name) == nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Get reads what is remembered under a name.
func (s Memories) Get(name string) (Memory, error) {
	if err := checkName(name); err != nil {
		return Memory{}, err
	}
	f, err := os.Open(s.path(name, memoryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Memory{}, fmt.Errorf("%s: %w", name, ErrNoMemory)
	}
	if err != nil {
		return Memory{}, fmt.Errorf("reading a memory: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxMemory+1))
	if err != nil {
		return Memory{}, fmt.Errorf("reading a memory: %w", err)
	}
	m, err := ParseMemory(b)
	if err != nil {
		return Memory{}, fmt.Errorf("%s: %w", s.path(name, memoryFile), err)
	}
	return m, nil
}

// Add keeps m under a name that nothing is remembered under yet.
func (s Memories) Add(ctx context.Context, name string, m Memory) error {
	if _, err := ParseMemory(m.Format()); err != nil {
		return err
	}
	return s.locked(ctx, name, func() error {
		if _, err := os.Lstat(s.path(name, memoryFile)); err == nil {
			return fmt.Errorf("keeping a memory: something is remembered as %s already", name)
		}
		return s.write(s.path(name, memoryFile), m.Format())
	})
}

// Remove forgets what is remembered under a name. Evidence that was kept stays.
func (s Memories) Remove(ctx context.Context, name string) error {
	return s.locked(ctx, name, func() error {
		err := os.Remove(s.path(name, memoryFile))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, ErrNoMemory)
		}
		if err == nil {
			err = syncDir(s.Dir)
		}
		if err != nil {
			return fmt.Errorf("forgetting: %w", err)
		}
		return nil
	})
}

// Use gives what is remembered under a name to fn, and keeps what fn makes of it unless
// fn returns an error. Meanwhile no other process uses it, so nothing that one of them
// has learned is lost or set back.
func (s Memories) Use(ctx context.Context, name string, fn func(*Memory) error) error {
	if _, err := s.Get(name); err != nil {
		return err // without leaving a lock behind
	}
	return s.locked(ctx, name, func() error {
		m, err := s.Get(name)
		if err != nil {
			return err
		}
		before := m.Format()
		if err := fn(&m); err != nil {
			return err
		}
		if bytes.Equal(m.Format(), before) {
			return nil
		}
		if _, err := ParseMemory(m.Format()); err != nil {
			return err
		}
		return s.write(s.path(name, memoryFile), m.Format())
	})
}

// Keep writes what shows a misbehaviour beside the memory, under a name that follows
// from its content, and returns where.
func (s Memories) Keep(name, kind string, b []byte) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	path := s.path(name, fmt.Sprintf("-%x.%s", sum[:6], kind))
	return path, s.write(path, b)
}

// locked runs fn while no other process does so under this name.
func (s Memories) locked(ctx context.Context, name string, fn func() error) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("opening the memories: %w", err)
	}
	for {
		f, err := ledger.LockFile(s.path(name, lockedFile))
		if err == nil {
			return errors.Join(fn(), f.Close())
		}
		if !errors.Is(err, ledger.ErrLocked) {
			return fmt.Errorf("opening the memories: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for another process that uses %s: %w", name, context.Cause(ctx))
		case <-time.After(lockWait):
		}
	}
}

// write replaces a file. A crash leaves what was there or all of b.
func (s Memories) write(path string, b []byte) error {
	f, err := os.CreateTemp(s.Dir, ".new-*") // readable by its owner only
	if err != nil {
		return fmt.Errorf("keeping a memory: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(s.Dir)
	}
	if err != nil {
		return fmt.Errorf("keeping a memory: %w", errors.Join(err, removeLeft(f.Name())))
	}
	return nil
}

// removeLeft removes what was not renamed.
func removeLeft(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
