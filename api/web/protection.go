package web

import (
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// protectionSlots stand in the sayings of what protects a person, corrects or
// forgets.
var protectionSlots = map[string]slot{
	"about whom": aboutWhom,
	"the entry":  func(l *lookup, e *events.Entry) phrase { return l.eventCalled(e, "corrects", "an entry") },
	"the seal":   func(l *lookup, e *events.Entry) phrase { return l.eventCalled(e, "seal", "a seal") },
	"the request": func(l *lookup, e *events.Entry) phrase {
		return l.eventCalled(e, "about", "a person’s request")
	},
	"to have":     func(_ *lookup, e *events.Entry) phrase { return plainly(requests[e.Text("request")]) },
	"has decided": func(_ *lookup, e *events.Entry) phrase { return plainly(decisions[e.Text("decision")]) },
	"for the sake of": func(_ *lookup, e *events.Entry) phrase {
		return plainly("for the sake of " + sealGroups[e.Text("group")])
	},
	"how it ended": func(_ *lookup, e *events.Entry) phrase { return plainly(sealEnds[e.Text("how")]) },
	"these keys":   theseKeys,
}

// requests say what a person asks for.
var requests = map[string]string{
	"access":        "to see the data about her",
	"rectification": "to have the data about her corrected",
	"erasure":       "to have the data about her erased",
	"restriction":   "to have the use of the data about her restricted",
	"portability":   "to be given the data about her, to take it elsewhere",
	"objection":     "to have the use of the data about her stopped",
}

// decisions say what became of a request, before it is named.
var decisions = map[string]string{
	"granted": "granted", "partly": "granted in part", "refused": "refused", "extended": "took more time for",
}

// sealGroups say for the sake of what a seal is placed.
var sealGroups = map[string]string{
	"crime":     "preventing, detecting or prosecuting crime",
	"security":  "public or national security",
	"justice":   "proceedings before a court",
	"rights":    "protecting her or the rights of others",
	"authority": "an official duty, or what a law demands",
}

// sealEnds say what ended a seal.
var sealEnds = map[string]string{
	"officer": "an officer ended it",
	"date":    "the day came until which it was placed",
	"lapse":   "it was ordered by word of mouth, and thirty days went by without a writing",
	"release": "the event came that it was to wait for",
}

// eventCalled is the event that the entry names at path, in words with its page
// when it is here.
func (l *lookup) eventCalled(e *events.Entry, path, words string) phrase {
	return phrase{{Text: words, Href: l.eventValue(e.Text(path)).Href}}
}

// theseKeys says whose keys were destroyed.
func theseKeys(_ *lookup, e *events.Entry) phrase {
	switch month := e.Text("month"); {
	case e.Text("what") == "person":
		return plainly("the keys of one person")
	case month != "":
		return plainly("the keys to what officers could read of " + monthName(month))
	}
	return plainly("the keys to what officers could read of one month")
}

// tagged is how many persons' tags an entry has.
func tagged(e *events.Entry) int { return len(e.Texts("subjects.tags")) }

// aboutWhom goes on with whom an event concerns, when it is more than one person.
func aboutWhom(_ *lookup, e *events.Entry) phrase {
	switch mode := e.Text("subjects.mode"); {
	case mode == "several":
		return plainly(" about " + persons(tagged(e)))
	case mode == "bulk" && e.Text("subjects.partOf") != "":
		return plainly(" about " + persons(tagged(e)) + " (" + partWords(e) + ")")
	case mode == "bulk":
		return plainly(" about many persons")
	}
	return nil
}

// partWords is "part 3 of 118".
func partWords(e *events.Entry) string {
	return "part " + number(figure(e, "subjects.part")) + " of " + number(figure(e, "subjects.parts"))
}

// concerned says on the page of an entry whom it concerns.
func concerned(e *events.Entry) string {
	const each = ", each of whom can follow it in a private trail"
	switch mode := e.Text("subjects.mode"); {
	case mode == "several":
		return persons(tagged(e)) + each
	case mode == "bulk" && e.Text("subjects.partOf") != "":
		return persons(tagged(e)) + " in this part" + each
	case mode == "bulk" && figure(e, "subjects.parts") == 1:
		return "many persons, whom one part names"
	case mode == "bulk":
		return "many persons, whom " + number(figure(e, "subjects.parts")) + " parts name"
	default:
		return subjectModes[mode]
	}
}

// sealedAtDesk says what is sealed of what officers say.
func sealedAtDesk(kind string) string {
	switch {
	case strings.HasPrefix(kind, "seal."):
		return "which officer it was and who agreed, the exact times, the ground, and which systems or which case the seal is for"
	case kind == "event.corrected":
		return "which officer it was, the exact time, and what was wrong"
	}
	return "which officer it was, the exact time, and what the person was told"
}
