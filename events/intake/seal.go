package intake

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// LedgerSource is the source of the ledger's own events; no token has it.
const LedgerSource = "daybook"

// seal makes the messages of a plan, and what the book notes of each: first the
// enrolments of who is new, then the events, each rotation followed by the enrolment
// of the generation it begins. Boxes of different events are sealed on all processors.
func (w *Writer) seal(p *plan) ([][]byte, []noted, error) {
	msgs, notes, err := w.enrolments(p)
	if err != nil {
		return nil, nil, err
	}
	errs := make([]error, len(p.fresh))
	shared := map[string]common{}
	for _, n := range p.fresh {
		of := n.facts.Organization
		if _, ok := shared[of]; ok {
			continue
		}
		if shared[of], err = commonOf(w.cfg.Keys, of, p.now); err != nil {
			return nil, nil, err
		}
	}
	var group sync.WaitGroup
	size := (len(p.fresh) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for start := 0; start < len(p.fresh); start += size {
		group.Go(func() {
			for i := start; i < min(start+size, len(p.fresh)); i++ {
				n, at := p.fresh[i], p.at[i]
				msgs[at], notes[at], errs[i] = n.seal(w.cfg.Keys, shared[n.facts.Organization])
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	return msgs, notes, nil
}

// enrolments are the subject.enrolled messages of a plan at their places among all
// of its messages, and it notes the places of the others.
func (w *Writer) enrolments(p *plan) (msgs [][]byte, notes []noted, err error) {
	add := func(begins []beginning) {
		var msg []byte
		var n noted
		if err == nil {
			msg, n, err = w.enrolment(p.now, begins)
		}
		msgs, notes = append(msgs, msg), append(notes, n)
	}
	for chunk := range slices.Chunk(p.enrol, events.MaxPairs) {
		begins := make([]beginning, len(chunk))
		for i, who := range chunk {
			begins[i].who = who
		}
		add(begins)
	}
	p.at = make([]int, len(p.fresh))
	for i, n := range p.fresh {
		p.at[i] = len(msgs)
		msgs, notes = append(msgs, nil), append(notes, noted{})
		if n.next != nil {
			add([]beginning{{n.next, n.parties[0].counter}})
		}
	}
	return msgs, notes, err
}

// beginning is a generation that is enrolled, and how many tags its trail has.
type beginning struct {
	who  Subject
	tags uint64
}

// enrolment is one subject.enrolled message.
func (w *Writer) enrolment(now time.Time, begins []beginning) ([]byte, noted, error) {
	pairs := make([]events.Pair, len(begins))
	fold := events.Fold{OccurredAt: now, RecordedAt: now, Sequence: -1}
	for i, b := range begins {
		pairs[i] = b.who.Pair()
		fold.Persons = append(fold.Persons, events.FoldPerson{
			Handle: b.who.Handle(), Counter: b.tags, Generation: b.who.Generation(), Relation: "principal",
		})
	}
	// A trail is enrolled once, and once again for each rotation, so handle and
	// number of tags make the id unique.
	first := begins[0]
	id := "subject.enrolled/" + first.who.Handle().String()
	if first.tags > 0 {
		id += "/" + strconv.FormatUint(first.tags, 10)
	}
	entry, err := events.Enrolled(w.cfg.Keys.EventName(LedgerSource, id), now, pairs)
	if err != nil {
		return nil, noted{}, err
	}
	msg, err := sealOwn(w.cfg.Keys, entry, fold)
	return msg, noted{entry: entry, hash: events.HashEntry(entry.Append(nil)), fold: fold}, err
}

// sealOwn makes the message of a ledger entry, which has a fold box only.
func sealOwn(keys Keys, entry *events.Entry, fold events.Fold) ([]byte, error) {
	key, _, err := keys.Shared(LedgerSource, fold.RecordedAt)
	if err != nil {
		return nil, fmt.Errorf("sealing a ledger entry: %w", err)
	}
	m := newSealing(entry, 512+100*len(fold.Persons))
	m.add(events.BoxFold, fold.Format(), key)
	return m.out, m.err
}

// Begin is the message of entry 0, for an empty history.
func Begin(keys Keys, opened events.Opened) ([]byte, error) {
	opened.Name = keys.EventName(LedgerSource, "ledger.opened")
	entry, err := opened.Entry()
	if err != nil {
		return nil, fmt.Errorf("composing entry 0: %w", err)
	}
	return sealOwn(keys, entry, events.Fold{OccurredAt: opened.RecordedAt, RecordedAt: opened.RecordedAt, Sequence: -1})
}
