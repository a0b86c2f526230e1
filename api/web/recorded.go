package web

import (
	"net/http"

	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/projections"
)

// recordedOn is the day a page shows the register of.
type recordedOn struct {
	At   string // as 2026-06-24, "" for now
	Path string // of the page as it is now
	AsOf string // in words, the day that a page of now is judged by
}

// Day is the day in words.
func (o recordedOn) Day() string { return day(o.At) }

// Above is the address of a page further up, of the same day.
func (o recordedOn) Above(path string) string { return asOfHref(path, o.At) }

// missing says that the register does not have something.
func (o recordedOn) missing() string {
	if o.At == "" {
		return "This is not in the register."
	}
	return "This was not in the register by the end of " + o.Day() + " (UTC)."
}

// readerAt reads the parameter at; the page takes more parameters if it says so.
func (p *Pages) readerAt(r *http.Request, more ...string) (projections.Reader, recordedOn, error) {
	on := recordedOn{Path: r.URL.EscapedPath()}
	q, err := v1.Query(r, append(more, "at")...)
	if err != nil {
		return projections.Reader{}, on, err
	}
	on.At, on.AsOf = q.Get("at"), day(p.shown.Today())+" (UTC)"
	reader, err := p.shown.ReaderAt(on.At)
	return reader, on, err
}
