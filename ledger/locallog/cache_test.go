package locallog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/transparency-dev/merkle/compact"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// The cache never holds more tiles than its bytes allow, keeps what was used
// last, and takes full tiles only.
func TestTileCache(t *testing.T) {
	for bytes, most := range map[int64]int{-1: 1, 1: 1, tileCost: 1, 3 * tileCost: 3, 0: DefaultTileCache / tileCost} {
		c := newTileCache(bytes)
		for i := range uint64(most + 5) {
			c.put(1, tileID{index: i}, &tile{})
			c.put(1, tileID{index: i}, &tile{})
			c.get(1, tileID{})
			if want := min(int(i)+1, most); len(c.tiles) != want || c.order.Len() != want {
				t.Fatalf("%d bytes: %d tiles after %d, want %d", bytes, len(c.tiles), i+1, want)
			}
		}
		if most > 1 && c.get(1, tileID{}) == nil {
			t.Errorf("%d bytes: the tile used last is gone", bytes)
		}
		if c.get(2, tileID{}) != nil || c.get(1, tileID{level: 1}) != nil {
			t.Errorf("%d bytes: another tile was found", bytes)
		}
	}
}

// Many readers at once, with room for far fewer tiles than they ask for.
func TestCacheUnderReaders(t *testing.T) {
	const n = 5000
	ref := newReference(n)
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem(), TileCache: 2 * tileCost})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, n))
	var readers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 8))
			for range 100 {
				size := 1 + rng.IntN(n)
				index := rng.IntN(size)
				got, err := l.Inclusion(t.Context(), events.Index(index), events.Size(size))
				if want := ref.path(index, 0, size); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("inclusion of %d in %d is wrong, %v", index, size, err)
				}
			}
		})
	}
	readers.Wait()
	if len(l.store.cache.tiles) != 2 {
		t.Errorf("the cache holds %d tiles, want 2", len(l.store.cache.tiles))
	}
	for key, e := range l.store.cache.tiles {
		if !e.Value.(*cached).tile.full() {
			t.Errorf("tile %d at level %d is cached and not full", key.id.index, key.id.level)
		}
	}
}

// A snapshot of a small tree does not see into a tile that others know full.
func TestCacheIsNotAhead(t *testing.T) {
	l := openLog(t, Config{Dir: "log", FS: vfs.NewMem()})
	mustAppend(t, l.Log, 0, logtest.Leaves(0, 300))
	m := &model{T: t, ref: newReference(900), log: l}
	early := m.snapshot()
	defer early.Close()
	mustAppend(t, l.Log, 300, logtest.Leaves(300, 600))
	late := m.snapshot()
	defer late.Close()
	for _, id := range []compact.NodeID{{Index: 300}, {Index: 600}, {Level: 2, Index: 75}, {Level: 3, Index: 70}, {Level: 7, Index: 2}} {
		if err := errors.Join(m.checkNode(late, id.Level, int(id.Index), true), m.checkNode(early, id.Level, int(id.Index), false)); err != nil {
			t.Error(err)
		}
	}
	if len(l.store.cache.tiles) == 0 {
		t.Error("nothing was cached")
	}
}

// While the fsync of a root is under way, readers see the root before it and
// do not wait: what nobody saw, a crash may still take.
func TestHeadIsDurable(t *testing.T) {
	var gate sync.RWMutex // locked, it holds every fsync
	syncing := make(chan struct{}, 100)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
			syncing <- struct{}{}
			gate.RLock()
			defer gate.RUnlock()
		}
		return nil
	}))
	l := openLog(t, Config{Dir: "log", FS: fs})
	_, before := mustAppend(t, l.Log, 0, logtest.Leaves(0, 10))
	for len(syncing) > 0 {
		<-syncing
	}
	gate.Lock()
	appended := make(chan error, 1)
	go func() {
		_, _, err := l.Append(t.Context(), 10, logtest.Leaves(10, 10))
		appended <- err
	}()
	<-syncing
	time.Sleep(10 * time.Millisecond) // Pebble shows the batch meanwhile
	size, root, err := l.Head(t.Context())
	gate.Unlock()
	if err != nil || size != 10 || root != before {
		t.Errorf("during the fsync: size %d, root %x, %v", size, root, err)
	}
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
	if size, _, err := l.Head(t.Context()); err != nil || size != 20 {
		t.Errorf("after the fsync: size %d, %v", size, err)
	}
}
