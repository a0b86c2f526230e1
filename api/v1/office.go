package v1

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// MaxExport is the most rows an export has. What chooses more is refused, not
// cut: nobody should take a part for the whole.
const MaxExport = 10_000

// Office answers what officers ask. Each answer was recorded before it is given,
// so the ledger knows of every one, also of those that got lost on their way.
type Office struct {
	Shown *Shown
	Desk  Desk
	Print func(*Statement) ([]byte, error) // as a page to print

	// For what officers say; nil where they say nothing.
	Clerk  Clerk
	Seals  SealDesk
	Cards  CardDesk
	Tokens Tokens

	// Secure says that a request came under https; nil: none did.
	Secure func(*http.Request) bool

	Auditing Auditing // for auditors of all; nil where they are shown no more than others
}

// TrailParameters choose uses of data; so do limit and after, but not in exports.
var trailParameters = []string{"organization", "system", "dataset", "actor", "unit", "role", "kind", "day", "from", "to"}

// Trail are uses of data, with what is around them.
type Trail struct {
	Organization string
	Filter       projections.TrailFilter
	Uses         []projections.Use
	Facets       projections.Facets
	Next         *events.Index
	Reading      events.Index // where the ledger says that this was read
}

// Trail is one page of the uses that the request chooses.
func (o *Office) Trail(r *http.Request, who Officer, limit int) (Trail, error) {
	q, err := Query(r, append([]string{"limit", "after"}, trailParameters...)...)
	if err != nil {
		return Trail{}, err
	}
	f, err := o.trailFilter(q, who)
	if err != nil {
		return Trail{}, err
	}
	if f.Limit == 0 {
		f.Limit = limit
	}
	out := Trail{Organization: f.Organization, Filter: f}
	reader, _ := o.Shown.Reader()
	if out.Uses, out.Next, err = reader.Trail(f); err != nil {
		return Trail{}, notKept(err)
	}
	all := f
	all.After = nil
	if out.Facets, err = reader.TrailFacets(all); err != nil {
		return Trail{}, err
	}
	out.Reading, err = o.record(r.Context(), who, f.Organization, "trail", q, usePositions(out.Uses))
	return out, err
}

// TrailExport is all that the request chooses, without facets.
func (o *Office) TrailExport(r *http.Request, who Officer) (Trail, error) {
	q, err := Query(r, trailParameters...)
	if err != nil {
		return Trail{}, err
	}
	f, err := o.trailFilter(q, who)
	if err != nil {
		return Trail{}, err
	}
	f.Limit = projections.MaxLimit
	out := Trail{Organization: f.Organization, Filter: f}
	reader, _ := o.Shown.Reader()
	for {
		page, next, err := reader.Trail(f)
		if err != nil {
			return Trail{}, notKept(err)
		}
		out.Uses = append(out.Uses, page...)
		if len(out.Uses) > MaxExport {
			return Trail{}, tooMany()
		}
		if f.After = next; next == nil {
			break
		}
	}
	out.Reading, err = o.record(r.Context(), who, f.Organization, "trail export", q, usePositions(out.Uses))
	return out, err
}

func tooMany() *events.Problem {
	return &events.Problem{
		Status: http.StatusUnprocessableEntity, Code: "too-many",
		Detail: "more than " + strconv.Itoa(MaxExport) + " rows; choose fewer days, or one dataset or system",
	}
}

func usePositions(uses []projections.Use) []events.Index {
	out := make([]events.Index, len(uses))
	for i, u := range uses {
		out[i] = u.Position
	}
	return out
}

// pseudonym is what a name of the keyring's making looks like.
var pseudonym = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// organization is the one that a request is about. The record of the reading
// names it in clear, so what an auditor types counts only when the ledger has
// spoken of it before.
func (o *Office) organization(q url.Values, who Officer) (string, error) {
	name, err := who.organization(q)
	if err != nil || name == who.Organization {
		return name, err
	}
	reader, _ := o.Shown.Reader()
	switch _, err = reader.Item("organization", name); {
	case err == nil:
		return name, nil
	case !errors.Is(err, projections.ErrNotFound):
		return "", err
	}
	said, _, err := reader.Entries(projections.Filter{Organization: name, Limit: 1})
	if err == nil && len(said) == 0 {
		err = parameter("organization", "must be one that the ledger has entries of")
	}
	return name, err
}

