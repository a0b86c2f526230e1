//go:build !unix

package ledger

import "os"

// LockFile only opens or creates path: this system has no flock.
func LockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
}
