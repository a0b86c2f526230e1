package locallog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/testonly"
	"github.com/google/trillian/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func newStore(t *testing.T, fs vfs.FS) *store {
	t.Helper()
	s, err := openStore("store", fs, time.Now, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newTree creates a tree and gives it a first root of that size.
func newTree(t *testing.T, s *store, like *trillian.Tree, size uint64) *trillian.Tree {
	t.Helper()
	tree, err := storage.CreateTree(t.Context(), s.AdminStorage(), like)
	if err != nil {
		t.Fatal(err)
	}
	if err := storeRoot(t, s, tree, types.LogRootV1{TreeSize: size}); err != nil {
		t.Fatal(err)
	}
	return tree
}

func storeRoot(t *testing.T, s *store, tree *trillian.Tree, root types.LogRootV1) error {
	t.Helper()
	value, err := root.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return s.LogStorage().ReadWriteTransaction(t.Context(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		return tx.StoreSignedLogRoot(ctx, &trillian.SignedLogRoot{LogRoot: value})
	})
}

// leaf is a leaf with an identity of its own, not its position's.
func leaf(index int64, text string) *trillian.LogLeaf {
	hash := sha256.Sum256([]byte(text))
	return &trillian.LogLeaf{
		LeafIndex: index, LeafValue: []byte(text), ExtraData: []byte("extra"),
		MerkleLeafHash: hash[:], LeafIdentityHash: hash[:],
	}
}

func addCodes(t *testing.T, s *store, tree *trillian.Tree, leaves ...*trillian.LogLeaf) []codes.Code {
	t.Helper()
	results, err := s.LogStorage().AddSequencedLeaves(t.Context(), tree, leaves, time.Unix(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]codes.Code, len(results))
	for i, result := range results {
		got[i] = status.FromProto(result.Status).Code()
	}
	return got
}

// indexes reads leaves and returns their indexes; nil after an error.
func indexes(t *testing.T, s *store, tree *trillian.Tree, start, count int64) []int64 {
	t.Helper()
	tx, err := s.LogStorage().SnapshotForTree(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Close()
	leaves, err := tx.GetLeavesByRange(t.Context(), start, count)
	if err != nil {
		return nil
	}
	got := []int64{}
	for _, leaf := range leaves {
		got = append(got, leaf.LeafIndex)
	}
	return got
}

func TestAddSequencedLeaves(t *testing.T) {
	const ok, exists, refused, beyond = codes.OK, codes.AlreadyExists, codes.FailedPrecondition, codes.OutOfRange
	s := newStore(t, vfs.NewMem())
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	l := func(i int64) *trillian.LogLeaf { return leaf(i, fmt.Sprint(i)) }
	positional := func(i int64, text string) *trillian.LogLeaf {
		identity := positionIdentity(uint64(i))
		leaf := leaf(i, text)
		leaf.LeafIdentityHash = identity[:]
		return leaf
	}
	for _, step := range []struct {
		leaves []*trillian.LogLeaf
		want   []codes.Code
	}{
		{[]*trillian.LogLeaf{l(5), l(6)}, []codes.Code{ok, ok}},
		{[]*trillian.LogLeaf{l(0), l(1), l(5)}, []codes.Code{ok, ok, exists}},
		{[]*trillian.LogLeaf{leaf(1, "other"), leaf(2, "0"), l(-1)}, []codes.Code{refused, refused, beyond}},
		{[]*trillian.LogLeaf{l(9), l(8), l(9), leaf(8, "x"), leaf(10, "9")}, []codes.Code{ok, ok, exists, refused, refused}},
		{[]*trillian.LogLeaf{positional(2, "0"), positional(3, "0")}, []codes.Code{ok, ok}},
		{[]*trillian.LogLeaf{positional(2, "0"), positional(3, "1")}, []codes.Code{exists, refused}},
	} {
		if got := addCodes(t, s, tree, step.leaves...); !cmp.Equal(got, step.want) {
			t.Errorf("adding %v: %v, want %v", step.leaves, got, step.want)
		}
	}
	for _, read := range []struct {
		start, count int64
		want         []int64
	}{
		{0, 100, []int64{0, 1, 2, 3}},
		{5, 1, []int64{5}},
		{5, 9, []int64{5, 6}},
		{4, 9, []int64{}},
		{8, 1 << 62, []int64{8, 9}},
		{10, 1, []int64{}},
		{0, 0, nil},
		{-1, 1, nil},
	} {
		if got := indexes(t, s, tree, read.start, read.count); !cmp.Equal(got, read.want) {
			t.Errorf("reading %d from %d: %v, want %v", read.count, read.start, got, read.want)
		}
	}
}

// A leaf missing inside the tree is an error, beyond it the end.
func TestMissingLeaf(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	for _, like := range []*trillian.Tree{testonly.PreorderedLogTree, testonly.LogTree} {
		tree := newTree(t, s, like, 4)
		for _, i := range []int64{0, 1, 3, 4, 5} {
			addCodes(t, s, tree, leaf(i, fmt.Sprint(i)))
		}
		want := map[int64][]int64{0: nil, 2: nil, 3: {3, 4, 5}, 4: {4, 5}, 9: {}}
		if like == testonly.LogTree {
			want = map[int64][]int64{0: nil, 2: nil, 3: {3}, 4: nil, 9: nil}
		}
		for start, want := range want {
			if got := indexes(t, s, tree, start, 10); !cmp.Equal(got, want) {
				t.Errorf("%v: reading from %d: %v, want %v", tree.TreeType, start, got, want)
			}
		}
	}
}

// What was stored comes back whole, from a store opened again, and the cutoff
// does not hold it.
func TestDequeueLeaves(t *testing.T) {
	fs := vfs.NewMem()
	s := newStore(t, fs)
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	leaves := []*trillian.LogLeaf{leaf(0, "a"), leaf(1, "b"), leaf(2, "c")}
	leaves[1].ExtraData = nil
	addCodes(t, s, tree, leaves...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = newStore(t, fs)
	var got []*trillian.LogLeaf
	err := s.LogStorage().ReadWriteTransaction(t.Context(), tree, func(ctx context.Context, tx storage.LogTreeTX) (err error) {
		got, err = tx.DequeueLeaves(ctx, 2, time.Time{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]*trillian.LogLeaf, 2)
	for i := range want {
		want[i] = proto.Clone(leaves[i]).(*trillian.LogLeaf)
		want[i].QueueTimestamp = timestamppb.New(time.Unix(1, 2))
		want[i].IntegrateTimestamp = timestamppb.New(time.Unix(0, 0))
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if got := addCodes(t, s, tree, leaves[2], leaf(3, "d")); got[0] != codes.AlreadyExists || got[1] != codes.OK {
		t.Errorf("adding to the store opened again: %v", got)
	}
}

func TestRoots(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	for _, root := range []struct {
		time, size uint64
		want       codes.Code
	}{
		{5, 3, codes.OK},
		{5, 3, codes.FailedPrecondition}, // no younger
		{4, 4, codes.FailedPrecondition},
		{6, 2, codes.FailedPrecondition}, // smaller
		{1 << 63, 3, codes.InvalidArgument},
		{6, 3, codes.OK},
	} {
		err := storeRoot(t, s, tree, types.LogRootV1{TimestampNanos: root.time, TreeSize: root.size})
		if status.Code(err) != root.want {
			t.Errorf("a root of size %d at %d: %v, want %v", root.size, root.time, err, root.want)
		}
	}
}

// Callers compare this error with ==, and close the transaction that comes
// with it.
func TestNeedsInit(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	ls := s.LogStorage()
	tree, err := storage.CreateTree(t.Context(), s.AdminStorage(), testonly.PreorderedLogTree)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := ls.SnapshotForTree(t.Context(), tree)
	if err != storage.ErrTreeNeedsInit || tx == nil {
		t.Fatalf("a snapshot without a root: %v, %v", tx, err)
	}
	if err := errors.Join(tx.Close(), tx.Close()); err != nil {
		t.Error(err)
	}
	if _, err := ls.AddSequencedLeaves(t.Context(), tree, []*trillian.LogLeaf{leaf(0, "a")}, time.Now()); err != storage.ErrTreeNeedsInit {
		t.Errorf("adding without a root: %v", err)
	}
	if _, err := ls.SnapshotForTree(t.Context(), &trillian.Tree{TreeId: -1}); status.Code(err) != codes.NotFound {
		t.Errorf("a snapshot of no tree: %v", err)
	}
}

// An error inside a transaction leaves nothing, neither stored nor in memory.
func TestRollback(t *testing.T) {
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	mustAppend(t, l.Log, 0, [][]byte{[]byte("a"), []byte("b")})
	before, root, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.add(t.Context(), 2, [][]byte{[]byte("c")}); err != nil {
		t.Fatal(err)
	}
	failing := failingStorage{l.store.LogStorage()}
	if err := integrateOn(t, l.Log, failing); err == nil {
		t.Fatal("the failing transaction succeeded")
	}
	if size, again, err := l.Head(t.Context()); size != before || again != root || err != nil {
		t.Fatalf("after a rollback: size %d, root %x, %v", size, again, err)
	}
	if size, _ := mustAppend(t, l.Log, 2, [][]byte{[]byte("c")}); size != 3 {
		t.Errorf("after a rollback the log does not go on: size %d", size)
	}
}

func TestActiveLogs(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	active := newTree(t, s, testonly.PreorderedLogTree, 0)
	frozen := newTree(t, s, testonly.PreorderedLogTree, 0)
	deleted := newTree(t, s, testonly.PreorderedLogTree, 0)
	if _, err := storage.UpdateTree(t.Context(), s.AdminStorage(), frozen.TreeId, func(tree *trillian.Tree) {
		tree.TreeState = trillian.TreeState_FROZEN
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.SoftDeleteTree(t.Context(), s.AdminStorage(), deleted.TreeId); err != nil {
		t.Fatal(err)
	}
	ids, err := s.LogStorage().GetActiveLogIDs(t.Context())
	if err != nil || !cmp.Equal(ids, []int64{active.TreeId}) {
		t.Errorf("active logs: %v, %v; want %d", ids, err, active.TreeId)
	}
}

// Of a tree deleted for good nothing is left, and its neighbour is whole.
func TestHardDelete(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	kept := newTree(t, s, testonly.PreorderedLogTree, 0)
	gone := newTree(t, s, testonly.PreorderedLogTree, 0)
	for _, tree := range []*trillian.Tree{kept, gone} {
		addCodes(t, s, tree, leaf(0, "a"), leaf(1, "b"))
	}
	as := s.AdminStorage()
	if _, err := storage.SoftDeleteTree(t.Context(), as, gone.TreeId); err != nil {
		t.Fatal(err)
	}
	if err := storage.HardDeleteTree(t.Context(), as, gone.TreeId); err != nil {
		t.Fatal(err)
	}
	lower, upper := logBounds(gone.TreeId)
	if n := countKeys(t, s, lower, upper); n != 0 {
		t.Errorf("%d keys of the deleted tree are left", n)
	}
	if got := indexes(t, s, kept, 0, 9); len(got) != 2 {
		t.Errorf("the other tree has the leaves %v", got)
	}
	if _, err := s.LogStorage().AddSequencedLeaves(t.Context(), gone, []*trillian.LogLeaf{leaf(2, "c")}, time.Now()); status.Code(err) != codes.NotFound {
		t.Errorf("adding to the deleted tree: %v", err)
	}
}

// A snapshot outlives its tree; a new one of it cannot be had.
func TestSnapshotOfDeletedTree(t *testing.T) {
	s := newStore(t, vfs.NewMem())
	tree := newTree(t, s, testonly.PreorderedLogTree, 0)
	addCodes(t, s, tree, leaf(0, "a"))
	tx, err := s.LogStorage().SnapshotForTree(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := storage.SoftDeleteTree(t.Context(), s.AdminStorage(), tree.TreeId)
	err2 := storage.HardDeleteTree(t.Context(), s.AdminStorage(), tree.TreeId)
	leaves, err3 := tx.GetLeavesByRange(t.Context(), 0, 1)
	if err := errors.Join(err1, err2, err3, tx.Close()); err != nil || len(leaves) != 1 {
		t.Errorf("the snapshot has %d leaves, %v", len(leaves), err)
	}
	if _, err := s.LogStorage().SnapshotForTree(t.Context(), tree); status.Code(err) != codes.NotFound {
		t.Errorf("a snapshot of the deleted tree: %v", err)
	}
	if len(s.trees) != 0 {
		t.Errorf("%d trees are remembered", len(s.trees))
	}
}
