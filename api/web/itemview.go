package web

import (
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// fives are the answers to the five questions.
type fives struct{ who, what, where, when, why *facts }

// itemQuestions answers the five questions about an object of a register. One
// that the register does not ask of such an object is left out.
func (l *lookup) itemQuestions(i projections.Item, uses []projections.Item) (out []question) {
	var f fives
	switch i.Register {
	case "organization":
		f = l.organizationFacts(i, uses)
	case "system":
		f = l.systemFacts(i, uses)
	case "dataset":
		f = l.datasetFacts(i, uses)
	case "activity":
		f = l.activityFacts(i)
	case "policy":
		f = l.policyFacts(i)
	case "agreement":
		f = l.agreementFacts(i)
	case "grant":
		f = l.grantFacts(i)
	}
	for _, q := range []struct {
		ask string
		*facts
	}{{"Who", f.who}, {"What", f.what}, {"Where", f.where}, {"When", f.when}, {"Why", f.why}} {
		if q.facts != nil {
			out = append(out, question{q.ask, q.out})
		}
	}
	return out
}

func (l *lookup) ask() *facts { return &facts{l: l} }

func list(o events.Object, path string) []string {
	v, _ := o.At(path)
	return v.Texts()
}

func (l *lookup) organizationFacts(i projections.Item, uses []projections.Item) fives {
	o := i.Fields
	who := l.ask().text("Name", text(o, "name")).code("Kind", text(o, "organizationKind")).text("Contact", text(o, "contact")).
		optionalRefs("Part of", "organization", text(o, "parent"))
	what := l.ask().refs("Activities", "activity", ids(uses)...).add("Policies", l.policiesOf(i.ID)...).
		add("Agreements", l.agreementsNaming("parties", i)...).add("Permissions it gave", l.grantsOf(i)...)
	where := l.ask().text("Time zone", strings.ReplaceAll(text(o, "timeZone"), "_", " ")).note("The days of its entries are days in this zone.")
	when := l.registeredOn(i)
	why := l.ask().codes("Purposes", purposes(uses)).note("Taken together from its activities.")
	return fives{who, what, where, when, why}
}

func (l *lookup) systemFacts(i projections.Item, uses []projections.Item) fives {
	o := i.Fields
	who := l.ask().refs("Accountable", "organization", i.Organization).refs("Operated by", "organization", text(o, "operator"))
	what := l.ask().code("Kind", text(o, "systemKind")).text("Description", text(o, "description")).
		optionalRefs("Model", "system", text(o, "model")).refs("Datasets", "dataset", list(o, "datasets")...)
	where := l.ask().text("Address", text(o, "place.address")).text("Coordinates", coordinates(o)).
		text("Mounted on", text(o, "hostAsset")).text("Network", text(o, "network"))
	when := l.ask().text("In use from", day(text(o, "starts"))).text("In use until", day(text(o, "ends")))
	if i.Ended != "" {
		when.text("Out of service since", day(i.Ended))
	}
	when.out = append(when.out, l.registeredOn(i).out...)
	why := l.ask().codes("Purposes", purposes(uses)).refs("Activities", "activity", ids(uses)...)
	why.link("Public notice", text(o, "noticeUrl"))
	return fives{who, what, where, when, why}
}

func coordinates(o events.Object) string {
	lat, lon := text(o, "place.lat"), text(o, "place.lon")
	if lat == "" || lon == "" {
		return ""
	}
	return lat + ", " + lon
}

func (l *lookup) datasetFacts(i projections.Item, uses []projections.Item) fives {
	o := i.Fields
	owner := text(o, "owner")
	who := l.ask().refs("Accountable", "organization", i.Organization).optionalRefs("Owner", "organization", owner).
		add("Who may be given it, by agreement", l.agreementsNaming("datasets", i)...).
		add("Who may use it, by permission", l.grantsOf(i)...)
	what := l.ask().codes("Kinds of data", list(o, "categories")).text("Class", text(o, "classification")).
		text("Personal data", personal[text(o, "pii")]).text("Format", text(o, "format")).text("Licence", text(o, "licence")).
		optionalRefs("Made from", "dataset", list(o, "inputs")...)
	where := l.ask().text("Access", access(o))
	when := l.ask().text("Kept for", kept(o)).optional("Retired on", day(i.Ended))
	if kept(o) != "" {
		when.add("Deletions", value{Text: "how each dataset stands", Href: "/deletions"})
	}
	when.out = append(when.out, l.registeredOn(i).out...)
	why := l.ask().codes("Purposes", purposes(uses)).refs("Activities", "activity", ids(uses)...)
	return fives{who, what, where, when, why}
}

// personal says how far a dataset points to persons.
var personal = map[string]string{
	"none": "none", "indirect": "yes, indirectly", "direct": "yes, directly", "special": "yes, of a specially protected kind",
}

func access(o events.Object) string {
	open, said := o.At("access.open")
	switch reason := text(o, "access.restricted"); {
	case said && open.Bool():
		return "open to everyone"
	case reason != "":
		return "restricted, for reasons of " + term(reason)
	case said:
		return "restricted, the reason is not filled in"
	}
	return ""
}

// kept is the retention period in words.
func kept(o events.Object) string {
	p := text(o, "retention.period")
	if p == "" {
		return ""
	}
	out := period(p)
	if from := text(o, "retention.trigger"); from != "" {
		out += ", counted from: " + term(from)
	}
	if how := text(o, "retention.method"); how != "" {
		out += "; then: " + term(how)
	}
	return out
}

func (l *lookup) activityFacts(i projections.Item) fives {
	o := i.Fields
	who := l.ask().refs("Accountable", "organization", i.Organization).text("Contact", l.field("organization", i.Organization, "contact")).
		refs("Data is given to", "organization", list(o, "recipients")...).
		text("Concerns", subjectModes[text(o, "subjectsExpected")])
	what := l.ask().refs("Datasets", "dataset", list(o, "datasets")...)
	where := l.ask().refs("Systems", "system", list(o, "systems")...)
	when := l.ask()
	categories := l.fromDatasets(when, list(o, "datasets"))
	what.codes("Kinds of data", categories)
	when.out = append(when.out, l.registeredOn(i).out...)
	why := l.ask().codes("Purposes", list(o, "purposes")).code("Legal basis", text(o, "legalBasis")).text("Authority", text(o, "authority"))
	return fives{who, what, where, when, why}
}

func (l *lookup) registeredOn(i projections.Item) *facts {
	if len(i.History) == 0 {
		return l.ask()
	}
	return l.ask().text("Registered on", date(i.History[0].OccurredAt))
}

func ids(items []projections.Item) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = item.ID
	}
	return out
}

// purposes are those of all activities, each once, in the order met.
func purposes(activities []projections.Item) (out []string) {
	seen := map[string]bool{}
	for _, a := range activities {
		for _, p := range list(a.Fields, "purposes") {
			if !seen[p] {
				out = append(out, p)
			}
			seen[p] = true
		}
	}
	return out
}

// maxLooked bounds how many objects of a register one page looks through.
const maxLooked = 500

// activitiesOf are the activities that name the item, or are its own if it is
// an organization.
func (l *lookup) activitiesOf(i projections.Item) ([]projections.Item, error) {
	switch i.Register {
	case "organization", "system", "dataset":
	default:
		return nil, nil
	}
	organization, field := "", i.Register+"s"
	if i.Register == "organization" {
		organization = i.ID
	}
	all, _, err := l.reader.Items("activity", organization, "", maxLooked)
	if err != nil || organization != "" {
		return all, err
	}
	return naming(all, field, i.ID), nil
}

// naming are the items whose list at field has id.
func naming(items []projections.Item, field, id string) (out []projections.Item) {
	for _, i := range items {
		if slices.Contains(list(i.Fields, field), id) {
			out = append(out, i)
		}
	}
	return out
}
