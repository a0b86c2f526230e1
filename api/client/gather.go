package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/ledger/proof"
)

// takeUp begins with what was proved before, and compares both logs with it.
func (c *collection) takeUp(ctx context.Context, logKey note.Verifier) error {
	card := c.Card
	card.Policy = proof.NoPolicy().Text() // others may have cosigned then; what is found in the end is verified whole
	before, err := c.Held.Verify(card)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHeld, err)
	}
	if err := c.log.extends(ctx, c.Held.Note, logKey); err != nil {
		return err
	}
	c.n = before.Own
	for _, h := range c.Held.Entries {
		c.entries[h.Position] = h
	}
	for _, e := range before.Events {
		if t, ok := proof.HiddenTrailIn(e.Open); ok && e.Entry.Kind.Name == "event.disclosed" {
			c.hidden = append(c.hidden, t)
		}
	}
	return nil
}

// lost looks for events that were there before and that the index does not have.
func (c *collection) lost(ctx context.Context) error {
	for i := uint64(1); i <= c.n; i++ {
		tag, _, _ := c.tagOf(i)
		if c.view.has(tag) {
			continue
		}
		for at, h := range c.entries {
			e, err := events.ParseEntry(h.Entry)
			if err == nil && slices.Contains(e.Texts("subjects.tags"), tag.String()) {
				return c.omitted(ctx, i, tag, at)
			}
		}
	}
	return nil
}

// omitted says that the index lacks a tag of an entry it covers, which can be shown
// to anyone.
func (c *collection) omitted(ctx context.Context, i uint64, tag events.Tag, at events.Index) error {
	out := &Misbehaviour{Said: fmt.Sprintf("event %d of your trail is in entry %d of the ledger, as you saw before, and the index does not have it", i, at)}
	leaf, err := c.view.proof.LeafProof()
	if err != nil {
		return err
	}
	path, err := tlog.ProveRecord(int64(c.view.proof.Leaf.Size), int64(at), c.log.hashes(ctx))
	if err != nil {
		return out
	}
	out.Evidence = &proof.Evidence{
		Kind: proof.EvidenceIndexTag, Leaves: []proof.Proof{leaf}, Tags: c.view.proof.Tags.Show([]proof.Hash{proof.TagLabel(tag)}, nil),
		Placed: &proof.Placed{Entry: c.entries[at].Entry, Index: at, Path: path},
	}
	return out
}

// place is where a tag of hers stands, with the key of the event.
type place struct {
	tag events.Tag
	key [32]byte
	at  events.Index
}

// places are those of all events that are known.
func (c *collection) places() (out []place, err error) {
	add := func(key [32]byte) {
		p := place{tag: proof.TagOf(key), key: key}
		var ok bool
		if p.at, ok = c.view.where[proof.TagLabel(p.tag)]; !ok {
			err = errors.New("the index does not say where an event stands")
		}
		out = append(out, p)
	}
	for i := uint64(1); i <= c.n; i++ {
		_, key, _ := c.tagOf(i)
		add(key)
	}
	for _, t := range c.hidden {
		for i := uint64(1); i <= t.Events && c.view.has(proof.TagOf(hiddenKey(t, i))); i++ {
			add(hiddenKey(t, i))
		}
	}
	return out, err
}

// fetch reads the entries and what is sealed in them; more says that another trail
// was found.
func (c *collection) fetch(ctx context.Context) (more bool, err error) {
	wanted, err := c.enrolments()
	if err != nil {
		return false, err
	}
	places, err := c.places()
	if err != nil {
		return false, err
	}
	for _, p := range places {
		wanted = append(wanted, p.at)
	}
	for _, at := range append(wanted, 0) {
		if err := c.read(ctx, at); err != nil {
			return false, err
		}
	}
	if c.Slots != nil {
		if err := c.open(ctx, places); err != nil {
			return false, err
		}
	}
	return c.given(places), nil
}

// enrolments are where the labels stand.
func (c *collection) enrolments() (out []events.Index, err error) {
	labels, err := c.labels()
	if err != nil {
		return nil, err
	}
	for i, label := range labels {
		l := proof.PersonLabel(label)
		_, present, _ := c.view.proof.Labels.Find(l)
		if !present && i < len(labels)-1 {
			return nil, ErrNotYet
		}
		if !present {
			continue
		}
		at, ok := c.view.where[l]
		if !ok {
			return nil, errors.New("the index does not say where an enrolment stands")
		}
		out = append(out, at)
	}
	return out, nil
}

func (c *collection) read(ctx context.Context, at events.Index) error {
	if _, ok := c.entries[at]; ok {
		return nil
	}
	entry, err := c.log.entry(ctx, at)
	if err != nil {
		return fmt.Errorf("entry %d: %w", at, err)
	}
	c.entries[at] = proof.Held{Position: at, Entry: entry}
	return nil
}

