package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestVerifyEvidence opens every vector of evidence from a file, with the log's key.
func TestVerifyEvidence(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "testdata", "vectors", "evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Key     string `json:"vkey"`
		Vectors []struct{ Name, Verdict, File string }
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list.Vectors) < 30 {
		t.Fatalf("%d vectors, %v", len(list.Vectors), err)
	}
	file := filepath.Join(t.TempDir(), "file")
	for _, v := range list.Vectors {
		if err := os.WriteFile(file, []byte(v.File), 0o600); err != nil {
			t.Fatal(err)
		}
		kind := strings.TrimSuffix(v.Name, "-of-both")
		want, out, talk := 0, "^EVIDENCE: .+[.]\n\n  kind          "+kind+"\n  signed by     ", ""
		if v.Verdict == "reject" {
			want, out, talk = exitInvalid, "", "^daybook: NOT VALID: "
		}
		if !proof.IsEvidence([]byte(v.File)) {
			want, talk = exitUnchecked, "none of the files"
		}
		if v.Name == "opened-missing" { // the index key alone would do
			want, talk = exitUnchecked, `it is signed by "vectors.example/log/index"`
		}
		if v.File == "" {
			want, talk = exitIncomplete, "nothing was checked"
		}
		call{[]string{"verify", file, "--key", list.Key}, want, out, talk}.check(t)
		_, said, _ := runHere(t, "verify", file, "--key", list.Key)
		secret := v.Verdict == "accept" && (v.Name == "gap" || v.Name == "order" || v.Name == "not-enrolled")
		if strings.Contains(said, "root key of a person's trail") != secret {
			t.Errorf("%s says of a root key:\n%s", v.Name, said)
		}
	}
}
