package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// Cards is what has to be known of keys that are given to whose they are.
type Cards interface {
	// PrepareNext finds or makes the keys of the generation that follows after, of
	// somebody who has keys; durable when it returns. A label that is taken was
	// enrolled before.
	PrepareNext(p events.Person, after uint32, taken func(label [64]byte) (bool, error)) (Subject, error)
	// ProveLabel is the proof of the label of a generation of hers, whether or not
	// there is one.
	ProveLabel(p events.Person, generation uint32) ([80]byte, error)
}

// maxRotations bounds the generations of a person, so that they fit a card.
const maxRotations = 24

// Issued is a trail card, and where the ledger says that it was given away.
type Issued struct {
	Position events.Index  // of the trail.issued
	Rotated  *events.Index // of the trail.rotated; nil when the trail goes on as it was
	// Card has the scheme, the trails and what comes next. What it says of the
	// ledger is left open.
	Card proof.Card
}

// IssueCard gives an officer the card of a person, who was recorded about before.
// That it was given away is recorded in her trail first. Whoever holds the card
// holds her keys: the officer has identified her, and keeps no copy.
func (d *Desk) IssueCard(ctx context.Context, by Reader, person events.Person) (Issued, error) {
	her, _, err := d.cardOf(by, person)
	if err != nil {
		return Issued{}, err
	}
	said, err := d.say(ctx, d.ofTrail("trail.issued", by, person, her))
	if err != nil {
		return Issued{}, err
	}
	out := Issued{Position: said[0].Position}
	out.Card, err = d.card(person, her.Handle())
	return out, err
}

// RotateTrail ends the generation of a person's trail that a lost card opens, and
// gives the officer a card that opens the next one and all before it. The last
// event of the one, the enrolment of the other and its first event, which says that
// the card was given away, go into the history in one batch. A crash before that
// leaves keys that nothing uses, and the next call takes them.
func (d *Desk) RotateTrail(ctx context.Context, by Reader, person events.Person) (Issued, error) {
	her, at, err := d.cardOf(by, person)
	if err != nil {
		return Issued{}, err
	}
	if at.generation >= maxRotations {
		return Issued{}, &events.Problem{Status: 409, Code: "too-many", Detail: "her card was replaced so often that another would not hold all keys"}
	}
	w := d.Writer
	if _, err := d.Cards.PrepareNext(person, at.generation, w.cfg.Book.label); err != nil {
		return Issued{}, fmt.Errorf("preparing her next keys: %w", err)
	}
	unchanged := func(p *plan) (*events.Problem, error) {
		now, _, _, err := w.next(p, her)
		if err != nil || now.Generation() == at.generation {
			return nil, err
		}
		return &events.Problem{Status: 409, Code: "conflict", Detail: "her card was replaced a moment ago; look again"}, nil
	}
	said, err := d.sayTogether(ctx, unchanged, d.ofTrail("trail.rotated", by, person, her), d.ofTrail("trail.issued", by, person, her))
	if err != nil {
		return Issued{}, err
	}
	out := Issued{Position: said[1].Position, Rotated: &said[0].Position}
	out.Card, err = d.card(person, her.Handle())
	return out, err
}

// cardOf finds whose card it is to be, and how far her trail has come.
func (d *Desk) cardOf(by Reader, person events.Person) (Subject, reach, error) {
	if err := by.maySpeak(by.Grant.Organization); err != nil {
		return nil, reach{}, err
	}
	her, err := d.Writer.cfg.People.Find(person)
	if err != nil {
		return nil, reach{}, err
	}
	unknown := &events.Problem{Status: 404, Code: "not-found", Pointer: "/person", Detail: "nothing was recorded about her; there is no trail that a card could open"}
	if her == nil {
		return nil, reach{}, unknown
	}
	at, enrolled, err := d.Writer.cfg.Book.tags(her.Handle())
	if err == nil && !enrolled {
		err = unknown
	}
	return her, at, err
}

// ofTrail is what says of a person's own trail that an officer did something.
func (d *Desk) ofTrail(kind string, by Reader, person events.Person, her Subject) Own {
	person.Relation = "principal"
	return Own{
		Kind: kind, ID: "card/" + rand.Text(), Organization: by.Grant.Organization, Time: d.now(), Trails: []events.Handle{her.Handle()},
		Data: events.Object{
			{Name: "officer", Value: events.String(by.Name)},
			{Name: "subjects", Value: concerned{persons: []events.Person{person}}.subjects()},
		},
	}
}

// card is what a person has of her keys, with the labels of those that were
// destroyed before and of the one that comes next.
func (d *Desk) card(person events.Person, h events.Handle) (proof.Card, error) {
	list, err := d.Writer.cfg.Book.generations(h)
	if err == nil && len(list) == 0 {
		err = errors.New("her trail has no beginning")
	}
	if err != nil {
		return proof.Card{}, fmt.Errorf("composing a card: %w", err)
	}
	out := proof.Card{Scheme: person.Scheme}
	for g := uint32(1); g < list[0].generation; g++ {
		out.Trails = append(out.Trails, proof.CardTrail{Generation: g, Gone: true})
	}
	who, err := d.Writer.cfg.People.ByHandle(h)
	for _, begun := range list {
		if err != nil || who == nil || who.At(begun.generation) == nil {
			return proof.Card{}, ended(err)
		}
		out.Trails = append(out.Trails, proof.CardTrail{Generation: begun.generation, First: begun.first, Key: who.At(begun.generation).Root()})
	}
	// Keys that are destroyed meanwhile are overwritten after they are not found
	// any more: those above are hers when she still is.
	if who, err = d.Writer.cfg.People.ByHandle(h); who == nil || err != nil {
		return proof.Card{}, ended(err)
	}
	for i := range out.Trails {
		if out.Trails[i].Proof, err = d.proveLabel(person, out.Trails[i].Generation); err != nil {
			return proof.Card{}, err
		}
	}
	out.Next, err = d.proveLabel(person, out.Trails[len(out.Trails)-1].Generation+1)
	return out, err
}

func (d *Desk) proveLabel(person events.Person, generation uint32) (proof.LabelProof, error) {
	p, err := d.Cards.ProveLabel(person, generation)
	if err != nil {
		return proof.LabelProof{}, fmt.Errorf("composing a card: %w", err)
	}
	return p, nil
}

// ended is the refusal of a card of somebody whose keys are not here any more.
func ended(err error) error {
	if err != nil {
		return fmt.Errorf("composing a card: %w", err)
	}
	return &events.Problem{Status: 409, Code: "trail-ended", Detail: "her keys were destroyed in the meantime"}
}
