package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/locallog"
	"github.com/daybook-ledger/daybook/ledger/remotelog"
)

// trillian says which log server holds the verifiable log; the zero value is
// none, and the log is in this process.
type trillian struct {
	addr, ca  string
	plaintext bool
}

func (t *trillian) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.addr, "trillian", "", "keep the verifiable log on the Trillian log server at this host:port, by TLS, instead of in this process")
	f.StringVar(&t.ca, "trillian-ca", "", "a PEM file of the certificates that may vouch for the Trillian server; default the system's")
	f.BoolVar(&t.plaintext, "trillian-plaintext", false, "ask the Trillian server without TLS; it must be on this machine")
}

// check refuses flags that contradict each other.
func (t trillian) check() error {
	switch {
	case t.addr == "" && (t.ca != "" || t.plaintext):
		return exitWith(exitUsage, "--trillian-ca and --trillian-plaintext need --trillian HOST:PORT")
	case t.ca != "" && t.plaintext:
		return exitWith(exitUsage, "--trillian-ca is for TLS, which --trillian-plaintext leaves out; give one of them")
	}
	return nil
}

// logPlace is where a verifiable log lies, below the data directory: in this process,
// or the number of its tree elsewhere.
type logPlace struct{ local, remote, origin string }

// openLog opens a verifiable log, here or elsewhere. Changing from one to the
// other loses nothing: the anchor gives a log the entries it lacks.
func (s *system) openLog(ctx context.Context, cfg config, at logPlace) (ledger.Log, error) {
	if cfg.trillian.addr == "" {
		local, err := locallog.Open(ctx, locallog.Config{Dir: filepath.Join(cfg.dir, at.local)})
		if err != nil {
			return nil, fmt.Errorf("opening the log: %w", err)
		}
		s.closers = append(s.closers, local.Close)
		return local, nil
	}
	roots, err := cfg.trillian.roots()
	if err != nil {
		return nil, err
	}
	remote, err := remotelog.Open(ctx, remotelog.Config{
		Addr: cfg.trillian.addr, Roots: roots, Plaintext: cfg.trillian.plaintext,
		TreeFile: filepath.Join(cfg.dir, at.remote, "tree"), Origin: at.origin,
		Delayed: func(err error) { slog.Warn("waiting for the Trillian server", "addr", cfg.trillian.addr, "why", err) },
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, remote.Close)
	return remote, nil
}

// roots are the certificates in the --trillian-ca file, nil for the system's.
func (t trillian) roots() (*x509.CertPool, error) {
	if t.ca == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(t.ca)
	if err != nil {
		return nil, fmt.Errorf("reading --trillian-ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading --trillian-ca: %s holds no PEM certificate", t.ca)
	}
	return roots, nil
}
