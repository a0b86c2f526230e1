package v1

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// SealDesk places seals and ends them. A refusal is a *events.Problem,
// ErrMayNotRead or ErrNotRecorded.
type SealDesk interface {
	PlaceSeal(ctx context.Context, by, approver Officer, o SealOrder) (SealSaid, error)
	ExtendSeal(ctx context.Context, by, approver Officer, seal events.EventName, d SealDates) (SealSaid, error)
	// LiftSeal returns when what was hidden is disclosed. A seal that is lifted
	// already is no error.
	LiftSeal(ctx context.Context, by Officer, seal events.EventName) (SealLifted, error)
	// Seals are those that stand, by the day of their review, as of a local day;
	// reading is where the ledger says that o reads them.
	Seals(ctx context.Context, o Officer, organization string) (list []SealState, asOf string, reading events.Index, err error)
}

// SealOrder is what an officer orders.
type SealOrder struct {
	Person          events.Person
	Ground          string
	ReviewBy, Until string
	Systems         []string
	Case            string
	Oral            bool
	Source, ID      string // of the event that ends it
	Request         string // the same again orders nothing more
}

// SealDates replace those of a seal.
type SealDates struct{ ReviewBy, Until, Request string }

// SealSaid is what became of an order.
type SealSaid struct {
	Seal     events.EventName
	Position events.Index // of the entry that says it
	Repeated bool
	ReviewIn string
}

// SealLifted is where the ledger says that a seal ended, and where that tells the
// person.
type SealLifted struct {
	Seal                events.EventName
	Position, Disclosed events.Index
}

// SealState is a seal that stands.
type SealState struct {
	Seal     events.EventName
	Position events.Index
	Group    string
	PlacedOn string
	ReviewBy string
	Overdue  bool
	LastDay  string // "" when only an event ends it
	Oral     bool
	Systems  []string
	OneCase  bool
	Awaits   bool // an event ends it
}

// Sealed are the seals of an organization that stand.
type Sealed struct {
	Organization string
	AsOf         string
	Seals        []SealState
	Reading      events.Index
}

// Approver is whose token approves an order. One that is nobody's, or of another
// role, is told from none by nothing.
func (o *Office) Approver(token string) (Officer, error) {
	token = strings.TrimSpace(token)
	if token == "" {
		return Officer{}, nil
	}
	who, ok, err := o.Tokens.Find(token)
	if err == nil && !ok {
		err = &events.Problem{Status: http.StatusForbidden, Code: "approver", Detail: "the second token is not that of another officer of the same organization"}
	}
	return who, err
}

// PlaceSeal places a seal that the holder of a second token approves.
func (o *Office) PlaceSeal(ctx context.Context, who Officer, token string, order SealOrder) (SealSaid, error) {
	approver, err := o.Approver(token)
	if err != nil {
		return SealSaid{}, err
	}
	out, err := o.Seals.PlaceSeal(ctx, who, approver, order)
	return out, officerProblem(err)
}

// ExtendSeal gives a seal other dates, which the holder of a second token approves.
func (o *Office) ExtendSeal(ctx context.Context, who Officer, token string, seal events.EventName, d SealDates) (SealSaid, error) {
	approver, err := o.Approver(token)
	if err != nil {
		return SealSaid{}, err
	}
	out, err := o.Seals.ExtendSeal(ctx, who, approver, seal, d)
	return out, officerProblem(err)
}

// LiftSeal ends a seal.
func (o *Office) LiftSeal(ctx context.Context, who Officer, seal events.EventName) (SealLifted, error) {
	out, err := o.Seals.LiftSeal(ctx, who, seal)
	return out, officerProblem(err)
}

// Sealed are the seals that stand of the organization that the request is about.
func (o *Office) Sealed(r *http.Request, who Officer) (Sealed, error) {
	q, err := Query(r, "organization")
	if err != nil {
		return Sealed{}, err
	}
	return o.sealed(r.Context(), who, q)
}

func (o *Office) sealed(ctx context.Context, who Officer, q url.Values) (out Sealed, err error) {
	if out.Organization, err = o.organization(q, who); err != nil {
		return out, err
	}
	out.Seals, out.AsOf, out.Reading, err = o.Seals.Seals(ctx, who, out.Organization)
	return out, officerProblem(err)
}

// onlyOfficers refuses those who read and say nothing.
func onlyOfficers(who Officer) error {
	if who.Role == events.Officer {
		return nil
	}
	return &events.Problem{Status: http.StatusForbidden, Code: "role", Detail: "only an officer does this"}
}

// sealOrder reads an order.
func sealOrder(r *http.Request) (SealOrder, error) {
	o, err := order(r, "person", "ground", "reviewBy", "until", "systems", "caseRef", "oral", "releasedBy")
	if err != nil {
		return SealOrder{}, err
	}
	out := SealOrder{Request: r.Header.Get(RequestHeader)}
	if out.Person, err = orderPerson(o); err != nil {
		return out, err
	}
	if err = orderTexts(o, map[string]*string{"ground": &out.Ground, "reviewBy": &out.ReviewBy, "until": &out.Until, "caseRef": &out.Case}); err != nil {
		return out, err
	}
	wrong := func(name, detail string) error {
		return &events.Problem{Status: 422, Code: "wrong-type", Pointer: "/" + name, Detail: detail}
	}
	if v, given := o.Get("oral"); given {
		if out.Oral = v.Bool(); string(v.Append(nil)) != "true" && string(v.Append(nil)) != "false" {
			return out, wrong("oral", "must be true or false")
		}
	}
	if v, given := o.Get("systems"); given {
		out.Systems = v.Texts()
		if list, ok := v.AsList(); !ok || len(list) == 0 || len(out.Systems) != len(list) || slices.Contains(out.Systems, "") {
			return out, wrong("systems", "must be a list of references")
		}
	}
	if v, given := o.Get("releasedBy"); given {
		m, err := members(v, "/releasedBy", "source", "id")
		if err != nil {
			return out, err
		}
		err = orderTexts(m, map[string]*string{"source": &out.Source, "id": &out.ID})
		if out.Source == "" || out.ID == "" || err != nil {
			return out, wrong("releasedBy", "must have source and id, as text")
		}
	}
	return out, nil
}

// RequestHeader names a request, so that the same one sent again, when its answer
// was lost, orders nothing more.
const RequestHeader = "Idempotency-Key"

// sealName reads which seal a path names.
func sealName(r *http.Request) (events.EventName, error) {
	name, ok := events.ParseEventName(r.PathValue("seal"))
	if !ok {
		return name, NotFound("there is no such seal; it goes by the public name of the event that placed it")
	}
	return name, nil
}
