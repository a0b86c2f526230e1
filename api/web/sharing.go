package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// shareTotal is what one organization gave another of one dataset on one ground.
type shareTotal struct {
	Recipient, Dataset, Organization named
	Agreement                        named // without a reference where none is named
	Class, Standard                  string
	from, to                         string // months
	Count                            uint64
}

// Period is the months in words.
func (t shareTotal) Period() string {
	if t.from == t.to {
		return monthWords(t.from)
	}
	return monthWords(t.from) + " to " + monthWords(t.to)
}

// monthWords writes 2026-06 as June 2026.
func monthWords(s string) string {
	d := day(s + "-01")
	if d == s+"-01" {
		return s
	}
	return d[len("1 "):]
}

// shareTable is a list of totals with what it lists.
type shareTable struct {
	Caption string
	Rows    []*shareTotal
}

// share is one share as the page shows it.
type share struct {
	line
	ReceivedBy *events.Index
}

func (p *Pages) sharing(w http.ResponseWriter, r *http.Request) {
	f, err := v1.ShareFilter(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if f.Limit == 0 {
		f.Limit = linesPerPage
	}
	reader, _ := p.shown.Reader()
	l := newLookup(reader)
	found, err := reader.Sharing(f)
	var shares []share
	var organizations []choice
	if err == nil {
		shares, err = l.shares(found.Shares)
	}
	if err == nil {
		organizations, err = l.organizationChoices(f.Organization)
	}
	real, example := l.shareTotals(found.Totals)
	if err = errors.Join(err, l.err); err != nil {
		p.fail(w, r, err)
		return
	}
	q := r.URL.Query()
	p.show(w, r, http.StatusOK, "sharing", frame{Title: "Sharing", Section: "sharing", Body: struct {
		Filter          projections.ShareFilter
		Organizations   []choice
		Filtered, Later bool
		Real, Example   shareTable
		Shares          []share
		Next, First     string
		JSON, CSV       string
		Number          uint64
	}{
		f, organizations, chooses(q), f.After != nil,
		shareTable{"Who received what", real},
		shareTable{"Shares of the invented organization", example},
		shares, nextHref("/sharing", q, found.Next), pageHref("/sharing", q, nil), pageHref("/v1/sharing", q, f.After),
		pageHref("/v1/sharing.csv", q, nil), found.Real,
	}})
}

// chooses says that a query leaves something out.
func chooses(q url.Values) bool {
	for name := range q {
		if name != "after" && name != "limit" && q.Get(name) != "" {
			return true
		}
	}
	return false
}

// nextHref is pageHref where something follows, else "".
func nextHref(path string, q url.Values, next *events.Index) string {
	if next == nil {
		return ""
	}
	return pageHref(path, q, next)
}

// shareTotals joins the months of each kind of share.
func (l *lookup) shareTotals(totals []projections.ShareTotal) (real, example []*shareTotal) {
	seen := map[projections.ShareTotal]*shareTotal{}
	for _, t := range totals {
		key := t
		key.Month, key.Count = "", 0
		row := seen[key]
		if row == nil {
			row = &shareTotal{
				Recipient: l.find("organization", t.Recipient), Dataset: l.find("dataset", t.Dataset), Organization: l.organization(t.Organization),
				Class: term(t.DisclosureClass), Standard: term(t.LegalStandard), Agreement: l.find("agreement", t.Agreement), from: t.Month, to: t.Month,
			}
			seen[key] = row
			if projections.IsExample(t.Organization) {
				example = append(example, row)
			} else {
				real = append(real, row)
			}
		}
		row.from, row.to, row.Count = min(row.from, t.Month), max(row.to, t.Month), row.Count+t.Count
	}
	return real, example
}

// shares are the lines of a page of shares.
func (l *lookup) shares(found []projections.Share) ([]share, error) {
	entries := make([]projections.Found, len(found))
	for i, s := range found {
		entry, err := l.reader.Entry(s.Position)
		if err != nil {
			return nil, err
		}
		entries[i] = projections.Found{Position: s.Position, Entry: entry}
	}
	lines, err := l.lines(entries)
	if err != nil {
		return nil, err
	}
	out := make([]share, len(lines))
	for i := range lines {
		out[i] = share{lines[i], found[i].ReceivedBy}
	}
	return out, nil
}
