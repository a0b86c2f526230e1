package intake

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// LedgerSource is the source of the ledger's own events; no token has it.
const LedgerSource = "daybook"

// seal makes the messages of a plan, enrolments first, and what the book notes
// of each. Boxes of different events are sealed on all processors.
func (w *Writer) seal(p *plan) ([][]byte, []noted, error) {
	msgs, notes, err := w.enrolments(p)
	if err != nil {
		return nil, nil, err
	}
	first := len(msgs)
	msgs = append(msgs, make([][]byte, len(p.fresh))...)
	notes = append(notes, make([]noted, len(p.fresh))...)
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
				n := p.fresh[i]
				msgs[first+i], notes[first+i], errs[i] = n.seal(w.cfg.Keys, shared[n.facts.Organization])
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

// enrolments are the subject.enrolled messages of a plan.
func (w *Writer) enrolments(p *plan) (msgs [][]byte, notes []noted, err error) {
	for chunk := range slices.Chunk(p.enrol, events.MaxPairs) {
		pairs := make([]events.Pair, len(chunk))
		fold := events.Fold{OccurredAt: p.now, RecordedAt: p.now, Sequence: -1}
		for i, who := range chunk {
			pairs[i] = who.Pair()
			fold.Persons = append(fold.Persons, events.FoldPerson{Handle: who.Handle(), Relation: "principal"})
		}
		// A person is enrolled once, so her handle makes the id unique.
		name := w.cfg.Keys.EventName(LedgerSource, "subject.enrolled/"+chunk[0].Handle().String())
		entry, err := events.Enrolled(name, p.now, pairs)
		if err != nil {
			return nil, nil, err
		}
		msg, err := sealOwn(w.cfg.Keys, entry, fold)
		if err != nil {
			return nil, nil, err
		}
		msgs = append(msgs, msg)
		notes = append(notes, noted{entry: entry, hash: events.HashEntry(entry.Append(nil)), fold: fold})
	}
	return msgs, notes, nil
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
