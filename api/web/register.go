package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

const itemsPerPage = 50

// shelf is one register on the page of all.
type shelf struct {
	Href, Many, About string
	Count             string // of real ones
	Example           int
}

// counted is how many objects a register has, real and invented.
func counted(reader projections.Reader, register string) (real string, example int, err error) {
	items, next, err := reader.Items(register, "", "", projections.MaxLimit)
	for _, i := range items {
		if nameOf(i).Example {
			example++
		}
	}
	real = number(uint64(len(items) - example))
	if next != "" {
		real = "more than " + real
	}
	return real, example, err
}

func (p *Pages) registers(w http.ResponseWriter, r *http.Request) {
	reader, on, err := p.readerAt(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	var shelves []shelf
	for _, name := range registerOrder {
		real, example, err := counted(reader, name)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		words := registerWords[name]
		shelves = append(shelves, shelf{asOfHref("/register/"+name, on.At), words.Many, words.About, real, example})
	}
	p.show(w, r, http.StatusOK, "registers", frame{Title: "The register", Section: "register", Body: struct {
		On      recordedOn
		Shelves []shelf
	}{on, shelves}})
}

// row is one item in a list.
type row struct {
	Name    named
	Kind    string
	Owner   named
	Detail  string
	Ended   string
	Example bool
}

func (l *lookup) row(i projections.Item) row {
	out := row{Name: l.named(i), Owner: l.organization(i.Organization), Ended: ended(i)}
	out.Example = out.Name.Example
	switch i.Register {
	case "organization":
		out.Kind, out.Detail = term(text(i.Fields, "organizationKind")), text(i.Fields, "timeZone")
	case "system":
		out.Kind, out.Detail = term(text(i.Fields, "systemKind")), address(i.Fields)
	case "dataset":
		out.Kind, out.Detail = text(i.Fields, "classification"), kept(i.Fields)
	case "activity":
		out.Kind, out.Detail = words(list(i.Fields, "purposes")), term(text(i.Fields, "legalBasis"))
	case "policy":
		out.Kind, out.Detail = day(text(i.Fields, "inForce")), day(text(i.Fields, "reviewBy"))
	case "agreement":
		out.Kind, out.Detail = l.parties(i), l.last(i, "expires")
	case "grant":
		out.Kind, out.Detail = text(i.Fields, "role")+", "+text(i.Fields, "unit"), l.last(i, "until")
	}
	return out
}

// parties are the names of those who made an agreement.
func (l *lookup) parties(i projections.Item) string {
	var out []phrase
	for _, id := range list(i.Fields, "parties") {
		out = append(out, plainly(l.organization(id).Short()))
	}
	return joined(out).String()
}

// last is the last day of an item, with a word when it is over.
func (l *lookup) last(i projections.Item, path string) string {
	d := text(i.Fields, path)
	if d != "" && d < l.today(i.Organization) {
		return day(d) + " (expired)"
	}
	return day(d)
}

func words(codes []string) string {
	out := ""
	for i, c := range codes {
		if i > 0 {
			out += ", "
		}
		out += term(c)
	}
	return out
}

// columns are the headings of a register's list.
var columns = map[string][2]string{
	"organization": {"Kind", "Time zone"},
	"system":       {"Kind", "Place"},
	"dataset":      {"Class", "Kept for"},
	"activity":     {"Purposes", "Legal basis"},
	"policy":       {"In force from", "To be reviewed by"},
	"agreement":    {"Parties", "Ends on"},
	"grant":        {"Role and unit", "Until"},
}

func (p *Pages) register(w http.ResponseWriter, r *http.Request) {
	register := r.PathValue("register")
	if !slices.Contains(events.Registers(), register) {
		p.fail(w, r, v1.NotFound("There is no such register."))
		return
	}
	reader, on, err := p.readerAt(r, "after")
	if err != nil {
		p.fail(w, r, err)
		return
	}
	after := r.URL.Query().Get("after")
	items, next, err := reader.Items(register, "", after, itemsPerPage)
	l := newLookup(reader)
	l.at, l.now = on.At, p.now()
	rows := make([]row, len(items))
	for i, item := range items {
		rows[i] = l.row(item)
	}
	if err == nil {
		err = l.err
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	more := ""
	if next != "" {
		more = listHref(on.Path, next, on.At)
	}
	words := registerWords[register]
	p.show(w, r, http.StatusOK, "register", frame{Title: words.Many + " in the register", Section: "register", Body: struct {
		On                    recordedOn
		Register, Many, About string
		Guideline             string
		Columns               [2]string
		Rows                  []row
		Later                 bool // not the first page
		First, Next           string
		JSON, CSV             string
	}{
		on, register, words.Many, words.About, words.Guideline, columns[register], rows, after != "", asOfHref(on.Path, on.At), more,
		listHref("/v1/register/"+register, after, on.At), listHref("/v1/register/"+register+".csv", after, on.At),
	}})
}

// listHref is where programs read what a page lists.
func listHref(path, after, at string) string {
	q := url.Values{}
	for name, v := range map[string]string{"after": after, "at": at} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// event is one change in an item's history.
type event struct {
	Position events.Index
	When     string
	Title    string
	By       named // another organization, whose word changed nothing
}

func (p *Pages) item(w http.ResponseWriter, r *http.Request) {
	reader, on, err := p.readerAt(r)
	var item projections.Item
	if err == nil {
		item, err = reader.Item(r.PathValue("register"), r.PathValue("id"))
	}
	if isNotFound(err) {
		err = v1.NotFound(on.missing())
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	l := newLookup(reader)
	l.at, l.now = on.At, p.now()
	uses, err := l.activitiesOf(item)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	n := l.named(item)
	on.AsOf = day(l.today(item.Organization)) + ", by the calendar of " + l.organization(item.Organization).Short()
	body := struct {
		On           recordedOn
		Name         named
		Many         string
		Ended        string
		Questions    []question
		Capabilities []string
		Model        named
		Fault        fact // without values where none is on record
		Assessments  []assessment
		Entries      string
		History      []event
	}{
		On: on, Name: n, Many: registerWords[item.Register].Many, Ended: capital(ended(item)),
		Questions: l.itemQuestions(item, uses), Entries: entriesHref(item), History: l.history(item.History),
	}
	body.Capabilities, body.Model = l.capabilities(item)
	body.Assessments, body.Fault = l.assessments(item), fault(item)
	if l.err != nil {
		p.fail(w, r, l.err)
		return
	}
	p.show(w, r, http.StatusOK, "item", frame{Title: n.Short(), Section: "register", Body: body})
}

// capabilities are what a system can measure or do: its own, else its model's.
func (l *lookup) capabilities(i projections.Item) ([]string, named) {
	if own := list(i.Fields, "capabilities"); len(own) > 0 || i.Register != "system" {
		return own, named{}
	}
	model, err := l.reader.Item("system", text(i.Fields, "model"))
	if err != nil {
		return nil, named{}
	}
	return list(model.Fields, "capabilities"), l.named(model)
}

// fault is the latest that was recorded of a system.
func fault(i projections.Item) fact {
	f, _ := i.Fields.At("fault")
	said := text(f.Object(), "fault")
	if said == "" {
		return fact{}
	}
	return fact{Label: day(text(f.Object(), "on")), Values: []value{{Text: said}}}
}

// entriesHref leads to the entries that name the item, where they can be chosen.
func entriesHref(i projections.Item) string {
	switch i.Register {
	case "organization", "system", "dataset":
		return "/entries?" + url.Values{i.Register: {i.ID}}.Encode()
	}
	return ""
}

// sharesHref leads to what was shared under an agreement.
func sharesHref(agreement string) string {
	return "/sharing?" + url.Values{"agreement": {agreement}}.Encode()
}

func (l *lookup) history(changes []projections.Change) []event {
	out := make([]event, len(changes))
	for i, c := range changes {
		out[i] = event{Position: c.Position, When: date(c.OccurredAt), Title: title(c.Kind)}
		if c.Foreign {
			out[i].By = l.organization(c.Organization)
		}
	}
	return out
}
