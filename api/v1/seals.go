package v1

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// sealsShown are the seals as last read, for one size and one quarter of an hour:
// no day begins anywhere but with one.
type sealsShown struct {
	size  events.Size
	since time.Time
	seals []projections.Seals
}

// Seals are how many seals each organization placed and lifted, and which are
// overdue, in what is published, with the UTC day it is judged as of. It is shared
// and not to be changed.
func (s *Shown) Seals() (list []projections.Seals, asOf string, err error) {
	s.sealsMu.Lock()
	defer s.sealsMu.Unlock()
	r, size := s.Reader()
	now := s.Time()
	asOf = now.Format(time.DateOnly)
	since := now.Truncate(15 * time.Minute)
	if s.seals.size == size && s.seals.since.Equal(since) && size > 0 {
		return s.seals.seals, asOf, nil
	}
	complete := s.Views.Cursor().Size() >= size
	if list, err = r.Seals(now); err == nil && complete {
		s.seals = sealsShown{size, since, list}
	}
	return list, asOf, err
}

type sealQuarterJSON struct {
	Quarter  string         `json:"quarter" pattern:"^[0-9]{4}-Q[1-4]$" doc:"The quarter, by the organization's calendar."`
	Placed   int            `json:"placed" doc:"How many seals were placed in it."`
	ByGroup  map[string]int `json:"byGroup" doc:"Of them how many on a ground of each group."`
	Lifted   int            `json:"lifted" doc:"How many ended in it."`
	ByEnd    map[string]int `json:"byEnd" doc:"Of them how many were ended by an officer, by their date, because nobody wrote the order down, or by the event they waited for."`
	Standing int            `json:"standing" doc:"How many stood at its end; in the present quarter, how many stand so far."`
}

type overdueSealJSON struct {
	Seal     string       `json:"seal" pattern:"^[A-Za-z0-9_-]{22}$" doc:"The public name of the seal."`
	Position events.Index `json:"position" doc:"The entry that placed it."`
	Group    string       `json:"group" doc:"The group of its ground."`
	PlacedIn string       `json:"placedIn" pattern:"^[0-9]{4}-Q[1-4]$" doc:"The quarter it was placed in."`
	ReviewIn string       `json:"reviewIn" pattern:"^[0-9]{4}-Q[1-4]$" doc:"The quarter in which it was to be looked at again; it is over."`
	SaidBy   events.Index `json:"saidBy" doc:"The entry that says so."`
}

type sealsOfJSON struct {
	Organization string            `json:"organization" doc:"Whose seals these are."`
	Standing     int               `json:"standing" doc:"How many stand."`
	Overdue      []overdueSealJSON `json:"overdue" nullable:"false" doc:"Those that stand and were to be looked at again in a quarter that is over, the longest overdue first."`
	Quarters     []sealQuarterJSON `json:"quarters" nullable:"false" doc:"The quarters in which a seal was placed or lifted."`
}

type sealsJSON struct {
	AsOf    string        `json:"asOf" format:"date" doc:"The UTC day that this is judged on."`
	Real    []sealsOfJSON `json:"real" nullable:"false" doc:"Of real organizations."`
	Example []sealsOfJSON `json:"example" nullable:"false" doc:"Of the invented example organization."`
}

// WhatASealIs says in two sentences what a seal is, and what it cannot hide.
const WhatASealIs = "While a seal stands, a person is not told of certain uses of data about that person, because two officers have said that the law asks for it. " +
	"It hides neither that a use happened nor what the public sees of it: its entry stands in the log, is counted and can be proved like any other; " +
	"when the seal is lifted the person sees all of it, and can prove that it was there all the time."

