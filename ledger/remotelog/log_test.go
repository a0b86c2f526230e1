package remotelog

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/trillian"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reopening is a Log that can be opened again.
type reopening struct{ *Log }

func (r reopening) Reopen(t *testing.T) logtest.Log {
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return openLog(t, r.cfg)
}

func testConfig(t testing.TB, addr string) Config {
	return Config{
		Addr: addr, Plaintext: true, Origin: "example.org/log",
		TreeFile: filepath.Join(t.TempDir(), "log", "tree"), Patience: 5 * time.Second,
	}
}

func openLog(t testing.TB, cfg Config) reopening {
	t.Helper()
	l, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return reopening{l}
}

func TestLog(t *testing.T) {
	_, addr := serve(t)
	logtest.Run(t, func(t *testing.T) logtest.Log { return openLog(t, testConfig(t, addr)) })
}

// follow is a log with the roots it must have.
func follow(t *testing.T, cfg Config, n int) (*Log, func(first, end events.Size)) {
	t.Helper()
	var ref logtest.Reference
	ref.Add(t, logtest.Leaves(0, n)...)
	l := openLog(t, cfg).Log
	return l, func(first, end events.Size) {
		t.Helper()
		size, root, err := l.Append(t.Context(), events.Index(first), logtest.Leaves(events.Index(first), int(end-first)))
		if err != nil || size != end || root != ref.Root(t, end) {
			t.Fatalf("append %d-%d: size %d, root %x, %v", first, end-1, size, root, err)
		}
	}
}

// Every call fails for a while before it is done, and every one after it was
// done: the answer that was lost is a FailedPrecondition the next time.
func TestFaults(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.Aborted, codes.ResourceExhausted, codes.Unknown, codes.Internal, codes.DeadlineExceeded} {
		for _, done := range []bool{false, true} {
			t.Run(code.String(), func(t *testing.T) {
				t.Parallel()
				s, addr := serve(t)
				failed := map[string]bool{}
				s.set(func() {
					s.fault = func(method string, after bool) error {
						if after != done || failed[method] {
							return nil
						}
						failed[method] = true
						return status.Error(code, "not now")
					}
				})
				cfg := testConfig(t, addr)
				delays := make(chan string, 100)
				cfg.Delayed = func(err error) { delays <- err.Error() }
				_, add := follow(t, cfg, 300)
				add(0, 200)
				add(100, 300)
				if len(delays) < 4 || <-delays != "not now" {
					t.Errorf("%d delays were told", len(delays))
				}
			})
		}
	}
}

// Another try does not change these; they come back at once, in words alone.
func TestRefused(t *testing.T) {
	for _, code := range []codes.Code{codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.FailedPrecondition} {
		s, addr := serve(t)
		l, add := follow(t, testConfig(t, addr), 10)
		add(0, 5)
		s.set(func() { s.fault = func(string, bool) error { return status.Error(code, "never") } })
		_, _, err := l.Append(t.Context(), 5, logtest.Leaves(5, 5))
		if err == nil || !strings.Contains(err.Error(), "never") || strings.Contains(err.Error(), code.String()) || status.Code(err) != codes.Unknown {
			t.Errorf("%v: %v", code, err)
		}
	}
}

// A process died after it added entries and before it heard of it. The signer
// integrated some, and the rest waits for one.
func TestInterrupted(t *testing.T) {
	for _, integrated := range []int{0, 1, 149, 150} {
		s, addr := serve(t)
		l, add := follow(t, testConfig(t, addr), 500)
		add(0, 100)
		s.set(func() { s.stopped = true })
		if sure, err := l.add(t.Context(), span{100, logtest.Leaves(100, 150)}); err != nil || !sure {
			t.Fatal(sure, err)
		}
		s.set(func() {
			tree := s.trees[l.Tree()]
			for range integrated {
				tree.ref.Add(t, tree.leaves[tree.size].LeafValue)
				tree.size++
			}
		})
		time.AfterFunc(20*time.Millisecond, func() { s.set(func() { s.stopped = false }) })
		add(50, 300)
		add(300, 500)
	}
}

// What another wrote at an index that the head does not cover yet is noticed
// when it does.
func TestOtherBytesBeyondTheHead(t *testing.T) {
	s, addr := serve(t)
	l, add := follow(t, testConfig(t, addr), 100)
	add(0, 100)
	s.set(func() { s.stopped = true })
	if _, err := l.add(t.Context(), span{100, [][]byte{[]byte("other")}}); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { s.set(func() { s.stopped = false }) })
	_, _, err := l.Append(t.Context(), 100, logtest.Leaves(100, 1))
	if err == nil || !strings.Contains(err.Error(), "entry 100 is stored with other bytes") {
		t.Fatal(err)
	}
}

// Servers keep leaves by these for good.
func TestPositionIdentity(t *testing.T) {
	for index, want := range map[events.Index]string{
		0:         "ba2493ea9bd45762755ed2c5b1e574253a669678f5ce8109771ab917ba4798d8",
		1:         "e5d3fd2fef271987009e6063c50ad84b3547acaabc5f2966ad5429363932dafe",
		1<<63 - 1: "da214b2307e7cf72477251da6224c3668d5f2a15a8e6c3171ecc0a270543ca9e",
	} {
		if got := positionIdentity(index); hex.EncodeToString(got[:]) != want {
			t.Errorf("the identity of entry %d is %x, want %s", index, got, want)
		}
	}
}

