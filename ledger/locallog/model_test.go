package locallog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/types"
	"github.com/transparency-dev/merkle/compact"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// turns are the sizes around which tree and tiles change their form.
func turns() []int {
	sizes := []int{255, 256, 257, 65535, 65536, 65537}
	for k := range 17 {
		sizes = append(sizes, 1<<k-1, 1<<k, 1<<k+1, 256*k-1, 256*k, 256*k+1)
	}
	sizes = slices.DeleteFunc(sizes, func(n int) bool { return n < 1 })
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

const modelSize = 66000

// A model drives one log through random transactions and knows what it must
// hold: size entries of the reference.
type model struct {
	*testing.T
	rng  *rand.Rand
	ref  *reference
	cfg  Config
	fs   *vfs.MemFS
	log  reopening
	size int
	held []heldSnapshot
}

// A heldSnapshot is a reading transaction left open while others write.
type heldSnapshot struct {
	storage.ReadOnlyLogTreeTX
	size int
}

func TestModel(t *testing.T) {
	ref := newReference(modelSize)
	seeds, steps := uint64(6), 60
	if testing.Short() {
		seeds, steps = 2, 30
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			m := &model{T: t, rng: rand.New(rand.NewPCG(seed, 4)), ref: ref, fs: fs}
			m.cfg = Config{Dir: "log", FS: fs, TileCache: []int64{1, 100 << 10, 0}[seed%3]}
			m.log = openLog(t, m.cfg)
			defer m.release()
			m.append(0, []int{1, 65200, 240}[seed%3])
			for range steps {
				m.step()
				m.check()
			}
		})
	}
}

// TestTurns goes through every size at which something changes its form.
func TestTurns(t *testing.T) {
	fs := vfs.NewCrashableMem()
	m := &model{T: t, rng: rand.New(rand.NewPCG(5, 6)), ref: newReference(modelSize), fs: fs}
	m.cfg = Config{Dir: "log", FS: fs, TileCache: 100 << 10}
	m.log = openLog(t, m.cfg)
	defer m.release()
	for _, n := range turns() {
		m.append(m.size, n)
		m.check()
	}
}

func (m *model) step() {
	switch m.rng.IntN(12) {
	case 0, 1:
		m.append(m.size, m.nextSize())
	case 2: // again, or overlapping
		first := m.rng.IntN(m.size + 1)
		m.append(first, min(first+1+m.rng.IntN(400), modelSize))
	case 3:
		m.refuse()
	case 4: // stored, not integrated
		n := m.rng.IntN(300)
		if err := m.log.add(m.Context(), events.Index(m.size), m.entries(m.size, min(m.size+n, modelSize))); err != nil {
			m.Fatal(err)
		}
	case 5:
		m.rollback()
	case 6:
		m.release()
		m.log = m.log.Reopen(m.T).(reopening)
	case 7:
		m.crash()
	case 8, 9:
		m.hold()
	default:
		m.readWhileWriting()
	}
}

// nextSize is a turn often, and seldom far away.
func (m *model) nextSize() int {
	if m.rng.IntN(2) == 0 {
		for _, n := range turns() {
			if n > m.size && m.rng.IntN(3) > 0 {
				return n
			}
		}
	}
	return min(m.size+1+m.rng.IntN(700), modelSize)
}

func (m *model) entries(first, end int) [][]byte {
	return logtest.Leaves(events.Index(first), end-first)
}

func (m *model) append(first, end int) {
	m.Helper()
	size, root, err := m.log.Append(m.Context(), events.Index(first), m.entries(first, end))
	m.size = max(m.size, end)
	if err != nil || int(size) != m.size || root != m.ref.root(0, m.size) {
		m.Fatalf("appending %d-%d: size %d, root %x, %v", first, end-1, size, root, err)
	}
}

func (m *model) refuse() {
	if m.size > 0 {
		first := m.rng.IntN(m.size)
		if _, _, err := m.log.Append(m.Context(), events.Index(first), [][]byte{[]byte("other bytes")}); err == nil {
			m.Fatalf("entry %d was replaced", first)
		}
	}
	first := m.size + 1 + m.rng.IntN(100)
	if _, _, err := m.log.Append(m.Context(), events.Index(first), [][]byte{[]byte("entry")}); err == nil {
		m.Fatalf("entry %d was accepted at size %d", first, m.size)
	}
}

// rollback fails a transaction at its end.
func (m *model) rollback() {
	if err := m.log.add(m.Context(), events.Index(m.size), m.entries(m.size, min(m.size+50, modelSize))); err != nil {
		m.Fatal(err)
	}
	if err := integrateOn(m.T, m.log.Log, failingStorage{m.log.store.LogStorage()}); err == nil {
		m.Fatal("the failing transaction succeeded")
	}
}

// crash goes on from what a crash during an Append may leave.
func (m *model) crash() {
	next := m.nextSize()
	clones := crashDuring(m.fs, m.rng, func() {
		if _, _, err := m.log.Append(context.Background(), events.Index(m.size), m.entries(m.size, next)); err != nil {
			m.Error(err)
		}
	})
	m.release()
	if err := m.log.Close(); err != nil {
		m.Fatal(err)
	}
	m.fs = clones[m.rng.IntN(len(clones))]
	m.cfg.FS = m.fs
	m.log = openLog(m.T, m.cfg)
	size, root, err := m.log.Head(m.Context())
	if err != nil || int(size) != m.size && int(size) != next || root != m.ref.root(0, int(size)) {
		m.Fatalf("after a crash between %d and %d: size %d, root %x, %v", m.size, next, size, root, err)
	}
	m.size = int(size)
}

