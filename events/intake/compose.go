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
	parties []party             // whom it concerns, in the order of the tags
	head    *bulk               // of a part of a bulk event
	detail  map[string][32]byte // to what the head says, by circle
	about   *events.FoldSeal    // of an event about a seal
	local   time.Time
	content events.Digest
	slots   []events.Slot
	opened  []string // disclosures encoded: of the slots, then of the parties
	entry   *events.Entry
	next    Subject // the generation that a trail.rotated begins
}

// disclose draws the salts and decoys and makes the entry.
func (p *planned) disclose() error {
	random := make([]byte, 16*(len(p.slots)+len(p.parties))+32*p.event.Kind.Slots())
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
	salt := func() (s [16]byte) {
		s, random = [16]byte(random), random[16:]
		return s
	}
	n := len(p.slots) + len(p.parties)
	p.facts.Digests = make([]events.Digest, 0, p.event.Kind.Slots()+len(p.parties))
	text, ends := make([]byte, 0, 128*n), make([]int, 0, n)
	open := func(name string, v events.Value) {
		start := len(text)
		text = events.Disclosure{Salt: salt(), Name: name, Value: v}.AppendEncode(text)
		ends = append(ends, len(text))
		// Disclosure.Digest, without encoding it again.
		p.facts.Digests = append(p.facts.Digests, sha256.Sum256(text[start:]))
	}
	for _, s := range p.slots {
		open(s.Name, s.Value)
	}
	for _, x := range p.parties {
		open("subject", events.Nested(x.person.Object()))
	}
	p.opened = cut(string(text), ends)
	for range p.event.Kind.Slots() - len(p.slots) {
		p.facts.Digests = append(p.facts.Digests, events.Digest(random))
		random = random[32:]
	}
	var err error
	p.entry, err = p.event.Entry(p.facts)
	return err
}

// cut is text in pieces that end there.
func cut(text string, ends []int) []string {
	out := make([]string, len(ends))
	start := 0
	for i, end := range ends {
		out[i], start = text[start:end], end
	}
	return out
}

// seal makes the history message.
func (p *planned) seal(keys Keys, common common) ([]byte, noted, error) {
	header, err := p.fold(keys)
	if err != nil {
		return nil, noted{}, err
	}
	m := newSealing(p.entry, p.room())
	m.put(events.BoxFold, header.Format(), common.fold)
	_, part, parts := p.event.Part()
	switch {
	case part > 0:
		p.sealPart(&m, common)
	case parts > 0:
		p.sealHead(&m, common)
	case p.event.Kind.Whole: // about the ledger as a whole: nothing of it is private
	case len(p.parties) == 0:
		m.put(events.BoxOfficers, p.officers(), common.officers)
	default:
		p.sealPersons(&m, common)
	}
	if len(m.out) > events.MaxMessage && m.err == nil {
		// Nobody would read the history beyond it again.
		m.err = fmt.Errorf("sealing %s: its message would have %d bytes", p.event.Kind.Name, len(m.out))
	}
	return m.out, noted{entry: p.entry, hash: m.ad, fold: header}, m.err
}

// room is how many bytes the boxes take, and a little more.
func (p *planned) room() int {
	const (
		head = 1024 // the fold header, and the officers' box but for what it holds
		each = 300  // of a person: two boxes, her place in the fold header
	)
	n := head + each*len(p.parties)
	for i, text := range p.opened {
		switch {
		case i >= len(p.slots):
			n += 2 * len(text) // for her and for officers
		case p.slots[i].Person && p.head == nil:
			n += len(text) * (1 + len(p.parties))
		default:
			n += len(text)
		}
	}
	return n
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
	if c.fold, err = events.NewBoxCipher(events.BoxKey(events.BoxFold.String(), fold)); err != nil || month == nil {
		return c, err
	}
	c.officers, err = events.NewBoxCipher(events.BoxKey(events.BoxOfficers.String(), month))
	return c, err
}

// sealPersons seals what few persons share under the keys of all of them, so that
// erasing any one ends it.
func (p *planned) sealPersons(m *sealing, common common) {
	shared := [][]byte{common.month}
	for i := range p.parties {
		x := &p.parties[i]
		m.add(events.BoxPerson, events.FormatSlip(append(p.seen(x.person.Relation), p.subject(i))), x.key[:])
		shared = append(shared, x.key[:])
	}
	m.add(events.BoxOfficers, p.officers(), shared...)
	p.sealIdentifiers(m, common)
}

func (p *planned) sealIdentifiers(m *sealing, common common) {
	for i := range p.parties {
		m.add(events.BoxIdentifier, events.FormatSlip([]string{p.subject(i)}), common.month, p.parties[i].key[:])
	}
}

// subject is the disclosure that names the i-th of the parties.
func (p *planned) subject(i int) string { return p.opened[len(p.slots)+i] }

// officers is what officers and auditors may see, but the persons' names.
func (p *planned) officers() []byte {
	out := make([]string, 0, len(p.slots))
	for i, s := range p.slots {
		if s.Officers {
			out = append(out, p.opened[i])
		}
	}
	return events.FormatSlip(out)
}

// seen is what a person of this relation to the matter may see.
func (p *planned) seen(relation string) []string {
	out := make([]string, 0, len(p.slots)+1)
	for i, s := range p.slots {
		if s.Person && events.Sees(relation, s.Name) {
			out = append(out, p.opened[i])
		}
	}
	return out
}

// fold is the header the views fold from.
func (p *planned) fold(keys Keys) (events.Fold, error) {
	e := p.event
	text := func(path string) string { v, _ := e.Data.At(path); return v.Text() }
	f := events.Fold{
		Content: p.content, Role: text("actor.role"), Unit: text("actor.unit"), OccurredAt: e.Time,
		RecordedAt: p.facts.RecordedAt, Day: p.local.Format(time.DateOnly), Hour: p.local.Hour(),
		Sequence: -1, Dataset: text("dataset"), HasReason: text("reasonText") != "", Seal: p.about,
	}
	if f.Dataset == "" {
		f.Dataset = text("output")
	}
	if v, ok := e.Data.Get("sequence"); ok {
		f.Sequence = v.Int()
	}
	for _, x := range p.parties {
		f.Persons = append(f.Persons, events.FoldPerson{Handle: x.who.Handle(), Counter: x.counter, Generation: x.who.Generation(), Relation: x.person.Relation})
		f.OwnData = f.OwnData || text("actor.id") == x.person.Value
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
	out []byte
	ad  events.Digest // of the entry
	err error
}

// newSealing begins a message for which room bytes will do beside the entry.
func newSealing(e *events.Entry, room int) sealing {
	out, hash := e.Message(room)
	return sealing{out: out, ad: hash}
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
	out, err := key.AppendBox(m.out, kind, m.ad[:], plaintext)
	if err != nil {
		m.err = fmt.Errorf("sealing the %s box: %w", kind, err)
		return
	}
	m.out = out
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