func TestChunks(t *testing.T) {
	s, addr := serve(t)
	s.set(func() { s.most = 37 })
	l := openLog(t, testConfig(t, addr))
	long := make([][]byte, 100)
	for i := range long {
		long[i] = make([]byte, 65535)
	}
	if size, _, err := l.Append(t.Context(), 0, long); err != nil || size != 100 {
		t.Fatal(size, err)
	}
	if size, _, err := l.Append(t.Context(), 0, long); err != nil || size != 100 {
		t.Fatal("again", size, err)
	}
	if size, _, err := l.Append(t.Context(), 100, logtest.Leaves(100, 5000)); err != nil || size != 5100 {
		t.Fatal(size, err)
	}
	if want := []int{47, 47, 6, maxLeaves, 5000 - maxLeaves}; !slices.Equal(s.added, want) {
		t.Errorf("requests of %v leaves, want %v", s.added, want)
	}
}

func TestSignerDoesNotRun(t *testing.T) {
	s, addr := serve(t)
	s.set(func() { s.stopped = true })
	l := openLog(t, testConfig(t, addr))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := l.Append(ctx, 0, logtest.Leaves(0, 3))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "integrated 0 of 3 entries; its signer") {
		t.Fatal(err)
	}
}

func TestCloseEndsCalls(t *testing.T) {
	s, addr := serve(t)
	s.set(func() { s.stopped = true })
	l := openLog(t, testConfig(t, addr))
	time.AfterFunc(20*time.Millisecond, func() { _ = l.Close() })
	if _, _, err := l.Append(t.Context(), 0, logtest.Leaves(0, 3)); err == nil {
		t.Fatal("an Append outlived Close")
	}
	if _, _, err := l.Head(t.Context()); err == nil {
		t.Fatal("a Head was read after Close")
	}
}

func TestTree(t *testing.T) {
	s, addr := serve(t)
	cfg := testConfig(t, addr)
	first := openLog(t, cfg).Tree()
	if again := openLog(t, cfg).Tree(); again != first || len(s.trees) != 1 {
		t.Fatalf("tree %d, then %d", first, again)
	}
	for _, test := range []struct {
		words  string
		change func(*trillian.Tree)
	}{
		{`belongs to "another"`, func(t *trillian.Tree) { t.Description = "another" }},
		{"is a LOG", func(t *trillian.Tree) { t.TreeType = trillian.TreeType_LOG }},
		{"that is FROZEN", func(t *trillian.Tree) { t.TreeState = trillian.TreeState_FROZEN }},
		{"has no tree 1", func(t *trillian.Tree) { t.Deleted = true }},
	} {
		s.set(func() {
			s.trees[first].about = &trillian.Tree{
				TreeId: first, Description: cfg.Origin,
				TreeType: trillian.TreeType_PREORDERED_LOG, TreeState: trillian.TreeState_ACTIVE,
			}
			test.change(s.trees[first].about)
		})
		wantRefusal(t, cfg, test.words)
	}
	s.set(func() { delete(s.trees, first) })
	wantRefusal(t, cfg, "has no tree 1")
	for _, content := range []string{
		"", "1", "1\n", treeFormat, treeFormat + "1", treeFormat + "01\n", treeFormat + "-1\n",
		treeFormat + "0\n", treeFormat + "1\n\n", treeFormat + "9223372036854775808\n",
	} {
		if err := os.WriteFile(cfg.TreeFile, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, cfg, "is not the file of a tree's number")
	}
}

func wantRefusal(t *testing.T, cfg Config, words string) {
	t.Helper()
	l, err := Open(t.Context(), cfg)
	if err == nil {
		_ = l.Close()
	}
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want one that says %q", err, words)
	}
}

func TestConfigRefused(t *testing.T) {
	for addr, words := range map[string]string{
		"":                  "it needs an address",
		"localhost":         "missing port",
		"192.0.2.1:8090":    "without TLS only a server on this machine is asked",
		"example.org:8090":  "without TLS only a server on this machine is asked",
		"localhost.org:1":   "without TLS only a server on this machine is asked",
		"[2001:db8::1]:809": "without TLS only a server on this machine is asked",
	} {
		wantRefusal(t, testConfig(t, addr), words)
	}
}

// Nobody listens: the last answer is in the error.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t, l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Patience = 250 * time.Millisecond
	wantRefusal(t, cfg, "connection refused")
}

func TestTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	_, addr := serve(t, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	_, port, _ := net.SplitHostPort(addr)
	cfg := testConfig(t, "localhost:"+port)
	cfg.Patience = time.Second
	wantRefusal(t, cfg, "opening the log at localhost")
	cfg.Plaintext = false
	wantRefusal(t, cfg, "certificate signed by unknown authority")
	cfg.Roots = roots
	_, add := follow(t, cfg, 10)
	add(0, 10)
	cfg.Addr = addr
	wantRefusal(t, cfg, "127.0.0.1")
}

// selfSigned is a certificate for localhost and the roots that vouch for it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
