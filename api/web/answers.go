package web

import (
	"github.com/daybook-ledger/daybook/events"
)

// question is one of who, what, where, when and why, with its answers.
type question struct {
	Ask     string
	Answers []fact
}

// fact is one labelled answer. Without values it was not filled in.
type fact struct {
	Label  string
	Values []value
	Note   string
}

// value is one thing said: words, and the reference behind them.
type value struct {
	Text, Href string
	Code       string // the reference or the code as written, when Text does not say it
	Missing    bool   // named, and not in the register
}

// facts gathers answers.
type facts struct {
	l   *lookup
	out []fact
}

func (f *facts) add(label string, values ...value) *facts {
	f.out = append(f.out, fact{Label: label, Values: values})
	return f
}

// text adds words written for publication, or that there are none.
func (f *facts) text(label, s string) *facts {
	if s == "" {
		return f.add(label)
	}
	return f.add(label, value{Text: s})
}

// optional adds words only when there are some.
func (f *facts) optional(label, s string) *facts {
	if s == "" {
		return f
	}
	return f.text(label, s)
}

func (f *facts) note(s string) *facts {
	f.out[len(f.out)-1].Note = s
	return f
}

// code adds a term of a closed list, in words.
func (f *facts) code(label, s string) *facts {
	if s == "" {
		return f.add(label)
	}
	return f.add(label, value{Text: term(s)})
}

// flag adds yes or no, as the member at path of o says.
func (f *facts) flag(label string, o events.Object, path string) *facts {
	v, said := o.At(path)
	if !said {
		return f.add(label)
	}
	return f.text(label, yes(v.Bool()))
}

// link adds an address of another site.
func (f *facts) link(label, href string) *facts {
	if href == "" {
		return f.add(label)
	}
	return f.add(label, value{Text: href, Href: href})
}

func (f *facts) codes(label string, list []string) *facts {
	values := make([]value, len(list))
	for i, s := range list {
		values[i] = value{Text: term(s)}
	}
	return f.add(label, values...)
}

// refs adds what the register calls each reference.
func (f *facts) refs(label, register string, ids ...string) *facts {
	var values []value
	for _, id := range ids {
		if id != "" {
			values = append(values, f.l.find(register, id).value())
		}
	}
	return f.add(label, values...)
}

// optionalRefs adds references only when there are some.
func (f *facts) optionalRefs(label, register string, ids ...string) *facts {
	for _, id := range ids {
		if id != "" {
			return f.refs(label, register, ids...)
		}
	}
	return f
}

// value is n as an answer: its title with the reference beside it.
func (n named) value() value {
	switch {
	case n.Reference == events.Unknown:
		return value{Text: "not in the register", Missing: true}
	case !n.Known():
		return value{Text: n.Reference, Missing: true}
	case n.Title == "":
		return value{Text: n.Reference, Href: n.Href}
	}
	return value{Text: n.Title, Href: n.Href, Code: n.Reference}
}

// Plain is n as an answer without its reference, for narrow places.
func (n named) Plain() value {
	v := n.value()
	v.Code = ""
	return v
}

// entryQuestions answers the five questions about a use of data.
func (l *lookup) entryQuestions(e *events.Entry) []question {
	ask := func() *facts { return &facts{l: l} }
	who := ask().refs("Organization", "organization", e.Text("organization")).
		optionalRefs("On its behalf", "organization", e.Text("processor"))
	if e.Kind.Name == "data.shared" {
		who.refs("Given to", "organization", e.Text("recipient"))
	}
	if name := e.Text("counterpart"); name != "" {
		who.add("As the giver recorded it", l.eventValue(name))
	}
	who.text("Data about", concerned(e))
	if head := e.Text("subjects.partOf"); head != "" {
		who.add("Part", value{Text: partWords(e)}).add("What is said of all", l.eventValue(head))
	}
	place := ask()
	if _, ok := e.Kind.Field("system"); ok {
		place.refs("System", "system", e.Text("system"))
	} else {
		place.text("System", "entries of this kind name none")
	}
	if country := e.Text("transfer.country"); country != "" {
		place.text("Transferred to", country).code("Protected there by", e.Text("transfer.safeguard"))
	}
	return []question{
		{"Who", who.out},
		{"What", l.what(e)},
		{"Where", append(place.out, l.place(e)...)},
		{"When", l.when(e)},
		{"Why", l.why(e)},
	}
}

