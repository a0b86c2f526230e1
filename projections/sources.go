package projections

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Coverage is which services report about use of data, and which registered
// systems none of them speaks of.
type Coverage struct {
	Sources []Source // sorted by organization and source
	Systems []Reach  // sorted by organization
}

// SourceStatus is how a source stands.
type SourceStatus string

// A source is connected while the ledger expects events of it, and silent when it
// has recorded nothing for longer than its rhythm; without a rhythm it is never
// silent. It is unannounced when it recorded something and was never connected.
const (
	Connected   SourceStatus = "connected"
	Silent      SourceStatus = "silent"
	Offboarded  SourceStatus = "offboarded"
	Unannounced SourceStatus = "unannounced"
)

// Source is what is known of one source of one organization. Days are local, of
// the organization's time zone as registered; positions are nil for what the
// ledger has not said.
type Source struct {
	Organization string
	Name         string
	Status       SourceStatus

	Since       string        // day it was connected first, "" for never
	AnnouncedBy *events.Index // the entry that says so
	Connected   string        // day it was connected last
	ConnectedBy *events.Index
	Ended       string // day it was disconnected, "" while it is connected
	EndedBy     *events.Index
	Rhythm      string // ISO 8601; "" when none is declared

	Events    uint64        // uses of data recorded
	Unnamed   uint64        // of them those whose persons nobody named
	First     string        // days it recorded something first and last, "" for never
	Last      string        //
	Days      []DayCount    // those with events, oldest first
	Heard     string        // the later of Connected and Last
	SilentBy  *events.Index // what says that nothing came since Heard
	CountedBy *events.Index // the latest count of a day
	Counted   LedgerCount   // what it says, zero without one
	GapBy     *events.Index
	Missing   uint64 // missing numbers as the ledger said last, in a count or a gap
}

// LedgerCount is what the ledger said of one day of a source.
type LedgerCount struct {
	Day                     string
	Events, Unnamed, Missed uint64
}

// Reach is how many of an organization's registered systems a use of data ever
// named. Systems out of service do not count.
type Reach struct {
	Organization string
	Registered   int
	Unheard      []string // those that none named
}

// Coverage is how sources stand at asOf; whose day that is, each organization's
// time zone decides. Its cost grows with the number of entries behind the
// reader's size: ask once for a published size and day, and keep the answer.
func (r Reader) Coverage(asOf time.Time) (Coverage, error) {
	var c Coverage
	err := func() error {
		done, err := r.v.use()
		if err != nil {
			return err
		}
		defer done()
		c.Sources, err = r.sources(asOf)
		return err
	}()
	if err == nil {
		c.Systems, err = r.reach()
	}
	if err != nil {
		return c, fmt.Errorf("reading the coverage: %w", err)
	}
	return c, nil
}

