package v1

import (
	"net/http"
	"net/url"

	"github.com/daybook-ledger/daybook/projections"
)

func (f *findingCountsJSON) add(organization string, byRule map[int]int) {
	f.ByOrganization[organization] = byRule
	for _, n := range byRule {
		f.Findings += n
	}
}

func (a *API) findings(w http.ResponseWriter, r *http.Request, _ url.Values) {
	counts, asOf, err := a.shown.Findings()
	if err != nil {
		refused(w, r, err)
		return
	}
	out := findingsJSON{AsOf: asOf, Real: findingCountsJSON{0, map[string]map[int]int{}}, Example: findingCountsJSON{0, map[string]map[int]int{}}}
	for _, rule := range projections.Rules() {
		out.Rules = append(out.Rules, ruleJSON{rule.Number, rule.Name, rule.Question})
	}
	for organization, byRule := range counts {
		if projections.IsExample(organization) {
			out.Example.add(organization, byRule)
		} else {
			out.Real.add(organization, byRule)
		}
	}
	write(w, r, out)
}

func newShareJSON(s projections.Share) shareJSON {
	return shareJSON{
		s.Position, s.Name.String(), s.Organization, s.Recipient, s.Dataset, s.DisclosureClass, s.LegalStandard, s.Agreement, s.Day, s.ReceivedBy,
	}
}

func (a *API) sharing(w http.ResponseWriter, r *http.Request, _ url.Values) {
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
	out := sharingJSON{sharedJSON{s.Real, []shareTotalJSON{}}, sharedJSON{s.Example, []shareTotalJSON{}}, make([]shareJSON, len(s.Shares)), s.Next}
	for _, t := range s.Totals {
		of := &out.Real
		if projections.IsExample(t.Organization) {
			of = &out.Example
		}
		of.Totals = append(of.Totals, shareTotalJSON(t))
	}
	for i, share := range s.Shares {
		out.Shares[i] = newShareJSON(share)
	}
	write(w, r, out)
}

func newRetentionJSON(d projections.Retention) retentionJSON {
	return retentionJSON{
		d.Dataset, d.Organization, d.Period, d.Trigger, d.Method, d.Set, d.Since, d.Deleted, d.DeletedBy, d.Deletions, d.Due, string(d.Status),
	}
}

func (a *API) retention(w http.ResponseWriter, r *http.Request, _ url.Values) {
	now := a.shown.Time()
	reader, _ := a.shown.Reader()
	datasets, err := reader.Retention(now)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := retentionsJSON{now.Format("2006-01-02"), []retentionJSON{}, []retentionJSON{}}
	for _, d := range datasets {
		if projections.IsExample(d.Organization) {
			out.Example = append(out.Example, newRetentionJSON(d))
		} else {
			out.Real = append(out.Real, newRetentionJSON(d))
		}
	}
	write(w, r, out)
}
