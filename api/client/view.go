package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/http"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// view is what the index answered at one leaf.
type view struct {
	key   note.Verifier
	at    proof.Checkpoint // of the index log
	proof proof.IndexProof
	where map[proof.Hash]events.Index
	moved int
}

func (v *view) knows(root *proof.Node, label proof.Hash) bool {
	if root == nil {
		return false
	}
	_, _, known := root.Find(label)
	return known
}

func (v *view) has(tag events.Tag) bool {
	if v.proof.Tags == nil {
		return false
	}
	_, present, _ := v.proof.Tags.Find(proof.TagLabel(tag))
	return present
}

// add takes an answer in, and forgets all before it when the index went on.
func (v *view) add(a Answer) error {
	c, err := a.Proof.Verify(v.key)
	if err != nil {
		return &Misbehaviour{Said: "the index proves something else than it signed", Reason: err}
	}
	if c.Size < v.at.Size {
		return fmt.Errorf("the index answered with %d leaves, and before with %d", c.Size, v.at.Size)
	}
	if c.Size == v.at.Size {
		fork, err := proof.CompareCheckpoints(v.proof.Note, a.Proof.Note, v.key)
		if err != nil {
			return err
		}
		if fork != nil {
			e := fork.Evidence()
			return &Misbehaviour{Said: "the index is signed with two roots at one size", Evidence: &e, Notes: [][]byte{v.proof.Note, a.Proof.Note}}
		}
		return v.merge(a)
	}
	if v.moved++; v.moved > maxMoves {
		return errors.New("the index goes on faster than it answers")
	}
	v.at, v.proof, v.where = c, a.Proof, a.Positions
	return nil
}

func (v *view) merge(a Answer) error {
	for _, tree := range []struct {
		into **proof.Node
		more *proof.Node
	}{{&v.proof.Tags, a.Proof.Tags}, {&v.proof.Labels, a.Proof.Labels}} {
		switch {
		case tree.more == nil:
		case *tree.into == nil:
			*tree.into = tree.more
		default:
			both, err := (*tree.into).Merge(tree.more)
			if err != nil {
				return err
			}
			*tree.into = both
		}
	}
	for label, at := range a.Positions {
		v.where[label] = at
	}
	return nil
}

// ask asks for some of what is missing. An enrolment is asked for by its range
// alone: everybody can see who has one.
func (c *collection) ask(ctx context.Context, tags, labels []proof.Hash) error {
	q := Question{LabelRanges: ranges(labels, c.labelBits)}
	if !c.Padded {
		q.Ranges = ranges(tags, c.bits)
	} else if len(tags) > 0 {
		q.Tags = c.padded(ctx, c.unanswered())
	}
	a, err := c.Index.Prove(ctx, q)
	if TooMuch(err) && c.view.moved < maxMoves {
		// There is more in a range than the server answers with.
		c.view.moved++
		c.bits, c.labelBits = c.bits+1, c.labelBits+1
		return nil
	}
	if errors.Is(err, ledger.ErrNotPublished) {
		err = fmt.Errorf("%w: %w", ErrNotYet, err)
	}
	if err != nil {
		return err
	}
	if err := c.view.add(a); err != nil {
		return err
	}
	for _, tag := range q.Tags {
		if !c.view.knows(c.view.proof.Tags, proof.TagLabel(tag)) {
			return errUnanswered
		}
	}
	if c.bits, err = widened(c.view.proof.Tags, q.Ranges, c.bits); err != nil {
		return err
	}
	c.labelBits, err = widened(c.view.proof.Labels, q.LabelRanges, c.labelBits)
	return err
}

var errUnanswered = errors.New("the index does not answer what it was asked")

// TooMuch says that an index answers with less at once than it was asked for.
func TooMuch(err error) bool {
	var refused *Refusal
	return errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity
}

// widened checks that ranges were answered whole, so that asking comes to an end,
// and returns how long beginnings may be next time.
func widened(root *proof.Node, asked []proof.Prefix, bits int) (int, error) {
	for _, p := range asked {
		if root == nil || !root.Whole(p) {
			return 0, errUnanswered
		}
	}
	if len(asked) == 0 || bits == 0 || asked[0].Bits != bits {
		return bits, nil
	}
	n := 0
	for _, it := range root.Items() {
		if asked[0].Has(it.Label) {
			n++
		}
	}
	if n < inRange {
		bits--
	}
	return bits, nil
}

// inRange is how many tags a range has at least, so that nobody sees which one is
// meant.
const inRange = 256

// rangeBits is how long a beginning may be for that, when there are so many tags.
func rangeBits(tags uint64) int { return max(bits.Len64(tags/inRange)-1, 0) }

// ranges are the beginnings of labels, as many as one question has.
func ranges(labels []proof.Hash, bits int) (out []proof.Prefix) {
	for _, label := range labels {
		p := proof.PrefixOf(label, bits)
		if len(out) < maxRanges && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// padded are hers among others: tags of the newest entries, which are there as her
// newest are, and tags that nobody has. Both are chosen by her key, so that asking
// again does not tell them apart.
func (c *collection) padded(ctx context.Context, hers []events.Tag) []events.Tag {
	hers = hers[:min(len(hers), maxTags/2)]
	last := c.Card.Trails[len(c.Card.Trails)-1]
	out := slices.Clone(hers)
	for _, tag := range c.newest(ctx, last.Key) {
		if len(out) < maxTags-(maxTags-len(hers))/2 && !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	for i := byte(0); len(out) < maxTags; i++ {
		sum := events.MAC(last.Key[:], []byte("daybook/nobody"), hers[0][:], []byte{i})
		out = append(out, events.Tag(sum[:16]))
	}
	slices.SortFunc(out, func(a, b events.Tag) int { return bytes.Compare(a[:], b[:]) })
	return out
}

// newest are tags of the newest entries, in an order that only her key makes. When
// they cannot be read there are none.
func (c *collection) newest(ctx context.Context, key [32]byte) (out []events.Tag) {
	b, width, err := c.log.tile(ctx, proof.EntriesLevel, uint64(c.log.at.Size-1)/proof.TileWidth)
	if err != nil {
		return nil
	}
	list, err := proof.ReadBundle(b, width)
	if err != nil {
		return nil
	}
	for _, entry := range list {
		e, err := events.ParseEntry(entry)
		if err != nil {
			continue
		}
		for _, text := range e.Texts("subjects.tags") {
			tag, _ := events.ParseTag(text)
			out = append(out, tag)
		}
	}
	order := func(t events.Tag) string {
		sum := events.MAC(key[:], []byte("daybook/others"), t[:])
		return string(sum[:])
	}
	slices.SortFunc(out, func(a, b events.Tag) int { return cmp.Compare(order(a), order(b)) })
	return out
}

func inOrder(list []proof.Hash) []proof.Hash {
	slices.SortFunc(list, func(a, b proof.Hash) int { return bytes.Compare(a[:], b[:]) })
	return list
}
