package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-ledger/daybook/api"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
	"github.com/daybook-ledger/daybook/projections"
)

// following is whom a reader follows and what it trusts.
type following struct {
	leader  string // where the published checkpoint is: a URL or a public directory
	key     string // the log's verifier key; "" takes what entry 0 names
	foldKey string // the file of the fold key; "" keeps no officers' views
}

func (f *following) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.leader, "follow", "", "only read: serve what the ledger at this URL, or public directory, has published, folded here from --history")
	c.Flags().StringVar(&f.key, "key", "", "with --follow: the log's verifier key; default the one that entry 0 of the history names")
	c.Flags().StringVar(&f.foldKey, "fold-key", "", "with --follow: the file of the fold key, to count findings here; daybook key fold prints it")
}

// forReaders are the flags of serve that mean something to a reader.
const forReaders = " dir http behind-proxy publish-every follow key fold-key history history-creds history-user history-password history-ca history-replicas "

// check refuses flags that contradict each other.
func (f following) check(c *cobra.Command) error {
	if f.leader == "" {
		if f.key != "" || f.foldKey != "" {
			return exitWith(exitUsage, "--key and --fold-key are for a reader; give --follow as well")
		}
		return nil
	}
	if !c.Flags().Changed("history") {
		return exitWith(exitUsage, "a reader folds the history by itself; say with --history where it is")
	}
	for _, word := range strings.Fields(c.Flags().FlagUsages()) {
		name, ok := strings.CutPrefix(word, "--")
		if ok && c.Flags().Changed(name) && !strings.Contains(forReaders, " "+name+" ") {
			return exitWith(exitUsage, "a reader takes no events and signs nothing: --%s is for the ledger it follows", name)
		}
	}
	return nil
}

// follower serves what another process wrote and signed. It has no keys, takes no
// events, and shows nothing before it has checked that the history it folds leads to
// a published checkpoint.
type follower struct {
	closers []func() error
	leader  ledger.Source
	every   time.Duration
	ahead   *stream.Follower // up to the checkpoint that is to be checked
	settled *stream.Follower // up to the checkpoint that is shown
	mirror  *ledger.Mirror
	index   *trail.Mirror
	views   *projections.Views
	handler http.Handler
	key     string // the log's, as text
	trusted note.Verifier
	shown   chan struct{} // closed once there is something to show
}

// openFollower opens every part in the order of the flow.
func openFollower(ctx context.Context, cfg config) (_ *follower, err error) {
	r := &follower{every: max(cfg.publishEvery, 10*time.Millisecond), shown: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := os.MkdirAll(cfg.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.dir, "keys")); err == nil {
		return nil, fmt.Errorf("the data directory %s is that of a ledger which writes; a reader needs one of its own", cfg.dir)
	}
	if r.leader, err = auditSource(cfg.follow.leader); err != nil {
		return nil, err
	}
	if err := r.openHistory(ctx, cfg); err != nil {
		return nil, err
	}
	if r.trusted, err = r.trust(ctx, cfg); err != nil {
		return nil, err
	}
	r.mirror, err = ledger.OpenMirror(ledger.MirrorConfig{Dir: filepath.Join(cfg.dir, "public"), Key: r.trusted, History: r.ahead})
	if err != nil {
		return nil, fmt.Errorf("%w; what is in %s can be deleted, and is then made again", err, cfg.dir)
	}
	r.closers = append(r.closers, r.mirror.Close)
	r.index, err = trail.OpenMirror(ctx, trail.MirrorConfig{
		Dir: filepath.Join(cfg.dir, "index", "trees"), Public: filepath.Join(cfg.dir, "public", ledger.IndexPath),
		Ledger: r.mirror, From: r.leader,
	})
	if err != nil {
		return nil, fmt.Errorf("%w; what is in %s can be deleted, and is then made again", err, cfg.dir)
	}
	r.closers = append(r.closers, r.index.Close)
	r.show()
	return r, r.openPages(cfg)
}

