package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

var (
	annOne, annTwo   = life{"ann", 1, 1}, life{"ann", 2, 4}
	ben, annsSecret  = life{"ben", 1, 1}, life{"ann, under seal", 1, 1}
	annsWholeHistory = 7
)

// annsTown has a trail of two generations, with an event among several, one in bulk,
// and two under a seal that was lifted.
func annsTown(t testing.TB) (*town, proof.Card) {
	c := newTown(t)
	c.enrol(ben)
	for i := range uint64(20) {
		c.use(event{ben, i + 1})
	}
	c.enrol(annOne)
	c.use(event{annOne, 1})
	c.use(event{annOne, 2}, event{ben, 21})
	c.enrol(annsSecret)
	c.place(annsSecret)
	c.bulk(event{annOne, 3}, event{ben, 22})
	c.use(event{annsSecret, 2})
	c.enrol(annTwo)
	c.use(event{annTwo, 4})
	c.disclose(event{annTwo, 5}, annsSecret, 2)
	c.publish()
	c.use(event{ben, 23})
	return c, c.card(annOne, annTwo)
}

func (c *town) trail(card proof.Card, held *proof.Bundle) client.Trail {
	return client.Trail{Card: card, Log: &c.log, Index: c, IndexLog: &c.index, Slots: c, Held: held}
}

func (c *town) collect(card proof.Card, held *proof.Bundle) (proof.Bundle, proof.Proven) {
	c.Helper()
	found, err := c.trail(card, held).Collect(c.Context())
	check(c, err)
	return found.Bundle, found.Proven
}

