package v1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/daybook-ledger/daybook/events"
)

// Refuse writes p as RFC 9457 shapes a problem. What may pass by itself says
// when to try again.
func Refuse(w http.ResponseWriter, p *events.Problem) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "1")
	}
	body := append(p.Append(nil), '\n')
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	w.Write(body) //nolint:errcheck // who asked is gone; there is nobody to tell
}

// Fail answers that we could not read what was asked for. The error itself is
// not sent: it speaks of our disk, not of the request.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	Refuse(w, &events.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "the ledger cannot be read at the moment"})
}

// NotFound is the problem that there is no such thing.
func NotFound(what string) *events.Problem {
	return &events.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: what}
}

// NotPublished is the problem that nothing, or not enough, is signed yet.
func NotPublished() *events.Problem {
	return &events.Problem{Status: http.StatusServiceUnavailable, Code: "not-published", Detail: "no published checkpoint covers this yet; try again in a moment"}
}

// parameter refuses a query parameter, named as a URL names it.
func parameter(name, format string, args ...any) *events.Problem {
	return &events.Problem{Status: http.StatusUnprocessableEntity, Code: "malformed-parameter", Pointer: "?" + name, Detail: fmt.Sprintf("%s "+format, append([]any{name}, args...)...)}
}
