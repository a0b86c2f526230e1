package v1

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Officers answers officers in JSON and CSV.
type Officers struct{ office *Office }

// NewOfficers makes the officers' side of the API.
func NewOfficers(office *Office) *Officers { return &Officers{office} }

type useJSON struct {
	Position     events.Index `json:"position" doc:"Where its entry stands in the log, counted from 0."`
	Kind         string       `json:"kind" doc:"Its kind, as data.accessed."`
	Organization string       `json:"organization" doc:"Who used the data."`
	System       string       `json:"system,omitempty" doc:"With what; ? when the register does not know it."`
	Dataset      string       `json:"dataset,omitempty" doc:"Which data, also where the public is not told."`
	Actor        string       `json:"actor,omitempty" doc:"The pseudonym of the member of staff; absent when nobody was named."`
	Role         string       `json:"role,omitempty" doc:"The role in which they acted."`
	Unit         string       `json:"unit,omitempty" doc:"The unit for which they acted."`
	Day          string       `json:"day" format:"date" doc:"The day it happened, in the organization's time zone."`
	Hour         int          `json:"hour" doc:"The hour in which it happened there."`
	HasReason    bool         `json:"hasReason" doc:"Whether a reason was given; what it says is among the details."`
	Entry        entryBytes   `json:"entry" doc:"The public entry, byte for byte."`
	Proof        string       `json:"proof" doc:"The address of its proof."`
}

func newUsesJSON(uses []projections.Use) ([]useJSON, error) {
	out := make([]useJSON, len(uses))
	for i, u := range uses {
		e, err := events.ParseEntry(u.Entry)
		if err != nil {
			return nil, err
		}
		out[i] = useJSON{
			u.Position, e.Kind.Name, u.Organization, u.System, u.Dataset, u.Actor, u.Role, u.Unit, u.Day, u.Hour, u.HasReason, entryBytes(u.Entry), proofHref(u.Position),
		}
	}
	return out, nil
}

// proofHref is where the proof of the entry at i is.
func proofHref(i events.Index) string {
	return "/v1/entries/" + strconv.FormatUint(uint64(i), 10) + "/proof"
}

type trailJSON struct {
	Organization string        `json:"organization" doc:"Whose records these are."`
	Uses         []useJSON     `json:"uses" nullable:"false" doc:"In the order of the log."`
	Facets       *facetsJSON   `json:"facets,omitempty" doc:"How all uses chosen are spread; absent in what is saved."`
	Next         *events.Index `json:"next" doc:"The after of the next page; null on the last."`
	Reading      events.Index  `json:"reading" doc:"The entry by which the ledger says that this was read."`
}

type facetsJSON struct {
	Uses     int            `json:"uses" doc:"How many were counted."`
	Complete bool           `json:"complete" doc:"False when there are more than were counted."`
	Systems  map[string]int `json:"systems" doc:"How many with each system."`
	Datasets map[string]int `json:"datasets" doc:"How many of each dataset."`
	Actors   map[string]int `json:"actors" doc:"How many by each member of staff, by pseudonym."`
	Days     map[string]int `json:"days" doc:"How many on each local day."`
	Kinds    map[string]int `json:"kinds" doc:"How many of each kind."`
	Roles    map[string]int `json:"roles" doc:"How many in each role."`
	Units    map[string]int `json:"units" doc:"How many for each unit."`
}

