package v1

import (
	"errors"
	"net/http"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Time is when an answer about elapsed time is judged, in UTC.
func (s *Shown) Time() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}

// Today is the day of Time, as 2026-06-24.
func (s *Shown) Today() string { return s.Time().Format(time.DateOnly) }

// ReaderAt answers from what was published and recorded by the end of a UTC day,
// as 2026-06-24; "" asks for all that is published. A day that is none, or not
// begun yet, is a *events.Problem.
func (s *Shown) ReaderAt(day string) (projections.Reader, error) {
	r, _ := s.Reader()
	if day == "" {
		return r, nil
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil || day > s.Today() {
		return r, parameter("at", "must be a day as 2026-06-24, and not after today")
	}
	return r.AsOf(day)
}

// counted are findings as last counted, for one size and one quarter of an hour,
// as somewhere a day begins with most of them.
type counted struct {
	size   events.Size
	since  time.Time
	counts map[string]map[int]int
}

// Findings counts the findings in what is published, by organization and rule,
// once for each size and quarter of an hour; asOf is the day in UTC. Nothing more of
// a finding is public. The maps are shared and not to be changed.
func (s *Shown) Findings() (counts map[string]map[int]int, asOf string, err error) {
	s.findingsMu.Lock()
	defer s.findingsMu.Unlock()
	r, size := s.Reader()
	now := s.Time()
	asOf = now.Format(time.DateOnly)
	since := now.Truncate(15 * time.Minute)
	if s.findings.counts != nil && s.findings.size == size && s.findings.since.Equal(since) {
		return s.findings.counts, asOf, nil
	}
	complete := s.Views.Cursor().Size() >= size
	counts, err = r.FindingCounts(now)
	if errors.Is(err, projections.ErrNotKept) {
		return nil, "", &events.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: "this server does not look for findings"}
	}
	if err == nil && complete {
		s.findings = counted{size, since, counts}
	}
	return counts, asOf, err
}

// ShareFilter reads the parameters that choose shares. More of them than here
// are the caller's to have refused.
func ShareFilter(r *http.Request) (projections.ShareFilter, error) {
	q, err := Query(r, "organization", "recipient", "dataset", "disclosureClass", "legalStandard", "agreement", "from", "to", "limit", "after")
	if err != nil {
		return projections.ShareFilter{}, err
	}
	f := projections.ShareFilter{
		Organization: q.Get("organization"), Recipient: q.Get("recipient"), Dataset: q.Get("dataset"), Agreement: q.Get("agreement"),
		DisclosureClass: q.Get("disclosureClass"), LegalStandard: q.Get("legalStandard"), From: q.Get("from"), To: q.Get("to"),
	}
	for _, name := range []string{"organization", "recipient", "dataset", "agreement"} {
		if v := q.Get(name); v != "" && v != events.Unknown && !events.IsReference(v) {
			return f, parameter(name, "must be a reference, of small letters, digits and . _ / @ -")
		}
	}
	kind, _ := events.FindKind("data.shared")
	for _, name := range []string{"disclosureClass", "legalStandard"} {
		field, ok := kind.Field(name)
		if v := q.Get(name); v != "" && ok && !field.Code.Has(v) {
			return f, parameter(name, "must be a term of its list")
		}
	}
	for _, name := range []string{"from", "to"} {
		if _, err := time.Parse("2006-01", q.Get(name)); q.Get(name) != "" && err != nil {
			return f, parameter(name, "must be a month as 2026-06")
		}
	}
	if after := q.Get("after"); after != "" {
		i, ok := parsePosition(after)
		if !ok {
			return f, parameter("after", "must be a position, a whole number from 0")
		}
		f.After = &i
	}
	f.Limit, err = Limit(q)
	return f, err
}
