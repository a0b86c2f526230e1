package external

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the schema is loaded through it

	"github.com/daybook-ledger/daybook/ledger/remotelog"
)

// A deployment is Trillian as an operator runs it: server, signer, database.
type deployment struct {
	dir                      string
	database, server, signer *process
	addr                     string // of the log server, by the name in its certificate
	ca                       string // PEM file that vouches for it
	roots                    *x509.CertPool
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	mariadb := find("mariadbd")
	install := find("mariadb-install-db")
	if mariadb == "" || install == "" {
		t.Skip("MariaDB is not installed (Debian: apt-get install mariadb-server-core mariadb-client-core): nothing was tested against an external Trillian")
	}
	d := &deployment{dir: t.TempDir()}
	run(t, ".", "go", "build", "-tags", "mysql,etcd", "-o", d.dir,
		"github.com/google/trillian/cmd/trillian_log_server", "github.com/google/trillian/cmd/trillian_log_signer")
	uri := d.startDatabase(t, mariadb, install)
	loadSchema(t, uri)
	cert, key := d.certificate(t)
	port := freePort(t)
	d.addr = "localhost:" + port
	d.server = newProcess(t, d.dir, filepath.Join(d.dir, "trillian_log_server"),
		"--mysql_uri", uri+"trillian", "--quota_system", "noop", "--http_endpoint", "",
		"--rpc_endpoint", "localhost:"+port, "--tls_cert_file", cert, "--tls_key_file", key)
	d.signer = newProcess(t, d.dir, filepath.Join(d.dir, "trillian_log_signer"),
		"--mysql_uri", uri+"trillian", "--quota_system", "noop", "--http_endpoint", "",
		"--rpc_endpoint", "localhost:"+freePort(t), "--force_master", "--batch_size", "4096", "--sequencer_interval", "20ms")
	return d
}

// find is the path of a program, "" where it is not installed.
func find(name string) string {
	for _, place := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	return ""
}

// startDatabase begins an empty database and returns the address of its
// server, to which a database's name is added.
func (d *deployment) startDatabase(t *testing.T, mariadb, install string) string {
	t.Helper()
	data, socket := filepath.Join(d.dir, "data"), filepath.Join(d.dir, "db.sock")
	args := []string{"--no-defaults", "--datadir=" + data}
	if me, err := user.Current(); err == nil && me.Uid == "0" {
		args = append(args, "--user="+me.Username)
	}
	run(t, d.dir, install, append(args, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	d.database = newProcess(t, d.dir, mariadb, append(args, "--socket="+socket, "--skip-networking", "--pid-file="+filepath.Join(d.dir, "db.pid"))...)
	return "root@unix(" + socket + ")/"
}

// loadSchema makes the tables that Trillian's own file of them says.
func loadSchema(t *testing.T, uri string) {
	t.Helper()
	module := strings.TrimSpace(run(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/trillian"))
	schema, err := os.ReadFile(filepath.Join(module, "storage", "mysql", "schema", "storage.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", uri+"?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	eventually(t, "the database answers", time.Minute, func() bool { return db.Ping() == nil })
	if _, err := db.Exec("CREATE DATABASE trillian; USE trillian;\n" + string(schema)); err != nil {
		t.Fatal(err)
	}
}

// certificate makes one for localhost that vouches for itself, and returns the
// files of it and its key.
func (d *deployment) certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	d.ca, keyFile = filepath.Join(d.dir, "cert.pem"), filepath.Join(d.dir, "key.pem")
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(public)
	for file, content := range map[string][]byte{
		d.ca: public, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d.ca, keyFile
}

// config is that of a log of its own on the server.
func (d *deployment) config(t testing.TB, origin string) remotelog.Config {
	return remotelog.Config{
		Addr: d.addr, Roots: d.roots, Origin: origin, TreeFile: filepath.Join(t.TempDir(), "tree"),
		Patience: 2 * time.Minute, Delayed: func(err error) { t.Logf("%s: waiting: %v", time.Now().Format(time.TimeOnly), err) },
	}
}

func open(t testing.TB, cfg remotelog.Config) *remotelog.Log {
	t.Helper()
	l, err := remotelog.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
