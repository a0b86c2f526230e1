package projections

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Bulk is a bulk event of which parts are missing.
type Bulk struct {
	Position     events.Index // of the head
	Name         events.EventName
	Kind         string
	Organization string
	Source       string
	Day          string // on which the head was recorded
	Parts        int64
	Missing      [][2]int64 // first and last missing part of each gap, ascending
}

const (
	headPrefix   = "bh" // rows
	headName     = "bn" // by event name: the head's position, and how many parts came
	partPrefix   = "bp" // by the head's name and the part
	openHead     = "bo" // heads whose parts are not all there
	completePart = "bc" // rows: the part that was the last to come
)

// isPart says that e repeats what its head says, of more persons. The writer takes
// no other part, so that the head stands for all of them where matters are
// counted and judged.
func isPart(e *events.Entry) bool {
	_, ok := e.Value("subjects.part")
	return ok
}

func foldBulk(b *batch, m *message) error {
	parts, bulk := m.entry.Value("subjects.parts")
	switch {
	case !bulk:
		return nil
	case isPart(m.entry):
		return foldPart(b, m, parts.Int())
	}
	name, at := m.entry.Name(), number(nil, m.position)
	row := texts("day", m.entry.Text("recordedAt"), "kind", m.entry.Kind.Name, "name", name.String(), "organization", m.entry.Text("organization"))
	row = row.With("parts", parts).With("source", events.String(m.entry.Text("source")))
	b.set(append([]byte(headPrefix), at...), row.Append(nil))
	b.put(append([]byte(headName), name[:]...), binary.BigEndian.AppendUint64(at, 0))
	b.put(append([]byte(openHead), at...), nil)
	return nil
}

// foldPart notes a part of a head that is there; the writer takes none without.
func foldPart(b *batch, m *message, parts int64) error {
	of, _ := events.ParseEventName(m.entry.Text("subjects.partOf"))
	part, _ := m.entry.Value("subjects.part")
	state, err := b.get(append([]byte(headName), of[:]...))
	if err != nil || len(state) != 16 {
		return err
	}
	key := partKey(of, part.Int())
	if before, err := b.get(key); err != nil || before != nil {
		return err
	}
	at := number(nil, m.position)
	b.put(key, at)
	came := binary.BigEndian.Uint64(state[8:]) + 1
	b.put(append([]byte(headName), of[:]...), binary.BigEndian.AppendUint64(append([]byte{}, state[:8]...), came))
	if came == uint64(parts) {
		b.remove(append([]byte(openHead), state[:8]...))
		b.set(append([]byte(completePart), at...), state[:8])
	}
	return nil
}

func partKey(head events.EventName, part int64) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(partPrefix), head[:]...), uint32(part))
}

// Incomplete are the bulk events of which parts are missing, by ascending position
// of their heads.
func (r Reader) Incomplete() ([]Bulk, error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	out, err := r.incomplete()
	if err != nil {
		return nil, fmt.Errorf("reading the bulk events: %w", err)
	}
	return out, nil
}

// incomplete are the heads that are open now, and those that only a part behind
// the reader's size has completed.
func (r Reader) incomplete() ([]Bulk, error) {
	at, err := r.positionsOf(openHead)
	if err != nil {
		return nil, err
	}
	err = r.rows(r.v.db, []byte(completePart), events.Index(r.size), false, func(_ events.Index, head []byte) error {
		if p, ok := positionAfter(head, 0); ok && p < events.Index(r.size) {
			at = append(at, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(at)
	var out []Bulk
	for _, p := range at {
		h, err := r.bulkAt(p)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

func (r Reader) bulkAt(p events.Index) (Bulk, error) {
	value, err := r.get(number([]byte(headPrefix), p))
	if err != nil {
		return Bulk{}, fmt.Errorf("head %d: %w", p, err)
	}
	v, err := stored(value)
	if err != nil {
		return Bulk{}, err
	}
	h := Bulk{
		Position: p, Kind: v.text("kind"), Organization: v.text("organization"), Source: v.text("source"), Day: v.text("day"), Parts: v.number("parts"),
	}
	h.Name, _ = events.ParseEventName(v.text("name"))
	h.Missing, err = r.missingParts(h)
	return h, err
}

// missingParts are the gaps between the parts that came before the reader's size.
func (r Reader) missingParts(h Bulk) (gaps [][2]int64, err error) {
	prefix := append([]byte(partPrefix), h.Name[:]...)
	it, err := r.under(prefix, false)
	if err != nil {
		return nil, err
	}
	next := int64(1)
	gap := func(until int64) {
		if next < until {
			gaps = append(gaps, [2]int64{next, until - 1})
		}
		next = until + 1
	}
	for it.First(); it.Valid(); it.Next() {
		if p, ok := positionAfter(it.Value(), 0); !ok || p >= events.Index(r.size) || len(it.Key()) != len(prefix)+4 {
			continue
		}
		gap(int64(binary.BigEndian.Uint32(it.Key()[len(prefix):])))
	}
	gap(h.Parts + 1)
	return gaps, errors.Join(it.Error(), it.Close())
}

// incompleteSince is the part of rule 9 about bulk events: those of which a part
// is missing a day after the head. An entry says the day alone, so the day after
// has to be over as well.
func (r Reader) incompleteSince(asOf time.Time) ([]Finding, error) {
	heads, err := r.incomplete()
	if err != nil {
		return nil, err
	}
	days := r.calendar(asOf)
	var out []Finding
	for _, h := range heads {
		today, err := days.today(h.Organization)
		if err != nil {
			return nil, err
		}
		if addDays(h.Day, 1) >= today {
			continue
		}
		f := finding{rule: RuleSequence, code: "parts", evidence: texts("head", h.Name.String(), "kind", h.Kind, "parts", strconv.FormatInt(h.Parts, 10), "source", h.Source)}
		x := single(f, h.Organization, h.Day, h.Position)
		x.Evidence["missing"], x.Count = gapText(h.Missing[:min(len(h.Missing), shownGaps)]), 0
		for _, g := range h.Missing {
			x.Count += uint64(g[1] - g[0] + 1)
		}
		out = append(out, x)
	}
	return out, nil
}
