package remotelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"

	"github.com/daybook-ledger/daybook/events"
)

// Append adds leaves at first, first+1 … and returns size and root of the log
// that holds them. The size is at least first + len(leaves), and more where the
// log was ahead. Leaves that are there already are accepted when they are the
// same bytes; other bytes at an occupied index, a first beyond the size, and an
// empty leaf are errors. After an error some of the leaves may be stored, so a
// different leaf may be refused at their indexes; the same Append may be made
// again.
func (l *Log) Append(ctx context.Context, first events.Index, leaves [][]byte) (events.Size, [32]byte, error) {
	l.appending.Lock()
	defer l.appending.Unlock()
	size, root, err := l.Head(ctx)
	if err != nil || len(leaves) == 0 {
		return size, root, err
	}
	if events.Size(first) > size {
		return 0, [32]byte{}, fmt.Errorf("adding entries from %d: the log has %d entries, which would leave a gap", first, size)
	}
	there := span{first, leaves[:min(uint64(len(leaves)), uint64(size)-uint64(first))]}
	fresh := span{there.end(), leaves[len(there.leaves):]}
	if err := check(fresh); err != nil {
		return 0, [32]byte{}, err
	}
	// What is there is compared before anything is added behind it: a signer
	// integrates whatever it finds.
	if err := l.compare(ctx, there); err != nil || len(fresh.leaves) == 0 {
		return size, root, err
	}
	return l.extend(ctx, fresh)
}

// A span is entries that follow each other in the log.
type span struct {
	first  events.Index
	leaves [][]byte
}

func (s span) end() events.Index { return s.first + events.Index(len(s.leaves)) }

func (s span) String() string { return fmt.Sprintf("entries %d-%d", s.first, s.end()-1) }

// split takes the entries of one request off the front.
func (s span) split() (front, rest span) {
	n := chunk(s.leaves)
	return span{s.first, s.leaves[:n]}, span{s.first + events.Index(n), s.leaves[n:]}
}

// check refuses what a server would refuse only after it took what is before.
func check(s span) error {
	for i, leaf := range s.leaves {
		if len(leaf) == 0 {
			return fmt.Errorf("adding entry %d: it is empty", s.first+events.Index(i))
		}
	}
	return nil
}

// A request stays below the 4 MiB that gRPC takes by default. leafOverhead is
// generous for what surrounds the bytes of a leaf: its identity, its index,
// lengths and tags. A database wants transactions that do not take for ever.
const (
	maxChunk     = 3 << 20
	maxLeaves    = 4096
	leafOverhead = 96
)

// chunk is how many leaves fit one request, at least one.
func chunk(leaves [][]byte) int {
	n, bytes := 0, 0
	for n < min(len(leaves), maxLeaves) {
		bytes += len(leaves[n]) + leafOverhead
		if bytes > maxChunk && n > 0 {
			break
		}
		n++
	}
	return n
}

// extend adds entries beyond the head and waits until the head covers them.
func (l *Log) extend(ctx context.Context, fresh span) (events.Size, [32]byte, error) {
	var doubtful []span
	for rest := fresh; len(rest.leaves) > 0; {
		var front span
		front, rest = rest.split()
		sure, err := l.add(ctx, front)
		if err != nil {
			return 0, [32]byte{}, fmt.Errorf("adding %v: %w", front, err)
		}
		if !sure {
			doubtful = append(doubtful, front)
		}
	}
	size, root, err := l.await(ctx, events.Size(fresh.end()))
	if err != nil {
		return 0, [32]byte{}, fmt.Errorf("waiting for %v: %w", fresh, err)
	}
	for _, s := range doubtful {
		if err := l.compare(ctx, s); err != nil {
			return 0, [32]byte{}, err
		}
	}
	return size, root, nil
}

