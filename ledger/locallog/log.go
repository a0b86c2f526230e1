package locallog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/daybook-ledger/daybook/events"
)

// treeName is the display name of the tree a Log works on.
const treeName = "daybook"

// Config says where the log lies.
type Config struct {
	// Dir is the log's own directory, made if absent. Everything in it can be
	// built again from the history.
	Dir string
	// TileCache bounds, in bytes, the full tiles kept in memory for proofs,
	// with the nodes computed from them; it holds one at least. It takes
	// nothing until tiles are read. The default is DefaultTileCache.
	TileCache int64
	// FS is the file system Dir is in. The default is the operating system's.
	FS vfs.FS
	// Now is the clock the roots are dated by; nothing else depends on it. It
	// may step back. The default is time.Now.
	Now func() time.Time
}

// A Log is one verifiable log. Its methods may be called from several
// goroutines; Appends take turns.
type Log struct {
	store *store
	tree  *trillian.Tree
	rpc   *server.TrillianLogRPCServer
	clock forwardClock
	quota quota.Manager

	appending sync.Mutex
	life      sync.RWMutex // held for reading while the store is in use
	closed    bool
}

// Open opens the log in cfg.Dir, and makes an empty one where there is none.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	silence()
	s, err := openStore(cfg.Dir, cfg.FS, cfg.Now, cfg.TileCache)
	if err != nil {
		return nil, err
	}
	// An Append returns only after its integration, which is written to the
	// same write-ahead log behind the leaves, is fsynced; the leaves need no
	// fsync of their own.
	s.leafWrite = pebble.NoSync
	l, err := newLog(ctx, s, cfg.Now)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the log in %s: %w", cfg.Dir, err), s.Close())
	}
	return l, nil
}

func newLog(ctx context.Context, s *store, now func() time.Time) (*Log, error) {
	tree, err := s.theTree(ctx)
	if err != nil {
		return nil, plain(ctx, err)
	}
	l := &Log{store: s, tree: tree, quota: quota.Noop()}
	l.clock = forwardClock{now: now, last: s.state(tree.TreeId).rootTime.Load}
	l.rpc = server.NewTrillianLogRPCServer(extension.Registry{
		AdminStorage:  s.AdminStorage(),
		LogStorage:    s.LogStorage(),
		QuotaManager:  l.quota,
		MetricFactory: monitoring.InertMetricFactory{},
	}, l.clock)
	// A crash may have come between making the tree and its first root.
	_, err = l.rpc.InitLog(ctx, &trillian.InitLogRequest{LogId: tree.TreeId})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return nil, plain(ctx, err)
	}
	return l, nil
}

// theTree finds the one tree of a Log, or creates it.
func (s *store) theTree(ctx context.Context) (*trillian.Tree, error) {
	trees, err := storage.ListTrees(ctx, s.AdminStorage(), false)
	if err != nil {
		return nil, err
	}
	for _, tree := range trees {
		if tree.DisplayName == treeName && tree.TreeType == trillian.TreeType_PREORDERED_LOG {
			return tree, nil
		}
	}
	return storage.CreateTree(ctx, s.AdminStorage(), &trillian.Tree{
		DisplayName:     treeName,
		TreeType:        trillian.TreeType_PREORDERED_LOG,
		TreeState:       trillian.TreeState_ACTIVE,
		MaxRootDuration: durationpb.New(0),
	})
}

// Head is the size of the log and its root, as Trillian last stored them. At
// size 0 that is the root of the empty tree, SHA-256 of nothing (RFC 6962).
func (l *Log) Head(ctx context.Context) (events.Size, [32]byte, error) {
	if err := l.use(); err != nil {
		return 0, [32]byte{}, err
	}
	defer l.life.RUnlock()
	return l.head(ctx)
}

// Append adds leaves at first, first+1 … and returns size and root of the log
// that holds them, both fsynced. The size is the larger of first + len(leaves)
// and the size before. Leaves that are there already are accepted when they
// are the same bytes; other bytes at an occupied index, a first beyond the
// size, and an empty leaf are errors. After an error some of the leaves may be
// stored, so a different leaf may be refused at their indexes; the same Append
// may be made again.
func (l *Log) Append(ctx context.Context, first events.Index, leaves [][]byte) (events.Size, [32]byte, error) {
	if err := l.use(); err != nil {
		return 0, [32]byte{}, err
	}
	defer l.life.RUnlock()
	l.appending.Lock()
	defer l.appending.Unlock()
	size, root, err := l.head(ctx)
	if err != nil || len(leaves) == 0 {
		return size, root, err
	}
	end := events.Size(first) + events.Size(len(leaves))
	if events.Size(first) > size {
		return 0, [32]byte{}, fmt.Errorf("adding entries %d-%d: the log has %d entries, which would leave a gap", first, end-1, size)
	}
	if err := l.add(ctx, first, leaves); err != nil {
		return 0, [32]byte{}, err
	}
	if err := l.integrate(ctx, size, end); err != nil {
		return 0, [32]byte{}, fmt.Errorf("integrating entries %d-%d: %w", first, end-1, plain(ctx, err))
	}
	size, root, err = l.head(ctx)
	if err == nil && size < end {
		err = fmt.Errorf("integrating entries %d-%d: the log ends at %d", first, end-1, size)
	}
	return size, root, err
}

