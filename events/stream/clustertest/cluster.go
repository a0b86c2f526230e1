// Package clustertest runs NATS servers as processes of their own, so that tests can
// kill one as a power cut would: with SIGKILL, in the middle of anything.
//
// The servers are the ones of the module that is embedded elsewhere, run by whatever
// program calls [Node]; a test's own binary will do. They make one JetStream cluster
// over loopback, unencrypted, with "sync_interval: always". A server started again after a kill
// has its directory, name and addresses again. When the test's process ends, however
// it ends, so do they.
//
// Not promised: that a free port is still free when the server takes it.
package clustertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Config says what cluster to run.
type Config struct {
	// Dir is where the servers keep everything.
	Dir string
	// Command starts a program that calls Node with the argument that follows, in
	// the environment Env beside this process's own.
	Command []string
	Env     []string
	// Servers is how many; default 3. One alone is no cluster.
	Servers int
	// Options are lines for each server's configuration file.
	Options string
	// Lax leaves sync_interval as the server has it.
	Lax bool
}

// Cluster is the running servers.
type Cluster struct {
	cfg   Config
	nodes []*node
}

type node struct {
	conf                   string
	client, route, monitor int
	cmd                    *exec.Cmd
	alive                  io.Closer // its standard input: closed, it ends
}

// Start starts the servers and waits until the cluster has a leader. The caller
// calls Stop.
func Start(cfg Config) (*Cluster, error) {
	if cfg.Servers == 0 {
		cfg.Servers = 3
	}
	c := &Cluster{cfg: cfg}
	ports, err := freePorts(3 * cfg.Servers)
	if err != nil {
		return nil, err
	}
	for i := range cfg.Servers {
		c.nodes = append(c.nodes, &node{
			conf:   filepath.Join(cfg.Dir, fmt.Sprintf("n%d.conf", i)),
			client: ports[3*i], route: ports[3*i+1], monitor: ports[3*i+2],
		})
	}
	for i := range c.nodes {
		if err = os.WriteFile(c.nodes[i].conf, []byte(c.configuration(i)), 0o600); err == nil {
			err = c.Run(i)
		}
		if err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	if err := c.settle(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// freePorts are ports nobody listened on a moment ago, below those that systems give to
// whoever does not ask for one: a server that was killed finds its own again.
func freePorts(n int) (out []int, err error) {
	for tries := 0; len(out) < n; tries++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
		if err != nil && tries < 1000 {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer l.Close() // all are held until the last is found, so that they differ
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

func (c *Cluster) configuration(i int) string {
	var routes []string
	for _, n := range c.nodes {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", n.route))
	}
	sync := "always"
	if c.cfg.Lax {
		sync = `"2m"`
	}
	n := c.nodes[i]
	cluster := ""
	if len(c.nodes) > 1 {
		cluster = fmt.Sprintf(`cluster { name: test, listen: "127.0.0.1:%d", routes: [%s] }`, n.route, strings.Join(routes, ", "))
	}
	return fmt.Sprintf(`server_name: n%d
listen: "127.0.0.1:%d"
http: "127.0.0.1:%d"
max_payload: 8MB
jetstream { store_dir: %q, sync_interval: %s }
%s
%s
`, i, n.client, n.monitor, filepath.Join(c.cfg.Dir, fmt.Sprintf("n%d", i)), sync, cluster, c.cfg.Options)
}

// Run starts server i, which must not be running.
func (c *Cluster) Run(i int) error {
	n := c.nodes[i]
	cmd := exec.Command(c.cfg.Command[0], append(c.cfg.Command[1:], n.conf)...)
	cmd.Env = append(os.Environ(), c.cfg.Env...)
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("starting server %d: %w", i, err)
	}
	n.cmd, n.alive = cmd, in
	return nil
}

// RunAll starts every server that is not running.
func (c *Cluster) RunAll() error {
	var errs []error
	for i, n := range c.nodes {
		if n.cmd == nil {
			errs = append(errs, c.Run(i))
		}
	}
	return errors.Join(errs...)
}

// Kill ends server i as a crash would, and waits until it is gone.
func (c *Cluster) Kill(i int) error {
	n := c.nodes[i]
	if n.cmd == nil {
		return nil
	}
	err := n.cmd.Process.Kill()
	_ = n.cmd.Wait() // its exit code says that it was killed
	_ = n.alive.Close()
	n.cmd = nil
	return err
}

// Stop ends all servers. It may be called again.
func (c *Cluster) Stop() error {
	var errs []error
	for i := range c.nodes {
		errs = append(errs, c.Kill(i))
	}
	return errors.Join(errs...)
}

// URL is the addresses for clients, comma-separated.
func (c *Cluster) URL() string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, fmt.Sprintf("nats://127.0.0.1:%d", n.client))
	}
	return strings.Join(out, ",")
}

// Monitors are the addresses where the servers tell about themselves.
func (c *Cluster) Monitors() []string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, fmt.Sprintf("http://127.0.0.1:%d", n.monitor))
	}
	return out
}

// Leader is the server that leads a stream, or the cluster when stream is "". It
// waits until there is one.
func (c *Cluster) Leader(stream string) (int, error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, n := range c.nodes {
			if n.cmd == nil {
				continue
			}
			if leader, ok := leads(n.monitor, stream); ok && c.nodes[leader].cmd != nil {
				return leader, nil
			}
		}
	}
	return 0, fmt.Errorf("no server leads %q after a minute", stream)
}

// settle waits until the cluster has a leader who knows every server; a single one
// only has to answer.
func (c *Cluster) settle() error {
	if len(c.nodes) == 1 {
		return c.answers()
	}
	leader, err := c.Leader("")
	for end := time.Now().Add(time.Minute); err == nil && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var info server.JSInfo
		if ask(c.nodes[leader].monitor, "", &info) == nil && info.Meta != nil && len(info.Meta.Replicas) == len(c.nodes)-1 {
			return nil
		}
	}
	return errors.Join(err, errors.New("the servers did not find each other in a minute"))
}

// answers waits until the only server does.
func (c *Cluster) answers() (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var info server.JSInfo
		if err = ask(c.nodes[0].monitor, "", &info); err == nil && !info.Disabled {
			return nil
		}
	}
	return errors.Join(err, errors.New("the server did not answer in a minute"))
}

// leads is the leader's number as the server behind a monitoring port sees it.
func leads(port int, stream string) (int, bool) {
	var info server.JSInfo
	if err := ask(port, stream, &info); err != nil {
		return 0, false
	}
	name := ""
	if stream == "" && info.Meta != nil {
		name = info.Meta.Leader
	}
	for _, account := range info.AccountDetails {
		for _, s := range account.Streams {
			if s.Name == stream && s.Cluster != nil {
				name = s.Cluster.Leader
			}
		}
	}
	var i int
	_, err := fmt.Sscanf(name, "n%d", &i)
	return i, err == nil
}

func ask(port int, stream string, into any) error {
	query := ""
	if stream != "" {
		query = "?streams=1"
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/jsz%s", port, query))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// Node runs one server with a configuration file until it is killed or its standard
// input ends. It is the main function of the process.
func Node(conf string) int {
	opts, err := server.ProcessConfigFile(conf)
	if err != nil {
		fmt.Fprintln(os.Stderr, "reading the configuration:", err)
		return 1
	}
	opts.NoSigs, opts.NoLog = true, true
	srv, err := server.NewServer(opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "making the server:", err)
		return 1
	}
	go srv.Start()
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with whoever started us
	return 0
}
