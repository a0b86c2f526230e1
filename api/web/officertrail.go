package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// usesPerPage and facetValues bound what a page of the trail shows.
const (
	usesPerPage = 40
	facetValues = 8
)

// useLine is one row of the trail.
type useLine struct {
	line
	Hour       string
	Actor      named // a pseudonym, with the address of all its uses
	Role, Unit string
	HasReason  bool
}

// facet is how the uses chosen are spread over one question.
type facet struct {
	Label  string
	Values []facetValue
	More   int // values that are not shown
}

type facetValue struct {
	Label string
	Href  string
	Count int
}

// trailBody is a page of the trail.
type trailBody struct {
	Bar           bar
	Organization  named
	Organizations []choice
	Filter        url.Values
	Kinds         []choice
	Filtered      bool
	Later         bool
	Uses          []useLine
	Facets        []facet
	Found         string
	Next, First   string
	CSV, JSON     string
	Noted         noted
}

func (o *officers) trail(w http.ResponseWriter, r *http.Request, who v1.Officer) {
	t, err := o.office.Trail(r, who, usesPerPage)
	if err != nil {
		o.fail(w, r, err)
		return
	}
	reader, _ := o.shown.Reader()
	l := newLookup(reader)
	q := r.URL.Query()
	address := func(q url.Values) string { return o.href("/officer/trail", who, t.Organization, q) }
	body := trailBody{
		Bar: o.bar(l, who, t.Organization), Organization: l.organization(t.Organization), Filter: q, Kinds: useKinds(q.Get("kind")),
		Later: q.Get("after") != "", Found: found(t.Facets), First: address(with(q, "after", "")),
		CSV:  o.href("/officer/trail.csv", who, t.Organization, with(q, "after", "")),
		JSON: o.href("/officer/trail.json", who, t.Organization, with(q, "after", "")), Noted: noted{"This search", t.Reading},
	}
	for name, v := range q {
		body.Filtered = body.Filtered || name != "organization" && name != "after" && name != "limit" && v[0] != ""
	}
	if t.Next != nil {
		body.Next = address(with(q, "after", position(*t.Next)))
	}
	if who.Organization == "" {
		body.Organizations, err = l.organizationChoices(t.Organization)
	}
	if err == nil {
		body.Uses, err = l.uses(t.Uses, func(actor string) string { return address(with(q, "actor", actor)) })
	}
	body.Facets = l.facets(t.Facets, q, address)
	if err == nil {
		err = l.err
	}
	if err != nil {
		o.fail(w, r, err)
		return
	}
	o.show(w, r, http.StatusOK, "officer-trail", frame{Title: "Trail", Section: "officer", Body: body})
}

// useKinds are the kinds of use of data.
func useKinds(chosen string) []choice {
	var out []choice
	for _, k := range events.Kinds() {
		if k.Open && k.IsData() {
			out = append(out, choice{k.Name, title(k.Name), k.Name == chosen})
		}
	}
	return out
}

func found(f projections.Facets) string {
	out := count(f.Uses, "use") + " of data"
	if !f.Complete {
		out = "More than " + out
	}
	return out
}

// uses are rows of the trail; of finds all that an actor did.
func (l *lookup) uses(list []projections.Use, of func(actor string) string) ([]useLine, error) {
	entries := make([]projections.Found, len(list))
	for i, u := range list {
		entries[i] = u.Found
	}
	lines, err := l.lines(entries)
	if err != nil {
		return nil, err
	}
	out := make([]useLine, len(list))
	for i, u := range list {
		out[i] = useLine{line: lines[i], Hour: hour(u.Hour), Role: u.Role, Unit: u.Unit, HasReason: u.HasReason}
		out[i].When = day(u.Day)
		if u.Actor != "" {
			out[i].Actor = named{Reference: u.Actor, Href: of(u.Actor)}
		}
	}
	return out, nil
}

func hour(h int) string { return fmt.Sprintf("%02d:00–%02d:59", h, h) }

// facets are the values that a click narrows the search to, the commonest first.
func (l *lookup) facets(f projections.Facets, q url.Values, address func(url.Values) string) []facet {
	var out []facet
	for _, x := range []struct {
		label, name, register string
		values                map[string]int
	}{
		{"Systems", "system", "system", f.Systems},
		{"Datasets", "dataset", "dataset", f.Datasets},
		{"Staff, by pseudonym", "actor", "", f.Actors},
		{"Units", "unit", "", f.Units},
		{"Roles", "role", "", f.Roles},
		{"What happened", "kind", "", f.Kinds},
		{"Days", "day", "", f.Days},
	} {
		if q.Get(x.name) != "" || len(x.values) == 0 {
			continue
		}
		out = append(out, l.facet(facet{Label: x.label}, x.values, func(v string) facetValue {
			return facetValue{Label: l.facetLabel(x.name, x.register, v), Href: address(with(q, x.name, v)), Count: x.values[v]}
		}))
	}
	return out
}

func (l *lookup) facet(out facet, values map[string]int, show func(string) facetValue) facet {
	all := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(values[b], values[a]), cmp.Compare(a, b))
	})
	shown := all[:min(len(all), facetValues)]
	out.More = len(all) - len(shown)
	for _, v := range shown {
		out.Values = append(out.Values, show(v))
	}
	return out
}

func (l *lookup) facetLabel(name, register, v string) string {
	switch {
	case v == events.Unknown:
		return "not in the register"
	case register != "":
		return l.find(register, v).Short()
	case name == "day":
		return day(v)
	case name == "kind":
		return title(v)
	}
	return v
}
