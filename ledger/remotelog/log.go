package remotelog

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/daybook-ledger/daybook/events"
)

// Config says which server holds the log.
type Config struct {
	// Addr is the host:port of the log server, the admin server included. With
	// TLS the host is also the name its certificate must have.
	Addr string
	// Roots are the certificates that may vouch for the server; the default is
	// the system's.
	Roots *x509.CertPool
	// Plaintext leaves TLS out. Addr must then be of this machine.
	Plaintext bool
	// TreeFile remembers the tree's number, and is made with the tree, as is
	// its directory. Without it a new tree is begun at the next Open.
	TreeFile string
	// Origin is the ledger's, which stands as the tree's description. It has at
	// most 200 bytes.
	Origin string
	// Patience is how long Open waits for a server that does not answer; the
	// default is 30 seconds. Head and Append wait as long as their context.
	Patience time.Duration
	// Delayed is told why a call takes long, each time it is made again and
	// every ten seconds of waiting for the signer. By default nobody is told.
	Delayed func(error)
}

// A Log is one verifiable log. Its methods may be called from several
// goroutines; Appends take turns.
type Log struct {
	cfg  Config
	conn *grpc.ClientConn
	rpc  trillian.TrillianLogClient
	tree int64

	appending sync.Mutex
	closing   sync.Once
	closed    atomic.Bool
}

// Open finds the log's tree on the server, and makes an empty one where none
// is remembered.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("opening the log elsewhere: %w", err)
	}
	conn, err := dial(cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the log at %s: %w", cfg.Addr, err)
	}
	l := &Log{cfg: cfg, conn: conn, rpc: trillian.NewTrillianLogClient(conn)}
	limit, cancel := context.WithTimeout(ctx, cfg.Patience)
	defer cancel()
	if err := l.openTree(limit, trillian.NewTrillianAdminClient(conn)); err != nil {
		if limit.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("nothing in %v; see that it runs and whether it speaks TLS: %w", cfg.Patience, err)
		}
		return nil, errors.Join(fmt.Errorf("opening the log at %s: %w", cfg.Addr, err), l.Close())
	}
	return l, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Addr == "" || c.TreeFile == "" || c.Origin == "" {
		return c, errors.New("it needs an address, an origin and a file for the tree's number")
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return c, fmt.Errorf("reading its address: %w", err)
	}
	if c.Plaintext && !loopback(host) {
		return c, fmt.Errorf("without TLS only a server on this machine is asked, and %s is not known to be", host)
	}
	if c.Patience <= 0 {
		c.Patience = 30 * time.Second
	}
	if c.Delayed == nil {
		c.Delayed = func(error) {}
	}
	return c, nil
}

// loopback reports whether a host is this machine whatever a name server says.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxAnswer bounds an answer. The largest gives back the entries of a request,
// with more around each.
const maxAnswer = 16 << 20

func dial(cfg Config) (*grpc.ClientConn, error) {
	secure := credentials.NewClientTLSFromCert(cfg.Roots, "")
	if cfg.Plaintext {
		secure = insecure.NewCredentials()
	}
	return grpc.NewClient(cfg.Addr,
		grpc.WithTransportCredentials(secure),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstWait, Multiplier: 2, Jitter: 0.2, MaxDelay: longestWait},
			MinConnectTimeout: 10 * time.Second,
		}),
	)
}

// Head is the size of the log and its root, as the server last signed them off.
// At size 0 that is the root of the empty tree, SHA-256 of nothing (RFC 6962).
func (l *Log) Head(ctx context.Context) (events.Size, [32]byte, error) {
	var answer *trillian.GetLatestSignedLogRootResponse
	err := l.ask(ctx, shortCall, func(ctx context.Context) (err error) {
		answer, err = l.rpc.GetLatestSignedLogRoot(ctx, &trillian.GetLatestSignedLogRootRequest{LogId: l.tree})
		return err
	})
	if err != nil {
		return 0, [32]byte{}, fmt.Errorf("reading the log's head: %w", err)
	}
	var root types.LogRootV1
	if err := root.UnmarshalBinary(answer.GetSignedLogRoot().GetLogRoot()); err != nil {
		return 0, [32]byte{}, fmt.Errorf("reading the log's head: %w", err)
	}
	if len(root.RootHash) != 32 {
		return 0, [32]byte{}, fmt.Errorf("reading the log's head: the root has %d bytes", len(root.RootHash))
	}
	return events.Size(root.TreeSize), [32]byte(root.RootHash), nil
}

// Tree is the tree's number on the server.
func (l *Log) Tree() int64 { return l.tree }

// Close ends the connection. Calls under way, and later ones, return an error;
// closing again does nothing.
func (l *Log) Close() (err error) {
	l.closing.Do(func() {
		l.closed.Store(true)
		if err = l.conn.Close(); err != nil {
			err = fmt.Errorf("closing the log elsewhere: %w", err)
		}
	})
	return err
}
