package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// neighbour is a witness of a story: a process of its own that keeps its address over a
// restart.
type neighbour struct {
	cmd    *exec.Cmd
	addr   string
	policy []string // its lines
	logs   *lockedBuffer
	done   chan struct{}
}

// start runs it and waits until it serves.
func (n *neighbour) start(program, dir, name string, args ...string) error {
	if n.addr == "" {
		n.addr = "127.0.0.1:0"
	}
	n.logs, n.done, n.policy = &lockedBuffer{}, make(chan struct{}), nil
	n.cmd = exec.Command(program, append([]string{"witness", "--dir", dir, "--name", name, "--http", n.addr}, args...)...)
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	n.cmd.Stderr = n.logs
	if err := n.cmd.Start(); err != nil {
		return err
	}
	ready := make(chan struct{})
	go func() {
		defer close(n.done)
		lines := bufio.NewScanner(out)
		for blank := 0; lines.Scan(); {
			line := lines.Text()
			switch fields := strings.Fields(line); {
			case line == "":
				if blank++; blank == 3 { // the policy lines end
					close(ready)
				}
			case len(fields) == 2 && fields[0] == "witness":
				n.addr = strings.TrimPrefix(fields[1], "http://")
			case len(fields) == 4:
				n.policy = append(n.policy, line)
			}
		}
		_ = n.cmd.Wait()
	}()
	select {
	case <-ready:
		return nil
	case <-n.done:
		return fmt.Errorf("the witness ended: %s", n.logs)
	case <-time.After(time.Minute):
		_ = n.cmd.Process.Kill()
		return fmt.Errorf("the witness did not start in a minute: %s", n.logs)
	}
}

func (n *neighbour) stop(sig syscall.Signal) {
	_ = n.cmd.Process.Signal(sig)
	<-n.done
}

// witnessInStory is "witness start NAME [ARGS]", which witnesses both logs of the ledger,
// "witness stop NAME", "witness kill NAME" and "witness policy FILE NEED", which writes
// the policy that needs so many of those who were started; and "witness told TEXT", which
// waits until the ledger has logged it.
func witnessInStory(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: witness start|stop|kill|policy|told")
	}
	if st.witnesses == nil {
		st.witnesses = map[string]*neighbour{}
	}
	switch args[0] {
	case "start":
		program, err := exec.LookPath("daybook")
		ts.Check(err)
		e, err := identityIn(context.Background(), st.dir)
		ts.Check(err)
		n := st.witnesses[args[1]]
		if n == nil {
			n = &neighbour{}
			st.witnesses[args[1]] = n
		}
		ts.Check(n.start(program, ts.MkAbs(args[1]), args[1]+".example/witness",
			append([]string{"--log", e.Text("keys.log"), "--log", e.Text("keys.index")}, args[2:]...)...))
		ts.Setenv(strings.ToUpper(args[1]), "http://"+n.addr)
		ts.Setenv("LOGHASH", fmt.Sprintf("%x", sha256.Sum256([]byte(e.Text("origin")))))
	case "stop":
		st.witnesses[args[1]].stop(syscall.SIGTERM)
	case "kill":
		st.witnesses[args[1]].stop(syscall.SIGKILL)
	case "told":
		for n := 0; !strings.Contains(st.server.logs.String(), args[1]); n++ {
			if n == 100 {
				ts.Fatalf("the ledger does not say %q: %s", args[1], st.server.logs)
			}
			time.Sleep(50 * time.Millisecond)
		}
	case "policy":
		var text strings.Builder
		var names []string
		for _, name := range slices.Sorted(maps.Keys(st.witnesses)) {
			for _, line := range st.witnesses[name].policy {
				names = append(names, strings.Fields(line)[1])
				fmt.Fprintln(&text, line)
			}
		}
		fmt.Fprintf(&text, "group witnesses %s %s\nquorum witnesses\n", args[2], strings.Join(names, " "))
		ts.Check(os.WriteFile(filepath.Clean(ts.MkAbs(args[1])), []byte(text.String()), 0o644))
	}
}
