package keyring

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// EventName is the ledger's public name of the event that source calls id:
// HMAC(event key, u32 len(source) ‖ source ‖ id)[:16].
func (k *Keyring) EventName(source, id string) [16]byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(source)+len(id)), uint32(len(source)))
	b = append(append(b, source...), id...)
	sum := mac(k.keys.event[:], b)
	return [16]byte(sum[:16])
}

// FoldKey is the ledger-wide key of fold headers, 32 bytes. Erasure and
// retention never destroy it.
func (k *Keyring) FoldKey() []byte {
	key := k.keys.fold
	return key[:]
}

// Content is the keyed hash by which a repeated event is recognized: HMAC of
// the canonical event under the content key or, when persons are named, under a
// key that also needs theirs, in the order they are named. When one of those is
// erased nobody can test a guess.
func (k *Keyring) Content(canonical []byte, named ...*Person) [32]byte {
	key := k.keys.content
	if len(named) > 0 {
		roots := [][]byte{key[:]}
		for _, p := range named {
			roots = append(roots, p.root[:])
		}
		key = events.BoxKey("content", roots...)
	}
	return mac(key[:], canonical)
}

// Pseudonym is the name under which the views know an actor or a case of one
// organization: 22 characters, the same for the same value, and unlinkable to
// those of another organization. what is "actor" or "case".
func (k *Keyring) Pseudonym(organization, what, value string) (string, error) {
	if what != "actor" && what != "case" {
		return "", fmt.Errorf("making a pseudonym: there are none for %q", what)
	}
	if organization == "" {
		return "", errors.New("making a pseudonym: no organization given")
	}
	key, err := k.sharedKey("organizations/"+hashRef(organization), true)
	if err != nil {
		return "", fmt.Errorf("making a pseudonym: %w", err)
	}
	b := append([]byte{byte(len(what))}, what...)
	sum := mac(key[:], append(b, value...))
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// MonthKey is the key, 32 bytes, of the UTC month of t in organization, made
// when it is the first use. t is the time of recording. To open what was
// sealed use [Keyring.FindMonthKey], which cannot bring back an ended month.
func (k *Keyring) MonthKey(organization string, t time.Time) ([]byte, error) {
	return k.monthKey(organization, t, true)
}

// FindMonthKey is [Keyring.MonthKey] without making anything. The error is
// [fs.ErrNotExist] for a month that has no key.
func (k *Keyring) FindMonthKey(organization string, t time.Time) ([]byte, error) {
	return k.monthKey(organization, t, false)
}

func (k *Keyring) monthKey(organization string, t time.Time, create bool) ([]byte, error) {
	t = t.UTC()
	if organization == "" || t.Year() < 1 || t.Year() > 9999 {
		return nil, errors.New("finding a month's key: it needs an organization and a year from 1 to 9999")
	}
	key, err := k.sharedKey("months/"+hashRef(organization)+"/"+t.Format("2006-01"), create)
	if err != nil {
		return nil, fmt.Errorf("finding the key of %s: %w", t.Format("2006-01"), err)
	}
	copied := *key
	return copied[:], nil
}

func hashRef(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return hex.EncodeToString(sum[:])
}

// sharedKey finds the key file of that name in memory or on disk and, if
// create is set, makes it.
func (k *Keyring) sharedKey(name string, create bool) (*secret, error) {
	if key := k.loadedKey(name); key != nil {
		return key, nil
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if key := k.loadedKey(name); key != nil {
		return key, nil
	}
	if k.closed {
		return nil, ErrClosed
	}
	key, err := readKey(k.dir, name)
	switch {
	case err == nil:
		// Whoever made it may have been killed before its name was on disk.
		err = syncDir(filepath.Dir(filepath.Join(k.dir, filepath.FromSlash(name))))
	case create && errors.Is(err, fs.ErrNotExist):
		key, err = k.createKey(name)
	}
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shared[name] = key
	return key, nil
}

func (k *Keyring) loadedKey(name string) *secret {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.shared[name]
}

func (k *Keyring) createKey(name string) (*secret, error) {
	key := new(secret)
	if _, err := io.ReadFull(k.random, key[:]); err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	if err := makeDir(filepath.Join(k.dir, filepath.Dir(filepath.FromSlash(name)))); err != nil {
		return nil, err
	}
	return key, writeKey(k.dir, name, key)
}
