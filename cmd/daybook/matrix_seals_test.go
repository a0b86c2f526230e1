package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// sealDay is a day that a seal may be looked at on.
func sealDay() string { return time.Now().AddDate(0, 2, 0).Format(time.DateOnly) }

// anOrder is an order as JSON.
func anOrder(person string) string {
	return fmt.Sprintf(`{"person":{"scheme":"example","value":%q},"ground":"LegallyExempted","caseRef":"SECRET case","reviewBy":%q,"until":%q}`, person, sealDay(), sealDay())
}

// twoSeals places a seal to be extended and lifted by token, and one for forms,
// and has an officer who approves.
func (in *inside) twoSeals() {
	in.t.Helper()
	officer := in.token(events.Officer, "city")
	in.approver = in.token(events.Officer, "city")
	for i := range 2 {
		req, err := http.NewRequest("POST", in.url+"/v1/officer/seals", strings.NewReader(anOrder(fmt.Sprint("sealed ", i))))
		if err != nil {
			in.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+officer)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Daybook-Approver", in.approver)
		var said struct{ Seal string }
		if status, body := in.do(http.DefaultClient, req); status != http.StatusOK || json.Unmarshal([]byte(body), &said) != nil {
			in.t.Fatalf("a seal: %d %s", status, body)
		}
		in.seals = append(in.seals, said.Seal)
	}
}

// sealBody is what a route about seals takes.
func (in *inside) sealBody(pattern string) (body, contentType string) {
	form := url.Values{
		"seal": {in.seals[1]}, "scheme": {"example"}, "value": {"by a form"}, "ground": {"LegallyExempted"}, "reviewBy": {sealDay()}, "until": {sealDay()},
		"caseRef": {"SECRET case"}, "approver": {in.approver}, "request": {"the same form"},
	}
	switch {
	case !strings.Contains(pattern, "/v1/"):
		return form.Encode(), "application/x-www-form-urlencoded"
	case strings.HasSuffix(pattern, "/extend"):
		return fmt.Sprintf(`{"reviewBy":%q,"until":%q}`, sealDay(), sealDay()), "application/json"
	case strings.HasSuffix(pattern, "/lift"):
		return "", "text/plain"
	}
	return anOrder("by a program"), "application/json"
}
