package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// settle ends what a crash left between two files: whatever lies aside takes
// its place when the key of the file it replaces is zeroed already, and is
// destroyed otherwise. It is for when the master key is known to be right.
func (f *files) settle() error {
	names, err := f.asides()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := f.settleOne(name); err != nil {
			return fmt.Errorf("settling %s: %w", name, err)
		}
	}
	// A killed process may have renamed and not synced; nobody may use what a
	// power failure could still take back.
	return errors.Join(f.syncDir(""), f.syncDir("buckets"))
}

// asides lists the files that have something aside.
func (f *files) asides() ([]string, error) {
	var names []string
	err := filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(f.root, path)
		if name, ok := strings.CutSuffix(filepath.ToSlash(rel), aside); ok && !d.IsDir() && name != escrowNote {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func (f *files) settleOne(name string) error {
	number, isRoll := parseRoll(name)
	if !isRoll {
		return f.destroy(name + aside)
	}
	data, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return f.destroy(name + aside) // a new bucket; its records are pending
	}
	if err != nil {
		return err
	}
	_, broken := f.vault.openRoll(number, data, 0)
	if broken == nil {
		return f.destroy(name + aside)
	}
	beside, err := f.read(name + aside)
	if err != nil {
		return err
	}
	r, err := f.vault.readRoll(number, beside, newRoster().add)
	if err != nil || r.size != int64(len(beside)) {
		return errors.Join(broken, err) // both may be all there is: change nothing
	}
	if err := f.settleAside(name); err != nil {
		return err
	}
	return f.syncDir(parent(name))
}

// parseRoll reads the name of a file of records.
func parseRoll(name string) (rollNumber, bool) {
	if name == pendingRoll.name() {
		return pendingRoll, true
	}
	text, ok := strings.CutPrefix(name, "buckets/")
	n, err := strconv.ParseUint(text, 16, 12)
	number := rollNumber(n)
	return number, ok && err == nil && number.name() == name
}
