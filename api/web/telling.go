package web

import (
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Titles is what a register calls what it has under a reference, and "" for what is
// not in it.
type Titles func(register, reference string) string

// Sentence says in plain words what an entry records, and when it does not say the
// exact time, on which day.
func Sentence(e *events.Entry, titles Titles) string {
	l := newLookup(projections.Reader{})
	l.titles = titles
	p := l.sentence(e)
	if e.Kind.Coarse {
		p = dated(e, p)
	}
	return p.String()
}

// Detail is a private field as it is shown: what it is called, and what it says, a
// line each.
type Detail struct {
	Label  string
	Values []string
}

// Details are the private fields that were opened, in plain words.
func Details(list []events.Disclosure) []Detail {
	out := make([]Detail, len(list))
	for i, d := range detailRows(list) {
		out[i] = Detail(d)
	}
	return out
}

// Day is a calendar day, as 2026-06-24, the way people say it.
func Day(s string) string { return date(s) }

// Number is n the way people write it.
func Number(n uint64) string { return number(n) }

// Moment is a time the way people say it, in UTC.
func Moment(t time.Time) string { return moment(events.FormatInstant(t)) }
