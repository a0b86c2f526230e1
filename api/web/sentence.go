package web

import (
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// part is a piece of a sentence: text, or a link when it has an address.
type part struct{ Text, Href string }

// phrase is a sentence in the making. Everything in it is escaped when shown.
type phrase []part

func (p *phrase) say(s string) { *p = append(*p, part{Text: s}) }
func (p *phrase) name(n named) { *p = append(*p, part{n.Short(), n.Href}) }

// String is the sentence without its links, for titles.
func (p phrase) String() string {
	var b strings.Builder
	for _, part := range p {
		b.WriteString(part.Text)
	}
	return b.String()
}

// sentence says in plain words what an entry records.
func (l *lookup) sentence(e *events.Entry) phrase {
	var p phrase
	switch {
	case e.Kind.IsData():
		l.dataSentence(&p, e)
	case e.Kind.Object != "":
		l.registerSentence(&p, e)
	case e.Kind.Name == "ledger.opened":
		p.say("This ledger was opened on " + date(e.Text("recordedAt")) + ".")
	case e.Kind.Name == "subject.enrolled":
		pairs, _ := e.Value("pairs")
		p.say("A private trail was opened for " + persons(len(pairs.Items())) + ".")
	default:
		p.say(title(e.Kind.Name) + ".")
	}
	return p
}

func persons(n int) string {
	if n == 1 {
		return "one person"
	}
	return small(n) + " persons"
}

func (l *lookup) dataSentence(p *phrase, e *events.Entry) {
	p.name(l.organization(e.Text("organization")))
	p.say(" " + verb(e) + " ")
	l.object(p, e)
	switch e.Kind.Name {
	case "data.accessed", "data.collected":
		p.say(" using ")
		p.name(l.find("system", e.Text("system")))
	case "data.shared":
		p.say(" with ")
		p.name(l.find("organization", e.Text("recipient")))
	case "data.received":
		p.say(" from another organization")
	}
	p.say(ending(e.Text("outcome")))
}

// ending says how it went, where that is not as one would think.
func ending(outcome string) string {
	switch outcome {
	case "denied":
		return ", but was denied access."
	case "error":
		return ", but it ended with an error."
	}
	return "."
}

// verb is the past tense of what was done.
func verb(e *events.Entry) string {
	switch e.Kind.Name {
	case "data.collected":
		return "collected"
	case "data.shared":
		return "shared"
	case "data.received":
		return "received"
	case "data.deleted":
		return "deleted"
	}
	done, ok := operations[e.Text("operation")]
	if !ok {
		done = "carried out “" + term(e.Text("operation")) + "” on"
	}
	return done
}

// object names the dataset; that of a single person is hers to know.
func (l *lookup) object(p *phrase, e *events.Entry) {
	if d := e.Text("dataset"); d != "" {
		p.name(l.find("dataset", d))
		return
	}
	if e.Text("subjects.mode") == "single" {
		p.say("data about one person")
		return
	}
	p.say("data")
}

// dated is the sentence with its day before it; in a list the day has a column.
func dated(e *events.Entry, p phrase) phrase {
	from, until := e.Text("occurredAt"), e.Text("occurredUntil")
	if until != "" && until != from {
		return append(phrase{{Text: "From " + day(from) + " to " + day(until) + ", "}}, p...)
	}
	return append(phrase{{Text: "On " + day(from) + ", "}}, p...)
}

func (l *lookup) registerSentence(p *phrase, e *events.Entry) {
	o := e.Kind.Object
	by, id := l.organization(e.Text("organization")), e.Text(o)
	it := l.find(o, id)
	if own := ownTitle(e); own != "" {
		it.Title = own
	}
	if o == "organization" {
		p.name(it)
		if e.Kind.Name == "organization.changed" {
			p.say(" changed what the register says about it.")
			return
		}
		p.say(" was entered in the register of organizations.")
		return
	}
	p.name(by)
	switch e.Kind.Name {
	case "system.registered", "dataset.registered", "activity.registered":
		p.say(" entered the " + o + " ")
		p.name(it)
		p.say(at(e.Text("place.address")) + " in the register.")
	case "system.moved":
		p.say(" recorded that ")
		p.name(it)
		p.say(" was moved" + to(e.Text("place.address")) + ".")
	case "system.decommissioned":
		p.say(" took ")
		p.name(it)
		p.say(" out of service on " + day(e.Text("on")) + ".")
	case "dataset.retired":
		p.say(" retired the dataset ")
		p.name(it)
		p.say(".")
	case "dataset.reclassified":
		p.say(" put ")
		p.name(it)
		p.say(" in the class “" + e.Text("classification") + "”.")
	case "retention.set":
		p.say(" set that ")
		p.name(it)
		p.say(" is kept for " + period(e.Text("period")) + ".")
	default:
		p.say(" changed what the register says about the " + o + " ")
		p.name(it)
		p.say(".")
	}
}

func at(place string) string {
	if place == "" {
		return ""
	}
	return ", at " + place + ","
}

func to(place string) string {
	if place == "" {
		return ""
	}
	return " to " + place
}

// ownTitle is the name an entry of the register gives its object.
func ownTitle(e *events.Entry) string {
	if t := e.Text("name"); t != "" {
		return t
	}
	return e.Text("title")
}
