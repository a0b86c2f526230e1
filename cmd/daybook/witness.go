package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/witness"
)

const witnessHelp = `Run a witness: a small program of somebody who does not answer to the ledger, such as a library or a
newspaper. It remembers how far it has seen each log, and signs a new state of it only if that
continues what it signed before. With it nobody can be shown another ledger than everybody else
without the two being found out. It needs no more than a small machine that is seldom off, and sees
nothing that is not public.

  1. Start it once: it makes its keys in DIR/keys, and prints the lines that the ledger's operator puts
     into the policy file of daybook serve --policy, whose help shows a whole one. Without --log it signs nothing yet.
  2. The operator of the ledger tells you its log keys: daybook policy prints one behind "log" and one
     behind "index". Ask for them in a way you trust, and start it with --log for each.
  3. Make the address reachable for the ledger and for whoever wants to look; behind a proxy with TLS
     say with --url what the address is from outside. There it says what it is, and what it signed
     last of each log is at /<SHA-256 of the log's name, in hexadecimal>/checkpoint.

What it signed last of each log lies in DIR, and must never be put back from an older copy: it would
then sign what contradicts what it signed since. If DIR is lost, begin with a new directory, and
new keys. Copy the files evidence-… there are to somebody who publishes them: each shows that a log
signed two histories, and daybook verify says so to anyone.

Exit codes: 0 stopped when told to; 1 it cannot go on; 2 misused.`

// witnessing is where and how a witness runs.
type witnessing struct {
	dir, name, addr, url string
	logs                 []string
	postQuantum          bool
}

func witnessCommand() *cobra.Command {
	var w witnessing
	c := &cobra.Command{
		Use:   "witness --dir DIR --name NAME --log VKEY [--log VKEY]...",
		Short: "Run a witness of others' ledgers: sign what continues, keep what does not",
		Long:  witnessHelp,
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			slog.SetDefault(slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{TimeFormat: time.DateTime, NoColor: !terminal(os.Stderr)})))
			return w.run(c.Context(), c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&w.dir, "dir", "", "the directory of the witness, with its keys; required")
	c.Flags().StringVar(&w.name, "name", "", "the name its signatures have, such as library.example/witness; needed when it makes a key")
	c.Flags().StringArrayVar(&w.logs, "log", nil, "the key of a log to witness, as daybook policy of that ledger prints it; repeatable")
	c.Flags().StringVar(&w.addr, "http", "127.0.0.1:8490", "the address to serve on")
	c.Flags().StringVar(&w.url, "url", "", "its address as the ledger reaches it, for the policy lines; default the one it serves on")
	c.Flags().BoolVar(&w.postQuantum, "post-quantum", false, "make an ML-DSA-44 key, too, and sign with both from then on")
	return c
}

// run serves until ctx ends.
func (w witnessing) run(ctx context.Context, out io.Writer) error {
	if w.dir == "" {
		return exitWith(exitUsage, "say with --dir where the witness keeps its keys and what it signed; see daybook witness --help")
	}
	cfg, err := w.config()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", w.addr)
	if err != nil {
		return fmt.Errorf("listening: %w; give another address with --http", err)
	}
	who, err := witness.Open(cfg)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	w.announce(out, who, l.Addr())
	err = serveWitness(ctx, l, who.Handler())
	return errors.Join(err, who.Close())
}

