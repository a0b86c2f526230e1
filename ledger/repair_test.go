package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// TestRepairJournal: a damaged last line gives way to the published checkpoint
// it held, and to nothing else.
func TestRepairJournal(t *testing.T) {
	entries := testEntries(t, 300)
	other := append([][]byte{}, entries...)
	other[7] = entries[8]
	for name, test := range map[string]struct {
		spoil func(lines []string) // the journal's
		shown func([]byte) []byte  // the checkpoint
		want  string
	}{
		"size":           {func(l []string) { l[2] = "9" + l[2] }, nil, ""},
		"note":           {func(l []string) { l[2] = l[2][:len(l[2])-9] + "AAAA" + l[2][len(l[2])-5:] }, nil, ""},
		"noise":          {func(l []string) { l[2] = "noise\n" }, nil, ""},
		"torn behind it": {func(l []string) { l[2] = "noise\n"; l[3] = "30" }, nil, ""},
		"cosigned":       {func(l []string) { l[2] = "noise\n" }, func(b []byte) []byte { return cosignedNote(t, b) }, ""},
		"first line":     {func(l []string) { l[0] = "9" + l[0] }, nil, "journal line 1"},
		"two lines":      {func(l []string) { l[1] = "noise\n"; l[2] = "noise\n" }, nil, "journal line 2"},
		"no checkpoint":  {func(l []string) { l[2] = "noise\n" }, func([]byte) []byte { return nil }, "is to take the line's place"},
		"older":          {func(l []string) { l[2] = "noise\n" }, func([]byte) []byte { return headOf(t, entries[:257]).Note }, "size 257 follows size 257"},
		"other":          {func(l []string) { l[2] = "noise\n" }, func([]byte) []byte { return headOf(t, other).Note }, "the history leads to"},
		"unsigned":       {func(l []string) { l[2] = "noise\n" }, func(b []byte) []byte { return bytes.Replace(b, []byte("300"), []byte("299"), 1) }, "invalid signature"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, l := t.TempDir(), &memLog{}
			for _, n := range []int{4, 257, 300} {
				if err := anchorTo(t, testConfig(t, dir, newHistory(entries[:n]...), l), events.Size(n)); err != nil {
					t.Fatal(err)
				}
			}
			path, checkpoint := filepath.Join(dir, "journal"), filepath.Join(dir, "public", checkpointPath)
			whole := must[[]byte](t)(os.ReadFile(path))
			lines := strings.SplitAfter(string(whole), "\n")
			test.spoil(lines)
			damaged := []byte(strings.Join(lines, ""))
			write(t, path, damaged)
			if test.shown != nil {
				write(t, checkpoint, test.shown(must[[]byte](t)(os.ReadFile(checkpoint))))
			}
			cfg := CheckConfig{Dir: filepath.Join(dir, "public"), Journal: path, History: boxed(entries...)}
			kept, err := RepairJournal(t.Context(), cfg)
			after := must[[]byte](t)(os.ReadFile(path))
			if test.want != "" {
				wantError(t, err, test.want)
				if _, err := os.Stat(path + ".new"); !bytes.Equal(after, damaged) || err == nil {
					t.Fatal("a refused journal was changed")
				}
				return
			}
			if err != nil || !bytes.Equal(after, whole) || !bytes.Equal(must[[]byte](t)(os.ReadFile(kept)), damaged) {
				t.Fatalf("%v: %q", err, after)
			}
			if _, err := Check(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestRepairJournalHeld: not while somebody signs.
func TestRepairJournalHeld(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir, newHistory(testEntries(t, 4)...), &memLog{})
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = RepairJournal(t.Context(), CheckConfig{Dir: cfg.Dir, Journal: filepath.Join(dir, "journal"), History: boxed()})
	if !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
}
