package main

import (
	"errors"
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

func (s subject) At(generation uint32) intake.Subject {
	if p := s.Person.At(generation); p != nil {
		return subject{p}
	}
	return nil
}

func (s subject) Tag(i uint64) events.Tag { return s.Person.Tag(i) }
func (s subject) Pair() events.Pair {
	return events.Pair{Label: s.Label(), Commitment: s.Commitment()}
}

func (k keys) EventName(source, id string) events.EventName { return k.Keyring.EventName(source, id) }

func (k keys) Content(canonical []byte, named []intake.Subject) events.Digest {
	people := make([]*keyring.Person, len(named))
	for i, who := range named {
		people[i] = who.(subject).Person
	}
	return k.Keyring.Content(canonical, people...)
}

func (k keys) Shared(organization string, t time.Time) (fold, month []byte, err error) {
	if organization != "" {
		month, err = k.MonthKey(organization, t)
	}
	return k.FoldKey(), month, err
}

func (k keys) FindMonth(organization string, t time.Time) ([]byte, error) {
	return k.FindMonthKey(organization, t)
}

func (k keys) Find(p events.Person) (intake.Subject, error) {
	id, err := identifier(p).Normalize()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", intake.ErrIdentifier, err)
	}
	return found(k.Lookup(id))
}

func (k keys) ByHandle(h events.Handle) (intake.Subject, error) {
	return found(k.Keyring.ByHandle(h))
}

// found is nil for nobody, which a nil *Person in an interface would not be.
func found(who *keyring.Person, ok bool, err error) (intake.Subject, error) {
	if !ok || err != nil {
		return nil, err
	}
	return subject{who}, nil
}

func (k keys) Prepare(ps []events.Person, taken func([64]byte) (bool, error)) ([]intake.Subject, error) {
	ids := make([]keyring.Identifier, len(ps))
	for i, p := range ps {
		ids[i] = identifier(p)
	}
	people, err := k.Keyring.Prepare(ids, taken)
	if errors.Is(err, keyring.ErrIdentifier) || errors.Is(err, keyring.ErrScheme) {
		err = fmt.Errorf("%w: %w", intake.ErrIdentifier, err)
	}
	if err != nil {
		return nil, err
	}
	out := make([]intake.Subject, len(people))
	for i, p := range people {
		out[i] = subject{p}
	}
	return out, nil
}

func (k keys) Hide(p events.Person, seal string) (intake.Subject, error) {
	id, err := identifier(p).Normalize()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", intake.ErrIdentifier, err)
	}
	of, ok, err := k.Lookup(id)
	if err != nil || !ok {
		return nil, errors.Join(err, errors.New("opening a hidden trail: there are no keys of whose it is to be"))
	}
	who, err := k.PrepareSeal(of, id, seal, nil)
	return subject{who}, err
}

func (k keys) ShredName(h events.Handle) [16]byte { return keyring.ShredName(h) }

func (k keys) PrepareNext(p events.Person, after uint32, taken func([64]byte) (bool, error)) (intake.Subject, error) {
	who, err := k.Keyring.PrepareNext(identifier(p), after, taken)
	return subject{who}, err
}

func (k keys) ProveLabel(p events.Person, generation uint32) ([80]byte, error) {
	return k.Keyring.ProveLabel(identifier(p), generation)
}

func identifier(p events.Person) keyring.Identifier {
	return keyring.Identifier{Scheme: p.Scheme, Value: p.Value}
}
