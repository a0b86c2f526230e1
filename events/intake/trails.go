package intake

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// writeTrails notes what n does to trails: who is enrolled, which seals stand,
// whose keys are to be destroyed.
func (n noted) writeTrails(batch *pebble.Batch) {
	switch n.entry.Kind.Name {
	case "subject.enrolled":
		n.writeEnrolled(batch)
	case "key.shredded":
		what := n.shredded()
		_ = batch.Set(binary.BigEndian.AppendUint64([]byte("k"), uint64(n.seq)), what, nil)
		_ = batch.Set(append([]byte("d"), what...), nil, nil)
		n.endSeals(batch)
	}
	if f := n.fold.Seal; f != nil {
		n.writeSeal(batch, f)
	}
}

// shredded is what a key.shredded destroys: a person's keys by her handle, or a
// month's and whose month it is.
func (n noted) shredded() []byte {
	if len(n.fold.Persons) == 1 {
		return append([]byte("p"), n.fold.Persons[0].Handle[:]...)
	}
	return []byte("m" + n.entry.Text("month") + " " + n.entry.Text("organization"))
}

// endSeals forgets the seals over a person whose keys are destroyed, as those of
// her hidden trails go with them.
func (n noted) endSeals(batch *pebble.Batch) {
	for _, p := range n.fold.Persons {
		for _, prefix := range []string{"s", "x", "u"} {
			from := append([]byte(prefix), p.Handle[:]...)
			_ = batch.DeleteRange(from, append(append([]byte{}, from...), bytes.Repeat([]byte{0xff}, len(events.EventName{})+1)...), nil)
		}
	}
}

func (n noted) writeSeal(batch *pebble.Batch, f *events.FoldSeal) {
	under := func(prefix string) []byte { return append(append([]byte(prefix), f.Of[:]...), f.Name[:]...) }
	switch n.entry.Kind.Name {
	case "seal.placed":
		placed := n.fold
		placed.Persons, placed.Content = nil, events.Digest{}
		_ = batch.Set(append([]byte("o"), f.Trail[:]...), f.Of[:], nil)
		_ = batch.Set(under("s"), append([]byte(n.entry.Text("organization")+"\n"), placed.Format()...), nil)
	case "seal.extended":
		_ = batch.Set(under("x"), []byte(f.Until+" "+f.ReviewBy), nil)
	case "seal.lifted":
		_ = batch.Set(under("u"), nil, nil)
	case "event.disclosed":
		for _, prefix := range []string{"s", "x", "u"} {
			_ = batch.Delete(under(prefix), nil)
		}
	}
}

func (b *Book) loadSealed() error {
	return b.scan([]byte("s"), func(key, _ []byte) error {
		if len(key) > len(events.Handle{}) {
			b.sealed[events.Handle(key[1:])] = true
		}
		return nil
	})
}

// label says that a label was enrolled.
func (b *Book) label(label [64]byte) (bool, error) {
	v, err := b.get(append([]byte("l"), events.Pair{Label: label}.LabelText()...))
	return v != nil, err
}

// sealsOf are the seals over a person whose hidden events are not disclosed yet,
// in the order they were placed.
func (b *Book) sealsOf(her events.Handle) ([]Standing, error) {
	if !b.sealed[her] {
		return nil, nil
	}
	return b.seals(append([]byte("s"), her[:]...))
}

// sealsOver is sealsOf for any goroutine.
func (b *Book) sealsOver(her events.Handle) ([]Standing, error) {
	return b.seals(append([]byte("s"), her[:]...))
}

// Seals are all seals whose hidden events are not disclosed yet.
func (b *Book) Seals() ([]Standing, error) { return b.seals([]byte("s")) }

