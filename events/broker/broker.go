package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// maxPayload is the largest message accepted, in bytes. The server's own default
// of 1 MiB would refuse an event of 1 MiB once it is sealed for several readers.
const maxPayload = 8 << 20

// maxSubs bounds what one connection can make the server remember. The history's
// own connection needs a few dozen.
const maxSubs = 1024

// ErrClosed is returned by every use of a closed Broker.
var ErrClosed = errors.New("the history's server is closed")

// ErrLocked means another process, or another Broker in this one, has the
// directory open.
var ErrLocked = errors.New("the directory is in use by another process")

// Config says where the streams live. Only Dir is required.
type Config struct {
	// Dir holds the streams and is created when absent. It is the truth of the
	// ledger: losing it loses the history.
	Dir string

	// Listen is the TCP address, as host:port, at which outside clients may
	// connect; port 0 takes any free one. Empty means that nothing listens. The
	// connection is not encrypted: keep it on loopback or behind a tunnel.
	Listen string

	// Authenticate says what an outside client may do who gives this name and
	// password; false refuses it. It is asked once for every connection, from
	// several goroutines. Needed with Listen.
	Authenticate func(user, password string) (Client, bool)

	// Log receives the server's warnings and errors. Without it they are dropped;
	// the ones that matter also surface as errors of the calls they spoil.
	Log *slog.Logger
}

// Broker is a running server. It is safe for concurrent use.
type Broker struct {
	srv  *server.Server
	gate *gate
	lock *os.File

	mu     sync.Mutex
	closed bool
	conns  map[*nats.Conn]string // the password each came in with
}

// Open starts the server on cfg.Dir and returns once every stored stream is
// recovered and ready. The time it takes grows with the history.
func Open(cfg Config) (*Broker, error) {
	if cfg.Dir == "" {
		return nil, errors.New("opening the history's server: no directory given")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the history's directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("locking the history's directory %s: %w", cfg.Dir, err)
	}
	b, err := openLocked(cfg, lock)
	if err != nil {
		lock.Close()
		return nil, err
	}
	return b, nil
}

func openLocked(cfg Config, lock *os.File) (*Broker, error) {
	if err := syncTree(cfg.Dir); err != nil {
		return nil, fmt.Errorf("making the stored history durable: %w", err)
	}
	g := newGate(cfg.Authenticate)
	opts, err := options(cfg, g)
	if err != nil {
		return nil, fmt.Errorf("configuring the history's server: %w", err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configuring the history's server: %w", err)
	}
	log := &serverLog{to: cfg.Log}
	srv.SetLogger(log, false, false)
	err = start(srv, log)
	if err == nil {
		err = g.open(srv)
	}
	if err != nil {
		g.shut()
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("starting the history's server: %w", err)
	}
	return &Broker{srv: srv, gate: g, lock: lock, conns: make(map[*nats.Conn]string)}, nil
}

func options(cfg Config, g *gate) (*server.Options, error) {
	opts := &server.Options{
		ServerName: "daybook",
		DontListen: true,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   cfg.Dir,
		// An acknowledgement means fsynced; everything else rests on this line.
		SyncAlways:                 true,
		MaxPayload:                 maxPayload,
		MaxSubs:                    maxSubs,
		DisableJetStreamBanner:     true,
		CustomClientAuthentication: g,
	}
	if cfg.Listen == "" {
		return opts, nil
	}
	if cfg.Authenticate == nil {
		return nil, errors.New("a server that listens must know whom to let in")
	}
	host, service, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("reading the address to listen on: %w", err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("reading the port to listen on: %w", err)
	}
	opts.DontListen, opts.Host, opts.Port = false, host, int(port)
	if port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	return opts, nil
}

// start runs the server's own start, which recovers the streams before it
// returns and reports a failure only to its log.
func start(srv *server.Server, log *serverLog) error {
	srv.Start()
	if err := log.failure(); err != nil {
		return err
	}
	if !srv.ReadyForConnections(10*time.Second) || !srv.JetStreamEnabled() {
		return errors.New("the server did not become ready")
	}
	return nil
}

// Addr is where the server listens, nil when it does not.
func (b *Broker) Addr() net.Addr { return b.srv.Addr() }

// Connect returns a connection through memory to the history's account, without
// any limit on what it may do there. The caller closes it; whatever is
// still open when the Broker closes is closed with it. While it is disconnected
// the connection refuses to publish rather than sending late what its caller has
// already given up.
func (b *Broker) Connect() (*nats.Conn, error) { return b.connect(pass{history: true}) }

// ConnectEmitters returns a connection through memory to the account of the
// outside clients, which may do what c says and nothing else. It is otherwise
// like one of Connect.
func (b *Broker) ConnectEmitters(c Client) (*nats.Conn, error) { return b.connect(pass{client: c}) }

func (b *Broker) connect(p pass) (*nats.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	password := b.gate.issue(p)
	nc, err := nats.Connect("",
		nats.InProcessServer(b.srv),
		nats.UserInfo("daybook", password),
		nats.Name("daybook"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.ClosedHandler(b.forget),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	)
	if err != nil {
		b.gate.withdraw(password)
		return nil, fmt.Errorf("connecting to the history's server: %w", err)
	}
	b.conns[nc] = password
	return nc, nil
}

func (b *Broker) forget(nc *nats.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gate.withdraw(b.conns[nc])
	delete(b.conns, nc)
}

// Healthy reports the first stream that could not be recovered or that met a
// write error. After a write error messages may be readable that are not durable,
// so a caller about to trust what it reads without an acknowledgement asks first.
func (b *Broker) Healthy() error {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if h := b.srv.Healthz(nil); h.Status != "ok" {
		return fmt.Errorf("checking the history's server: %s: %s", h.Status, h.Error)
	}
	return nil
}

// Close flushes and closes the open connections, stops the server, waits until it
// has stopped and releases the directory. Closing again does nothing.
func (b *Broker) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	open := make([]*nats.Conn, 0, len(b.conns))
	for nc := range b.conns {
		open = append(open, nc)
	}
	b.mu.Unlock()

	for _, nc := range open {
		// What was published before Close reaches the server. A connection that
		// cannot flush has nothing acknowledged to lose.
		_ = nc.FlushTimeout(time.Second)
		nc.Close()
	}
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
	if err := b.lock.Close(); err != nil {
		return fmt.Errorf("releasing the history's directory: %w", err)
	}
	return nil
}
