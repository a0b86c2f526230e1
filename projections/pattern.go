package projections

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/events"
)

// What rule 8 asks about.
const (
	LongRun       = 5  // consecutive local days
	NightFrom     = 22 // the local hour off hours begin with
	NightUntil    = 6  // the one they end before
	HabitDays     = 10 // days that make working by day a habit: two working weeks
	HabitPerNight = 5  // such days for each night, or nights are a habit too
	BurstUses     = 30 // uses within one local hour
)

// The codes of rule 8.
const (
	codeRun      = "run"
	codeOffHours = "off-hours"
	codeBurst    = "burst"
)

const (
	actorPrefix = "fd" // an actor's days
	habitPrefix = "fh" // on how many of them by day and by night
	hourPrefix  = "fb" // uses within an hour
)

// foldPattern is rule 8. What a machine did on its own has no pattern of work.
func foldPattern(o *observation) error {
	actor, day := o.m.fold.Actor, o.m.fold.Day
	if actor == "" || !o.e.Kind.IsData() || o.e.Text("automation") == "automated" {
		return nil
	}
	if _, ok := dayOn(day); !ok {
		return fmt.Errorf("reading a local day: it is %q", day)
	}
	for _, fold := range []func(actor, day string) error{o.foldRun, o.foldHabit, o.foldBurst} {
		if err := fold(actor, day); err != nil {
			return err
		}
	}
	return nil
}

// foldHabit is the part of rule 8 about off hours: a use at night by who until
// then has worked by day on at least HabitDays days, and on HabitPerNight of them
// for each with a use at night. So night shifts are none. One finding for each
// actor. It is judged by what the log had before, whatever comes later.
func (o *observation) foldHabit(actor, on string) error {
	days := part(actorPrefix, o.organization, actor)
	d, _, err := o.actorDay(days, on)
	if err != nil {
		return err
	}
	key := part(habitPrefix, o.organization, actor)
	value, err := o.b.get(key)
	if err != nil {
		return err
	}
	h := habit{}
	if value != nil {
		if h, err = parseHabit(value); err != nil {
			return err
		}
	}
	light := byDay
	if hour := o.m.fold.Hour; hour >= NightFrom || hour < NightUntil {
		light = byNight
	}
	if d.light&light == 0 {
		d.light |= light
		h[light-1]++
		o.b.put(append(days[:len(days):len(days)], on...), d.append(nil))
		o.b.put(key, h.append(nil))
	}
	if light == byNight && h[byDay-1] >= HabitDays && h[byNight-1]*HabitPerNight <= h[byDay-1] {
		return o.found(finding{rule: RulePattern, code: codeOffHours, evidence: texts("actor", actor)})
	}
	return nil
}

// When on a day an actor used data; bits.
const (
	byDay   byte = 1
	byNight byte = 2
)

// habit counts the days on which an actor used data by day, and by night.
type habit [2]uint64

func (h habit) append(dst []byte) []byte {
	return strconv.AppendUint(append(strconv.AppendUint(dst, h[0], 10), ' '), h[1], 10)
}

func parseHabit(b []byte) (h habit, err error) {
	day, night, _ := strings.Cut(string(b), " ")
	for i, text := range []string{day, night} {
		if h[i], err = strconv.ParseUint(text, 10, 64); err != nil {
			return h, fmt.Errorf("reading an actor's habit: %w", err)
		}
	}
	return h, nil
}

// foldBurst is the part of rule 8 about hours with at least BurstUses uses: one
// finding for each actor, to which the use counts that fills an hour.
func (o *observation) foldBurst(actor, on string) error {
	key := fmt.Appendf(part(hourPrefix, o.organization, actor), "%s%02d", on, o.m.fold.Hour)
	uses, err := o.b.get(key)
	if err != nil {
		return err
	}
	n := byte(1)
	if len(uses) == 1 {
		n = min(uses[0], BurstUses) + 1 // what goes beyond is not counted
	}
	o.b.put(key, []byte{n})
	if n != BurstUses {
		return nil
	}
	return o.found(finding{rule: RulePattern, code: codeBurst, evidence: texts("actor", actor)})
}

// actorDay is one local day on which an actor used data. Of a run of days, the
// first and the last also know where it begins and ends; what the days between
// say of that is out of date.
type actorDay struct {
	position    events.Index // of the first entry
	light       byte         // byDay, byNight or both
	first, last string
}

func (d actorDay) append(dst []byte) []byte {
	return append(append(append(number(dst, d.position), d.light), d.first...), d.last...)
}

func parseActorDay(b []byte) (actorDay, error) {
	const n = len("2006-01-02")
	if len(b) != 9+2*n {
		return actorDay{}, fmt.Errorf("reading an actor's day: it has %d bytes", len(b))
	}
	p, _ := positionAfter(b[:8], 0)
	return actorDay{p, b[8], string(b[9 : 9+n]), string(b[9+n:])}, nil
}

// foldRun is the part of rule 8 about consecutive days: one finding for each
// actor and maximal run of them. A day may join two runs, come late, or both:
// then the run that now begins earlier is a finding no more, and its days belong
// to the other.
func (o *observation) foldRun(actor, day string) error {
	days := part(actorPrefix, o.organization, actor)
	if _, known, err := o.actorDay(days, day); known || err != nil {
		return err
	}
	run := actorDay{o.m.position, 0, day, day}
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
	f := finding{rule: RulePattern, code: codeRun, evidence: texts("actor", actor)}
	state := &noted{f.code, first, last, int64(n), f.evidence}
	if !is {
		state = &noted{code: f.code}
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
