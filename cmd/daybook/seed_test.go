package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seededServer starts the program with its records and waits until they are in.
func seededServer(t *testing.T, dir string) *server {
	t.Helper()
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	s, err := startServer(program, dir, "--seed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	for end := time.Now().Add(time.Minute); !strings.Contains(s.logs.String(), "seeded"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the records are not posted in a minute: %s", s.logs)
		}
	}
	if strings.Contains(s.logs.String(), "not all in") {
		t.Fatal(s.logs)
	}
	return s
}

// answered reads the JSON of a page that shows at least size entries.
func answered(t *testing.T, s *server, path string, into any) {
	t.Helper()
	b, err := fetch(s.url + path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// totalsOf waits until everything posted is counted.
func totalsOf(t *testing.T, s *server) (size int, real, example map[string]int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var now struct {
			Size          int
			Real, Example struct{ ByKind map[string]int }
		}
		answered(t, s, "/v1/totals", &now)
		if now.Size == size || time.Now().After(end) {
			return now.Size, now.Real.ByKind, now.Example.ByKind
		}
		size = now.Size
	}
}

// saidBySeed are the counts of what the seed says; what the ledger says of its
// emitters comes when it comes.
func saidBySeed(real, example map[string]int) map[string]int {
	out := map[string]int{}
	for _, counts := range []map[string]int{real, example} {
		for kind, n := range counts {
			if !strings.HasPrefix(kind, "emitter.") {
				out[kind] += n
			}
		}
	}
	return out
}

// TestSeed holds that a first start shows a living city, that the two editions of
// the Array of Things' register differ as they do, that invented things are kept
// apart, and that starting so again adds nothing.
func TestSeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := seededServer(t, dir)
	size, real, example := totalsOf(t, s)
	for kind, want := range map[string]int{
		"system.moved": 2, "system.decommissioned": 4, "system.changed": 9 + 3, "data.shared": 7, "data.received": 6,
	} {
		if real[kind] != want {
			t.Errorf("%d of %s, want %d", real[kind], kind, want)
		}
	}
	for kind, want := range map[string]int{
		"data.collected": 24, "data.shared": 4, "data.deleted": 4, "data.altered": 1, "data.derived": 1, "data.anonymized": 1,
		"system.fault": 1, "policy.published": 1, "agreement.registered": 2, "grant.issued": 3, "assessment.recorded": 2,
	} {
		if example[kind] != want || kind[:4] != "data" && real[kind] != 0 {
			t.Errorf("%d of %s in the example and %d real, want %d in the example", example[kind], kind, real[kind], want)
		}
	}
	if size > 1500 {
		t.Errorf("%d entries are no quick start", size)
	}
	nodes := 0
	for at := "-1"; at != ""; {
		var page struct {
			Entries []struct {
				Entry struct {
					SystemKind, Source string
				}
			}
			Next *int
		}
		path := "/v1/entries?kind=system.registered"
		if at != "-1" {
			path += "&after=" + at
		}
		answered(t, s, path, &page)
		for _, e := range page.Entries {
			if e.Entry.SystemKind == "sensor-node" && e.Entry.Source == "array-of-things/register" {
				nodes++
			}
		}
		if at = ""; page.Next != nil {
			at = fmt.Sprint(*page.Next)
		}
	}
	if nodes != 126 {
		t.Errorf("%d nodes are registered, want 69 of the earlier register and 57 of the later", nodes)
	}
	s.stop(syscall.SIGTERM)
	_, realAgain, exampleAgain := totalsOf(t, seededServer(t, dir))
	if diff := cmp.Diff(saidBySeed(real, example), saidBySeed(realAgain, exampleAgain)); diff != "" {
		t.Errorf("started again it grew (-before +after):\n%s", diff)
	}
}

// TestSeedFindings holds what the rules find in the real records and in the
// invented day.
func TestSeedFindings(t *testing.T) {
	s := seededServer(t, filepath.Join(t.TempDir(), "data"))
	totalsOf(t, s)
	var found struct {
		Real, Example struct {
			ByOrganization map[string]map[string]int
		}
	}
	answered(t, s, "/v1/findings", &found)
	unmatched, undeclared := 0, found.Real.ByOrganization["array-of-things"]["1"]
	for _, byRule := range found.Real.ByOrganization {
		unmatched += byRule["14"]
	}
	eugene, example := found.Real.ByOrganization["eugene-police"], found.Example.ByOrganization["example"]
	if undeclared != 3+53 {
		t.Errorf("%d commissionings before a node was declared, want those of 3 nodes never or not yet declared and of 53 declared later", undeclared)
	}
	if unmatched != 3 || eugene["3"] != 1 || eugene["8"] != 2 || example["4"] != 1 || example["5"] != 2 ||
		example["7"] != 1 || example["8"] != 2 {
		t.Errorf("%d shares without their other side, want 3; Eugene: %v; the example: %v", unmatched, eugene, example)
	}
}
