package web

import (
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// member is one public field of an entry, in words and as written.
type member struct {
	Label  string
	Values []value
}

// behind says what the sealed details of an entry are for.
func behind(k *events.Kind) string {
	switch {
	case k.IsData():
		return "the exact time, who acted and in which role, the reason given, the case, the search itself, and exact counts"
	case k.By == events.Officer:
		return sealedAtDesk(k.Name)
	case k.Name == "event.disclosed":
		return "which seal it was, how many events it hid and the key to them, all of it for her alone, and the exact time"
	case k.Name == "key.shredded":
		return "the ledger’s own number of the event, and the exact time"
	case k.Name == "trail.issued" || k.Name == "trail.rotated":
		return "which officer it was, the ledger’s own number of the event, and the exact time"
	case k.By == events.RoleLedger:
		return "which officer it was, the exact time, what was searched for, which entries were read, and their exact number"
	}
	return "the sender’s own number and sequence of the event, and references the register does not know"
}

// sealed says in words what stands behind the entry that is not public.
func sealed(e *events.Entry) string {
	digests, slots := len(e.Texts("_sd")), e.Kind.Slots()
	if digests == 0 {
		return "Nothing. The ledger wrote this entry itself, and all of it is public."
	}
	out := "Behind this entry stand " + small(digests) + " sealed details. "
	if of := digests - slots; of > 0 {
		out += capital(small(of)) + " " + noun(uint64(of), "is for the person", "are for the persons") + " concerned. The others are for "
	} else {
		out += "They are for "
	}
	return out + "what the public is not shown: " + behind(e.Kind) + ". An entry of this kind always has " + small(slots) +
		" of these, filled in or not, so their number reveals nothing."
}

// skipped are the members that the page shows in another place.
func skipped(path string) bool { return path == "$" || path == "_sd" || path == "event" }

// labels are the names of fields that do not say by themselves what they mean.
var labels = map[string]string{
	"about": "about the request", "access.open": "open to everyone", "access.restricted": "restricted, the reason", "backupsUntil": "backups are kept until",
	"commentUntil": "comments are taken until", "corrects": "corrects the entry", "counterpart": "the other side’s event", "emitter": "service", "ends": "in use until",
	"group": "for the sake of", "how": "what ended it",
	"hostAsset": "mounted on", "inForce": "in force from", "keys.index": "key of the index", "keys.log": "key of the log",
	"keys.receipt": "key of receipts", "lookBack": "looking back", "mediaSanitized": "storage media wiped", "missing": "events missing",
	"noticeUrl": "public notice", "onward": "may be passed on", "organizationKind": "kind of organization", "pii": "personal data",
	"place.lat": "latitude", "place.lon": "longitude", "policy": "policy of the ledger", "residual": "what remains", "reviewBy": "to be reviewed by",
	"request": "asks", "reviewIn": "to be reviewed in", "seal": "the seal", "shred": "name of the destroyed keys",
	"scope.count": "reach", "scope.unit": "counted in", "sha256": "SHA-256 of the text", "starts": "in use from",
	"subjects.mode": "persons concerned", "subjects.part": "number of the part", "subjects.partOf": "part of",
	"subjects.parts": "parts in all", "subjects.tags": "private tags of the persons", "subjectsExpected": "persons it concerns",
	"systemKind": "kind of system", "unnamed": "without the persons’ names", "unresolved": "fields the register did not know",
	"url": "address of the text", "vrf": "key of private trails",
}

// label is the name of a field in words.
func label(k *events.Kind, path string) string {
	if words, ok := labels[path]; ok && (path != "policy" || k.By == events.RoleLedger) {
		return words
	}
	return term(strings.ReplaceAll(path, ".", "-"))
}

// members are the public fields below prefix, one a row.
func (l *lookup) members(o events.Object, k *events.Kind, prefix string) (out []member) {
	for _, m := range o {
		path := prefix + m.Name
		switch {
		case skipped(path) || path == "pairs":
		case m.Value.Object() != nil:
			out = append(out, l.members(m.Value.Object(), k, path+".")...)
		default:
			out = append(out, member{label(k, path), l.values(m.Value, k, path)})
		}
	}
	return out
}

func (l *lookup) values(v events.Value, k *events.Kind, path string) []value {
	if items := v.Items(); items != nil {
		var out []value
		for _, item := range items {
			out = append(out, l.values(item, k, path)...)
		}
		return out
	}
	raw, f := v.Text(), fieldShown(k, path)
	switch {
	case f.Type == events.Flag:
		return []value{{Text: yes(v.Bool())}}
	case raw == "":
		return []value{{Text: string(v.Append(nil))}}
	case path == "organization" && f.Register == "":
		return []value{l.organization(raw).value()}
	case path == k.Object:
		return []value{l.find(k.Object, raw).value()}
	case f.Register != "":
		return []value{l.find(f.Register, raw).value()}
	case f.Type == events.Link:
		return []value{{Text: raw, Href: raw}}
	case f.Type == events.Named && path != "shred", f.Type == events.Name, path == "subjects.partOf":
		return []value{l.eventValue(raw)}
	}
	return []value{inWords(f, path, raw)}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// fieldShown is the field that an entry of kind k has at path.
func fieldShown(k *events.Kind, path string) events.Field {
	for _, f := range k.Fields {
		if f.Shown == path {
			return f
		}
	}
	f, _ := k.Field(path)
	if f.Shown != "" {
		return events.Field{} // the entry's own member of that name
	}
	return f
}

// inWords is a value that is no reference, with the code as written where
// words stand for it.
func inWords(f events.Field, path, raw string) value {
	text := raw
	switch {
	case path == "kind" && f.Type == 0:
		text = title(raw)
	case path == "subjectsExpected" || path == "subjects.mode":
		text = subjectModes[raw]
	case f.Code == events.CodeSealGroup:
		text = sealGroups[raw]
	case f.Code == events.CodeLifted:
		text = sealEnds[raw]
	case f.Code == events.CodeRequest:
		text = requests[raw]
	case f.Type == events.Coded && f.Code != events.CodeClassification:
		text = term(raw)
	case f.Type == events.Count:
		text = bucketWords(raw)
	case f.Type == events.Period:
		text = period(raw)
	case path == "recordedAt" || path == "occurredAt":
		text = moment(raw)
	case f.Type == events.Date || f.Type == events.Instant || f.Type == events.Quarter:
		text = day(raw)
	case f.Type == events.Month:
		text = monthName(raw)
	}
	if strings.EqualFold(text, raw) {
		return value{Text: text}
	}
	return value{Text: text, Code: raw}
}
