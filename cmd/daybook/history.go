package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/events/broker"
	"github.com/daybook-ledger/daybook/events/stream"
)

// A cluster takes up to ten seconds to notice that a leader is gone and to choose
// another; for so long events wait. One that is away for longer is an outage: what
// comes is refused then, and may come again.
const (
	clusterTimeout  = 5 * time.Second
	clusterPatience = 30 * time.Second
)

// elsewhere is a history on other machines.
type elsewhere struct {
	stream.Remote
	passwordFile string
	replicas     int
}

// flags adds the flags that say where a history is.
func (e *elsewhere) flags(c *cobra.Command) {
	c.Flags().StringVar(&e.URL, "history", "", "keep the history on these NATS servers with JetStream, as nats://a:4222,nats://b:4222; default the one in the data directory")
	c.Flags().StringVar(&e.Credentials, "history-creds", "", "the credentials file of the history's user")
	c.Flags().StringVar(&e.User, "history-user", "", "the history's user, where it has no credentials file")
	c.Flags().StringVar(&e.passwordFile, "history-password", "", "the file with that user's password")
	c.Flags().StringVar(&e.CA, "history-ca", "", "speak TLS with the history, with servers that these PEM certificates vouch for")
	c.Flags().IntVar(&e.replicas, "history-replicas", 3, "on how many of the servers each event is to be; fewer are refused")
}

// historyTail is how much of the history's end is kept in memory, some seconds of
// the fastest writer.
const historyTail = 32 << 20

// connect connects and reads the stream's Config.
func (e elsewhere) connect(ctx context.Context) (*stream.Connection, stream.Config, error) {
	if e.passwordFile != "" {
		b, err := os.ReadFile(e.passwordFile)
		if err != nil {
			return nil, stream.Config{}, fmt.Errorf("reading the history's password: %w", err)
		}
		e.Password = strings.TrimSpace(string(b))
	}
	nc, err := stream.Connect(ctx, e.Remote)
	return nc, stream.Config{Replicas: e.replicas, Timeout: clusterTimeout, Patience: clusterPatience, Tail: historyTail}, err
}

// openHistory opens the history where cfg says it is.
func (s *system) openHistory(ctx context.Context, cfg config) error {
	if cfg.history.URL == "" {
		if err := broker.CheckFiles(filepath.Join(cfg.dir, "history"), historyStream, historySubject); err != nil {
			return fmt.Errorf("%w; nothing was started, as the history's server would cut off what it cannot read; daybook recover %s says more", err, cfg.dir)
		}
		if err := s.openBroker(cfg, "history"); err != nil {
			return err
		}
		nc, err := s.broker.Connect()
		if err != nil {
			return fmt.Errorf("connecting to the history: %w", err)
		}
		if s.history, err = stream.Open(ctx, nc, stream.Config{Healthy: s.broker.Healthy, Tail: historyTail}); err != nil {
			return fmt.Errorf("opening the history: %w", err)
		}
		return nil
	}
	if err := s.openElsewhere(ctx, cfg); err != nil {
		return err
	}
	if cfg.nats == "" {
		return nil
	}
	return s.openBroker(cfg, "door") // for those who emit over NATS; no history is in it
}

// openElsewhere opens a history on other machines.
func (s *system) openElsewhere(ctx context.Context, cfg config) error {
	if _, err := os.Stat(filepath.Join(cfg.dir, "history")); err == nil {
		return fmt.Errorf("the data directory %s has a history of its own; a ledger has one history, so give --history or keep that directory, not both", cfg.dir)
	}
	nc, with, err := cfg.history.connect(ctx)
	if err != nil {
		return fmt.Errorf("%w; daybook doctor says what is wrong", err)
	}
	s.closers = append(s.closers, func() error { nc.Close(); return nil })
	if s.history, err = stream.Open(ctx, nc, with); err != nil {
		return historyAdvice(err)
	}
	slog.Warn("whether the history's servers write to disk before they acknowledge is unverified: no stream shows their sync_interval; daybook doctor can ask them", "replicas", with.Replicas)
	return nil
}

// historyAdvice says how to go on.
func historyAdvice(err error) error {
	var wrong *stream.ConfigError
	switch {
	case errors.Is(err, stream.ErrNoHistory):
		return fmt.Errorf("%w; start the ledger that writes first", err)
	case errors.Is(err, stream.ErrTooFewServers):
		return fmt.Errorf("%w; start more servers, or accept fewer with --history-replicas", err)
	case errors.As(err, &wrong) && wrong.Field == "Replicas":
		return fmt.Errorf("%w; give the stream more replicas, or accept fewer with --history-replicas", err)
	}
	return fmt.Errorf("%w; daybook doctor says what is wrong", err)
}

// openBroker starts the server in this process, on a part of the data directory.
func (s *system) openBroker(cfg config, part string) error {
	b, err := broker.Open(broker.Config{
		Dir: filepath.Join(cfg.dir, part), Listen: cfg.nats,
		Authenticate: func(_, password string) (broker.Client, bool) {
			allowed, ok := s.tokens.Subjects(password)
			return broker.Client(allowed), ok
		},
	})
	if err != nil {
		return fmt.Errorf("opening the history's server: %w", err)
	}
	s.broker = b
	s.closers = append(s.closers, b.Close)
	return nil
}
