package ledger

import (
	"fmt"
	"testing"

	"github.com/daybook-ledger/daybook/ledger/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// TestTree holds every root up to some size, and those where levels are
// finished, against another computation of RFC 6962.
func TestTree(t *testing.T) {
	var ours tree
	ref := &memLog{}
	for n := range int64(66_100) {
		if n < 1100 || n%4001 == 0 || n > 65_530 && n < 65_540 || n > 65_790 && n < 65_800 {
			want, err := tlog.TreeHash(n, ref)
			if err != nil {
				t.Fatal(err)
			}
			if got := ours.root(); got != want {
				t.Fatalf("root at size %d is %v, want %v", n, got, want)
			}
		}
		leaf := proof.LeafHash(fmt.Append(nil, n))
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf, ref)
		if err != nil {
			t.Fatal(err)
		}
		ref.hashes = append(ref.hashes, hashes...)
		ours.add(leaf, func(level int, h proof.Hash) {
			x := tlog.StoredHashIndex(8*level, int64(hashesAt(ours.size+1, level))-1)
			if ref.hashes[x] != h {
				t.Fatalf("size %d: the new hash of level %d differs", n+1, level)
			}
		})
	}
}
