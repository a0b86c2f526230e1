package keyring

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func day(month string) time.Time {
	t, err := time.Parse(monthForm, month)
	if err != nil {
		panic(err)
	}
	return t.AddDate(0, 0, 14)
}

func monthKeys(t *testing.T, k *Keyring, months ...string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, m := range months {
		key, err := k.MonthKey("city", day(m))
		if err != nil {
			t.Fatal(err)
		}
		out[m] = key
	}
	return out
}

func TestDestroyMonth(t *testing.T) {
	k, dir := newKeyring(t)
	before := monthKeys(t, k, "2026-01", "2026-02", "2026-03", "2026-05")
	other, err := k.MonthKey("county", day("2026-02"))
	if err != nil {
		t.Fatal(err)
	}
	months := func(want ...string) {
		t.Helper()
		got, err := k.Months("city")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: months (-want +got):\n%s", err, diff)
		}
	}
	months("2026-01", "2026-02", "2026-03", "2026-05")
	for range 2 { // again changes nothing
		if err := k.DestroyMonth("city", "2026-02"); err != nil {
			t.Fatal(err)
		}
		months("2026-01", "2026-03", "2026-05")
	}
	for _, m := range []string{"2025-12", "2026-04", "never"} {
		err := k.DestroyMonth("city", m)
		if (err != nil) != (m == "never") {
			t.Errorf("destroying %s: %v", m, err)
		}
	}
	check := func() {
		t.Helper()
		if _, err := k.FindMonthKey("city", day("2026-02")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("finding a destroyed key: %v", err)
		}
		if _, err := k.MonthKey("city", day("2026-02")); !errors.Is(err, ErrMonthEnded) {
			t.Errorf("making a destroyed key again: %v", err)
		}
		if key, err := k.MonthKey("county", day("2026-02")); err != nil || !bytes.Equal(key, other) {
			t.Errorf("another organization's key: %v", err)
		}
		for _, m := range []string{"2026-01", "2026-03", "2026-05"} {
			if key, err := k.MonthKey("city", day(m)); err != nil || !bytes.Equal(key, before[m]) {
				t.Errorf("the key of %s: %v", m, err)
			}
		}
		for _, data := range contents(t, dir, k.files.vault) {
			if bytes.Contains(data, before["2026-02"][:16]) {
				t.Error("the destroyed key is still there")
			}
		}
	}
	check()
	k.crash(t)
	k = open(t, dir)
	check()
	// A clock that steps back: April never had a key and is later than what has
	// ended, December is not.
	if _, err := k.MonthKey("city", day("2026-04")); err != nil {
		t.Errorf("a month between two others: %v", err)
	}
	if _, err := k.MonthKey("city", day("2025-12")); !errors.Is(err, ErrMonthEnded) {
		t.Errorf("a month before what has ended: %v", err)
	}
	if got, err := k.Months("nobody"); len(got) != 0 || err != nil {
		t.Errorf("months of nobody: %v %v", got, err)
	}
}

// TestMonthLeftAsZeros is a crash between the zeros and the removal.
func TestMonthLeftAsZeros(t *testing.T) {
	k, dir := newKeyring(t)
	monthKeys(t, k, "2026-01")
	k.files.step = func(s step) error {
		if s.op == "remove" {
			return errors.New("crash")
		}
		return nil
	}
	if err := k.DestroyMonth("city", "2026-01"); err == nil {
		t.Fatal("it is destroyed without being removed")
	}
	k.crash(t)
	k = open(t, dir)
	if got, err := k.Months("city"); len(got) != 0 || err != nil {
		t.Errorf("months: %v %v", got, err)
	}
	if _, err := k.MonthKey("city", day("2026-01")); !errors.Is(err, ErrMonthEnded) {
		t.Errorf("making it: %v", err)
	}
	if _, err := k.FindMonthKey("city", day("2026-01")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("finding it: %v", err)
	}
	if err := k.DestroyMonth("city", "2026-01"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, monthsOf("city"), "2026-01")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}