// sources are all that recorded something or were spoken of.
func (r Reader) sources(asOf time.Time) ([]Source, error) {
	snapshot := r.v.db.NewSnapshot()
	uses, err := r.usesByDay(snapshot)
	if err := errors.Join(err, snapshot.Close()); err != nil {
		return nil, err
	}
	known := map[sourceName]values{}
	err = r.latest([]byte(sourcePrefix), 2, func(key, value []byte) error {
		s, err := stored(value)
		of := splitKey(key)
		known[sourceName{of[0], of[1]}] = s
		return err
	})
	if err != nil {
		return nil, err
	}
	for name := range uses {
		if _, ok := known[name]; !ok {
			known[name] = values{}
		}
	}
	zones := zones{r, map[string]*time.Location{}}
	out := make([]Source, 0, len(known))
	for name, s := range known {
		zone, err := zones.of(name.organization)
		if err != nil {
			return nil, err
		}
		source := newSource(name, s, zone)
		source.heard(uses[name])
		if s.text("since") == source.Heard {
			source.SilentBy = s.position("silent")
		}
		source.judge(asOf.In(zone).Format(time.DateOnly))
		out = append(out, source)
	}
	slices.SortFunc(out, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// newSource is what the ledger said of a source.
func newSource(name sourceName, s values, zone *time.Location) Source {
	on := func(member string) string {
		t, ok := events.ParseInstant(s.text(member))
		if !ok {
			return ""
		}
		return t.In(zone).Format(time.DateOnly)
	}
	return Source{
		Organization: name.organization, Name: name.source, Rhythm: s.text("rhythm"),
		Since: on("announcedAt"), AnnouncedBy: s.position("announced"),
		Connected: on("onboardedAt"), ConnectedBy: s.position("onboarded"),
		Ended: on("offboardedAt"), EndedBy: s.position("offboarded"),
		GapBy: s.position("gap"), CountedBy: s.position("counted"),
		Counted: LedgerCount{s.text("on"), uint64(s.number("count")), uint64(s.number("unnamed")), uint64(s.number("missed"))},
		Missing: uint64(s.number("missing")), Heard: on("onboardedAt"),
	}
}

func (v values) position(name string) *events.Index {
	n, ok := v.Get(name)
	if !ok {
		return nil
	}
	i := events.Index(n.Int())
	return &i
}

// heard adds what the source recorded.
func (s *Source) heard(uses map[string]DayCount) {
	for _, d := range uses {
		s.Days = append(s.Days, d)
		s.Events += d.Events
		s.Unnamed += d.Unnamed
	}
	if len(s.Days) == 0 {
		return
	}
	slices.SortFunc(s.Days, func(a, b DayCount) int { return cmp.Compare(a.Day, b.Day) })
	s.First, s.Last = s.Days[0].Day, s.Days[len(s.Days)-1].Day
	s.Heard = max(s.Heard, s.Last)
}

// judge says how the source stands on the day today.
func (s *Source) judge(today string) {
	due := s.due()
	switch {
	case s.Connected == "":
		s.Status = Unannounced
	case s.Ended != "":
		s.Status = Offboarded
	case due != "" && due < today:
		s.Status = Silent
	default:
		s.Status = Connected
	}
}

// due is the last day on which the rhythm lets the source say something next, ""
// without a rhythm. Days are all that is public of when it did: a rhythm below a
// day counts as a day, and what ends within a day ends with it.
func (s *Source) due() string {
	from, ok := dayOn(s.Heard)
	if !ok || s.Rhythm == "" {
		return ""
	}
	due, ok := later(from, s.Rhythm)
	if !ok {
		return ""
	}
	if due.After(due.Truncate(24 * time.Hour)) {
		due = due.AddDate(0, 0, 1)
	}
	return due.Format(time.DateOnly)
}

// ShorterRhythm says that a lets less time pass than b. "" is no rhythm, and
// longer than any.
func ShorterRhythm(a, b string) bool {
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	x, ok := later(from, a)
	y, other := later(from, b)
	return ok && (!other || x.Before(y))
}

// zones are time zones as organizations registered them.
type zones struct {
	r     Reader
	known map[string]*time.Location
}

// of is UTC for an organization that is not registered, as it is for the writer.
func (z zones) of(organization string) (*time.Location, error) {
	if zone, ok := z.known[organization]; ok {
		return zone, nil
	}
	zone, err := z.r.zone(organization)
	z.known[organization] = zone
	return zone, err
}

// Zone is the time zone an organization registered, UTC when it is not
// registered.
func (r Reader) Zone(organization string) (*time.Location, error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	return r.zone(organization)
}

func (r Reader) zone(organization string) (*time.Location, error) {
	it, err := r.under(part(statePrefix, "organization", organization), true)
	if err != nil {
		return nil, err
	}
	name := "UTC"
	if it.Last() {
		s, parseErr := parseState(it.Value())
		err = parseErr
		if v, ok := s.fields.Get("timeZone"); ok {
			name = v.Text()
		}
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("reading the time zone of %s: %w", organization, err)
	}
	return zone, nil
}

// reach compares the systems in service with those that uses named.
func (r Reader) reach() ([]Reach, error) {
	named, err := r.named()
	if err != nil {
		return nil, err
	}
	by := map[string]*Reach{}
	for next, more := "", true; more; more = next != "" {
		var items []Item
		if items, next, err = r.Items("system", "", next, MaxLimit); err != nil {
			return nil, err
		}
		for _, item := range items {
			if item.Ended != "" {
				continue
			}
			if by[item.Organization] == nil {
				by[item.Organization] = &Reach{Organization: item.Organization}
			}
			at := by[item.Organization]
			at.Registered++
			if !named[item.ID] {
				at.Unheard = append(at.Unheard, item.ID)
			}
		}
	}
	var out []Reach
	for _, x := range by {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Reach) int { return cmp.Compare(a.Organization, b.Organization) })
	return out, nil
}

// named are the systems that a use of data named.
func (r Reader) named() (map[string]bool, error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	out := map[string]bool{}
	return out, each(r.v.db, []byte(namedPrefix), after(namedPrefix), func(key, value []byte) error {
		if len(value) != 8 {
			return fmt.Errorf("the key %q has a malformed position", key)
		}
		if events.Size(binary.BigEndian.Uint64(value)) < r.size {
			out[string(key[len(namedPrefix):])] = true
		}
		return nil
	})
}

// silent is the part of rule 9 that a clock decides: a finding for each source
// that says nothing for longer than its rhythm.
func (r Reader) silent(asOf time.Time) ([]Finding, error) {
	sources, err := r.sources(asOf)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, s := range sources {
		if s.Status != Silent {
			continue
		}
		f := finding{rule: RuleSequence, code: "silent", evidence: texts("rhythm", s.Rhythm, "since", s.Heard, "source", s.Name)}
		out = append(out, single(f, s.Organization, s.Heard, *s.ConnectedBy))
	}
	return out, nil
}
