//go:build !unix

package emit

import "os"

// lockFile only opens path: this system has no flock.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

// syncDir does nothing: this system cannot sync a directory.
func syncDir(string) error { return nil }
