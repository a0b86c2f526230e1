package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// contextVariable names a context where --context does not.
const contextVariable = "DAYBOOK_CONTEXT"

// contextTimeout bounds the wait for one answer of a ledger, while others who use the
// same context wait.
const contextTimeout = 30 * time.Second

// known is a ledger that is remembered under a name.
type known struct {
	name   string
	shelf  client.Memories
	memory client.Memory
	server *client.Client
}

// contexts are where this user's programs keep such things.
func contexts() (client.Memories, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return client.Memories{}, exitWith(exitUnchecked, "finding the contexts: %w", err)
	}
	return client.Memories{Dir: filepath.Join(dir, "daybook", "contexts")}, nil
}

// openContext reads what is remembered.
func openContext(name string) (*known, error) {
	shelf, err := contexts()
	if err != nil {
		return nil, err
	}
	m, err := shelf.Get(name)
	if err != nil {
		return nil, notRemembered(err)
	}
	server, err := client.New(m.URL, &http.Client{Timeout: contextTimeout})
	return &known{name, shelf, m, server}, err
}

// notRemembered gives what keeps a context from being read its exit code.
func notRemembered(err error) error {
	if errors.Is(err, client.ErrNoMemory) {
		return exitWith(exitUsage, "%w; daybook context list shows what is, and daybook context add remembers a ledger", err)
	}
	return exitWith(exitUnchecked, "%w", err)
}

// contextFlag is --context.
type contextFlag struct{ name string }

func (f *contextFlag) flag(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "context", os.Getenv(contextVariable), "a ledger you know, as daybook context add named it; also $"+contextVariable)
}

// open is the context that was named, nil for none. Where one of instead is given, a
// variable of the environment counts for nothing, and the flag for a mistake: keys and
// addresses come from one place.
func (f *contextFlag) open(c *cobra.Command, instead ...string) (*known, error) {
	if f.name == "" {
		return nil, nil
	}
	for _, name := range instead {
		given := c.Flags().Lookup(name)
		switch {
		case given == nil || !given.Changed:
		case !c.Flags().Changed("context"):
			return nil, nil
		case name != "card": // which a bundle needs beside a context
			return nil, exitWith(exitUsage, "the context %s has what --%s says: leave one of them away", f.name, name)
		}
	}
	return openContext(f.name)
}

// meet holds what the ledger shows now, and the checkpoints in notes, against what is
// remembered, and remembers what is newer. A misbehaviour is kept and ends with its
// exit code. Older says that the last of the notes is of a beginning of what is known.
func (k *known) meet(ctx context.Context, notes ...[]byte) (older bool, err error) {
	err = k.shelf.Use(ctx, k.name, func(m *client.Memory) error {
		// Who is not answered, or shown too few cosignatures, still finds out a fork.
		for _, msg := range notes {
			if err := m.Hold(msg); err != nil {
				return err
			}
		}
		if err := m.Meet(ctx, k.server); err != nil {
			return err
		}
		for _, msg := range notes {
			if older, err = m.See(ctx, k.server, msg); err != nil {
				return err
			}
		}
		k.memory = *m
		return nil
	})
	return older, k.judge(err)
}

// judge gives what went wrong its exit code, and keeps what shows a misbehaviour.
func (k *known) judge(err error) error {
	var bad *client.Misbehaviour
	few, lacking := asQuorum(err)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return k.accuse(bad)
	case lacking:
		return exitWith(exitIncomplete, "INCOMPLETE: %s shows a checkpoint that does not meet the policy you remember, and what you know stays as it is: %w", k.name, unmet(few, k.memory.Policy))
	}
	return exitWith(exitUnchecked, "%s could not be compared with what you know of it: %w", k.name, err)
}

// accuse keeps what shows a misbehaviour, and says how to show it to others. What is
// remembered stays: it is half of the evidence.
func (k *known) accuse(bad *client.Misbehaviour) error {
	if len(bad.Notes) == 0 {
		return exitWith(exitInvalid, "NOT VALID: %w. What you know of %s stays as it is: at its address is something else now, or something in between", bad, k.name)
	}
	if bad.Evidence == nil {
		path, err := k.shelf.Keep(k.name, "checkpoints", bytes.Join(bad.Notes, []byte("\n")))
		if err != nil {
			return exitWith(exitInvalid, "NOT VALID: %w; keeping what shows it: %w", bad, err)
		}
		return exitWith(exitInvalid, "NOT VALID: %w. What you know of %s stays as it is; the checkpoints are in %s. By themselves they convict nobody: ask others what they are shown", bad, k.name, path)
	}
	path, err := k.shelf.Keep(k.name, "evidence", bad.Evidence.Format())
	if err != nil {
		return exitWith(exitInvalid, "NOT VALID: %w; keeping the evidence: %w", bad, err)
	}
	return exitWith(exitInvalid, "NOT VALID: %w. What you know of %s stays as it is, and the evidence is in %s. Show it to others who use this ledger, and to whoever watches it; anyone can check it with daybook verify %s --key %s",
		bad, k.name, path, filepath.Base(path), k.keyOf(bad.Evidence))
}

