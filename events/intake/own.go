package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Own is an event the ledger says itself, such as emitter.onboarded.
type Own struct {
	Kind         string
	ID           string // saying it again adds nothing
	Organization string // that it is about
	Time         time.Time
	Data         events.Object
	Trails       []events.Handle // see Submitted
}

// Say submits what the ledger says itself, and waits as Submit does. It goes
// the way of every event, under a source no token has.
func (w *Writer) Say(ctx context.Context, list ...Own) ([]Outcome, error) {
	out, err := w.submitted(list)
	if err != nil {
		return nil, err
	}
	return w.Submit(ctx, out)
}

func (o Own) event() (*events.Event, error) {
	e, err := events.CheckEvent(events.Nested(events.Object{
		{Name: "data", Value: events.Nested(o.Data)},
		{Name: "id", Value: events.String(o.ID)},
		{Name: "source", Value: events.String(LedgerSource)},
		{Name: "specversion", Value: events.String("1.0")},
		{Name: "time", Value: events.String(events.FormatInstant(o.Time))},
		{Name: "type", Value: events.String(events.TypePrefix + o.Kind + events.TypeSuffix)},
	}))
	if err != nil {
		return nil, err
	}
	switch {
	case len(e.Kind.Fields) == 0, e.Kind.By != events.RoleLedger && e.Kind.By != events.Officer && o.Kind != "data.deleted":
		return nil, fmt.Errorf("the ledger does not say this kind")
	}
	if !e.Kind.Whole && !events.IsReference(o.Organization) {
		return nil, fmt.Errorf("%q is no organization", o.Organization)
	}
	return e, nil
}
