package projections

import (
	"fmt"

	"github.com/daybook-ledger/daybook/events"
)

// LongRun is the number of consecutive local days that rule 8 asks about.
const LongRun = 5

// actorDay is one local day on which an actor used data. Of a run of days, the
// first and the last also know where it begins and ends; what the days between
// say of that is out of date.
type actorDay struct {
	position    events.Index // of the first entry
	first, last string
}

func (d actorDay) append(dst []byte) []byte {
	return append(append(number(dst, d.position), d.first...), d.last...)
}

func parseActorDay(b []byte) (actorDay, error) {
	const n = len("2006-01-02")
	if len(b) != 8+2*n {
		return actorDay{}, fmt.Errorf("reading an actor's day: it has %d bytes", len(b))
	}
	p, _ := positionAfter(b[:8], 0)
	return actorDay{p, string(b[8 : 8+n]), string(b[8+n:])}, nil
}

// foldPattern is rule 8: one finding for each actor and maximal run of
// consecutive local days. A day may join two runs, come late, or both: then the
// run that now begins earlier is a finding no more, and its days belong to the
// other.
func foldPattern(o *observation) error {
	actor, day := o.m.fold.Actor, o.m.fold.Day
	if actor == "" || !o.e.Kind.IsData() {
		return nil
	}
	if _, ok := dayOn(day); !ok {
		return fmt.Errorf("reading a local day: it is %q", day)
	}
	days := part(actorPrefix, o.organization, actor)
	if _, known, err := o.actorDay(days, day); known || err != nil {
		return err
	}
	run := actorDay{o.m.position, day, day}
	before, hasBefore, err := o.actorDay(days, addDays(day, -1))
	if err != nil {
		return err
	}
	after, hasAfter, err := o.actorDay(days, addDays(day, 1))
	if err != nil {
		return err
	}
	if hasBefore {
		run.first = before.first
	}
	if hasAfter {
		run.last = after.last
		o.run(actor, addDays(day, 1), after.last, false)
	}
	o.b.put(append(days[:len(days):len(days)], day...), run.append(nil))
	for _, end := range []string{run.first, run.last} {
		d, _, err := o.actorDay(days, end)
		if err != nil {
			return err
		}
		d.first, d.last = run.first, run.last
		o.b.put(append(days[:len(days):len(days)], end...), d.append(nil))
	}
	o.run(actor, run.first, run.last, true)
	return nil
}

func (o *observation) actorDay(days []byte, day string) (actorDay, bool, error) {
	value, err := o.b.get(append(days[:len(days):len(days)], day...))
	if err != nil || value == nil {
		return actorDay{}, false, err
	}
	d, err := parseActorDay(value)
	return d, err == nil, err
}

// run notes that days are a maximal run, or no longer one. Short ones are no
// finding.
func (o *observation) run(actor, first, last string, is bool) {
	n := daysFrom(first, last)
	if n < LongRun {
		return
	}
	f := finding{rule: RulePattern, code: "consecutive-days", evidence: texts("actor", actor)}
	state := noted{f.code, first, last, int64(n), f.evidence}
	if !is {
		state = noted{code: f.code}
	}
	o.b.note(f.key(o.organization, f.id(o.organization, []byte(first)...)), o.m.position, state)
}

// daysFrom counts the days from … to, both included.
func daysFrom(first, last string) int {
	from, _ := dayOn(first)
	to, _ := dayOn(last)
	return int(to.Sub(from).Hours()/24) + 1
}

// locateRun fills in the first entry of each day of a run.
func (r Reader) locateRun(f *Finding) error {
	days := part(actorPrefix, f.Organization, f.Evidence["actor"])
	for i, day := 0, f.FirstDay; day != "" && day <= f.LastDay; i, day = i+1, addDays(day, 1) {
		value, err := r.get(append(days[:len(days):len(days)], day...))
		if err != nil {
			return fmt.Errorf("reading a run of days: %w", err)
		}
		d, err := parseActorDay(value)
		if err != nil {
			return err
		}
		if i == 0 {
			f.First, f.Last = d.position, d.position
		}
		f.First, f.Last = min(f.First, d.position), max(f.Last, d.position)
		if i < MaxPositions {
			f.Positions = append(f.Positions, d.position)
		}
	}
	return nil
}