// Close waits for the calls in progress and closes the log. Later calls
// return an error; closing again does nothing.
func (l *Log) Close() error {
	l.life.Lock()
	defer l.life.Unlock()
	l.closed = true
	if err := l.store.Close(); err != nil {
		return fmt.Errorf("closing the log: %w", err)
	}
	return nil
}

// use keeps Close out until life.RUnlock.
func (l *Log) use() error {
	l.life.RLock()
	if l.closed {
		l.life.RUnlock()
		return errors.New("using the log: it is closed")
	}
	return nil
}

func (l *Log) head(ctx context.Context) (events.Size, [32]byte, error) {
	resp, err := l.rpc.GetLatestSignedLogRoot(ctx, &trillian.GetLatestSignedLogRootRequest{LogId: l.tree.TreeId})
	if err != nil {
		return 0, [32]byte{}, fmt.Errorf("reading the log's head: %w", plain(ctx, err))
	}
	var root types.LogRootV1
	if err := root.UnmarshalBinary(resp.GetSignedLogRoot().GetLogRoot()); err != nil {
		return 0, [32]byte{}, fmt.Errorf("reading the log's head: %w", err)
	}
	if len(root.RootHash) != hashSize {
		return 0, [32]byte{}, fmt.Errorf("reading the log's head: the root has %d bytes", len(root.RootHash))
	}
	return events.Size(root.TreeSize), [32]byte(root.RootHash), nil
}

// maxIntegration is the number of leaves the sequencer takes into memory at
// once.
const maxIntegration = 16384

// integrate lets the sequencer extend the tree from size to end, and not
// beyond: leaves that an interrupted Append left behind wait to be confirmed.
func (l *Log) integrate(ctx context.Context, size, end events.Size) error {
	trillianlog.InitMetrics(nil)
	for size < end {
		limit := int(min(end-size, maxIntegration))
		n, err := trillianlog.IntegrateBatch(ctx, l.tree, limit, 0, 0, l.clock, l.store.LogStorage(), l.quota)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("entry %d is missing", size)
		}
		size += events.Size(n)
	}
	return nil
}

// plain strips the status code of an error and keeps its words; a cancelled
// context stays recognizable.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New(status.Convert(err).Message())
}

// add stores leaves, a chunk at a time.
func (l *Log) add(ctx context.Context, first events.Index, leaves [][]byte) error {
	for len(leaves) > 0 {
		n := chunk(leaves)
		if err := l.addChunk(ctx, first, leaves[:n]); err != nil {
			return fmt.Errorf("adding entries %d-%d: %w", first, first+events.Index(n)-1, err)
		}
		first, leaves = first+events.Index(n), leaves[n:]
	}
	return nil
}

// A request is kept below the 4 MiB that gRPC takes by default, here as well
// as where the log is remote. leafOverhead is generous for what surrounds the
// bytes of a leaf: its identity, its index, lengths and tags.
const (
	maxChunk     = 3 << 20
	leafOverhead = 96
)

// chunk is how many leaves fit one request, at least one.
func chunk(leaves [][]byte) int {
	n, bytes := 0, 0
	for n < len(leaves) {
		bytes += len(leaves[n]) + leafOverhead
		if bytes > maxChunk && n > 0 {
			break
		}
		n++
	}
	return n
}

func (l *Log) addChunk(ctx context.Context, first events.Index, leaves [][]byte) error {
	req := &trillian.AddSequencedLeavesRequest{LogId: l.tree.TreeId, Leaves: make([]*trillian.LogLeaf, len(leaves))}
	messages := make([]trillian.LogLeaf, len(leaves)) // one allocation for all
	identities := make([]byte, 0, len(leaves)*hashSize)
	for i, value := range leaves {
		leaf, index := &messages[i], uint64(first)+uint64(i)
		identity := positionIdentity(index)
		identities = append(identities, identity[:]...)
		leaf.LeafValue, leaf.LeafIndex = value, int64(index)
		leaf.LeafIdentityHash = identities[i*hashSize : (i+1)*hashSize : (i+1)*hashSize]
		req.Leaves[i] = leaf
	}
	resp, err := l.rpc.AddSequencedLeaves(ctx, req)
	if err != nil {
		return plain(ctx, err)
	}
	for i, result := range resp.Results {
		switch codes.Code(result.GetStatus().GetCode()) {
		case codes.OK, codes.AlreadyExists:
			continue
		}
		if stored := result.GetLeaf(); stored != nil && !bytes.Equal(stored.LeafValue, leaves[i]) {
			return fmt.Errorf("entry %d is stored with other bytes", first+events.Index(i))
		}
		return fmt.Errorf("entry %d: %s", first+events.Index(i), result.GetStatus().GetMessage())
	}
	return nil
}