// sealRoutes say how much is sealed.
func (a *API) sealRoutes() []Route {
	about := WhatASealIs + " Counted by organization and quarter; which entries fall under a seal, and whom it is about, is not public. Judged on the UTC day that asOf names, by each organization's own calendar."
	params := func() []*huma.Param {
		return []*huma.Param{referenceParam("organization", "Only seals of this organization.", "example")}
	}
	return []Route{
		{
			Path: "/v1/seals", Name: "countSeals", Group: "views", Summary: "How many seals stand, and which are overdue", Detail: about,
			Params: params(), Answers: answers("The counts.", sealsJSON{}), Read: a.seals,
		},
		{
			Path: "/v1/seals.csv", Name: "countSealsAsTable", Group: "views", Summary: "The counts of seals as a table", Detail: about,
			Params: params(), Answers: table("A row for each organization and quarter.", sealColumns()), Read: a.sealsCSV,
		},
	}
}

// sealQuery are the seals that a request chooses.
func (a *API) sealQuery(q url.Values) ([]projections.Seals, string, error) {
	organization := q.Get("organization")
	if organization != "" && !events.IsReference(organization) {
		return nil, "", parameter("organization", "must be a reference, of small letters, digits and . _ / @ -")
	}
	all, asOf, err := a.shown.Seals()
	var out []projections.Seals
	for _, s := range all {
		if fits(organization, s.Organization) {
			out = append(out, s)
		}
	}
	return out, asOf, err
}

func (a *API) seals(w http.ResponseWriter, r *http.Request, q url.Values) {
	list, asOf, err := a.sealQuery(q)
	if err != nil {
		refused(w, r, err)
		return
	}
	out := sealsJSON{asOf, []sealsOfJSON{}, []sealsOfJSON{}}
	for _, s := range list {
		of := &out.Real
		if projections.IsExample(s.Organization) {
			of = &out.Example
		}
		*of = append(*of, newSealsOfJSON(s))
	}
	write(w, r, out)
}

func newSealsOfJSON(s projections.Seals) sealsOfJSON {
	out := sealsOfJSON{s.Organization, s.Standing, make([]overdueSealJSON, len(s.Overdue)), make([]sealQuarterJSON, len(s.Quarters))}
	for i, x := range s.Overdue {
		out.Overdue[i] = overdueSealJSON{x.Name.String(), x.Position, x.Group, x.PlacedIn, x.ReviewIn, x.SaidBy}
	}
	for i, q := range s.Quarters {
		out.Quarters[i] = sealQuarterJSON{q.Quarter, q.Placed, q.ByGroup, q.Lifted, q.ByEnd, q.Standing}
	}
	return out
}

func sealColumns() []string {
	out := []string{"asOf", "organization", "quarter", "placed"}
	for _, group := range events.CodeSealGroup.Terms() {
		out = append(out, "placed."+group)
	}
	out = append(out, "lifted")
	for _, how := range events.CodeLifted.Terms() {
		out = append(out, "lifted."+how)
	}
	return append(out, "standing", "overdue", "example")
}

// sealsCSV has the names of overdue seals in the row of the quarter in which they
// were placed.
func (a *API) sealsCSV(w http.ResponseWriter, r *http.Request, q url.Values) {
	list, asOf, err := a.sealQuery(q)
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{sealColumns()}
	for _, s := range list {
		for _, x := range s.Quarters {
			rows = append(rows, sealRow(asOf, s, x))
		}
	}
	writeCSV(w, r, "seals.csv", rows)
}

func sealRow(asOf string, s projections.Seals, q projections.SealQuarter) []string {
	row := []string{asOf, s.Organization, q.Quarter, strconv.Itoa(q.Placed)}
	for _, group := range events.CodeSealGroup.Terms() {
		row = append(row, strconv.Itoa(q.ByGroup[group]))
	}
	row = append(row, strconv.Itoa(q.Lifted))
	for _, how := range events.CodeLifted.Terms() {
		row = append(row, strconv.Itoa(q.ByEnd[how]))
	}
	var overdue []string
	for _, x := range s.Overdue {
		if x.PlacedIn == q.Quarter {
			overdue = append(overdue, x.Name.String())
		}
	}
	return append(row, strconv.Itoa(q.Standing), strings.Join(overdue, " "), invented(s.Organization))
}
