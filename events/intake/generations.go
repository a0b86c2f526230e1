package intake

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/daybook-ledger/daybook/events"
)

// reach is how far a trail has come: how many tags it has, and which generation of
// its keys is in use.
type reach struct {
	tags       uint64
	generation uint32
}

const reachLen = 8 + 4

func reachOf(p events.FoldPerson) reach { return reach{p.Counter, p.Generation} }

func (a reach) append(dst []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, a.tags), a.generation)
}

// writeEnrolled notes with which tag each generation begins that n enrols, and who
// was enrolled last.
func (n noted) writeEnrolled(batch *pebble.Batch) {
	pairs, _ := n.entry.Value("pairs")
	for _, pair := range pairs.Items() {
		label, _ := pair.Object().Get("label")
		_ = batch.Set(append([]byte("l"), label.Text()...), nil, nil)
	}
	for _, p := range n.fold.Persons {
		key := binary.BigEndian.AppendUint32(append([]byte("g"), p.Handle[:]...), p.Generation)
		_ = batch.Set(key, binary.BigEndian.AppendUint64(nil, p.Counter+1), nil)
		_ = batch.Set([]byte("f"), reachOf(p).append(p.Handle[:]), nil)
	}
}

// begun is one generation of a trail and the number of its first tag.
type begun struct {
	generation uint32
	first      uint64
}

// generations are those the history has enrolled under a handle, ascending.
func (b *Book) generations(h events.Handle) (out []begun, err error) {
	prefix := append([]byte("g"), h[:]...)
	err = b.scan(prefix, func(key, value []byte) error {
		if len(key) != len(prefix)+4 || len(value) != 8 {
			return errors.New("a generation is not in the one form it has")
		}
		out = append(out, begun{binary.BigEndian.Uint32(key[len(prefix):]), binary.BigEndian.Uint64(value)})
		return nil
	})
	return out, err
}

// Lacks says that keys are not here that the history enrolled last, and that were
// not destroyed: the keys at hand are older than the history.
func (b *Book) Lacks(people People) (bool, error) {
	v, err := b.get([]byte("f"))
	if err != nil || len(v) != len(events.Handle{})+reachLen {
		return false, err
	}
	newest, generation := events.Handle(v), binary.BigEndian.Uint32(v[len(v)-4:])
	who, err := people.ByHandle(newest)
	if err != nil || who != nil && who.At(generation) != nil {
		return false, err
	}
	gone, err := b.isShredded(newest)
	return !gone, err
}

// next are the keys and the number of the trail's next tag, and whether its
// generation is enrolled.
func (w *Writer) next(p *plan, who Subject) (Subject, uint64, bool, error) {
	at, enrolled := p.tags[who.Handle()]
	if !enrolled {
		var err error
		if at, enrolled, err = w.cfg.Book.tags(who.Handle()); err != nil || !enrolled {
			return who, 1, false, err
		}
	}
	now := who.At(at.generation)
	if now == nil {
		return nil, 0, false, fmt.Errorf("the keys of generation %d of a trail are not here", at.generation)
	}
	return now, at.tags + 1, true, nil
}

// eventKey is the key of an event that took the tag p of the trail who.
func eventKey(who Subject, p events.FoldPerson) ([32]byte, error) {
	who = who.At(p.Generation)
	if who == nil {
		return [32]byte{}, fmt.Errorf("the keys of generation %d of a trail are not here", p.Generation)
	}
	return who.EventKey(p.Counter), nil
}

// checkTrail refuses what is said of a trail as a whole when it is not said of one
// person's own, and on that; or when the keys that are to follow are not here.
func (w *Writer) checkTrail(p *plan, item *waiting, named []Subject) (*events.Problem, error) {
	kind := item.Event.Kind.Name
	if kind != "trail.issued" && kind != "trail.rotated" {
		return nil, nil
	}
	refuse := func(why string) (*events.Problem, error) {
		return &events.Problem{Status: 409, Code: "conflict", Detail: why}, nil
	}
	if len(named) != 1 || len(item.Trails) != 1 || item.Trails[0] != named[0].Handle() {
		return refuse("a trail is one person's own, and what is said of it stands on it")
	}
	now, _, enrolled, err := w.next(p, named[0])
	switch {
	case err != nil:
		return nil, err
	case !enrolled:
		return refuse("nothing was recorded about her yet")
	case kind == "trail.rotated" && now.At(now.Generation()+1) == nil:
		return refuse("the keys of her next generation are not here; rotate again")
	}
	return nil, nil
}

// rotate has the next generation of n's trail enrolled right behind n, which is
// the last event of the one before.
func (p *plan) rotate(n *planned) {
	if n.event.Kind.Name != "trail.rotated" {
		return
	}
	last := n.parties[0]
	n.next = last.who.At(last.who.Generation() + 1)
	p.tags[last.who.Handle()] = reach{last.counter, n.next.Generation()}
}
