package v1

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// covered is the coverage as last read, for one size and one quarter of an hour:
// no day begins anywhere but with one.
type covered struct {
	size     events.Size
	from     time.Time
	coverage projections.Coverage
}

// Coverage is which services report and which do not, in what is published, and
// the UTC day it is judged as of. It is shared and not to be changed.
func (s *Shown) Coverage() (c projections.Coverage, asOf string, err error) {
	s.coverageMu.Lock()
	defer s.coverageMu.Unlock()
	r, size := s.Reader()
	now := s.Time()
	asOf = now.Format(time.DateOnly)
	from := now.Truncate(15 * time.Minute)
	if s.coverage.size == size && s.coverage.from.Equal(from) && size > 0 {
		return s.coverage.coverage, asOf, nil
	}
	complete := s.Views.Cursor().Size() >= size
	if c, err = r.Coverage(now); err == nil && complete {
		s.coverage = covered{size, from, c}
	}
	return c, asOf, err
}

type dayCountJSON struct {
	Day     string `json:"day" format:"date" doc:"The day it was recorded on, in the organization's time zone."`
	Events  uint64 `json:"events" doc:"How many uses of data."`
	Unnamed uint64 `json:"unnamed" doc:"Of them those whose persons nobody named."`
}

type ledgerCountJSON struct {
	Day     string        `json:"day" format:"date" doc:"The day that was counted."`
	Events  uint64        `json:"events" doc:"How many uses of data were recorded on it."`
	Unnamed uint64        `json:"unnamed" doc:"Of them those whose persons nobody named."`
	Missing uint64        `json:"missing" doc:"How many numbers of the source were missing by then."`
	Entry   *events.Index `json:"entry" doc:"The entry that says so."`
}

type sourceJSON struct {
	Organization string           `json:"organization" doc:"Whose source it is."`
	Source       string           `json:"source" doc:"The source."`
	Status       string           `json:"status" enum:"connected,silent,offboarded,unannounced" doc:"How it stands; silent when it recorded nothing for longer than its rhythm, unannounced when it recorded something and was never connected."`
	Since        string           `json:"since,omitempty" format:"date" doc:"The day it was first connected. Days are those of the organization's time zone."`
	AnnouncedBy  *events.Index    `json:"announcedBy" doc:"The entry that says so; null for one that is unannounced."`
	Connected    string           `json:"connected,omitempty" format:"date" doc:"The day it was last connected, or last declared its rhythm."`
	ConnectedBy  *events.Index    `json:"connectedBy" doc:"The entry that says so."`
	Ended        string           `json:"ended,omitempty" format:"date" doc:"The day it was disconnected; absent while it is connected."`
	EndedBy      *events.Index    `json:"endedBy" doc:"The entry that says so."`
	Rhythm       string           `json:"rhythm,omitempty" doc:"How often it records something at least, an ISO 8601 duration; absent when it declares none."`
	Events       uint64           `json:"events" doc:"How many uses of data it recorded."`
	Unnamed      uint64           `json:"unnamed" doc:"Of them those whose persons nobody named."`
	First        string           `json:"first,omitempty" format:"date" doc:"The first day it recorded something."`
	Last         string           `json:"last,omitempty" format:"date" doc:"The last."`
	SilentSince  string           `json:"silentSince,omitempty" format:"date" doc:"The day it was last heard of, when it is silent."`
	SilentBy     *events.Index    `json:"silentBy" doc:"The entry that says so; null before there is one."`
	Missing      uint64           `json:"missing" doc:"How many of its numbers are missing, as the ledger said last."`
	GapBy        *events.Index    `json:"gapBy" doc:"The last entry that says that numbers are missing."`
	Counted      *ledgerCountJSON `json:"counted" doc:"The last day the ledger counted; null before the first."`
	Days         []dayCountJSON   `json:"days,omitempty" doc:"What it recorded by day; only where a source is asked for."`
}

type reachJSON struct {
	Organization string   `json:"organization" doc:"The organization."`
	Registered   int      `json:"registered" doc:"How many systems it has in service, as registered."`
	Unheard      []string `json:"unheard" nullable:"false" doc:"Those that no use of data names."`
}

// coveredJSON is the coverage of real organizations, or of the invented one.
type coveredJSON struct {
	Sources []sourceJSON `json:"sources" nullable:"false" doc:"The sources, by organization."`
	Systems []reachJSON  `json:"systems" nullable:"false" doc:"The systems, by organization; empty where a source is asked for."`
}

type coverageJSON struct {
	AsOf    string      `json:"asOf" format:"date" doc:"The UTC day that this is judged on."`
	Real    coveredJSON `json:"real" doc:"Of real organizations."`
	Example coveredJSON `json:"example" doc:"Of the invented example organization."`
}

// newSourceJSON lists the days only where one source is asked for.
func newSourceJSON(s projections.Source, days bool) sourceJSON {
	out := sourceJSON{
		Organization: s.Organization, Source: s.Name, Status: string(s.Status),
		Since: s.Since, AnnouncedBy: s.AnnouncedBy, Connected: s.Connected, ConnectedBy: s.ConnectedBy, Ended: s.Ended, EndedBy: endedBy(s),
		Rhythm: s.Rhythm, Events: s.Events, Unnamed: s.Unnamed, First: s.First, Last: s.Last,
		SilentSince: silentSince(s), SilentBy: silentBy(s), Missing: s.Missing, GapBy: s.GapBy,
	}
	if s.CountedBy != nil {
		out.Counted = &ledgerCountJSON{s.Counted.Day, s.Counted.Events, s.Counted.Unnamed, s.Counted.Missed, s.CountedBy}
	}
	if days {
		for _, d := range s.Days {
			out.Days = append(out.Days, dayCountJSON(d))
		}
	}
	return out
}

