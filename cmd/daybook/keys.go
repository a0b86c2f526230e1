package main

import (
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/events/keyring"
)

// keys shows the keyring to the writer as the interfaces intake asks for.
type keys struct{ *keyring.Keyring }

// subject shows one person's keys to the writer.
type subject struct{ *keyring.Person }

func (s subject) Tag(i uint64) events.Tag { return s.Person.Tag(i) }
func (s subject) Pair() events.Pair {
	return events.Pair{Label: s.Label(), Commitment: s.Commitment()}
}

func (k keys) EventName(source, id string) events.EventName { return k.Keyring.EventName(source, id) }

func (k keys) Content(canonical []byte, who intake.Subject) events.Digest {
	if s, ok := who.(subject); ok {
		return k.Keyring.Content(canonical, s.Person)
	}
	return k.Keyring.Content(canonical, nil)
}

func (k keys) Shared(organization string, t time.Time) (fold, month []byte, err error) {
	month, err = k.MonthKey(organization, t)
	return k.FoldKey(), month, err
}

func (k keys) Find(p events.Person) (intake.Subject, error) {
	id, err := (keyring.Identifier{Scheme: p.Scheme, Value: p.Value}).Normalize()
	if err != nil {
		return nil, fmt.Errorf("naming the person: %w", err)
	}
	if who, ok := k.Lookup(id); ok {
		return subject{who}, nil
	}
	return nil, nil
}

func (k keys) Holds(h events.Handle) bool {
	_, ok := k.ByHandle(h)
	return ok
}

func (k keys) Prepare(ps []events.Person) ([]intake.Subject, error) {
	ids := make([]keyring.Identifier, len(ps))
	for i, p := range ps {
		ids[i] = keyring.Identifier{Scheme: p.Scheme, Value: p.Value}
	}
	people, err := k.Keyring.Prepare(ids)
	if err != nil {
		return nil, err
	}
	out := make([]intake.Subject, len(people))
	for i, p := range people {
		out[i] = subject{p}
	}
	return out, nil
}

func (k keys) FindMonth(organization string, t time.Time) ([]byte, error) {
	return k.FindMonthKey(organization, t)
}

func (k keys) EventKey(h events.Handle, i uint64) ([32]byte, bool) {
	p, ok := k.ByHandle(h)
	if !ok {
		return [32]byte{}, false
	}
	return p.EventKey(i), true
}
