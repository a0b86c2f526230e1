package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateDoc = flag.Bool("update-godoc", false, "write what go doc says of the public packages")

// TestGuardPublicDoc holds what other programs build on, word for word: a
// change to it is seen in review as one, and made with -update-godoc.
func TestGuardPublicDoc(t *testing.T) {
	for _, folder := range []string{"api/client", "events", "events/emit", "ledger/proof"} {
		c := exec.Command("go", "doc", "-all", "./"+folder)
		c.Dir = root
		got, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("go doc %s: %v\n%s", folder, err, got)
		}
		golden := filepath.Join("testdata", "godoc", strings.ReplaceAll(folder, "/", "-")+".txt")
		if *updateDoc {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("the public documentation of %s has changed; when that is meant, go test ./cmd/daybook -run GuardPublicDoc -update-godoc\n%s", folder, diff)
		}
	}
}
