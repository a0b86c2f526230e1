package verify

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/web/verify/build"
)

var update = flag.Bool("update", false, "write what is generated")

// TestDist holds what is generated against its sources: the table of kinds, which the
// script has in it, and the script that is served.
func TestDist(t *testing.T) {
	fresh(t, "kinds.ts", []byte(kindsSource(t)))
	script, err := build.Script(".", "core.ts", "daybook", nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(script), "import(") || len(script) > 96<<10 {
		t.Errorf("the script has %d bytes", len(script))
	}
	fresh(t, "../dist/verify.js", script)
}

// fresh compares a file with what it is made of, and writes it with -update.
func fresh(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != string(want) {
		t.Errorf("%s is stale (%v): go test ./api/web/verify -run Dist -update", path, err)
	}
}

// TestNobleIsUnmodified holds the files that were taken over against their list.
func TestNobleIsUnmodified(t *testing.T) {
	list, err := os.ReadFile("noble/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		want[line] = true
	}
	err = filepath.WalkDir("noble", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == filepath.Join("noble", "SHA256SUMS") || d.Name() == "README" {
			return err
		}
		b, err := os.ReadFile(path)
		line := fmt.Sprintf("%x  %s\n", sha256.Sum256(b), strings.TrimPrefix(filepath.ToSlash(path), "noble/"))
		if !want[line] {
			t.Errorf("%s is not what the list has", path)
		}
		delete(want, line)
		return err
	})
	if err != nil || len(want) > 0 {
		t.Errorf("missing: %v, %v", want, err)
	}
}
