package intake_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// documented are the statuses a door may answer with.
var documented = []int{200, 201, 400, 401, 403, 409, 413, 415, 422, 429, 503}

// FuzzDoor sends anything to a real door with a real writer behind it: the
// answer is a documented one, a refusal says why, and the writer lives.
func FuzzDoor(f *testing.F) {
	d := openDoor(f, plan{}, false)
	kind, _ := events.FindKind("data.accessed")
	full := said("data.accessed", "full", filled(kind, true, anna))
	const headers = "ce-specversion: 1.0\nce-id: \"a b\"\nce-source: city/app\nce-type: org.daybook.data.accessed.v1\nce-time: 2026-06-24T21:30:00Z"
	f.Add(typeEvent, "", full)
	f.Add(typeEvent+"; charset=utf-8", "", accessed("1", "plate", "ABC 123"))
	f.Add(typeBatch, "", "["+full+","+accessed("1", "", "")+","+registered("r")+"]")
	f.Add(typeBatch, "", "[]")
	f.Add("application/json", headers, `{"system":"city/app","operation":"Consult","outcome":"success","subjects":{"mode":"none"}}`)
	f.Add("application/vnd.x+json", "ce-specversion: 1.0\nce-id: %zz", `{"a":1e400}`)
	f.Add(typeEvent, "Authorization: Bearer x", saidAt("9999-12-31T23:59:59-12:00", "data.deleted", "9", `{"dataset":"a","method":"Erase","trigger":"retention-end","subjects":{"mode":"unknown"}}`))
	for _, kind := range events.Kinds() {
		if kind.Open && kind.By != events.RoleLedger {
			f.Add(typeEvent, "Role: "+string(kind.By), said(kind.Name, kind.Name, filled(kind, true, anna)))
		}
	}
	f.Fuzz(func(t *testing.T, contentType, headers, body string) {
		r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer "+d.tokens[events.Emitter])
		for line := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			r.Header.Add(name, value)
			if token, ok := d.tokens[events.Role(value)]; ok && name == "Role" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
		}
		checkAnswer(t, d, r)
	})
}

func checkAnswer(t *testing.T, d *doorway, r *http.Request) {
	t.Helper()
	w := httptest.NewRecorder()
	d.door.ServeHTTP(w, r)
	if !slices.Contains(documented, w.Code) || w.Code == 503 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Fatalf("answered %d with no JSON: %s", w.Code, w.Body)
	}
	if w.Code >= 400 && !strings.Contains(w.Body.String(), `"urn:daybook:problem:`) {
		t.Fatalf("answered %d without a reason: %s", w.Code, w.Body)
	}
	if (w.Code == 200 || w.Code == 201) && strings.Contains(w.Body.String(), `problem:unavailable"`) {
		t.Fatalf("the writer is gone: %s", w.Body)
	}
	select {
	case err := <-d.ended:
		t.Fatalf("the writer ended: %v", err)
	default:
	}
}
