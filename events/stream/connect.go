package stream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Remote says where a history on other machines is, and who we are to them.
type Remote struct {
	// URL is the servers' addresses, comma-separated: nats://host:4222, or
	// tls://host:4222 where TLS is a must. One that answers is enough; it names the
	// others. Name and password may stand in it, but then stand wherever it does.
	URL string

	// Credentials is a file of a user's JWT and seed.
	Credentials string

	// User and Password are the other way to sign in.
	User, Password string

	// CA is a file of PEM certificates that the servers' must lead to. Empty: the
	// machine's own. Given, there is no connection without TLS.
	CA string

	// Wait is how long Connect tries. Default 10 s.
	Wait time.Duration
}

// Connection is a connection to the servers of a history.
type Connection = nats.Conn

// ErrRemote refuses a Remote that says nothing usable.
var ErrRemote = errors.New("the history's address is not as nats://host:4222")

// check refuses what the client library would take for something else.
func (r Remote) check() error {
	for _, one := range strings.Split(r.URL, ",") {
		u, err := url.Parse(one)
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return ErrRemote // the address may hold a password, so it is not repeated
		}
	}
	if r.Credentials != "" && r.User != "" {
		return errors.New("the history takes credentials or a user, not both")
	}
	return nil
}

// Connect connects to the servers. The connection comes back by itself when one of
// them goes away, for as long as it takes; while it is away it refuses to publish
// rather than sending late what its caller has already given up. The caller closes
// it.
func Connect(ctx context.Context, r Remote) (*Connection, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("connecting to the history: %w", err)
	}
	options := []nats.Option{
		nats.Name("daybook"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.ReconnectBufSize(-1),
		// A server that stopped without a word is noticed in seconds.
		nats.PingInterval(2 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	if r.Credentials != "" {
		options = append(options, nats.UserCredentials(r.Credentials))
	}
	if r.User != "" {
		options = append(options, nats.UserInfo(r.User, r.Password))
	}
	if r.CA != "" {
		options = append(options, nats.RootCAs(r.CA), nats.Secure())
	}
	if r.Wait == 0 {
		r.Wait = 10 * time.Second
	}
	for end := time.Now().Add(r.Wait); ; {
		nc, err := nats.Connect(r.URL, options...)
		if err == nil {
			return nc, nil
		}
		if time.Now().After(end) || !errors.Is(err, nats.ErrNoServers) && !errors.Is(err, nats.ErrTimeout) {
			return nil, fmt.Errorf("connecting to the history: %w", err)
		}
		select {
		case <-time.After(4 * retryPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to the history: %w", context.Cause(ctx))
		}
	}
}
