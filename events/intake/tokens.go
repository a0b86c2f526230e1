package intake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// Grant is what a token allows.
type Grant struct {
	Role         events.Role `json:"role"`
	Organization string      `json:"organization,omitempty"`
	Sources      []string    `json:"sources"`
}

// Check says what is wrong with a grant before a token is made for it.
func (g Grant) Check() error {
	roles := []events.Role{events.Emitter, events.Registrar, events.Officer, events.Auditor, events.Admin}
	switch {
	case !slices.Contains(roles, g.Role):
		return fmt.Errorf("there is no role %q: emitter, registrar, officer, auditor or admin", g.Role)
	case g.Organization == "" && (g.Role == events.Emitter || g.Role == events.Officer):
		return fmt.Errorf("a token for an %s needs an organization", g.Role)
	case g.Organization != "" && !events.IsReference(g.Organization):
		return errors.New("the organization is not a reference: a-z 0-9 . _ / @ -")
	}
	for _, s := range g.Sources {
		if !events.IsReference(s) || s == LedgerSource {
			return fmt.Errorf("%q cannot be a token's source", s)
		}
	}
	return nil
}

// Tokens checks bearer tokens against a directory and those made in memory.
type Tokens struct {
	dir    string
	mu     sync.RWMutex
	memory map[[32]byte]Grant
}

// OpenTokens makes the directory when it is not there.
func OpenTokens(dir string) (*Tokens, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the tokens: %w", err)
	}
	return &Tokens{dir: dir, memory: map[[32]byte]Grant{}}, nil
}

// Mint makes a token and writes its hashed file. Without sources it may speak
// for the source that is its organization's reference.
func (t *Tokens) Mint(g Grant) (string, error) {
	token, key, err := draw(&g)
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	text, err := json.Marshal(g)
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	path := t.path(key)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return token, nil
}

// MintInMemory makes a token that ends with this process.
func (t *Tokens) MintInMemory(g Grant) (string, error) {
	token, key, err := draw(&g)
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	t.mu.Lock()
	t.memory[key] = g
	t.mu.Unlock()
	return token, nil
}

func draw(g *Grant) (string, [32]byte, error) {
	if len(g.Sources) == 0 && g.Organization != "" {
		g.Sources = []string{g.Organization}
	}
	if err := g.Check(); err != nil {
		return "", [32]byte{}, err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the process instead
	token := "daybook_" + string(g.Role) + "_" + base64.RawURLEncoding.EncodeToString(secret)
	return token, sha256.Sum256([]byte(token)), nil
}

func (t *Tokens) path(key [32]byte) string { return filepath.Join(t.dir, hex.EncodeToString(key[:])) }

// Find is the grant of a token; false when there is none. The lookup is by
// hash, so its time says nothing about the token.
func (t *Tokens) Find(token string) (Grant, bool, error) {
	key := sha256.Sum256([]byte(token))
	t.mu.RLock()
	g, ok := t.memory[key]
	t.mu.RUnlock()
	if ok {
		return g, true, nil
	}
	text, err := os.ReadFile(t.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return Grant{}, false, nil
	}
	if err != nil {
		return Grant{}, false, fmt.Errorf("reading a token: %w", err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		return Grant{}, false, fmt.Errorf("reading a token: %w", err)
	}
	return g, g.Check() == nil, nil
}
