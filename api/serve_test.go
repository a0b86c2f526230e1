package api_test

import (
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// TestServe serves the real records for looking at them; scratch, deleted.
func TestServe(t *testing.T) {
	if os.Getenv("SERVE") == "" {
		t.Skip()
	}
	w := newWorld(t)
	w.real()
	w.say("example", "system.registered", "2026-06-24T08:30:00Z", `{"system":"example/clinic","name":"Clinic records","kind":"database"}`)
	w.say("example", "data.accessed", "2026-06-24T08:30:00Z", `{"system":"example/clinic","operation":"Consult","outcome":"success","purpose":"ServiceProvision","legalBasis":"eu-gdpr:A6-1-e","subjects":{"mode":"single","persons":[{"scheme":"plate","value":"ABC"}]}}`)
	w.publish()
	w.signed = time.Now()
	w.now = time.Now().Add(12 * time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:8499")
	check(t, err)
	http.Serve(l, w.handler)
}
