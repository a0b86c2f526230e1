package locallog

import (
	"context"
	"fmt"
	"net"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/integration"
	"github.com/google/trillian/integration/storagetest"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/testonly"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
)

// Trillian's own suites, as they are.

func TestTrillianAdminStorage(t *testing.T) {
	tester := testonly.AdminStorageTester{NewAdminStorage: func() storage.AdminStorage {
		return newStore(t, vfs.NewMem()).AdminStorage()
	}}
	tester.RunAllTests(t)
}

func TestTrillianLogStorage(t *testing.T) {
	storagetest.RunLogStorageTests(t, func(_ context.Context, t *testing.T) (storage.LogStorage, storage.AdminStorage) {
		s := newStore(t, vfs.NewMem())
		return s.LogStorage(), s.AdminStorage()
	})
}

// direct is a connection to a log server in this process, without a wire.
type direct struct{ server trillian.TrillianLogServer }

func (d direct) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	for _, m := range trillian.TrillianLog_ServiceDesc.Methods {
		if m.MethodName != path.Base(method) {
			continue
		}
		decode := func(request any) error {
			proto.Merge(request.(proto.Message), args.(proto.Message))
			return nil
		}
		response, err := m.Handler(d.server, ctx, decode, nil)
		if err == nil {
			proto.Merge(reply.(proto.Message), response.(proto.Message))
		}
		return err
	}
	return status.Errorf(codes.Unimplemented, "there is no method %s", method)
}

func (d direct) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "the log has no streams")
}

// dial serves a log over gRPC and connects to it.
func dial(t testing.TB, log trillian.TrillianLogServer) *grpc.ClientConn {
	t.Helper()
	wire := bufconn.Listen(1 << 20)
	served := grpc.NewServer()
	trillian.RegisterTrillianLogServer(served, log)
	done := make(chan error, 1)
	go func() { done <- served.Serve(wire) }()
	conn, err := grpc.NewClient("passthrough:log",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return wire.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		served.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return conn
}

// runTrillian runs what the log server and the log signer of Trillian run,
// over s, until the test ends.
func runTrillian(t *testing.T, s *store) *server.TrillianLogRPCServer {
	silence()
	registry := extension.Registry{
		AdminStorage:  s.AdminStorage(),
		LogStorage:    s.LogStorage(),
		QuotaManager:  quota.Noop(),
		MetricFactory: monitoring.InertMetricFactory{},
	}
	now := forwardClock{now: time.Now, last: func() int64 { return 0 }}
	signer := trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry:    registry,
		BatchSize:   100,
		NumWorkers:  2,
		RunInterval: 10 * time.Millisecond,
		TimeSource:  now,
	}, trillianlog.NewSequencerManager(registry, 0))
	ctx, stop := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() { signer.OperationLoop(ctx) })
	t.Cleanup(func() { stop(); loop.Wait() })
	return server.NewTrillianLogRPCServer(registry, now)
}

// initTree makes a tree the way an operator of Trillian would.
func initTree(t *testing.T, s *store, client trillian.TrillianLogClient, like *trillian.Tree) *trillian.Tree {
	t.Helper()
	tree, err := storage.CreateTree(t.Context(), s.AdminStorage(), like)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.InitLog(t.Context(), &trillian.InitLogRequest{LogId: tree.TreeId}); err != nil {
		t.Fatal(err)
	}
	return tree
}

// wires are the two ways to reach a log server.
func wires(t *testing.T, run func(*testing.T, *store, trillian.TrillianLogClient)) {
	t.Run("in process", func(t *testing.T) {
		s := newStore(t, vfs.NewMem())
		run(t, s, trillian.NewTrillianLogClient(direct{runTrillian(t, s)}))
	})
	t.Run("gRPC", func(t *testing.T) {
		s := newStore(t, vfs.NewMem())
		run(t, s, trillian.NewTrillianLogClient(dial(t, runTrillian(t, s))))
	})
}

func integrationParameters(tree *trillian.Tree) integration.TestParameters {
	params := integration.DefaultTestParameters(tree.TreeId)
	params.SequencingWaitTotal = time.Minute
	params.SequencingPollWait = 20 * time.Millisecond
	return params
}

func TestTrillianIntegration(t *testing.T) {
	wires(t, func(t *testing.T, s *store, client trillian.TrillianLogClient) {
		params := integrationParameters(initTree(t, s, client, testonly.LogTree))
		if err := integration.RunLogIntegration(client, params); err != nil {
			t.Error(err)
		}
	})
}

// The same on a tree of type PREORDERED_LOG, whose entries the suite cannot
// queue and so finds there.
func TestTrillianIntegrationPreordered(t *testing.T) {
	wires(t, func(t *testing.T, s *store, client trillian.TrillianLogClient) {
		params := integrationParameters(initTree(t, s, client, testonly.PreorderedLogTree))
		params.CheckLogEmpty, params.QueueLeaves = false, false
		leaves := make([]*trillian.LogLeaf, params.LeafCount)
		for i := range leaves {
			leaves[i] = &trillian.LogLeaf{
				LeafIndex: int64(i),
				LeafValue: fmt.Appendf(nil, "Leaf %d", i),
				ExtraData: fmt.Appendf(nil, "Extra %d", i),
			}
		}
		for i := 0; i < len(leaves); i += 50 {
			request := &trillian.AddSequencedLeavesRequest{LogId: params.TreeID, Leaves: leaves[i : i+50]}
			if _, err := client.AddSequencedLeaves(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
		if err := integration.RunLogIntegration(client, params); err != nil {
			t.Error(err)
		}
		leaves[7].LeafValue = []byte("other")
		leaves[7].MerkleLeafHash, leaves[7].LeafIdentityHash = nil, nil
		resp, err := client.AddSequencedLeaves(t.Context(), &trillian.AddSequencedLeavesRequest{LogId: params.TreeID, Leaves: leaves})
		if err != nil {
			t.Fatal(err)
		}
		for i, result := range resp.Results {
			want := codes.AlreadyExists
			if i == 7 {
				want = codes.FailedPrecondition
			}
			if got := status.FromProto(result.Status).Code(); got != want {
				t.Fatalf("leaf %d again: %v, want %v", i, got, want)
			}
		}
	})
}
