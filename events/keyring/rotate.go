package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// RotateMaster makes a new master key, seals everything here under it, and then
// lets the old one go. A crash anywhere leaves both in the [Master], and the
// next Open finishes; when this Open has, nothing more is done here. What was
// sealed before, in a copy somebody kept, still opens with the old key.
func (k *Keyring) RotateMaster() error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.finished {
		k.finished = false
		return nil
	}
	err := k.ready()
	if err == nil {
		err = k.move(false)
	}
	if err == nil {
		err = k.rotate()
	}
	if err != nil {
		return fmt.Errorf("rotating the master key: %w", err)
	}
	return nil
}

func (k *Keyring) rotate() error {
	lock, err := k.files.acquire(escrowLock)
	if err != nil {
		return fmt.Errorf("an escrow is being written: %w", err)
	}
	defer lock.Close()
	key, err := k.files.vault.draw()
	if err != nil {
		return err
	}
	both, err := newVault(append([][32]byte{*key}, k.files.vault.all()...), k.random)
	if err != nil {
		return err
	}
	if err := k.master.Store(both.all()); errors.Is(err, errors.ErrUnsupported) {
		return err // nothing has changed
	} else if err != nil {
		k.broken = fmt.Errorf("a new master key may be stored or not: %w", err)
		return k.broken
	}
	k.turning.Lock()
	defer k.turning.Unlock()
	k.files.vault = both
	if err := k.reseal(); err != nil {
		k.broken = err
		return err
	}
	k.finished = false
	return nil
}

// finishRotation goes on where a crash ended a rotation.
func (k *Keyring) finishRotation() error {
	if len(k.files.vault.keys) == 1 {
		return nil
	}
	lock, err := k.files.acquire(escrowLock)
	if err != nil {
		return fmt.Errorf("an escrow is being written: %w", err)
	}
	defer lock.Close()
	return k.reseal()
}

// reseal seals under the first master key whatever is sealed under another, and
// lets the others go. The ledger's own key file comes last: while it is under an
// old key, there may be more.
func (k *Keyring) reseal() error {
	ledger, err := k.files.read("ledger")
	if err != nil {
		return err
	}
	if !k.files.vault.inUse(ledger, len(keyFileLine)) {
		if err := k.resealAll(); err != nil {
			return err
		}
		k.finished = true
	}
	only, err := newVault(k.files.vault.all()[:1], k.random)
	if err != nil {
		return err
	}
	// A Master that others change is asked in vain; the old key only hangs on.
	if err := k.master.Store(only.all()); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	k.files.vault = only
	return nil
}

func (k *Keyring) resealAll() error {
	if err := k.writeMark("rotated", uint64(k.now().Unix())); err != nil {
		return err
	}
	var names []string
	err := filepath.WalkDir(k.files.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(k.files.root, path)
		if name := filepath.ToSlash(rel); name != "lock" && name != escrowLock && name != "ledger" && !strings.HasSuffix(name, aside) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range append(names, "ledger") {
		if err := k.resealFile(name); err != nil {
			return fmt.Errorf("sealing %s anew: %w", name, err)
		}
	}
	return nil
}

// resealFile seals one file under the master key in use: a key file anew, of a file
// of records its key.
func (k *Keyring) resealFile(name string) error {
	f := k.files
	data, err := f.read(name)
	if err != nil {
		return err
	}
	number, isRoll := parseRoll(name)
	if !isRoll {
		if f.vault.inUse(data, len(keyFileLine)) {
			return nil
		}
		plain, err := f.vault.open(name, data)
		if errors.Is(err, errWiped) {
			return f.destroy(name)
		}
		if err != nil {
			return err
		}
		defer clear(plain)
		return f.writeSealed(name, plain)
	}
	line := len(number.line())
	if f.vault.inUse(data, line) {
		return nil
	}
	if int64(len(data)) < number.headerLen() {
		return errors.New("it is cut short")
	}
	key, err := f.vault.unwrap(number, data[line:number.headerLen()])
	if err != nil {
		return err
	}
	defer clear(key[:])
	wrapped, err := f.vault.wrap(number, key)
	if err != nil {
		return err
	}
	copy(data[line:], wrapped)
	return f.replace(name, data)
}