// openHistory follows the history twice over one connection.
func (r *follower) openHistory(ctx context.Context, cfg config) error {
	nc, with, err := cfg.history.connect(ctx)
	if err != nil {
		return fmt.Errorf("%w; daybook doctor says what is wrong", err)
	}
	r.closers = append(r.closers, func() error { nc.Close(); return nil })
	for _, f := range []**stream.Follower{&r.ahead, &r.settled} {
		if *f, err = stream.Follow(ctx, nc, with); err != nil {
			return historyAdvice(err)
		}
	}
	return nil
}

// trust is the log key: the one given, the one of what was shown before, or, at the
// first start, the one that the history says is its own.
func (r *follower) trust(ctx context.Context, cfg config) (note.Verifier, error) {
	r.key = cfg.follow.key
	if r.key == "" {
		e, err := identityIn(ctx, cfg.dir)
		if err != nil {
			e, err = r.firstEntry(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%w; start the ledger that writes first, or give its log key with --key", err)
		}
		r.key = e.Text("keys.log")
	}
	v, err := proof.ParseVerifierKey(r.key)
	if err != nil {
		return nil, exitWith(exitUsage, "reading the key: %w", err)
	}
	return v, nil
}

// firstEntry is entry 0 as the history has it, unchecked.
func (r *follower) firstEntry(ctx context.Context) (*events.Entry, error) {
	r.ahead.Reach(1)
	data, err := r.ahead.Read(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w", err)
	}
	msg, err := events.ParseMessage(data)
	if err != nil {
		return nil, fmt.Errorf("reading entry 0: %w", err)
	}
	return events.ParseEntry(msg.Entry)
}

func (r *follower) openPages(cfg config) error {
	folded := projections.Config{Dir: filepath.Join(cfg.dir, "views")}
	if cfg.follow.foldKey != "" {
		key, err := readFoldKey(cfg.follow.foldKey)
		if err != nil {
			return err
		}
		folded.Open = intake.FoldOpener(key)
	}
	var err error
	if r.views, err = projections.Open(folded); err != nil {
		return fmt.Errorf("opening the views: %w", err)
	}
	r.closers = append(r.closers, r.views.Close)
	r.handler, err = api.New(api.Config{
		Views: r.views, Ledger: r.mirror, Files: r.mirror.Public(), LogKey: r.key,
		Index: answering{r.index}, BehindProxy: cfg.behindProxy, Log: slog.Default(), Now: cfg.now,
	})
	return err
}

// readFoldKey reads what daybook key fold prints.
func readFoldKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the fold key: %w", err)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("reading the fold key: %s holds no such key; daybook key fold prints it", path)
	}
	return key, nil
}

// show lets the views fold as far as the mirror has checked.
func (r *follower) show() {
	c, _ := r.mirror.Checkpoint()
	if c.Size == 0 {
		return
	}
	r.settled.Reach(events.Seq(c.Size))
	select {
	case <-r.shown:
	default:
		close(r.shown)
	}
}

// step looks for a newer checkpoint and checks it.
func (r *follower) step(ctx context.Context) error {
	msg, err := r.leader.Read(ctx, "checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is published yet
	}
	if err != nil {
		return err
	}
	c, err := proof.OpenCheckpoint(msg, r.trusted)
	if err != nil {
		return fmt.Errorf("reading the published checkpoint: %w", err)
	}
	r.ahead.Reach(events.Seq(c.Size))
	err = r.mirror.Extend(ctx, msg)
	if mismatch := new(ledger.MismatchError); errors.As(err, &mismatch) {
		return fmt.Errorf("%w; this history is not the one that was signed", err)
	}
	if err != nil {
		return err
	}
	r.show()
	return nil
}

