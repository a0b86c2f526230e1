package v1

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// ErrMayNotRead says that what was asked for is not for this officer.
var ErrMayNotRead = errors.New("reading for an officer: it is not for this token")

// ErrNotRecorded says that a reading was not recorded, so nothing is shown.
var ErrNotRecorded = errors.New("recording the reading: the ledger did not take it")

// Officer is who may be shown what the public is not: an officer, or an auditor.
type Officer struct {
	Role         events.Role
	Organization string // "" for an auditor of all
	Name         string // of the token, as records of readings give it
}

// MayRead says that an organization's records are for o.
func (o Officer) MayRead(organization string) bool {
	return o.Role.MayRead(o.Organization, organization)
}

// Reads says that o is somebody who may read anything at all.
func (o Officer) Reads() bool { return o.Role == events.Officer || o.Role == events.Auditor }

// Tokens knows bearer tokens.
type Tokens interface {
	// Find is whose token it is, false when nobody's, or nobody's any more. Its
	// time must say nothing about tokens that are like it.
	Find(token string) (Officer, bool, error)
}

// Desk records readings and opens what is sealed.
type Desk interface {
	// Record returns when the ledger holds that o reads the entries at positions,
	// which filter chose, and where it says so. An error is ErrMayNotRead or
	// ErrNotRecorded.
	Record(ctx context.Context, o Officer, organization, filter string, positions []events.Index) (events.Index, error)
	// Open does the same for one entry, and opens its details.
	Open(ctx context.Context, o Officer, i events.Index) (Opened, error)
	// Dossier opens a page of what an organization recorded about a person, and
	// Statement all that she may see of it. Both are recorded first; that an
	// identifier is malformed is a *events.Problem, and is not.
	Dossier(ctx context.Context, o Officer, q Inquiry) (Dossier, error)
	Statement(ctx context.Context, o Officer, q Inquiry) (Told, error)
}

// Opened are the details of one entry.
type Opened struct {
	Entry   *events.Entry
	Details []events.Disclosure // each committed to by the entry
	Sealed  string              // why there are none, "" when there are
	Reading events.Index        // where the ledger says that they were read
}

// ForOfficer answers a request of somebody who has shown to be an officer.
type ForOfficer func(http.ResponseWriter, *http.Request, Officer)

// Mux takes routes, as *http.ServeMux does.
type Mux interface {
	Handle(pattern string, handler http.Handler)
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

// organization is the one that a request is about: the officer's own, or the one
// that an auditor of all names.
func (o Officer) organization(q url.Values) (string, error) {
	asked := q.Get("organization")
	switch {
	case asked == "" && o.Organization == "":
		return "", parameter("organization", "is required: a reading is recorded for one organization")
	case asked == "":
		return o.Organization, nil
	case !events.IsReference(asked):
		return "", parameter("organization", "must be a reference, of small letters, digits and . _ / @ -")
	case !o.MayRead(asked):
		return "", notForYou()
	}
	return asked, nil
}

func notForYou() *events.Problem {
	return &events.Problem{Status: http.StatusForbidden, Code: "organization", Detail: "the token does not read what this organization recorded"}
}

// officerProblem turns what a desk says into a refusal.
func officerProblem(err error) error {
	switch {
	case errors.Is(err, ErrMayNotRead):
		return notForYou()
	case errors.Is(err, projections.ErrNotKept):
		return notKept(err)
	case errors.Is(err, ErrNotRecorded):
		return &events.Problem{Status: http.StatusServiceUnavailable, Code: "not-recorded", Detail: "the reading could not be recorded, so nothing is shown"}
	}
	return err
}
