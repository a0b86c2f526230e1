package remotelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/ledger/logtest"
)

// server is a log server with signer and database in memory, asked over real
// gRPC. It answers as Trillian's does over MySQL: FailedPrecondition for every
// occupied index, whatever the bytes; nothing shown beyond the head; a signer
// of its own that integrates whatever it finds, at most batch leaves at a time.
// The real one is tested in a module of its own.
type server struct {
	trillian.UnimplementedTrillianLogServer
	trillian.UnimplementedTrillianAdminServer

	mu      sync.Mutex
	trees   map[int64]*tree
	batch   int  // leaves a signer's pass integrates
	stopped bool // the signer does not run
	most    int  // leaves an answer gives back
	// fault may fail a call, before it is done or after; nil is a healthy
	// server.
	fault func(method string, done bool) error
	added []int // leaves of each AddSequencedLeaves
}

type tree struct {
	about  *trillian.Tree
	leaves map[int64]*trillian.LogLeaf
	ref    logtest.Reference
	size   int64
	begun  bool
}

// serve runs s on a port of this machine until the test ends.
func serve(t testing.TB, opts ...grpc.ServerOption) (*server, string) {
	t.Helper()
	s := &server{trees: map[int64]*tree{}, batch: 1000, most: 1000}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts = append(opts, grpc.UnaryInterceptor(s.intercept))
	g := grpc.NewServer(opts...)
	trillian.RegisterTrillianLogServer(g, s)
	trillian.RegisterTrillianAdminServer(g, s)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	stop := make(chan struct{})
	signer := make(chan struct{})
	go func() { defer close(signer); s.sign(t, stop) }()
	t.Cleanup(func() {
		g.Stop()
		close(stop)
		<-signer
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

func (s *server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		if err := s.fault(info.FullMethod, false); err != nil {
			return nil, err
		}
	}
	answer, err := handler(ctx, req)
	if err == nil && s.fault != nil {
		err = s.fault(info.FullMethod, true)
	}
	return answer, err
}

// sign is the signer.
func (s *server) sign(t testing.TB, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		s.mu.Lock()
		for _, tree := range s.trees {
			for n := 0; n < s.batch && !s.stopped && tree.leaves[tree.size] != nil; n++ {
				tree.ref.Add(t, tree.leaves[tree.size].LeafValue)
				tree.size++
			}
		}
		s.mu.Unlock()
	}
}

// set changes the server while it runs.
func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) CreateTree(_ context.Context, req *trillian.CreateTreeRequest) (*trillian.Tree, error) {
	about := req.GetTree()
	if about.GetTreeType() != trillian.TreeType_PREORDERED_LOG || len(about.GetDescription()) > 200 || len(about.GetDisplayName()) > 20 {
		return nil, status.Error(codes.InvalidArgument, "not such a tree")
	}
	about.TreeId = int64(len(s.trees)) + 1
	s.trees[about.TreeId] = &tree{about: about, leaves: map[int64]*trillian.LogLeaf{}}
	return about, nil
}

func (s *server) GetTree(_ context.Context, req *trillian.GetTreeRequest) (*trillian.Tree, error) {
	tree, err := s.tree(req.GetTreeId())
	if err != nil {
		return nil, err
	}
	return tree.about, nil
}

func (s *server) tree(id int64) (*tree, error) {
	if tree := s.trees[id]; tree != nil {
		return tree, nil
	}
	return nil, status.Errorf(codes.NotFound, "tree %d not found", id)
}

func (s *server) InitLog(_ context.Context, req *trillian.InitLogRequest) (*trillian.InitLogResponse, error) {
	tree, err := s.tree(req.GetLogId())
	if err != nil {
		return nil, err
	}
	if tree.begun {
		return nil, status.Error(codes.AlreadyExists, "log is already initialised")
	}
	tree.begun = true
	return &trillian.InitLogResponse{}, nil
}

func (s *server) GetLatestSignedLogRoot(_ context.Context, req *trillian.GetLatestSignedLogRootRequest) (*trillian.GetLatestSignedLogRootResponse, error) {
	tree, err := s.tree(req.GetLogId())
	if err != nil {
		return nil, err
	}
	if !tree.begun {
		return nil, status.Error(codes.FailedPrecondition, "tree needs init")
	}
	hash := sha256.Sum256(nil)
	if tree.size > 0 {
		if hash, err = tlog.TreeHash(tree.size, &tree.ref); err != nil {
			return nil, err
		}
	}
	root, err := (&types.LogRootV1{TreeSize: uint64(tree.size), RootHash: hash[:]}).MarshalBinary()
	return &trillian.GetLatestSignedLogRootResponse{SignedLogRoot: &trillian.SignedLogRoot{LogRoot: root}}, err
}

func (s *server) AddSequencedLeaves(_ context.Context, req *trillian.AddSequencedLeavesRequest) (*trillian.AddSequencedLeavesResponse, error) {
	tree, err := s.tree(req.GetLogId())
	if err != nil {
		return nil, err
	}
	s.added = append(s.added, len(req.GetLeaves()))
	answer := &trillian.AddSequencedLeavesResponse{}
	for _, leaf := range req.GetLeaves() {
		result := status.New(codes.OK, "OK")
		switch {
		case len(leaf.GetLeafValue()) == 0 || leaf.GetLeafIndex() < 0:
			return nil, status.Error(codes.InvalidArgument, "not such a leaf")
		case s.taken(tree, leaf):
			result = status.New(codes.FailedPrecondition, "conflicting LeafIdentityHash")
		default:
			tree.leaves[leaf.GetLeafIndex()] = leaf
		}
		answer.Results = append(answer.Results, &trillian.QueuedLogLeaf{Status: result.Proto()})
	}
	return answer, nil
}

// taken reports whether the index or the identity is another leaf's.
func (s *server) taken(tree *tree, leaf *trillian.LogLeaf) bool {
	before := tree.leaves[leaf.GetLeafIndex()-1]
	return tree.leaves[leaf.GetLeafIndex()] != nil || before != nil && bytes.Equal(before.GetLeafIdentityHash(), leaf.GetLeafIdentityHash())
}

func (s *server) GetLeavesByRange(_ context.Context, req *trillian.GetLeavesByRangeRequest) (*trillian.GetLeavesByRangeResponse, error) {
	tree, err := s.tree(req.GetLogId())
	if err != nil {
		return nil, err
	}
	if req.GetCount() <= 0 || req.GetStartIndex() < 0 {
		return nil, status.Error(codes.InvalidArgument, "no such range")
	}
	answer := &trillian.GetLeavesByRangeResponse{}
	for i := req.GetStartIndex(); i < tree.size && i < req.GetStartIndex()+req.GetCount() && len(answer.Leaves) < s.most; i++ {
		answer.Leaves = append(answer.Leaves, tree.leaves[i])
	}
	return answer, nil
}
