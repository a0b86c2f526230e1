package proof

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVectorsReadmeCounts holds the numbers in the vectors' README against the files.
func TestVectorsReadmeCounts(t *testing.T) {
	const title = "## How many there are\n\n"
	kept, err := os.ReadFile(filepath.Join(vectorDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, ok := strings.Cut(string(kept), title)
	want := text + title + countTable(t)
	if !ok {
		t.Fatal("the README says nowhere how many vectors there are")
	}
	if *update {
		writeFile(t, "README.md", want)
	} else if string(kept) != want {
		t.Errorf("the README has other numbers than -update writes:\n%s", countTable(t))
	}
}

// countTable counts the vectors of each format and file.
func countTable(t *testing.T) string {
	t.Helper()
	counts := map[string]map[string]int{}
	count := func(of, verdict string, n int) {
		if counts[of] == nil {
			counts[of] = map[string]int{}
		}
		counts[of][verdict] += n
	}
	for _, v := range allVectors(t) {
		count(v.format, v.verdict(), 1)
	}
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		var file struct {
			Vectors        []struct{ Verdict string }
			Accept, Reject []json.RawMessage // identifiers
		}
		b, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(b, &file)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "values.json" {
			continue
		}
		count(name, "accept", len(file.Accept))
		count(name, "reject", len(file.Reject))
		for _, v := range file.Vectors {
			if v.Verdict == "" { // a value to compute has no verdict
				v.Verdict = "accept"
			}
			count(name, v.Verdict, 1)
		}
	}
	out, accept, reject := "| | accept | reject |\n|---|---|---|\n", 0, 0
	for _, of := range slices.Sorted(maps.Keys(counts)) {
		n := counts[of]
		if len(n) > 2 || n["accept"] == 0 {
			t.Errorf("%s has the verdicts %v", of, n)
		}
		out += fmt.Sprintf("| `%s` | %d | %d |\n", of, n["accept"], n["reject"])
		accept, reject = accept+n["accept"], reject+n["reject"]
	}
	return out + fmt.Sprintf("| together | %d | %d |\n", accept, reject)
}
