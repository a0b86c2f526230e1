package broker

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) (*Broker, *nats.Conn) {
	t.Helper()
	b, err := Open(Config{Dir: dir})
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

func TestMessagesSurviveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on", "demand")
	b, nc := open(t, dir)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := b.Healthy(); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	_, nc = open(t, dir)
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.GetMsg(t.Context(), 1); err != nil || string(m.Data) != "kept" {
		t.Fatalf("message 1 after a restart: %v, %v", m, err)
	}
}

func TestOptions(t *testing.T) {
	b, nc := open(t, t.TempDir())
	if !b.srv.JetStreamConfig().SyncAlways {
		t.Error("the server answers before its fsync")
	}
	if addr := b.srv.Addr(); addr != (*net.TCPAddr)(nil) && addr != nil {
		t.Errorf("the server listens on %v", addr)
	}
	if nc.MaxPayload() != maxPayload {
		t.Errorf("the server takes messages of %d bytes, want %d", nc.MaxPayload(), maxPayload)
	}
}

func TestClose(t *testing.T) {
	b, nc := open(t, t.TempDir())
	own, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	own.Close()
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !nc.IsClosed() {
		t.Error("a connection outlived its server")
	}
	if _, err := b.Connect(); !errors.Is(err, ErrClosed) {
		t.Errorf("Connect after Close: %v", err)
	}
	if err := b.Healthy(); !errors.Is(err, ErrClosed) {
		t.Errorf("Healthy after Close: %v", err)
	}
}

func TestOneBrokerADirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no flock")
	}
	dir := t.TempDir()
	b, _ := open(t, dir)
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrLocked) {
		t.Fatalf("the second Open: %v, want ErrLocked", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenFails(t *testing.T) {
	if _, err := Open(Config{}); err == nil {
		t.Error("opened without a directory")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: file}); err == nil {
		t.Error("opened a file as a directory")
	}
	// JetStream cannot have its directory: the server says so only in its log.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	_, err := Open(Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err == nil || !strings.Contains(err.Error(), "not a directory") || log.Len() == 0 {
		t.Errorf("opened with its place taken: %v; logged %q", err, log.String())
	}
	if err := os.Remove(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // the failed attempt released the directory
}

func TestSyncTree(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "b", "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syncTree(dir); err != nil {
		t.Error(err)
	}
	if err := syncTree(filepath.Join(dir, "absent")); err == nil {
		t.Error("made an absent directory durable")
	}
}
