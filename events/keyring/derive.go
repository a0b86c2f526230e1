package keyring

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

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
		roots := make([]byte, 0, len(named)*len(key))
		for _, p := range named {
			root := p.Root()
			roots = append(roots, root[:]...)
		}
		key = events.BoxKey("content", key[:], roots)
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
	key, err := k.sharedKey("organizations/"+hashRef(organization), func() error { return nil })
	if err != nil {
		return "", fmt.Errorf("making a pseudonym: %w", err)
	}
	b := append([]byte{byte(len(what))}, what...)
	sum := mac(key[:], append(b, value...))
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

func hashRef(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return hex.EncodeToString(sum[:])
}

// sharedKey finds the key file of that name in memory or on disk and makes it
// if may is given and has nothing against it.
func (k *Keyring) sharedKey(name string, may func() error) (secret, error) {
	if key, ok := k.loadedKey(name); ok {
		return key, nil
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if key, ok := k.loadedKey(name); ok {
		return key, nil
	}
	if k.closed.Load() {
		return secret{}, ErrClosed
	}
	key, err := k.files.readKey(name)
	switch {
	case err == nil:
		// Whoever made it may have been killed before its name was on disk.
		err = k.files.syncDir(parent(name))
	case errors.Is(err, fs.ErrNotExist) && may != nil:
		if err = may(); err == nil {
			key, err = k.createKey(name)
		}
	case errors.Is(err, errWiped):
		err = fs.ErrNotExist
		if may != nil {
			err = ErrMonthEnded
		}
	}
	if err != nil {
		return secret{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shared[name] = key
	return *key, nil
}

func (k *Keyring) loadedKey(name string) (secret, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.shared[name]; key != nil {
		return *key, true
	}
	return secret{}, false
}

func (k *Keyring) createKey(name string) (*secret, error) {
	key, err := k.files.vault.draw()
	if err != nil {
		return nil, err
	}
	if err := k.files.mkdir(parent(name)); err != nil {
		return nil, err
	}
	return key, k.files.writeSealed(name, key[:])
}
