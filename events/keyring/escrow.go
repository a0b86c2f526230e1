package keyring

import "time"

const (
	escrowNote = "escrow"
	escrowLock = "escrow.lock"
)

// BackupsUntil stands in for the real one.
func (k *Keyring) BackupsUntil(now time.Time) (time.Time, error) { return time.Time{}, nil }
