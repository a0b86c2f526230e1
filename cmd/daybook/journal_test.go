package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// startNATS is a server of somebody else's, with an account for journals.
func startNATS(t *testing.T) (url string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, `
		listen: "127.0.0.1:-1"
		jetstream { store_dir: %q, sync_interval: always }
		accounts {
			JOURNALS { jetstream: enabled, users: [{user: journal, password: secret}] }
			OTHERS { jetstream: enabled, users: [{user: other, password: secret}] }
		}`, t.TempDir()), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := natsserver.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opts.NoSigs, opts.NoLog = true, true
	srv, err := natsserver.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	return "nats://journal:secret@" + srv.Addr().String()
}

// TestJournalInStream: a restore of the whole directory does not reach the
// journal, and the ledger refuses to sign a second history; without the journal
// it does not start.
func TestJournalInStream(t *testing.T) {
	program, err := exec.LookPath("daybook")
	if err != nil {
		t.Fatal(err)
	}
	url, dir := startNATS(t), t.TempDir()
	data, yesterday := filepath.Join(dir, "data"), filepath.Join(dir, "yesterday")
	record := func(id string, sig syscall.Signal) {
		t.Helper()
		s, err := startServer(program, data, "--journal", url)
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop(sig)
		_, token, _ := runHere(t, "token", "--dir", data, "--role", "emitter", "--org", "city")
		anchored(t, s.url, strings.TrimSpace(token), eventOf(id))
	}
	record("1", syscall.SIGTERM)
	copyTree(t, data, yesterday)
	record("2", syscall.SIGKILL)
	record("3", syscall.SIGTERM)
	if _, err := os.Stat(filepath.Join(data, "journal")); err == nil {
		t.Error("there is a journal in the directory, too")
	}
	for _, c := range []call{
		{[]string{"fsck", data, "--journal", url}, 0, `^WHOLE: `, ""},
		{[]string{"fsck", yesterday, "--journal", url}, exitInvalid, "", `\(history's end\): the history ends before it, and a checkpoint of size \d+ is signed`},
		{[]string{"recover", yesterday, "--journal", url}, exitInvalid, `To go on would sign a second history`, "nothing was changed"},
		{[]string{"fsck", data, "--journal", strings.Replace(url, "secret", "wrong", 1)}, exitError, "", `connecting to the journal at `},
		{[]string{"serve", "--dir", yesterday, "--http", "127.0.0.1:0", "--journal", url}, exitError, "", `the history ends at message \d+, and a checkpoint of size \d+ is signed: the history was cut or set back`},
		{[]string{"serve", "--dir", data, "--http", "127.0.0.1:0", "--journal", "nats://127.0.0.1:1"}, exitError, "", `connecting to the journal at nats://127.0.0.1:1: .*; without its journal a ledger signs nothing`},
		{[]string{"serve", "--dir", data, "--http", "127.0.0.1:0", "--journal", filepath.Join(dir, "new")}, exitError, "", `ends at 0: the journal is another one or was set back`},
	} {
		c.check(t)
	}
	record("4", syscall.SIGTERM)
}
