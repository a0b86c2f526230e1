package intake

import (
	"context"
	"fmt"
	"maps"

	"github.com/daybook-ledger/daybook/events"
)

// bundle are events that go into the history in one batch or not at all.
type bundle struct {
	allow   func(p *plan) (*events.Problem, error) // by what the writer knows then; nil allows
	size    int
	asked   bool
	problem *events.Problem
}

// sayTogether is Say for events of which none may stand without the others. The
// writer asks allow before the first of them is planned.
func (w *Writer) sayTogether(ctx context.Context, allow func(p *plan) (*events.Problem, error), list ...Own) ([]Outcome, error) {
	together := &bundle{allow: allow, size: len(list)}
	out, err := w.submitted(list)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].together = together
	}
	return w.Submit(ctx, out)
}

// submitted is what the ledger says itself as the queue takes it.
func (w *Writer) submitted(list []Own) ([]Submitted, error) {
	out := make([]Submitted, len(list))
	for i, own := range list {
		e, err := own.event()
		if err != nil {
			return nil, fmt.Errorf("saying %s: %w", own.Kind, err)
		}
		out[i] = Submitted{Event: e, Organization: own.Organization, Size: len(e.Canonical()), Trails: own.Trails}
	}
	return out, nil
}

// whole is how many of the first n in the queue a batch takes, so that no bundle
// is parted. A bundle is far smaller than a batch.
func whole(queue []*waiting, n int) int {
	cut := n
	for cut > 0 && cut < len(queue) && queue[cut].together != nil && queue[cut].together == queue[cut-1].together {
		cut--
	}
	if cut == 0 {
		return n
	}
	return cut
}

// judge decides, when the first of its events is met, whether a bundle can go into
// the history whole: none of it was answered before, it is allowed, and each of it
// can be planned after the ones before it.
func (w *Writer) judge(p *plan, b *bundle, fresh []*waiting, people [][]Subject) error {
	b.asked = true
	n := 0
	for _, item := range fresh {
		if item.together == b {
			n++
		}
	}
	if n != b.size {
		b.problem = &events.Problem{Status: 409, Code: "conflict", Detail: "something else was recorded in the meantime; look again"}
		return nil
	}
	var err error
	if b.allow != nil {
		if b.problem, err = b.allow(p); b.problem != nil || err != nil {
			return err
		}
	}
	rehearsal := p.copied()
	for i, item := range fresh {
		if item.together != b {
			continue
		}
		if err := w.add(rehearsal, item, people[i]); err != nil {
			return err
		}
		if item.finished {
			b.problem = item.outcome.Problem
			return nil
		}
	}
	return nil
}

// copied is p with nothing in its batch, to try what can be added to it.
func (p *plan) copied() *plan {
	return &plan{
		now: p.now, tags: maps.Clone(p.tags), known: maps.Clone(p.known), zones: maps.Clone(p.zones),
		seals: maps.Clone(p.seals), heads: maps.Clone(p.heads), parts: maps.Clone(p.parts),
	}
}

// refuses answers an event whose bundle cannot go in.
func (w *Writer) refuses(p *plan, item *waiting, fresh []*waiting, people [][]Subject) (bool, error) {
	b := item.together
	if b == nil {
		return false, nil
	}
	if !b.asked {
		if err := w.judge(p, b, fresh, people); err != nil {
			return false, err
		}
	}
	if b.problem == nil {
		return false, nil
	}
	item.finish(refused(b.problem))
	return true, nil
}
