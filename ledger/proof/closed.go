package proof

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/events"
)

// MaxFaults is how many faults a closure keeps; the others are counted.
const MaxFaults = 100

// Fault is something at an entry that a closure and the public log do not agree
// about, or that may not be.
type Fault struct {
	At   events.Index
	Says string
}

// Closure checks that every public tag belongs to exactly one trail, and every trail
// to one enrolment, by what the ledger says in confidence and what it published. It
// keeps two bytes an entry, and a hundred or so a trail.
//
// First all lines are taken, then all entries are seen.
type Closure struct {
	size   events.Size
	trails map[TrailName]*closureState
	enrols map[events.Index]*enrolled
	marks  map[events.Index]string // kinds of marks, to be seen
	tags   []uint16                // of each entry

	mu   sync.Mutex // of what is below, labels and marks: entries are seen by several at once
	out  Closed
	seen events.Size
}

type closureState struct {
	at         events.Index // of its first enrolment
	gone       bool         // its label is not told, as the keys are destroyed
	last       uint64       // counter of its last tag
	tagged     events.Index // where that is
	generation uint32
	again      bool // it does not begin with the first generation
	hidden     bool
	over       bool // nothing may follow
	turned     bool // by trail.rotated: an enrolment must follow
}

// enrolled are the trails that the closure has of one enrolment.
type enrolled struct {
	trails int
	labels []Hash // those that are told, by PersonLabel
}

// Closed is what a closure has shown. Its numbers hold if there is no fault.
type Closed struct {
	Size   events.Size
	Tags   uint64
	Trails uint64 // hidden ones among them
	Hidden uint64 // each of a seal of its own
	Lifted uint64 // of the hidden ones: their seal
	Ended  uint64 // by destroyed keys
	Turned uint64 // generations that were rotated
	Unused uint64 // enrolled, and without any tag so far
	Faults []Fault
	More   uint64 // faults beyond MaxFaults
}

// NewClosure is to check a closure over the first size entries.
func NewClosure(size events.Size) *Closure {
	return &Closure{
		size: size, trails: map[TrailName]*closureState{}, enrols: map[events.Index]*enrolled{}, marks: map[events.Index]string{},
		tags: make([]uint16, size),
	}
}

func (c *Closure) fault(at events.Index, format string, args ...any) {
	if len(c.out.Faults) >= MaxFaults {
		c.out.More++
		return
	}
	c.out.Faults = append(c.out.Faults, Fault{at, fmt.Sprintf(format, args...)})
}

// Take takes the next line of the closure, positions ascending.
func (c *Closure) Take(l ClosureLine) {
	for _, e := range l.Enrols {
		c.enrol(l.At, e)
	}
	if len(l.Tags) > 0xffff || uint64(l.At) >= uint64(c.size) {
		c.fault(l.At, "there is no such entry")
		return
	}
	c.tags[l.At] = uint16(len(l.Tags))
	if l.Mark != nil && l.Mark.Kind == "seal.placed" {
		c.hide(l.At, l.Mark.Trail)
	}
	for _, tag := range l.Tags {
		c.tag(l.At, tag)
	}
	if l.Mark != nil {
		c.marks[l.At] = l.Mark.Kind
		c.mark(l)
	}
}

// hide takes what a seal opens, which nothing is in yet.
func (c *Closure) hide(at events.Index, name TrailName) {
	t := c.trails[name]
	switch {
	case t == nil:
		c.fault(at, "the hidden trail of its seal was not enrolled before")
	case t.hidden:
		c.fault(at, "the hidden trail of its seal is that of another seal")
	case t.last > 0:
		c.fault(at, "the hidden trail of its seal had tags before there was a seal")
	default:
		t.hidden = true
		c.out.Hidden++
	}
}

// mark takes what an entry ends, whose tag is the last.
func (c *Closure) mark(l ClosureLine) {
	t := c.trails[l.Mark.Trail]
	if t == nil || t.last == 0 || t.tagged != l.At {
		c.fault(l.At, "it has no tag of the trail that it is about")
		return
	}
	switch l.Mark.Kind {
	case "seal.placed":
	case "seal.lifted":
		if !t.hidden {
			c.fault(l.At, "it lifts the seal of a trail that none hides")
		}
		t.over = true
		c.out.Lifted++
	case "key.shredded":
		t.over = true
		c.out.Ended++
	case "trail.rotated":
		t.turned = true
		c.out.Turned++
	default:
		c.fault(l.At, "no entry of the kind %.40q does anything to a trail", l.Mark.Kind)
	}
}

