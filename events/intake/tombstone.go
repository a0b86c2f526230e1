package intake

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	nameDigits    = 16
	revokedSuffix = ".revoked"
)

// ErrNoToken says that no token has that name.
var ErrNoToken = errors.New("there is no such token")

// Named is a token without its secret.
type Named struct {
	Name     string // as TokenName gives it
	Grant    Grant
	Revoked  bool
	InMemory bool // it ends with the process that made it
}

// List is every token, those revoked and those made in memory included, sorted
// by name.
func (t *Tokens) List() ([]Named, error) {
	files, err := os.ReadDir(t.dir)
	if err != nil {
		return nil, fmt.Errorf("listing the tokens: %w", err)
	}
	var out []Named
	for _, f := range files {
		name, revoked := strings.CutSuffix(f.Name(), revokedSuffix)
		if _, err := hex.DecodeString(name); err != nil || len(name) != 64 {
			continue // being written, or not ours
		}
		n, err := t.readNamed(f.Name())
		if errors.Is(err, os.ErrNotExist) {
			// Revoked since the directory was read, or never: it comes next time.
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing the tokens: %w", err)
		}
		n.Revoked = revoked
		out = append(out, n)
	}
	t.mu.RLock()
	for key, g := range t.memory {
		out = append(out, Named{Name: nameOf(key), Grant: g, InMemory: true})
	}
	t.mu.RUnlock()
	slices.SortFunc(out, func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// readNamed reads a token's file once: its name may change, what it says never
// does.
func (t *Tokens) readNamed(file string) (Named, error) {
	n := Named{Name: file[:nameDigits]}
	t.mu.RLock()
	g, known := t.listed[file]
	t.mu.RUnlock()
	if n.Grant = g; known {
		return n, nil
	}
	text, err := os.ReadFile(filepath.Join(t.dir, file))
	if err == nil {
		err = json.Unmarshal(text, &n.Grant)
	}
	if err != nil {
		return n, fmt.Errorf("reading the token %s: %w", n.Name, err)
	}
	t.mu.Lock()
	t.listed[file] = n.Grant
	t.mu.Unlock()
	return n, nil
}

// Revoke ends the token of that name, at once and for good: its file stays
// under another name, so that everybody knows of the end. When Revoke returns
// without an error, a power cut does not bring the token back. Revoking it again
// does nothing; ErrNoToken when no file has the name.
func (t *Tokens) Revoke(name string) error {
	found, err := t.filesOf(name)
	if err != nil {
		return fmt.Errorf("revoking the token %s: %w", name, err)
	}
	for _, path := range found {
		if !strings.HasSuffix(path, revokedSuffix) {
			err = errors.Join(err, os.Rename(path, path+revokedSuffix))
		}
	}
	// Synced also when it was renamed before: that run may have ended too early.
	if err := errors.Join(err, syncDir(t.dir)); err != nil {
		return fmt.Errorf("revoking the token %s: %w", name, err)
	}
	return nil
}

// filesOf are the files of the tokens with that name, revoked or not: one, as
// far as anybody will ever see.
func (t *Tokens) filesOf(name string) ([]string, error) {
	if _, err := hex.DecodeString(name); err != nil || len(name) != nameDigits || strings.ToLower(name) != name {
		return nil, fmt.Errorf("a token's name is %d digits 0-9 a-f, as daybook token list prints it", nameDigits)
	}
	found, err := filepath.Glob(filepath.Join(t.dir, name+"*"))
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		return len(strings.TrimSuffix(filepath.Base(path), revokedSuffix)) != 64
	})
	if len(found) == 0 {
		return nil, ErrNoToken
	}
	return found, nil
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
