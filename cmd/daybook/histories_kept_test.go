package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
	"github.com/daybook-ledger/daybook/ledger/witness"
)

// neighbour is a witness of both logs, as a line of a policy.
func (c *capturing) neighbour(name string, kind byte) string {
	c.t.Helper()
	secret, err := proof.GenerateCosigner(name+".example/w1", kind)
	if err != nil {
		c.t.Fatal(err)
	}
	signer, err := proof.ParseCosignerSigner(secret)
	if err != nil {
		c.t.Fatal(err)
	}
	var logs []note.Verifier
	for _, key := range []string{c.keys.LogKey(), c.keys.IndexKey()} {
		v, err := proof.ParseVerifierKey(key)
		if err != nil {
			c.t.Fatal(err)
		}
		logs = append(logs, v)
	}
	w, err := witness.Open(witness.Config{Dir: c.t.TempDir(), Signers: []*proof.CosignerSigner{signer}, Logs: logs, Now: c.clock})
	if err != nil {
		c.t.Fatal(err)
	}
	server := httptest.NewServer(w.Handler())
	c.t.Cleanup(func() {
		server.Close()
		c.must(nil, w.Close())
	})
	return fmt.Sprintf("witness %s %s %s\n", name, w.Keys()[0], server.URL)
}

// july is the second run and the third: another master key, witnesses who come and go,
// the details of a month that are over, and a service that falls silent and leaves.
func (c *capturing) july() {
	c.t.Helper()
	library, archive, newspaper := c.neighbour("library", proof.CosignerEd25519), c.neighbour("archive", proof.CosignerEd25519), c.neighbour("newspaper", proof.CosignerMLDSA44)
	under := func(text string) func(*config) {
		return func(cfg *config) {
			p, err := proof.ParsePolicy([]byte(text))
			if err != nil {
				c.t.Fatal(err)
			}
			cfg.policy, cfg.details = p, keeping{flags: []string{"city=P0D"}}
			c.must(nil, cfg.details.check())
		}
	}
	c.at("2026-07-02T12:10:00Z")
	c.begin(secondMaster+","+firstMaster, under(library+archive+"group either 1 library archive\nquorum either\n"))
	c.keep(2)
	c.stop()
	c.at("2026-07-02T12:40:00Z")
	c.begin(secondMaster, under(library+newspaper+"group both 2 library newspaper\nquorum both\n"))
	c.waitFor("witness.removed")
	tokens, err := c.tokens.List()
	c.must(nil, err)
	for _, token := range tokens {
		if token.Grant.Rhythm != "" {
			c.must(nil, c.tokens.Revoke(token.Name))
		}
	}
	c.waitFor("emitter.offboarded")
	c.keep(1)
}

