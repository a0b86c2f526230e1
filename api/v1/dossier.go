package v1

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// MaxDossier is the most entries that one page of a dossier has.
const MaxDossier = 100

// Inquiry is what an officer asks about one person. It comes in a request's body
// and never in an address, which is written down in many places.
type Inquiry struct {
	Organization string             // whose entries
	Person       events.Person      // scheme and value
	Reader       projections.Reader // of what is published
	After        *events.Index
	Limit        int
}

// Dossier is one page of what an organization recorded about a person.
type Dossier struct {
	Organization string
	Matters      []Matter
	Next         *events.Index  // the after of the next page, nil on the last
	Readings     []events.Index // where the ledger says that this was read
}

// Matter is one entry about a person, with what was sealed in it.
type Matter struct {
	projections.Mention
	Entry   *events.Entry
	Details []events.Disclosure
	Sealed  string // why there are none, "" when there are
	Others  int    // how many persons it concerns beside her; what they share stays closed
	// Head is the head of the bulk event that this is a part of, nil for others.
	Head        *events.Entry
	HeadAt      events.Index
	HeadDetails []events.Disclosure
}

// Dossier is the page that an inquiry asks for.
func (o *Office) Dossier(r *http.Request, who Officer, q Inquiry) (Dossier, error) {
	q.Reader, _ = o.Shown.Reader()
	out, err := o.Desk.Dossier(r.Context(), who, q)
	out.Organization = q.Organization
	return out, officerProblem(err)
}

type whomJSON struct {
	Scheme string `json:"scheme" doc:"What the identifier is, as plate or email."`
	Value  string `json:"value" doc:"The identifier."`
}

// Inquiry reads what the body of a request asks.
func (o *Office) Inquiry(r *http.Request, who Officer) (Inquiry, error) {
	in, err := order(r, "person", "organization", "after", "limit")
	if err != nil {
		return Inquiry{}, err
	}
	person, err := orderPerson(in)
	if err != nil {
		return Inquiry{}, err
	}
	organization, _ := in.Get("organization")
	q, err := o.About(who, organization.Text(), person.Scheme, person.Value)
	if err != nil {
		return q, err
	}
	if after, given := in.Get("after"); given {
		i := events.Index(after.Int())
		if after.Int() < 0 || after.Int() == 0 && string(after.Append(nil)) != "0" {
			return q, malformed("/after", "must be a position, a whole number from 0")
		}
		q.After = &i
	}
	if limit, given := in.Get("limit"); given {
		if q.Limit = int(limit.Int()); q.Limit < 1 || q.Limit > MaxDossier {
			return q, malformed("/limit", "must be a number from 1 to 100")
		}
	}
	return q, nil
}

func malformed(pointer, detail string) *events.Problem {
	return &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed", Pointer: pointer, Detail: detail}
}

// About is an inquiry about the person of an identifier.
func (o *Office) About(who Officer, organization, scheme, value string) (Inquiry, error) {
	q := Inquiry{Person: events.Person{Scheme: strings.TrimSpace(scheme), Value: strings.TrimSpace(value)}}
	if q.Person.Scheme == "" || !events.IsReference(q.Person.Scheme) {
		return q, malformed("/person/scheme", "must be what the identifier is, as plate or email")
	}
	if q.Person.Value == "" {
		return q, malformed("/person/value", "must be the identifier")
	}
	name, err := o.organization(url.Values{"organization": {organization}}, who)
	var p *events.Problem
	if errors.As(err, &p) && p.Pointer == "?organization" {
		in := *p
		in.Pointer = "/organization"
		err = &in
	}
	q.Organization = name
	return q, err
}
