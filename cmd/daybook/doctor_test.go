package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events/stream/clustertest"
)

// certificate makes a self-signed one for loopback and returns the files of it and of
// its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

// doctor runs the command and returns what it printed and its exit code.
func doctor(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("daybook", append([]string{"doctor"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var e *exec.ExitError
	if errors.As(err, &e) {
		code = e.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return stdout.String() + stderr.String(), code
}

func wants(t *testing.T, out string, code, wantCode int, words ...string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("exit code %d, want %d:\n%s", code, wantCode, out)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("it does not say %q:\n%s", w, out)
		}
	}
}

// Three servers that speak TLS and ask for a password: the doctor before the first
// start, with and without their own word, with one of them away, and the refusals.
func TestDoctor(t *testing.T) {
	cert, key := certificate(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("a word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := startCluster(t, clustertest.Config{Options: fmt.Sprintf(`
authorization { user: "daybook", password: "a word" }
tls { cert_file: %q, key_file: %q }`, cert, key)})
	history := []string{"--history", cluster.URL(), "--history-user", "daybook", "--history-password", password, "--history-ca", cert}
	with := func(more ...string) []string { return append(append([]string{}, history...), more...) }
	var monitors []string
	for _, m := range cluster.Monitors() {
		monitors = append(monitors, "--monitor", m)
	}

	out, code := doctor(t, with()...)
	wants(t, out, code, exitUnchecked, "there is no stream DAYBOOK", "unverified")
	c := newCrash(t)
	c.start(with()...)
	if !strings.Contains(c.server.logs.String(), "unverified") {
		t.Errorf("the start does not say what is unverified: %s", c.server.logs)
	}
	c.stop(syscall.SIGTERM)

	out, code = doctor(t, with()...)
	wants(t, out, code, exitUnchecked, "[n0 n1 n2], led by", "sync of n0     unverified", "sync_interval: always")
	out, code = doctor(t, with(monitors...)...)
	wants(t, out, code, 0, "sync of n0     ok", "sync of n1     ok", "sync of n2     ok", "nothing in it lets a message be lost")
	out, code = doctor(t, with("--history-replicas", "5", "-o", "json")...)
	wants(t, out, code, exitInvalid, `{"check":"configuration","state":"wrong","detail":"the stream's Replicas is 3, the history needs at least 5"}`)

	out, code = doctor(t, "--history", cluster.URL(), "--history-ca", cert)
	wants(t, out, code, exitUnchecked, "Authorization Violation")
	out, code = doctor(t, "--history", cluster.URL(), "--history-user", "daybook", "--history-password", password)
	wants(t, out, code, exitUnchecked, "certificate")
	out, code = doctor(t, "--history", "http://a")
	wants(t, out, code, exitUnchecked, "nats://host:4222")
	out, code = doctor(t)
	wants(t, out, code, exitUsage)
	out, code = doctor(t, with("--monitor", "nowhere")...)
	wants(t, out, code, exitUsage, "http://a:8222")

	if err := cluster.Kill(2); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Leader("DAYBOOK"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); code != exitInvalid && time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		out, code = doctor(t, with()...)
	}
	wants(t, out, code, exitInvalid, "away or behind: [n2]")
}

// One server that syncs every two minutes, as it does unless told otherwise, and
// takes messages of one mebibyte.
func TestDoctorFindsLaxServers(t *testing.T) {
	cluster := startCluster(t, clustertest.Config{Servers: 1, Lax: true, Options: "max_payload: 1MB"})
	history := []string{"--history", cluster.URL(), "--history-replicas", "1"}
	c := newCrash(t)
	c.start(history...)
	c.stop(syscall.SIGTERM)
	out, code := doctor(t, append(history, "--monitor", cluster.Monitors()[0])...)
	wants(t, out, code, exitInvalid, "it syncs every 2m0s", "max_payload is 1048576 bytes")
}

// What a start refuses, and how it says to go on.
func TestHistoryElsewhereRefusals(t *testing.T) {
	cluster := startCluster(t, clustertest.Config{Servers: 1})
	refused := func(dir, words string, args ...string) {
		t.Helper()
		s, err := startServer("daybook", dir, args...)
		if err == nil {
			s.stop(syscall.SIGKILL)
			t.Fatalf("%v started", args)
		}
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%v is refused without %q: %v", args, words, err)
		}
	}
	at := []string{"--history", cluster.URL()}
	refused(t.TempDir(), "accept fewer with --history-replicas", at...)
	own := newCrash(t)
	own.start()
	url := own.server.url
	own.stop(syscall.SIGTERM)
	refused(own.dir, "a ledger has one history", append(at, "--history-replicas", "1")...)
	refused(own.dir, "a reader needs one of its own", append(at, "--history-replicas", "1", "--follow", url)...)
	refused(t.TempDir(), "say with --history where it is", "--follow", url)
	refused(t.TempDir(), "--journal is for the ledger it follows", append(at, "--follow", url, "--journal", "here")...)
	refused(t.TempDir(), "give --follow as well", "--key", "k")
	refused(t.TempDir(), "start the ledger that writes first", append(at, "--history-replicas", "1", "--follow", url)...)

	// A ledger begun there; a second one elsewhere must not write into it.
	first := newCrash(t)
	first.start(append(at, "--history-replicas", "1")...)
	refused(t.TempDir(), "does not belong to this history", append(at, "--history-replicas", "1")...)
	first.stop(syscall.SIGTERM)
}
