package v1

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
)

// personRoutes are what officers ask about one person. All of it is POST, since
// identifiers have no place in addresses.
func (o *Officers) personRoutes(only func(ForOfficer) http.HandlerFunc) []Route {
	one, most := 1.0, float64(MaxDossier)
	takes := []Content{{
		Media: "application/json",
		Of: object("Who is asked about.", map[string]*huma.Schema{
			"person":       object("Whom it is about.", map[string]*huma.Schema{"scheme": refer("Scheme"), "value": refer("Identifier")}, "scheme", "value"),
			"organization": refer(grammarName(events.Reference)), "after": positionSchema(),
			"limit": {Type: huma.TypeInteger, Minimum: &one, Maximum: &most, Default: MaxDossier},
		}, "person"),
		Examples: []Example{{"plate", "A person by a plate.", `{"person":{"scheme":"plate","value":"ABC 123"}}`}},
	}}
	recorded := " That it was asked is recorded before it is answered, with the next tag of the person, who will see it. Somebody of whom nothing is known is answered and recorded too, without a name."
	page := []Answer{{Status: http.StatusOK, About: "The statement as a page to print, which needs nothing else.", Content: []Content{{Media: "text/html", Of: &huma.Schema{Type: huma.TypeString}}}}}
	return []Route{
		{
			Method: "POST", Path: "/v1/officer/person", Name: "openPerson", Summary: "What the organization recorded about one person",
			Detail: "What a seal of the organization hides from her is among it, and marked." + recorded,
			Takes:  takes, Answers: answers("A page of entries with what was sealed in them.", dossierJSON{}), Handler: only(o.person),
		},
		{
			Method: "POST", Path: "/v1/officer/statement.json", Name: "makeStatement", Summary: "The statement for one person, with proofs",
			Detail: "What she may see, and no more; what a seal hides is not in it. After and limit change nothing. More than 10,000 entries are refused, not cut." + recorded,
			Takes:  takes, Answers: answers("The statement.", Statement{}), Handler: only(o.office.StatementJSON),
		},
		{
			Method: "POST", Path: "/v1/officer/statement.csv", Name: "makeStatementAsTable", Summary: "The lines of the statement for one person as a table",
			Detail: "One row for each entry; the JSON has the proofs." + recorded,
			Takes:  takes, Answers: table("The lines.", lineColumns()), Handler: only(o.office.StatementCSV),
		},
		{
			Method: "POST", Path: "/v1/officer/statement.html", Name: "makeStatementToPrint", Summary: "The statement for one person to print",
			Detail: "One file without scripts, which loads nothing." + recorded,
			Takes:  takes, Answers: page, Handler: only(o.office.StatementHTML),
		},
	}
}

// statement is the one that a request asks for.
func (o *Office) statement(r *http.Request, who Officer) (*Statement, error) {
	q, err := o.Inquiry(r, who)
	if err != nil {
		return nil, err
	}
	return o.Statement(r, who, q)
}

// StatementJSON answers with a statement, to be saved.
func (o *Office) StatementJSON(w http.ResponseWriter, r *http.Request, who Officer) {
	s, err := o.statement(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	o.SendStatement(w, r, s, "json")
}

// StatementCSV answers with the lines of a statement as a table.
func (o *Office) StatementCSV(w http.ResponseWriter, r *http.Request, who Officer) {
	s, err := o.statement(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	o.SendStatement(w, r, s, "csv")
}

// StatementHTML answers with a statement to print.
func (o *Office) StatementHTML(w http.ResponseWriter, r *http.Request, who Officer) {
	s, err := o.statement(r, who)
	if err != nil {
		refused(w, r, err)
		return
	}
	o.SendStatement(w, r, s, "html")
}

// SendStatement answers with a statement to be saved: as json, csv or html.
func (o *Office) SendStatement(w http.ResponseWriter, r *http.Request, s *Statement, as string) {
	switch as {
	case "csv":
		writePrivateCSV(w, r, "statement.csv", lineRows(s))
	case "html":
		body, err := o.Print(s)
		if err != nil {
			Fail(w, r, err)
			return
		}
		SendPrivate(w, "text/html; charset=utf-8", "statement.html", body)
	default:
		writePrivate(w, r, "statement.json", s.whole())
	}
}

// whole is s with empty lists where there is nothing.
func (s *Statement) whole() *Statement {
	out := *s
	out.Purposes, out.Categories, out.Recipients, out.Storage = list(s.Purposes), list(s.Categories), list(s.Recipients), list(s.Storage)
	out.Sources, out.Automated, out.Transfers, out.Consultations = list(s.Sources), list(s.Automated), list(s.Transfers), list(s.Consultations)
	out.Corrections, out.Lines, out.NotSaid.Coverage = list(s.Corrections), list(s.Lines), list(s.NotSaid.Coverage)
	return &out
}

func list[T any](in []T) []T { return append([]T{}, in...) }

func lineColumns() []string {
	return []string{
		"position", "event", "kind", "when", "relation", "organization", "source", "system", "dataset", "title", "purpose", "legalBasis", "recipient", "recipientName",
		"country", "safeguard", "automation", "role", "unit", "corrects", "head", "disclosed", "entryHash", "eventKey", "proof", "example", "reading",
	}
}

func lineRows(s *Statement) [][]string {
	rows := [][]string{lineColumns()}
	purposes, titles, recipients := map[events.Index]Purpose{}, map[string]string{}, map[events.Index]string{}
	for _, p := range s.Purposes {
		for _, i := range p.Lines {
			purposes[i] = p
		}
	}
	for _, c := range s.Categories {
		titles[c.Dataset] = c.Title
	}
	for _, r := range s.Recipients {
		recipients[r.Line] = r.Name
	}
	for i := range s.Lines {
		l := &s.Lines[i]
		p := purposes[l.Position]
		dataset := cmp.Or(l.fact("dataset"), l.fact("output"))
		head, disclosed := "", ""
		if l.Head != nil {
			head = place(&l.Head.Position)
		}
		if l.Disclosed {
			disclosed = "true"
		}
		rows = append(rows, []string{
			place(&l.Position), l.Event, l.Kind, l.When, l.Relation, s.Organization.Reference, l.fact("source"), l.fact("system"), dataset, titles[dataset], p.Purpose, p.LegalBasis,
			l.fact("recipient"), recipients[l.Position], l.fact("transfer.country"), l.fact("transfer.safeguard"), l.fact("automation"),
			cmp.Or(l.fact("actor.role"), l.fact("role")), l.fact("actor.unit"), l.fact("corrects"), head, disclosed, l.EntryHash, l.EventKey,
			proofHref(l.Position), invented(strings.TrimSpace(s.Organization.Reference)), place(&s.Reading),
		})
	}
	return rows
}