func TestTrailFindsEverything(t *testing.T) {
	for _, padded := range []bool{false, true} {
		c, card := annsTown(t)
		trail := c.trail(card, nil)
		trail.Padded = padded
		found, err := trail.Collect(t.Context())
		b, proven := found.Bundle, found.Proven
		if err != nil {
			t.Fatal(err)
		}
		if len(proven.Events) != annsWholeHistory || proven.Own != 5 || len(proven.Seals) != 1 || proven.Unopened != 0 {
			t.Errorf("%d events, %d her own, %d seals", len(proven.Events), proven.Own, len(proven.Seals))
		}
		for _, e := range proven.Events {
			if _, ok := e.Field("occurredAt"); !ok && e.Entry.Kind.Name == "data.accessed" {
				t.Errorf("entry %d is closed", e.Position)
			}
		}
		again, err := proof.ParseBundle(b.Format())
		if err == nil {
			_, err = again.Verify(card)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestTrailGoesOn: with what was proved before only what is new is read, and the
// logs must go on from there.
func TestTrailGoesOn(t *testing.T) {
	c, card := annsTown(t)
	first, _ := c.collect(card, nil)
	c.use(event{annTwo, 6})
	c.use(event{ben, 24})
	c.publish()
	c.mute = true // what was opened stays open
	b, proven := c.collect(card, &first)
	if proven.Own != 6 || len(b.Entries) != len(first.Entries)+1 || len(proven.Seals) != 1 {
		t.Errorf("%d events of hers, %d entries", proven.Own, len(b.Entries))
	}
	if last := proven.Events[len(proven.Events)-1]; len(last.Open) != 0 {
		t.Error("the new event is open")
	}
	c.mute = false
	if _, proven = c.collect(card, &b); len(proven.Events[len(proven.Events)-1].Open) == 0 {
		t.Error("the new event stays closed")
	}
}

// TestOldCard: who has a card from before a rotation sees what was before, and that
// there is a later one.
func TestOldCard(t *testing.T) {
	c, _ := annsTown(t)
	_, proven := c.collect(c.card(annOne), nil)
	if proven.Own != 3 || proven.Replaced == nil {
		t.Errorf("%d events, replaced: %v", proven.Own, proven.Replaced)
	}
}

func TestCardThatIsNew(t *testing.T) {
	c, _ := annsTown(t)
	cid := life{"cid", 1, 1}
	c.enrol(cid)
	c.use(event{cid, 1})
	if _, err := c.trail(c.card(cid), nil).Collect(t.Context()); !errors.Is(err, client.ErrNotYet) {
		t.Errorf("before the index has it: %v", err)
	}
	c.publish()
	if _, proven := c.collect(c.card(cid), nil); proven.Own != 1 {
		t.Errorf("%d events", proven.Own)
	}
}

// TestRangesHide: nobody sees which tag of a range is meant, and ranges are wide.
func TestRangesHide(t *testing.T) {
	c, card := annsTown(t)
	for i := range uint64(1500) {
		c.use(event{ben, i + 24})
	}
	c.publish()
	c.collect(card, nil)
	if len(c.asked) != 0 || len(c.ranges) == 0 {
		t.Fatalf("%d tags and %d ranges were asked for", len(c.asked), len(c.ranges))
	}
	tags := c.leaves[len(c.leaves)-1].tags
	for _, p := range c.ranges {
		if n := len(slices.DeleteFunc(tags.Items(), func(it proof.IndexItem) bool { return !p.Has(it.Label) })); n < 200 {
			t.Errorf("%s has %d tags", p, n)
		}
	}
}

// TestPaddedAsksForOthers: every batch has 64 tags, and the same others again.
func TestPaddedAsksForOthers(t *testing.T) {
	c, card := annsTown(t)
	trail := c.trail(card, nil)
	trail.Padded = true
	var sets [2][]events.Tag
	for i := range sets {
		c.asked = nil
		_, err := trail.Collect(t.Context())
		check(t, err)
		if len(c.asked) == 0 || len(c.asked)%64 != 0 {
			t.Errorf("%d tags were asked for", len(c.asked))
		}
		slices.SortFunc(c.asked, func(a, b events.Tag) int { return strings.Compare(string(a[:]), string(b[:])) })
		sets[i] = slices.Compact(c.asked)
	}
	if !slices.Equal(sets[0], sets[1]) {
		t.Error("asking again tells hers from the others")
	}
}

// TestLiesAreCaught has one ledger for each lie, the words it is caught with, and the
// kind of evidence that shows it to anyone, "" where nothing does.
func TestLiesAreCaught(t *testing.T) {
	for _, lie := range []struct {
		name, want, evidence string
		tell                 func(c *town, card proof.Card) *town
	}{
		{"an event is left out of the index", "and the index does not have it", proof.EvidenceIndexTag, func(c *town, _ proof.Card) *town {
			c.hide[annOne.tag(2)] = true
			c.publish()
			return c
		}},
		{"a number is skipped", "event 7 of your trail is in the index, and event 6 is not", proof.EvidenceGap, func(c *town, _ proof.Card) *town {
			c.use(event{annTwo, 7})
			c.publish()
			return c
		}},
		{"an older index is shown", "as you saw before, and is shown with", "", func(c *town, _ proof.Card) *town {
			c.index.shown = 1
			return c
		}},
		{"another ledger of the same size is shown", "two roots at size", proof.EvidenceFork, func(c *town, card proof.Card) *town {
			other, _ := annsTown(c)
			return rebuilt(other, func(i int, b []byte) []byte { return other.log.entries[max(i-1, 0)] })
		}},
		{"a ledger that does not go on is shown", "does not go on from the state at size", proof.EvidenceInconsistent, func(c *town, card proof.Card) *town {
			other, _ := annsTown(c)
			other = rebuilt(other, func(i int, b []byte) []byte {
				if i == 3 {
					return c.log.entries[4]
				}
				return b
			})
			other.use(event{ben, 900})
			return other
		}},
		{"a shorter ledger is shown", "and is shown with", "", func(c *town, _ proof.Card) *town {
			c.log.shown--
			return c
		}},
		{"another key signs", "not signed by the key on the card", "", func(c *town, _ proof.Card) *town {
			c.log.signer = newLog(c, "stranger.example").signer
			return c
		}},
	} {
		t.Run(lie.name, func(t *testing.T) {
			c, card := annsTown(t)
			c.publish()
			held, _ := c.collect(card, nil)
			c = lie.tell(c, card)
			_, err := c.trail(card, &held).Collect(t.Context())
			var bad *client.Misbehaviour
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), lie.want) {
				t.Fatalf("caught with %v", err)
			}
			if (bad.Evidence == nil) != (lie.evidence == "") {
				t.Fatalf("evidence: %v", bad.Evidence)
			}
			if bad.Evidence == nil {
				return
			}
			e, err := proof.ParseEvidence(bad.Evidence.Format())
			check(t, err)
			key := card.Index
			if e.Kind == proof.EvidenceFork || e.Kind == proof.EvidenceInconsistent {
				key = card.Log
			}
			v, err := proof.ParseVerifierKey(key)
			check(t, err)
			if _, err := e.Verify(v); err != nil || e.Kind != lie.evidence {
				t.Errorf("%s: %v", e.Kind, err)
			}
		})
	}
}

// rebuilt is a town with other entries in its ledger.
func rebuilt(c *town, change func(i int, b []byte) []byte) *town {
	var now [][]byte
	for i, b := range c.log.entries {
		now = append(now, change(i, b))
	}
	c.log.entries, c.log.hashes = nil, nil
	for _, b := range now {
		c.log.add(b)
	}
	return c
}

// TestTwoTrails: of a second trail that was opened for somebody the card does not
// know, her card shows nothing; that it is not the newest it does.
func TestTwoTrails(t *testing.T) {
	c, card := annsTown(t)
	c.enrol(life{"ann", 3, 1})
	c.use(event{life{"ann", 3, 1}, 1})
	c.publish()
	if _, proven := c.collect(card, nil); proven.Replaced == nil {
		t.Error("a later generation is not seen")
	}
}

// TestWitnessesChange goes on from what was kept when the ledger had other witnesses:
// what counts is whose cosignatures there are now.
func TestWitnessesChange(t *testing.T) {
	c, card := annsTown(t)
	held, _ := c.collect(card, nil)
	card.Policy = "witness w library.example+b47721af+BBHF9LLgLT7rma0mDjpU2vBcSgLrmLNc9tttIUhzJlNh\nquorum w\n" // who cosigned nothing here
	_, err := c.trail(card, &held).Collect(t.Context())
	if few := new(proof.QuorumError); !errors.As(err, &few) || errors.Is(err, client.ErrHeld) {
		t.Errorf("%v is not said of what is published now", err)
	}
}
