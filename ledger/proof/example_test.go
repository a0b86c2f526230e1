package proof_test

import (
	"fmt"
	"os"

	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Whoever holds a proof file and the log's key needs nothing else: no server,
// no account, no network.
func ExampleProof_Verify() {
	key, err := proof.ParseVerifierKey("vectors.example/log+e502cf56+AYTToHFvp/zBc6yuhoq6aQrVX5yBEL9NchOQfrEj4pMW")
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := os.ReadFile("../../testdata/vectors/accept/proof-fifth-of-seven.tlog-proof")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := proof.ParseProof(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	checkpoint, err := p.Verify(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s holds at position %d of %d:\n%s\n", checkpoint.Origin, p.Index, checkpoint.Size, p.Extra)

	p.Extra = []byte("something else")
	_, err = p.Verify(key)
	fmt.Println(err)
	// Output:
	// vectors.example/log holds at position 4 of 7:
	// {"$":"daybook/entry@1","kind":"example","n":4}
	// verifying a proof: checking inclusion: position 4 of size 7: the path does not lead to the root
}