func (c *Closure) enrol(at events.Index, e ClosureTrail) {
	all := c.enrols[at]
	if all == nil {
		all = &enrolled{}
		c.enrols[at] = all
	}
	all.trails++
	if e.Label != nil {
		all.labels = append(all.labels, PersonLabel(*e.Label))
	}
	t := c.trails[e.Trail]
	switch {
	case e.Generation == 0:
		c.fault(at, "it enrols a generation 0")
	case t == nil:
		t = &closureState{at: at, again: e.Generation > 1}
		c.trails[e.Trail] = t
	case !t.turned || e.Generation != t.generation+1:
		c.fault(at, "it enrols a trail again that was not rotated")
	}
	if t != nil {
		t.turned, t.generation, t.gone = false, e.Generation, e.Label == nil
	}
}

func (c *Closure) tag(at events.Index, tag ClosureTag) {
	c.out.Tags++
	t := c.trails[tag.Trail]
	switch {
	case t == nil:
		c.fault(at, "it has a tag of a trail that was not enrolled before")
	case t.over:
		c.fault(at, "it has a tag of a trail that had ended")
	case t.turned:
		c.fault(at, "it has a tag of a trail that was rotated and not enrolled again")
	case t.last > 0 && t.tagged == at:
		c.fault(at, "two of its tags are of one trail")
	case tag.Counter != t.last+1:
		c.fault(at, "it has tag %d of a trail whose tag before is %d", tag.Counter, t.last)
	}
	if t != nil {
		t.last, t.tagged = max(t.last, tag.Counter), at
	}
}

// See takes an entry of the public log. Several may call it at once, in any order.
func (c *Closure) See(i events.Index, e *events.Entry) {
	if uint64(i) >= uint64(c.size) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	if has, said := len(e.Texts("subjects.tags")), int(c.tags[i]); has != said {
		c.fault(i, "it has %d tags, and the closure knows whose %d of them are", has, said)
	}
	kind, said := c.marks[i]
	switch {
	case Marks(e) != said || said && kind != e.Kind.Name:
		c.fault(i, "it is %s, and the closure says something else of it", e.Kind.Name)
	}
	delete(c.marks, i)
	c.seeEnrolled(i, e)
}

// seeEnrolled holds that the entry enrols as many as the closure has trails of it,
// and that the labels that are told are of them, each once.
func (c *Closure) seeEnrolled(i events.Index, e *events.Entry) {
	has, err := personLabels(e)
	if err != nil {
		c.fault(i, "%v", err)
	}
	all := c.enrols[i]
	if all == nil {
		all = &enrolled{}
	}
	delete(c.enrols, i)
	if len(has) != all.trails {
		c.fault(i, "it enrols %d persons, and the closure has %d trails of it", len(has), all.trails)
	}
	for n, label := range all.labels {
		if !slices.Contains(has, label) || slices.Contains(all.labels[:n], label) {
			c.fault(i, "the closure has a label of it that it does not have, or has it twice")
		}
	}
}

// Finish says what was shown, once every entry was seen.
func (c *Closure) Finish() Closed {
	for at := range c.enrols {
		c.fault(at, "the closure has trails that it enrols, and it is not there")
	}
	for at := range c.marks {
		c.fault(at, "the closure says something of it, and it is not there")
	}
	if c.seen != c.size {
		c.fault(events.Index(c.seen), "%d of %d entries were seen", c.seen, c.size)
	}
	c.out.Size, c.out.Trails = c.size, uint64(len(c.trails))
	again := uint64(0)
	for _, t := range c.trails {
		if t.last == 0 {
			c.out.Unused++
		}
		// A hidden trail begins in the generation that its person has. One without a
		// tag may be hidden by a seal.placed that is just behind the last entry.
		if t.again && !t.hidden && t.last > 0 {
			again++
		}
		if t.gone && !t.over {
			c.fault(t.at, "the keys of a trail that it enrols are gone, and no entry says that they were destroyed; if that was just now, ask again")
		}
	}
	if again > c.out.Ended {
		c.fault(0, "%d trails begin behind destroyed keys, and those of %d were destroyed", again, c.out.Ended)
	}
	slices.SortStableFunc(c.out.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return c.out
}