func (m *model) snapshot() storage.ReadOnlyLogTreeTX {
	tx, err := m.log.store.LogStorage().SnapshotForTree(m.Context(), m.log.tree)
	if err != nil {
		m.Fatal(err)
	}
	return tx
}

func (m *model) hold() { m.held = append(m.held, heldSnapshot{m.snapshot(), m.size}) }

func (m *model) release() {
	for _, held := range m.held {
		if err := held.Close(); err != nil {
			m.Error(err)
		}
	}
	m.held = nil
}

// readWhileWriting checks snapshots taken while an Append is under way.
func (m *model) readWhileWriting() {
	done, before := make(chan struct{}), m.size
	var readers sync.WaitGroup
	for seed := range uint64(2) {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(before)))
			for last := before; ; {
				tx := m.snapshot()
				size, err := m.checkSnapshot(tx, rng)
				if err = errors.Join(err, tx.Close()); err != nil || size < last {
					m.Errorf("reading while writing, from %d: size %d, %v", last, size, err)
					return
				}
				last = size
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range 5 {
		m.append(m.size, min(m.size+1+m.rng.IntN(80), modelSize))
	}
	close(done)
	readers.Wait()
}

// checkSnapshot reads the root, and some nodes and leaves in the tree and
// beyond it.
func (m *model) checkSnapshot(tx storage.ReadOnlyLogTreeTX, rng *rand.Rand) (size int, err error) {
	head, err := tx.LatestSignedLogRoot(context.Background())
	if err != nil {
		return 0, err
	}
	var root types.LogRootV1
	if err := root.UnmarshalBinary(head.LogRoot); err != nil {
		return 0, err
	}
	size = int(root.TreeSize)
	if want := m.ref.root(0, size); !bytes.Equal(root.RootHash, want[:]) {
		return size, fmt.Errorf("the root of %d entries is %x", size, root.RootHash)
	}
	for range 8 {
		level := rng.UintN(18)
		n := size >> level
		index := []int{rng.IntN(n + 1), max(n-1, 0), n, n + 1}[rng.IntN(4)]
		if err := m.checkNode(tx, level, index, index < n); err != nil {
			return size, err
		}
	}
	return size, m.checkLeaf(tx, rng.IntN(size+1), size)
}

func (m *model) checkNode(tx storage.ReadOnlyLogTreeTX, level uint, index int, inside bool) error {
	nodes, err := tx.GetMerkleNodes(context.Background(), []compact.NodeID{{Level: level, Index: uint64(index)}})
	if !inside {
		if status.Code(err) != codes.NotFound {
			return fmt.Errorf("node %d at level %d beyond the tree: %v", index, level, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	want := m.ref.root(index<<level, (index+1)<<level)
	if !bytes.Equal(nodes[0].Hash, want[:]) {
		return fmt.Errorf("node %d at level %d is %x, want %x", index, level, nodes[0].Hash, want)
	}
	return nil
}

func (m *model) checkLeaf(tx storage.ReadOnlyLogTreeTX, index, size int) error {
	if index == size {
		return nil
	}
	leaves, err := tx.GetLeavesByRange(context.Background(), int64(index), 1)
	if err != nil {
		return err
	}
	if want := m.entries(index, index+1)[0]; !bytes.Equal(leaves[0].LeafValue, want) {
		return fmt.Errorf("leaf %d is %q, want %q", index, leaves[0].LeafValue, want)
	}
	return nil
}

// check compares all that can be seen with the reference: the head, the
// snapshots taken earlier, and proofs, hash by hash.
func (m *model) check() {
	m.Helper()
	size, root, err := m.log.Head(m.Context())
	if err != nil || int(size) != m.size || root != m.ref.root(0, m.size) {
		m.Fatalf("head: size %d, root %x, %v; want size %d", size, root, err, m.size)
	}
	for _, held := range m.held {
		if size, err := m.checkSnapshot(held, m.rng); err != nil || size != held.size {
			m.Fatalf("a snapshot held since size %d has size %d, %v", held.size, size, err)
		}
	}
	for range 3 {
		if m.size > 0 {
			m.checkProofs(1+m.rng.IntN(m.size), m.size)
			m.checkProofs(1, 1+m.rng.IntN(m.size))
		}
	}
}

func (m *model) checkProofs(from, to int) {
	m.Helper()
	if from > to {
		from, to = to, from
	}
	got, err := m.log.Consistency(m.Context(), events.Size(from), events.Size(to))
	if want := m.ref.subproof(from, 0, to, true); err != nil || !slices.Equal(got, want) {
		m.Fatalf("consistency of %d with %d: %x, %v; want %x", from, to, got, err, want)
	}
	index := m.rng.IntN(to)
	got, err = m.log.Inclusion(m.Context(), events.Index(index), events.Size(to))
	if want := m.ref.path(index, 0, to); err != nil || !slices.Equal(got, want) {
		m.Fatalf("inclusion of %d in %d: %x, %v; want %x", index, to, got, err, want)
	}
}
