package locallog

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"
	"github.com/google/trillian/storage/testonly"
	"github.com/google/trillian/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The answer to a leaf that is there again is AlreadyExists for ever: before
// and after it is integrated, after a restart, after a crash. A leaf that
// differs in anything is refused, with the one that is there.
func TestAddingAgain(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := newStore(t, fs)
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	first := leaf(0, "first")
	identity := positionIdentity(1)
	second := leaf(1, "second")
	second.LeafIdentityHash = identity[:]
	addCodes(t, s, tree, first, second)
	addingAgain(t, s, tree, first, second)
	if err := storeRoot(t, s, tree, types.LogRootV1{TreeSize: 2, TimestampNanos: 1}); err != nil {
		t.Fatal(err)
	}
	addingAgain(t, s, tree, first, second)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	addingAgain(t, newStore(t, fs.CrashClone(vfs.CrashCloneCfg{})), tree, first, second)
	addingAgain(t, newStore(t, fs), tree, first, second)
}

func addingAgain(t *testing.T, s *store, tree *trillian.Tree, stored ...*trillian.LogLeaf) {
	t.Helper()
	for _, there := range stored {
		differing := map[string]func(*trillian.LogLeaf){
			"value":      func(l *trillian.LogLeaf) { l.LeafValue = append(slices.Clone(l.LeafValue), 'x') },
			"extra data": func(l *trillian.LogLeaf) { l.ExtraData = nil },
			"leaf hash":  func(l *trillian.LogLeaf) { l.MerkleLeafHash = make([]byte, hashSize) },
			"identity":   func(l *trillian.LogLeaf) { l.LeafIdentityHash = make([]byte, hashSize) },
		}
		for what, change := range differing {
			other := copyLeaf(there)
			change(other)
			addAgain(t, s, tree, what, other, there, codes.FailedPrecondition)
		}
		addAgain(t, s, tree, "nothing", copyLeaf(there), there, codes.AlreadyExists)
	}
}

func copyLeaf(l *trillian.LogLeaf) *trillian.LogLeaf {
	return &trillian.LogLeaf{
		LeafIndex: l.LeafIndex, LeafValue: l.LeafValue, ExtraData: l.ExtraData,
		MerkleLeafHash: l.MerkleLeafHash, LeafIdentityHash: l.LeafIdentityHash,
	}
}

func addAgain(t *testing.T, s *store, tree *trillian.Tree, what string, again, there *trillian.LogLeaf, want codes.Code) {
	t.Helper()
	results, err := s.LogStorage().AddSequencedLeaves(t.Context(), tree, []*trillian.LogLeaf{again}, time.Unix(50, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got := status.FromProto(results[0].Status).Code(); got != want {
		t.Errorf("leaf %d again, different in %s: %v, want %v", again.LeafIndex, what, got, want)
	}
	if !sameLeaf(results[0].Leaf, there) {
		t.Errorf("leaf %d again, different in %s: answered with %v", again.LeafIndex, what, results[0].Leaf)
	}
}
