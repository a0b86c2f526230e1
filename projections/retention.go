package projections

import (
	"cmp"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/events"
)

// Retention is what was ordered and done about one dataset's age.
type Retention struct {
	Dataset         string
	Organization    string // that registered the dataset first
	Period          string // ISO 8601
	Trigger, Method string // "" when the rule does not say
	Set             events.Index
	Since           string        // first day of the dataset's collections and of the rule
	Deleted         string        // latest day of a deletion, "" before the first
	DeletedBy       *events.Index // its entry
	Deletions       uint64
	Due             string // day by which the next deletion must have happened, "" when none is due any more
	Status          DeletionStatus
}

// DeletionStatus is how a dataset stands on a day.
type DeletionStatus string

// A dataset is done when it was deleted from and the next deletion lies ahead,
// due when the first lies ahead or one falls on the day, overdue when a day has
// passed by which there had to be one. It is untold when the rule counts from a
// moment that no entry tells, as the end of a case.
const (
	Done    DeletionStatus = "done"
	Due     DeletionStatus = "due"
	Overdue DeletionStatus = "overdue"
	Untold  DeletionStatus = "untold"
)

const retentionPrefix = "dr"

// foldRetention keeps how a dataset stands after each entry that changes it. Only
// the organization counts that registered it first: no other can set its rule,
// clear what is overdue or end it, and a deletion that a processor carried out is
// its controller's to say. Of deletions only those count that meet a rule: one
// person's, whose dataset is private besides, and the undoing of an error do not.
func foldRetention(b *batch, m *message) error {
	change := retentionChange(m)
	dataset := m.entry.Text("dataset")
	if change == nil || isPart(m.entry) || dataset == "" || dataset == events.Unknown {
		return nil
	}
	prefix := part(retentionPrefix, dataset)
	before, err := b.lastOf(prefix)
	if err != nil {
		return err
	}
	s := values{}
	if before != nil {
		if s, err = stored(before); err != nil {
			return err
		}
	}
	by := m.entry.Text("organization")
	if before == nil && m.entry.Kind.Effect == events.Begins {
		s.Object = texts("organization", by)
	}
	if s.text("organization") != by {
		return nil
	}
	if o := change(s); string(o.Append(nil)) != string(before) {
		b.setLatest(prefix, m.position, o.Append(nil))
	}
	return nil
}

// retentionChange is what m does to how its dataset stands, nil for nothing.
func retentionChange(m *message) func(values) events.Object {
	e := m.entry
	switch {
	case e.Kind.Name == "retention.set":
		return func(s values) events.Object { return ruled(s, m) }
	case e.Kind.Name == "data.deleted":
		if t := e.Text("trigger"); t == "person-request" || t == "error" {
			return nil
		}
		return func(s values) events.Object { return deleted(s, m) }
	case e.Kind.Name == "data.collected":
		return func(s values) events.Object { return seen(s, dayOf(e)) }
	case e.Kind.Object != "dataset":
		return nil
	case e.Kind.Effect == events.Begins:
		return func(s values) events.Object { return s.say("ended", "") }
	case e.Kind.Effect == events.Ends:
		return func(s values) events.Object { return s.say("ended", cmp.Or(e.Text("on"), dayOf(e))) }
	}
	return nil
}

func ruled(s values, m *message) events.Object {
	o := seen(s, dayOf(m.entry))
	for _, name := range []string{"method", "period", "trigger"} {
		o = values{o}.say(name, m.entry.Text(name))
	}
	return o.With("set", events.Integer(int64(m.position)))
}

func deleted(s values, m *message) events.Object {
	o := s.With("deletions", events.Integer(s.number("deletions")+1))
	if on := dayOf(m.entry); on >= s.text("deleted") {
		o = o.With("deleted", events.String(on)).With("deletedBy", events.Integer(int64(m.position)))
	}
	return o
}

// seen notes the first day of which anything is known.
func seen(s values, on string) events.Object {
	if since := s.text("since"); since != "" && since <= on {
		return s.Object
	}
	return s.With("since", events.String(on))
}

// Retention is every dataset with a rule, sorted by name, as it stands on the day
// that it is at asOf in the time zone of the dataset's organization.
//
// What is kept is not listed anywhere, so a deletion counts for all that was then
// old enough, and the next is due one period after it: by then what was collected
// on that day is too old for certain. Before the first deletion the period counts
// from the first day of a collection, or of the rule where none came before. A
// deletion after the dataset ended is the last.
func (r Reader) Retention(asOf time.Time) ([]Retention, error) {
	done, err := r.v.use()
	if err != nil {
		return nil, err
	}
	defer done()
	out, err := r.retention(r.calendar(asOf))
	if err != nil {
		return nil, fmt.Errorf("reading the retention of datasets: %w", err)
	}
	return out, nil
}

func (r Reader) retention(days calendar) (out []Retention, err error) {
	err = r.latest([]byte(retentionPrefix), 1, func(key, value []byte) error {
		s, err := stored(value)
		if err != nil || s.text("period") == "" {
			return err
		}
		today, err := days.today(s.text("organization"))
		if err == nil {
			out = append(out, s.retention(string(key[:len(key)-1]), today))
		}
		return err
	})
	return out, err
}

func (v values) retention(dataset, today string) Retention {
	r := Retention{
		Dataset: dataset, Organization: v.text("organization"), Period: v.text("period"), Trigger: v.text("trigger"),
		Method: v.text("method"), Set: events.Index(v.number("set")), Since: v.text("since"),
		Deleted: v.text("deleted"), Deletions: uint64(v.number("deletions")),
	}
	if r.Deleted != "" {
		by := events.Index(v.number("deletedBy"))
		r.DeletedBy = &by
	}
	from, ok := dayOn(cmp.Or(r.Deleted, r.Since))
	told := r.Trigger == "" || r.Trigger == "collection"
	last := v.text("ended") != "" && r.Deleted >= v.text("ended")
	if due, fits := later(from, r.Period); ok && fits && told && !last {
		r.Due = due.Format(time.DateOnly)
	}
	switch {
	case !told:
		r.Status = Untold
	case r.Due != "" && r.Due < today:
		r.Status = Overdue
	case r.Due == today || r.Deleted == "":
		r.Status = Due
	default:
		r.Status = Done
	}
	return r
}
