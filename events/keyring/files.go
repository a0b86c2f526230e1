package keyring

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLocked says that another process, or another part of this one, holds the
// keyring.
var ErrLocked = errors.New("the keyring is held by another process")

const (
	dirMode  = 0o700
	fileMode = 0o600
	// keyFileLen is a key and its check.
	keyFileLen = 32 + 8
)

// acquire takes the lock of dir. The kernel lets go of it when the process
// ends, however it ends, so a crash leaves nothing to clean up.
func acquire(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fmt.Errorf("locking the keyring: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the keyring: %w", err), f.Close())
	}
	return f, nil
}

// writeFile makes dir/name hold data, whole or not at all: a crash leaves the
// old file or none, and perhaps a .new beside it that the next attempt
// overwrites. On return the file and its name are on disk.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := writeSynced(path+".new", data); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// makeDir makes path if it is missing, and its name durable in either case: an
// earlier process may have died between the two.
func makeDir(path string) error {
	if err := os.MkdirAll(path, dirMode); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeKey stores key under name, a slash-separated path below dir.
func writeKey(dir, name string, key *secret) error {
	if err := writeFile(dir, name, append(key[:], keyCheck(name, key)...)); err != nil {
		return fmt.Errorf("writing the key %s: %w", name, err)
	}
	return nil
}

// readKey loads what writeKey stored. A missing file is [fs.ErrNotExist].
func readKey(dir, name string) (*secret, error) {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	if len(data) != keyFileLen {
		return nil, fmt.Errorf("reading the key %s: %d bytes instead of %d", name, len(data), keyFileLen)
	}
	key := secret(data[:32])
	if string(keyCheck(name, &key)) != string(data[32:]) {
		return nil, fmt.Errorf("reading the key %s: it is damaged, or the file of another key", name)
	}
	return &key, nil
}

func keyCheck(name string, key *secret) []byte {
	sum := sha256.Sum256(append([]byte("daybook/key-file@1\n"+name+"\n"), key[:]...))
	return sum[:8]
}

func exists(dir, name string) (bool, error) {
	_, err := os.Lstat(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
