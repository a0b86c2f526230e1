package projections

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// Mention is one entry that concerns a person.
type Mention struct {
	Position     events.Index
	Organization string // whose entry it is
	Kind         string
	Trail        events.Handle    // that took it: her own, or the hidden one of a seal
	Counter      uint64           // which of the trail's tags it has, from 1
	Generation   uint32           // of the root key that made the tag
	Relation     string           // hers to the matter
	Seal         events.EventName // of the seal.placed whose hidden trail it is, zero for her own
	Disclosed    bool             // the seal was lifted, and she was given what it hid
}

// Hidden says that the entry stands under a seal, so that she is not to learn of it.
func (m Mention) Hidden() bool { return m.Seal != events.EventName{} && !m.Disclosed }

const (
	mentionPrefix = "ph"
	hiddenPrefix  = "pt"
)

// hiddenTrail is what is kept of the hidden trail of a seal, 48 bytes.
type hiddenTrail struct {
	trail     events.Handle
	seal      events.EventName
	placed    events.Index
	disclosed events.Index // notYet until then
}

const (
	hiddenLen = 16 + 16 + 8 + 8
	notYet    = ^events.Index(0)
)

func (h hiddenTrail) append(dst []byte) []byte {
	dst = append(append(dst, h.trail[:]...), h.seal[:]...)
	return number(number(dst, h.placed), h.disclosed)
}

// hiddenTrails reads those of one person.
func hiddenTrails(b []byte) ([]hiddenTrail, error) {
	if len(b)%hiddenLen != 0 {
		return nil, fmt.Errorf("reading hidden trails: there are %d bytes", len(b))
	}
	out := make([]hiddenTrail, 0, len(b)/hiddenLen)
	for ; len(b) > 0; b = b[hiddenLen:] {
		h := hiddenTrail{trail: events.Handle(b), seal: events.EventName(b[16:])}
		h.placed = events.Index(binary.BigEndian.Uint64(b[32:]))
		h.disclosed = events.Index(binary.BigEndian.Uint64(b[40:]))
		out = append(out, h)
	}
	return out, nil
}

// foldPersons writes a row for each person that an entry concerns. Nothing of a
// person is left when her key.shredded is folded, that row included.
func foldPersons(b *batch, m *message) error {
	if len(m.entry.Kind.Fields) == 0 { // an enrolment concerns nobody yet
		return nil
	}
	b.text = append(append(append(b.text[:0], m.entry.Kind.Name...), ' '), m.entry.Text("organization")...)
	shared := len(b.text)
	for _, p := range m.fold.Persons {
		b.key = number(append(append(b.key[:0], mentionPrefix...), p.Handle[:]...), m.position)
		b.text = append(append(append(b.text[:shared], ' '), p.Relation...), ' ')
		b.text = strconv.AppendUint(b.text, p.Counter, 10)
		if p.Generation > 1 {
			b.text = strconv.AppendUint(append(b.text, ' '), uint64(p.Generation), 10)
		}
		b.set(b.key, b.text)
	}
	if s := m.fold.Seal; s != nil {
		return b.foldSeal(m, s)
	}
	if m.entry.Kind.Name == "key.shredded" {
		for _, p := range m.fold.Persons {
			if err := b.forget(p.Handle); err != nil {
				return err
			}
		}
	}
	return nil
}

// foldSeal keeps which hidden trails a person has, and what she was given of them.
func (b *batch) foldSeal(m *message, s *events.FoldSeal) error {
	placed, disclosed := m.entry.Kind.Name == "seal.placed", m.entry.Kind.Name == "event.disclosed"
	if !placed && !disclosed {
		return nil
	}
	key := append([]byte(hiddenPrefix), s.Of[:]...)
	value, err := b.get(key)
	if err != nil {
		return err
	}
	if placed {
		b.put(key, hiddenTrail{s.Trail, s.Name, m.position, notYet}.append(bytes.Clone(value)))
		return nil
	}
	trails, err := hiddenTrails(value)
	if err != nil {
		return err
	}
	var out []byte
	for _, h := range trails {
		if h.seal == s.Name {
			h.disclosed = m.position
		}
		out = h.append(out)
	}
	b.put(key, out)
	return nil
}

// forget deletes what is kept of a person and of her hidden trails, of this batch
// too: a batch is carried out in the order in which it was filled.
func (b *batch) forget(her events.Handle) error {
	key := append([]byte(hiddenPrefix), her[:]...)
	value, err := b.get(key)
	if err != nil {
		return err
	}
	hidden, err := hiddenTrails(value)
	if err != nil {
		return err
	}
	for _, h := range append(hidden, hiddenTrail{trail: her}) {
		first := append([]byte(mentionPrefix), h.trail[:]...)
		if err := b.b.DeleteRange(number(bytes.Clone(first), 0), append(number(bytes.Clone(first), notYet), 0), nil); err != nil {
			return fmt.Errorf("forgetting a person: %w", err)
		}
	}
	b.remove(key)
	return nil
}

