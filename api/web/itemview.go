package web

import (
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// itemQuestions answers the five questions about an object of a register.
func (l *lookup) itemQuestions(i projections.Item, uses []projections.Item) []question {
	var who, what, where, when, why *facts
	switch i.Register {
	case "organization":
		who, what, where, when, why = l.organizationFacts(i, uses)
	case "system":
		who, what, where, when, why = l.systemFacts(i, uses)
	case "dataset":
		who, what, where, when, why = l.datasetFacts(i, uses)
	default:
		who, what, where, when, why = l.activityFacts(i)
	}
	return []question{{"Who", who.out}, {"What", what.out}, {"Where", where.out}, {"When", when.out}, {"Why", why.out}}
}

func (l *lookup) ask() *facts { return &facts{l: l} }

func list(o events.Object, path string) []string {
	v, _ := o.At(path)
	return v.Texts()
}

func (l *lookup) organizationFacts(i projections.Item, uses []projections.Item) (who, what, where, when, why *facts) {
	o := i.Fields
	who = l.ask().text("Name", text(o, "name")).code("Kind", text(o, "organizationKind")).text("Contact", text(o, "contact")).
		optionalRefs("Part of", "organization", text(o, "parent"))
	what = l.ask().refs("Activities", "activity", ids(uses)...)
	where = l.ask().text("Time zone", strings.ReplaceAll(text(o, "timeZone"), "_", " ")).note("The days of its entries are days in this zone.")
	when = l.registeredOn(i)
	why = l.ask().codes("Purposes", purposes(uses)).note("Taken together from its activities.")
	return who, what, where, when, why
}

func (l *lookup) systemFacts(i projections.Item, uses []projections.Item) (who, what, where, when, why *facts) {
	o := i.Fields
	who = l.ask().refs("Accountable", "organization", i.Organization).refs("Operated by", "organization", text(o, "operator"))
	what = l.ask().code("Kind", text(o, "systemKind")).text("Description", text(o, "description")).
		optionalRefs("Model", "system", text(o, "model")).refs("Datasets", "dataset", list(o, "datasets")...)
	where = l.ask().text("Address", text(o, "place.address")).text("Coordinates", coordinates(o)).
		optional("Mounted on", text(o, "hostAsset")).optional("Network", text(o, "network"))
	when = l.ask().text("In use from", day(text(o, "starts"))).text("In use until", day(text(o, "ends")))
	if i.Ended != "" {
		when.text("Out of service since", day(i.Ended))
	}
	when.out = append(when.out, l.registeredOn(i).out...)
	why = l.ask().codes("Purposes", purposes(uses)).refs("Activities", "activity", ids(uses)...)
	if u := text(o, "noticeUrl"); u != "" {
		why.add("Public notice", value{Text: u, Href: u})
	} else {
		why.text("Public notice", "")
	}
	return who, what, where, when, why
}

func coordinates(o events.Object) string {
	lat, lon := text(o, "place.lat"), text(o, "place.lon")
	if lat == "" || lon == "" {
		return ""
	}
	return lat + ", " + lon
}

func (l *lookup) datasetFacts(i projections.Item, uses []projections.Item) (who, what, where, when, why *facts) {
	o := i.Fields
	owner := text(o, "owner")
	who = l.ask().refs("Accountable", "organization", i.Organization).optionalRefs("Owner", "organization", owner)
	what = l.ask().codes("Data about", list(o, "categories")).text("Class", text(o, "classification")).
		text("Personal data", personal[text(o, "pii")]).optional("Format", text(o, "format")).optional("Licence", text(o, "licence")).
		optionalRefs("Made from", "dataset", list(o, "inputs")...)
	where = l.ask().text("Access", access(o))
	when = l.ask().text("Kept for", kept(o)).optional("Retired on", day(i.Ended))
	when.out = append(when.out, l.registeredOn(i).out...)
	why = l.ask().codes("Purposes", purposes(uses)).refs("Activities", "activity", ids(uses)...)
	return who, what, where, when, why
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

func (l *lookup) activityFacts(i projections.Item) (who, what, where, when, why *facts) {
	o := i.Fields
	who = l.ask().refs("Accountable", "organization", i.Organization).refs("Data is given to", "organization", list(o, "recipients")...).
		text("Data about", subjectModes[text(o, "subjectsExpected")])
	what = l.ask().refs("Datasets", "dataset", list(o, "datasets")...)
	where = l.ask().refs("Systems", "system", list(o, "systems")...)
	when = l.registeredOn(i)
	why = l.ask().codes("Purposes", list(o, "purposes")).code("Legal basis", text(o, "legalBasis")).text("Authority", text(o, "authority"))
	return who, what, where, when, why
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

// maxActivities bounds how many activities one page looks through.
const maxActivities = 500

// activitiesOf are the activities that name the item, or are its own if it is
// an organization.
func (l *lookup) activitiesOf(i projections.Item) ([]projections.Item, error) {
	if i.Register == "activity" {
		return nil, nil
	}
	organization, field := "", i.Register+"s"
	if i.Register == "organization" {
		organization = i.ID
	}
	all, _, err := l.reader.Items("activity", organization, "", maxActivities)
	if err != nil || organization != "" {
		return all, err
	}
	var out []projections.Item
	for _, a := range all {
		for _, id := range list(a.Fields, field) {
			if id == i.ID {
				out = append(out, a)
			}
		}
	}
	return out, nil
}
