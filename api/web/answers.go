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
	who.text("Data about", subjectModes[e.Text("subjects.mode")])
	place := ask()
	if _, ok := e.Kind.Field("system"); ok {
		place.refs("System", "system", e.Text("system"))
	} else {
		place.text("System", "").note("Events of this kind do not say.")
	}
	if country := e.Text("transfer.country"); country != "" {
		place.text("Transferred to", country)
	}
	return []question{
		{"Who", who.out},
		{"What", l.what(e)},
		{"Where", append(place.out, l.place(e)...)},
		{"When", l.when(e)},
		{"Why", l.why(e)},
	}
}

func (l *lookup) what(e *events.Entry) []fact {
	f := &facts{l: l}
	if op := e.Text("operation"); op != "" {
		f.code("Operation", op)
	}
	if e.Text("subjects.mode") == "single" {
		f.text("Dataset", "sealed, because exactly one person is concerned")
	} else {
		f.refs("Dataset", "dataset", e.Text("dataset"))
	}
	if n := e.Text("scope.count"); n != "" {
		f.text("Reach", bucket(n, term(e.Text("scope.unit"))))
	}
	if n := e.Text("records"); n != "" {
		f.text("Records", bucket(n, "record"))
	}
	if _, ok := e.Kind.Field("outcome"); ok {
		f.text("Outcome", outcomes[e.Text("outcome")])
	}
	for _, c := range []struct{ label, path string }{
		{"Method", "method"}, {"Remaining", "residual"}, {"Decided by", "automation"}, {"Kind of disclosure", "disclosureClass"},
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
	return f.out
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
	if t := e.Text("trigger"); t != "" {
		f.code("Because of", t)
	}
	if s := e.Text("legalStandard"); s != "" {
		f.code("Legal standard", s)
	}
	return f.out
}
