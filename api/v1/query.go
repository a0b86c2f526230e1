package v1

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// Query reads the parameters of a request, which must all be allowed and given
// once at most. An empty one counts as absent, as a form sends it.
func Query(r *http.Request, allowed ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-query", Detail: "the part of the address after ? cannot be read"}
	}
	for _, name := range slices.Sorted(keys(q)) {
		if !slices.Contains(allowed, name) {
			return nil, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "unknown-parameter", Pointer: "?" + clip(name), Detail: "no such parameter here"}
		}
		if len(q[name]) > 1 {
			return nil, parameter(name, "is given more than once")
		}
	}
	return q, nil
}

func keys(q url.Values) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range q {
			if !yield(name) {
				return
			}
		}
	}
}

// clip bounds what of a request a problem repeats.
func clip(s string) string { return s[:min(len(s), 40)] }

// Filter reads the parameters that choose entries. More of them than here are
// the caller's to have refused.
func Filter(q url.Values) (projections.Filter, error) {
	f := projections.Filter{
		Kind: q.Get("kind"), Organization: q.Get("organization"), System: q.Get("system"), Dataset: q.Get("dataset"), Day: q.Get("day"),
	}
	if _, ok := events.FindKind(f.Kind); f.Kind != "" && !ok {
		return f, parameter("kind", "must be a kind of event, as data.accessed")
	}
	for name, value := range map[string]string{"organization": f.Organization, "system": f.System, "dataset": f.Dataset} {
		if value != "" && !events.IsReference(value) {
			return f, parameter(name, "must be a reference, of small letters, digits and . _ / @ -")
		}
	}
	if _, err := time.Parse(time.DateOnly, f.Day); f.Day != "" && err != nil {
		return f, parameter("day", "must be a day as 2026-06-24")
	}
	if after := q.Get("after"); after != "" {
		i, ok := parsePosition(after)
		if !ok {
			return f, parameter("after", "must be a position, a whole number from 0")
		}
		f.After = &i
	}
	var err error
	f.Limit, err = Limit(q)
	return f, err
}

// Limit reads how many results a page may have, 0 when not said.
func Limit(q url.Values) (int, error) {
	s := q.Get("limit")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > projections.MaxLimit || strconv.Itoa(n) != s {
		return 0, parameter("limit", "must be a number from 1 to %d", projections.MaxLimit)
	}
	return n, nil
}
