package witness

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"
)

// The vectors are made here from public words; go test -update writes them.
var update = flag.Bool("update", false, "write testdata/vectors")

const vectorFile = "../../testdata/vectors/witness-requests.json"

// requestFile are the bodies of add-checkpoint that a witness must answer with a
// status.
type requestFile struct {
	Format  string          `json:"format"`
	About   string          `json:"about"`
	Logs    []string        `json:"logs"`
	Before  string          `json:"before"`
	Vectors []requestVector `json:"vectors"`
}

type requestVector struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Status  int    `json:"status"`
	Answer  string `json:"answer,omitempty"` // of a 409
	Text    string `json:"text"`
}

// reasons are why a request gets a status.
var reasons = map[int]string{
	200: "it continues what was cosigned last, or says the same again",
	400: "it is malformed, or the old size is above the checkpoint's",
	403: "no key of the log signed it, or a signature under such a key's name is wrong",
	404: "the log is none of those that are witnessed",
	409: "another size was cosigned last, which is the answer",
	422: "the path does not lead from the one tree to the other",
}

func requestVectors(t testing.TB) requestFile {
	t.Helper()
	key, second := newKey(t, testOrigin, "log"), newKey(t, "second.example", "log")
	f := requestFile{
		Format: "add-checkpoint, c2sp.org/tlog-witness",
		About:  "Bodies of add-checkpoint, each sent alone to a witness of the two logs that has answered the request before with 200 and nothing else.",
		Logs:   []string{key.vkey, second.vkey},
		Before: string(newHistory(t, key, 20).request(t, 0, 5)),
	}
	all := everyStatus(t, key, second)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		if a.method != "" || len(a.body) > maxRequest { // a JSON text of zeros is of no use
			continue
		}
		v := requestVector{Name: name, Verdict: "reject", Reason: reasons[a.want], Status: a.want, Text: string(a.body)}
		if a.want == 200 {
			v.Verdict = "accept"
		}
		if a.want == 409 {
			v.Answer = a.says
		}
		f.Vectors = append(f.Vectors, v)
	}
	return f
}

// TestVectors holds the file against what is made here. That each gets its status is
// what TestStatus shows.
func TestVectors(t *testing.T) {
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	made := requestVectors(t)
	if err := e.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(vectorFile); err != nil || !bytes.Equal(kept, want.Bytes()) {
		t.Errorf("%s is not what -update writes: %v", vectorFile, err)
	}
	seen := map[int]bool{}
	for _, v := range made.Vectors {
		seen[v.Status] = true
		if v.Reason == "" {
			t.Errorf("%s has no reason for its status %d", v.Name, v.Status)
		}
	}
	for status := range reasons {
		if !seen[status] {
			t.Errorf("no vector gets the status %d", status)
		}
	}
}