// open asks for the slots of events that are closed, once for each.
func (c *collection) open(ctx context.Context, places []place) error {
	closed := slices.DeleteFunc(slices.Clone(places), func(p place) bool { return c.tried[p.tag] || len(c.entries[p.at].Open) > 0 })
	for some := range slices.Chunk(closed, maxClaims) {
		claims := make([]Claim, len(some))
		for i, p := range some {
			claims[i], c.tried[p.tag] = Claim{p.tag, events.Ticket(p.key)}, true
		}
		slots, err := c.Slots.Slots(ctx, claims)
		if err != nil {
			return err
		}
		for i, s := range slots {
			if s == nil {
				continue
			}
			if err := c.openSlot(ctx, some[i], s); err != nil {
				return fmt.Errorf("opening what is sealed for you in entry %d: %w", some[i].at, err)
			}
		}
	}
	return nil
}

// openSlot opens a slot, and the box of the head that it has the key to.
func (c *collection) openSlot(ctx context.Context, p place, s *Slot) error {
	held := c.entries[p.at]
	ad := events.HashEntry(held.Entry)
	plain, err := events.OpenBox(events.BoxKey(events.BoxPerson.String(), p.key[:]), ad[:], s.Box)
	if err != nil {
		return err
	}
	if s.HeadAt == nil {
		held.Open, err = events.ParseSlip(plain)
		c.entries[p.at] = held
		return err
	}
	var detail [32]byte
	if held.Open, detail, err = events.ParsePartSlip(plain); err != nil {
		return err
	}
	c.entries[p.at] = held
	if err := c.read(ctx, *s.HeadAt); err != nil {
		return err
	}
	head := c.entries[*s.HeadAt]
	if len(head.Open) > 0 {
		return nil
	}
	msg := events.Message{Entry: head.Entry}
	for _, box := range s.Heads {
		msg.Boxes = append(msg.Boxes, events.Box{Kind: events.BoxPerson, Data: box})
	}
	head.Open, err = events.OpenDetail(msg, detail)
	c.entries[*s.HeadAt] = head
	return err
}

// maxHidden is more events than any seal hid; a trail said to have more is refused
// when the whole is verified.
const maxHidden = 1 << 14

// given finds hidden trails in what was opened.
func (c *collection) given(places []place) (more bool) {
	for _, p := range places {
		h := c.entries[p.at]
		e, err := events.ParseEntry(h.Entry)
		if err != nil || e.Kind.Name != "event.disclosed" {
			continue
		}
		if t, ok := proof.HiddenTrailIn(h.Open); ok && t.Events <= maxHidden && !slices.Contains(c.hidden, t) {
			c.hidden, more = append(c.hidden, t), true
		}
	}
	return more
}

// bundle puts everything together and verifies it.
func (c *collection) bundle(ctx context.Context, indexKey note.Verifier) (b proof.Bundle, _ proof.Proven, err error) {
	if err := c.compareIndex(ctx, indexKey); err != nil {
		return b, proof.Proven{}, err
	}
	b = proof.Bundle{Note: c.log.note, Index: c.view.proof}
	var labels []proof.Hash
	for _, tag := range c.wanted() {
		labels = append(labels, proof.TagLabel(tag))
	}
	b.Index.Tags = b.Index.Tags.Show(inOrder(labels), nil)
	positions := slices.Sorted(maps.Keys(c.entries))
	for _, at := range positions {
		b.Entries = append(b.Entries, c.entries[at])
	}
	if b.Nodes, err = c.log.hashes(ctx).ReadHashes(proof.EntryNodes(positions, b.Index.Leaf.Size, c.log.at.Size)); err != nil {
		return b, proof.Proven{}, err
	}
	proven, err := b.Verify(c.Card)
	few := new(proof.QuorumError)
	if lacking := err; errors.As(err, &few) {
		if err = allElse(b, c.Card); err == nil {
			return b, proof.Proven{}, lacking
		}
	}
	if err != nil {
		return b, proof.Proven{}, &Misbehaviour{Said: "what the ledger shows does not add up", Reason: err}
	}
	return b, proven, nil
}

// allElse is what does not hold of a bundle beside that too few cosigned it.
func allElse(b proof.Bundle, card proof.Card) error {
	alike, err := proof.ParsePolicy([]byte(card.Policy)) // with the same witnesses, whose word must be theirs
	if err != nil {
		return err
	}
	alike.Quorum = proof.NoPolicy().Quorum
	card.Policy = alike.Text()
	_, err = b.Verify(card)
	return err
}

// compareIndex holds the index log against what was kept of it.
func (c *collection) compareIndex(ctx context.Context, key note.Verifier) error {
	if c.Held == nil {
		return nil
	}
	now := &files{c.IndexLog, c.view.proof.Note, c.view.at, map[proof.Tile][]byte{}}
	return now.extends(ctx, c.Held.Index.Note, key)
}
