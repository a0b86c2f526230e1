package intake

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// Correct says that the entry at i is wrong, why, one of
// events.CodeAlterationReason, and what is right. Both stay. It concerns whom the
// entry concerns and takes the trails that took it, the hidden one while a seal
// stands; who was erased is not named again.
func (d *Desk) Correct(ctx context.Context, by Reader, i events.Index, reason, statement string) (Said, error) {
	msg, e, err := d.read(ctx, i)
	if err != nil {
		return Said{}, err
	}
	if e.Kind.By == events.RoleLedger || e.Text("source") == LedgerSource && e.Kind.IsData() {
		return Said{}, &events.Problem{Status: 422, Code: "not-corrected", Detail: "the ledger's own entries are not corrected"}
	}
	if err := by.maySpeak(e.Text("organization")); err != nil {
		return Said{}, err
	}
	if _, part := e.Value("subjects.part"); part {
		return Said{}, &events.Problem{Status: 422, Code: "not-corrected", Detail: "this is a part of a bulk event; correct its head"}
	}
	of, unnamed, err := d.identify(msg, e)
	switch {
	case err != nil:
		return Said{}, fmt.Errorf("reading entry %d: %w", i, err)
	case unnamed > 0:
		return Said{}, &events.Problem{Status: 409, Code: "not-kept", Detail: "whom it concerns is not kept any more, and nobody is to be left out"}
	}
	said, err := d.say(ctx, Own{
		Kind: "event.corrected", ID: "correction/" + rand.Text(), Organization: by.Grant.Organization, Time: d.now(), Trails: of.trails,
		Data: events.Object{
			{Name: "corrects", Value: events.String(e.Name().String())},
			{Name: "officer", Value: events.String(by.Name)},
			{Name: "reason", Value: events.String(reason)},
			{Name: "statement", Value: events.String(statement)},
			{Name: "subjects", Value: of.subjects()},
		},
	})
	if err != nil {
		return Said{}, err
	}
	return said[0], nil
}
