package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/stream"
	"github.com/daybook-ledger/daybook/ledger"
)

// TestTwoWriters: when somebody else appends to the history, the writer that
// is behind stores nothing more and the whole program ends and says so.
func TestTwoWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := open(t.Context(), config{dir: dir, publishEvery: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(t.Context(), l) }()
	if _, err := s.first(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := s.tokens.MintInMemory(intake.Grant{Role: events.Emitter, Organization: "city"})
	if err != nil {
		t.Fatal(err)
	}
	anchored(t, "http://"+l.Addr().String(), token, eventOf("1"))
	last, err := second(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	status := postOne(t, "http://"+l.Addr().String(), token, eventOf("2"))
	if status < 500 {
		t.Errorf("the writer that is behind answered %d", status)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, stream.ErrStaleWriter) || !strings.Contains(err.Error(), "another writer has appended to the history") {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it went on")
	}
	if c, _ := s.anchor.Checkpoint(); c.Size >= last.Size() {
		t.Errorf("a checkpoint of size %d covers message %d, which it never stored", c.Size, last)
	}
}

// second appends what another process would, and returns its sequence.
func second(ctx context.Context, s *system) (events.Seq, error) {
	nc, err := s.broker.Connect()
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	h, err := stream.Open(ctx, nc, stream.Config{})
	if err != nil {
		return 0, err
	}
	last, err := h.Read(ctx, h.Last())
	if err != nil {
		return 0, err
	}
	return h.Append(ctx, [][]byte{last})
}

func postOne(t *testing.T, url, token, event string) int {
	t.Helper()
	req, err := http.NewRequest("POST", url+"/v1/events", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return http.StatusServiceUnavailable // it ended before it could answer
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestAdvice: every part has its words.
func TestAdvice(t *testing.T) {
	for _, part := range []ledger.Part{
		ledger.PartHistory, ledger.PartEnd, ledger.PartSigned, ledger.PartFiles, ledger.PartJournal,
		ledger.PartBehind, ledger.PartCheckpoint, ledger.PartSeen, ledger.PartLog,
	} {
		if len(advice[part]) < 100 || !strings.Contains(advice[part], "  1. ") {
			t.Errorf("%s: %q", part, advice[part])
		}
	}
}

// TestFsckBlock: a bit flipped anywhere in the stored history is a difference
// in the history, and a file cut within a record is one as soon as something
// signed is gone.
func TestFsckBlock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := open(t.Context(), config{dir: dir, publishEvery: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	token, err := s.tokens.MintInMemory(intake.Grant{Role: events.Emitter, Organization: "city"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		anchored(t, "http://"+l.Addr().String(), token, fmt.Sprintf(thiefEvent, i))
	}
	cancel()
	if err := errors.Join(<-ended, s.close()); err != nil {
		t.Fatal(err)
	}
	if code, out, said := runHere(t, "fsck", dir); code != 0 || !strings.HasPrefix(out, "WHOLE: ") {
		t.Fatalf("%d %s%s", code, out, said)
	}
	path := filepath.Join(dir, "history", "jetstream", "$G", "streams", historyStream, "msgs", "1.blk")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 3; at < len(whole); at += len(whole) / 25 {
		b := append([]byte{}, whole...)
		b[at] ^= 4
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, said := runHere(t, "fsck", dir); code != exitInvalid || !strings.Contains(said, "(history") {
			t.Errorf("byte %d: %d %s", at, code, said)
		}
	}
	if err := os.WriteFile(path, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := runHere(t, "fsck", dir); code != exitInvalid || !strings.Contains(said, "(history's end)") || !strings.Contains(said, "note: the history is damaged in") {
		t.Errorf("cut: %d %s", code, said)
	}
}
