package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/events/stream/clustertest"
)

// serversCommand is "servers start N", which puts the addresses into $HISTORY and the
// monitoring addresses into $MONITOR0 …, "servers kill-leader" and "servers restart".
func serversCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: servers start N|kill-leader|restart")
	case args[0] == "start":
		program, err := exec.LookPath("historynode")
		ts.Check(err)
		n := 0
		_, err = fmt.Sscan(args[1], &n)
		ts.Check(err)
		dir := filepath.Join(filepath.Dir(st.dir), "servers")
		ts.Check(os.MkdirAll(dir, 0o700))
		st.cluster, err = clustertest.Start(clustertest.Config{Dir: dir, Command: []string{program}, Servers: n})
		ts.Check(err)
		ts.Setenv("HISTORY", st.cluster.URL())
		for i, m := range st.cluster.Monitors() {
			ts.Setenv(fmt.Sprintf("MONITOR%d", i), m)
		}
	case args[0] == "kill-leader":
		leader, err := st.cluster.Leader("DAYBOOK")
		ts.Check(err)
		ts.Check(st.cluster.Kill(leader))
	case args[0] == "restart":
		ts.Check(st.cluster.RunAll())
	default:
		ts.Fatalf("there is no servers %s", args[0])
	}
}

// readerCommand is "reader start [ARGS]", "reader kill", "reader get STATUS PATH" and
// "reader as-ledger PATH": it must answer as the ledger does, byte for byte, in ten
// seconds.
func readerCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: reader start|kill|get|as-ledger")
	}
	switch args[0] {
	case "start":
		program, err := exec.LookPath("daybook")
		ts.Check(err)
		st.reader, err = startServer(program, filepath.Join(filepath.Dir(st.dir), "reader"), args[1:]...)
		ts.Check(err)
		ts.Setenv("READER", st.reader.url)
	case "kill":
		st.reader.stop(syscall.SIGKILL)
		st.reader = nil
	case "get":
		b, status, err := get(st.reader.url + args[2])
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s", b)
		if fmt.Sprint(status) != args[1] {
			ts.Fatalf("answered %d, want %s: %s", status, args[1], b)
		}
	case "as-ledger":
		ts.Check(st.alike(args[1]))
	default:
		ts.Fatalf("there is no reader %s", args[0])
	}
}

func (st *story) alike(path string) error {
	var ours, theirs []byte
	for range 200 {
		var errs [2]error
		ours, _, errs[0] = get(st.server.url + path)
		theirs, _, errs[1] = get(st.reader.url + path)
		if errs[0] == nil && errs[1] == nil && string(ours) == string(theirs) {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("at %s the ledger says\n%s\nthe reader\n%s", path, strings.TrimSpace(string(ours)), strings.TrimSpace(string(theirs)))
}