func (o *Office) trailFilter(q url.Values, who Officer) (projections.TrailFilter, error) {
	f := projections.TrailFilter{
		System: q.Get("system"), Dataset: q.Get("dataset"), Actor: q.Get("actor"), Unit: q.Get("unit"), Role: q.Get("role"), Kind: q.Get("kind"),
		Day: q.Get("day"), From: q.Get("from"), To: q.Get("to"),
	}
	var err error
	if f.Organization, err = o.organization(q, who); err != nil {
		return f, err
	}
	for _, name := range []string{"system", "dataset", "unit", "role"} {
		if v := q.Get(name); v != "" && v != events.Unknown && !events.IsReference(v) {
			return f, parameter(name, "must be a reference, of small letters, digits and . _ / @ -")
		}
	}
	if k, ok := events.FindKind(f.Kind); f.Kind != "" && (!ok || !k.IsData()) {
		return f, parameter("kind", "must be a kind of use, as data.accessed")
	}
	if f.Actor != "" && !pseudonym.MatchString(f.Actor) {
		return f, parameter("actor", "must be a pseudonym as the trail shows it")
	}
	for _, name := range []string{"day", "from", "to"} {
		if _, err := time.Parse(time.DateOnly, q.Get(name)); q.Get(name) != "" && err != nil {
			return f, parameter(name, "must be a day as 2026-06-24")
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

// record says what was asked for, as the address had it, and waits until the
// ledger has it.
func (o *Office) record(ctx context.Context, who Officer, organization, what string, q url.Values, positions []events.Index) (events.Index, error) {
	words := []string{what}
	for _, name := range slices.Sorted(keys(q)) {
		if v := q.Get(name); v != "" && name != "organization" {
			words = append(words, name+"="+v)
		}
	}
	i, err := o.Desk.Record(ctx, who, organization, strings.Join(words, " "), positions)
	return i, officerProblem(err)
}

// notKept says it when the officers' views are not kept here.
func notKept(err error) error {
	if errors.Is(err, projections.ErrNotKept) {
		return NotFound("this server does not keep what officers see")
	}
	return err
}

// Open opens the details of the entry that ref names by position or event.
func (o *Office) Open(ctx context.Context, who Officer, ref string) (events.Index, Opened, error) {
	found, err := o.Shown.Entry(ref)
	if err != nil {
		return 0, Opened{}, err
	}
	e, err := events.ParseEntry(found.Entry)
	if err != nil {
		return 0, Opened{}, err
	}
	if e.Text("organization") == "" {
		return 0, Opened{}, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "nothing-sealed", Detail: "the ledger's own entry has nothing sealed in it"}
	}
	opened, err := o.Desk.Open(ctx, who, found.Position)
	return found.Position, opened, officerProblem(err)
}

// Found are findings, with what is around them.
type Found struct {
	Organization string
	AsOf         string // the UTC day they are judged on
	Findings     []projections.Finding
	Next         string // the After of the next page, "" on the last
	Reading      events.Index
}

// Findings is one page of the findings that the request chooses.
func (o *Office) Findings(r *http.Request, who Officer, limit int) (Found, error) {
	q, err := Query(r, "organization", "rule", "limit", "after")
	if err != nil {
		return Found{}, err
	}
	f, err := o.findingFilter(q, who)
	if err != nil {
		return Found{}, err
	}
	if f.Limit == 0 {
		f.Limit = limit
	}
	out, err := o.findings(f)
	if err != nil {
		return Found{}, err
	}
	out.Reading, err = o.record(r.Context(), who, f.Organization, "findings", q, findingPositions(out.Findings))
	return out, err
}

// FindingsExport is all that the request chooses.
func (o *Office) FindingsExport(r *http.Request, who Officer) (Found, error) {
	q, err := Query(r, "organization", "rule")
	if err != nil {
		return Found{}, err
	}
	f, err := o.findingFilter(q, who)
	if err != nil {
		return Found{}, err
	}
	f.Limit = projections.MaxLimit
	var out Found
	for {
		page, err := o.findings(f)
		if err != nil {
			return Found{}, err
		}
		page.Findings = append(out.Findings, page.Findings...)
		out = page
		if len(out.Findings) > MaxExport {
			return Found{}, tooMany()
		}
		if f.After = out.Next; f.After == "" {
			break
		}
	}
	out.Reading, err = o.record(r.Context(), who, f.Organization, "findings export", q, findingPositions(out.Findings))
	return out, err
}

// Finding is the one with an ID. That there is none is recorded like any answer.
func (o *Office) Finding(r *http.Request, who Officer, id string) (Found, error) {
	q, err := Query(r, "organization")
	if err != nil {
		return Found{}, err
	}
	f, err := o.findingFilter(q, who)
	if err == nil && !pseudonym.MatchString(id) {
		err = NotFound("there is no such finding")
	}
	if err != nil {
		return Found{}, err
	}
	f.ID = id
	out, err := o.findings(f)
	if err != nil {
		return Found{}, err
	}
	out.Reading, err = o.record(r.Context(), who, f.Organization, "finding "+id, q, findingPositions(out.Findings))
	if err == nil && len(out.Findings) == 0 {
		err = NotFound("there is no such finding")
	}
	return out, err
}

func (o *Office) findingFilter(q url.Values, who Officer) (projections.FindingFilter, error) {
	f := projections.FindingFilter{After: q.Get("after")}
	var err error
	if f.Organization, err = o.organization(q, who); err != nil {
		return f, err
	}
	if rule := q.Get("rule"); rule != "" {
		i := slices.IndexFunc(projections.Rules(), func(x projections.Rule) bool { return strconv.Itoa(x.Number) == rule })
		if i < 0 {
			return f, parameter("rule", "must be the number of a rule")
		}
		f.Rule = projections.Rules()[i].Number
	}
	if f.After != "" && !pseudonym.MatchString(f.After) {
		return f, parameter("after", "must be the id of a finding")
	}
	f.Limit, err = Limit(q)
	return f, err
}

// findings is one page, and whether another follows.
func (o *Office) findings(f projections.FindingFilter) (Found, error) {
	now := o.Shown.Time()
	reader, _ := o.Shown.Reader()
	out := Found{Organization: f.Organization, AsOf: now.Format(time.DateOnly)}
	var err error
	if out.Findings, err = reader.Findings(now, f); err != nil {
		return Found{}, notKept(err)
	}
	if n := len(out.Findings); n > 0 && n == f.Limit {
		last := out.Findings[n-1].ID
		f.After, f.Limit = last, 1
		more, err := reader.Findings(now, f)
		if err != nil {
			return Found{}, err
		}
		if len(more) > 0 {
			out.Next = last
		}
	}
	return out, nil
}

// findingPositions are all entries that findings list, each once, ascending.
func findingPositions(findings []projections.Finding) []events.Index {
	var out []events.Index
	for _, f := range findings {
		out = append(out, f.Positions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
