package keyring

import (
	"encoding/binary"
	"errors"
)

const (
	recordLen = 32 + 16 + 16 + 4 + 32 + 64
	// maxGeneration bounds how often one person can be forgotten and come back.
	maxGeneration = 1000
)

// record is one person as the files have her.
type record struct {
	lookup [32]byte
	person *Person
}

// appendTo encodes r: lookup, handle, handle of the main trail, u32 generation,
// root key, label.
func (r record) appendTo(b []byte) []byte {
	p := r.person
	root := p.Root()
	b = append(b, r.lookup[:]...)
	b = append(b, p.handle[:]...)
	b = append(b, p.of[:]...)
	b = binary.BigEndian.AppendUint32(b, p.generation)
	b = append(b, root[:]...)
	return append(b, p.label[:]...)
}

func parseRecord(b []byte) record {
	root := secret(b[68:100])
	return record{
		lookup: [32]byte(b[:32]),
		person: &Person{
			handle:     Handle(b[32:48]),
			of:         Handle(b[48:64]),
			generation: binary.BigEndian.Uint32(b[64:68]),
			root:       &root,
			label:      [64]byte(b[100:164]),
		},
	}
}

// check refuses what mint would not have made, or would not have put into the
// file of that number.
func (r record) check(number rollNumber) error {
	p := r.person
	if p.generation < 1 || p.generation > maxGeneration {
		return errors.New("a person of an unknown generation")
	}
	home := bucketOf(p.handle)
	if number != pendingRoll && home != number {
		return errors.New("a person of another bucket")
	}
	if p.of != (Handle{}) && (bucketOf(p.of) != home || p.of == p.handle) {
		return errors.New("a hidden trail away from its person")
	}
	if p.of == (Handle{}) && bucketOf(Handle(r.lookup[:16])) != home {
		return errors.New("a person in a bucket where nobody looks for her")
	}
	return nil
}

// bucketOf is the bucket of a handle, and of what begins with the same bits.
func bucketOf(h Handle) rollNumber { return rollNumber(h[0])<<4 | rollNumber(h[1])>>4 }

// sameRecord reports whether a and b are the same keys under the same names.
func sameRecord(a, b record) bool {
	p, q := a.person, b.person
	return a.lookup == b.lookup && p.handle == q.handle && p.of == q.of && p.generation == q.generation &&
		p.label == q.label && p.Root() == q.Root()
}

// roster are persons by the two names they are found by.
type roster struct {
	byLookup map[[32]byte]*line
	byHandle map[Handle]*line
}

func newRoster() *roster {
	return &roster{byLookup: make(map[[32]byte]*line), byHandle: make(map[Handle]*line)}
}

// add takes r in. The same record again changes nothing, and one of another
// generation joins its person; one that has but a name in common with another is
// an error.
func (s *roster) add(r record) error {
	known, named := s.byLookup[r.lookup], s.byHandle[r.person.handle]
	if known == nil && named == nil {
		l := r.person.line
		if l == nil {
			l = new(line)
			l.join(r.person)
		}
		s.byLookup[r.lookup] = l
		s.byHandle[r.person.handle] = l
		return nil
	}
	if known == nil || known != named {
		return errTwice
	}
	switch p := known.at(r.person.generation); {
	case p != nil && !sameRecord(record{r.lookup, p}, r), known.first().of != r.person.of:
		return errTwice
	case p == nil:
		known.join(r.person)
	}
	return nil
}

var errTwice = errors.New("a person stands there twice, and differently")

// holds reports whether r is there already.
func (s *roster) holds(r record) bool { return s.byLookup[r.lookup].at(r.person.generation) != nil }

// records are all of them, in no order but that of a person's generations.
func (s *roster) records() []record {
	out := make([]record, 0, len(s.byLookup))
	for lookup, l := range s.byLookup {
		for _, p := range l.all() {
			out = append(out, record{lookup, p})
		}
	}
	return out
}