// Person are the entries of organization, of any where it is "", that concern the
// person of a handle, by ascending position, those on the hidden trails of her
// seals among them. Next is the after of the next page, nil when nothing follows;
// a page may hold less than the limit and still have a next. Of a person whose keys
// are destroyed there is none, at any size of the log: what shows them to an officer
// records ledger.read, and could not any more.
func (r Reader) Person(her events.Handle, organization string, after *events.Index, limit int) (list []Mention, next *events.Index, err error) {
	done, err := r.useOfficers()
	if err != nil {
		return nil, nil, err
	}
	defer done()
	from, ok := r.behind(after)
	if !ok {
		return nil, nil, nil
	}
	list, next, err = r.mentions(her, organization, from, limited(limit))
	if err != nil {
		return nil, nil, fmt.Errorf("reading what concerns a person: %w", err)
	}
	return list, next, nil
}

func (r Reader) mentions(her events.Handle, organization string, from events.Index, limit int) (list []Mention, next *events.Index, err error) {
	trails, err := r.trailsOf(her)
	if err != nil {
		return nil, nil, err
	}
	rows := make([]trailRows, len(trails))
	defer func() {
		for i := range rows {
			if rows[i].it != nil {
				err = errors.Join(err, rows[i].it.Close())
			}
		}
	}()
	for i, h := range trails {
		if rows[i], err = r.rowsOf(h, from); err != nil {
			return nil, nil, err
		}
	}
	for steps := 0; ; steps++ {
		first := earliest(rows)
		if first == nil {
			return list, nil, nil
		}
		if len(list) == limit || steps == r.steps {
			last := first.at - 1
			return list, &last, nil
		}
		m, err := first.mention()
		if err != nil {
			return nil, nil, err
		}
		if organization == "" || m.Organization == organization {
			list = append(list, m)
		}
		first.move(first.it.Next())
	}
}

// trailsOf are a person's own trail and, as the log stood, her hidden ones.
func (r Reader) trailsOf(her events.Handle) ([]hiddenTrail, error) {
	out := []hiddenTrail{{trail: her, disclosed: notYet}}
	value, err := r.get(append([]byte(hiddenPrefix), her[:]...))
	if errors.Is(err, ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	hidden, err := hiddenTrails(value)
	for _, h := range hidden {
		if h.placed < events.Index(r.size) {
			out = append(out, h)
		}
	}
	return out, err
}

// trailRows walks the rows of one trail.
type trailRows struct {
	it        *pebble.Iterator
	at        events.Index
	valid     bool
	from      hiddenTrail
	disclosed bool
}

func (r Reader) rowsOf(h hiddenTrail, from events.Index) (trailRows, error) {
	it, err := r.under(append([]byte(mentionPrefix), h.trail[:]...), true)
	if err != nil {
		return trailRows{}, err
	}
	rows := trailRows{it: it, from: h, disclosed: h.disclosed < events.Index(r.size)}
	rows.move(it.SeekGE(number(append([]byte(mentionPrefix), h.trail[:]...), from)))
	return rows, nil
}

func (t *trailRows) move(valid bool) {
	t.valid = valid
	if valid {
		t.at, t.valid = positionAfter(t.it.Key(), len(mentionPrefix)+len(events.Handle{}))
	}
}

// earliest are the rows whose next is the earliest of all, nil at the end.
func earliest(rows []trailRows) *trailRows {
	var first *trailRows
	for i := range rows {
		if rows[i].valid && (first == nil || rows[i].at < first.at) {
			first = &rows[i]
		}
	}
	return first
}

func (t *trailRows) mention() (Mention, error) {
	words := strings.Split(string(t.it.Value()), " ")
	m := Mention{Position: t.at, Trail: t.from.trail, Generation: 1, Seal: t.from.seal, Disclosed: t.disclosed}
	if len(words) != 4 && len(words) != 5 {
		return m, fmt.Errorf("row %d of a trail is malformed", t.at)
	}
	var err error
	if len(words) == 5 {
		generation, err := strconv.ParseUint(words[4], 10, 32)
		if err != nil {
			return m, fmt.Errorf("row %d of a trail: %w", t.at, err)
		}
		m.Generation = uint32(generation)
	}
	m.Kind, m.Organization, m.Relation = words[0], words[1], words[2]
	if m.Counter, err = strconv.ParseUint(words[3], 10, 64); err != nil {
		return m, fmt.Errorf("row %d of a trail: %w", t.at, err)
	}
	return m, nil
}
