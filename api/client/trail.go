package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Index answers from a completeness index: that of a server, which a [Client]
// asks, or one that was built from a copy of the log.
type Index interface {
	Prove(ctx context.Context, q Question) (Answer, error)
}

// Slots gives what is sealed for who shows tickets; nil in the place of a claim for
// which there is nothing.
type Slots interface {
	Slots(ctx context.Context, claims []Claim) ([]*Slot, error)
}

// Trail is how the holder of a card finds what the card leads to.
type Trail struct {
	Card  proof.Card
	Log   ledger.Source // files of the ledger
	Index Index
	// IndexLog are the files of the index log. They are read only to compare with
	// Held.
	IndexLog ledger.Source
	// Slots opens details. Nil: what was not opened before stays closed.
	Slots Slots
	// Padded asks for tags, among others that are not hers. Otherwise whole ranges
	// are asked for, which takes more bytes and says less.
	Padded bool
	// Held is what was proved before, nil for nothing. What is in it is not fetched
	// again, and the logs must go on from where it left them.
	Held *proof.Bundle
}

// ErrNotYet says that the index does not speak of the card yet. It does so a second
// or two after the card was issued.
var ErrNotYet = errors.New("the index does not have all of the card yet")

// ErrHeld says that what was proved before is not what it was, or of another card.
var ErrHeld = errors.New("what was kept before does not hold with this card")

// Misbehaviour says that the ledger is not what it signed that it is, or not what it
// was before.
type Misbehaviour struct {
	Said     string
	Reason   error           // nil for none
	Evidence *proof.Evidence // what shows it to anyone; nil where nothing does
	Notes    [][]byte        // signed checkpoints that do not go together
}

func (m *Misbehaviour) Error() string {
	if m.Reason == nil {
		return m.Said
	}
	return fmt.Sprintf("%s: %v", m.Said, m.Reason)
}

// Unwrap is the reason.
func (m *Misbehaviour) Unwrap() error { return m.Reason }

// maxMoves is how often the index may go on while it is asked.
const maxMoves = 20

// Found is what a card leads to, verified.
type Found struct {
	Bundle proof.Bundle
	Proven proof.Proven
	// Tail is what the ledger published behind what the index covers. The bundle says
	// nothing of it.
	Tail Tail
}

// Collect finds everything the card leads to, and returns it when it is verified. A
// *Misbehaviour says that the ledger is to blame.
func (t Trail) Collect(ctx context.Context) (Found, error) {
	c := collection{Trail: t, entries: map[events.Index]proof.Held{}, tried: map[events.Tag]bool{}}
	out, err := c.collect(ctx)
	if err != nil {
		return Found{}, fmt.Errorf("following a trail: %w", err)
	}
	return out, nil
}

// collection is a trail in the making.
type collection struct {
	Trail
	view    view
	log     *files
	n       uint64 // events of her own trail that are known
	hidden  []proof.HiddenTrail
	entries map[events.Index]proof.Held
	tried   map[events.Tag]bool // whose slots were asked for
	bits    int                 // of ranges of tags
	// labelBits are those of enrolments, of which there are far fewer.
	labelBits int
}

func (c *collection) collect(ctx context.Context) (out Found, err error) {
	logKey, indexKey, err := c.keys()
	if err != nil {
		return out, err
	}
	c.view.key = indexKey
	if c.log, err = openFiles(ctx, c.Log, logKey); err != nil {
		return out, err
	}
	if c.Held != nil {
		if err := c.takeUp(ctx, logKey); err != nil {
			return out, err
		}
	}
	c.bits = rangeBits(uint64(c.log.at.Size))
	c.labelBits = max(c.bits-5, 0)
	for done := false; !done; {
		if done, err = c.step(ctx, logKey); err != nil {
			return out, err
		}
	}
	if out.Tail, err = c.lookBehind(ctx); err != nil {
		return out, err
	}
	out.Bundle, out.Proven, err = c.bundle(ctx, indexKey)
	return out, err
}

func (c *collection) keys() (logKey, indexKey note.Verifier, err error) {
	if logKey, err = proof.ParseVerifierKey(c.Card.Log); err != nil {
		return nil, nil, err
	}
	indexKey, err = proof.ParseVerifierKey(c.Card.Index)
	return logKey, indexKey, err
}