func (b *Book) seals(prefix []byte) ([]Standing, error) {
	var out []Standing
	err := b.scan(prefix, func(key, value []byte) error {
		s, err := parseStanding(value)
		if err != nil {
			return err
		}
		if err := b.readSeal(key[1:], &s); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	slices.SortStableFunc(out, func(a, b Standing) int {
		return cmp.Or(a.PlacedAt.Compare(b.PlacedAt), bytes.Compare(a.Name[:], b.Name[:]))
	})
	return out, err
}

func parseStanding(value []byte) (Standing, error) {
	organization, rest, _ := bytes.Cut(value, []byte("\n"))
	fold, err := events.ParseFold(rest)
	if err == nil && fold.Seal == nil {
		err = errors.New("it says nothing of a seal")
	}
	if err != nil {
		return Standing{}, fmt.Errorf("reading a seal in the book: %w", err)
	}
	return Standing{FoldSeal: *fold.Seal, Organization: string(organization), PlacedAt: fold.RecordedAt}, nil
}

// readSeal reads what later events say of the seal under key: dates, and whether
// it was lifted.
func (b *Book) readSeal(key []byte, s *Standing) error {
	dates, err := b.get(append([]byte("x"), key...))
	if err != nil {
		return err
	}
	if until, review, ok := bytes.Cut(dates, []byte(" ")); ok {
		s.Until, s.ReviewBy, s.Extended = string(until), string(review), true
	}
	lifted, err := b.get(append([]byte("u"), key...))
	s.Lifted = lifted != nil
	return err
}

// scan reads everything under prefix.
func (b *Book) scan(prefix []byte, each func(key, value []byte) error) error {
	upper := append([]byte{}, prefix...)
	for i := len(upper) - 1; i >= 0; i-- {
		if upper[i]++; upper[i] != 0 {
			break
		}
	}
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("reading the book: %w", err)
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		err = each(bytes.Clone(it.Key()), bytes.Clone(it.Value()))
	}
	if err := errors.Join(err, it.Error(), it.Close()); err != nil {
		return fmt.Errorf("reading the book: %w", err)
	}
	return nil
}

// writeBulk notes the head of a bulk event, or the part that came.
func (n noted) writeBulk(batch *pebble.Batch) {
	parts, isBulk := n.entry.Value("subjects.parts")
	if !isBulk {
		return
	}
	part, isPart := n.entry.Value("subjects.part")
	if isPart {
		head, _ := events.ParseEventName(n.entry.Text("subjects.partOf"))
		_ = batch.Set(partKey(head, part.Int()), nil, nil)
		return
	}
	name := n.entry.Name()
	value := binary.BigEndian.AppendUint64(nil, uint64(parts.Int()))
	value = binary.BigEndian.AppendUint64(value, uint64(n.fold.RecordedAt.Unix()))
	_ = batch.Set(append([]byte("h"), name[:]...), append(append(value, n.entry.Kind.Name+" "+n.entry.Text("organization")+" "+n.fold.Case+" "...), repeated(n.entry).Append(nil)...), nil)
}

func partKey(head events.EventName, part int64) []byte {
	return binary.BigEndian.AppendUint32(append([]byte("n"), head[:]...), uint32(part))
}

// head finds the head of a bulk event.
func (b *Book) head(name events.EventName) (bulk, bool, error) {
	v, err := b.get(append([]byte("h"), name[:]...))
	if err != nil || len(v) < 16 {
		return bulk{}, false, err
	}
	of := strings.SplitN(string(v[16:]), " ", 4)
	says, err := events.ParseValue([]byte(of[len(of)-1]))
	if err != nil || len(of) != 4 {
		return bulk{}, false, errors.New("reading the head of a bulk event in the book: it is not in the one form it has")
	}
	return bulk{
		kind: of[0], organization: of[1], matter: of[2], says: says.Object(),
		parts: int64(binary.BigEndian.Uint64(v)), recordedAt: time.Unix(int64(binary.BigEndian.Uint64(v[8:])), 0).UTC(),
	}, true, nil
}

// part says whether a part of a bulk event was accepted.
func (b *Book) part(head events.EventName, part int64) (bool, error) {
	v, err := b.get(partKey(head, part))
	return v != nil, err
}
