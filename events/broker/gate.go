package broker

import (
	"crypto/rand"
	"net"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// emitters is the account of everybody but the history. It has no JetStream.
const emitters = "EMITTERS"

// Client is what a client may do, as NATS subjects, which may hold wildcards.
// The zero Client may do nothing.
type Client struct {
	Publish   []string
	Subscribe []string
}

// pass is what one connection through memory may do.
type pass struct {
	history bool // in the history's account, and there everything
	client  Client
}

// gate lets clients into their account. It implements server.Authentication.
type gate struct {
	outside func(user, password string) (Client, bool)

	// ready is closed once the accounts are there, or never will be. A client may
	// connect before, because the server listens as part of its start.
	ready             chan struct{}
	history, emitters *server.Account

	mu     sync.Mutex
	passes map[string]pass // by password
}

func newGate(outside func(user, password string) (Client, bool)) *gate {
	return &gate{outside: outside, ready: make(chan struct{}), passes: make(map[string]pass)}
}

// open makes the account of emitters and lets clients in. The account comes
// after the server's start, because a server that starts with one account, the
// global one, keeps its streams there; with a second one it would find none.
func (g *gate) open(srv *server.Server) error {
	account, err := srv.RegisterAccount(emitters)
	if err != nil {
		return err
	}
	g.history, g.emitters = srv.GlobalAccount(), account
	close(g.ready)
	return nil
}

// shut refuses whoever waits at a gate that never opened.
func (g *gate) shut() {
	select {
	case <-g.ready:
	default:
		close(g.ready)
	}
}

// issue makes a password for one connection through memory.
func (g *gate) issue(p pass) string {
	password := rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passes[password] = p
	return password
}

func (g *gate) withdraw(password string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.passes, password)
}

// Check lets one client in, or not. A pass counts through memory alone: seen or
// guessed, it is worth nothing on the network.
func (g *gate) Check(c server.ClientAuthentication) bool {
	<-g.ready
	if c.Kind() != server.CLIENT || g.emitters == nil {
		return false
	}
	given := c.GetOpts()
	if through(c.RemoteAddress()) {
		g.mu.Lock()
		p, ok := g.passes[given.Password]
		g.mu.Unlock()
		switch {
		case ok && p.history:
			c.RegisterUser(&server.User{Account: g.history})
		case ok:
			c.RegisterUser(g.user(p.client))
		}
		return ok
	}
	if g.outside == nil {
		return false
	}
	password := given.Password
	if password == "" {
		password = given.Token // nats://TOKEN@host, without a name
	}
	client, ok := g.outside(given.Username, password)
	if ok {
		c.RegisterUser(g.user(client))
	}
	return ok
}

// through says that a connection comes through memory.
func through(addr net.Addr) bool { return addr != nil && addr.Network() == "pipe" }

// user is a client's place among the emitters. An allow list that is empty and
// not nil allows nothing; nil would allow everything.
func (g *gate) user(c Client) *server.User {
	return &server.User{Account: g.emitters, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: append([]string{}, c.Publish...)},
		Subscribe: &server.SubjectPermission{Allow: append([]string{}, c.Subscribe...)},
	}}
}