// stepIndex looks for a newer checkpoint of the index and checks it. One that is ahead
// of the ledger here waits for it.
func (r *follower) stepIndex(ctx context.Context) error {
	err := r.index.Extend(ctx)
	if wrong := new(trail.Violation); errors.As(err, &wrong) {
		return fmt.Errorf("%w; daybook audit --index --evidence FILE of the ledger that is followed makes evidence of it", err)
	}
	if errors.Is(err, ledger.ErrNotPublished) {
		return nil
	}
	return err
}

// follow takes every newer checkpoint, by one step after the other, until ctx ends.
// What cannot be had now is tried again, and what was shown stays. It ends with an
// error when the log, its index or the history turns out to be another than it said:
// then a person must look.
func (r *follower) follow(ctx context.Context, step func(context.Context) error) error {
	told := ""
	for {
		err := step(ctx)
		var split *ledger.SplitError
		var mismatch *ledger.MismatchError
		var wrong *trail.Violation
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &split):
			return fmt.Errorf("%w\n%s\n%s", err, split.Fork.A, split.Fork.B)
		case errors.As(err, &mismatch), errors.As(err, &wrong):
			return err
		case err != nil && err.Error() != told:
			told = err.Error()
			slog.Warn("nothing newer can be shown for now", "error", err)
		case err == nil && told != "":
			told = ""
			slog.Info("following again")
		}
		select {
		case <-time.After(r.every):
		case <-ctx.Done():
			return nil
		}
	}
}

// run serves on l until ctx ends or a part stops.
func (r *follower) run(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: r.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return r.follow(ctx, r.step) })
	parts.Go(func() error { return r.follow(ctx, r.stepIndex) })
	parts.Go(func() error { return r.views.Run(ctx, r.settled) })
	parts.Go(func() error { return serveUntil(ctx, l, server) })
	if err := parts.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// serveUntil serves on l until ctx ends, and lets who is connected then finish.
func serveUntil(ctx context.Context, l net.Listener, server *http.Server) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), shutdownSeconds*time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // who is still connected after that is cut off
		return server.Close()
	})
	return group.Wait()
}

func (r *follower) close() error {
	s := system{closers: r.closers}
	r.closers = nil
	return s.close()
}

// serveFollower is serve for a reader.
func serveFollower(c *cobra.Command, cfg config, addr string) error {
	l, err := (&net.ListenConfig{}).Listen(c.Context(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("listening: %w; give another address with --http", err)
	}
	r, err := openFollower(c.Context(), cfg)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(c.Context())
	group.Go(func() error { return r.run(ctx, l) })
	group.Go(func() error {
		select {
		case <-r.shown:
		case <-ctx.Done():
			return nil
		}
		url := "http://" + l.Addr().String()
		fmt.Fprintf(c.OutOrStdout(), "pages       %s/\nfollows     %s\nlog key     %s\n", url, cfg.follow.leader, r.key)
		at, _ := r.mirror.Checkpoint()
		slog.Info("serving what others write", "url", url, "size", at.Size)
		return nil
	})
	err = group.Wait()
	return errors.Join(err, r.close())
}

// foldKeyCommand prints the fold key of a ledger that is not running.
func foldKeyCommand() *cobra.Command {
	var dir string
	var m master
	c := &cobra.Command{
		Use:   "fold",
		Short: "Print the fold key, for a reader that counts findings; whoever has it and the history sees under pseudonyms who did what",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := os.Stat(filepath.Join(dir, "keys")); err != nil {
				return fmt.Errorf("there are no keys in %s: %w", dir, err)
			}
			ring, err := m.openKeyring(dir, "")
			if err != nil {
				return fmt.Errorf("%w; stop the ledger first", err)
			}
			fmt.Fprintln(c.OutOrStdout(), base64.RawURLEncoding.EncodeToString(ring.FoldKey()))
			return ring.Close()
		},
	}
	c.Flags().StringVar(&dir, "dir", defaultDir, "the data directory")
	m.flag(c)
	return c
}
