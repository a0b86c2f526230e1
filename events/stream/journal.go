package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// JournalConfig says where a journal of signed checkpoints lies. It belongs into
// another account than the history, on a server that a restore of the ledger's
// directory does not reach: otherwise it is set back with what it should hold.
type JournalConfig struct {
	// URL of the server, as nats://host:4222 or tls://host:4222.
	URL string
	// Credentials is the file of the account's user; empty for a server that
	// asks for none.
	Credentials string
	// Name of the stream. Default "DAYBOOK-JOURNAL".
	Name string
	// Subject of every message. Default "daybook.journal".
	Subject string
	// Replicas is on how many servers the stream is stored. Default 1.
	Replicas int
}

// Journal is a journal kept in a stream of its own, with the promise of a
// History: what is appended stays, durable and in order, and who is behind
// appends nothing. It has a connection of its own.
type Journal struct {
	*History
	nc *nats.Conn
}

// OpenJournal connects and opens the stream, which it creates when it is absent.
func OpenJournal(ctx context.Context, cfg JournalConfig) (*Journal, error) {
	options := []nats.Option{
		nats.Name("daybook journal"), nats.Timeout(10 * time.Second),
		nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	if cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(cfg.Credentials))
	}
	address, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("connecting to the journal: its address is not one as nats://host:4222")
	}
	nc, err := nats.Connect(cfg.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the journal at %s: %w", address.Redacted(), err)
	}
	h, err := Open(ctx, nc, Config{
		Name: cmp.Or(cfg.Name, "DAYBOOK-JOURNAL"), Subject: cmp.Or(cfg.Subject, "daybook.journal"), Replicas: cfg.Replicas,
	})
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("opening the journal at %s: %w", address.Redacted(), err)
	}
	return &Journal{h, nc}, nil
}

// Close ends the connection. Closing again does nothing.
func (j *Journal) Close() error {
	j.nc.Close()
	return nil
}
