package intake

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Ledger is what the door needs of it: promises now, proofs when anchored.
type Ledger interface {
	Receipt(lines ...proof.ReceiptLine) ([]byte, error)
	WaitFor(ctx context.Context, size events.Size) error
	Prove(ctx context.Context, i events.Index) (proof.Proof, error)
}

// anchorWait is how long ?wait=anchored holds an answer back for the proof.
const anchorWait = 5 * time.Second

// Door is the HTTP door, POST /v1/events.
type Door struct {
	Writer *Writer
	Tokens *Tokens
	Ledger Ledger
}

// result is what a sender learns of one event.
type result struct {
	Status    int             `json:"status"`
	Position  *events.Index   `json:"position,omitempty"`
	Event     string          `json:"event,omitempty"`
	EntryHash string          `json:"entryHash,omitempty"`
	Problem   *events.Problem `json:"problem,omitempty"`
	Proof     string          `json:"proof,omitempty"`
	Receipt   string          `json:"receipt,omitempty"`
}

// ServeHTTP takes one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	grant, p := d.authorize(r)
	if p != nil {
		answerProblem(w, p)
		return
	}
	wait := r.URL.Query().Get("wait")
	if wait != "" && wait != "anchored" {
		answerProblem(w, &events.Problem{Status: 422, Code: "malformed", Detail: "wait takes the value anchored"})
		return
	}
	in, p := readBody(w, r)
	if p != nil {
		answerProblem(w, p)
		return
	}
	results, p := d.take(r.Context(), grant, in)
	if p != nil {
		answerProblem(w, p)
		return
	}
	if wait == "anchored" {
		d.prove(r.Context(), results)
	}
	receipt, p := d.receipt(results)
	if p != nil {
		answerProblem(w, p)
		return
	}
	if in.batch {
		answerJSON(w, http.StatusOK, struct {
			Results []result `json:"results"`
			Receipt string   `json:"receipt,omitempty"`
		}{results, receipt})
		return
	}
	results[0].Receipt = receipt
	if results[0].Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answerJSON(w, results[0].Status, results[0])
}

// authorize finds what the request's bearer token allows.
func (d *Door) authorize(r *http.Request) (Grant, *events.Problem) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Grant{}, &events.Problem{Status: 401, Code: "no-token", Detail: "send Authorization: Bearer TOKEN"}
	}
	grant, ok, err := d.Tokens.Find(strings.TrimSpace(token))
	if err != nil {
		return Grant{}, unavailable("the tokens cannot be read")
	}
	if !ok {
		return Grant{}, &events.Problem{Status: 401, Code: "unknown-token", Detail: "this ledger does not know the token"}
	}
	return grant, nil
}

// take checks each event, submits the good ones and puts the results in order.
func (d *Door) take(ctx context.Context, grant Grant, in body) ([]result, *events.Problem) {
	results := make([]result, len(in.events))
	var good []Submitted
	var at []int
	for i, v := range in.events {
		s, p := admit(grant, v)
		if p != nil {
			results[i] = result{Status: p.Status, Problem: p}
			continue
		}
		s.Size = in.sizes[i]
		good, at = append(good, s), append(at, i)
	}
	outcomes, err := d.Writer.Submit(ctx, good)
	switch {
	case errors.Is(err, ErrQueueFull):
		return nil, &events.Problem{Status: 429, Code: "queue-full", Detail: "too many events are waiting; send again after Retry-After"}
	case err != nil:
		return nil, unavailable("the ledger is stopping")
	}
	for i, o := range outcomes {
		r := result{Status: o.Status, Problem: o.Problem}
		if o.Problem == nil {
			r.Position, r.Event, r.EntryHash = &o.Position, o.Name.String(), o.Hash.String()
		}
		results[at[i]] = r
	}
	return results, nil
}

// admit checks one event against its kind's table and against the token.
func admit(grant Grant, v events.Value) (Submitted, *events.Problem) {
	e, err := events.CheckEvent(v)
	var p *events.Problem
	if errors.As(err, &p) {
		return Submitted{}, p
	}
	if e.Kind.By != grant.Role {
		return Submitted{}, &events.Problem{Status: 403, Code: "role", Pointer: "/type", Detail: "a token for " + string(grant.Role) + " cannot say " + e.Kind.Name}
	}
	if !slices.Contains(grant.Sources, e.Source) {
		return Submitted{}, &events.Problem{Status: 403, Code: "source", Pointer: "/source", Detail: "the source is not one of the token's"}
	}
	organization, p := organizationOf(grant, e)
	if p != nil {
		return Submitted{}, p
	}
	if zone, ok := e.Data.Get("timeZone"); ok {
		if _, err := time.LoadLocation(zone.Text()); err != nil {
			return Submitted{}, &events.Problem{Status: 422, Code: "malformed", Pointer: "/data/timeZone", Detail: "there is no such IANA time zone"}
		}
	}
	return Submitted{Event: e, Organization: organization}, nil
}

// organizationOf is the token's organization; only a registrar's token without
// one names it in the event.
func organizationOf(grant Grant, e *events.Event) (string, *events.Problem) {
	v, given := e.Data.Get("organization")
	_, listed := e.Kind.Field("organization")
	const at = "/data/organization"
	switch {
	case grant.Organization == "" && !given:
		return "", &events.Problem{Status: 422, Code: "missing-field", Pointer: at, Detail: "a token without organization names it here"}
	case grant.Organization == "":
		if !events.IsReference(v.Text()) {
			return "", &events.Problem{Status: 422, Code: "malformed", Pointer: at, Detail: "must be a reference"}
		}
		return v.Text(), nil
	case given && listed && v.Text() != grant.Organization:
		return "", &events.Problem{Status: 403, Code: "organization", Pointer: at, Detail: "the token speaks for another organization"}
	case given && !listed:
		return "", &events.Problem{Status: 422, Code: "unknown-field", Pointer: at, Detail: "the organization is the token's"}
	}
	return grant.Organization, nil
}

// prove adds the proof to each accepted result that is published in time.
func (d *Door) prove(ctx context.Context, results []result) {
	size := events.Size(0)
	for _, r := range results {
		if r.Position != nil {
			size = max(size, events.Size(*r.Position)+1)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, anchorWait)
	defer cancel()
	if size == 0 || d.Ledger.WaitFor(ctx, size) != nil {
		return
	}
	for i, r := range results {
		if r.Position == nil {
			continue
		}
		if p, err := d.Ledger.Prove(ctx, *r.Position); err == nil {
			results[i].Proof = string(p.Format())
		}
	}
}

// receipt signs for what was accepted or repeated, "" when nothing was.
func (d *Door) receipt(results []result) (string, *events.Problem) {
	var lines []proof.ReceiptLine
	for _, r := range results {
		if r.Position != nil {
			hash, _ := events.ParseDigest(r.EntryHash)
			lines = append(lines, proof.ReceiptLine{Index: *r.Position, EntryHash: hash})
		}
	}
	if len(lines) == 0 {
		return "", nil
	}
	slices.SortFunc(lines, func(a, b proof.ReceiptLine) int { return int(int64(a.Index) - int64(b.Index)) })
	note, err := d.Ledger.Receipt(slices.Compact(lines)...)
	if err != nil {
		return "", &events.Problem{Status: 500, Code: "no-receipt", Detail: "the events are stored and the receipt could not be signed; send them again for one"}
	}
	return string(note), nil
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the sender has gone when this fails
}

func answerProblem(w http.ResponseWriter, p *events.Problem) {
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="daybook"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.Append(nil)) // the sender has gone when this fails
}
