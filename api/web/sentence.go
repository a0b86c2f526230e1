package web

import (
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// part is a piece of a sentence: text, or a link when it has an address.
type part struct {
	Text, Href string
	Name       bool // which keeps its capitals
}

// phrase is a sentence in the making. Everything in it is escaped when shown.
type phrase []part

func (p *phrase) say(s string) { *p = append(*p, part{Text: s}) }

// plainly is a phrase without links, nil for no words.
func plainly(s string) phrase {
	if s == "" {
		return nil
	}
	return phrase{{Text: s}}
}

// phrase is the name as a piece of a sentence.
func (n named) phrase() phrase {
	return phrase{{n.Short(), n.Href, n.Title != "" || n.Reference != events.Unknown}}
}

// String is the sentence without its links, for titles.
func (p phrase) String() string {
	var b strings.Builder
	for _, part := range p {
		b.WriteString(part.Text)
	}
	return b.String()
}

// sentence says in plain words what an entry records: the first of its kind's
// sayings for which nothing is missing.
func (l *lookup) sentence(e *events.Entry) phrase {
	for _, saying := range sayings[e.Kind.Name] {
		if p, whole := l.tell(e, saying); whole {
			return oneStop(p)
		}
	}
	return plainly(title(e.Kind.Name) + ".")
}

// oneStop leaves a sentence one full stop where a name brings its own.
func oneStop(p phrase) phrase {
	if last := len(p) - 1; last > 0 && strings.HasSuffix(p[last-1].Text, ".") {
		p[last].Text = strings.TrimPrefix(p[last].Text, ".")
	}
	return p
}

// tell fills in a saying; whole means that nothing it needs is missing.
func (l *lookup) tell(e *events.Entry, saying string) (p phrase, whole bool) {
	whole = true
	for saying != "" {
		at := strings.IndexAny(saying, "{[")
		if at < 0 {
			p.say(saying)
			break
		}
		if at > 0 {
			p.say(saying[:at])
		}
		if saying[at] == '[' {
			inner, rest, _ := strings.Cut(saying[at+1:], "]")
			if more, said := l.tell(e, inner); said {
				p = append(p, more...)
			}
			saying = rest
			continue
		}
		name, rest, _ := strings.Cut(saying[at+1:], "}")
		filled := l.slot(e, name)
		p, whole, saying = append(p, filled...), whole && filled != nil, rest
	}
	return p, whole
}

// slot is what stands for one name of a saying, nil when nothing does.
func (l *lookup) slot(e *events.Entry, name string) phrase {
	for _, known := range []map[string]slot{slots, protectionSlots} {
		if fill, ok := known[name]; ok {
			return fill(l, e)
		}
	}
	f := fieldShown(e.Kind, name)
	v, _ := e.Value(name)
	said := v.Texts()
	if t := v.Text(); t != "" {
		said = []string{t}
	}
	out := make([]phrase, len(said))
	for i, s := range said {
		switch {
		case f.Register != "":
			out[i] = l.find(f.Register, s).phrase()
		case f.Type == events.Prose:
			out[i] = plainly(clip(s))
		default:
			out[i] = plainly(inWords(f, name, s).Text)
		}
	}
	return joined(out)
}

// joined lists up to four; of more, three and how many there are besides.
func joined(list []phrase) phrase {
	if len(list) > 4 {
		list = append(slices.Clone(list[:3]), plainly(number(uint64(len(list)-3))+" more"))
	}
	var out phrase
	for i, p := range list {
		switch {
		case i > 0 && i == len(list)-1:
			out.say(" and ")
		case i > 0:
			out.say(", ")
		}
		out = append(out, p...)
	}
	return out
}

// clipped is how many characters of a published text a sentence repeats.
const clipped = 160

// clip shortens a text at a word and leaves the full stop to the sentence.
func clip(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	r := []rune(s)
	if len(r) <= clipped {
		return s
	}
	short := string(r[:clipped])
	if at := strings.LastIndexByte(short, ' '); at > 0 {
		short = short[:at]
	}
	return short + "…"
}

// slot is what stands for a name that is no field, or not as it stands.
type slot func(*lookup, *events.Entry) phrase

// slots are the names in sayings that are no fields, or not as they stand. Those
// of persons and requests are in protection.go.
var slots = map[string]slot{
	"by":     func(l *lookup, e *events.Entry) phrase { return l.organization(e.Text("organization")).phrase() },
	"it":     func(l *lookup, e *events.Entry) phrase { return l.objectOf(e).phrase() },
	"the":    (*lookup).theObject,
	"data":   (*lookup).data,
	"done":   func(_ *lookup, e *events.Entry) phrase { return plainly(done(e.Text("operation"))) },
	"ending": func(_ *lookup, e *events.Entry) phrase { return plainly(ending(e.Text("outcome"))) },
	"undone": func(_ *lookup, e *events.Entry) phrase { return plainly(undone(e)) },
	"an assessment": func(_ *lookup, e *events.Entry) phrase {
		return plainly(indefinite(term(e.Text("assessmentKind")) + " assessment"))
	},
	"opened on": func(_ *lookup, e *events.Entry) phrase { return plainly(date(e.Text("recordedAt"))) },
	"pairs": func(_ *lookup, e *events.Entry) phrase {
		pairs, _ := e.Value("pairs")
		return plainly(persons(len(pairs.Items())))
	},
	"a reader": func(_ *lookup, e *events.Entry) phrase { return plainly(capital(indefinite(term(e.Text("role"))))) },
	"search": func(_ *lookup, e *events.Entry) phrase {
		if e.Text("subjects.mode") != "none" {
			return nil
		}
		return plainly("searched the trail of ")
	},
	"records": func(_ *lookup, e *events.Entry) phrase { return plainly(bucket(e.Text("count"), "record")) },
	"events":  func(_ *lookup, e *events.Entry) phrase { return plainly(several(figure(e, "count"), "event")) },
	"absent":  func(_ *lookup, e *events.Entry) phrase { return plainly(absent(figure(e, "missing"))) },
	"gap": func(_ *lookup, e *events.Entry) phrase {
		return plainly(capital(several(figure(e, "missing"), "event")))
	},
	"are": func(_ *lookup, e *events.Entry) phrase { return plainly(noun(figure(e, "missing"), "is", "are")) },
	"unnamed": func(_ *lookup, e *events.Entry) phrase {
		n := figure(e, "unnamed")
		if n == 0 {
			return nil
		}
		return plainly(small(int(n)) + " of them without naming")
	},
}

// objectOf is the object of a register entry, by the name the entry itself
// gives it where it does.
func (l *lookup) objectOf(e *events.Entry) named {
	n := l.find(e.Kind.Object, e.Text(e.Kind.Object))
	if own := ownTitle(e); own != "" {
		n.Title = own
	}
	return n
}

// theObject is "the dataset Plate reads".
func (l *lookup) theObject(e *events.Entry) phrase {
	n := l.objectOf(e)
	if n.Title == "" && n.Reference == events.Unknown {
		return n.phrase()
	}
	return append(plainly("the "+one(e.Kind.Object)+" "), n.phrase()...)
}

// ownTitle is the name an entry of the register gives its object.
func ownTitle(e *events.Entry) string {
	if t := e.Text("name"); t != "" {
		return t
	}
	return e.Text("title")
}

// data names the dataset; that of a single person is hers to know.
func (l *lookup) data(e *events.Entry) phrase {
	p := plainly("data")
	if d := e.Text("dataset"); d != "" {
		p = l.find("dataset", d).phrase()
	}
	if e.Text("subjects.mode") == "single" {
		return plainly("data about one person")
	}
	return append(p, aboutWhom(l, e)...)
}

// done is the past tense of an operation.
func done(operation string) string {
	if past, ok := operations[operation]; ok {
		return past
	}
	return "carried out “" + term(operation) + "” on"
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

// undone says whether an anonymization can be taken back, if that was said.
func undone(e *events.Entry) string {
	v, said := e.Value("reversible")
	switch {
	case !said:
		return ""
	case v.Bool():
		return "this can be undone"
	}
	return "this cannot be undone"
}

func figure(e *events.Entry, path string) uint64 {
	v, _ := e.Value(path)
	return uint64(max(v.Int(), 0))
}

// several is "no events", "one event", "24 events".
func several(n uint64, what string) string {
	return small(int(min(n, 1<<53))) + " " + noun(n, what, plural(what))
}

func absent(missing uint64) string {
	if missing == 0 {
		return "none is missing"
	}
	return small(int(min(missing, 1<<53))) + " " + noun(missing, "is", "are") + " missing"
}

func persons(n int) string {
	if n == 1 {
		return "one person"
	}
	return small(n) + " persons"
}

// indefinite puts a or an before words.
func indefinite(words string) string {
	if words != "" && strings.ContainsAny(words[:1], "aeio") {
		return "an " + words
	}
	return "a " + words
}

// dated is the sentence with its day before it; in a list the day has a column.
func dated(e *events.Entry, p phrase) phrase {
	from, until := e.Text("occurredAt"), e.Text("occurredUntil")
	when := "On " + day(from) + ", "
	if e.Kind.Seals {
		when = "In " + day(from) + ", "
	}
	if until != "" && until != from {
		when = "From " + day(from) + " to " + day(until) + ", "
	}
	if !p[0].Name {
		p[0].Text = strings.ToLower(p[0].Text[:1]) + p[0].Text[1:]
	}
	return append(plainly(when), p...)
}