// eventValue is an event by its name, with its entry when there is one here.
func (l *lookup) eventValue(name string) value {
	if n, ok := events.ParseEventName(name); ok && l.titles == nil {
		if _, err := l.reader.Find(n); err == nil {
			return value{Text: "its entry", Href: "/entries/" + name, Code: name}
		}
	}
	return value{Text: "not on record here", Code: name}
}

// datasetsOf says which data an entry is about; that of a single person is
// hers to know.
func (f *facts) datasetsOf(e *events.Entry) {
	const sealed = "sealed, because exactly one person is concerned"
	single := e.Text("subjects.mode") == "single"
	_, derives := e.Kind.Field("inputs")
	switch {
	case derives && single:
		f.text("Made from", sealed).text("What was made", sealed)
	case derives:
		f.refs("Made from", "dataset", e.Texts("inputs")...).refs("What was made", "dataset", e.Text("output"))
	case single:
		f.text("Dataset", sealed)
	default:
		f.refs("Dataset", "dataset", e.Text("dataset"))
	}
}

func (l *lookup) what(e *events.Entry) []fact {
	f := &facts{l: l}
	if op := e.Text("operation"); op != "" {
		f.code("Operation", op)
	}
	f.datasetsOf(e)
	if n := e.Text("scope.count"); n != "" {
		f.text("Reach", bucket(n, term(e.Text("scope.unit"))))
	}
	if n := e.Text("records"); n != "" {
		f.text("Records", bucket(n, "record"))
	}
	if _, ok := e.Kind.Field("outcome"); ok {
		f.text("Outcome", outcomes[e.Text("outcome")])
	}
	if _, ok := e.Kind.Field("class"); ok {
		f.text("Class of what was made", e.Text("class"))
	}
	if _, ok := e.Kind.Field("reversible"); ok {
		f.code("Technique", e.Text("technique")).flag("Can be undone", e.Fields(), "reversible")
	}
	for _, c := range []struct{ label, path string }{
		{"Method", "method"}, {"What remains", "residual"}, {"Decided by", "automation"}, {"Kind of disclosure", "disclosureClass"},
	} {
		if s := e.Text(c.path); s != "" {
			f.code(c.label, s)
		}
	}
	return f.out
}

// place is where the system stands, as the register has it.
func (l *lookup) place(e *events.Entry) []fact {
	item, err := l.reader.Item("system", e.Text("system"))
	if err != nil {
		return nil
	}
	return (&facts{l: l}).optional("Place", address(item.Fields)).out
}

func address(o events.Object) string {
	if a := text(o, "place.address"); a != "" {
		return a
	}
	if lat := text(o, "place.lat"); lat != "" {
		return lat + ", " + text(o, "place.lon")
	}
	return ""
}

func (l *lookup) when(e *events.Entry) []fact {
	f := (&facts{l: l}).text("Happened on", day(e.Text("occurredAt"))).optional("Until", day(e.Text("occurredUntil"))).
		text("Recorded on", day(e.Text("recordedAt")))
	if p := e.Text("lookBack"); p != "" {
		f.text("Looking back", period(p))
	}
	return f.optional("Backups are kept until", day(e.Text("backupsUntil"))).out
}

// why says the purpose and legal basis the event states, else those of its
// activity, saying so.
func (l *lookup) why(e *events.Entry) []fact {
	f := &facts{l: l}
	activity, err := l.reader.Item("activity", e.Text("activity"))
	known := err == nil
	purposes, inherited := []string{}, ""
	if p := e.Text("purpose"); p != "" {
		purposes = append(purposes, p)
	} else if known {
		v, _ := activity.Fields.At("purposes")
		purposes, inherited = v.Texts(), "As registered for the activity."
	}
	f.codes("Purpose", purposes)
	if inherited != "" && len(purposes) > 0 {
		f.note(inherited)
	}
	basis := e.Text("legalBasis")
	if basis == "" && known {
		basis = text(activity.Fields, "legalBasis")
		f.code("Legal basis", basis)
		if basis != "" {
			f.note("As registered for the activity.")
		}
	} else {
		f.code("Legal basis", basis)
	}
	f.refs("Activity", "activity", e.Text("activity"))
	for _, path := range []string{"trigger", "reason"} {
		if t := e.Text(path); t != "" {
			f.code("Because of", t)
		}
	}
	if e.Kind.Name == "data.shared" {
		f.code("Legal standard", e.Text("legalStandard")).refs("Agreement", "agreement", e.Text("agreement"))
		f.optionalRefs("Approval", "approval", e.Text("approval"))
	}
	if _, said := e.Value("emergency"); said {
		f.flag("Emergency", e.Fields(), "emergency")
	}
	return f.out
}
