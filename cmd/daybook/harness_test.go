package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/stream/clustertest"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"daybook":     func() { os.Exit(runIn(storyTime(), os.Args[1:])) },
		"historynode": func() { os.Exit(clustertest.Node(os.Args[1])) },
	})
}

// server is the real program as a process of its own.
type server struct {
	cmd  *exec.Cmd
	url  string
	key  string
	logs *lockedBuffer // everything it printed
	done chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startServer runs the program on dir and waits until it serves.
func startServer(program, dir string, args ...string) (*server, error) {
	return startServerAt("", program, dir, args...)
}

// startServerAt is startServer with a clock, "" for the machine's.
func startServerAt(clock, program, dir string, args ...string) (*server, error) {
	s := &server{logs: &lockedBuffer{}, done: make(chan struct{})}
	s.cmd = exec.Command(program, append([]string{"serve", "--dir", dir, "--http", "127.0.0.1:0", "--publish-every", "50ms"}, args...)...)
	if clock != "" {
		s.cmd.Env = append(os.Environ(), clockVariable+"="+clock)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.logs
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			fmt.Fprintln(s.logs, lines.Text())
			name, value, _ := strings.Cut(lines.Text(), " ")
			switch name {
			case "pages":
				s.url = strings.TrimSuffix(strings.TrimSpace(value), "/")
			case "log":
				s.key = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(value), "key"))
				close(ready)
			}
		}
		_ = s.cmd.Wait()
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("the server ended: %s", s.logs)
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		return nil, fmt.Errorf("the server did not start in a minute: %s", s.logs)
	}
}

// stop ends the server with sig and waits for it.
func (s *server) stop(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	<-s.done
}

// auditURL is the auditor of every system test: it checks the whole public log and
// its index over HTTP and returns its size.
func auditURL(url, key string) (*ledger.Report, error) {
	source, err := client.New(url, nil)
	if err != nil {
		return nil, err
	}
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		return nil, err
	}
	r, err := trail.Audit(context.Background(), source, v, trail.AuditOptions{})
	if err != nil {
		return nil, err
	}
	return r.Ledger, nil
}

// story is what the custom commands of one script share.
type story struct {
	server *server
	key    string
	dir    string
	clock  string // when the ledger starts; "" is now

	cluster *clustertest.Cluster
	reader  *server
	walked  []walked // see trailCommand

	witnesses map[string]*neighbour
}

// clockVariable has the time at which a program of a story starts.
const clockVariable = "DAYBOOK_STORY_TIME"

// storyTime is a context with the story's clock, which begins when the program
// does.
func storyTime() context.Context {
	ctx := context.Background()
	begin, err := time.Parse(time.RFC3339, os.Getenv(clockVariable))
	if err != nil {
		return ctx
	}
	started := time.Now()
	return context.WithValue(ctx, clockKey{}, func() time.Time { return begin.Add(time.Since(started)) })
}

// clockCommand is "clock TIME": the ledger starts at that time from now on.
func clockCommand(ts *testscript.TestScript, neg bool, args []string) {
	ts.Value("story").(*story).clock = args[0]
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join(root, "testdata", "script"),
		Setup: func(e *testscript.Env) error {
			st := &story{dir: filepath.Join(e.WorkDir, "data")}
			e.Values["story"] = st
			records, err := filepath.Abs(filepath.Join(root, "testdata", "records"))
			if err != nil {
				return err
			}
			e.Setenv("RECORDS", records)
			e.Setenv("SOON", soon())
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Defer(func() {
				if st.server != nil {
					st.server.stop(syscall.SIGKILL)
				}
				if st.reader != nil {
					st.reader.stop(syscall.SIGKILL)
				}
				for _, w := range st.witnesses {
					w.stop(syscall.SIGKILL)
				}
				if st.cluster != nil {
					_ = st.cluster.Stop()
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ledger": ledgerCommand, "code": codeCommand, "post": postCommand, "get": getCommand, "token": tokenInStory, "revoke": revokeCommand, "until": untilCommand, "flip": flipCommand, "many": manyCommand, "servers": serversCommand, "reader": readerCommand,
			"keep": keepCommand, "trail": trailCommand, "within": withinCommand,
			"nowhere": nowhereCommand, "opens": opensCommand, "root": rootKeyCommand, "tags": tagsCommand, "clock": clockCommand, "fill": fillCommand,
			"residents": residentsCommand, "shown": shownCommand, "liar": liarCommand, "dishonest": dishonestCommand, "page": pageCommand,
			"witness": witnessInStory,
		},
	})
}

// ledgerCommand is "ledger start [ARGS]", "ledger stop", "ledger kill" and
// "ledger audit": each of them ends with an audit.
func ledgerCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ledger start|stop|kill|audit")
	}
	var err error
	switch args[0] {
	case "start":
		program, lookErr := exec.LookPath("daybook")
		ts.Check(lookErr)
		st.server, err = startServerAt(st.clock, program, st.dir, args[1:]...)
		ts.Check(err)
		st.key = st.server.key
		ts.Setenv("URL", st.server.url)
		ts.Setenv("ADDR", strings.TrimPrefix(st.server.url, "http://"))
		ts.Setenv("KEY", st.key)
	case "stop", "kill":
		sig := syscall.SIGTERM
		if args[0] == "kill" {
			sig = syscall.SIGKILL
		}
		st.server.stop(sig)
		st.server = nil
	case "audit":
	default:
		ts.Fatalf("there is no ledger %s", args[0])
	}
	if st.server != nil {
		_, err = auditURL(st.server.url, st.key)
	} else {
		err = auditDir(filepath.Join(st.dir, "public"), st.key)
	}
	ts.Check(err)
}

