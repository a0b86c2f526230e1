package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrMonthEnded says that a month has no key and gets none any more, because
// the key of that month or of a later one was destroyed.
var ErrMonthEnded = errors.New("the keys of that month were destroyed")

const (
	monthForm = "2006-01"
	// ended is the sealed file that names the latest month whose key was
	// destroyed.
	ended = "ended"
)

// MonthKey is the key, 32 bytes, of the UTC month of t in organization, made
// when it is the first use. t is the time of recording. The error is
// [ErrMonthEnded] for a month that has no key and is not later than every month
// whose key was destroyed: a clock that steps back makes the key of an earlier
// month, but never one again that retention ended. To open what was sealed use
// [Keyring.FindMonthKey], which makes nothing.
func (k *Keyring) MonthKey(organization string, t time.Time) ([]byte, error) {
	return k.monthKey(organization, t, true)
}

// FindMonthKey is [Keyring.MonthKey] without making anything. The error is
// [fs.ErrNotExist] for a month that has no key.
func (k *Keyring) FindMonthKey(organization string, t time.Time) ([]byte, error) {
	return k.monthKey(organization, t, false)
}

func (k *Keyring) monthKey(organization string, t time.Time, create bool) ([]byte, error) {
	t = t.UTC()
	if organization == "" || t.Year() < 1 || t.Year() > 9999 {
		return nil, errors.New("finding a month's key: it needs an organization and a year from 1 to 9999")
	}
	month := t.Format(monthForm)
	dir := monthsOf(organization)
	var may func() error
	if create {
		may = func() error { return k.notEnded(dir, month) }
	}
	key, err := k.sharedKey(dir+"/"+month, may)
	if err != nil {
		return nil, fmt.Errorf("finding the key of %s: %w", month, err)
	}
	return key[:], nil
}

func monthsOf(organization string) string { return "months/" + hashRef(organization) }

// notEnded refuses a month that may have had a key before.
func (k *Keyring) notEnded(dir, month string) error {
	last, err := k.lastEnded(dir)
	if err == nil && month <= last {
		err = ErrMonthEnded
	}
	return err
}

// lastEnded is the latest month of dir whose key was destroyed, "" when none
// was.
func (k *Keyring) lastEnded(dir string) (string, error) {
	last, err := k.files.readSealed(dir + "/" + ended)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(last), err
}

// DestroyMonth destroys the key of a month, as "2026-03", of organization. On
// return no file here opens what was sealed for officers in that month, and the
// key is never made again. A month without a key is no error, so that
// destroying again finishes what a crash cut short.
func (k *Keyring) DestroyMonth(organization, month string) error {
	if t, err := time.Parse(monthForm, month); err != nil || t.Format(monthForm) != month || organization == "" {
		return errors.New("destroying a month's key: it needs an organization and a month like 2026-03")
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	err := k.ready()
	if err == nil {
		err = k.destroyMonth(monthsOf(organization), month)
	}
	if err != nil {
		return fmt.Errorf("destroying the key of %s: %w", month, err)
	}
	return nil
}

// destroyMonth first notes on disk that the month has ended, so that the key is
// not made again when it is gone.
func (k *Keyring) destroyMonth(dir, month string) error {
	name := dir + "/" + month
	found, err := k.files.exists(dir)
	if err != nil || !found {
		return err
	}
	if found, err = k.files.exists(name); err != nil {
		return err
	}
	if found {
		last, err := k.lastEnded(dir)
		if err == nil && last < month {
			err = k.files.writeSealed(dir+"/"+ended, []byte(month))
		}
		if err != nil {
			return err
		}
	}
	k.mu.Lock()
	if key := k.shared[name]; key != nil {
		clear(key[:])
		delete(k.shared, name)
	}
	k.mu.Unlock()
	return k.files.destroy(name)
}

// Months lists the months of organization that have a key, as "2026-03",
// ascending.
func (k *Keyring) Months(organization string) ([]string, error) {
	dir := monthsOf(organization)
	entries, err := os.ReadDir(k.files.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing months: %w", err)
	}
	var out []string
	for _, e := range entries {
		if !isMonth(e.Name()) {
			continue
		}
		// One that a crash left as zeros is gone.
		if data, err := os.ReadFile(filepath.Join(k.files.path(dir), e.Name())); err == nil && !allZero(data) {
			out = append(out, e.Name())
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("listing months: %w", err)
		}
	}
	return out, nil
}

func isMonth(name string) bool {
	t, err := time.Parse(monthForm, name)
	return err == nil && t.Format(monthForm) == name
}
