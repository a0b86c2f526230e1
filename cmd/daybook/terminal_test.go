package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// TestServersDoNotWriteOnTerminals: what a server says moves no cursor and changes no
// colour, whatever it answers.
func TestServersDoNotWriteOnTerminals(t *testing.T) {
	const escape = "\x1b[2J\x1b]0;x\x07\u009b31m"
	l := newSmallLog(t)
	l.publish(time.Time{})
	said := map[string]any{"keys": map[string]string{"log": l.logKey[:4] + escape + l.logKey[4:]}, "policy": "# " + escape + "\nquorum none\n"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ledger", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(said) })
	mux.HandleFunc("GET /v1/entries/{which}/proof", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(map[string]any{"detail": "not " + escape + "now"})
	})
	files := made[ledger.Source](t)(auditSource(l.dir))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		b, err := files.Read(r.Context(), r.URL.Path[1:])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, args := range [][]string{
		{"context", "add", "small", s.URL, "--trust-first"}, {"policy", "--url", s.URL}, {"prove", "3", "--url", s.URL},
	} {
		_, out, errs := runHere(t, args...)
		if strings.ContainsAny(out+errs, "\x1b\x07\u009b") || out+errs == "" {
			t.Errorf("%s prints %q and %q", args[0], out, errs)
		}
	}
}

// TestFilesDoNotWriteOnTerminals: nor does what somebody gives to be checked.
func TestFilesDoNotWriteOnTerminals(t *testing.T) {
	const escape = "\u009b31m"
	l := newSmallLog(t)
	l.publish(time.Time{})
	v := made[note.Verifier](t)(proof.ParseVerifierKey(l.logKey))
	log := made[*client.Published](t)(client.OpenPublished(t.Context(), made[ledger.Source](t)(auditSource(l.dir)), v, proof.NoPolicy()))
	opened, added := made[proof.Proof](t)(log.Prove(t.Context(), 0)), made[proof.Proof](t)(log.Prove(t.Context(), 1))
	receipt := made[[]byte](t)(note.Sign(&note.Note{Text: "a promise\n" + escape + "\n"}, l.receipt))
	file := filepath.Join(t.TempDir(), "evidence")
	e := proof.Evidence{Kind: proof.EvidenceReceipt, Opened: &opened, Notes: [][]byte{receipt}, Proofs: []proof.Proof{added}}
	if err := os.WriteFile(file, e.Format(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, out, errs := runHere(t, "verify", file, "--key", l.logKey, "--explain")
	if !strings.Contains(out, "message: a promise") || strings.Contains(out+errs, "\u009b") {
		t.Errorf("it prints %q and %q", out, errs)
	}
	if got := oneLine("a\x1b[2J\tb\u009b c\u202e"); got != "a?[2J b? c?" {
		t.Errorf("one line is %q", got)
	}
}