func (w witnessing) config() (witness.Config, error) {
	cfg := witness.Config{
		Dir: w.dir,
		Misbehaved: func(m witness.Misbehaviour) {
			if m.Says == "" {
				slog.Warn("a checkpoint came with a path that does not lead to it; both notes are kept, and show nothing by themselves", "log", m.Origin, "file", m.File)
				return
			}
			slog.Error("A LOG SIGNED TWO HISTORIES: keep the file, give it away, and tell whoever relies on that log", "log", m.Origin, "file", m.File, "shows", m.Says)
		},
		Failed: func(err error) { slog.Error("nothing was cosigned", "error", err) },
	}
	for _, vkey := range w.logs {
		v, err := proof.ParseVerifierKey(vkey)
		if err != nil {
			return cfg, exitWith(exitUsage, "--log %.100s: %w; daybook policy of the ledger prints the keys", vkey, err)
		}
		cfg.Logs = append(cfg.Logs, v)
	}
	keys := filepath.Join(w.dir, "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return cfg, fmt.Errorf("making the directory of keys: %w", err)
	}
	lock, err := ledger.LockFile(filepath.Join(keys, "lock"))
	if err != nil {
		return cfg, fmt.Errorf("looking for the keys in %s: %w", keys, err)
	}
	defer lock.Close()
	for _, kind := range w.kinds() {
		s, err := w.key(filepath.Join(keys, kind.file), kind.kind)
		if err != nil {
			return cfg, err
		}
		cfg.Signers = append(cfg.Signers, s)
	}
	return cfg, nil
}

// keyKind is a type of key and the file it is in.
type keyKind struct {
	file string
	kind byte
}

func (w witnessing) kinds() []keyKind {
	kinds := []keyKind{{"ed25519", proof.CosignerEd25519}}
	if _, err := os.Stat(filepath.Join(w.dir, "keys", "ml-dsa-44")); w.postQuantum || err == nil {
		kinds = append(kinds, keyKind{"ml-dsa-44", proof.CosignerMLDSA44})
	}
	return kinds
}

// key reads a key, or makes it when there is none.
func (w witnessing) key(path string, kind byte) (*proof.CosignerSigner, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = w.makeKey(path, kind); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	s, err := proof.ParseCosignerSigner(strings.TrimSuffix(string(text), "\n"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w; put the right file back", path, err)
	case s.Type() != kind:
		return nil, fmt.Errorf("%s holds a key of another type; put the right file back", path)
	case w.name != "" && w.name != s.Name():
		return nil, exitWith(exitUsage, "%s is the key of %s, not of %s: leave --name out, or begin another directory", path, s.Name(), w.name)
	}
	return s, nil
}

func (w witnessing) makeKey(path string, kind byte) ([]byte, error) {
	if w.name == "" {
		return nil, exitWith(exitUsage, "there is no %s yet: say with --name under which name it is to be made, such as library.example/witness", path)
	}
	secret, err := proof.GenerateCosigner(w.name, kind)
	if err != nil {
		return nil, exitWith(exitUsage, "%w", err)
	}
	text := []byte(secret + "\n")
	err = replaceFile(path, func(f io.Writer) error { _, err := f.Write(text); return err })
	if err != nil {
		return nil, fmt.Errorf("keeping the key: %w", err)
	}
	return text, nil
}

// announce prints what the ledger's operator needs.
func (w witnessing) announce(out io.Writer, who *witness.Witness, addr net.Addr) {
	url := strings.TrimRight(w.url, "/")
	if url == "" {
		url = "http://" + addr.String()
	}
	fmt.Fprintf(out, "witness     %s\n", url)
	for _, vkey := range w.logs {
		fmt.Fprintf(out, "log         %s\n", vkey)
	}
	if len(w.logs) == 0 {
		fmt.Fprintf(out, "log         none: nothing is signed until it is started with --log\n")
	}
	fmt.Fprintf(out, "\nfor the policy file of the ledger:\n\n")
	for _, key := range who.Keys() {
		name := key.Name()
		if key.Type() == proof.CosignerMLDSA44 {
			name += "/ml-dsa-44"
		}
		fmt.Fprintf(out, "witness %s %s %s\n", name, key, url)
	}
	fmt.Fprintln(out)
}

// serveWitness serves on l until ctx ends.
func serveWitness(ctx context.Context, l net.Listener, handler http.Handler) error {
	return serveUntil(ctx, l, &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute})
}