func silentSince(s projections.Source) string {
	if s.Status != projections.Silent {
		return ""
	}
	return s.Heard
}

func silentBy(s projections.Source) *events.Index {
	if s.Status != projections.Silent {
		return nil
	}
	return s.SilentBy
}

func endedBy(s projections.Source) *events.Index {
	if s.Ended == "" {
		return nil
	}
	return s.EndedBy
}

// coverageParams choose sources.
func coverageParams() []*huma.Param {
	return []*huma.Param{
		referenceParam("organization", "Only sources and systems of this organization.", "example"),
		referenceParam("source", "Only this source, and what it recorded by day.", "example"),
	}
}

// coverageRoutes say which services report.
func (a *API) coverageRoutes() []Route {
	about := "Which services report about use of data, since when, which are silent and whose numbers are missing; " +
		"and which registered systems no use of data names. Judged on the UTC day that asOf names, by each organization's own calendar."
	return []Route{
		{
			Path: "/v1/coverage", Name: "listCoverage", Group: "views", Summary: "Which services report, and which do not", Detail: about,
			Params: coverageParams(), Answers: answers("The sources and systems.", coverageJSON{}), Read: a.coverage,
		},
		{
			Path: "/v1/coverage.csv", Name: "listCoverageAsTable", Group: "views", Summary: "The sources as a table", Detail: about,
			Params: coverageParams(), Answers: table("The sources, without the systems.", coverageColumns()), Read: a.coverageCSV,
		},
	}
}

// coverageQuery reads the parameters that choose sources.
func coverageQuery(q url.Values) (organization, source string, err error) {
	for _, name := range []string{"organization", "source"} {
		if v := q.Get(name); err == nil && v != "" && !events.IsReference(v) {
			err = parameter(name, "must be a reference, of small letters, digits and . _ / @ -")
		}
	}
	return q.Get("organization"), q.Get("source"), err
}

func (a *API) coverage(w http.ResponseWriter, r *http.Request, q url.Values) {
	organization, source, err := coverageQuery(q)
	var c projections.Coverage
	var asOf string
	if err == nil {
		c, asOf, err = a.shown.Coverage()
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	out := coverageJSON{asOf, coveredJSON{[]sourceJSON{}, []reachJSON{}}, coveredJSON{[]sourceJSON{}, []reachJSON{}}}
	of := func(organization string) *coveredJSON {
		if projections.IsExample(organization) {
			return &out.Example
		}
		return &out.Real
	}
	for _, s := range c.Sources {
		if fits(organization, s.Organization) && fits(source, s.Name) {
			at := of(s.Organization)
			at.Sources = append(at.Sources, newSourceJSON(s, source != ""))
		}
	}
	for _, x := range c.Systems {
		if fits(organization, x.Organization) && source == "" {
			at := of(x.Organization)
			at.Systems = append(at.Systems, reachJSON{x.Organization, x.Registered, append([]string{}, x.Unheard...)})
		}
	}
	write(w, r, out)
}

func fits(asked, is string) bool { return asked == "" || asked == is }

func coverageColumns() []string {
	return []string{
		"asOf", "organization", "source", "status", "since", "announcedBy", "connected", "connectedBy", "ended", "endedBy", "rhythm", "first", "last",
		"events", "unnamed", "silentSince", "silentBy", "missing", "gapBy", "countedDay", "countedEvents", "countedUnnamed", "countedMissing", "countedBy", "example",
	}
}

func (a *API) coverageCSV(w http.ResponseWriter, r *http.Request, q url.Values) {
	organization, source, err := coverageQuery(q)
	var c projections.Coverage
	var asOf string
	if err == nil {
		c, asOf, err = a.shown.Coverage()
	}
	if err != nil {
		refused(w, r, err)
		return
	}
	rows := [][]string{coverageColumns()}
	for _, s := range c.Sources {
		if fits(organization, s.Organization) && fits(source, s.Name) {
			rows = append(rows, coverageRow(asOf, s))
		}
	}
	writeCSV(w, r, "coverage.csv", rows)
}

func coverageRow(asOf string, s projections.Source) []string {
	whole := func(n uint64) string { return strconv.FormatUint(n, 10) }
	row := []string{
		asOf, s.Organization, s.Name, string(s.Status), s.Since, place(s.AnnouncedBy), s.Connected, place(s.ConnectedBy), s.Ended, place(endedBy(s)), s.Rhythm,
		s.First, s.Last, whole(s.Events), whole(s.Unnamed), silentSince(s), place(silentBy(s)), whole(s.Missing), place(s.GapBy),
	}
	if s.CountedBy != nil {
		row = append(row, s.Counted.Day, whole(s.Counted.Events), whole(s.Counted.Unnamed), whole(s.Counted.Missed), place(s.CountedBy))
	} else {
		row = append(row, "", "", "", "", "")
	}
	return append(row, invented(s.Organization))
}