// step goes one step further; done says that nothing is left to find.
func (c *collection) step(ctx context.Context, logKey note.Verifier) (done bool, err error) {
	tags, labels, err := c.missing()
	switch {
	case err != nil:
		return false, err
	case len(tags)+len(labels) > 0:
		return false, c.ask(ctx, tags, labels)
	case c.extend():
		return false, nil
	}
	if err := c.lost(ctx); err != nil {
		return false, err
	}
	if err := c.gaps(); err != nil {
		return false, err
	}
	if c.log.at.Size < c.view.proof.Leaf.Size {
		if c.log, err = openFiles(ctx, c.Log, logKey); err != nil {
			return false, err
		}
		if c.log.at.Size < c.view.proof.Leaf.Size {
			return false, fmt.Errorf("the index is of %d entries, and only %d are published", c.view.proof.Leaf.Size, c.log.at.Size)
		}
	}
	more, err := c.fetch(ctx)
	return err == nil && !more, err
}

// tagOf is the tag of event i of her own trail.
func (c *collection) tagOf(i uint64) (events.Tag, [32]byte, bool) {
	t, ok := c.Card.At(i)
	key := t.EventKey(i)
	return proof.TagOf(key), key, ok
}

func hiddenKey(t proof.HiddenTrail, i uint64) [32]byte { return events.EventKey(t.Key, i) }

// wanted are all tags that the index must answer for.
func (c *collection) wanted() (out []events.Tag) {
	for i := uint64(1); i <= c.n+proof.LookAhead; i++ {
		if tag, _, ok := c.tagOf(i); ok {
			out = append(out, tag)
		}
	}
	for g, t := range c.Card.Trails {
		if t.Gone {
			continue
		}
		last := c.n
		if g+1 < len(c.Card.Trails) {
			last = c.Card.Trails[g+1].First - 1
		}
		for i := range uint64(proof.LookAhead) {
			out = append(out, proof.TagOf(t.EventKey(last+i+1)))
		}
	}
	for _, t := range c.hidden {
		for i := range t.Events + proof.LookAhead {
			out = append(out, proof.TagOf(hiddenKey(t, i+1)))
		}
	}
	return out
}

// labels are those of all generations and of the next.
func (c *collection) labels() (out [][64]byte, err error) {
	for _, t := range c.Card.Trails {
		label, err := t.Proof.Label()
		if err != nil {
			return nil, err
		}
		out = append(out, label)
	}
	label, err := c.Card.Next.Label()
	return append(out, label), err
}

// missing is what is wanted and not answered, by where the trees have it.
func (c *collection) missing() (tags, labels []proof.Hash, err error) {
	for _, tag := range c.unanswered() {
		tags = append(tags, proof.TagLabel(tag))
	}
	all, err := c.labels()
	if err != nil {
		return nil, nil, err
	}
	for _, output := range all {
		if label := proof.PersonLabel(output); !c.view.knows(c.view.proof.Labels, label) {
			labels = append(labels, label)
		}
	}
	return tags, labels, nil
}

// unanswered are the tags that are wanted and not answered.
func (c *collection) unanswered() []events.Tag {
	return slices.DeleteFunc(c.wanted(), func(t events.Tag) bool { return c.view.knows(c.view.proof.Tags, proof.TagLabel(t)) })
}

// extend counts events of hers that are newly found.
func (c *collection) extend() bool {
	before := c.n
	for {
		tag, _, ok := c.tagOf(c.n + 1)
		if !ok || !c.view.has(tag) {
			return c.n > before
		}
		c.n++
	}
}

// gaps looks for events behind the last one that is there.
func (c *collection) gaps() error {
	last := c.Card.Trails[len(c.Card.Trails)-1]
	if c.n < last.First {
		if tag := proof.TagOf(last.EventKey(last.First)); c.view.has(tag) {
			return c.gap(c.n+1, last.First)
		}
		return ErrNotYet
	}
	for i := c.n + 2; i <= c.n+proof.LookAhead; i++ {
		if tag, _, _ := c.tagOf(i); c.view.has(tag) {
			return c.gap(c.n+1, i)
		}
	}
	return nil
}

// gap says that an event is not there and a later one is. Within one generation
// that can be shown to anyone.
func (c *collection) gap(missing, later uint64) error {
	out := &Misbehaviour{Said: fmt.Sprintf("event %d of your trail is in the index, and event %d is not", later, missing)}
	t, _ := c.Card.At(missing)
	of, _ := c.Card.At(later)
	if t != of || missing == t.First {
		return out
	}
	leaf, err := c.view.proof.LeafProof()
	if err != nil {
		return err
	}
	numbers := []uint64{missing - 1, missing, later}
	var labels []proof.Hash
	for _, i := range numbers {
		labels = append(labels, proof.TagLabel(proof.TagOf(t.EventKey(i))))
	}
	out.Evidence = &proof.Evidence{
		Kind: proof.EvidenceGap, Leaves: []proof.Proof{leaf}, Tags: c.view.proof.Tags.Show(inOrder(labels), nil), Root: t.Key, Numbers: numbers,
	}
	return out
}
