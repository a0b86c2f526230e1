package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
)

// orders gives a request that orders something about a seal what its description
// gives as an example, the token of a second officer, and a seal that stands.
func (j *judge) orders(r request) request {
	j.t.Helper()
	const place = "/v1/officer/seals"
	if r.method != http.MethodPost || !strings.HasPrefix(r.path, place) {
		return r
	}
	second, err := j.system.tokens.MintInMemory(intake.Grant{Role: events.Officer, Organization: contractCity})
	if err != nil {
		j.t.Fatal(err)
	}
	r.headers = map[string]string{"Daybook-Approver": second}
	r.contentType, r.body = exampleBody(j.doc.Paths.Value(r.path).Post)
	if r.path == place {
		return r
	}
	var said struct{ Seal string }
	status, body := j.ask(j.orders(request{path: place, method: http.MethodPost, address: place, token: j.tokens[events.Officer]}))
	if status != http.StatusOK || json.Unmarshal(body, &said) != nil {
		j.t.Fatalf("a seal: %d %s", status, body)
	}
	r.address = strings.Replace(r.path, "{seal}", said.Seal, 1)
	return r
}
