package web

import (
	"errors"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

func (l *lookup) policyFacts(i projections.Item) fives {
	o := i.Fields
	f := fives{
		who: l.ask().refs("Responsible", "organization", i.Organization).text("Contact", l.field("organization", i.Organization, "contact")),
		what: l.ask().text("Title", text(o, "title")).link("Text", text(o, "url")).hash("SHA-256 of the text", text(o, "sha256")).
			note("Whoever has the text can check with this that not a letter was changed."),
		when: l.ask().since(i, "inForce", "In force from", "not in force yet").
			due(i, "reviewBy", "To be reviewed by", "the review is past due").
			due(i, "commentUntil", "Comments are taken until", "closed"),
	}
	return l.registered(f, i)
}

func (l *lookup) agreementFacts(i projections.Item) fives {
	o := i.Fields
	f := fives{
		who: l.ask().refs("Parties", "organization", list(o, "parties")...).refs("Entered by", "organization", i.Organization),
		what: l.ask().refs("Datasets", "dataset", list(o, "datasets")...).flag("May be passed on", o, "onward").
			hash("SHA-256 of the text", text(o, "sha256")).
			add("Shares under it", value{Text: "who received what", Href: sharesHref(i.ID)}),
		when: l.ask().due(i, "expires", "Ends on", "expired"),
		why:  l.ask().codes("Purposes", list(o, "purposes")),
	}
	return l.registered(f, i)
}

func (l *lookup) grantFacts(i projections.Item) fives {
	o := i.Fields
	f := fives{
		who:  l.ask().text("Role", text(o, "role")).text("Unit", text(o, "unit")).refs("Given by", "organization", i.Organization),
		what: l.ask().refs("Datasets", "dataset", list(o, "datasets")...),
		when: l.ask().since(i, "from", "From", "not begun yet").due(i, "until", "Until", "expired"),
		why:  l.ask().codes("Purposes", list(o, "purposes")),
	}
	return l.registered(f, i)
}

// registered adds when the register first had the item.
func (l *lookup) registered(f fives, i projections.Item) fives {
	f.when.out = append(f.when.out, l.registeredOn(i).out...)
	return f
}

// hash adds a SHA-256 as it is written.
func (f *facts) hash(label, s string) *facts {
	if s == "" {
		return f.add(label)
	}
	return f.add(label, value{Code: s})
}

// due adds the last day of something, and past when it is over.
func (f *facts) due(i projections.Item, path, label, past string) *facts {
	d := text(i.Fields, path)
	f.text(label, day(d))
	if d != "" && d < f.l.today(i.Organization) {
		f.note(past)
	}
	return f
}

// since adds the first day of something, and early when it has not begun.
func (f *facts) since(i projections.Item, path, label, early string) *facts {
	d := text(i.Fields, path)
	f.text(label, day(d))
	if d > f.l.today(i.Organization) {
		f.note(early)
	}
	return f
}

// today is the day by which the page judges what an organization said: the day
// whose register it shows, else today where the organization is.
func (l *lookup) today(organization string) string {
	if l.at != "" {
		return l.at
	}
	zone, err := time.LoadLocation(l.field("organization", organization, "timeZone")) // "" is UTC
	if err != nil {
		zone = time.UTC
	}
	return l.now.In(zone).Format(time.DateOnly)
}

// field is one field of an object of a register, "" when there is none.
func (l *lookup) field(register, id, path string) string {
	return text(l.fields(register, id), path)
}

// fields are those of an object of a register, none when it is not there.
func (l *lookup) fields(register, id string) events.Object {
	if id == "" || id == events.Unknown {
		return nil
	}
	item, err := l.reader.Item(register, id)
	if err != nil && !isNotFound(err) {
		l.err = errors.Join(l.err, err)
	}
	return item.Fields
}

// all are the objects of a register, of one organization if it is named.
func (l *lookup) all(register, organization string) []projections.Item {
	items, _, err := l.reader.Items(register, organization, "", maxLooked)
	l.err = errors.Join(l.err, err)
	return items
}

// standing are items as answers, with a word on those that are over.
func (l *lookup) standing(items []projections.Item, last string) []value {
	out := make([]value, len(items))
	for n, i := range items {
		out[n] = l.named(i).value()
		d := text(i.Fields, last)
		switch {
		case i.Ended != "":
			out[n].Text += " (" + ended(i) + ")"
		case d != "" && d < l.today(i.Organization):
			out[n].Text += " (expired " + day(d) + ")"
		}
	}
	return out
}

func (l *lookup) policiesOf(organization string) []value {
	return l.standing(l.all("policy", organization), "")
}

// agreementsNaming are the agreements whose list at field names the item.
func (l *lookup) agreementsNaming(field string, i projections.Item) []value {
	return l.standing(naming(l.all("agreement", ""), field, i.ID), "expires")
}

// grantsOf are the permissions an organization gave, or those for a dataset,
// by role and unit.
func (l *lookup) grantsOf(i projections.Item) []value {
	var grants []projections.Item
	if i.Register == "organization" {
		grants = l.all("grant", i.ID)
	} else {
		grants = naming(l.all("grant", ""), "datasets", i.ID)
	}
	return l.standing(grants, "until")
}

// fromDatasets adds to when how long each dataset is kept, and returns the
// kinds of data in all of them, each once.
func (l *lookup) fromDatasets(when *facts, datasets []string) (categories []string) {
	seen := map[string]bool{}
	for _, id := range datasets {
		o := l.fields("dataset", id)
		for _, c := range list(o, "categories") {
			if !seen[c] {
				categories = append(categories, c)
			}
			seen[c] = true
		}
		if o != nil {
			when.text("Keeps "+l.find("dataset", id).Short(), kept(o))
		}
	}
	return categories
}

// endings say how something ended, by the kind of entry that said so.
var endings = map[string]string{
	"system.decommissioned": "out of service since", "dataset.retired": "retired on", "policy.superseded": "no longer applies since",
	"agreement.suspended": "suspended since", "agreement.terminated": "ended on", "grant.revoked": "revoked on",
}

// ended says how and when an item ended, "" while it lasts.
func ended(i projections.Item) string {
	if i.Ended == "" {
		return ""
	}
	how := endings[i.Latest.Kind]
	for _, c := range i.History {
		if words, ok := endings[c.Kind]; ok && !c.Foreign {
			how = words
		}
	}
	if how == "" {
		how = "ended on"
	}
	return how + " " + day(i.Ended)
}

// assessment is what was looked at in an object, and how long it counts.
type assessment struct {
	Kind, On, Until, Hash string
	Expired               bool
}

// expected are the assessments that are missed where there is none.
var expected = map[string][]string{
	"dataset": {"quality", "bias"}, "system": {"security"}, "activity": {"privacy", "outcome"},
}

// assessments are those on record, and those that ought to be.
func (l *lookup) assessments(i projections.Item) (out []assessment) {
	assessed, _ := i.Fields.At("assessed")
	for _, kind := range events.CodeAssessmentKind.Terms() {
		said, ok := assessed.Object().Get(kind)
		if !ok && !slices.Contains(expected[i.Register], kind) {
			continue
		}
		o := said.Object()
		until := text(o, "expires")
		out = append(out, assessment{
			capital(term(kind)), day(text(o, "on")), day(until), text(o, "sha256"), until != "" && until < l.today(i.Organization),
		})
	}
	return out
}
