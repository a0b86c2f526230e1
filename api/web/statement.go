package web

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
)

// statementPage reads the page that a statement is printed on. It stands alone:
// it loads nothing, so that it is the same wherever it is opened.
func statementPage() (*template.Template, error) {
	t, err := template.New("statement.html").Funcs(template.FuncMap{
		"number": func(n any) string { return number(toUint(n)) },
		"title":  title, "term": term, "words": eachTerm, "moment": when, "day": day, "period": period,
		"said": saidDetail,
	}).ParseFS(files, "pages/statement.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page of a statement: %w", err)
	}
	return t, nil
}

// Statement is a statement as a page to print.
func (p *Pages) Statement(s *v1.Statement) ([]byte, error) {
	var b bytes.Buffer
	if err := p.printed.Execute(&b, s); err != nil {
		return nil, fmt.Errorf("printing a statement: %w", err)
	}
	return b.Bytes(), nil
}

// eachTerm is each of several codes in words.
func eachTerm(s string) string {
	if s == v1.NotFilledIn {
		return s
	}
	list := strings.Fields(s)
	for i := range list {
		list[i] = term(list[i])
	}
	return strings.Join(list, ", ")
}

// when is a day or a moment, or both ends of an interval.
func when(s string) string {
	from, until, interval := strings.Cut(s, "/")
	if interval {
		return when(from) + " to " + when(until)
	}
	return moment(s)
}

// saidDetail is a sealed field that is hers, in words; nil for what says nothing
// to her or was said before.
func saidDetail(d v1.Detail) *detail {
	label := detailLabels[d.Name]
	if label == "" {
		label = d.Name
	}
	v, err := events.ParseValue(d.Value)
	if err != nil || d.Name == "occurredAt" {
		return nil
	}
	return &detail{label, detailValues(d.Name, v)}
}
