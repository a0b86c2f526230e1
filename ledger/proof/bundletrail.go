package proof

import (
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// HiddenTrail is what event.disclosed gives a person: the trail of a seal.
type HiddenTrail struct {
	Seal   string // public name of the seal.placed
	Events uint64 // how many tags it has
	Key    [32]byte
}

// HiddenTrailIn reads the disclosures of an event.disclosed; ok is false when they
// do not have all of it.
func HiddenTrailIn(open []events.Disclosure) (t HiddenTrail, ok bool) {
	found := 0
	for _, d := range open {
		switch d.Name {
		case "seal":
			t.Seal = d.Value.Text()
			found++
		case "events":
			t.Events = uint64(max(d.Value.Int(), 0))
			found++
		case "key":
			if readInto(t.Key[:])(d.Value.Text()) == nil {
				found++
			}
		}
	}
	return t, found == 3
}

// keyOf is the event key of one trail by its number.
type keyOf func(i uint64) [32]byte

// trails follows her own trail, and then those she was given.
func (v *verification) trails() error {
	n, err := v.follow("", func(i uint64) [32]byte { t, _ := v.card.At(i); return t.EventKey(i) })
	if err != nil {
		return err
	}
	v.out.Own = n
	if err := v.ends(n); err != nil {
		return err
	}
	for _, e := range v.out.Events {
		if e.Entry.Kind.Name != "event.disclosed" {
			continue
		}
		hidden, ok := HiddenTrailIn(e.Open)
		if !ok {
			v.out.Unopened++
			continue
		}
		if err := v.hidden(hidden); err != nil {
			return fmt.Errorf("the trail of the seal %s: %w", hidden.Seal, err)
		}
	}
	return nil
}

// ends checks that each generation ends where the next one begins, and the last
// behind event n.
func (v *verification) ends(n uint64) error {
	for i, t := range v.card.Trails {
		if t.Gone {
			continue
		}
		if n < t.First {
			return fmt.Errorf("event %d is missing, with which generation %d begins", n+1, t.Generation)
		}
		last := n
		if i+1 < len(v.card.Trails) {
			last = v.card.Trails[i+1].First - 1
		}
		if err := v.absent(last, t.EventKey); err != nil {
			return fmt.Errorf("generation %d: %w", t.Generation, err)
		}
		if err := v.enrolledBefore(t); err != nil {
			return err
		}
	}
	return nil
}

// enrolledBefore checks that a generation was enrolled before its first event.
func (v *verification) enrolledBefore(t CardTrail) error {
	label, _ := t.Proof.Label()
	first := v.tags[TagOf(t.EventKey(t.First))]
	if v.pairs[events.Pair{Label: label}.LabelText()].at >= first {
		return fmt.Errorf("generation %d has an event before it is enrolled", t.Generation)
	}
	return nil
}

// hidden follows the trail of a seal. Its first event is the seal.placed, whose tag
// only its key makes: a key made up for her would lead to nothing, and hide all.
func (v *verification) hidden(t HiddenTrail) error {
	key := func(i uint64) [32]byte { return events.EventKey(t.Key, i) }
	n, err := v.follow(t.Seal, key)
	if err != nil {
		return err
	}
	if n != t.Events {
		return fmt.Errorf("%d events were disclosed, %d are here", t.Events, n)
	}
	at, ok := v.tags[TagOf(key(1))]
	if !ok || v.entries[at].Kind.Name != "seal.placed" || v.entries[at].Text("event") != t.Seal {
		return errors.New("its first event is not the seal.placed: the key is of something else")
	}
	v.out.Seals = append(v.out.Seals, ProvenSeal{t.Seal, n})
	return v.absent(n, key)
}

// follow finds the events of a trail from the first on, in the order of their
// positions, and returns how many there are.
func (v *verification) follow(seal string, key keyOf) (uint64, error) {
	var out []ProvenEvent
	for i := uint64(1); ; i++ {
		tag := TagOf(key(i))
		at, ok := v.tags[tag]
		if !ok {
			v.out.Events = append(v.out.Events, out...)
			return i - 1, nil
		}
		if v.taken[at] {
			return 0, fmt.Errorf("entry %d is of two trails", v.bundle.Entries[at].Position)
		}
		v.taken[at] = true
		e := v.event(at)
		e.Seal, e.Counter = seal, i
		if t, ok := v.card.At(i); ok && seal == "" {
			e.Generation = t.Generation
		}
		if len(out) > 0 && e.Position <= out[len(out)-1].Position {
			return 0, fmt.Errorf("event %d stands before event %d", i, i-1)
		}
		value, present, err := look(v.bundle.Index.Tags, TagLabel(tag))
		if err == nil && !present {
			err = errors.New("the index does not have it")
		}
		if err == nil {
			err = v.stands(at, value)
		}
		if err != nil {
			return 0, fmt.Errorf("event %d: %w", i, err)
		}
		out = append(out, e)
	}
}

// event is one of the entries, with its head.
func (v *verification) event(at int) ProvenEvent {
	v.used[at] = true
	e := ProvenEvent{Position: v.bundle.Entries[at].Position, Entry: v.entries[at], Open: v.bundle.Entries[at].Open}
	if head, ok := v.heads[e.Entry.Text("subjects.partOf")]; ok && e.Entry.Text("subjects.partOf") != "" {
		of := v.event(head)
		e.Head = &of
	}
	return e
}

// absent checks that none of the tags behind the n-th is in the index.
func (v *verification) absent(n uint64, key keyOf) error {
	for i := n + 1; i <= n+LookAhead; i++ {
		_, present, err := look(v.bundle.Index.Tags, TagLabel(TagOf(key(i))))
		if err == nil && present {
			err = errors.New("the index has it, and the bundle does not")
		}
		if err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return nil
}
