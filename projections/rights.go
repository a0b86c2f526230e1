package projections

import (
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// grantPrefix are the grants an organization ever issued to a unit and role.
const grantPrefix = "fg"

// foldAgreement is rule 4: a disclosure of data about people that no agreement in
// force on its day allows. Emergencies have a code of their own, as they may be
// allowed without one. One finding for each recipient, dataset, agreement and
// reason.
func foldAgreement(o *observation) error {
	if o.e.Kind.Name != "data.shared" || !o.isUse() {
		return nil
	}
	id, recipient := o.e.Text("agreement"), o.e.Text("recipient")
	agreement, ok, err := o.known("agreement", id)
	if err != nil {
		return err
	}
	a := values{agreement.fields}
	isParty := func(organization string) bool {
		return organization != events.Unknown && slices.Contains(a.list("parties"), organization)
	}
	reason := ""
	switch {
	case id == "":
		reason = "none-named"
	case !ok:
		reason = "unknown"
	case agreement.over(o.day):
		reason = "ended"
	case a.text("expires") < o.day:
		reason = "expired"
	case !slices.Contains(a.list("datasets"), o.m.fold.Dataset):
		reason = "other-dataset"
	case !isParty(recipient):
		reason = "other-recipient"
	case agreement.organization != o.organization && !isParty(o.organization):
		reason = "others-agreement"
	default:
		return nil
	}
	f := finding{rule: RuleRight, code: "no-agreement", evidence: texts("agreement", id, "dataset", o.m.fold.Dataset, "reason", reason, "recipient", recipient)}
	if o.e.Text("disclosureClass") == "exigent" {
		f.code = "exigent"
	}
	return o.found(f)
}

// over says that an object had ended before a day; the day it ends on is its
// last.
func (s state) over(on string) bool { return s.ended != "" && s.ended < on }

// issue remembers a grant under the unit and role it names now.
func (o *observation) issue(id string, grant values) error {
	o.b.put(part(grantPrefix, o.organization), nil)
	key := part(grantPrefix, o.organization, grant.text("unit"), grant.text("role"))
	ids, err := o.b.get(key)
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Fields(string(ids)), id) {
		o.b.put(key, append(append(slices.Clone(ids), id...), ' '))
	}
	return nil
}

// foldGrant is rule 7, once an organization has issued a grant: a use by a unit
// and role to which no grant of its own allows the dataset on that day, and the
// purpose where the event states one. Uses other than looking something up are
// judged when they name an actor, as machines collect without one. One finding
// for each unit, role and dataset.
func foldGrant(o *observation) error {
	unit, role := o.m.fold.Unit, o.m.fold.Role
	if !o.isUse() || o.e.Kind.Name != "data.accessed" && unit+role+o.m.fold.Actor == "" {
		return nil
	}
	if issued, err := o.b.get(part(grantPrefix, o.organization)); issued == nil || err != nil {
		return err
	}
	ids, err := o.b.get(part(grantPrefix, o.organization, unit, role))
	if err != nil {
		return err
	}
	best := grantNone
	for id := range strings.FieldsSeq(string(ids)) {
		grant, _, err := o.known("grant", id)
		if err != nil {
			return err
		}
		best = max(best, o.allowed(grant))
	}
	if best == grantLive {
		return nil
	}
	code := [...]string{"no-grant", "not-live", "other-purpose"}[best]
	return o.found(finding{rule: RuleGrant, code: code, evidence: texts("dataset", o.m.fold.Dataset, "role", role, "unit", unit)})
}

// How far a grant allows a use.
const (
	grantNone = iota // not to this unit and role, or not this dataset
	grantOver        // not on this day
	grantElse        // not for this purpose
	grantLive
)

func (o *observation) allowed(grant state) int {
	g, f := values{grant.fields}, o.m.fold
	purpose := o.e.Text("purpose")
	switch {
	case g.text("unit") != f.Unit || g.text("role") != f.Role || f.Dataset != "" && !slices.Contains(g.list("datasets"), f.Dataset):
		return grantNone
	case o.day < g.text("from") || o.day > g.text("until") || grant.over(o.day):
		return grantOver
	case purpose != "" && !slices.Contains(g.list("purposes"), purpose):
		return grantElse
	}
	return grantLive
}
