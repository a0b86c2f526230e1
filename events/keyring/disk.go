package keyring

import (
	"bytes"
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
	aside    = ".new" // what a file is called until it is whole
)

// disk is a directory whose files outlive a crash. Whatever changes it goes
// through the methods below, each of them one step that happens or does not.
type disk struct {
	root string
	// step, when set, is asked before each step and may end everything there.
	step func(step) error
}

// step is one change of the disk: "write", "sync", "rename", "remove", "mkdir"
// or "syncdir".
type step struct{ op, path, to string }

func (d *disk) ask(op, path, to string) error {
	if d.step == nil {
		return nil
	}
	return d.step(step{op, path, to})
}

// path is where a slash-separated name is; "" is the directory itself.
func (d *disk) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// read returns the whole of a file.
func (d *disk) read(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

func (d *disk) exists(name string) (bool, error) {
	_, err := os.Lstat(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// change opens name, lets do change it, and returns when that is on disk.
func (d *disk) change(name string, flag int, do func(*os.File) error) error {
	if err := d.ask("write", d.path(name), ""); err != nil {
		return err
	}
	f, err := os.OpenFile(d.path(name), flag, fileMode)
	if err != nil {
		return err
	}
	err = do(f)
	if err == nil {
		err = d.ask("sync", d.path(name), "")
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// writeAside writes data beside name, on disk but for its own name.
func (d *disk) writeAside(name string, data []byte) error {
	return d.change(name+aside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// settleAside gives what writeAside wrote its name, which is on disk after the
// next syncDir.
func (d *disk) settleAside(name string) error { return d.rename(name+aside, name) }

// replace makes name hold data, whole or not at all: a crash leaves the old
// file or none, and perhaps one aside that the next Open removes.
func (d *disk) replace(name string, data []byte) error {
	if err := d.writeAside(name, data); err != nil {
		return err
	}
	if err := d.settleAside(name); err != nil {
		return err
	}
	return d.syncDir(parent(name))
}

// exchange makes name hold data, and zeros bytes from-to of what it held, in
// place and on disk, before the new file takes its name. A crash leaves the
// old file, or one whose bytes from-to are gone with the new one whole beside
// it, or the new one.
func (d *disk) exchange(name string, data []byte, from, to int64) error {
	if err := d.writeAside(name, data); err != nil {
		return err
	}
	if err := d.syncDir(parent(name)); err != nil {
		return err
	}
	if err := d.zero(name, from, to); err != nil {
		return err
	}
	if err := d.settleAside(name); err != nil {
		return err
	}
	return d.syncDir(parent(name))
}

func (d *disk) zero(name string, from, to int64) error {
	return d.change(name, os.O_WRONLY, func(f *os.File) error {
		_, err := f.WriteAt(make([]byte, to-from), from)
		return err
	})
}

// destroy overwrites name with zeros, on disk, and removes it. Nothing there is
// no error.
func (d *disk) destroy(name string) error {
	info, err := os.Lstat(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return d.syncDir(parent(name))
	}
	if err != nil {
		return err
	}
	if err := d.zero(name, 0, info.Size()); err != nil {
		return err
	}
	if err := d.remove(name); err != nil {
		return err
	}
	return d.syncDir(parent(name))
}

// appendAt makes data the end of name, at offset, cutting off what may be
// behind it.
func (d *disk) appendAt(name string, offset int64, data []byte) error {
	return d.change(name, os.O_RDWR, func(f *os.File) error {
		if err := f.Truncate(offset); err != nil {
			return err
		}
		if _, err := f.WriteAt(data, offset); err != nil {
			return errors.Join(err, f.Truncate(offset))
		}
		return nil
	})
}

func (d *disk) rename(from, to string) error {
	if err := d.ask("rename", d.path(from), d.path(to)); err != nil {
		return err
	}
	return os.Rename(d.path(from), d.path(to))
}

func (d *disk) remove(name string) error {
	if err := d.ask("remove", d.path(name), ""); err != nil {
		return err
	}
	return os.Remove(d.path(name))
}

// mkdir makes the directory name if it is missing, and its name durable in
// either case: an earlier process may have died between the two.
func (d *disk) mkdir(name string) error {
	if err := d.ask("mkdir", d.path(name), ""); err != nil {
		return err
	}
	if err := os.Mkdir(d.path(name), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.syncDir(parent(name))
}

func (d *disk) syncDir(name string) error {
	if err := d.ask("syncdir", d.path(name), ""); err != nil {
		return err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// parent is the directory of name; "" is the root.
func parent(name string) string {
	if dir := filepath.ToSlash(filepath.Dir(filepath.FromSlash(name))); dir != "." {
		return dir
	}
	return ""
}

// acquire takes the lock of that name. The kernel lets go of it when the
// process ends, however it ends, so a crash leaves nothing to clean up.
func (d *disk) acquire(name string) (*os.File, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE, fileMode)
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

// allZero reports whether b is nothing but zeros, an empty b included.
func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
