package locallog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/types"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// failingStorage fails every transaction at its end.
type failingStorage struct{ storage.LogStorage }

func (s failingStorage) ReadWriteTransaction(ctx context.Context, tree *trillian.Tree, f storage.LogTXFunc) error {
	return s.LogStorage.ReadWriteTransaction(ctx, tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		return errors.Join(f(ctx, tx), errors.New("failing"))
	})
}

func integrateOn(t *testing.T, l *Log, ls storage.LogStorage) error {
	t.Helper()
	trillianlog.InitMetrics(nil)
	_, err := trillianlog.IntegrateBatch(t.Context(), l.tree, 100, 0, 0, l.clock, ls, l.quota)
	return err
}

func countKeys(t *testing.T, s *store, lower, upper []byte) int {
	t.Helper()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	return n
}

// Every node below the root, stored or not, is the hash of its children, and
// the tree is stored as the tiles the format says.
func TestNodes(t *testing.T) {
	const n = 66000
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, n-300))
	mustAppend(t, l.Log, n-300, logtest.Leaves(n-300, 300))
	if got, want := countKeys(t, l.store, logKey(l.tree.TreeId, partTile), logKey(l.tree.TreeId, partTile+1)), 258+2+1; got != want {
		t.Errorf("%d tiles, want %d", got, want)
	}
	tx, err := l.store.LogStorage().SnapshotForTree(t.Context(), l.tree)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Close()
	node := func(level uint, index uint64) []byte {
		nodes, err := tx.GetMerkleNodes(t.Context(), []compact.NodeID{{Level: level, Index: index}})
		if err != nil {
			t.Fatalf("node %d at level %d: %v", index, level, err)
		}
		return nodes[0].Hash
	}
	for level := uint(1); level <= 16; level++ {
		for _, index := range []uint64{0, n>>level/2 + 1, n>>level - 1} {
			if index >= n>>level {
				continue
			}
			want := rfc6962.DefaultHasher.HashChildren(node(level-1, 2*index), node(level-1, 2*index+1))
			if !bytes.Equal(node(level, index), want) {
				t.Errorf("node %d at level %d is not the hash of its children", index, level)
			}
		}
		for _, id := range []compact.NodeID{{Level: level, Index: n >> level}, {Level: level, Index: 1 << 62}, {Level: 70, Index: 0}} {
			if _, err := tx.GetMerkleNodes(t.Context(), []compact.NodeID{id}); err == nil {
				t.Errorf("node %d at level %d of a tree of %d leaves was found", id.Index, id.Level, n)
			}
		}
	}
}

// Proofs that Trillian's server makes from the tiles hold against the root.
func TestProofs(t *testing.T) {
	const n = 1300
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	_, early := mustAppend(t, l.Log, 0, logtest.Leaves(0, 700))
	_, root := mustAppend(t, l.Log, 700, logtest.Leaves(700, n-700))
	for _, index := range []int64{0, 255, 256, 699, 700, 1299} {
		resp, err := l.rpc.GetEntryAndProof(t.Context(), &trillian.GetEntryAndProofRequest{LogId: l.tree.TreeId, LeafIndex: index, TreeSize: n})
		if err != nil {
			t.Fatal(err)
		}
		hash := rfc6962.DefaultHasher.HashLeaf(resp.Leaf.LeafValue)
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), n, hash, resp.Proof.Hashes, root[:]); err != nil {
			t.Errorf("leaf %d: %v", index, err)
		}
	}
	resp, err := l.rpc.GetConsistencyProof(t.Context(), &trillian.GetConsistencyProofRequest{LogId: l.tree.TreeId, FirstTreeSize: 700, SecondTreeSize: n})
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, 700, n, resp.Proof.Hashes, early[:], root[:]); err != nil {
		t.Error(err)
	}
}

func TestDraft(t *testing.T) {
	hash := func(b byte) []byte { return bytes.Repeat([]byte{b}, hashSize) }
	stored := append(hash(1), hash(2)...)
	d := newDraft(stored)
	if err := d.set(3, hash(4)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.tile(); err == nil {
		t.Error("a tile with a hole was accepted")
	}
	if err := d.set(2, hash(3)); err != nil {
		t.Fatal(err)
	}
	if err := d.set(1, hash(9)); err == nil {
		t.Error("a stored hash was changed")
	}
	if err := d.set(1, hash(2)); err != nil {
		t.Errorf("a stored hash, the same again: %v", err)
	}
	got, err := d.tile()
	if want := bytes.Join([][]byte{hash(1), hash(2), hash(3), hash(4)}, nil); err != nil || !bytes.Equal(got, want) {
		t.Errorf("tile %x, %v", got, err)
	}
	for i := range tileWidth {
		if err := newDraft(nil).set(i, hash(1)); err != nil {
			t.Error(err)
		}
	}
}

// A tile damaged on disk is noticed by the sequencer, which compares with the
// root before it goes on.
func TestDamagedTile(t *testing.T) {
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, 10))
	key := tileKey(l.tree.TreeId, tileID{})
	tile, err := get(l.store.db, key)
	if err != nil {
		t.Fatal(err)
	}
	tile[40] ^= 1
	if err := l.store.db.Set(key, tile, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	l = l.Reopen(t).(reopening)
	if _, _, err := l.Append(t.Context(), 10, logtest.Leaves(10, 1)); err == nil {
		t.Error("the log went on from a damaged tile")
	}
}

func TestForwardClock(t *testing.T) {
	last := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ now, want time.Time }{
		{last.Add(5), last.Add(5)},
		{last, last.Add(1)},
		{last.Add(-time.Hour), last.Add(1)},
		{time.Time{}, last.Add(1)},
		{last.AddDate(300, 0, 0), last.Add(1)},
	} {
		c := forwardClock{now: func() time.Time { return test.now }, last: last.UnixNano}
		if got := c.Now(); !got.Equal(test.want) {
			t.Errorf("at %v: %v, want %v", test.now, got, test.want)
		}
	}
}

// What parseLeaf accepts is what appendLeaf writes, and nothing makes it
// panic.
func FuzzParseLeaf(f *testing.F) {
	f.Add(appendLeaf(nil, leaf(7, "value"), false, time.Unix(5, 6)), uint64(7))
	f.Add(appendLeaf(nil, leaf(7, ""), true, time.Unix(-5, 6)), uint64(1<<63))
	f.Add([]byte{}, uint64(0))
	f.Add(bytes.Repeat([]byte{0xff}, leafHeader+40), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, index uint64) {
		leaf, err := parseLeaf(b, index)
		if err != nil {
			return
		}
		positional := b[leafHeader-1] == 0
		again := appendLeaf(nil, leaf, positional, leaf.QueueTimestamp.AsTime())
		binary.BigEndian.PutUint64(again[8:], uint64(leaf.IntegrateTimestamp.AsTime().UnixNano()))
		if !bytes.Equal(again, b) {
			t.Errorf("%x is written as %x", b, again)
		}
	})
}

func TestStoredRootIsTrillians(t *testing.T) {
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	size, root := mustAppend(t, l.Log, 0, logtest.Leaves(0, 3))
	value, err := get(l.store.db, headKey(l.tree.TreeId))
	if err != nil {
		t.Fatal(err)
	}
	var stored types.LogRootV1
	if err := stored.UnmarshalBinary(value); err != nil || stored.TreeSize != uint64(size) || !bytes.Equal(stored.RootHash, root[:]) {
		t.Errorf("stored root %+v, %v", stored, err)
	}
}
