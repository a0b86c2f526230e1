//go:build unix

package ledger

import (
	"errors"
	"os"
	"syscall"
)

// LockFile opens or creates path with an exclusive lock that ends with the file or with
// the process, so a crash leaves nothing to clean up. When another has it the error is
// ErrLocked.
func LockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, err
}
