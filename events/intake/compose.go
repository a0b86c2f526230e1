package intake

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// planned is one event on its way into the batch.
type planned struct {
	event   *events.Event
	facts   events.Facts
	who     Subject // of a single-person event
	counter uint64  // which of her tags this is
	local   time.Time
	content events.Digest
	slots   []events.Slot
	opened  []string // disclosures encoded: of the slots, then of the person
	entry   *events.Entry
}

// disclose draws the salts and decoys and makes the entry.
func (p *planned) disclose() error {
	persons := p.event.Persons()
	random := make([]byte, 16*(len(p.slots)+len(persons))+32*p.event.Kind.Slots())
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
	salt := func() (s [16]byte) {
		s, random = [16]byte(random), random[16:]
		return s
	}
	p.opened = make([]string, 0, len(p.slots)+len(persons))
	p.facts.Digests = make([]events.Digest, 0, p.event.Kind.Slots()+len(persons))
	open := func(name string, v events.Value) {
		text := events.Disclosure{Salt: salt(), Name: name, Value: v}.Encode()
		p.opened = append(p.opened, text)
		// Disclosure.Digest, without encoding it again.
		p.facts.Digests = append(p.facts.Digests, sha256.Sum256([]byte(text)))
	}
	for _, s := range p.slots {
		open(s.Name, s.Value)
	}
	for _, person := range persons {
		subject := events.Object{
			{Name: "relation", Value: events.String(person.Relation)},
			{Name: "scheme", Value: events.String(person.Scheme)},
			{Name: "value", Value: events.String(person.Value)},
		}
		open("subject", events.Nested(subject))
	}
	for range p.event.Kind.Slots() - len(p.slots) {
		p.facts.Digests = append(p.facts.Digests, events.Digest(random))
		random = random[32:]
	}
	var err error
	p.entry, err = p.event.Entry(p.facts)
	return err
}

// seal makes the history message.
func (p *planned) seal(keys Keys, common common) ([]byte, noted, error) {
	header, err := p.fold(keys)
	if err != nil {
		return nil, noted{}, err
	}
	m := newSealing(p.entry)
	m.put(events.BoxFold, header.Format(), common.fold)
	officers := events.FormatSlip(p.opened[:len(p.slots)])
	if p.who == nil {
		m.put(events.BoxOfficers, officers, common.officers)
	} else {
		key := p.who.EventKey(p.counter)
		m.add(events.BoxPerson, events.FormatSlip(p.personal()), key[:])
		m.add(events.BoxOfficers, officers, common.month, key[:])
		m.add(events.BoxIdentifier, events.FormatSlip(p.opened[len(p.slots):]), common.month, key[:])
	}
	return m.Format(), noted{entry: p.entry, hash: m.ad, fold: header}, m.err
}

// common are the keys of a batch's boxes that depend on the organization alone.
type common struct {
	fold, officers *events.BoxCipher // officers: of events about nobody in particular
	month          []byte
}

// commonOf finds the keys of an organization for what is recorded at a time.
func commonOf(keys Keys, organization string, at time.Time) (c common, err error) {
	fold, month, err := keys.Shared(organization, at)
	if err != nil {
		return c, err
	}
	c.month = month
	if c.fold, err = events.NewBoxCipher(events.BoxKey(events.BoxFold.String(), fold)); err != nil {
		return c, err
	}
	c.officers, err = events.NewBoxCipher(events.BoxKey(events.BoxOfficers.String(), month))
	return c, err
}

// personal is what the person concerned may see. An incidental person learns
// when, and no more: the rest is another person's matter.
func (p *planned) personal() []string {
	out := make([]string, 0, len(p.opened))
	incidental := p.event.Persons()[0].Relation == "incidental"
	for i, s := range p.slots {
		if s.Person && (!incidental || s.Name == "occurredAt") {
			out = append(out, p.opened[i])
		}
	}
	return append(out, p.opened[len(p.slots):]...)
}

// fold is the header the views fold from.
func (p *planned) fold(keys Keys) (events.Fold, error) {
	e := p.event
	text := func(path string) string { v, _ := e.Data.At(path); return v.Text() }
	f := events.Fold{
		Content: p.content, Role: text("actor.role"), Unit: text("actor.unit"), OccurredAt: e.Time,
		RecordedAt: p.facts.RecordedAt, Day: p.local.Format(time.DateOnly), Hour: p.local.Hour(),
		Sequence: -1, Dataset: text("dataset"), HasReason: text("reasonText") != "",
	}
	if f.Dataset == "" {
		f.Dataset = text("output")
	}
	if v, ok := e.Data.Get("sequence"); ok {
		f.Sequence = v.Int()
	}
	if p.who != nil {
		person := e.Persons()[0]
		f.Persons = []events.FoldPerson{{Handle: p.who.Handle(), Counter: p.counter, Relation: person.Relation}}
		f.OwnData = text("actor.id") == person.Value
	}
	for _, part := range []struct {
		into  *string
		what  string
		value string
	}{{&f.Actor, "actor", text("actor.id")}, {&f.Case, "case", text("caseRef")}} {
		if part.value == "" {
			continue
		}
		name, err := keys.Pseudonym(p.facts.Organization, part.what, part.value)
		if err != nil {
			return events.Fold{}, err
		}
		*part.into = name
	}
	return f, nil
}

// sealing adds boxes to a message and keeps the first error.
type sealing struct {
	events.Message
	ad  events.Digest // of the entry
	err error
}

func newSealing(e *events.Entry) sealing {
	entry := e.Append(nil)
	return sealing{Message: events.Message{Entry: entry}, ad: events.HashEntry(entry)}
}

// add seals plaintext under HKDF of the keys, bound to the entry.
func (m *sealing) add(kind events.BoxKind, plaintext []byte, keys ...[]byte) {
	cipher, err := events.NewBoxCipher(events.BoxKey(kind.String(), keys...))
	if err != nil {
		m.err = errors.Join(m.err, err)
		return
	}
	m.put(kind, plaintext, cipher)
}

// put seals plaintext under a key prepared before, bound to the entry.
func (m *sealing) put(kind events.BoxKind, plaintext []byte, key *events.BoxCipher) {
	if m.err != nil {
		return
	}
	box, err := key.Seal(rand.Reader, m.ad[:], plaintext)
	if err != nil {
		m.err = fmt.Errorf("sealing the %s box: %w", kind, err)
		return
	}
	m.Boxes = append(m.Boxes, events.Box{Kind: kind, Data: box})
}

// FoldOpener opens fold boxes with the ledger's fold key.
func FoldOpener(foldKey []byte) OpenFold {
	key, prepared := events.NewBoxCipher(events.BoxKey(events.BoxFold.String(), foldKey))
	return func(m events.Message) (events.Fold, error) {
		if prepared != nil {
			return events.Fold{}, prepared
		}
		entry := events.HashEntry(m.Entry)
		plain, err := key.Open(entry[:], m.Boxes[0].Data)
		if err != nil {
			return events.Fold{}, fmt.Errorf("opening the fold header: %w", err)
		}
		return events.ParseFold(plain)
	}
}