// cards gives a resident her card, and another, and keeps what she may keep.
func (c *capturing) cards() {
	c.t.Helper()
	emitter, err := c.tokens.MintInMemory(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	c.must(nil, err)
	c.keep(2)
	c.keepFile("access.receipt", anchored(c.t, c.url, emitter, string(said("city/app", "data.accessed", "july", anAccess+withWords+ofAnna+`}`))))
	at := c.latest("data.accessed")
	source, err := client.New(c.url, nil)
	c.must(nil, err)
	p, err := source.Proof(c.t.Context(), fmt.Sprint(at))
	c.must(nil, err)
	c.keepFile("access.tlog-proof", p.Format())
	statement, err := c.asking.answer(c.t.Context(), "/v1/officer/statement.json", personQuestion{Person: whom{"example", "anna"}})
	c.must(nil, err)
	file := filepath.Join(c.t.TempDir(), "statement.json")
	c.must(nil, os.WriteFile(file, statement, 0o600))
	code, out, stderr := runHere(c.t, "disclose", file, "--event", fmt.Sprint(at), "--field", "occurredAt")
	if code != 0 {
		c.t.Fatal(stderr)
	}
	c.keepFile("access.presentation", []byte(out))

	lost := c.card("/v1/officer/cards")
	hers := c.card("/v1/officer/cards/rotate")
	c.keepFile("lost.card", lost.Text())
	c.keepFile("anna.card", hers.Text())
	c.indexed()
	b := c.collect(hers)
	c.keepFile("anna.bundle", b.Format())
	c.keepFile("index.proof", b.Index.Format())
	c.keepFile("policy", []byte(c.policy.Text()))
	c.convict()
	c.stop()
	for _, name := range []string{"checkpoint", "index/checkpoint"} {
		b, err := os.ReadFile(filepath.Join(c.dir, "public", filepath.FromSlash(name)))
		c.must(nil, err)
		c.keepFile(map[string]string{"checkpoint": "checkpoint", "index/checkpoint": "index-checkpoint"}[name], b)
	}
}

func (c *capturing) keepFile(name string, b []byte) {
	c.t.Helper()
	c.must(nil, os.WriteFile(filepath.Join(c.into, "resident", name), b, 0o644))
}

func (c *capturing) card(path string) proof.Card {
	c.t.Helper()
	var out given
	c.ask(path, map[string]any{"person": whom{"example", "anna"}, "url": "https://history.example"}, &out)
	card, err := proof.ParseCard([]byte(out.Card))
	c.must(nil, err)
	return card
}

// indexed waits until the published index covers everybody and everything.
func (c *capturing) indexed() {
	c.t.Helper()
	c.published()
	source, err := client.New(c.url, nil)
	c.must(nil, err)
	v, err := proof.ParseVerifierKey(c.keys.LogKey())
	c.must(nil, err)
	for range 200 {
		r, err := trail.Audit(c.t.Context(), source, v, trail.AuditOptions{})
		c.must(nil, err)
		if r.Behind == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatal("the index does not cover everything in ten seconds")
}

// collect finds everything that a card leads to.
func (c *capturing) collect(card proof.Card) proof.Bundle {
	c.t.Helper()
	server, err := client.New(c.url, nil)
	c.must(nil, err)
	found, err := client.Trail{Card: card, Log: server, Index: server, IndexLog: below{server}, Slots: server}.Collect(c.t.Context())
	c.must(nil, err)
	return found.Bundle
}

// convict is what would show that this ledger signed two histories, which it did not do
// but here.
func (c *capturing) convict() {
	c.t.Helper()
	state, honest := c.anchor.Checkpoint()
	state.Root[0] ^= 1
	other, err := proof.SignCheckpoint(state, c.keys.LogSigner())
	c.must(nil, err)
	v, err := proof.ParseVerifierKey(c.keys.LogKey())
	c.must(nil, err)
	fork, err := proof.CompareCheckpoints(honest, other, v)
	if err != nil || fork == nil {
		c.t.Fatalf("there is no fork: %v", err)
	}
	c.keepFile("fork.evidence", fork.Evidence().Format())
}

// pack keeps the ledger, which stands still, and then asks what was kept what it says.
func (c *capturing) pack() {
	c.t.Helper()
	archive := filepath.Join(c.into, "data.tar.gz")
	c.must(nil, pack(c.dir, archive))
	r, stop := reopen(c.t, unpack(c.t, archive), c.clock())
	defer stop()
	r.caughtUp(c.t)
	want := frozen{Clock: c.clock(), Files: map[string]string{}, Answers: map[string]any{}}
	want.Here = []events.Person{{Scheme: "example", Value: "anna"}, {Scheme: "example", Value: "carla"}, {Scheme: "plate", Value: "ABC 123"}}
	want.Gone = []events.Person{{Scheme: "example", Value: "berta"}}
	for _, path := range captureAnswers {
		want.Answers[path] = nil
	}
	source, err := client.New(r.url, nil)
	c.must(nil, err)
	seen := &readPaths{Source: source, paths: want.Files}
	v, err := proof.ParseVerifierKey(r.keys.LogKey())
	c.must(nil, err)
	c.must(trail.Audit(c.t.Context(), seen, v, trail.AuditOptions{}))
	found, err := r.measure(c.t.Context(), want)
	c.must(nil, err)
	for _, k := range events.Kinds() {
		if k.Open && found.Kinds[k.Name] == 0 {
			c.t.Errorf("no %s is recorded: say it too", k.Name)
		}
	}
	text, err := json.MarshalIndent(found, "", " ")
	c.must(nil, err)
	c.must(nil, os.WriteFile(filepath.Join(c.into, "expected.json"), append(text, '\n'), 0o644))
	info, err := os.Stat(archive)
	c.must(nil, err)
	c.t.Logf("%d entries in %d bytes", found.Size, info.Size())
}

// readPaths notes which files are read, but for checkpoints.
type readPaths struct {
	ledger.Source
	mu    sync.Mutex
	paths map[string]string
}

func (r *readPaths) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := r.Source.Read(ctx, path)
	if err == nil && !slices.Contains([]string{"checkpoint", "index/checkpoint"}, path) {
		r.mu.Lock()
		r.paths[path] = ""
		r.mu.Unlock()
	}
	return b, err
}
