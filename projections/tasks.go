package projections

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// Task is to tell a recipient of data about somebody that it was erased here.
type Task struct {
	Organization string           // that shared, and has to tell
	Request      events.EventName // that was granted
	Recipient    string           // "?" for those that no register knew
	Shares       int              // how many
	First        events.Index     // the first of them
	Opened       events.Index     // the request.decided
	Closed       *events.Index    // what says that the recipient knows
}

func appendTo(b *batch, key, more []byte) error {
	value, err := b.get(key)
	if err == nil {
		b.put(key, append(bytes.Clone(value), more...))
	}
	return err
}

// trailsOfHer are the handles of a person's own trail and of her hidden ones.
func trailsOfHer(b *batch, her events.Handle) ([]events.Handle, error) {
	value, err := b.get(append([]byte(hiddenTrailsOf), her[:]...))
	out := []events.Handle{her}
	for ; len(value) >= len(her); value = value[len(her):] {
		out = append(out, events.Handle(value))
	}
	return out, err
}

func forgetShares(b *batch, her events.Handle) error {
	trails, err := trailsOfHer(b, her)
	for _, h := range trails {
		b.remove(append([]byte(sharedOf), h[:]...))
	}
	b.remove(append([]byte(hiddenTrailsOf), her[:]...))
	return err
}

// sharedWith is one recipient of a person's data.
type sharedWith struct {
	organization, recipient string
	count, first            int64
}

func (s sharedWith) value() events.Value {
	return events.Nested(events.Object{
		{Name: "count", Value: events.Integer(s.count)},
		{Name: "first", Value: events.Integer(s.first)},
		{Name: "organization", Value: events.String(s.organization)},
		{Name: "recipient", Value: events.String(s.recipient)},
	})
}

func sharesAt(b *batch, h events.Handle) ([]sharedWith, error) {
	value, err := b.get(append([]byte(sharedOf), h[:]...))
	if err != nil || value == nil {
		return nil, err
	}
	v, err := events.ParseValue(value)
	if err != nil {
		return nil, fmt.Errorf("reading a view's value: %w", err)
	}
	out := make([]sharedWith, len(v.Items()))
	for i, item := range v.Items() {
		s := values{item.Object()}
		out[i] = sharedWith{s.text("organization"), s.text("recipient"), s.number("count"), s.number("first")}
	}
	return out, nil
}

func addShare(b *batch, m *message, h events.Handle) error {
	list, err := sharesAt(b, h)
	if err != nil {
		return err
	}
	list = merged(list, sharedWith{m.entry.Text("organization"), m.entry.Text("recipient"), 1, int64(m.position)})
	out := make([]events.Value, len(list))
	for i, s := range list {
		out[i] = s.value()
	}
	b.put(append([]byte(sharedOf), h[:]...), events.List(out...).Append(nil))
	return nil
}

// merged adds to the recipient that is the same.
func merged(list []sharedWith, s sharedWith) []sharedWith {
	for i := range list {
		if x := &list[i]; x.organization == s.organization && x.recipient == s.recipient {
			x.count, x.first = x.count+s.count, min(x.first, s.first)
			return list
		}
	}
	return append(list, s)
}

// openTasks asks that everybody be told who was given data of the person erased.
func openTasks(b *batch, m *message) error {
	trails, err := trailsOfHer(b, m.fold.Persons[0].Handle)
	if err != nil {
		return err
	}
	var all []sharedWith
	for _, h := range trails {
		list, err := sharesAt(b, h)
		if err != nil {
			return err
		}
		for _, s := range list {
			all = merged(all, s)
		}
	}
	request := m.entry.Text("about")
	tellers := []string{}
	for _, s := range all {
		if s.recipient == s.organization {
			continue // it gave it to itself
		}
		state := events.Object{
			{Name: "count", Value: events.Integer(s.count)},
			{Name: "first", Value: events.Integer(s.first)},
			{Name: "opened", Value: events.Integer(int64(m.position))},
		}
		b.setLatest(part(taskPrefix, s.organization, request, s.recipient), m.position, state.Append(nil))
		if !slices.Contains(tellers, s.organization) {
			tellers = append(tellers, s.organization)
		}
	}
	b.put([]byte(decidedPrefix+m.entry.Text("event")), []byte(strings.Join(append([]string{request}, tellers...), " ")))
	return nil
}

// closeBy closes what the recipient itself answers, by naming the decision that it
// was told of.
func closeBy(b *batch, m *message, counterpart string) error {
	value, err := b.get([]byte(decidedPrefix + counterpart))
	if err != nil || value == nil {
		return err
	}
	of := strings.Split(string(value), " ")
	for _, teller := range of[1:] {
		if err := closeTask(b, m, teller, of[0], m.entry.Text("organization")); err != nil {
			return err
		}
	}
	return nil
}

func closeTask(b *batch, m *message, organization, request, recipient string) error {
	key := part(taskPrefix, organization, request, recipient)
	value, err := b.lastOf(key)
	if err != nil || value == nil {
		return err
	}
	s, err := stored(value)
	if err != nil || s.position("closed") != nil {
		return err
	}
	b.setLatest(key, m.position, s.With("closed", events.Integer(int64(m.position))).Append(nil))
	return nil
}

// Tasks are whom an organization, any where it is "", has to tell of an erasure, or
// had to: open ones first, the oldest first.
func (r Reader) Tasks(organization string) (out []Task, err error) {
	done, err := r.useOfficers()
	if err != nil {
		return nil, err
	}
	defer done()
	prefix, whose, depth, ok := byOrganization(taskPrefix, organization, 3)
	if !ok {
		return nil, nil
	}
	err = r.latest(prefix, depth, func(key, value []byte) error {
		s, err := stored(value)
		if err != nil {
			return err
		}
		of := strings.Split(whose+string(key), "\x00")
		name, _ := events.ParseEventName(of[1])
		out = append(out, Task{
			Organization: of[0], Request: name, Recipient: of[2], Shares: int(s.number("count")), First: events.Index(s.number("first")),
			Opened: events.Index(s.number("opened")), Closed: s.position("closed"),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading whom to tell: %w", err)
	}
	slices.SortStableFunc(out, func(a, b Task) int {
		return cmp.Or(cmp.Compare(btoi(a.Closed != nil), btoi(b.Closed != nil)), cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.Recipient, b.Recipient))
	})
	return out, nil
}
