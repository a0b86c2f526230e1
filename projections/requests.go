package projections

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Request is what a person asked of an organization, and what became of it.
type Request struct {
	Name         events.EventName // of its request.received
	Position     events.Index
	Organization string
	Request      string // access, erasure, …
	Day          string // it was received, local
	Due          string // the last day on which it is in time
	Extended     *events.Index
	Decided      *events.Index
	Decision     string        // granted, partly or refused; "" while it is open
	Answered     *events.Index // the latest answer to the person
	Overdue      bool          // undecided after Due
}

const (
	requestPrefix   = "qs" // by organization and name, states
	requestOf       = "qn" // by name: whose it is
	decidedPrefix   = "qd" // by the name of a request.decided: its request, and who has to tell
	taskPrefix      = "qt" // by organization, request and recipient, states
	sharedOf        = "qh" // by handle: whom her data was shared with
	hiddenTrailsOf  = "qo" // by handle: of her hidden trails
	monthsToDecide  = 1    // after GDPR Article 12 (3)
	monthsPostponed = 3
)

// foldRequests keeps what became of requests. Whom the data of each person was
// shared with is kept until her keys are destroyed; then only that they are to be
// told is left, which names nobody.
func foldRequests(b *batch, m *message) error {
	if counterpart := m.entry.Text("counterpart"); counterpart != "" {
		if err := closeBy(b, m, counterpart); err != nil {
			return err
		}
	}
	switch m.entry.Kind.Name {
	case "data.shared":
		for _, p := range m.fold.Persons {
			if err := addShare(b, m, p.Handle); err != nil {
				return err
			}
		}
	case "seal.placed":
		if s := m.fold.Seal; s != nil {
			return appendTo(b, append([]byte(hiddenTrailsOf), s.Of[:]...), s.Trail[:])
		}
	case "request.received":
		return foldReceived(b, m)
	case "request.decided":
		return foldDecided(b, m)
	case "request.answered":
		return foldAnswered(b, m)
	case "key.shredded":
		for _, p := range m.fold.Persons {
			if err := forgetShares(b, p.Handle); err != nil {
				return err
			}
		}
	}
	return nil
}

func foldReceived(b *batch, m *message) error {
	e := m.entry
	name, organization := e.Text("event"), e.Text("organization")
	b.put([]byte(requestOf+name), []byte(organization))
	state := texts("day", dayOf(e)).With("position", events.Integer(int64(m.position))).With("request", events.String(e.Text("request")))
	b.setLatest(part(requestPrefix, organization, name), m.position, state.Append(nil))
	return nil
}

// requestAt is the state of the request that an entry is about; its key is nil
// when there is none.
func requestAt(b *batch, m *message) (key []byte, s values, _ error) {
	name := m.entry.Text("about")
	organization, err := b.get([]byte(requestOf + name))
	if err != nil || organization == nil {
		return nil, s, err
	}
	key = part(requestPrefix, string(organization), name)
	value, err := b.lastOf(key)
	if err == nil {
		s, err = stored(value)
	}
	return key, s, err
}

func foldDecided(b *batch, m *message) error {
	key, s, err := requestAt(b, m)
	if err != nil || key == nil {
		return err
	}
	decision, at := m.entry.Text("decision"), events.Integer(int64(m.position))
	if decision == "extended" {
		b.setLatest(key, m.position, s.With("extended", at).Append(nil))
		return nil
	}
	b.setLatest(key, m.position, s.With("decided", at).With("decision", events.String(decision)).Append(nil))
	if decision != "granted" || s.text("request") != "erasure" || len(m.fold.Persons) != 1 {
		return nil
	}
	return openTasks(b, m)
}

func foldAnswered(b *batch, m *message) error {
	recipient := m.entry.Text("recipient")
	if recipient != "" {
		return closeTask(b, m, m.entry.Text("organization"), m.entry.Text("about"), recipient)
	}
	key, s, err := requestAt(b, m)
	if err != nil || key == nil {
		return err
	}
	b.setLatest(key, m.position, s.With("answered", events.Integer(int64(m.position))).Append(nil))
	return nil
}

// Requests are those made of an organization, of any where it is "", as they stand
// at asOf: undecided ones first, by the day they are due, then the others, the
// latest first.
func (r Reader) Requests(asOf time.Time, organization string) ([]Request, error) {
	done, err := r.useOfficers()
	if err != nil {
		return nil, err
	}
	defer done()
	out, err := r.requests(asOf, organization)
	if err != nil {
		return nil, fmt.Errorf("reading the requests: %w", err)
	}
	slices.SortFunc(out, func(a, b Request) int {
		switch {
		case (a.Decided == nil) != (b.Decided == nil):
			return cmp.Compare(btoi(a.Decided != nil), btoi(b.Decided != nil))
		case a.Decided == nil:
			return cmp.Or(cmp.Compare(a.Due, b.Due), cmp.Compare(a.Position, b.Position))
		}
		return cmp.Compare(b.Position, a.Position)
	})
	return out, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r Reader) requests(asOf time.Time, organization string) (out []Request, err error) {
	prefix, whose, depth, ok := byOrganization(requestPrefix, organization, 2)
	if !ok {
		return nil, nil
	}
	days := r.calendar(asOf)
	err = r.latest(prefix, depth, func(key, value []byte) error {
		s, err := stored(value)
		if err != nil {
			return err
		}
		of := strings.Split(whose+string(key), "\x00")
		name, _ := events.ParseEventName(of[1])
		x := Request{
			Name: name, Position: events.Index(s.number("position")), Organization: of[0], Request: s.text("request"), Day: s.text("day"),
			Extended: s.position("extended"), Decided: s.position("decided"), Decision: s.text("decision"), Answered: s.position("answered"),
		}
		today, err := days.today(x.Organization)
		if err != nil {
			return err
		}
		x.Due = dueOf(x)
		x.Overdue = x.Decided == nil && x.Due < today
		out = append(out, x)
		return nil
	})
	return out, err
}

// dueOf is the day of a later month that has the same number, or that month's last.
func dueOf(x Request) string {
	months := monthsToDecide
	if x.Extended != nil {
		months = monthsPostponed
	}
	received, ok := dayOn(x.Day)
	if !ok {
		return ""
	}
	return addMonths(received, months).Format(time.DateOnly)
}

// byOrganization is where the states of an organization begin, or of all; the rest
// of each key has depth values, and whose stands before them.
func byOrganization(prefix, organization string, depth int) (key []byte, whose string, rest int, ok bool) {
	if organization == "" {
		return []byte(prefix), "", depth, true
	}
	return part(prefix, organization), organization + "\x00", depth - 1, clean(organization)
}

// undecided is the part of rule 12 about requests: one finding for each that is
// not decided in time.
func (r Reader) undecided(asOf time.Time) ([]Finding, error) {
	list, err := r.requests(asOf, "")
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, x := range list {
		if !x.Overdue {
			continue
		}
		f := finding{rule: RuleClock, code: "request", evidence: texts("due", x.Due, "received", x.Day, "request", x.Request)}
		out = append(out, single(f, x.Organization, x.Due, x.Position))
	}
	return out, nil
}
