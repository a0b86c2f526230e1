package intake

import (
	"context"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// bundle are events that go into the history in one batch or not at all.
type bundle struct {
	allow   func(p *plan) (*events.Problem, error) // by what the writer knows then; nil allows
	asked   bool
	problem *events.Problem
}

// sayTogether is Say for events of which none may stand without the others. The
// writer asks allow before the first of them is planned.
func (w *Writer) sayTogether(ctx context.Context, allow func(p *plan) (*events.Problem, error), list ...Own) ([]Outcome, error) {
	together := &bundle{allow: allow}
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

// refuses answers an event whose bundle is not allowed.
func (w *Writer) refuses(p *plan, item *waiting) (bool, error) {
	b := item.together
	if b == nil {
		return false, nil
	}
	if !b.asked && b.allow != nil {
		var err error
		if b.problem, err = b.allow(p); err != nil {
			return false, err
		}
	}
	b.asked = true
	if b.problem == nil {
		return false, nil
	}
	item.finish(refused(b.problem))
	return true, nil
}
