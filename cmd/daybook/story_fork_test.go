package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// dishonestCommand is "dishonest copy", which keeps a copy of a ledger that stands still,
// with its keys; "dishonest start [ARGS]", which puts a ledger on that copy in the place
// of the one that runs, at its address; and "dishonest submit WITNESS", by which it asks
// a witness to cosign what it shows, with a path from whatever the witness has.
func dishonestCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: dishonest copy|start|submit")
	}
	other := ts.MkAbs("dishonest/data")
	switch args[0] {
	case "copy":
		ts.Check(os.MkdirAll(filepath.Dir(other), 0o700))
		for _, path := range []string{st.dir, st.dir + ".master"} {
			ts.Check(exec.Command("cp", "-a", path, filepath.Dir(other)).Run())
		}
	case "start":
		address := strings.TrimPrefix(st.server.url, "http://")
		st.server.stop(syscall.SIGTERM)
		program, err := exec.LookPath("daybook")
		ts.Check(err)
		st.server, err = startServerAt(st.clock, program, other, append([]string{"--http", address}, args[1:]...)...)
		ts.Check(err)
		st.dir = other
	case "submit":
		ts.Check(submit(ts, st.server, st.witnesses[args[1]]))
	default:
		ts.Fatalf("there is no dishonest %s", args[0])
	}
}

// submit must be refused as not consistent.
func submit(ts *testscript.TestScript, s *server, n *neighbour) error {
	hash := ts.Getenv("LOGHASH")
	has, err := fetch("http://" + n.addr + "/" + hash + "/checkpoint")
	if err != nil {
		return err
	}
	v, err := proof.ParseVerifierKey(s.key)
	if err != nil {
		return err
	}
	old, err := proof.OpenCheckpoint(has, v)
	if err != nil {
		return err
	}
	shown, err := client.New(s.url, nil)
	if err != nil {
		return err
	}
	msg, err := shown.Read(context.Background(), "checkpoint")
	if err != nil {
		return err
	}
	now, err := proof.OpenCheckpoint(msg, v)
	if err != nil {
		return err
	}
	path, err := tlog.ProveTree(int64(now.Size), int64(old.Size), proof.SignedHashes(now, func(t proof.Tile) ([]byte, error) {
		return shown.Read(context.Background(), t.Path())
	}))
	if err != nil {
		return err
	}
	body := fmt.Sprintf("old %d\n", old.Size)
	for _, h := range path {
		body += h.String() + "\n"
	}
	resp, err := http.Post("http://"+n.addr+"/add-checkpoint", "text/plain", strings.NewReader(body+"\n"+string(msg)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusUnprocessableEntity {
		err = fmt.Errorf("the witness answers %s: %s", resp.Status, answer)
	}
	return err
}
