//go:build !unix

package client

import (
	"errors"
	"os"
)

// errInUse says that another process has the lock.
var errInUse = errors.New("in use")

// lockFile only opens path: this system has no flock.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

// syncDir does nothing: this system cannot sync a directory.
func syncDir(string) error { return nil }
