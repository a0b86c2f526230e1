package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events/emit"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// organization is who the invented events are of; it is the source too.
const organization = "hammer"

// startTimeout is how long a start may take before it counts as failed.
const startTimeout = time.Minute

// hammer is one run against one ledger.
type hammer struct {
	options
	dir    string // of the started server, "" with -url
	server *process
	circle []*process // the witnesses
	policy string     // the file that names them, "" without
	http   *http.Client
	reader *client.Client
	last   atomic.Int64 // number of the last event made

	strangers atomic.Int64 // how many persons were made up
}

// begin starts a server, or meets the one at -url, and registers what the
// events refer to.
func begin(ctx context.Context, o options) (_ *hammer, err error) {
	h := &hammer{options: o}
	h.last.Store(time.Now().UnixNano()) // no id of an earlier run
	h.http = &http.Client{Timeout: startTimeout, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.end())
		}
	}()
	if h.url == "" {
		if h.dir, err = os.MkdirTemp("", "hammer"); err != nil {
			return nil, err
		}
		if err := h.start(ctx); err != nil {
			return nil, err
		}
		if err := h.invite(ctx); err != nil {
			return nil, err
		}
		if h.token, err = h.mint(ctx, "emitter"); err != nil {
			return nil, err
		}
		if h.registrar, err = h.mint(ctx, "registrar"); err != nil {
			return nil, err
		}
	}
	if h.token == "" || h.registrar == "" {
		return nil, errors.New("give both -token and -registrar with -url")
	}
	if err := h.meet(); err != nil {
		return nil, err
	}
	return h, h.prepare(ctx)
}

// meet makes a reader of the server where it listens now.
func (h *hammer) meet() (err error) {
	h.reader, err = client.New(h.url, h.http)
	return err
}

// start runs the server and returns when it announces its address.
func (h *hammer) start(ctx context.Context) error {
	args := []string{"serve", "--dir", h.dir, "--http", "127.0.0.1:0", "--publish-every", h.publishEvery.String()}
	if h.policy != "" {
		args = append(args, "--policy", h.policy)
	}
	p, url, err := h.launch(ctx, "pages", args...)
	if err != nil {
		return err
	}
	h.server, h.url = p, strings.TrimRight(url, "/")
	return nil
}

// process is one that was launched.
type process struct {
	*exec.Cmd
	exited chan error
}

// launch runs the program until it prints a line that begins with a word, and returns
// what stands behind it.
func (h *hammer) launch(ctx context.Context, word string, args ...string) (*process, string, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	log, err := os.OpenFile(h.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, "", errors.Join(err, in.Close(), out.Close())
	}
	p := &process{exec.CommandContext(ctx, h.bin, args...), make(chan error, 1)}
	p.Stdout, p.Stderr = in, log
	err = p.Start()
	if err := errors.Join(err, in.Close(), log.Close()); err != nil {
		_ = out.Close()
		return nil, "", fmt.Errorf("starting %s: %w; build it with: go build -o bin/ ./cmd/daybook", h.bin, err)
	}
	go func() { p.exited <- p.Wait() }()
	_ = out.SetReadDeadline(time.Now().Add(startTimeout))
	lines := bufio.NewReader(out)
	for line := "-"; line != ""; line, _ = lines.ReadString('\n') {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			_ = out.SetReadDeadline(time.Time{})
			go drain(out) // a process that cannot write is ended by the system
			return p, strings.TrimSpace(rest), nil
		}
	}
	_ = out.Close()
	said, _ := os.ReadFile(h.dir + ".log")
	return nil, "", errors.Join(fmt.Errorf("starting %s: it announced nothing: %s", h.bin, said), p.Process.Kill())
}

// drain reads what nobody asks for until the writer has gone.
func drain(f *os.File) {
	_, _ = io.Copy(io.Discard, f)
	_ = f.Close()
}

// stop ends the server with a signal and waits until it is gone.
func (h *hammer) stop(sig os.Signal) error {
	p := h.server
	h.server = nil
	return p.stop(sig)
}

// stop ends a process that runs, if there is one, and waits until it is gone.
func (p *process) stop(sig os.Signal) error {
	if p == nil {
		return nil
	}
	if err := p.Process.Signal(sig); err != nil {
		return fmt.Errorf("stopping a process: %w", err)
	}
	if err := <-p.exited; sig == syscall.SIGTERM && err != nil {
		return fmt.Errorf("stopping a process: %w", err)
	}
	return nil
}

// end stops the server and removes what the run left.
func (h *hammer) end() error {
	err := h.stop(syscall.SIGTERM)
	for _, p := range h.circle {
		err = errors.Join(err, p.stop(syscall.SIGTERM))
	}
	if h.dir != "" {
		err = errors.Join(err, os.RemoveAll(h.dir), os.RemoveAll(h.dir+".master"), os.RemoveAll(h.dir+".witnesses"), os.Remove(h.dir+".log"))
	}
	return err
}

func (h *hammer) mint(ctx context.Context, role string) (string, error) {
	out, err := exec.CommandContext(ctx, h.bin, "token", "--dir", h.dir, "--role", role, "--org", organization).Output()
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// send posts a batch and returns the position behind its last event.
func (h *hammer) send(ctx context.Context, token string, batch [][]byte) (uint64, error) {
	sender := emit.Sender{URL: h.url, Token: token, Client: h.http}
	answer, err := sender.Send(ctx, batch)
	if err != nil {
		return 0, err
	}
	end := uint64(0)
	for _, r := range answer.Results {
		if !r.Accepted() || r.Position == nil {
			return 0, fmt.Errorf("sending events: one was refused: %s", r.Problem)
		}
		end = max(end, *r.Position+1)
	}
	return end, nil
}

// post sends one event alone and waits until it is durable.
func (h *hammer) post(ctx context.Context, token string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/v1/events", strings.NewReader(string(event)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := h.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("sending an event: the server answers %d: %s", resp.StatusCode, text)
	}
	return err
}

// size is that of the published checkpoint, whose signature is left to audit.
func (h *hammer) size(ctx context.Context) (uint64, error) {
	b, err := h.reader.Read(ctx, "checkpoint")
	if err != nil {
		return 0, err
	}
	body, _, _ := strings.Cut(string(b), "\n\n")
	c, err := proof.ParseCheckpoint(body + "\n")
	return uint64(c.Size), err
}

// published waits for a checkpoint of at least this size.
func (h *hammer) published(ctx context.Context, size uint64) error {
	for {
		got, err := h.size(ctx)
		if err != nil || got >= size {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// public is where the started server keeps the public log.
func (h *hammer) public() string { return filepath.Join(h.dir, "public") }