// keyOf is the verifier key by which evidence is checked.
func (k *known) keyOf(e *proof.Evidence) string {
	if len(e.Notes) > 0 && bytes.HasPrefix(e.Notes[0], []byte(proof.IndexKeyName(k.memory.Origin())+"\n")) {
		return k.memory.Index
	}
	return k.memory.Log
}

// attested compares the checkpoint of a file, and says how it stands to what is known.
// Only a misbehaviour is an error: a file is verified without the ledger too.
func (k *known) attested(ctx context.Context, said *claims, msg []byte) error {
	older, err := k.meet(ctx, msg)
	var e *exit
	switch {
	case errors.As(err, &e) && e.code == exitInvalid:
		return err
	case err != nil:
		said.doubt("that this is the log you know as %s (%s)", k.name, oneLine(err.Error()))
	case older:
		said.check("this root is that of a beginning of the log you know as %s, which has %s now", k.name, counted(uint64(k.memory.Checkpoint().Size), "entry", "entries"))
	default:
		said.check("this root is that of the log you know as %s, which goes on from what you knew", k.name)
	}
	return nil
}

// overheard is a public log of which the checkpoints that were read are kept.
type overheard struct {
	ledger.Source
	mu    sync.Mutex
	notes [][]byte
}

func (w *overheard) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := w.Source.Read(ctx, path)
	if err == nil && (path == "checkpoint" || path == ledger.IndexPath+"/checkpoint") {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.notes = append(w.notes, b)
	}
	return b, err
}

// confirm compares what was audited with what is known.
func (k *known) confirm(ctx context.Context, out io.Writer, notes [][]byte) error {
	said := &claims{}
	for _, msg := range notes {
		v := k.memory.LogKey()
		if firstLine(msg) != v.Name() {
			v = k.memory.IndexKey()
		}
		*said = claims{} // the last is of the same state
		if err := k.attested(ctx, said, msg); err != nil {
			return err
		}
		if _, _, err := k.memory.Policy.Check(msg, v); err != nil {
			return unwitnessed(err, k.memory.Policy)
		}
	}
	said.print(out)
	return nil
}

// opened is what entry 0 says, by the key that is remembered.
func (k *known) opened(ctx context.Context) (*events.Entry, error) {
	if _, err := k.meet(ctx); err != nil {
		return nil, err
	}
	log, err := client.OpenPublished(ctx, k.server, k.memory.LogKey(), k.memory.Policy)
	if err == nil {
		return log.Opened(ctx, k.memory.Log)
	}
	return nil, k.judge(err)
}

// state is a checkpoint in a few words.
func (k *known) state() string {
	c := k.memory.Checkpoint()
	out := counted(uint64(c.Size), "entry", "entries")
	_, by, err := k.memory.Policy.Check(k.memory.Seen, k.memory.LogKey())
	if err == nil && len(by.By) > 0 {
		out += ", cosigned by " + cosigners(by.By)
	}
	return out
}

func (k *known) index() string {
	c, err := proof.OpenCheckpoint(k.memory.SeenIndex, k.memory.IndexKey())
	if err != nil { // there is none
		return "none yet"
	}
	return counted(uint64(c.Size), "leaf", "leaves")
}

// describe are the lines that show what is remembered.
func (k *known) describe() string {
	var out strings.Builder
	line := func(name, value string) { fmt.Fprintf(&out, "%-11s %s\n", name, value) }
	line("name", k.name)
	line("address", k.memory.URL)
	line("origin", k.memory.Origin())
	line("log key", k.memory.Log)
	line("index key", k.memory.Index)
	line("receipt key", k.memory.Receipt)
	for text := range strings.Lines(k.memory.Policy.Text()) {
		line("policy", strings.TrimSuffix(text, "\n"))
	}
	line("seen", k.state())
	line("root", k.memory.Checkpoint().Root.String())
	line("index", k.index())
	return out.String()
}
