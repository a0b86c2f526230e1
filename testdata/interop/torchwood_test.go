package interop

import (
	"encoding/json"
	"fmt"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// testTorchwood tails the log with a client that authenticates what it reads, and
// checks proofs of ours under the policy that entry 0 states.
func (d *daybook) testTorchwood(t *testing.T) {
	var stated struct{ Policy string }
	if err := json.Unmarshal(d.get(t, "/v1/ledger"), &stated); err != nil {
		t.Fatal(err)
	}
	policy, err := torchwood.ParsePolicy([]byte("log " + d.key + "\n" + stated.Policy))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := torchwood.VerifyCheckpoint(d.get(t, "/checkpoint"), policy)
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := torchwood.NewTileFetcher(d.url)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	for i, entry := range reader.AllEntries(t.Context(), c.Tree, 0) {
		if i != next {
			t.Fatalf("entry %d came as %d", next, i)
		}
		if next++; i%223 == 0 || i == c.N-1 {
			d.testProof(t, policy, i, entry)
		}
	}
	if err := reader.Err(); err != nil || next != c.N {
		t.Errorf("%d entries of %d: %v", next, c.N, err)
	}
}

// testProof checks the proof file of entry i, and that no other entry passes.
func (d *daybook) testProof(t *testing.T, policy torchwood.Policy, i int64, entry []byte) {
	t.Helper()
	file := d.get(t, fmt.Sprintf("/v1/entries/%d/proof", i))
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), file); err != nil {
		t.Errorf("the proof of entry %d: %v", i, err)
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(append(entry[:len(entry):len(entry)], ' ')), file); err == nil {
		t.Errorf("the proof of entry %d is one of another", i)
	}
	if extra, err := torchwood.ProofExtraData(file); err != nil || string(extra) != string(entry) {
		t.Errorf("the proof of entry %d carries %q: %v", i, extra, err)
	}
}
