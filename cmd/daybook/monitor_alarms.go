package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"time"
)

// alarm is an alert as a webhook gets it.
type alarm struct {
	Ledger   string `json:"ledger"` // the origin of its log
	Alert    string `json:"alert"`
	Says     string `json:"says"`
	Evidence string `json:"evidence,omitempty"` // the file, on the monitor's machine
	At       string `json:"at"`
	Over     bool   `json:"over,omitempty"` // it is wrong no more
}

// alarms tells each trouble once, until it is over.
type alarms struct {
	ledger string
	flags  monitorFlags
	talk   io.Writer
	now    func() time.Time
	active []string
	queue  chan []byte // for the webhook; nil without one
	first  time.Duration
}

// How many alerts can wait for a webhook, and how long it is given at the end.
const (
	maxAlarms   = 100
	alarmsGrace = 10 * time.Second
)

func newAlarms(ledger string, f monitorFlags, talk io.Writer, now func() time.Time) *alarms {
	a := &alarms{ledger: ledger, flags: f, talk: talk, now: now, first: time.Second}
	if f.webhook != "" {
		a.queue = make(chan []byte, maxAlarms)
	}
	return a
}

// start begins to post to the webhook. What it returns ends that, once all is delivered
// or the time for it is over.
func (a *alarms) start(ctx context.Context) (stop func()) {
	if a.queue == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for body := range a.queue {
			a.deliver(ctx, body)
		}
	}()
	return func() {
		close(a.queue)
		select {
		case <-done:
		case <-time.After(alarmsGrace):
			fmt.Fprintln(a.talk, "the webhook did not take all alerts")
		}
		cancel()
		<-done
	}
}

// deliver posts until it is taken, or ctx ends.
func (a *alarms) deliver(ctx context.Context, body []byte) {
	for wait := a.first; ; wait = min(2*wait, time.Minute) {
		err := a.post(ctx, body)
		if err == nil || ctx.Err() != nil {
			return
		}
		fmt.Fprintf(a.talk, "posting an alert: %v; it is tried again\n", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (a *alarms) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.flags.webhook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if of := new(url.Error); errors.As(err, &of) {
		err = of.Err // without the address, which is often a secret
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answers %d", resp.StatusCode)
	}
	return nil
}

// update tells what is new of all that is wrong now, and what of it is over.
func (a *alarms) update(found []*trouble) {
	var now []string
	for _, t := range found {
		if slices.Contains(now, t.alert) {
			continue
		}
		now = append(now, t.alert)
		if !slices.Contains(a.active, t.alert) {
			a.raise(t)
		}
	}
	for _, alert := range a.active {
		if !slices.Contains(now, alert) {
			fmt.Fprintf(a.talk, "over: %s\n", alert)
			a.send(alarm{Ledger: a.ledger, Alert: alert, Says: "it is over", At: a.stamp(), Over: true})
		}
	}
	a.active = now
}

// raise tells one trouble. Its evidence is in a file before.
func (a *alarms) raise(t *trouble) {
	out := alarm{Ledger: a.ledger, Alert: t.alert, Says: t.Error(), At: a.stamp()}
	if t.evidence != nil {
		var err error
		if out.Evidence, err = writeEvidence(filepath.Join(a.flags.dir, "evidence-"+t.alert), t.evidence); err != nil {
			fmt.Fprintf(a.talk, "%v\n", err)
		}
	}
	says := out.Says
	if out.Evidence != "" {
		says += "; " + out.Evidence + " shows it to anyone, with daybook verify and the log's key"
	}
	fmt.Fprintf(a.talk, "ALERT %s: %s\n", t.alert, says)
	a.send(out)
}

func (a *alarms) stamp() string { return a.now().UTC().Format(time.RFC3339) }

// send leaves an alert to the webhook.
func (a *alarms) send(out alarm) {
	if a.queue == nil {
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		return // texts alone can always be written
	}
	select {
	case a.queue <- body:
	default:
		fmt.Fprintln(a.talk, "the webhook takes no alerts, and too many wait for it: this one is not posted")
	}
}