func auditDir(dir, key string) error {
	v, err := proof.ParseVerifierKey(key)
	if err != nil {
		return err
	}
	source, err := ledger.OpenPublic(dir)
	if err != nil {
		return err
	}
	_, err = trail.Audit(context.Background(), source, v, trail.AuditOptions{})
	return err
}

// codeCommand is "code N PROGRAM ARGS": it must end with exit code N.
func codeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARGS")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := err.(*exec.ExitError); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// tokenInStory is "token NAME ARGS": it makes a token and puts it into $NAME. When
// the ledger runs, it waits until that says which services may report now: what
// the story records then has the positions it counts on.
func tokenInStory(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	ts.Check(ts.Exec("daybook", append([]string{"token", "--dir", st.dir}, args[1:]...)...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
	if st.server == nil || !slices.Contains(args, "emitter") {
		return
	}
	source := args[slices.Index(args, "--org")+1]
	for i, arg := range args {
		if arg == "--source" {
			source = args[i+1]
		}
	}
	ts.Check(st.server.until("/v1/coverage?source="+source, `"status":"(connected|silent)"`))
}

// revokeCommand is "revoke TOKEN": it ends a token as an officer would, by its name.
func revokeCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	ts.Check(ts.Exec("daybook", "token", "revoke", "--dir", st.dir, intake.TokenName(args[0])))
}

// untilCommand is "until PATH REGEXP": what is at the path must come to match, in
// ten seconds.
func untilCommand(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Value("story").(*story).server.until(args[0], args[1]))
}

func (s *server) until(path, pattern string) error {
	want, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	var body []byte
	for range 200 {
		if body, err = fetch(s.url + path); err == nil && want.Match(body) {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s does not match %s in ten seconds: %s %v", path, pattern, body, err)
}

// postCommand is "post STATUS PATH TOKEN CONTENTTYPE FILE [HEADER=VALUE]...": it
// prints the body and must be answered with the status.
func postCommand(ts *testscript.TestScript, neg bool, args []string) {
	st := ts.Value("story").(*story)
	req, err := http.NewRequest("POST", st.server.url+args[1], strings.NewReader(ts.ReadFile(args[4])))
	ts.Check(err)
	if args[2] != "-" {
		req.Header.Set("Authorization", "Bearer "+args[2])
	}
	req.Header.Set("Content-Type", args[3])
	for _, h := range args[5:] {
		name, value, _ := strings.Cut(h, "=")
		req.Header.Set(name, value)
	}
	answer(ts, req, args[0])
}

// getCommand is "get STATUS PATH [TOKEN]".
func getCommand(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest("GET", ts.Value("story").(*story).server.url+args[1], nil)
	ts.Check(err)
	if len(args) > 2 {
		req.Header.Set("Authorization", "Bearer "+args[2])
	}
	answer(ts, req, args[0])
}

func answer(ts *testscript.TestScript, req *http.Request, status string) {
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", body)
	if fmt.Sprint(resp.StatusCode) != status {
		ts.Fatalf("answered %d, want %s: %s", resp.StatusCode, status, body)
	}
}

// flipCommand is "flip FILE OFFSET": it flips one bit.
func flipCommand(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	var at int
	_, err = fmt.Sscan(args[1], &at)
	ts.Check(err)
	b[at] ^= 1
	ts.Check(os.WriteFile(path, b, 0o644))
}

// manyCommand is "many N FILE": it writes N events of the source city/app.
func manyCommand(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"specversion":"1.0","id":"many/%d","source":"city/app","type":"org.daybook.data.accessed.v1","time":"2026-06-24T08:30:00Z",`+
			`"data":{"system":"city/app","operation":"Consult","outcome":"success","reasonText":"a reason","subjects":{"mode":"none"}}}`+"\n", i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o644))
}

// fetch is the body of a page that must be there.
func fetch(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d", resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}
