package v1

import (
	"net/http"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

type ruleJSON struct {
	Number   int    `json:"number"`
	Name     string `json:"name"`
	Question string `json:"question"`
}

// findingsJSON are counts, and nothing else of a finding.
type findingsJSON struct {
	Findings       int                    `json:"findings"`
	ByOrganization map[string]map[int]int `json:"byOrganization"`
}

func (f *findingsJSON) add(organization string, byRule map[int]int) {
	f.ByOrganization[organization] = byRule
	for _, n := range byRule {
		f.Findings += n
	}
}

func (a *API) findings(w http.ResponseWriter, r *http.Request) {
	_, err := Query(r)
	var counts map[string]map[int]int
	var asOf string
	if err == nil {
		counts, asOf, err = a.shown.Findings()
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	out := struct {
		AsOf    string       `json:"asOf"`
		Rules   []ruleJSON   `json:"rules"`
		Real    findingsJSON `json:"real"`
		Example findingsJSON `json:"example"`
	}{AsOf: asOf, Real: findingsJSON{0, map[string]map[int]int{}}, Example: findingsJSON{0, map[string]map[int]int{}}}
	for _, rule := range projections.Rules() {
		out.Rules = append(out.Rules, ruleJSON{rule.Number, rule.Name, rule.Question})
	}
	for organization, byRule := range counts {
		if organization == projections.ExampleOrganization {
			out.Example.add(organization, byRule)
		} else {
			out.Real.add(organization, byRule)
		}
	}
	write(w, r, out)
}

type shareJSON struct {
	Position        events.Index  `json:"position"`
	Event           string        `json:"event"`
	Organization    string        `json:"organization"`
	Recipient       string        `json:"recipient,omitempty"`
	Dataset         string        `json:"dataset,omitempty"`
	DisclosureClass string        `json:"disclosureClass,omitempty"`
	LegalStandard   string        `json:"legalStandard,omitempty"`
	Agreement       string        `json:"agreement,omitempty"`
	Day             string        `json:"day"`
	ReceivedBy      *events.Index `json:"receivedBy"`
}

func newShareJSON(s projections.Share) shareJSON {
	return shareJSON{
		s.Position, s.Name.String(), s.Organization, s.Recipient, s.Dataset, s.DisclosureClass, s.LegalStandard, s.Agreement, s.Day, s.ReceivedBy,
	}
}

type shareTotalJSON struct {
	Month           string `json:"month"`
	Organization    string `json:"organization"`
	Recipient       string `json:"recipient,omitempty"`
	Dataset         string `json:"dataset,omitempty"`
	DisclosureClass string `json:"disclosureClass,omitempty"`
	LegalStandard   string `json:"legalStandard,omitempty"`
	Agreement       string `json:"agreement,omitempty"`
	Count           uint64 `json:"count"`
}

type sharedJSON struct {
	Count  uint64           `json:"count"`
	Totals []shareTotalJSON `json:"totals"`
}

func (a *API) sharing(w http.ResponseWriter, r *http.Request) {
	f, err := ShareFilter(r)
	var s projections.Sharing
	if err == nil {
		reader, _ := a.shown.Reader()
		s, err = reader.Sharing(f)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	out := struct {
		Real    sharedJSON    `json:"real"`
		Example sharedJSON    `json:"example"`
		Shares  []shareJSON   `json:"shares"`
		Next    *events.Index `json:"next"`
	}{sharedJSON{s.Real, []shareTotalJSON{}}, sharedJSON{s.Example, []shareTotalJSON{}}, make([]shareJSON, len(s.Shares)), s.Next}
	for _, t := range s.Totals {
		of := &out.Real
		if t.Organization == projections.ExampleOrganization {
			of = &out.Example
		}
		of.Totals = append(of.Totals, shareTotalJSON(t))
	}
	for i, share := range s.Shares {
		out.Shares[i] = newShareJSON(share)
	}
	write(w, r, out)
}

type retentionJSON struct {
	Dataset      string        `json:"dataset"`
	Organization string        `json:"organization"`
	Period       string        `json:"period"`
	Trigger      string        `json:"trigger,omitempty"`
	Method       string        `json:"method,omitempty"`
	Set          events.Index  `json:"set"`
	Since        string        `json:"since"`
	Deleted      string        `json:"deleted,omitempty"`
	DeletedBy    *events.Index `json:"deletedBy"`
	Deletions    uint64        `json:"deletions"`
	Due          string        `json:"due,omitempty"`
	Status       string        `json:"status"`
}

func newRetentionJSON(d projections.Retention) retentionJSON {
	return retentionJSON{
		d.Dataset, d.Organization, d.Period, d.Trigger, d.Method, d.Set, d.Since, d.Deleted, d.DeletedBy, d.Deletions, d.Due, string(d.Status),
	}
}

func (a *API) retention(w http.ResponseWriter, r *http.Request) {
	_, err := Query(r)
	now := a.shown.Time()
	var datasets []projections.Retention
	if err == nil {
		reader, _ := a.shown.Reader()
		datasets, err = reader.Retention(now)
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	out := struct {
		AsOf    string          `json:"asOf"`
		Real    []retentionJSON `json:"real"`
		Example []retentionJSON `json:"example"`
	}{now.Format("2006-01-02"), []retentionJSON{}, []retentionJSON{}}
	for _, d := range datasets {
		if d.Organization == projections.ExampleOrganization {
			out.Example = append(out.Example, newRetentionJSON(d))
		} else {
			out.Real = append(out.Real, newRetentionJSON(d))
		}
	}
	write(w, r, out)
}
