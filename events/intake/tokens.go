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
	"strings"
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// Grant is what a token allows.
type Grant struct {
	Role         events.Role `json:"role"`
	Organization string      `json:"organization,omitempty"`
	Sources      []string    `json:"sources"`
	Rhythm       string      `json:"rhythm,omitempty"` // ISO 8601; an emitter's sources say something at least this often, "" says nothing of it
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
	return g.checkRhythm()
}

// checkRhythm asks what will have to be said with the rhythm.
func (g Grant) checkRhythm() error {
	if g.Rhythm == "" {
		return nil
	}
	if g.Role != events.Emitter {
		return errors.New("only a token for an emitter has a rhythm")
	}
	said := Own{Kind: "emitter.onboarded", ID: "rhythm", Organization: g.Organization, Data: events.Object{
		{Name: "emitter", Value: events.String(g.Organization)}, {Name: "rhythm", Value: events.String(g.Rhythm)},
	}}
	if _, err := said.event(); err != nil || strings.Trim(g.Rhythm, "PTYMWDHS0") == "" {
		return fmt.Errorf("the rhythm %q is no ISO 8601 period as PT1H or P1D", g.Rhythm)
	}
	return nil
}

// Tokens checks bearer tokens against a directory and those made in memory.
type Tokens struct {
	dir    string
	mu     sync.RWMutex
	memory map[[32]byte]Grant
	listed map[string]Grant // by file, as List read them
}

// OpenTokens makes the directory when it is not there.
func OpenTokens(dir string) (*Tokens, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the tokens: %w", err)
	}
	return &Tokens{dir: dir, memory: map[[32]byte]Grant{}, listed: map[string]Grant{}}, nil
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
	if err := writeSynced(t.path(key), append(text, '\n')); err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return token, nil
}

// writeSynced makes a file that is there whole, also after a power cut, or not
// at all.
func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
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
	return t.find(sha256.Sum256([]byte(token)))
}

// find is the grant of the token whose SHA-256 is key.
func (t *Tokens) find(key [32]byte) (Grant, bool, error) {
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

// TokenName is what officers see of a token: the first 16 hexadecimal digits of
// its SHA-256, which say nothing of the token.
func TokenName(token string) string {
	key := sha256.Sum256([]byte(token))
	return nameOf(key)
}

func nameOf(key [32]byte) string { return hex.EncodeToString(key[:])[:nameDigits] }
