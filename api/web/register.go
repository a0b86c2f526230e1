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
type shelf struct{ Href, Many, About, Count string }

func (p *Pages) registers(w http.ResponseWriter, r *http.Request) {
	reader, on, err := p.readerAt(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	var shelves []shelf
	for _, name := range []string{"organization", "system", "dataset", "activity"} {
		items, next, err := reader.Items(name, "", "", projections.MaxLimit)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		n := number(uint64(len(items)))
		if next != "" {
			n = "more than " + n
		}
		words := registerWords[name]
		shelves = append(shelves, shelf{asOfHref("/register/"+name, on.At), words.Many, words.About, n})
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
	out := row{Name: l.named(i), Owner: l.organization(i.Organization), Ended: day(i.Ended)}
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
	}
	return out
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
	l.at = on.At
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
		q := url.Values{"after": {next}}
		if on.At != "" {
			q.Set("at", on.At)
		}
		more = on.Path + "?" + q.Encode()
	}
	words := registerWords[register]
	p.show(w, r, http.StatusOK, "register", frame{Title: words.Many + " in the register", Section: "register", Body: struct {
		On                    recordedOn
		Register, Many, About string
		Columns               [2]string
		Rows                  []row
		Later                 bool // not the first page
		First, Next           string
	}{on, register, words.Many, words.About, columns[register], rows, after != "", asOfHref(on.Path, on.At), more}})
}

// event is one change in an item's history.
type event struct {
	Position events.Index
	When     string
	Title    string
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
	l.at = on.At
	uses, err := l.activitiesOf(item)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	n := l.named(item)
	body := struct {
		On           recordedOn
		Name         named
		Many         string
		Ended        string
		Questions    []question
		Capabilities []string
		Model        named
		Entries      string
		History      []event
	}{
		On: on, Name: n, Many: registerWords[item.Register].Many, Ended: day(item.Ended),
		Questions: l.itemQuestions(item, uses), Entries: entriesHref(item), History: history(item.History),
	}
	body.Capabilities, body.Model = l.capabilities(item)
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

// entriesHref leads to the entries that name the item.
func entriesHref(i projections.Item) string {
	if i.Register == "activity" {
		return ""
	}
	return "/entries?" + url.Values{i.Register: {i.ID}}.Encode()
}

func history(changes []projections.Change) []event {
	out := make([]event, len(changes))
	for i, c := range changes {
		out[i] = event{c.Position, date(c.OccurredAt), title(c.Kind)}
	}
	return out
}
