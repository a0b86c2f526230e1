package stream

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// passing are the errors of a server that is away for a moment: it was stopped, the
// connection moves to another one, or the cluster is choosing a leader.
var passing = []error{
	context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected,
	nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, nats.ErrStaleConnection,
}

// What a server says of its cluster, numbered as in its list of errors.
const (
	codeNoPeers    jetstream.ErrorCode = 10005 // too few servers; perhaps some are still starting
	codeNotNow     jetstream.ErrorCode = 10008 // no leader
	codeNotLeader  jetstream.ErrorCode = 10009 // another one is
	codeNotCluster jetstream.ErrorCode = 10074 // one server is not several
)

// passingCodes are the same as a server words them.
var passingCodes = []jetstream.ErrorCode{codeNoPeers, codeNotNow, codeNotLeader}

// patiently repeats do until it succeeds, fails for good, or has failed for as long
// as Config.Patience. do changes nothing when it fails.
func (h *History) patiently(ctx context.Context, do func() error) error {
	var since time.Time
	for {
		err := do()
		if err == nil || ctx.Err() != nil || h.nc.IsClosed() || !h.passes(err) {
			return err
		}
		switch now := time.Now(); {
		case since.IsZero():
			since = now
		case now.Sub(since) >= h.cfg.Patience:
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return err
		}
	}
}

// passes says whether asking again may help. Of several servers one that is no
// longer, or not yet, the leader may refuse, or not have a message.
func (h *History) passes(err error) bool {
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	if slices.Contains(passingCodes, refusal(err)) {
		return true
	}
	var gap *GapError
	return errors.As(err, &gap) && h.cfg.Replicas > 1
}

// refusal is the code a server gave in refusing, 0 when it did not.
func refusal(err error) jetstream.ErrorCode {
	var ours *apiError
	if errors.As(err, &ours) {
		return ours.Code
	}
	var theirs jetstream.JetStreamError
	if errors.As(err, &theirs) && theirs.APIError() != nil {
		return theirs.APIError().ErrorCode
	}
	return 0
}
