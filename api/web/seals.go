package web

import (
	"net/http"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// sealRow is what became of an organization's seals in one quarter.
type sealRow struct {
	Organization named
	Quarter      string
	Placed       int
	Grounds      []tally
	Lifted       int
	Ends         []tally
	Standing     int
}

// sealTable is a list of quarters with what it lists.
type sealTable struct {
	Caption string
	Rows    []sealRow
}

// overdueSeal is a seal that stands and was to be looked at again.
type overdueSeal struct {
	Organization named
	Name         string
	Position     events.Index
	Ground       string
	PlacedIn     string
	ReviewIn     string
	SaidBy       events.Index
}

// overdueTable is a list of seals with what it lists.
type overdueTable struct {
	Caption string
	Rows    []overdueSeal
}

// groundWords say on what ground a seal is placed, and endWords how it ended.
var (
	groundWords = map[string]string{
		"crime": "crime", "security": "security", "justice": "proceedings in court and the like", "rights": "protection of somebody", "authority": "a duty in law",
	}
	endWords = map[string]string{
		"officer": "by an officer", "date": "on their last day", "lapse": "for want of a writing", "release": "by the event they waited for",
	}
)

// inTerms are counts in words, in the order of the terms.
func inTerms(code *events.Code, words map[string]string, counts map[string]int) (out []tally) {
	for _, term := range code.Terms() {
		if n := counts[term]; n > 0 {
			out = append(out, tally{uint64(n), words[term]})
		}
	}
	return out
}

func (p *Pages) seals(w http.ResponseWriter, r *http.Request) {
	_, err := v1.Query(r)
	var list []projections.Seals
	var asOf string
	if err == nil {
		list, asOf, err = p.shown.Seals()
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	body := struct {
		What                   string
		AsOf                   string
		Tally                  []tally
		Overdue, MadeOverdue   overdueTable
		Quarters, MadeQuarters sealTable
	}{
		What: v1.WhatASealIs, AsOf: day(asOf),
		Overdue: overdueTable{Caption: "Seals that stand and were to be looked at again, the longest overdue first"}, MadeOverdue: overdueTable{Caption: "The same of the invented organization"},
		Quarters: sealTable{Caption: "Seals placed and lifted, by organization and quarter"}, MadeQuarters: sealTable{Caption: "The same of the invented organization"},
	}
	standing, overdue := 0, 0
	for _, s := range list {
		late, quarters := &body.Overdue, &body.Quarters
		if projections.IsExample(s.Organization) {
			late, quarters = &body.MadeOverdue, &body.MadeQuarters
		} else {
			standing, overdue = standing+s.Standing, overdue+len(s.Overdue)
		}
		late.Rows = append(late.Rows, l.overdueSeals(s)...)
		quarters.Rows = append(quarters.Rows, l.sealQuarters(s)...)
	}
	body.Tally = []tally{{uint64(standing), "stand"}, {uint64(overdue), "of them overdue"}}
	if l.err != nil {
		p.fail(w, r, l.err)
		return
	}
	p.show(w, r, http.StatusOK, "seals", frame{Title: "Seals", Section: "seals", Body: body})
}

func (l *lookup) overdueSeals(s projections.Seals) (out []overdueSeal) {
	for _, x := range s.Overdue {
		out = append(out, overdueSeal{l.organization(s.Organization), x.Name.String(), x.Position, groundWords[x.Group], day(x.PlacedIn), day(x.ReviewIn), x.SaidBy})
	}
	return out
}

// sealQuarters are the rows of an organization, the latest quarter first.
func (l *lookup) sealQuarters(s projections.Seals) (out []sealRow) {
	for i := len(s.Quarters) - 1; i >= 0; i-- {
		q := s.Quarters[i]
		out = append(out, sealRow{
			l.organization(s.Organization), day(q.Quarter), q.Placed, inTerms(events.CodeSealGroup, groundWords, q.ByGroup),
			q.Lifted, inTerms(events.CodeLifted, endWords, q.ByEnd), q.Standing,
		})
	}
	return out
}
