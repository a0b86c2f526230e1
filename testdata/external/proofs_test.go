package external

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/trillian"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/logtest"
	"github.com/daybook-ledger/daybook/ledger/remotelog"
)

// tested is a log as the suite wants it: it can be opened again, and the
// server's own proofs are there for the suite's auditor.
type tested struct {
	*remotelog.Log
	cfg    remotelog.Config
	server trillian.TrillianLogClient
}

func (d *deployment) tested(t *testing.T) tested {
	cfg := d.config(t, "conformance")
	return tested{open(t, cfg), cfg, d.client(t)}
}

func (d *deployment) client(t *testing.T) trillian.TrillianLogClient {
	t.Helper()
	conn, err := grpc.NewClient(d.addr, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(d.roots, "")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return trillian.NewTrillianLogClient(conn)
}

// Reopen closes the log and opens it again.
func (l tested) Reopen(t *testing.T) logtest.Log {
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return tested{open(t, l.cfg), l.cfg, l.server}
}

// Inclusion is the server's audit path.
func (l tested) Inclusion(ctx context.Context, index events.Index, size events.Size) ([][32]byte, error) {
	answer, err := l.server.GetInclusionProof(ctx, &trillian.GetInclusionProofRequest{
		LogId: l.Tree(), LeafIndex: int64(index), TreeSize: int64(size),
	})
	if err != nil {
		return nil, err
	}
	return hashes(answer.GetProof())
}

// Consistency is the server's proof between two sizes.
func (l tested) Consistency(ctx context.Context, from, to events.Size) ([][32]byte, error) {
	answer, err := l.server.GetConsistencyProof(ctx, &trillian.GetConsistencyProofRequest{
		LogId: l.Tree(), FirstTreeSize: int64(from), SecondTreeSize: int64(to),
	})
	if err != nil {
		return nil, err
	}
	return hashes(answer.GetProof())
}

// Entries are n entries as the server gives them back.
func (l tested) Entries(ctx context.Context, first events.Index, n int) ([][]byte, error) {
	answer, err := l.server.GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{
		LogId: l.Tree(), StartIndex: int64(first), Count: int64(n),
	})
	var entries [][]byte
	for _, leaf := range answer.GetLeaves() {
		entries = append(entries, leaf.GetLeafValue())
	}
	return entries, err
}

func hashes(p *trillian.Proof) ([][32]byte, error) {
	out := make([][32]byte, len(p.GetHashes()))
	for i, hash := range p.GetHashes() {
		if len(hash) != 32 {
			return nil, fmt.Errorf("hash %d of the proof has %d bytes", i, len(hash))
		}
		out[i] = [32]byte(hash)
	}
	return out, nil
}
