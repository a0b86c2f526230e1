package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Ledger is what the doors need of it: promises now, proofs when anchored.
type Ledger interface {
	Receipt(lines ...proof.ReceiptLine) ([]byte, error)
	WaitFor(ctx context.Context, size events.Size) error
	Prove(ctx context.Context, i events.Index) (proof.Proof, error)
}

// anchorWait is how long a sender who waits for the proof is made to wait.
const anchorWait = 5 * time.Second

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

// reply is what goes back to a sender, by whichever door it came.
type reply struct {
	status  int
	problem *events.Problem // why nothing was looked at, or of a single event why it was refused
	body    any             // JSON, or nil when the problem is all there is to say
}

func refusal(p *events.Problem) reply { return reply{status: p.Status, problem: p} }

// later says that the same request may be taken a moment from now.
func (r reply) later() bool {
	return r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable
}

// encode is the reply's bytes and their content type.
func (r reply) encode() ([]byte, string) {
	if r.body == nil {
		return r.problem.Append(nil), "application/problem+json"
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r.body) // strings, integers and problems always encode
	return b.Bytes(), "application/json"
}

// checkWait says what is wrong with the wish to wait.
func checkWait(wait string) *events.Problem {
	if wait != "" && wait != "anchored" {
		return &events.Problem{Status: 422, Code: "malformed", Detail: "wait takes the value anchored"}
	}
	return nil
}

// answer takes what a request carries and says what became of it. With wait it
// holds the answer back for the proofs.
func (d *Door) answer(ctx context.Context, grant Grant, in body, wait bool) reply {
	results, p := d.take(ctx, grant, in)
	if p != nil {
		return refusal(p)
	}
	if wait {
		d.prove(ctx, results)
	}
	receipt, p := d.receipt(results)
	if p != nil {
		return refusal(p)
	}
	if in.batch {
		return reply{status: http.StatusOK, body: struct {
			Results []result `json:"results"`
			Receipt string   `json:"receipt,omitempty"`
		}{results, receipt}}
	}
	results[0].Receipt = receipt
	return reply{status: results[0].Status, problem: results[0].Problem, body: results[0]}
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
	var closed *events.Problem
	switch {
	case errors.As(err, &closed):
		return nil, closed
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
	if e.Kind.By == events.Officer && grant.Role == events.Officer {
		return Submitted{}, &events.Problem{Status: 403, Code: "desk", Pointer: "/type", Detail: "officers say " + e.Kind.Name + " at their desk, under /v1/officer, which puts it in the right trail"}
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

// organizationOf is the token's organization. A registrar may name it in the
// event, and one whose token has none must.
func organizationOf(grant Grant, e *events.Event) (string, *events.Problem) {
	v, given := e.Data.Get("organization")
	const at = "/data/organization"
	switch {
	case grant.Organization == "" && !given:
		return "", &events.Problem{Status: 422, Code: "missing-field", Pointer: at, Detail: "a token without organization names it here"}
	case grant.Organization == "":
		if !events.IsReference(v.Text()) {
			return "", &events.Problem{Status: 422, Code: "malformed", Pointer: at, Detail: "must be a reference"}
		}
		return v.Text(), nil
	case given && v.Text() != grant.Organization:
		return "", &events.Problem{Status: 403, Code: "organization", Pointer: at, Detail: "the token speaks for another organization"}
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