func (o *Officers) trail(w http.ResponseWriter, r *http.Request, who Officer) {
	t, err := o.office.Trail(r, who, 0)
	out := trailJSON{Organization: t.Organization, Next: t.Next, Reading: t.Reading}
	if err == nil {
		f := t.Facets
		out.Facets = &facetsJSON{f.Uses, f.Complete, f.Systems, f.Datasets, f.Actors, f.Days, f.Kinds, f.Roles, f.Units}
		out.Uses, err = newUsesJSON(t.Uses)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", out)
}

// TrailJSON answers with all uses chosen, to be saved.
func (o *Office) TrailJSON(w http.ResponseWriter, r *http.Request, who Officer) {
	t, err := o.TrailExport(r, who)
	out := trailJSON{Organization: t.Organization, Reading: t.Reading}
	if err == nil {
		out.Uses, err = newUsesJSON(t.Uses)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "trail.json", out)
}

type foundJSON struct {
	Rule         int               `json:"rule" doc:"The number of the rule."`
	Name         string            `json:"name" doc:"What the rule finds."`
	ID           string            `json:"id" doc:"The name of the finding, the same as long as it is about the same matter."`
	Organization string            `json:"organization" doc:"In whose records it is."`
	Code         string            `json:"code" doc:"Which case of the rule it is."`
	Count        uint64            `json:"count" doc:"How many entries; days where the rule is about days, numbers where it is about numbers."`
	Positions    []events.Index    `json:"positions" nullable:"false" doc:"Its first entries, or the first of each day."`
	Proofs       []string          `json:"proofs" nullable:"false" doc:"The addresses of their proofs."`
	Evidence     map[string]string `json:"evidence" doc:"References, codes and pseudonyms that the finding rests on."`
	FirstDay     string            `json:"firstDay" doc:"The first day it is about."`
	LastDay      string            `json:"lastDay" doc:"The last day it is about."`
}

func newFoundJSON(f projections.Finding) foundJSON {
	out := foundJSON{
		f.Rule, ruleName(f.Rule), f.ID, f.Organization, f.Code, f.Count, append([]events.Index{}, f.Positions...), make([]string, len(f.Positions)), f.Evidence, f.FirstDay, f.LastDay,
	}
	for i, p := range f.Positions {
		out.Proofs[i] = proofHref(p)
	}
	return out
}

func ruleName(number int) string {
	for _, rule := range projections.Rules() {
		if rule.Number == number {
			return rule.Name
		}
	}
	return ""
}

type findingListJSON struct {
	Organization string       `json:"organization" doc:"Whose records these are."`
	AsOf         string       `json:"asOf" format:"date" doc:"The UTC day that the findings are judged on."`
	Findings     []foundJSON  `json:"findings" nullable:"false" doc:"By rule."`
	Next         *string      `json:"next" doc:"The after of the next page; null on the last."`
	Reading      events.Index `json:"reading" doc:"The entry by which the ledger says that this was read."`
}

type oneFindingJSON struct {
	AsOf    string       `json:"asOf" format:"date" doc:"The UTC day that the finding is judged on."`
	Finding foundJSON    `json:"finding" doc:"The finding."`
	Reading events.Index `json:"reading" doc:"The entry by which the ledger says that this was read."`
}

func newFindingListJSON(f Found) findingListJSON {
	out := findingListJSON{Organization: f.Organization, AsOf: f.AsOf, Findings: make([]foundJSON, len(f.Findings)), Reading: f.Reading}
	for i, x := range f.Findings {
		out.Findings[i] = newFoundJSON(x)
	}
	if f.Next != "" {
		out.Next = &f.Next
	}
	return out
}

func (o *Officers) findings(w http.ResponseWriter, r *http.Request, who Officer) {
	f, err := o.office.Findings(r, who, projections.DefaultLimit)
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", newFindingListJSON(f))
}

// FindingsJSON answers with all findings chosen, to be saved.
func (o *Office) FindingsJSON(w http.ResponseWriter, r *http.Request, who Officer) {
	f, err := o.FindingsExport(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "findings.json", newFindingListJSON(f))
}

func (o *Officers) finding(w http.ResponseWriter, r *http.Request, who Officer) {
	f, err := o.office.Finding(r, who, r.PathValue("finding"))
	if err != nil {
		refused(w, r, err)
		return
	}
	writePrivate(w, r, "", oneFindingJSON{f.AsOf, newFoundJSON(f.Findings[0]), f.Reading})
}

// SealedValue is the value of a sealed field, in JSON.
type SealedValue []byte

// MarshalJSON is the value itself.
func (b SealedValue) MarshalJSON() ([]byte, error) { return b, nil }

// Schema takes any value.
func (SealedValue) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// Detail is a sealed field that is opened.
type Detail struct {
	Name       string      `json:"name" doc:"The field, by its path in the event."`
	Value      SealedValue `json:"value" doc:"What it says."`
	Disclosure string      `json:"disclosure" doc:"The disclosure, as RFC 9901 has it; its digest is in the entry."`
}

type detailsJSON struct {
	Position events.Index `json:"position" doc:"Where the entry stands in the log, counted from 0."`
	Event    string       `json:"event" doc:"The public name of the event."`
	Entry    entryBytes   `json:"entry" doc:"The public entry, byte for byte."`
	Details  []Detail     `json:"details" nullable:"false" doc:"What was sealed, and is opened here."`
	Sealed   string       `json:"sealed,omitempty" doc:"Why nothing could be opened; absent when something was."`
	Reading  events.Index `json:"reading" doc:"The entry by which the ledger says that this was read."`
}

func (o *Officers) details(w http.ResponseWriter, r *http.Request, who Officer) {
	if _, err := Query(r); err != nil {
		refused(w, r, err)
		return
	}
	i, opened, err := o.office.Open(r.Context(), who, r.PathValue("entry"))
	if err != nil {
		refused(w, r, err)
		return
	}
	e := opened.Entry
	out := detailsJSON{i, e.Name().String(), e.Append(nil), make([]Detail, len(opened.Details)), opened.Sealed, opened.Reading}
	for i, d := range opened.Details {
		out.Details[i] = Detail{d.Name, d.Value.Append(nil), d.Encode()}
	}
	writePrivate(w, r, "", out)
}

// writePrivate answers an officer with v in JSON, to be saved as name where there
// is one. Nobody keeps a copy on the way, and no other site may read it.
func writePrivate(w http.ResponseWriter, r *http.Request, name string, v any) {
	body, err := encode(v)
	if err != nil {
		Fail(w, r, err)
		return
	}
	SendPrivate(w, "application/json", name, body)
}

// SendPrivate answers with what nobody keeps a copy of on the way, to be saved as
// name where there is one.
func SendPrivate(w http.ResponseWriter, contentType, name string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if name != "" {
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // who asked is gone; the reading is on record all the same
}
