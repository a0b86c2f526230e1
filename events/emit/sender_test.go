package emit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering serves each answer in turn, status and body.
func answering(t *testing.T, answers ...string) (*Sender, *int) {
	t.Helper()
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `[{"id":"1"},{"id":"2"}]` || r.Header.Get("Authorization") != "Bearer t" {
			t.Errorf("sent %s with %v", body, r.Header)
		}
		status, text, _ := strings.Cut(answers[calls], " ")
		calls++
		var code int
		fmt.Sscan(status, &code)
		w.WriteHeader(code)
		io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	return &Sender{URL: srv.URL + "/", Token: "t", Attempts: 3}, &calls
}

var two = [][]byte{[]byte(`{"id":"1"}`), []byte(`{"id":"2"}`)}

const good = `200 {"results":[{"status":201,"position":7},{"status":409,"problem":{}}],"receipt":"r"}`

func TestSendTriesAgainWhileBusy(t *testing.T) {
	for _, busy := range []string{"503 ", "429 ", `200 {"results":[{"status":201},{"status":503}]}`, "200 nonsense", `200 {"results":[]}`} {
		s, calls := answering(t, busy, good)
		answer, err := s.Send(context.Background(), two)
		if err != nil || *calls != 2 || answer.Receipt != "r" || !answer.Results[0].Accepted() || answer.Results[1].Accepted() {
			t.Errorf("%s: %v %v after %d calls", busy, answer, err, *calls)
		}
	}
}

func TestSendStopsWhenRefused(t *testing.T) {
	s, calls := answering(t, "401 no")
	_, err := s.Send(context.Background(), two)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Status != 401 || *calls != 1 {
		t.Errorf("%v after %d calls", err, *calls)
	}
}

func TestSendGivesUp(t *testing.T) {
	s, calls := answering(t, "500 ", "500 ", "500 ")
	if _, err := s.Send(context.Background(), two); err == nil || *calls != 3 {
		t.Errorf("%v after %d calls", err, *calls)
	}
	s, _ = answering(t, "503 ", "503 ", "503 ")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Send(ctx, two); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled send ends with %v", err)
	}
}

func TestBatchesKeepTheLimits(t *testing.T) {
	var list [][]byte
	for range 2500 {
		list = append(list, make([]byte, 10))
	}
	list = append(list, make([]byte, MaxBytes-2), make([]byte, 5))
	total := 0
	for _, b := range Batches(list) {
		size := 2
		for _, e := range b {
			size += len(e) + 1
		}
		if len(b) > MaxBatch || size-1 > MaxBytes {
			t.Errorf("a batch of %d events has %d bytes", len(b), size)
		}
		total += len(b)
	}
	if total != len(list) || len(Batches(nil)) != 0 {
		t.Errorf("%d of %d events are in batches", total, len(list))
	}
}
