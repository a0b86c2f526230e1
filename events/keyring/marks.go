package keyring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Replayed is the sequence of the history up to which the destructions on
// record were carried out here, and 0 in a keyring that was put back from an
// escrow. What comes later has to be carried out before anything is opened.
func (k *Keyring) Replayed() (events.Seq, error) {
	n, _, err := k.readMark("replayed")
	return events.Seq(n), err
}

// SetReplayed notes how far the destructions on record were carried out. Less
// than what is noted changes nothing.
func (k *Keyring) SetReplayed(seq events.Seq) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	held, _, err := k.readMark("replayed")
	if err == nil && uint64(seq) > held {
		err = k.writeMark("replayed", uint64(seq))
	}
	return err
}

// Rotated is when the master key was last rotated, as long as [Keyring.Said]
// was not called since.
func (k *Keyring) Rotated() (at time.Time, found bool, err error) {
	n, found, err := k.readMark("rotated")
	if err != nil || !found {
		return time.Time{}, false, err
	}
	return time.Unix(int64(n), 0).UTC(), true, nil
}

// Said notes that the rotation of the master key is on record.
func (k *Keyring) Said() error {
	k.writing.Lock()
	defer k.writing.Unlock()
	err := k.ready()
	if err == nil {
		err = k.files.destroy("rotated")
	}
	if err != nil {
		return fmt.Errorf("noting that the rotation is on record: %w", err)
	}
	return nil
}

// readMark reads a sealed number; one that is not there is 0.
func (k *Keyring) readMark(name string) (n uint64, found bool, err error) {
	k.turning.RLock()
	defer k.turning.RUnlock()
	plain, err := k.files.readSealed(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errWiped) {
		return 0, false, nil
	}
	if err == nil && len(plain) != 8 {
		err = fmt.Errorf("reading %s: %d bytes instead of 8", name, len(plain))
	}
	if err != nil {
		return 0, false, err
	}
	return binary.BigEndian.Uint64(plain), true, nil
}

func (k *Keyring) writeMark(name string, n uint64) error {
	if err := k.ready(); err != nil {
		return err
	}
	return k.files.writeSealed(name, binary.BigEndian.AppendUint64(nil, n))
}