// add stores the entries of one request. It is sure when each of them was new;
// of an occupied index a server does not say by which bytes.
func (l *Log) add(ctx context.Context, s span) (sure bool, err error) {
	req := request(l.tree, s)
	var answer *trillian.AddSequencedLeavesResponse
	err = l.ask(ctx, longCall, func(ctx context.Context) (err error) {
		answer, err = l.rpc.AddSequencedLeaves(ctx, req)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(answer.GetResults()) != len(s.leaves) {
		return false, fmt.Errorf("%d entries were answered for", len(answer.GetResults()))
	}
	sure = true
	for i, result := range answer.GetResults() {
		switch codes.Code(result.GetStatus().GetCode()) {
		case codes.OK:
		case codes.AlreadyExists, codes.FailedPrecondition:
			sure = false
		default:
			return false, fmt.Errorf("entry %d: %s", s.first+events.Index(i), result.GetStatus().GetMessage())
		}
	}
	return sure, nil
}

func request(tree int64, s span) *trillian.AddSequencedLeavesRequest {
	req := &trillian.AddSequencedLeavesRequest{LogId: tree, Leaves: make([]*trillian.LogLeaf, len(s.leaves))}
	for i, value := range s.leaves {
		index := s.first + events.Index(i)
		identity := positionIdentity(index)
		req.Leaves[i] = &trillian.LogLeaf{LeafValue: value, LeafIndex: int64(index), LeafIdentityHash: identity[:]}
	}
	return req
}

// positionIdentity is the identity hash of the leaf at index: unique because
// the index is.
func positionIdentity(index events.Index) [sha256.Size]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("daybook/leaf-identity@1\n"), uint64(index)))
}

// The head is asked for after a few milliseconds and then more seldom, as a
// signer that runs every tenth of a second needs.
const (
	firstLook = 4 * time.Millisecond
	lastLook  = 250 * time.Millisecond
	tellEvery = 10 * time.Second
)

// await returns the head when it has reached size.
func (l *Log) await(ctx context.Context, size events.Size) (events.Size, [32]byte, error) {
	told := time.Now()
	var behind error
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		now, root, err := l.Head(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, [32]byte{}, givenUp(ctx, behind)
		case err != nil || now >= size:
			return now, root, err
		}
		behind = fmt.Errorf("the log has integrated %d of %d entries; its signer is slow or does not run", now, size)
		if time.Since(told) >= tellEvery {
			told = time.Now()
			l.cfg.Delayed(behind)
		}
		if !sleep(ctx, wait) {
			return 0, [32]byte{}, givenUp(ctx, behind)
		}
	}
}

// compare reads entries back, which the head covers, and holds them against
// what they must be.
func (l *Log) compare(ctx context.Context, s span) error {
	for len(s.leaves) > 0 {
		front, _ := s.split()
		n, err := l.compareSome(ctx, front)
		if err != nil {
			return fmt.Errorf("comparing %v: %w", front, err)
		}
		s = span{s.first + events.Index(n), s.leaves[n:]}
	}
	return nil
}

// compareSome asks for all of s and says how many it was given. A server may
// give fewer.
func (l *Log) compareSome(ctx context.Context, s span) (int, error) {
	var answer *trillian.GetLeavesByRangeResponse
	err := l.ask(ctx, longCall, func(ctx context.Context) (err error) {
		answer, err = l.rpc.GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{
			LogId: l.tree, StartIndex: int64(s.first), Count: int64(len(s.leaves)),
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	n := len(answer.GetLeaves())
	if n == 0 || n > len(s.leaves) {
		return 0, fmt.Errorf("the log gave %d of them", n)
	}
	for i, leaf := range answer.GetLeaves() {
		if index := s.first + events.Index(i); leaf.GetLeafIndex() != int64(index) {
			return 0, fmt.Errorf("the log gave entry %d for %d", leaf.GetLeafIndex(), index)
		} else if !bytes.Equal(leaf.GetLeafValue(), s.leaves[i]) {
			return 0, fmt.Errorf("entry %d is stored with other bytes", index)
		}
	}
	return n, nil
}
