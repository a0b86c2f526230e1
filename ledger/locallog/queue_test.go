package locallog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/testonly"
	treenode "github.com/google/trillian/storage/tree"
	"github.com/google/trillian/types"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func queueCodes(t *testing.T, s *store, tree *trillian.Tree, at time.Time, texts ...string) []codes.Code {
	t.Helper()
	leaves := make([]*trillian.LogLeaf, len(texts))
	for i, text := range texts {
		leaves[i] = leaf(0, text)
	}
	results, err := s.LogStorage().QueueLeaves(t.Context(), tree, leaves, at)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]codes.Code, len(results))
	for i, result := range results {
		got[i] = status.FromProto(result.Status).Code()
		if string(result.Leaf.LeafValue) != texts[i] {
			t.Errorf("the answer for %q is leaf %q", texts[i], result.Leaf.LeafValue)
		}
	}
	return got
}

// sequence moves what the queue gives to the places from first on, and returns
// its texts. With fail, the transaction is rolled back.
func sequence(t *testing.T, s *store, tree *trillian.Tree, limit int, cutoff time.Time, first int64, fail error) []string {
	t.Helper()
	texts := []string{}
	err := s.LogStorage().ReadWriteTransaction(t.Context(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		leaves, err := tx.DequeueLeaves(ctx, limit, cutoff)
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			texts = append(texts, string(leaf.LeafValue))
			leaf.LeafIndex, leaf.IntegrateTimestamp = first+int64(i), timestamppb.New(time.Unix(9, 9))
		}
		return errors.Join(tx.UpdateSequencedLeaves(ctx, leaves), fail)
	})
	if !errors.Is(err, fail) || fail == nil && err != nil {
		t.Fatal(err)
	}
	return texts
}

// A queue is in the order of time, and within a call in the order given;
// nothing in it or in the tree is queued again, whatever happens in between.
func TestQueue(t *testing.T) {
	const ok, exists = codes.OK, codes.AlreadyExists
	fs := vfs.NewCrashableMem()
	s := newStore(t, fs)
	tree := newTree(t, s, testonly.LogTree, 0)
	at := func(sec int64) time.Time { return time.Unix(sec, 0) }
	want := func(got []codes.Code, want ...codes.Code) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("queueing: %v, want %v", got, want)
		}
	}
	order := func(got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("the queue gave %q, want %q", got, want)
		}
	}
	want(queueCodes(t, s, tree, at(5), "e", "d", "e", "f"), ok, ok, exists, ok)
	want(queueCodes(t, s, tree, at(-3), "b", "d"), ok, exists)
	want(queueCodes(t, s, tree, at(7), "late"), ok)
	order(sequence(t, s, tree, 9, at(6), 0, errors.New("failing")), "b", "e", "d", "f")
	order(sequence(t, s, tree, 2, at(6), 0, nil), "b", "e")

	fs = fs.CrashClone(vfs.CrashCloneCfg{})
	s = newStore(t, fs) // what was placed was fsynced
	want(queueCodes(t, s, tree, at(6), "b", "d", "a", "late"), exists, exists, ok, exists)
	s = newStore(t, fs.CrashClone(vfs.CrashCloneCfg{})) // what was queued too
	order(sequence(t, s, tree, 9, at(6), 2, nil), "d", "f", "a")
	order(sequence(t, s, tree, 9, at(6), 5, nil))
	order(sequence(t, s, tree, 9, at(7), 5, nil), "late")
	want(queueCodes(t, s, tree, at(8), "late", "a"), exists, exists)
	if n := countKeys(t, s, logKey(tree.TreeId, partQueue), logKey(tree.TreeId, partQueue+1)); n != 0 {
		t.Errorf("%d keys are left of an empty queue", n)
	}
	if err := storeRoot(t, s, tree, types.LogRootV1{TreeSize: 6, TimestampNanos: 1}); err != nil {
		t.Fatal(err)
	}
	if got := indexes(t, s, tree, 0, 10); len(got) != 6 {
		t.Errorf("the tree has the leaves %v", got)
	}
}

