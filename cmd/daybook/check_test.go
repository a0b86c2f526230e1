package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

// TestConcerned reads whom entries concern, as verify tells a resident.
func TestConcerned(t *testing.T) {
	person := func(n int) string { return fmt.Sprintf(`{"scheme":"example","value":"%d"}`, n) }
	for subjects, want := range map[string]string{
		`{"mode":"none"}`:    "nobody in particular",
		`{"mode":"unknown"}`: "not named",
		`{"mode":"single","persons":[` + person(1) + `]}`:                                 "1, by a tag that her key recognizes",
		`{"mode":"several","persons":[` + person(1) + `,` + person(2) + `]}`:              "2, by tags that their keys recognize",
		`{"mode":"bulk","parts":118}`:                                                     "many, named in 118 parts that follow",
		`{"mode":"bulk","part":3,"partOf":"1","parts":118,"persons":[` + person(1) + `]}`: "1, by tags that their keys recognize; part 3 of 118 of the event BwAAAAAAAAAAAAAAAAAAAA",
	} {
		e, err := events.ParseEvent([]byte(`{"specversion":"1.0","id":"1","source":"city","type":"org.daybook.data.shared.v1","time":"2026-06-24T08:30:00Z",
			"data":{"recipient":"county","dataset":"city/people","subjects":` + subjects + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		f := events.Facts{Organization: "city", OccurredOn: "2026-06-24", RecordedOn: "2026-06-24", PartOf: events.EventName{7}}
		for i := range e.Named() {
			f.Tags = append(f.Tags, events.Tag{byte(i)})
		}
		for i := range e.Kind.Slots() + e.Named() {
			f.Digests = append(f.Digests, events.Digest{byte(i)})
		}
		entry, err := e.Entry(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := concerned(entry); got != want {
			t.Errorf("%s is told as %q", subjects, got)
		}
	}
	register, err := events.ParseEntry([]byte(strings.TrimSpace(`
{"$":"daybook/entry@1","event":"AQAAAAAAAAAAAAAAAAAAAA","kind":"key.rotated","occurredAt":"2026-06-24T08:30:00Z","recordedAt":"2026-06-24T08:30:00Z","source":"daybook","what":"master"}`)))
	if err != nil || concerned(register) != "" {
		t.Errorf("what is not about persons is told as %q, %v", concerned(register), err)
	}
}
