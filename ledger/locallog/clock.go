package locallog

import (
	"math"
	"time"

	"github.com/google/trillian/util/clock"
)

// forwardClock is the time Trillian sees. Its sequencer refuses a root that is
// not younger than the last one, so a wall clock set back would halt the log
// for as long as the step was wide; here time stands a nanosecond after the
// last root instead.
type forwardClock struct {
	now  func() time.Time
	last func() int64 // the last root's time, nanoseconds since 1970
}

// Now is the later of the clock and one nanosecond after the last root. A
// clock outside the years that nanoseconds since 1970 can say counts as early.
func (c forwardClock) Now() time.Time {
	now, earliest := c.now(), time.Unix(0, c.last()+1)
	if now.Before(earliest) || now.After(time.Unix(0, math.MaxInt64)) {
		return earliest
	}
	return now
}

// NewTimer runs on the real clock: nothing here waits by it.
func (c forwardClock) NewTimer(d time.Duration) clock.Timer {
	return clock.System.NewTimer(d)
}
