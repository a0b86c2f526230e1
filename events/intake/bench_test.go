package intake

import (
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/keyring"
)

// ring shows a real keyring to the sealing.
type ring struct{ *keyring.Keyring }

// resident shows her keys.
type resident struct{ *keyring.Person }

func (r resident) Tag(i uint64) events.Tag { return r.Person.Tag(i) }
func (r resident) Pair() events.Pair {
	return events.Pair{Label: r.Label(), Commitment: r.Commitment()}
}

func (r resident) At(generation uint32) Subject {
	if p := r.Person.At(generation); p != nil {
		return resident{p}
	}
	return nil
}

func (r ring) EventName(source, id string) events.EventName { return r.Keyring.EventName(source, id) }

func (r ring) Content(canonical []byte, named []Subject) events.Digest {
	people := make([]*keyring.Person, len(named))
	for i, who := range named {
		people[i] = who.(resident).Person
	}
	return r.Keyring.Content(canonical, people...)
}

func (r ring) FindMonth(organization string, t time.Time) ([]byte, error) {
	return r.FindMonthKey(organization, t)
}

func (r ring) Shared(organization string, t time.Time) (fold, month []byte, err error) {
	month, err = r.MonthKey(organization, t)
	return r.FoldKey(), month, err
}

// BenchmarkSeal takes one single-person event from its checked form to its
// history message, without the history.
func BenchmarkSeal(b *testing.B) {
	open, err := keyring.Open(keyring.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = open.Close() })
	keys := ring{open}
	event, err := events.ParseEvent([]byte(`{"specversion":"1.0","id":"case-17","source":"city/app","type":"org.daybook.data.accessed.v1",
 "time":"2026-06-24T08:30:00.5+02:00","data":{"system":"city/app","operation":"Query","outcome":"success",
 "dataset":"city/people","scope":{"unit":"record","count":3},"reasonText":"why","actor":{"id":"jo","role":"clerk","unit":"desk-1"},
 "caseRef":"17/2026","subjects":{"mode":"single","persons":[{"scheme":"example","value":"anna"}]}}}`))
	if err != nil {
		b.Fatal(err)
	}
	people, err := keys.Prepare([]keyring.Identifier{{Scheme: "example", Value: "anna"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	who, now := resident{people[0]}, time.Date(2026, 6, 24, 9, 0, 0, 0, time.UTC)
	shared, err := commonOf(keys, "city", now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p := planned{event: event, local: now, content: keys.Content(event.Canonical(), []Subject{who})}
		p.parties = []party{{person: event.Persons()[0], who: who, counter: 1, tag: who.Tag(1), key: who.EventKey(1)}}
		p.facts = events.Facts{
			Name: keys.EventName(event.Source, event.ID), Organization: "city", OccurredOn: "2026-06-24",
			RecordedOn: "2026-06-24", RecordedAt: now, Tags: []events.Tag{who.Tag(1)},
		}
		p.slots = event.Slots(p.facts)
		if err := p.disclose(); err != nil {
			b.Fatal(err)
		}
		if _, _, err := p.seal(keys, shared); err != nil {
			b.Fatal(err)
		}
	}
}
