package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// anywhere may do everything its account allows.
var anywhere = Client{Publish: []string{">"}, Subscribe: []string{">"}}

// letIn lets the password "all" do everything and "none" nothing.
func letIn(_, password string) (Client, bool) {
	switch password {
	case "all":
		return anywhere, true
	case "none":
		return Client{}, true
	}
	return Client{}, false
}

func listen(t *testing.T, dir string) (*Broker, *nats.Conn) {
	t.Helper()
	b, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Authenticate: letIn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	return b, nc
}

func dial(t *testing.T, b *Broker, password string) (*nats.Conn, error) {
	t.Helper()
	nc, err := nats.Connect("nats://"+b.Addr().String(), nats.UserInfo("city/app", password),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, err
}

// store makes stream S and puts messages into it.
func store(t *testing.T, nc *nats.Conn, texts ...string) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if _, err := js.Publish(t.Context(), "s", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func stored(t *testing.T, nc *nats.Conn) (out []string) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatalf("the stream is not found: %v", err)
	}
	for i := uint64(1); i <= s.CachedInfo().State.LastSeq; i++ {
		m, err := s.GetMsg(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(m.Data))
	}
	return out
}

// TestHistoryOfOneAccount opens a directory written by a server that knew only
// the global account and no passwords, with and without a listener.
func TestHistoryOfOneAccount(t *testing.T) {
	dir := t.TempDir()
	srv, err := server.NewServer(&server.Options{
		ServerName: "daybook", DontListen: true, NoSigs: true, JetStream: true, StoreDir: dir, SyncAlways: true, MaxPayload: maxPayload,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	store(t, nc, "one", "two")
	nc.Close()
	srv.Shutdown()
	srv.WaitForShutdown()

	b, nc := listen(t, dir)
	store(t, nc, "three")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, nc = open(t, dir)
	if got := fmt.Sprint(stored(t, nc)); got != "[one two three]" {
		t.Errorf("the stream holds %s", got)
	}
	if err := b.Healthy(); err != nil {
		t.Error(err)
	}
}

// TestAccountsApart lets an outside client do whatever its account allows: the
// history is not there.
func TestAccountsApart(t *testing.T) {
	b, history := listen(t, t.TempDir())
	store(t, history, "sealed")
	door, err := b.ConnectEmitters(anywhere)
	if err != nil {
		t.Fatal(err)
	}
	outside, err := dial(t, b, "all")
	if err != nil {
		t.Fatal(err)
	}
	for name, nc := range map[string]*nats.Conn{"the door": door, "an outside client": outside} {
		all, err := nc.SubscribeSync(">")
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish("s", []byte("forged by "+name)); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := history.Publish("_INBOX.x", []byte("the history's own")); err != nil {
			t.Fatal(err)
		}
		if err := history.Flush(); err != nil {
			t.Fatal(err)
		}
		for m, err := all.NextMsg(50 * time.Millisecond); err == nil; m, err = all.NextMsg(50 * time.Millisecond) {
			if m.Subject != "s" {
				t.Errorf("%s saw %s on %s", name, m.Data, m.Subject)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.AccountInfo(ctx); err == nil {
			t.Errorf("%s reached JetStream", name)
		}
		if _, err := js.Stream(ctx, "S"); err == nil {
			t.Errorf("%s reached the stream", name)
		}
		if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "OWN", Subjects: []string{"own"}}); err == nil {
			t.Errorf("%s made a stream", name)
		}
		cancel()
		if err := all.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(stored(t, history)); got != "[sealed]" {
		t.Errorf("the stream holds %s", got)
	}
	// The two meet in their own account.
	if _, err := door.Subscribe("ask", func(m *nats.Msg) { _ = m.Respond([]byte("told")) }); err != nil {
		t.Fatal(err)
	}
	if err := door.Flush(); err != nil {
		t.Fatal(err)
	}
	if m, err := outside.Request("ask", nil, time.Second); err != nil || string(m.Data) != "told" {
		t.Errorf("asking the door: %v", err)
	}
}

func TestZeroClientDoesNothing(t *testing.T) {
	b, _ := listen(t, t.TempDir())
	door, err := b.ConnectEmitters(anywhere)
	if err != nil {
		t.Fatal(err)
	}
	none, err := dial(t, b, "none")
	if err != nil {
		t.Fatal(err)
	}
	heard, err := door.SubscribeSync("x")
	if err != nil {
		t.Fatal(err)
	}
	own, err := none.SubscribeSync("y")
	if err != nil {
		t.Fatal(err)
	}
	for _, nc := range []*nats.Conn{door, none} {
		if err := errors.Join(nc.Publish("x", []byte(nc.Opts.Name)), nc.Publish("y", nil), nc.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := heard.NextMsg(time.Second); err != nil || string(m.Data) != "daybook" {
		t.Errorf("the door's own message: %v", err)
	}
	if _, err := heard.NextMsg(50 * time.Millisecond); err == nil {
		t.Error("a client that may nothing was heard")
	}
	if _, err := own.NextMsg(50 * time.Millisecond); err == nil {
		t.Error("a client that may nothing heard something")
	}
}

// TestPassesStayInside tries the password of a connection through memory on the
// network.
func TestPassesStayInside(t *testing.T) {
	b, _ := listen(t, t.TempDir())
	b.gate.mu.Lock()
	tries := []string{"", "wrong"}
	for password := range b.gate.passes {
		tries = append(tries, password)
	}
	b.gate.mu.Unlock()
	if len(tries) != 3 {
		t.Fatalf("%d passes", len(tries)-2)
	}
	for _, password := range tries {
		if _, err := dial(t, b, password); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("connecting from outside: %v", err)
		}
	}
	own, err := b.ConnectEmitters(Client{})
	if err != nil {
		t.Fatal(err)
	}
	own.Close()
	for range 100 {
		b.gate.mu.Lock()
		n := len(b.gate.passes)
		b.gate.mu.Unlock()
		if n == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the pass of a closed connection remains")
}

func TestListenFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	for _, cfg := range []Config{
		{Listen: "127.0.0.1:0"},
		{Listen: "127.0.0.1", Authenticate: letIn},
		{Listen: "127.0.0.1:nats", Authenticate: letIn},
		{Listen: "127.0.0.1:65536", Authenticate: letIn},
		{Listen: "127.0.0.1:-1", Authenticate: letIn},
		{Listen: taken.Addr().String(), Authenticate: letIn},
	} {
		cfg.Dir = dir
		if b, err := Open(cfg); err == nil {
			b.Close()
			t.Errorf("opened on %q", cfg.Listen)
		}
	}
	b, _ := listen(t, dir) // nothing above kept the directory
	outside, err := dial(t, b, "all")
	if err != nil {
		t.Fatal(err)
	}
	outside.Close()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
