package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// TestServeNATS starts the program with both doors on a directory that the
// program without a NATS door has written, and sends one event by each.
func TestServeNATS(t *testing.T) {
	program, dir := program(t), filepath.Join(t.TempDir(), "data")
	s, err := startServer(program, dir)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.logs.String(), "nats://") {
		t.Error("a NATS door without --nats")
	}
	s.stop(syscall.SIGTERM)
	if s, err = startServer(program, dir, "--nats", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	tokens, err := intake.OpenTokens(filepath.Join(dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Mint(intake.Grant{Role: events.Emitter, Organization: "city", Sources: []string{"city/app"}})
	if err != nil {
		t.Fatal(err)
	}
	const event = `{"specversion":"1.0","id":"one","source":"city/app","type":"org.daybook.data.accessed.v1","time":"2026-06-24T08:30:00Z",` +
		`"data":{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"none"}}}`

	place := intake.PlaceOf(token)
	nc, err := nats.Connect(regexp.MustCompile(`nats://\S+`).FindString(s.logs.String()), nats.UserInfo("city/app", token), nats.CustomInboxPrefix(place.Inbox))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request(place.Subject, []byte(event), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var first struct {
		Status   int
		Position int
		Receipt  string
	}
	if err := json.Unmarshal(m.Data, &first); err != nil || first.Status != 201 || first.Position != 1 || first.Receipt == "" {
		t.Fatalf("over NATS: %s", m.Data)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/events", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/cloudevents+json")
	again, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != 200 {
		t.Errorf("again over HTTP: %d", again.StatusCode)
	}
	if _, err := auditURL(s.url, s.key); err != nil {
		t.Error(err)
	}
	s.stop(syscall.SIGTERM)
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with %d: %s", code, s.logs)
	}
	if _, err := nc.Request(place.Subject, []byte(event), 100*time.Millisecond); err == nil || errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("the server is gone and a request gives %v", err)
	}
}
