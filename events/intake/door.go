package intake

import (
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// Door is the HTTP door, POST /v1/events.
type Door struct {
	Writer *Writer
	Tokens *Tokens
	Ledger Ledger
}

// ServeHTTP takes one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	send(w, d.serve(w, r))
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) reply {
	grant, p := d.authorize(r)
	if p != nil {
		return refusal(p)
	}
	wait := r.URL.Query().Get("wait")
	if p := checkWait(wait); p != nil {
		return refusal(p)
	}
	in, p := readRequest(w, r)
	if p != nil {
		return refusal(p)
	}
	return d.answer(r.Context(), grant, in, wait != "")
}

// authorize finds what the request's bearer token allows.
func (d *Door) authorize(r *http.Request) (Grant, *events.Problem) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Grant{}, &events.Problem{Status: 401, Code: "no-token", Detail: "send Authorization: Bearer TOKEN"}
	}
	grant, ok, err := d.Tokens.Find(strings.TrimSpace(token))
	return granted(grant, ok, err)
}

// granted is the grant that was found, or what to say when none was.
func granted(grant Grant, ok bool, err error) (Grant, *events.Problem) {
	if err != nil {
		return Grant{}, unavailable("the tokens cannot be read")
	}
	if !ok {
		return Grant{}, &events.Problem{Status: 401, Code: "unknown-token", Detail: "this ledger does not know the token"}
	}
	return grant, nil
}

func send(w http.ResponseWriter, r reply) {
	content, contentType := r.encode()
	if r.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="daybook"`)
	}
	if r.later() {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.status)
	_, _ = w.Write(content) // the sender has gone when this fails
}