// One transaction asks twice and gets the rest; what it did not take, or what
// would replace a leaf, it cannot place.
func TestQueueInOneTransaction(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	tree := newTree(t, s, testonly.LogTree, 0)
	queueCodes(t, s, tree, time.Unix(1, 0), "a", "b", "c")
	refused := func(err error) {
		t.Helper()
		if status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%v, want FailedPrecondition", err)
		}
	}
	err := s.LogStorage().ReadWriteTransaction(t.Context(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		one, err1 := tx.DequeueLeaves(ctx, 1, time.Unix(1, 0))
		rest, err2 := tx.DequeueLeaves(ctx, 9, time.Unix(1, 0))
		none, err3 := tx.DequeueLeaves(ctx, 9, time.Unix(1, 0))
		if len(one) != 1 || len(rest) != 2 || len(none) != 0 {
			t.Errorf("the queue of 3 gave %d, %d, %d", len(one), len(rest), len(none))
		}
		refused(tx.UpdateSequencedLeaves(ctx, []*trillian.LogLeaf{leaf(0, "unknown")}))
		err4 := tx.UpdateSequencedLeaves(ctx, one) // at index 0
		refused(tx.UpdateSequencedLeaves(ctx, one))
		refused(tx.UpdateSequencedLeaves(ctx, rest[:1])) // 0 again
		return errors.Join(err1, err2, err3, err4)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.LogStorage().QueueLeaves(t.Context(), newTree(t, s, testonly.PreorderedLogTree, 0), []*trillian.LogLeaf{leaf(0, "a")}, time.Now())
	refused(err)
	bare, err := storage.CreateTree(t.Context(), s.AdminStorage(), testonly.LogTree)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.LogStorage().QueueLeaves(t.Context(), bare, []*trillian.LogLeaf{leaf(0, "a")}, time.Now()); err != storage.ErrTreeNeedsInit {
		t.Errorf("queueing without a root: %v", err)
	}
}

// Nodes that come without the root they add up to are refused.
func TestNodesWithoutRoot(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	err := s.LogStorage().ReadWriteTransaction(t.Context(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		return tx.SetMerkleNodes(ctx, []treenode.Node{{Hash: make([]byte, hashSize)}})
	})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("%v, want FailedPrecondition", err)
	}
}

// Proofs by hash, for one leaf and for leaves that are equal, in both types of
// tree.
func TestProofByHash(t *testing.T) {
	wires(t, func(t *testing.T, s *store, client trillian.TrillianLogClient) {
		tree := initTree(t, s, client, testonly.PreorderedLogTree)
		request := &trillian.AddSequencedLeavesRequest{LogId: tree.TreeId}
		for i := range int64(600) {
			identity := positionIdentity(uint64(i))
			request.Leaves = append(request.Leaves, &trillian.LogLeaf{
				LeafIndex: i, LeafValue: fmt.Appendf(nil, "%d", i%500), LeafIdentityHash: identity[:],
			})
		}
		if _, err := client.AddSequencedLeaves(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		root := waitForSize(t, client, tree, 600)
		for text, want := range map[string]int{"0": 2, "99": 2, "100": 1, "499": 1, "500": 0} {
			hash := rfc6962.DefaultHasher.HashLeaf([]byte(text))
			resp, err := client.GetInclusionProofByHash(t.Context(), &trillian.GetInclusionProofByHashRequest{
				LogId: tree.TreeId, LeafHash: hash, TreeSize: 600, OrderBySequence: true,
			})
			if len(resp.GetProof()) != want || (status.Code(err) == codes.NotFound) != (want == 0) {
				t.Errorf("entry %q has %d proofs, %v; want %d", text, len(resp.GetProof()), err, want)
			}
			for _, p := range resp.GetProof() {
				if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(p.LeafIndex), 600, hash, p.Hashes, root.RootHash); err != nil {
					t.Errorf("entry %q at %d: %v", text, p.LeafIndex, err)
				}
			}
		}
	})
}

func waitForSize(t *testing.T, client trillian.TrillianLogClient, tree *trillian.Tree, size uint64) types.LogRootV1 {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		resp, err := client.GetLatestSignedLogRoot(t.Context(), &trillian.GetLatestSignedLogRootRequest{LogId: tree.TreeId})
		if err != nil {
			t.Fatal(err)
		}
		var root types.LogRootV1
		if err := root.UnmarshalBinary(resp.SignedLogRoot.LogRoot); err != nil {
			t.Fatal(err)
		}
		if root.TreeSize >= size {
			return root
		}
	}
	t.Fatalf("the tree does not reach size %d", size)
	return types.LogRootV1{}
}
