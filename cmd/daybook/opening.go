package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/daybook-ledger/daybook/api/client"
	"github.com/daybook-ledger/daybook/api/v1"
	"github.com/daybook-ledger/daybook/api/web"
	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/intake"
	"github.com/daybook-ledger/daybook/ledger"
	"github.com/daybook-ledger/daybook/ledger/proof"
	"github.com/daybook-ledger/daybook/ledger/trail"
)

// opening shows the index, and what is sealed for persons, to the API; and opens cards
// for who agreed to have it done here.
type opening struct{ *system }

func (o opening) Prove(ctx context.Context, q v1.IndexQuestion) (v1.IndexAnswer, error) {
	return answering{o.index}.Prove(ctx, q)
}

// answering shows an index, a ledger's own or that of a reader, to the API.
type answering struct {
	index interface {
		Prove(ctx context.Context, q trail.Question) (trail.Answer, error)
	}
}

func (x answering) Prove(ctx context.Context, q v1.IndexQuestion) (v1.IndexAnswer, error) {
	a, err := x.index.Prove(ctx, trail.Question(q))
	var much *trail.TooMuchError
	if errors.As(err, &much) {
		return v1.IndexAnswer{}, &events.Problem{Status: http.StatusUnprocessableEntity, Code: "too-much", Detail: much.Error()}
	}
	return v1.IndexAnswer(a), err
}

func (o opening) Slots(ctx context.Context, claims []v1.Claim) ([]*v1.Slot, error) {
	list := make([]intake.Claim, len(claims))
	for i, c := range claims {
		list[i] = intake.Claim(c)
	}
	found, err := o.desk().Desk.Slots(ctx, o.index, list)
	if err != nil {
		return nil, err
	}
	out := make([]*v1.Slot, len(found))
	for i, s := range found {
		out[i] = (*v1.Slot)(s)
	}
	return out, nil
}

// cards opens cards in this process, as daybook trail does outside of it.
type cards struct {
	opening
	shown *v1.Shown
}

// insider asks the index and the desk without a network.
type insider struct{ opening }

func (in insider) Prove(ctx context.Context, q client.Question) (client.Answer, error) {
	a, err := in.opening.Prove(ctx, v1.IndexQuestion{Tags: q.Tags, Ranges: q.Ranges, LabelRanges: q.LabelRanges})
	var much *events.Problem
	if errors.As(err, &much) {
		err = &client.Refusal{Status: much.Status, Detail: much.Detail}
	}
	return client.Answer(a), err
}

func (in insider) Slots(ctx context.Context, claims []client.Claim) ([]*client.Slot, error) {
	list := make([]v1.Claim, len(claims))
	for i, c := range claims {
		list[i] = v1.Claim(c)
	}
	found, err := in.opening.Slots(ctx, list)
	out := make([]*client.Slot, len(found))
	for i, s := range found {
		out[i] = (*client.Slot)(s)
	}
	return out, err
}

func (c cards) Open(ctx context.Context, card proof.Card) (web.Trail, error) {
	files, inside := c.anchor.Public(), insider{c.opening}
	t := client.Trail{Card: card, Log: files, Index: inside, IndexLog: below{files}, Slots: inside}
	found, err := t.Collect(ctx)
	proven := found.Proven
	var bad *client.Misbehaviour
	var few *proof.QuorumError
	switch {
	case errors.As(err, &bad):
		return web.Trail{}, &web.TrailError{Said: bad.Error() + ".", Convicts: true}
	case errors.As(err, &few):
		return web.Trail{}, &web.TrailError{Said: "Too few of the witnesses that your card names signed what this ledger shows now, so nothing is shown as proven: " + few.Error() +
			". Either the ledger lost or replaced a witness since your card was made, or it shows you something else than others. Ask somebody you trust, or get a new card."}
	case errors.Is(err, client.ErrNotYet), errors.Is(err, ledger.ErrNotPublished):
		return web.Trail{}, &web.TrailError{Said: "The index of this ledger has nothing of this card. If it was given to you a moment ago, try again in a few seconds."}
	case err != nil:
		return web.Trail{}, fmt.Errorf("opening a card: %w", err)
	}
	s := newShownTrail(card, proven, found.Tail)
	c.tell(s)
	s.finish()
	out := web.Trail{Ended: whyEnded(proven), Proven: s.Proven, NotProven: s.NotProven}
	for _, e := range proven.Events {
		out.Lines = append(out.Lines, web.TrailLine{Position: e.Position, Entry: e.Entry, Details: openedOf(e), Hidden: e.Seal != ""})
	}
	return out, nil
}

// whyEnded says why a card shows nothing newer.
func whyEnded(p proof.Proven) string {
	for _, e := range slices.Backward(p.Events) {
		if day := web.Day(e.Entry.Text("recordedAt")); e.Entry.Kind.Name == "key.shredded" && e.Seal == "" {
			return "The keys of this card were destroyed on " + day + ". The entries stay, and nobody can open their details any more. What is recorded since then is found with another card."
		}
	}
	if p.Replaced == nil {
		return ""
	}
	return "This card was replaced on " + web.Day(p.Replaced.Entry.Text("recordedAt")) + ". What is recorded since then is found with the new one. If you did not ask for it, tell the office."
}

// tell adds the ledger's own counts.
func (c cards) tell(s *shownTrail) {
	const whose = "the ledger's own count"
	standing := 0
	seals, _, err := c.shown.Seals()
	for _, x := range seals {
		standing += x.Standing
	}
	if err == nil {
		s.sealed(standing, whose)
	}
	coverage, _, err := c.shown.Coverage()
	if err != nil {
		return
	}
	var all []client.Source
	for _, x := range coverage.Sources {
		all = append(all, client.Source{Organization: x.Organization, Source: x.Name, Since: x.Since, Events: x.Events, Unnamed: x.Unnamed})
	}
	s.unnamed(all, whose)
}
